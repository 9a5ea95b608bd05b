"""Machines as users have them: fresh environments, plain pip, a copy of the repository."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[2]
XTCOCOTOOLS = "xtcocotools==1.14.3"
# Its wheel was built against numpy 1; its source declares nothing of what it is built with.
XTCOCOTOOLS_IS_BUILT_WITH = ("numpy", "cython", "setuptools<81", "wheel")
# Run in a fresh environment: what FiftyOne's own loader makes of its plugins directory.
LOAD_PLUGINS = """
import json
import fiftyone.plugins as fop
from fiftyone.plugins.context import PluginContext
found = []
for definition in fop.list_plugins(builtin=False):
    context = PluginContext(definition)
    context.register_all()
    found.append({
        "directory": definition.directory,
        "errors": context.errors,
        "declared": sorted(definition.operators),
        "operators": sorted(operator.name for operator in context.instances),
        "icons": [operator.config.icon for operator in context.instances if operator.config.icon],
    })
print(json.dumps(found))
"""
# ... and what the form of `estimate_poses` says before it looks at any dataset.
SHOW_FORM = """
import fiftyone.plugins as fop
from fiftyone.plugins.context import PluginContext
context = PluginContext(fop.list_plugins(builtin=False)[0])
context.register_all()
(operator,) = [operator for operator in context.instances if operator.name == "estimate_poses"]
print(operator.resolve_input(None).to_json())
"""


class Environment:
    """A Python environment and what a user's shell in it would know.

    Args:
        folder: Where it is.
        variables: Its environment variables.
    """

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.variables = {**variables, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}

    def run(self, *command: str | Path, fails: bool = False, **variables: str) -> str:
        """Run a command far from the repository; give what it writes, both streams together.

        An empty variable is taken away.
        """
        env = {name: value for name, value in {**self.variables, **variables}.items() if value}
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert bool(done.returncode) is fails, done.stdout[-4000:]
        return done.stdout

    def pip_install(self, *arguments: str | Path, **variables: str) -> None:
        """Install with plain pip; Python compiles what is imported, and not all 3 GB of it."""
        self.run(self.python, "-m", "pip", "install", "--quiet", "--no-compile", *arguments, **variables)

    def loaded_plugin(self) -> dict[str, Any]:
        """Give what FiftyOne's loader makes of the one plugin that it finds."""
        (plugin,) = json.loads(self.run(self.python, "-c", LOAD_PLUGINS).splitlines()[-1])
        return plugin

    def installed_packages(self) -> dict[str, str]:
        """Give the version of each package in it."""
        code = (
            "import importlib.metadata, json; "
            "print(json.dumps({d.name: d.version for d in importlib.metadata.distributions()}))"
        )
        return json.loads(self.run(self.python, "-c", code))

    def site_packages(self) -> Path:
        """Give where its packages are."""
        return Path(
            self.run(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        )


@pytest.fixture(scope="module")
def make_environment(
    tmp_path_factory: pytest.TempPathFactory, real_home: Path
) -> Iterator[Callable[[str], Environment]]:
    """Make a fresh environment with pip in it and nothing else, and a plugins directory of its own.

    It goes with the module: pytest would keep its 6 GB.
    """
    yield from _environment_maker(tmp_path_factory, real_home)


@pytest.fixture(scope="session")
def xtcocotools(tmp_path_factory: pytest.TempPathFactory, real_home: Path) -> Iterator[Environment]:
    """An environment with xtcocotools, which has to be built from source."""
    if sys.version_info >= (3, 13):
        pytest.skip("xtcocotools does not build on Python 3.13")
    maker = _environment_maker(tmp_path_factory, real_home)
    environment = next(maker)("xtcocotools")
    environment.pip_install(*XTCOCOTOOLS_IS_BUILT_WITH, "matplotlib")
    environment.pip_install("--no-build-isolation", "--no-deps", "--no-binary", "xtcocotools", XTCOCOTOOLS)
    yield environment
    maker.close()


def _environment_maker(
    tmp_path_factory: pytest.TempPathFactory, real_home: Path
) -> Generator[Callable[[str], Environment], None, None]:
    made_folders: list[Path] = []

    def make(name: str) -> Environment:
        folder = tmp_path_factory.mktemp(name)
        made_folders.append(folder)
        variables = {
            **os.environ,
            "HOME": str(real_home),  # pip's settings and cache
            "FIFTYONE_PLUGINS_DIR": str(folder / "plugins"),
        }
        for unwanted in ("VIRTUAL_ENV", "PYTHONPATH", "UV"):
            variables.pop(unwanted, None)
        environment = Environment(folder, variables)
        base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        made = subprocess.run([base, "-m", "venv", folder], capture_output=True, text=True, check=False)
        if made.returncode:
            # A Debian without python3-venv cannot make one; CI has to.
            stop = pytest.fail if os.environ.get("CI") else pytest.skip
            stop(f"no plain environment can be made with {base}: {made.stdout}")
        return environment

    try:
        yield make
    finally:
        for folder in made_folders:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def repository_copy() -> Callable[[Path], Path]:
    """Copy what a download of this repository holds: no .git, nothing that git ignores."""

    def copy(destination: Path) -> Path:
        if not (REPOSITORY / ".git").exists():
            pytest.skip("not a git checkout: there is no list of the repository's files")
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            if (REPOSITORY / name).is_file():
                (destination / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, destination / name)
        return destination

    return copy


def lend_packages(site_packages: Path, names: Iterable[str]) -> None:
    """Put packages of this environment, and what they require, into another as installers would.

    That spares a second download of torch's 3 GB. Files are linked, not copied, where that is possible.
    """
    waiting, seen = [Requirement(name) for name in names], set()
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        distribution = importlib.metadata.distribution(wanted.name)
        for required in map(Requirement, distribution.requires or []):
            marker = required.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *wanted.extras}):
                waiting.append(required)
        for file in distribution.files or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                _link_or_copy(Path(str(file.locate())), site_packages / file)


def _link_or_copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return  # a package that pip brought before
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)

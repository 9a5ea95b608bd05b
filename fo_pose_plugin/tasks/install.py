"""Brings what poses need into the running interpreter's environment, and tells what is missing.

What is installed already is not touched: torch and FiftyOne are chosen by who made the environment. Needs
nothing but the standard library to be imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from fo_pose_plugin.errors import InstallationError
from fo_pose_plugin.tasks.environment.checks import Check
from fo_pose_plugin.tasks.environment.checks import check_environment as _check_environment
from fo_pose_plugin.tasks.environment.mongod import (
    WITHOUT_DOWNLOAD,
    bring_mongod,
    mongod_path,
    mongod_problem,
)
from fo_pose_plugin.tasks.environment.plugin_directory import fiftyone_setting, link_plugin, plugin_source
from fo_pose_plugin.tasks.environment.requirements import (
    EXTRAS,
    installed_packages,
    installed_version,
    missing_extra,
    missing_harmless,
    missing_openmmlab,
    openmmlab_to_install,
)

__all__ = ["EXTRAS", "Check", "check_environment", "install", "install_command", "missing_openmmlab"]

CLI = Path(__file__).resolve().parents[1] / "cli.py"


def check_environment() -> list[Check]:
    """Look at everything that poses need: seconds where something is missing, a minute where nothing is."""
    importlib.invalidate_caches()
    return _check_environment(install_command())


def install_command() -> str:
    """Give the command line that brings what is missing into the running interpreter's environment."""
    if installed_version("fo-pose-plugin") is None:
        return shlex.join([sys.executable, str(CLI), "install"])
    script = Path(sys.executable).parent / "fo-pose"
    on_path = shutil.which("fo-pose")
    is_same = on_path is not None and Path(on_path).resolve() == script.resolve()
    return "fo-pose install" if is_same else shlex.join([str(script), "install"])


def install(
    say: Callable[[str], None], *, link: bool = True, dry_run: bool = False, extras: Sequence[str] = ()
) -> list[Check]:
    """Link the plugin into FiftyOne, install what is missing, and look at the result.

    Args:
        say: Told, line by line, what is done; the installer itself writes to the standard output.
        link: Whether to make the plugin known to FiftyOne.
        dry_run: Whether only to tell what would be done.
        extras: What some models need besides: names of `EXTRAS`.

    Returns:
        What was found in the end, as `check_environment`; nothing for a dry run.

    Raises:
        InstallationError: If a step cannot be done; it says which, and what to do.
    """
    run_pip = _Installer(say, dry_run=dry_run)
    if link:
        link_plugin(say, dry_run=dry_run)
    missing = missing_harmless()
    if missing:
        _install_missing(run_pip, missing)
    openmmlab = openmmlab_to_install()
    if openmmlab:
        run_pip("--no-deps", *openmmlab)
    wanted = [line for extra in extras for line in missing_extra(extra)]
    if wanted:
        _install_missing(run_pip, wanted)
    importlib.invalidate_caches()
    if not fiftyone_setting("database_uri"):
        mongod = mongod_path()
        if dry_run and (mongod is None or mongod_problem(mongod)):
            say("would bring a database server for FiftyOne")
        elif mongod is None or mongod_problem(mongod):
            bring_mongod(run_pip, say)
    return [] if dry_run else check_environment()


def _install_missing(run_pip: _Installer, missing: list[str]) -> None:
    """Install packages under the condition that those which are there stay as they are."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "installed.txt"
        lines = [f"{name}=={version}\n" for name, version in sorted(installed_packages().items())]
        kept.write_text("".join(lines), encoding="utf-8")
        run_pip("--constraint", str(kept), *missing, env=WITHOUT_DOWNLOAD)


class _Installer:
    """Runs pip, or uv in an environment without pip, for the running interpreter."""

    def __init__(self, say: Callable[[str], None], *, dry_run: bool) -> None:
        self._say = say
        self._dry_run = dry_run

    def __call__(
        self, *arguments: str, env: dict[str, str] | None = None, timeout: float | None = None
    ) -> None:
        """Install what the arguments say.

        Raises:
            InstallationError: If it fails; what it says itself is on the screen.
        """
        command = [*_installer_command(), *arguments]
        shown = shlex.join(command)
        self._say(f"{'would run' if self._dry_run else 'running'}: {shown}")
        if self._dry_run:
            return
        try:
            code = subprocess.call(command, env={**os.environ, **(env or {})}, timeout=timeout)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InstallationError(f"`{shown}` did not end well: {error}") from error
        if code:
            raise InstallationError(f"`{shown}` failed with exit code {code}; the reason stands above")


def _installer_command() -> list[str]:
    """Give the beginning of a command that installs into the running interpreter's environment.

    Raises:
        InstallationError: If there is neither pip nor uv.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install"]
    own = plugin_source() / ".tools" / "uv" / "bin" / "uv"
    uv = shutil.which("uv") or (str(own) if own.is_file() else None)
    if uv is None:
        raise InstallationError(
            f"{sys.executable} has no pip, and uv is not on PATH. Run `{sys.executable} -m ensurepip`, or "
            "install uv, then run this again"
        )
    return [uv, "pip", "install", "--python", sys.executable]

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fo_pose_plugin.errors import InstallationError
from fo_pose_plugin.tasks import install as room
from fo_pose_plugin.tasks.environment.mongod import WITHOUT_DOWNLOAD

REPOSITORY = Path(__file__).resolve().parents[2]


def test_here_nothing_is_left_to_install():
    said: list[str] = []
    assert room.install(said.append, link=False, dry_run=True) == []
    assert said == []


def test_command_of_an_installed_package_is_its_script(monkeypatch):
    script = Path(sys.executable).parent / "fo-pose"
    monkeypatch.setenv("PATH", str(script.parent))
    assert room.install_command() == "fo-pose install"
    monkeypatch.setenv("PATH", "/usr/bin")  # another Python's fo-pose, or none, would be meant
    assert shlex.split(room.install_command()) == [str(script), "install"]


def test_command_of_a_plugin_directory_is_its_file(monkeypatch):
    monkeypatch.setattr(room, "installed_version", lambda name: None)
    command = shlex.split(room.install_command())
    assert command == [sys.executable, str(REPOSITORY / "fo_pose_plugin" / "cli.py"), "install"]
    help_text = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--dry-run" in help_text


def test_what_is_there_already_is_kept_while_the_missing_is_installed(monkeypatch):
    asked: list[tuple[tuple[str, ...], dict[str, str]]] = []

    def run_pip(*arguments: str, env: dict[str, str]) -> None:
        kept = Path(arguments[1]).read_text(encoding="utf-8").splitlines()
        assert arguments[0] == "--constraint"
        assert f"torch=={room.installed_version('torch')}" in kept
        assert f"fiftyone=={room.installed_version('fiftyone')}" in kept
        asked.append((arguments[2:], env))

    room._install_missing(run_pip, ["shapely>=2"])
    assert asked == [(("shapely>=2",), WITHOUT_DOWNLOAD)]


def test_an_extra_is_installed_when_it_is_asked_for(monkeypatch):
    asked: list[list[str]] = []
    monkeypatch.setattr(room, "missing_extra", lambda extra: [f"{extra}-needs-this==1"])
    monkeypatch.setattr(room, "_install_missing", lambda run_pip, missing: asked.append(missing))
    room.install(lambda text: None, link=False, dry_run=True)
    assert asked == []
    room.install(lambda text: None, link=False, dry_run=True, extras=["vitpose"])
    assert asked == [["vitpose-needs-this==1"]]


def test_the_constraints_are_ones_that_the_installer_takes(tmp_path):
    """With the real installer and every package of this environment, one of which is asked for again."""
    run = room._Installer(lambda text: None, dry_run=False)
    room._install_missing(lambda *arguments, env: run("--dry-run", *arguments, env=env), ["six>=1.16"])


def test_an_installer_that_fails_is_quoted_with_its_command():
    run = room._Installer(lambda text: None, dry_run=False)
    with pytest.raises(InstallationError, match="failed with exit code"):
        run("--no-such-option")


def test_an_installer_that_hangs_is_ended(monkeypatch):
    run = room._Installer(lambda text: None, dry_run=False)
    monkeypatch.setattr(room, "_installer_command", lambda: ["sleep"])
    with pytest.raises(InstallationError, match="timed out"):
        run("30", timeout=0.2)


def test_neither_pip_nor_uv_is_said_in_words(monkeypatch, tmp_path):
    monkeypatch.setattr(room.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(room, "plugin_source", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallationError, match="ensurepip"):
        room._installer_command()


def test_missing_openmmlab_is_empty_here():
    assert room.missing_openmmlab() == []

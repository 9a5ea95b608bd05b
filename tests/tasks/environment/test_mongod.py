from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fo_pose_plugin.errors import InstallationError
from fo_pose_plugin.tasks.environment import mongod as room
from fo_pose_plugin.tasks.install import _Installer


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def place(tmp_path, only_installed):
    """Where FiftyOne would look for its server, in an environment with FiftyOne and nothing else."""
    site = only_installed("fiftyone==1.22.1")
    assert room.mongod_path() == site / "fiftyone" / "db" / "bin" / "mongod"
    return site / "fiftyone" / "db" / "bin" / "mongod"


@pytest.fixture
def no_download(monkeypatch):
    """Stand where MongoDB's download cannot be reached."""
    monkeypatch.setattr(room, "DOWNLOAD_SERVER", "http://127.0.0.1:9/")


def refuse(*arguments: str, **_options: object) -> None:
    raise InstallationError("no network")


def test_the_place_is_where_fiftyone_looks():
    from fiftyone.constants import FIFTYONE_DB_BIN_DIR, MONGODB_MIN_VERSION

    assert room.mongod_path() == Path(FIFTYONE_DB_BIN_DIR) / "mongod"
    assert MONGODB_MIN_VERSION.release == room.OLDEST_MONGOD


def test_without_fiftyone_there_is_no_place(only_installed):
    only_installed()
    assert room.mongod_path() is None
    with pytest.raises(InstallationError, match="fiftyone is not installed"):
        room.bring_mongod(refuse, print)


def test_the_server_of_this_environment_runs():
    mongod = room.mongod_path()
    assert mongod is not None
    assert room.mongod_problem(mongod) == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("echo 'db version v5.0.9'", "is of version 5.0"),
        ("echo 'error while loading libssl' >&2; exit 127", "does not start: error while loading libssl"),
        ("exit 0", "does not start: it says nothing"),
        ("echo 'db version v7.0.28'", ""),
    ],
)
def test_problems_of_a_server_are_told(tmp_path, text, problem):
    assert room.mongod_problem(program(tmp_path / "mongod", text)) == problem


def test_a_missing_or_unusable_file_is_told(tmp_path):
    assert room.mongod_problem(tmp_path / "mongod") == "missing"
    (tmp_path / "mongod").write_text("not a program", encoding="utf-8")
    assert room.mongod_problem(tmp_path / "mongod").startswith("does not start: ")


def test_one_that_runs_is_left_alone(place):
    program(place, "echo 'db version v6.0.5'")
    room.bring_mongod(refuse, print)
    assert "6.0.5" in place.read_text(encoding="utf-8")


def test_the_wheel_is_next_where_the_download_cannot_be_reached(place, no_download):
    asked: list[tuple[str, ...]] = []

    def run_pip(*arguments: str, **_options: object) -> None:
        asked.append(arguments)
        listed = Path(arguments[arguments.index("-r") + 1]).read_text(encoding="utf-8")
        assert listed.strip() == room.MONGOD_WHEEL
        program(place, "echo 'db version v6.0.5'")

    room.bring_mongod(run_pip, print)
    assert len(asked) == 1
    assert "--require-hashes" in asked[0]


def test_the_systems_own_is_linked_where_nothing_else_works(place, no_download, tmp_path, monkeypatch):
    own = program(tmp_path / "bin" / "mongod", "echo 'db version v8.0.17'")
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    place.parent.parent.mkdir(parents=True)  # fiftyone-db is installed, its download failed
    room.bring_mongod(refuse, print)
    assert place.resolve() == own
    assert room.mongod_problem(place) == ""


def test_when_nothing_works_each_reason_is_told(place, no_download, tmp_path, monkeypatch):
    program(tmp_path / "bin" / "mongod", "echo 'db version v4.4.0'")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(InstallationError) as caught:
        room.bring_mongod(refuse, print)
    for reason in (
        "cannot be reached",
        "no network",
        "mongod on PATH: is of version 4.4",
        "FIFTYONE_DATABASE_URI",
    ):
        assert reason in str(caught.value)


@pytest.mark.slow
def test_libraries_that_the_system_lacks_are_lent(tmp_path, real_home, monkeypatch):
    """With the real server: it must load the lent libraries, although this system may have its own."""
    monkeypatch.setenv("HOME", str(real_home))
    whole = room.mongod_path()
    assert whole is not None
    mongod = tmp_path / "bin" / "mongod"
    mongod.parent.mkdir()
    shutil.copy2(whole, mongod)
    room._lend_libraries(_Installer(print, dry_run=False), mongod)
    assert room.mongod_problem(mongod) == ""
    command = ["env", "LD_DEBUG=libs", str(mongod), "--version"]
    loading = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    for library in room.LENT:
        assert f"calling init: {mongod.parent / 'lib' / library}" in loading

"""A file is there whole or not at all."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fo_pose_plugin.errors import ExportError
from fo_pose_plugin.formats.atomic_file import write_atomically

NO_FOLDER = Path("/proc/no_folder")


def write(path: Path, text: str = "new", *, overwrite: bool = False) -> None:
    with write_atomically(path, overwrite=overwrite) as file:
        file.write(text)
        assert path.read_text() == "old" if path.exists() else True


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    write(tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_file_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(ExportError, match="is there already"):
        write(path)
    assert path.read_text() == "old"
    write(path, overwrite=True)
    assert path.read_text() == "new"


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.json"

    def write_while_another_does() -> None:
        with write_atomically(path, overwrite=False) as file:
            file.write("new")
            path.write_text("somebody else's")

    with pytest.raises(ExportError, match="is there already"):
        write_while_another_does()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.json", "somebody else's")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit, GeneratorExit])
def test_whatever_interrupts_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def be_interrupted() -> None:
        with write_atomically(path, overwrite=True) as file:
            file.write("x" * 100_000)
            raise error

    with pytest.raises(error):
        be_interrupted()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.json", "old")]


def test_a_link_is_replaced_and_not_what_it_points_to(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "a.json"
    target.write_text("old")
    link.symlink_to(target)
    write(link, overwrite=True)
    assert target.read_text() == "old"
    assert not link.is_symlink()


def test_a_folder_that_is_missing_or_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="there is no folder"):
        write(tmp_path / "none" / "a.json")
    with pytest.raises(ExportError, match="is a folder"):
        write(tmp_path)
    with pytest.raises(ExportError, match=r"/proc/a.json cannot be written: "):
        write(Path("/proc/a.json"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small_disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        # There is no other way to a disk that is really full; containers may forbid it even to root.
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_leaves_what_was_there(small_disk: Path) -> None:
    path = small_disk / "a.json"
    path.write_text("old")
    with pytest.raises(ExportError, match=r"the disk is full: .* was not written, .* MB are free"):
        write(path, "x" * 1_000_000, overwrite=True)
    assert [(p.name, p.read_text()) for p in small_disk.iterdir()] == [("a.json", "old")]
    free = os.statvfs(small_disk)
    assert free.f_bavail * free.f_bsize > 50_000

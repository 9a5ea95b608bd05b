"""That nothing is read, written or removed outside the roots, and nothing is left half-written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from fo_pose_plugin.errors import HeatmapError
from fo_pose_plugin.heatmaps.confined_files import read_file, remove_file, write_file

LIMIT = 1000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "kept").write_bytes(b"kept")
    (tmp_path / "outside").write_bytes(b"secret")
    return root


def refused(path: object, root: Path, match: str) -> None:
    for operation in (lambda: read_file(path, [root], LIMIT), lambda: remove_file(path, [root])):  # type: ignore[arg-type]
        with pytest.raises(HeatmapError, match=match):
            operation()


def test_what_lies_below_a_root_is_read_and_removed(root: Path) -> None:
    assert read_file(root / "a" / "kept", [root], LIMIT) == b"kept"
    assert read_file(str(root / "a" / "kept"), [root / "b", root], LIMIT) == b"kept"
    assert remove_file(root / "a" / "kept", [root]) == 4
    assert remove_file(root / "a" / "kept", [root]) == 0
    assert remove_file(root / "no" / "such", [root]) == 0
    with pytest.raises(HeatmapError, match=r"does not exist.*estimate_poses again"):
        read_file(root / "a" / "kept", [root], LIMIT)


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("{root}/../outside", r"without '\.\.'"),
        ("{root}/a/../../outside", r"without '\.\.'"),
        ("{root}/../root/a/kept", r"without '\.\.'"),
        ("a/kept", "absolute"),
        ("", "absolute"),
        ("/etc/passwd", "outside the folders"),
        ("{root}", "outside the folders"),
        ("{root}x/kept", "outside the folders"),
        ("{root}/a/ke\0pt", "no path"),
        ("{root}/a/\ud800", "no path"),
    ],
)
def test_paths_out_of_the_root_are_refused(root: Path, path: str, match: str) -> None:
    refused(path.format(root=root), root, match)
    assert (root.parent / "outside").read_bytes() == b"secret"


def test_what_is_no_path_is_refused(root: Path) -> None:
    for path in (None, 3, b"/etc/passwd"):
        refused(path, root, "no path")


def test_names_too_long_say_so(root: Path) -> None:
    refused(root / ("x" * 300), root, "too long")


def test_symlinks_below_the_root_are_not_followed(root: Path, tmp_path: Path) -> None:
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "inner").symlink_to(root / "a" / "kept")
    (root / "folder").symlink_to(tmp_path)
    (root / "b").symlink_to(root / "a")
    for path in ("link", "inner"):
        with pytest.raises(HeatmapError, match="symlink"):
            read_file(root / path, [root], LIMIT)
        with pytest.raises(HeatmapError, match="no regular file"):
            remove_file(root / path, [root])
    refused(root / "folder" / "outside", root, "symlink")
    refused(root / "b" / "kept", root, "symlink")
    with pytest.raises(HeatmapError, match="symlink"):
        write_file(root / "folder" / "new", root, b"x")
    assert not (tmp_path / "new").exists()
    # In the place of a link comes the file; what the link pointed to stays.
    write_file(root / "link", root, b"x")
    assert (root / "link").read_bytes() == b"x"
    assert (tmp_path / "outside").read_bytes() == b"secret"


def test_the_root_itself_may_be_a_symlink(root: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(root)
    linked = tmp_path / "linked"
    write_file(linked / "new", linked, b"x")
    assert read_file(linked / "new", [linked], LIMIT) == b"x"
    # The database may hold either spelling.
    assert read_file(root / "new", [linked], LIMIT) == b"x"


def test_only_regular_files_of_a_bounded_size_are_read(root: Path) -> None:
    os.mkfifo(root / "pipe")
    refused(root / "pipe", root, "no regular file")
    refused(root / "a", root, "no regular file|directory")
    (root / "large").write_bytes(bytes(LIMIT + 1))
    with pytest.raises(HeatmapError, match="larger than the 1,000 bytes"):
        read_file(root / "large", [root], LIMIT)
    (root / "fits").write_bytes(bytes(LIMIT))
    assert len(read_file(root / "fits", [root], LIMIT)) == LIMIT


def test_writing_makes_folders_and_replaces(root: Path) -> None:
    path = root / "new" / "deep" / "file"
    write_file(path, root, b"one")
    write_file(path, root, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(HeatmapError):
        write_file(root / "a" / "kept" / "below a file", root, b"x")
    with pytest.raises(HeatmapError):
        write_file(root / "a", root, b"in place of a folder")
    assert sorted(p.name for p in root.iterdir()) == ["a", "new"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_what_was_there(root: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(HeatmapError, match=r"disk is full: .*kept was not written, [\d,.]+ MB are free"):
        write_file(root / "a" / "kept", root, b"new")
    assert (root / "a" / "kept").read_bytes() == b"kept"
    assert [p.name for p in (root / "a").iterdir()] == ["kept"]


def test_a_write_that_the_system_cuts_off_leaves_nothing(root: Path) -> None:
    """The system's own limit on a file's size, in a process of its own."""
    code = """
        import resource, sys
        from pathlib import Path
        from fo_pose_plugin.errors import HeatmapError
        from fo_pose_plugin.heatmaps.confined_files import write_file
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        root = Path(sys.argv[1])
        try:
            write_file(root / "a" / "kept", root, bytes(5000))
        except HeatmapError as error:
            print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(root)], capture_output=True, text=True, check=True
    )
    assert "kept: File too large" in run.stdout
    assert (root / "a" / "kept").read_bytes() == b"kept"
    assert [p.name for p in (root / "a").iterdir()] == ["kept"]


def test_a_folder_that_vanishes_is_made_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """clean_up may remove an empty folder between its making and the first file in it."""
    original = os.open
    removed = []

    def opening(path: object, flags: int, *args: object, **kwargs: object) -> int:
        if str(path).endswith(".tmp") and not removed:
            removed.append((root / "new").rmdir())
        return original(path, flags, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", opening)
    write_file(root / "new" / "file", root, b"x")
    assert removed
    assert (root / "new" / "file").read_bytes() == b"x"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_names_the_setting(root: Path) -> None:
    (root / "a").chmod(0o500)
    with pytest.raises(HeatmapError, match="FO_POSE_HEATMAPS"):
        write_file(root / "a" / "new", root, b"x")
    (root / "a").chmod(0o700)

"""Files that are read, written and removed below given roots only.

Paths that come from the database are untrusted. A path is taken apart as text and walked from its root one
directory at a time, each opened relative to the one before and never through a symlink, so that nothing can
be exchanged between the check and the use. The roots themselves are the user's and may be symlinks.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fo_pose_plugin.errors import HeatmapError

__all__ = ["TEMPORARY_SUFFIX", "read_file", "remove_file", "write_file"]

TEMPORARY_SUFFIX = ".tmp"

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def read_file(path: str | Path, roots: Sequence[Path], max_bytes: int) -> bytes:
    """Read a regular file that lies below one of the roots.

    Raises:
        HeatmapError: If it is missing, outside the roots, behind a symlink, no regular file, larger than
            ``max_bytes`` or cannot be read.
    """
    with _errors_named(path), _parent(path, roots) as (directory, name):
        # Not blocking: opening a pipe that nobody writes to would wait for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, dir_fd=directory), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise HeatmapError(f"{path} is no regular file: remove it")
            # Read on by one byte: it may have grown since.
            if found.st_size > max_bytes or len(content := file.read(max_bytes + 1)) > max_bytes:
                raise HeatmapError(f"{path} is larger than the {max_bytes:,} bytes that are read: remove it")
            return content


def write_file(path: Path, root: Path, content: bytes) -> None:
    """Write a file below the root under a temporary name, and rename it when it is complete.

    Directories are made as needed. A file of that name is replaced; whatever fails leaves it as it was.

    Raises:
        HeatmapError: If the disk is full, a directory is a symlink, or it cannot be written.
    """
    with _errors_named(path):
        root.mkdir(parents=True, exist_ok=True)
        try:
            _write_below(path, root, content)
        except FileNotFoundError:
            # Another process removed the directory while it was empty.
            _write_below(path, root, content)


def remove_file(path: str | Path, roots: Sequence[Path]) -> int:
    """Remove a regular file below one of the roots.

    Returns:
        Its size in bytes; 0 where there is none.

    Raises:
        HeatmapError: If it is outside the roots, behind a symlink, no regular file or cannot be removed.
    """
    with _errors_named(path):
        try:
            with _parent(path, roots) as (directory, name):
                found = os.stat(name, dir_fd=directory, follow_symlinks=False)
                if not stat.S_ISREG(found.st_mode):
                    raise HeatmapError(f"{path} is no regular file, it is left alone")
                os.unlink(name, dir_fd=directory)
                return found.st_size
        except FileNotFoundError:
            return 0


def _write_below(path: Path, root: Path, content: bytes) -> None:
    with _parent(path, [root], create=True) as (directory, name):
        _write_and_rename(directory, name, content)


def _write_and_rename(directory: int, name: str, content: bytes) -> None:
    temporary = f".{name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY_SUFFIX}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, 0o666, dir_fd=directory), "wb") as file:
            file.write(content)
        os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise


@contextmanager
def _parent(path: str | Path, roots: Sequence[Path], *, create: bool = False) -> Iterator[tuple[int, str]]:
    """Open a path's directory, and give it with the file's name."""
    root, parts = _below_root(path, roots)
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=directory)
            inner = os.open(part, _DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = inner
        yield directory, parts[-1]
    finally:
        os.close(directory)


def _below_root(path: str | Path, roots: Sequence[Path]) -> tuple[Path, tuple[str, ...]]:
    """Take a path apart into its root and the names below it, without looking at the disk's content."""
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise HeatmapError(f"{path!r} is no path")
    wanted = Path(path)
    if not wanted.is_absolute() or ".." in wanted.parts:
        raise HeatmapError(f"{path} is not accepted: expected an absolute path without '..'")
    for root in roots:
        for spelling in (Path(root).absolute(), Path(root).resolve()):
            if wanted != spelling and wanted.is_relative_to(spelling):
                return spelling, wanted.relative_to(spelling).parts
    allowed = ", ".join(str(root) for root in roots) or "none"
    raise HeatmapError(
        f"{path} lies outside the folders for heatmaps ({allowed}): set FO_POSE_HEATMAPS to the folder that "
        "holds it, or run estimate_poses again with overwrite"
    )


@contextmanager
def _errors_named(path: str | Path) -> Iterator[None]:
    """Turn what the system says into what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise HeatmapError(
            f"{path} does not exist: bring the folder back, or run estimate_poses again with overwrite"
        ) from error
    except ValueError as error:  # a path that the system cannot spell
        raise HeatmapError(f"{path!r} is no path: {error}") from error
    except OSError as error:
        raise HeatmapError(_explain(path, error)) from error


def _explain(path: str | Path, error: OSError) -> str:
    if error.errno in _NO_SPACE:
        return (
            f"the disk is full: {path} was not written, {_free_megabytes(Path(path)):,.1f} MB are free. Make "
            "room with clean_up, or set FO_POSE_HEATMAPS to a larger disk, then resume the run"
        )
    # With O_NOFOLLOW a symlink is ELOOP, and ENOTDIR where a directory was asked for.
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return f"{path} is, or lies behind, a symlink or a file: put a real folder in its place"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return (
            f"{path}: {error.strerror}. Give yourself access, or set FO_POSE_HEATMAPS to a folder of your own"
        )
    return f"{path}: {error.strerror or error}"


def _free_megabytes(path: Path) -> float:
    """Give the free space of the disk that a path, or its nearest folder that exists, lies on."""
    existing = next((folder for folder in path.parents if folder.is_dir()), Path("/"))
    return shutil.disk_usage(existing).free / 1e6

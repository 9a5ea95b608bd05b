"""Write a file that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from fo_pose_plugin.errors import ExportError

__all__ = ["check_writable", "write_atomically"]

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Check what can be checked before there is anything to write.

    Raises:
        ExportError: If the file is there and may not be replaced, or its folder is missing.
    """
    if path.is_dir():
        raise ExportError(f"{path} is a folder: name a file in it, such as {path / 'poses.json'}")
    if os.path.lexists(path) and not overwrite:
        raise ExportError(f"{path} is there already: choose another name, or ask to overwrite it")
    if not path.parent.is_dir():
        raise ExportError(f"there is no folder {path.parent}: make it first")


@contextmanager
def write_atomically(path: Path, *, overwrite: bool) -> Iterator[TextIO]:
    """Give a file to write into, which takes its name when it is complete and on the disk.

    Until then it is hidden beside it, ``.<name>.<process>-<8 hex>.tmp``; whatever goes wrong, an interruption
    too, removes it and leaves what was there before.

    Raises:
        ExportError: If the disk is full, the folder cannot be written, or the file is there and may not be
            replaced.
    """
    check_writable(path, overwrite=overwrite)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    with _errors_named(path):
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o666), "w", encoding="utf-8") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            check_writable(path, overwrite=overwrite)  # someone else may have come first
            temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink()
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _errors_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportError(_explain(path, error)) from error


def _explain(path: Path, error: OSError) -> str:
    if error.errno in _NO_SPACE:
        free_mb = shutil.disk_usage(path.parent).free / 1e6
        return (
            f"the disk is full: {path} was not written, {free_mb:,.1f} MB are free. Make room, or export to "
            "another disk"
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return (
            f"{path} cannot be written: {error.strerror}. Give yourself access, or export to another folder"
        )
    return f"{path} cannot be written: {error.strerror or error}"

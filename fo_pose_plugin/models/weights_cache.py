"""The folder of downloaded weights, which can be filled by hand, and where its files come from.

    <folder>/hrnet_w32_coco_256x192-c78dce93_20200708.pth     a file is called as its address ends
    <folder>/....pth.part                                     what has arrived of one

The folder is the environment variable FO_POSE_WEIGHTS, or ``weights_folder`` in ``<home>/config.json``, or
else ``<home>/weights``, where ``<home>`` is FO_POSE_HOME or ``~/.fo_pose``. Mirrors are FO_POSE_MIRRORS
(addresses with spaces between them), or the list ``mirrors`` in the same file:

    {"mirrors": ["https://mirror.example.org/openmmlab"], "weights_folder": "/data/weights"}

A mirror is a base address below which the original's path is looked up. Mirrors are tried in their order,
before the original: who names one has a reason, and where the original cannot be reached nobody waits.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from fo_pose_plugin.errors import CheckpointError, ConfigError, DownloadError, SourceError
from fo_pose_plugin.models.download_parts import discard_part, size_of
from fo_pose_plugin.models.downloads import DownloadProgress, check_address, download, shown_address
from fo_pose_plugin.models.registry import registry_home
from fo_pose_plugin.models.weights import sha256_of

__all__ = ["fetch", "file_name_of", "find", "mirrors", "remove", "weights_folder"]

FOLDER_VARIABLE = "FO_POSE_WEIGHTS"
MIRRORS_VARIABLE = "FO_POSE_MIRRORS"
SETTINGS = ("mirrors", "weights_folder")
SECONDS_BETWEEN_LOOKS = 0.5
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")


def weights_folder() -> Path:
    """Give the folder of downloaded weights, which need not be there yet.

    Raises:
        ConfigError: If the settings cannot be read.
    """
    stated = os.environ.get(FOLDER_VARIABLE) or _settings().get("weights_folder")
    return Path(stated).expanduser().absolute() if stated else registry_home() / "weights"


def mirrors() -> tuple[str, ...]:
    """Give the mirrors' base addresses, in the order in which they are tried.

    Raises:
        ConfigError: If the settings cannot be read, or one is no address.
    """
    stated = os.environ.get(MIRRORS_VARIABLE)
    listed = stated.split() if stated else _settings().get("mirrors", [])
    for address in listed:
        fault = check_address(address)
        if fault:
            raise ConfigError(f"the mirror {shown_address(address)!r} cannot be used: {fault}")
    return tuple(listed)


def _settings() -> dict[str, Any]:
    path = registry_home() / "config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"the settings {path} cannot be read: {error}") from error
    expected = 'expected {"mirrors": ["https://..."], "weights_folder": "/..."}'
    if not isinstance(content, dict) or not set(content) <= set(SETTINGS):
        raise ConfigError(f"the settings {path} are not understood: {expected}")
    listed, folder = content.get("mirrors", []), content.get("weights_folder", "")
    texts = isinstance(listed, list) and all(isinstance(item, str) for item in listed)
    if not texts or not isinstance(folder, str):
        raise ConfigError(f"the settings {path} are not understood: {expected}")
    return content


def file_name_of(url: str) -> str:
    """Give the name that an address's file bears in the folder.

    Raises:
        DownloadError: If the address is none, or ends in no plain file name.
    """
    fault = check_address(url)
    name = "" if fault else unquote(urlsplit(url).path).rpartition("/")[2]
    if not _FILE_NAME.fullmatch(name):
        raise DownloadError(f"{url!r} is no address of weights: {fault or 'it ends in no file name'}")
    return name


def find(file_name: str, sha256_prefix: str | None = None) -> Path | None:
    """Look for a file in the folder.

    Args:
        file_name: As `file_name_of` gives it.
        sha256_prefix: Read the file and compare; None looks for the name alone, which is quick.

    Returns:
        The file; None where it is not there, or is another.

    Raises:
        CheckpointError: If it is to be compared and cannot be read.
        ConfigError: If the settings cannot be read.
    """
    path = weights_folder() / file_name
    if not _FILE_NAME.fullmatch(file_name) or not path.is_file():
        return None
    return path if sha256_prefix is None or _is_intact(path, sha256_prefix) else None


def _is_intact(path: Path, sha256_prefix: str | None) -> bool:
    return sha256_prefix is None or sha256_of(path).startswith(sha256_prefix.lower())


def remove(file_name: str) -> int:
    """Delete a file from the folder, and what has arrived of it.

    Returns:
        How many bytes that freed; 0 where there was nothing.

    Raises:
        DownloadError: If it cannot be deleted.
    """
    if not _FILE_NAME.fullmatch(file_name):
        return 0
    path = weights_folder() / file_name
    freed = 0
    try:
        for part in (path, _part_of(path)):
            freed += part.stat().st_size if part.is_file() else 0
        path.unlink(missing_ok=True)
        discard_part(_part_of(path))
        _lock_of(path).unlink(missing_ok=True)
    except OSError as error:
        raise DownloadError(f"{path} cannot be deleted: {error.strerror or error}") from error
    return freed


def fetch(url: str, sha256_prefix: str | None) -> Generator[DownloadProgress, None, Path]:
    """Give the file of an address: the one in the folder, or else download it there.

    A file under that name whose checksum is another is set aside first. Interrupted, what has arrived
    stays, and the next call goes on from there. Of several processes that want one file at once, one
    downloads and the others wait for it.

    Args:
        url: Where the file is published.
        sha256_prefix: What its sha256 begins with, as published: it tells damage, not forgery. None
            where nothing is published.

    Yields:
        How far it is.

    Returns:
        The file, whole and checked.

    Raises:
        DownloadError: If no address gives it, or it cannot be kept; the message says what to put where.
        CheckpointError: If a file is there and cannot be read.
        ConfigError: If the settings cannot be read.
    """
    target = weights_folder() / file_name_of(url)
    # First without a lock: a folder that someone else has filled may be read-only.
    if target.is_file() and _is_intact(target, sha256_prefix):
        return target
    addresses = [_mirrored(mirror, url) for mirror in mirrors()] + [url]
    with (yield from _locked(target)):
        notes = []
        if target.is_file():
            if _is_intact(target, sha256_prefix):
                return target
            notes.append(_set_aside(target))
        for address in addresses:
            try:
                yield from _fetch_from(address, target, sha256_prefix)
            except SourceError as error:
                notes.append(f"{shown_address(address)}: {error}")
            else:
                return target
    raise _by_hand(target, sha256_prefix, notes)


def _mirrored(mirror: str, url: str) -> str:
    return mirror.rstrip("/") + urlsplit(url).path


def _part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _lock_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.lock")


def _locked(target: Path) -> Generator[DownloadProgress, None, AbstractContextManager[object]]:
    """Be the only one who downloads a file; while another does, give how far that is."""
    from filelock import FileLock, Timeout

    waiting = f"{target.parent}, where another process downloads it"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A generator may be closed by another thread than the one that began it.
        lock = FileLock(_lock_of(target), thread_local=False)
        while True:
            try:
                return lock.acquire(timeout=SECONDS_BETWEEN_LOOKS)
            except Timeout:
                yield DownloadProgress(size_of(_part_of(target)), None, waiting)
    except OSError as error:
        raise DownloadError(
            f"weights cannot be kept in {target.parent}: {error.strerror or error}. Name a folder that can "
            f"be written in {FOLDER_VARIABLE}"
        ) from error


def _fetch_from(
    address: str, target: Path, sha256_prefix: str | None
) -> Generator[DownloadProgress, None, None]:
    part = _part_of(target)
    if sha256_prefix is None:
        discard_part(part)  # nothing would tell a file that is put together from two
    resumed = part.is_file()
    yield from download(address, part)
    if resumed and not _is_intact(part, sha256_prefix):
        discard_part(part)
        yield from download(address, part)
    sha256 = sha256_of(part)
    if sha256_prefix is not None and not sha256.startswith(sha256_prefix.lower()):
        discard_part(part)
        raise SourceError(f"the file it gave has the sha256 {sha256[:8]}..., and was removed")
    try:
        part.replace(target)
        discard_part(part)
    except OSError as error:
        raise DownloadError(f"{target} cannot be written: {error.strerror or error}") from error


def _set_aside(target: Path) -> str:
    """Move a file out of the way whose checksum is wrong: it may be someone's, so it is not deleted."""
    sha256 = sha256_of(target)
    aside = target.with_name(f"{target.name}.damaged-{sha256[:8]}")
    try:
        target.replace(aside)
    except OSError as error:
        raise CheckpointError(
            f"{target} is damaged (its sha256 begins with {sha256[:8]}) and cannot be moved away: "
            f"{error.strerror or error}"
        ) from error
    return f"{target.name} was there, damaged (its sha256 begins with {sha256[:8]}); it is now {aside.name}"


def _by_hand(target: Path, sha256_prefix: str | None, notes: list[str]) -> DownloadError:
    checksum = f" (its sha256 begins with {sha256_prefix})" if sha256_prefix else ""
    return DownloadError(
        f"{target.name} could not be downloaded. Put it into {target.parent} by hand{checksum}, or name a "
        f"mirror in {MIRRORS_VARIABLE}. Tried: " + "; ".join(notes)
    )

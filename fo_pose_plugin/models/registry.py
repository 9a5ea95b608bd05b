"""The user's own models and detectors on disk: one JSON file each.

    <home>/registry/models/<name>.json
    <home>/registry/detectors/<name>.json

``<home>`` is the environment variable FO_POSE_HOME, or else ``~/.fo_pose``. A file holds the resolved
config as data, so that nothing is executed when it is read; the weights stay where they are.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from fo_pose_plugin.errors import ConfigError, ModelError, UnknownModelError
from fo_pose_plugin.models.config_json import config_sha256, from_json, to_json

__all__ = [
    "EntryListing",
    "Kind",
    "RegistryEntry",
    "check_name_is_free",
    "list_entries",
    "list_names",
    "load_entry",
    "new_entry",
    "registry_home",
    "remove_entry",
    "save_entry",
]

Kind: TypeAlias = Literal["model", "detector"]

HOME_VARIABLE = "FO_POSE_HOME"
SCHEMA_VERSION = 1
_FOLDERS: Mapping[str, str] = MappingProxyType({"model": "models", "detector": "detectors"})
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """A model or detector as it was registered.

    Args:
        kind: ``model`` or ``detector``.
        name: At most 100 letters, digits, dots, dashes and underscores; no dot or dash in front.
        config: What ``models.configs.read_config`` gave.
        metainfo: What is known of its output: keypoints and skeleton, or classes.
        checkpoint: The weights' absolute path.
        checkpoint_sha256: Their hash when they were registered.
        added_at: When, ISO 8601 in UTC.
    """

    kind: Kind
    name: str
    config: Mapping[str, Any]
    metainfo: Mapping[str, Any]
    checkpoint: str
    checkpoint_sha256: str
    added_at: str

    def __post_init__(self) -> None:
        _check_kind(self.kind)
        _check_name(self.name, self.kind)
        if not Path(self.checkpoint).is_absolute():
            raise ModelError(f"the checkpoint {self.checkpoint!r} is no absolute path")
        if not _SHA256.fullmatch(self.checkpoint_sha256):
            raise ModelError(f"{self.checkpoint_sha256!r} is no sha256: expected 64 digits of 0-9, a-f")

    def __repr__(self) -> str:
        return f"RegistryEntry({self.kind!r}, {self.name!r}, checkpoint={self.checkpoint!r})"

    @property
    def config_sha256(self) -> str:
        """The config's hash, by which a run can be told from one with another config."""
        return config_sha256(self.config)


@dataclass(frozen=True, slots=True)
class EntryListing:
    """What the registry holds of one kind.

    Args:
        entries: The readable ones, by name.
        damaged: What is wrong with each of the others, by name.
    """

    entries: tuple[RegistryEntry, ...]
    damaged: Mapping[str, str]


def registry_home() -> Path:
    """Give the folder in which this package keeps what is the user's and not a data set's."""
    stated = os.environ.get(HOME_VARIABLE)
    return Path(stated).expanduser().absolute() if stated else Path.home() / ".fo_pose"


def new_entry(
    kind: Kind,
    name: str,
    config: Mapping[str, Any],
    metainfo: Mapping[str, Any],
    *,
    checkpoint: str,
    checkpoint_sha256: str,
) -> RegistryEntry:
    """Make an entry that was added now; see `RegistryEntry` for the arguments.

    Raises:
        ModelError: If the name cannot be one, or another argument is not what it should be.
    """
    # Finer than seconds: the demo tells by this time whether a file was changed since.
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    return RegistryEntry(kind, name, config, metainfo, checkpoint, checkpoint_sha256, now)


def check_name_is_free(kind: Kind, name: str, *, overwrite: bool = False) -> None:
    """Say early that an entry could not be saved.

    Raises:
        ModelError: If the name cannot be one, or is taken and ``overwrite`` is False.
    """
    path = _entry_path(kind, name)
    if path.exists() and not overwrite:
        raise _taken(kind, name)


def save_entry(entry: RegistryEntry, *, overwrite: bool = False) -> Path:
    """Write an entry, all of it or nothing.

    Args:
        entry: What to keep.
        overwrite: Replace an entry of that name. Without it, of two that save one name at once the
            second fails.

    Returns:
        The file.

    Raises:
        ModelError: If the name is taken, or the file cannot be written.
        ConfigError: If the config or the metainfo is no data.
    """
    path = _entry_path(entry.kind, entry.name)
    text = _to_text(entry)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if overwrite:
                temporary.replace(path)
            else:
                _put_new(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise _taken(entry.kind, entry.name) from error
    except OSError as error:
        raise ModelError(
            f"{entry.kind} {entry.name!r} cannot be kept in {path.parent}: {error.strerror}. "
            f"State a folder that can be written in {HOME_VARIABLE}"
        ) from error
    return path


def _put_new(temporary: Path, path: Path) -> None:
    """Give a file its name; unlike a rename, this fails where someone has just taken the name."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links.
        if path.exists():
            raise FileExistsError(path) from None
        temporary.replace(path)


def load_entry(kind: Kind, name: str) -> RegistryEntry:
    """Read an entry.

    Raises:
        UnknownModelError: If there is none of that name; it lists those there are.
        ConfigError: If its file is damaged, or the config in it was changed.
    """
    _check_kind(kind)
    path = _entry_path(kind, name) if _NAME.fullmatch(name) else None
    if path is None or not path.is_file():
        raise _unknown(kind, name)
    return _from_file(path, kind)


def list_names(kind: Kind) -> list[str]:
    """List the names there are, sorted, those of damaged entries too."""
    _check_kind(kind)
    folder = _folder(kind)
    return sorted(path.stem for path in folder.glob("*.json") if _NAME.fullmatch(path.stem))


def list_entries(kind: Kind) -> EntryListing:
    """Read all entries of one kind; a damaged one is reported and does not hide the others."""
    entries: list[RegistryEntry] = []
    damaged: dict[str, str] = {}
    for name in list_names(kind):
        read = _entry_or_fault(kind, name)
        if isinstance(read, RegistryEntry):
            entries.append(read)
        elif read is not None:
            damaged[name] = read
    return EntryListing(tuple(entries), MappingProxyType(damaged))


def _entry_or_fault(kind: Kind, name: str) -> RegistryEntry | str | None:
    try:
        return load_entry(kind, name)
    except ConfigError as error:
        return str(error)
    except UnknownModelError:
        return None  # removed meanwhile


def remove_entry(kind: Kind, name: str) -> None:
    """Forget an entry, a damaged one too. Its weights stay where they are.

    Raises:
        UnknownModelError: If there is none of that name.
        ModelError: If its file cannot be removed.
    """
    if name not in list_names(kind):
        raise _unknown(kind, name)
    path = _entry_path(kind, name)
    try:
        path.unlink()
    except FileNotFoundError as error:
        raise _unknown(kind, name) from error
    except OSError as error:
        raise ModelError(f"{path} cannot be removed: {error.strerror}") from error


def _folder(kind: Kind) -> Path:
    return registry_home() / "registry" / _FOLDERS[kind]


def _entry_path(kind: Kind, name: str) -> Path:
    _check_kind(kind)
    _check_name(name, kind)
    return _folder(kind) / f"{name}.json"


def _check_kind(kind: str) -> None:
    if kind not in _FOLDERS:
        raise ModelError(f"{kind!r} is no kind of entry: expected one of {', '.join(_FOLDERS)}")


def _check_name(name: str, kind: str) -> None:
    if not _NAME.fullmatch(name):
        raise ModelError(
            f"{name!r} cannot be a {kind}'s name: at most 100 letters, digits, dots, dashes and underscores, "
            "without a dot or dash in front"
        )


def _taken(kind: Kind, name: str) -> ModelError:
    try:
        entry = load_entry(kind, name)
        there = f"with the weights {entry.checkpoint}, added {entry.added_at}"
    except ModelError as error:
        there = f"but cannot be used ({error})"
    return ModelError(
        f"there is a {kind} {name!r} already, {there}: choose another name, or replace it (overwrite=True)"
    )


def _unknown(kind: Kind, name: str) -> UnknownModelError:
    names = ", ".join(list_names(kind)) or "none yet"
    return UnknownModelError(
        f"there is no {kind} {name!r}. Registered {_FOLDERS[kind]}: {names}. "
        f"Add one with fo_pose_plugin.add_{kind}(name, config, checkpoint)"
    )


def _to_text(entry: RegistryEntry) -> str:
    content = {
        "schema_version": SCHEMA_VERSION,
        "kind": entry.kind,
        "name": entry.name,
        "added_at": entry.added_at,
        "checkpoint": entry.checkpoint,
        "checkpoint_sha256": entry.checkpoint_sha256,
        "config_sha256": entry.config_sha256,
        "metainfo": json.loads(to_json(entry.metainfo)),
        "config": json.loads(to_json(entry.config)),
    }
    return json.dumps(content, indent=1) + "\n"


def _from_file(path: Path, kind: Kind) -> RegistryEntry:
    again = f"Remove the {kind} and add it again"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema_version"] != SCHEMA_VERSION:
            raise ModelError(
                f"its schema version is {content['schema_version']!r}, expected {SCHEMA_VERSION}: "
                "another version of fo-pose-plugin has written it"
            )
        entry = RegistryEntry(
            kind=content["kind"],
            name=content["name"],
            config=from_json(json.dumps(content["config"])),
            metainfo=from_json(json.dumps(content["metainfo"])),
            checkpoint=content["checkpoint"],
            checkpoint_sha256=content["checkpoint_sha256"],
            added_at=content["added_at"],
        )
        stored_sha256 = content["config_sha256"]
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is damaged ({type(error).__name__}: {error}). {again}") from error
    except ModelError as error:
        raise ConfigError(f"{path} cannot be used ({error}). {again}") from error
    if (entry.kind, entry.name) != (kind, path.stem):
        raise ConfigError(f"{path} holds the {entry.kind} {entry.name!r}: it was moved or renamed. {again}")
    if entry.config_sha256 != stored_sha256:
        raise ConfigError(f"the config in {path} was changed after it was registered. {again}")
    return entry

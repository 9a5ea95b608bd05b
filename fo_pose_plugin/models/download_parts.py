"""A file that has arrived in part, ``name.part``, and ``name.part.json``, what is known of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Begun", "discard_part", "read_part", "size_of", "write_note"]


@dataclass(frozen=True, slots=True)
class Begun:
    """What a server said of a file when it began to give it.

    Args:
        address: Where it comes from.
        total: Its length in bytes, or None where the server did not say.
        validator: Its ETag or date, by which the server tells whether it is still the same.
    """

    address: str
    total: int | None
    validator: str | None


def read_part(part: Path) -> tuple[Begun | None, int]:
    """Read what is known of a part that can be gone on with, and its size in bytes.

    Returns:
        None and 0 where there is none, or where its note is missing, damaged or does not fit.
    """
    size = size_of(part)
    if not size:
        return None, 0
    try:
        begun = Begun(**json.loads(_note_of(part).read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        return None, 0
    fits = isinstance(begun.total, int) and size <= begun.total
    return (begun, size) if fits else (None, 0)


def write_note(part: Path, begun: Begun) -> None:
    """Keep what is known of a part that is begun now."""
    _note_of(part).write_text(json.dumps(asdict(begun)), encoding="utf-8")


def discard_part(part: Path) -> None:
    """Remove what has arrived of a file."""
    part.unlink(missing_ok=True)
    _note_of(part).unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """Give a file's size in bytes, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _note_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")

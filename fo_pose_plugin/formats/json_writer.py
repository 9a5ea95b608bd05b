"""Write JSON files one entry after the other, however many there are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TextIO, final

__all__ = ["JsonWriter"]


@final
class JsonWriter:
    """Writes one JSON object part by part, or one list; lists with an entry per line.

    Args:
        out: Where to.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._parts = 0
        self._entries = 0

    def part(self, name: str, value: Any) -> None:
        """Write a member of the object that fits in memory."""
        self._begin(name)
        self._out.write(_text(value))

    def begin_list(self, name: str | None = None) -> None:
        """Begin a list: a member of the object, or without a name all there is."""
        if name is not None:
            self._begin(name)
        self._out.write("[")
        self._entries = 0

    def entry(self, value: Mapping[str, Any]) -> None:
        """Write an entry of the list that was begun."""
        self._out.write(f"{',' if self._entries else ''}\n{_text(value)}")
        self._entries += 1

    def end_list(self) -> None:
        """End the list."""
        self._out.write("\n]" if self._entries else "]")

    def end(self) -> None:
        """End the file, and the object if there is one."""
        self._out.write("\n}\n" if self._parts else "\n")

    def _begin(self, name: str) -> None:
        self._out.write(f"{',' if self._parts else '{'}\n{json.dumps(name)}: ")
        self._parts += 1


def _text(value: Any) -> str:
    # Numbers that are not finite would be no JSON; names of files need not be valid UTF-8.
    return json.dumps(value, allow_nan=False, separators=(",", ":"))

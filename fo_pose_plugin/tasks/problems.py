"""What is wrong with parts of a file: counted by kind, the first of each kept in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

__all__ = ["Problem", "Problems"]

MAX_EXAMPLES = 100
# How the kinds end that leave nothing out.
KEPT = (": kept", "placed relative to the file's")


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem.

    Args:
        kind: What is wrong and what became of it, as in "images missing on disk, left out".
        count: How often.
        examples: The first of them.
    """

    kind: str
    count: int
    examples: tuple[str, ...]

    @property
    def is_left_out(self) -> bool:
        """Whether what is meant was left out; else it was imported, and is only odd."""
        return not self.kind.endswith(KEPT)

    @property
    def title(self) -> str:
        """What is wrong, and how often."""
        return f"{self.kind[0].upper()}{self.kind[1:]} ({self.count:,})"


@final
class Problems:
    """Collects problems in bounded memory."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[str]] = {}

    def add(self, kind: str, example: str = "", count: int = 1) -> None:
        """Note one, or several of a kind at once."""
        self._counts[kind] = self._counts.get(kind, 0) + count
        examples = self._examples.setdefault(kind, [])
        if example and len(examples) < MAX_EXAMPLES:
            examples.append(example)

    def __iter__(self) -> Iterator[Problem]:
        """Give them in the order in which their kinds were first met."""
        for kind, count in self._counts.items():
            yield Problem(kind, count, tuple(self._examples[kind]))

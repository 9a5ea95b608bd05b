"""How far an export or an import is."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["ExchangeProgress", "follow"]

Report = TypeVar("Report")


@dataclass(frozen=True, slots=True)
class ExchangeProgress:
    """How far an export or an import is.

    Args:
        stage: What is done now, in words.
        fraction: How much of the whole is done, 0 to 1.
        detail: How much of the stage, in words.
    """

    stage: str
    fraction: float
    detail: str = ""

    def describe(self) -> str:
        """Say it in one line."""
        return f"{self.stage}: {self.detail}" if self.detail else self.stage


def follow(steps: Generator[ExchangeProgress, None, Report], shown: bool) -> Report:
    """Exhaust a generator, with a bar on the terminal where one is wanted."""
    from tqdm import tqdm

    form = "{desc} {percentage:3.0f}% |{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, disable=not shown, bar_format=form) as bar:
        try:
            while True:
                step = next(steps)
                bar.set_description_str(step.describe(), refresh=False)
                bar.update(step.fraction - bar.n)
        except StopIteration as end:
            bar.update(1.0 - bar.n)
            report: Report = end.value
            return report
        finally:
            steps.close()

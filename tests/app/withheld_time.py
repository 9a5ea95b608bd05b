"""How long the host of a virtual machine kept its processors from it, by the kernel's own count.

A rented machine gets less than its processors while the host runs something else. What it was ready to use
and did not get, Linux counts as "steal". Where that was tried, what busy loops got and what was counted as
stolen made up all that they asked for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

import numpy as np
import numpy.typing as npt
import psutil
from typing_extensions import Self

__all__ = ["WithheldTime"]

SECONDS_BETWEEN_LOOKS = 0.05


def _stolen_s() -> float:
    """Seconds that were stolen from the average processor since the machine was started."""
    # Only Linux counts them; elsewhere nothing is taken off.
    return float(getattr(psutil.cpu_times(), "steal", 0.0)) / (psutil.cpu_count() or 1)


class WithheldTime:
    """Watches, as a context, what is withheld.

    Args:
        stolen_s: Tells the seconds stolen from the average processor so far.
    """

    def __init__(self, stolen_s: Callable[[], float] = _stolen_s) -> None:
        self._stolen_s = stolen_s
        self._noted: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self.note()
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._watcher.join()
        self.note()

    def note(self, at: float | None = None) -> None:
        """Note what has been stolen until now, or until a time of the clock that the caller tells."""
        self._noted.append((time.time() if at is None else at, self._stolen_s()))

    def between(self, begun: npt.ArrayLike, ended: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Tell how many seconds the average processor was withheld between times of the clock."""
        at, stolen = np.array(self._noted).T
        return np.interp(ended, at, stolen) - np.interp(begun, at, stolen)

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            self.note()

"""What commands write: lines, and how far a run is."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO, final

from fo_pose_plugin.core.wording import n_images, n_people

if TYPE_CHECKING:
    from fo_pose_plugin.tasks.estimate_poses import Progress

__all__ = ["ProgressLine", "duration", "own_command", "readable", "say"]

BAR_WIDTH = 20
SECONDS_BETWEEN_LINES = 10.0
CLEAR_LINE = "\r\x1b[K"


def say(text: str = "") -> None:
    """Write a line to the standard output."""
    sys.stdout.write(f"{readable(text)}\n")
    sys.stdout.flush()


def readable(text: str) -> str:
    """Write control characters as escapes: names of files and labels must not steer the terminal."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in text
    )


def own_command() -> str:
    """Give what a person types to run this command again, as they ran it."""
    typed = sys.argv[0] if sys.argv and sys.argv[0] else "fo-pose"
    if typed.endswith(".py"):
        return shlex.join([sys.executable, typed])
    found = shutil.which(Path(typed).name)
    is_found = found is not None and Path(found).resolve() == Path(typed).resolve()
    return Path(typed).name if is_found else shlex.quote(typed)


@final
class ProgressLine:
    """Shows each `Progress` of a run: one line that is redrawn on a terminal, a line now and then elsewhere.

    Use it with ``with``, so that whatever comes next begins on a line of its own.

    Args:
        stream: Where to; the standard error by default, so that the standard output holds results only.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.last: Progress | None = None
        self._stream = sys.stderr if stream is None else stream
        self._redraws = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._done_before: int | None = None
        self._stage = ""
        self._written_at = 0.0
        self._drawn = False

    def __call__(self, state: Progress) -> None:
        """Show a step; elsewhere than on a terminal only new stages, and one step in ten seconds."""
        if state.run_id and self._done_before is None:
            self._done_before = state.done  # what an earlier run had finished says nothing of the rate
        self.last = state
        self.show(state.stage, self.describe(state))

    def show(self, stage: str, text: str | None = None) -> None:
        """Show a stage by its name, or by more words than that."""
        line = stage if text is None else text
        if self._redraws:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(CLEAR_LINE + line[:width])
            self._drawn = True
        elif stage != self._stage or time.monotonic() - self._written_at >= SECONDS_BETWEEN_LINES:
            self._stream.write(f"{line}\n")
            self._written_at = time.monotonic()
        self._stage = stage
        self._stream.flush()

    def say(self, text: str) -> None:
        """Write a line to the standard output; what is drawn gives way to it."""
        if self._drawn:
            self._stream.write(CLEAR_LINE)
            self._stream.flush()
            self._drawn = False
        say(text)

    def describe(self, state: Progress) -> str:
        """Say in one line how far it is and how fast it goes."""
        if not state.run_id:
            return state.stage
        done_now = state.done - (self._done_before or 0)
        rate = done_now / state.seconds if state.seconds > 0 else 0.0
        filled = int(state.fraction * BAR_WIDTH)
        words = [
            f"{state.stage}: [{'#' * filled}{'-' * (BAR_WIDTH - filled)}] {state.fraction:4.0%}",
            f"{state.done:,} of {n_images(state.total)} ({per_second(rate)})",
            f"{n_people(state.people)} ({per_second(state.people_per_second)})",
        ]
        if state.failed:
            words.append(f"{state.failed:,} failed")
        if rate and state.done < state.total:
            words.append(f"{duration((state.total - state.done) / rate)} left")
        return ", ".join(words)

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            self._stream.write("\n")
            self._stream.flush()


def duration(seconds: float) -> str:
    """Say a time in seconds, minutes or hours."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def per_second(rate: float) -> str:
    """Say a rate with the digits that tell something."""
    return f"{rate:.1f}/s" if rate >= 1 or rate == 0 else f"{rate:.2f}/s"

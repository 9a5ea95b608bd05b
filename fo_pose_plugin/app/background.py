"""Run a task on a thread of its own, so that it outlives the page that started it.

FiftyOne drops an operator's generator when its page is reloaded or closed; a run of hours must not end
with it.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Generic, TypeVar

__all__ = ["BackgroundRun"]

Step = TypeVar("Step")
Result = TypeVar("Result")


class BackgroundRun(Generic[Step, Result]):
    """Exhausts a generator on a thread and keeps its latest step.

    Args:
        steps: What to run; its return value is the result.
        name: The thread's name.
    """

    def __init__(self, steps: Generator[Step, None, Result], name: str) -> None:
        self._steps = steps
        self._changed = threading.Condition()
        self._latest: Step | None = None
        self._result: Result | None = None
        self._error: BaseException | None = None
        self._done = False
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        try:
            while True:
                step = next(self._steps)
                with self._changed:
                    self._latest = step
                    self._changed.notify_all()
        except StopIteration as end:
            self._finish(end.value, None)
        except BaseException as error:  # noqa: BLE001 - raised again on the thread that polls
            self._finish(None, error)

    def _finish(self, result: Result | None, error: BaseException | None) -> None:
        with self._changed:
            self._result, self._error, self._done = result, error, True
            self._changed.notify_all()

    def poll(self, timeout_s: float) -> Step | None:
        """Wait for a step that was not given yet; None when the time is over or the run has ended."""
        with self._changed:
            if self._latest is None and not self._done:
                self._changed.wait(timeout_s)
            step, self._latest = self._latest, None
            return step

    @property
    def done(self) -> bool:
        """Whether the run has ended, in whatever way, and every step was given."""
        with self._changed:
            return self._done and self._latest is None

    @property
    def error(self) -> BaseException | None:
        """What ended the run, or None while it goes on and where it came to its end."""
        with self._changed:
            return self._error

    def result(self) -> Result:
        """Give the result of a run that has ended, or raise its error."""
        if self._error is not None:
            raise self._error
        if not self._done:
            raise RuntimeError("the run goes on: poll until it is done")
        return self._result  # type: ignore[return-value]

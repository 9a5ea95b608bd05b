"""A bar on the terminal for weights that are downloaded."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqdm import tqdm

    from fo_pose_plugin.models.downloads import DownloadProgress

    DownloadCallback: TypeAlias = Callable[[DownloadProgress], None]

__all__ = ["DownloadBar", "follow_download"]

Result = TypeVar("Result")


@final
class DownloadBar:
    """Shows each `DownloadProgress` on the standard error; use it with ``with``.

    Args:
        shown: Whether it is drawn; None draws it where the standard error is a terminal.
    """

    def __init__(self, shown: bool | None = None) -> None:
        self._disable = None if shown is None else not shown
        self._bar: tqdm[None] | None = None
        self._name = ""

    def show(self, name: str, step: DownloadProgress) -> None:
        """Show a step; another name begins another bar."""
        if self._bar is None or name != self._name:
            from tqdm import tqdm

            self.close()
            self._name = name
            self._bar = tqdm(
                desc=name, unit="B", unit_scale=True, dynamic_ncols=True, leave=True, disable=self._disable
            )
        if step.total_bytes is not None:
            self._bar.total = step.total_bytes
        # A server that gives no part makes the download begin anew.
        self._bar.update(step.done_bytes - self._bar.n)

    def close(self) -> None:
        """End the line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> DownloadBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def follow_download(
    name: str,
    steps: Generator[DownloadProgress, None, Result],
    progress: bool | DownloadCallback | None = None,
) -> Result:
    """Carry out a download to its end.

    Args:
        name: What is downloaded, for the bar.
        steps: The download.
        progress: True or False for a bar or none, a function for each step, None for a bar where the
            standard error is a terminal.
    """
    with closing(steps), DownloadBar(None if callable(progress) else progress) as bar:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            if callable(progress):
                progress(step)
            else:
                bar.show(name, step)

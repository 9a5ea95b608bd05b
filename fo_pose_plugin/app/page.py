"""What an operator tells the page that started it, while it runs and at its end.

A generator's messages reach a page of the App alone: Python and delegated runs get what `execute` returns.
FiftyOne shows nothing of an error that a generator raises, so that it has to be told like a result.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import nullcontext
from typing import Any, Protocol, TypeVar

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.background import BackgroundRun
from fo_pose_plugin.app.priority import behind_the_app
from fo_pose_plugin.errors import PoseError

__all__ = [
    "SHOWN_FAILURES",
    "Step",
    "add_failures",
    "asked_by_app",
    "poll_steps",
    "refuse",
    "run_steps",
    "show_bar",
    "show_failure",
    "show_field",
    "stream_run",
]

logger = logging.getLogger(__name__)

POLL_S = 0.3


class Step(Protocol):
    """How far a task is."""

    @property
    def fraction(self) -> float:
        """From 0 to 1."""

    def describe(self) -> str:
        """Say it in one line."""


StepT = TypeVar("StepT", bound=Step)
ReportT = TypeVar("ReportT")

SHOWN_FAILURES = 20


def asked_by_app(ctx: foo.ExecutionContext) -> bool:
    """Whether a page waits for messages: the App sends what it shows, Python and delegated runs do not."""
    return "spaces" in ctx.request_params and not ctx.delegated


def show_bar(ctx: foo.ExecutionContext, fraction: float, label: str) -> Any:
    """Show how far it is."""
    output = types.Object()
    output.float("progress", view=types.ProgressView(label=label))
    return ctx.ops.show_output(types.Property(output).to_json(), {"progress": fraction})


def add_failures(output: types.Object, failures: Mapping[str, str], label: str) -> None:
    """Add the first failures, by sample id, and say how many more there are."""
    shown = list(failures.items())[:SHOWN_FAILURES]
    more = len(failures) - len(shown)
    text = "\n".join(f"{sample_id}: {message}" for sample_id, message in shown)
    if more:
        text += f"\nand {more:,} more"
    output.view("failures", types.Error(label=label, description=text))


def refuse(inputs: types.Object, label: str, description: str) -> None:
    """Say in a form why it cannot be done, and keep the form from being sent."""
    prop = inputs.view("refused", types.Error(label=label, description=description))
    prop.invalid = True
    prop.error_message = description  # what Python sees of a form that cannot be sent


def show_field(ctx: foo.ExecutionContext, field: str) -> Iterator[Any]:
    """Tick a field in the grid, beside those that a person has ticked."""
    active = list(ctx.active_fields or [])
    if field not in active:
        yield ctx.ops.set_active_fields([*active, field])


def show_failure(ctx: foo.ExecutionContext, label: str, message: str) -> Iterator[Any]:
    """Say that nothing came of it, and why."""
    output = types.Object()
    output.view("error", types.Error(label=label, description=message))
    yield ctx.ops.notify(message, variant="error")
    yield ctx.ops.show_output(types.Property(output).to_json(), {})


def run_steps(ctx: foo.ExecutionContext, steps: Generator[StepT, None, ReportT]) -> ReportT:
    """Carry a task out where no page waits: plainly, or when delegated with FiftyOne's own progress.

    What is delegated goes on behind the App, at a lower priority.
    """
    with behind_the_app() if ctx.delegated else nullcontext():
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                report: ReportT = end.value
                return report
            if ctx.delegated:
                ctx.set_progress(progress=step.fraction, label=step.describe())


def poll_steps(
    ctx: foo.ExecutionContext, steps: Generator[StepT, None, ReportT], *, reads_files: bool = False
) -> Generator[Any, None, ReportT]:
    """Carry a task out on a thread, with a live bar.

    Args:
        ctx: The operator's.
        steps: The task.
        reads_files: Whether an error that nobody foresaw may quote what a file holds; only its kind is told.

    Raises:
        PoseError: If it ended early, whatever ended it; the server's log has the whole.
    """
    run: BackgroundRun[StepT, ReportT] = BackgroundRun(steps, "fo-pose-task")
    while not run.done:
        step = run.poll(POLL_S)
        if step is not None:
            yield show_bar(ctx, step.fraction, step.describe())
    if run.error is not None:
        logger.error("a task ended early", exc_info=run.error)
        if isinstance(run.error, PoseError):
            raise run.error
        kind = type(run.error).__name__
        raise PoseError(kind if reads_files else f"{kind}: {run.error}") from run.error
    return run.result()


def stream_run(
    ctx: foo.ExecutionContext,
    begin: Callable[[foo.ExecutionContext], Generator[StepT, None, ReportT]],
    show: Callable[[foo.ExecutionContext, ReportT], Iterator[Any]],
    failure_label: str,
    *,
    reads_files: bool = False,
) -> Iterator[Any]:
    """Carry a task out for a page: on a thread, with a live bar, to its report or what went wrong.

    Args:
        ctx: The operator's.
        begin: Reads the form and gives the task's steps; raises what is wrong with the form.
        show: Gives the messages of a report.
        failure_label: What to say above an error.
        reads_files: As `poll_steps` takes it.
    """
    try:
        report = yield from poll_steps(ctx, begin(ctx), reads_files=reads_files)
    except PoseError as error:
        yield from show_failure(ctx, failure_label, str(error))
        return
    yield from show(ctx, report)

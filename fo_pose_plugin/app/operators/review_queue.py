"""The operator `review_queue`: orders what is to be reviewed, saves that as a view and opens the first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.page import add_failures, asked_by_app, poll_steps, refuse, run_steps, show_failure
from fo_pose_plugin.app.review_form import QueueRequest, add_queue_fields, read_queue_request
from fo_pose_plugin.core.wording import n_images, n_people
from fo_pose_plugin.errors import InputError, MediaTypeError, PoseError
from fo_pose_plugin.tasks.compute_signals import signal_samples
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.review_queue import (
    ReviewQueue,
    plan_queue,
    queue_choices,
    save_queue,
    without_doubt,
)

__all__ = ["ReviewQueueOperator"]

PLUGIN = "@fo-pose/fo_pose_plugin"
MOST_STEPS = 5000
SETTLE_S = 2.5
SHOWN_ENTRIES = 15


class ReviewQueueOperator(foo.Operator):
    """Queue the poses that most need a person's eye."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="review_queue",
            label="Review queue",
            description="Order images by how doubtful their poses are, say why, and open the first",
            icon="/fo_pose_plugin/app/icons/review.svg",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Offer the fields with poses whose doubt is known or can be found."""
        inputs = types.Object()
        if queue_choices(ctx.dataset):
            try:
                samples = ctx.target_view()
                check_media(samples)
                add_queue_fields(ctx, inputs, samples)
                add_token(ctx, inputs, self.name)
            except MediaTypeError as error:
                refuse(inputs, "These samples cannot be used", str(error))
            except InputError as error:
                refuse(inputs, "These values cannot be used", str(error))
        else:
            refuse(
                inputs,
                "This dataset has no poses that could be judged",
                "Run the operator 'Estimate poses' first, with 'Keep the heatmaps' ticked",
            )
        return types.Property(inputs, view=types.View(label="Review queue"))

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        """Make the queue: with a live bar in the App, else plainly.

        Returns:
            A generator of messages for the App, and otherwise what the queue holds, as a dictionary.
        """
        if asked_by_app(ctx):
            return self._stream(ctx)
        check_token(ctx.params, self.name)
        request = read_queue_request(ctx.params)
        samples = ctx.target_view()
        failures: dict[str, str] = {}
        lacking = _lacking(samples, request)
        if lacking is not None:
            failures = run_steps(ctx, signal_samples(lacking, request.pose_field)).failures
        queue = _plan(samples, request)
        save_queue(samples, queue, request.view_name)
        return {**_as_dict(queue), "failed": len(failures), "view": request.view_name}

    def _stream(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        try:
            check_token(ctx.params, self.name)
            request = read_queue_request(ctx.params)
            samples = ctx.target_view()
            failures = yield from _find_doubt(ctx, samples, request)
            queue = _plan(samples, request)
            if queue.entries:
                save_queue(samples, queue, request.view_name)
        except PoseError as error:
            yield from show_failure(ctx, "There is no queue", str(error))
            return
        if queue.entries:
            yield ctx.ops.reload_dataset()
            # By its name the page could not find it: it knows the views there were when it was loaded.
            yield ctx.ops.set_view(view=queue.view(samples))
            # FiftyOne's own open_sample would show neither fields that are new nor a way to the next image;
            # ours shows the fields of the grid, which asks for its samples anew meanwhile.
            ids = [entry.sample_id for entry in queue.entries[:MOST_STEPS]]
            time.sleep(SETTLE_S)
            yield ctx.trigger(f"{PLUGIN}/open_queue", params={"ids": ids})
        yield _show_summary(ctx, queue, request, failures)


def _lacking(samples: Any, request: QueueRequest) -> Any:
    """Give the samples whose doubt must be found first; None where there are none."""
    check_media(samples)
    field = request.pose_field
    if not samples.has_field(field) or samples.get_field(f"{field}.heatmaps_path") is None:
        return None
    lacking = without_doubt(samples, field)
    return lacking if len(lacking) else None


def _find_doubt(ctx: Any, samples: Any, request: QueueRequest) -> Any:
    """Read the kept heatmaps of those whose doubt is unknown, with a bar; give the failures."""
    lacking = _lacking(samples, request)
    if lacking is None:
        return {}
    report = yield from poll_steps(ctx, signal_samples(lacking, request.pose_field))
    samples.reload()
    return report.failures


def _plan(samples: Any, request: QueueRequest) -> ReviewQueue:
    return plan_queue(
        samples, request.pose_field, request.n, diverse=request.diverse, keypoints=request.keypoints
    )


def _as_dict(queue: ReviewQueue) -> dict[str, Any]:
    return {
        "images": len(queue.entries),
        "people": queue.people,
        "reviewed": queue.reviewed,
        "unjudged": queue.unjudged,
        "first": [
            {"sample_id": entry.sample_id, "doubt": round(entry.doubt, 3), "why": entry.why}
            for entry in queue.entries[:SHOWN_ENTRIES]
        ],
    }


def _show_summary(
    ctx: foo.ExecutionContext, queue: ReviewQueue, request: QueueRequest, failures: dict[str, str]
) -> Any:
    """Say what was queued, and why the first are in it."""
    output = types.Object()
    results: dict[str, Any] = {}
    if not queue.entries:
        output.view("done", types.Notice(label="There is nobody left to review"))
    else:
        left_out = f" Reviewed before: {queue.reviewed:,}." if queue.reviewed else ""
        output.view(
            "done",
            types.AlertView(
                severity="success",
                label=f"{n_images(len(queue.entries))} to review, saved as the view {request.view_name!r}",
                description=f"Not reviewed yet: {n_people(queue.people)}.{left_out} The first image is "
                "open: close this to see it.",
            ),
        )
        table = types.TableView()
        for key, label in (("place", ""), ("image", "Image"), ("doubt", "Doubt"), ("why", "Why")):
            table.add_column(key, label=label)
        output.list("first", types.Object(), view=table, label="The first")
        names = _names(ctx, [entry.sample_id for entry in queue.entries[:SHOWN_ENTRIES]])
        results["first"] = [
            {
                "place": str(place),
                "image": names.get(entry.sample_id, entry.sample_id),
                "doubt": f"{entry.doubt:.2f}",
                "why": entry.why,
            }
            for place, entry in enumerate(queue.entries[:SHOWN_ENTRIES], 1)
        ]
    if queue.unjudged:
        output.view(
            "unjudged",
            types.Notice(
                label=f"Not in the queue: {n_people(queue.unjudged)}",
                description="Another tool moved or added them, or their heatmaps were not kept or are gone.",
            ),
        )
    if failures:
        add_failures(output, failures, f"Heatmaps of {n_images(len(failures))} could not be read")
    return ctx.ops.show_output(types.Property(output).to_json(), results)


def _names(ctx: foo.ExecutionContext, sample_ids: list[str]) -> dict[str, str]:
    ids, paths = ctx.dataset.select(sample_ids).values(["id", "filepath"])
    return {sample_id: Path(path).name for sample_id, path in zip(ids, paths, strict=True)}

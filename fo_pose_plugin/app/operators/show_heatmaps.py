"""The operator `show_heatmaps`: paints the overlay anew for some keypoints, from the kept heatmaps."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import add_dropdown, add_keypoint_names
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import read_text, read_texts
from fo_pose_plugin.app.page import (
    SHOWN_FAILURES,
    add_failures,
    asked_by_app,
    refuse,
    run_steps,
    show_field,
    stream_run,
)
from fo_pose_plugin.core.wording import n_images
from fo_pose_plugin.errors import InputError, MediaTypeError
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.show_heatmaps import (
    PaintProgress,
    ShowHeatmapsReport,
    heatmap_choices,
    paint_samples,
)

__all__ = ["ShowHeatmaps"]

ICON = "/fo_pose_plugin/app/icons/heatmap.svg"


class ShowHeatmaps(foo.Operator):
    """Paint the heatmaps of chosen keypoints over the images."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="show_heatmaps",
            label="Show heatmaps",
            description="Paint the kept heatmaps of some keypoints, or all, over the images; no model runs",
            icon=ICON,
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Offer the fields with kept heatmaps, and their groups and names."""
        inputs = types.Object()
        choices = heatmap_choices(ctx.dataset)
        if choices:
            try:
                samples = ctx.target_view()
                check_media(samples)
                self._fields(ctx, inputs, choices, len(samples))
                add_token(ctx, inputs, self.name)
            except MediaTypeError as error:
                refuse(inputs, "These samples cannot be used", str(error))
            except InputError as error:  # no browser sends such values
                refuse(inputs, "These values cannot be used", str(error))
        else:
            refuse(
                inputs,
                "This dataset has no kept heatmaps",
                "Run the operator 'Estimate poses' first, with 'Keep the heatmaps' ticked",
            )
        return types.Property(inputs, view=types.View(label="Show heatmaps"))

    def _fields(
        self, ctx: foo.ExecutionContext, inputs: types.Object, choices: dict[str, list[str]], samples: int
    ) -> None:
        add_dropdown(inputs, "pose_field", "Poses", choices)
        field = read_text(ctx.params, "pose_field") or next(iter(choices))
        add_keypoint_names(inputs, choices.get(field, ()), "none paints all")
        chosen = read_texts(ctx.params, "keypoints")
        what = ", ".join(chosen) if chosen else "all keypoints"
        inputs.view(
            "outlook",
            types.Notice(
                label=f"{n_images(samples)}: {what}",
                description=f"Painted in '{field}_heatmap', where each image's label says what it shows. "
                "Everyone on an image is painted, on one scale.",
            ),
        )

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        """Paint: with a live bar in the App, with FiftyOne's progress when delegated, else plainly.

        Returns:
            A generator of messages for the App, and otherwise the report as a dictionary.
        """
        if asked_by_app(ctx):
            return stream_run(ctx, _painting, _show, "The heatmaps were not painted")
        return _as_dict(run_steps(ctx, _painting(ctx)))


def _painting(ctx: foo.ExecutionContext) -> Generator[PaintProgress, None, ShowHeatmapsReport]:
    """Begin what the form asks for.

    Raises:
        PoseError: If it cannot be done; it says why.
    """
    check_token(ctx.params, "show_heatmaps")
    return paint_samples(
        ctx.target_view(),
        read_text(ctx.params, "pose_field") or "poses",
        read_texts(ctx.params, "keypoints") or None,
    )


def _as_dict(report: ShowHeatmapsReport) -> dict[str, Any]:
    """Give a report as plain values; of the failures those that a form can show."""
    return {
        "samples": report.samples,
        "skipped": report.skipped,
        "failed": len(report.failures),
        "failures": dict(list(report.failures.items())[:SHOWN_FAILURES]),
        "seconds": round(report.seconds, 2),
        "shown": report.shown,
        "heatmap_field": report.heatmap_field,
    }


def _show(ctx: foo.ExecutionContext, report: ShowHeatmapsReport) -> Iterator[Any]:
    """Show the overlays in the grid; say what they show now, and what could not be painted."""
    yield ctx.ops.reload_dataset()
    yield from show_field(ctx, report.heatmap_field)
    output = types.Object()
    if report.samples:
        output.view(
            "done",
            types.AlertView(
                severity="success",
                label=f"Painted on {n_images(report.samples)}: {report.shown}",
                description=f"In '{report.heatmap_field}'. Point at an overlay, or open the field in a "
                "sample's sidebar, to read what it shows. An image that you had opened before shows it when "
                "the page is reloaded: FiftyOne keeps opened samples.",
            ),
        )
    else:
        output.view("done", types.Warning(label="No image was painted"))
    if report.skipped:
        output.view("skipped", types.Notice(label=f"Nobody on {n_images(report.skipped)}"))
    if report.failures:
        add_failures(output, report.failures, f"As before: {n_images(len(report.failures))}")
    yield ctx.ops.show_output(types.Property(output).to_json(), {})

"""The operator `find_label_errors`: labels that the heatmaps speak against, listed and shown as a view."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import PurePath
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import add_dropdown
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import read_number, read_text
from fo_pose_plugin.app.page import SHOWN_FAILURES, add_failures, asked_by_app, refuse, run_steps, stream_run
from fo_pose_plugin.core.label_errors import LEAST_STRENGTH
from fo_pose_plugin.core.wording import n_images
from fo_pose_plugin.errors import InputError
from fo_pose_plugin.tasks.evaluate_poses import evaluation_fields
from fo_pose_plugin.tasks.find_label_errors import (
    LabelErrorsProgress,
    LabelErrorsReport,
    search_samples,
)
from fo_pose_plugin.tasks.show_heatmaps import heatmap_choices

__all__ = ["FindLabelErrors"]

ICON = "/fo_pose_plugin/app/icons/evaluation.svg"
SHOWN_ERRORS = 20
# What each kind is called in the summary.
KIND_LABELS = {
    "swapped_person": "left and right of a person exchanged",
    "swapped_arms": "arms exchanged",
    "swapped_legs": "legs exchanged",
    "swapped_between_people": "keypoints exchanged between people",
    "wrong_position": "keypoints in a wrong place",
    "missing_keypoint": "keypoints not annotated",
    "wrong_visibility": "visibility marked wrongly",
    "missing_person": "people not annotated",
}


class FindLabelErrors(foo.Operator):
    """Hold human labels against the heatmaps of a model."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="find_label_errors",
            label="Find label errors",
            description="Find human labels that a model's heatmaps speak against: swaps, wrong places, what "
            "is missing",
            icon=ICON,
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Ask for the labels and the poses with kept heatmaps."""
        inputs = types.Object()
        witnesses = list(heatmap_choices(ctx.dataset))
        labels = [name for name in evaluation_fields(ctx.dataset)[1] if name not in witnesses]
        if not witnesses:
            refuse(
                inputs,
                "This dataset has no kept heatmaps",
                "Run 'Estimate poses' in the labels' boxes first, with 'Keep the heatmaps' ticked",
            )
        elif not labels:
            refuse(inputs, "This dataset has no labels to check", "'Import poses' reads annotation files")
        else:
            samples = ctx.target_view()
            add_dropdown(inputs, "gt_field", "Labels", labels, description="What people annotated")
            evidence = "Whose heatmaps are the evidence"
            add_dropdown(inputs, "pose_field", "Poses", witnesses, description=evidence)
            inputs.float(
                "min_strength",
                default=LEAST_STRENGTH,
                label="Least strength",
                description="0 to 1; lower finds more, and more that is right after all",
            )
            inputs.view(
                "outlook",
                types.Notice(
                    label=f"{n_images(len(samples))} to search; no label is changed",
                    description="Labels in doubt get 'label_error' in words, 'label_error_strength' and a "
                    "suggestion, 'label_error_fix'.",
                ),
            )
            add_token(ctx, inputs, self.name)
        return types.Property(inputs, view=types.View(label="Find label errors"))

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        """Search: with a live bar in the App, with FiftyOne's progress when delegated, else plainly.

        Returns:
            A generator of messages for the App, and otherwise the report as a dictionary.
        """
        if asked_by_app(ctx):
            return stream_run(ctx, _steps, _show, "The labels were not searched")
        return _as_dict(run_steps(ctx, _steps(ctx)))


def _steps(ctx: foo.ExecutionContext) -> Generator[LabelErrorsProgress, None, LabelErrorsReport]:
    """Begin what the form asks for.

    Raises:
        PoseError: If it cannot be done; it says why.
    """
    check_token(ctx.params, "find_label_errors")
    gt_field = read_text(ctx.params, "gt_field")
    if gt_field is None:
        raise InputError("no field with labels was chosen: gt_field is missing")
    strength = read_number(ctx.params, "min_strength")
    return search_samples(
        ctx.target_view(),
        gt_field,
        read_text(ctx.params, "pose_field") or "poses",
        min_strength=LEAST_STRENGTH if strength is None else strength,
    )


def _as_dict(report: LabelErrorsReport) -> dict[str, Any]:
    """Give a report as plain values; of errors and failures those that a form can show."""
    return {
        "samples": report.samples,
        "people": report.people,
        "counts": report.counts,
        "errors": [
            {"sample_id": e.sample_id, "label_id": e.label_id, "why": e.why, "strength": e.strength}
            for e in report.errors[:SHOWN_ERRORS]
        ],
        "failed": len(report.failures),
        "failures": dict(list(report.failures.items())[:SHOWN_FAILURES]),
        "seconds": round(report.seconds, 2),
    }


def _show(ctx: foo.ExecutionContext, report: LabelErrorsReport) -> Iterator[Any]:
    """Show what was found, and the images with it, the strongest first."""
    output = types.Object()
    searched = f"{report.people:,} labels on {n_images(report.samples)}"
    yield ctx.ops.reload_dataset()
    if report.errors:
        view = report.view(ctx.dataset)
        yield ctx.ops.set_view(view)
        counts = [f"{count:,} {KIND_LABELS[kind]}" for kind, count in report.counts.items()]
        output.view(
            "found",
            types.Warning(
                label=f"{len(report.errors):,} findings among {searched}", description="; ".join(counts)
            ),
        )
        paths = dict(zip(*view.values(["id", "filepath"]), strict=True))
        lines = [
            f"{e.strength:.2f}  {PurePath(paths[e.sample_id]).name}: {e.why}"
            for e in report.errors[:SHOWN_ERRORS]
        ]
        more = len(report.errors) - len(lines)
        output.view(
            "errors",
            types.Notice(
                label="The strongest (the view shows their images in this order)",
                description="\n".join([*lines, *([f"and {more:,} more"] if more else [])]),
            ),
        )
    else:
        output.view("none", types.AlertView(severity="success", label=f"Nothing was found among {searched}"))
    if report.without_poses:
        output.view("without", types.Notice(label=f"Without poses yet: {n_images(report.without_poses)}"))
    if report.failures:
        add_failures(output, report.failures, f"{len(report.failures):,} could not be searched")
    yield ctx.ops.show_output(types.Property(output).to_json(), {})

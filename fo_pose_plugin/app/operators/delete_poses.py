"""The operators `delete_poses` and `undo_run`: what will go is said first, and what went after."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import Choice, add_dropdown
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import read_flag, read_text
from fo_pose_plugin.errors import InputError, PoseError
from fo_pose_plugin.tasks.delete_poses import (
    DeleteReport,
    delete_poses,
    describe_runs,
    pose_fields_of,
    undo_run,
)

__all__ = ["DeletePoses", "UndoRun"]

ICON = "/fo_pose_plugin/app/icons/delete.svg"


class DeletePoses(foo.Operator):
    """Delete a field of poses with all that belongs to it."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="delete_poses",
            label="Delete poses",
            description="Delete a field of poses with its boxes, heatmaps, runs and views; corrections stay",
            icon=ICON,
            dynamic=True,
            risk_level=types.RiskLevel.HIGH,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Offer the fields that runs have filled."""
        inputs = types.Object()
        fields = pose_fields_of(ctx.dataset)
        if fields:
            add_dropdown(inputs, "pose_field", "Poses", fields)
            chosen = _chosen(ctx, "pose_field", fields)
            warning = types.Warning(
                label=f"The poses in {chosen!r} are deleted from the whole dataset",
                description="With their overlays, errors, kept heatmaps, runs and saved views, and the boxes "
                "that a detector found for them. Corrections made by people stay. This cannot be undone.",
            )
            inputs.view("warning", warning)
            _discard_edits(inputs)
            add_token(ctx, inputs, self.name)
        else:
            _nothing(inputs, "No run has written poses into this dataset")
        return types.Property(inputs, view=types.View(label="Delete poses"))

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Delete the field."""
        try:
            check_token(ctx.params, self.name)
            field = read_text(ctx.params, "pose_field")
            if field is None:
                raise InputError("no field was named")
            discard = read_flag(ctx.params, "discard_edits", False)
            report = delete_poses(ctx.dataset, field, discard_edits=discard)
        except PoseError as error:
            return _failed(ctx, error)
        return _told(ctx, report)

    def resolve_output(self, _ctx: foo.ExecutionContext) -> types.Property:
        """Show what happened."""
        return _output("Delete poses")


class UndoRun(foo.Operator):
    """Take out what one run wrote."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="undo_run",
            label="Undo a run of poses",
            description="Take out what one run wrote: poses, overlays, its detector's boxes and its files",
            icon=ICON,
            dynamic=True,
            risk_level=types.RiskLevel.HIGH,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Offer the runs, the newest first."""
        inputs = types.Object()
        runs = describe_runs(ctx.dataset)
        if runs:
            described = [Choice(run_id, run_id, words) for run_id, words in runs.items()]
            add_dropdown(inputs, "run_id", "Run", described)
            warning = types.Warning(
                label=runs[_chosen(ctx, "run_id", list(runs))],
                description="What this run wrote is deleted; what it replaced does not come back.",
            )
            inputs.view("warning", warning)
            _discard_edits(inputs)
            add_token(ctx, inputs, self.name)
        else:
            _nothing(inputs, "No run has written poses into this dataset")
        return types.Property(inputs, view=types.View(label="Undo a run of poses"))

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Undo the run."""
        try:
            check_token(ctx.params, self.name)
            run_id = read_text(ctx.params, "run_id")
            if run_id is None:
                raise InputError("no run was named")
            discard = read_flag(ctx.params, "discard_edits", False)
            report = undo_run(ctx.dataset, run_id, discard_edits=discard)
        except PoseError as error:
            return _failed(ctx, error)
        return _told(ctx, report)

    def resolve_output(self, _ctx: foo.ExecutionContext) -> types.Property:
        """Show what happened."""
        return _output("Undo a run of poses")


def _chosen(ctx: foo.ExecutionContext, name: str, offered: list[str]) -> str:
    """What was chosen of what is offered; the first of it before anything was."""
    value = ctx.params.get(name)
    return value if isinstance(value, str) and value in offered else offered[0]


def _nothing(inputs: types.Object, why: str) -> None:
    prop = inputs.view("none", types.Notice(label=why))
    prop.invalid = True


def _discard_edits(inputs: types.Object) -> None:
    inputs.bool(
        "discard_edits",
        default=False,
        label="Discard edits",
        description="Also where another tool has edited these poses; without it, edits stop the deletion",
        view=types.CheckboxView(),
    )


def _failed(ctx: foo.ExecutionContext, error: PoseError) -> dict[str, Any]:
    ctx.ops.notify(str(error), variant="error")
    return {"message": f"Nothing was deleted: {error}", "samples": 0, "freed_bytes": 0}


def _told(ctx: foo.ExecutionContext, report: DeleteReport) -> dict[str, Any]:
    ctx.ops.reload_dataset()
    return {"message": report.describe(), "samples": report.samples, "freed_bytes": report.freed_bytes}


def _output(label: str) -> types.Property:
    outputs = types.Object()
    outputs.str("message", label="What happened")
    return types.Property(outputs, view=types.View(label=label))

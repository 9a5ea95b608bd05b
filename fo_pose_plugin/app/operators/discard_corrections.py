"""The operators `discard_corrections` and `restore_corrections`: what goes is said, and can come back."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import Choice, add_dropdown
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import DEFAULT_POSE_FIELD, read_flag, read_text
from fo_pose_plugin.app.page import refuse
from fo_pose_plugin.core.wording import n_people
from fo_pose_plugin.errors import InputError, PoseError
from fo_pose_plugin.tasks.correction_report import CorrectionsReport, count_corrections
from fo_pose_plugin.tasks.discard_corrections import (
    corrections_history,
    discard_corrections,
    history_kept,
    reset_poses,
    restore_corrections,
)
from fo_pose_plugin.tasks.editor_sample import editable_fields

__all__ = ["DiscardCorrections", "RestoreCorrections"]

ICON = "/fo_pose_plugin/app/icons/delete.svg"
ACTIONS = {
    "accept_poses": "accepted",
    "discard_corrections": "discarded",
    "reset_poses": "reset to the predictions",
    "restore_corrections": "restored",
}


class DiscardCorrections(foo.Operator):
    """Take corrections of a view or selection away."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="discard_corrections",
            label="Discard corrections",
            description="Take away what people accepted, corrected, added or rejected; it can be undone",
            icon=ICON,
            dynamic=True,
            risk_level=types.RiskLevel.HIGH,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Offer the fields that have corrections, and say what would go."""
        inputs = types.Object()
        fields = [name for name in editable_fields(ctx.dataset) if ctx.dataset.has_field(f"{name}_corrected")]
        if not fields:
            refuse(inputs, "There are no corrections", "Nobody has accepted or corrected anyone yet")
            return types.Property(inputs, view=types.View(label="Discard corrections"))
        try:
            samples = ctx.target_view()
            field = _add_field(ctx, inputs, fields)
            inputs.bool(
                "keep_added",
                default=False,
                label="Only back to the predictions",
                description="People whom someone added, and those whose prediction is gone, stay",
                view=types.CheckboxView(),
            )
            counts = count_corrections(samples, field)
            if counts.people:
                warning = types.Warning(
                    label=f"Taken away: corrections of {counts.describe()}",
                    description="All people on these images count, whatever people the view shows. "
                    f"'Restore corrections' brings them back: the last {history_kept()} actions are kept.",
                )
                inputs.view("warning", warning)
            else:
                refuse(inputs, "There are no corrections on these images", "Choose others")
            add_token(ctx, inputs, self.name)
        except InputError as error:
            refuse(inputs, "This cannot be discarded", str(error))
        return types.Property(inputs, view=types.View(label="Discard corrections"))

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Take them away."""
        try:
            check_token(ctx.params, self.name)
            field = read_text(ctx.params, "pose_field") or DEFAULT_POSE_FIELD
            act = reset_poses if read_flag(ctx.params, "keep_added", False) else discard_corrections
            report = act(ctx.target_view(), field)
        except PoseError as error:
            return _failed(ctx, "Nothing was discarded", error)
        return _told(ctx, report, "taken away")

    def resolve_output(self, _ctx: foo.ExecutionContext) -> types.Property:
        """Say what happened."""
        return _output("Discard corrections")


class RestoreCorrections(foo.Operator):
    """Undo what was done to many corrections at once."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="restore_corrections",
            label="Restore corrections",
            description="Undo an acceptance or a discarding of many people's poses",
            icon="/fo_pose_plugin/app/icons/review.svg",
            dynamic=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Offer what can be undone, the newest first."""
        inputs = types.Object()
        fields = [name for name in editable_fields(ctx.dataset) if corrections_history(ctx.dataset, name)]
        if not fields:
            refuse(inputs, "Nothing can be undone", "Nobody was accepted or discarded many at once")
            return types.Property(inputs, view=types.View(label="Restore corrections"))
        try:
            field = _add_field(ctx, inputs, fields)
            history = corrections_history(ctx.dataset, field)
            actions = [Choice(key, _described(entry)) for key, entry in history.items()]
            add_dropdown(inputs, "history_key", "Undo", actions)
            chosen = read_text(ctx.params, "history_key") or ""
            entry = history.get(chosen) or next(iter(history.values()), {})
            warning = types.Warning(
                label=f"Undone: {_described(entry)}",
                description="People whom someone has edited since stay as they are. This can be undone too.",
            )
            inputs.view("warning", warning)
            add_token(ctx, inputs, self.name)
        except InputError as error:
            refuse(inputs, "This cannot be undone", str(error))
        return types.Property(inputs, view=types.View(label="Restore corrections"))

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Undo it."""
        try:
            check_token(ctx.params, self.name)
            field = read_text(ctx.params, "pose_field") or DEFAULT_POSE_FIELD
            report = restore_corrections(ctx.dataset, field, read_text(ctx.params, "history_key"))
        except PoseError as error:
            return _failed(ctx, "Nothing was undone", error)
        return _told(ctx, report, "as they were before")

    def resolve_output(self, _ctx: foo.ExecutionContext) -> types.Property:
        """Say what happened."""
        return _output("Restore corrections")


def _add_field(ctx: foo.ExecutionContext, inputs: types.Object, fields: list[str]) -> str:
    """Ask for the field; give what was chosen of it, the first before anything was."""
    add_dropdown(inputs, "pose_field", "Poses", fields)
    chosen = read_text(ctx.params, "pose_field")
    return chosen if chosen in fields else fields[0]


def _described(entry: Any) -> str:
    done = ACTIONS.get(str(entry.get("action")), "changed")
    when = str(entry.get("edited_at"))[:16].replace("T", " ")
    return f"{n_people(entry.get('people', 0))} {done} by {entry.get('edited_by')} ({when} UTC)"


def _failed(ctx: foo.ExecutionContext, what: str, error: PoseError) -> dict[str, Any]:
    ctx.ops.notify(str(error), variant="error")
    return {"message": f"{what}: {error}", "people": 0, "history_key": None}


def _told(ctx: foo.ExecutionContext, report: CorrectionsReport, done: str) -> dict[str, Any]:
    ctx.ops.reload_dataset()
    return {
        "message": report.describe(done),
        "people": report.people,
        "history_key": report.history_key,
    }


def _output(label: str) -> types.Property:
    outputs = types.Object()
    outputs.str("message", label="What happened")
    return types.Property(outputs, view=types.View(label=label))

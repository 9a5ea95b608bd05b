"""The operator `save_pose_edits`: what the panel "Pose editor" saves. Nobody starts it by hand."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.edit_forms import PixelEdit, read_save_request
from fo_pose_plugin.app.editor_json import person_json
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.operators.read_pose_editor import ICON
from fo_pose_plugin.core.correction import PointChange
from fo_pose_plugin.errors import PoseError
from fo_pose_plugin.tasks.edit_poses import EditOutcome, PoseEdit, default_editor, save_edits
from fo_pose_plugin.tasks.editor_people import EditorPerson
from fo_pose_plugin.tasks.editor_sample import app_sample, image_size, read_editor_sample

__all__ = ["SavePoseEdits"]


class SavePoseEdits(foo.Operator):
    """Save edits of one sample's people, each at the revision that it was based on."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="save_pose_edits",
            label="Save corrected poses",
            description="Write what was corrected in the pose editor",
            icon=ICON,
            unlisted=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Ask for the token, so that a forged request ends before anything is executed or scheduled."""
        inputs = types.Object()
        add_token(ctx, inputs, self.name)
        return types.Property(inputs)

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Save.

        Returns:
            ``results``, one per edit, and the ``sample`` for the App; ``problem`` alone says why nothing was
            saved.
        """
        try:
            check_token(ctx.params, self.name)
            request = read_save_request(ctx.params)
            dataset, sample_id, field = ctx.dataset, request.sample_id, request.pose_field
            size_wh = image_size(dataset, sample_id, field)
            edits = [_relative(edit, size_wh) for edit in request.edits]
            who = request.edited_by or default_editor()
            outcomes = save_edits(dataset, sample_id, field, edits, who)
            people = read_editor_sample(dataset, sample_id, field).people
        except PoseError as error:
            return {"problem": str(error)}
        return {
            "results": [_result(one, people) for one in outcomes],
            "sample": app_sample(dataset, sample_id),
        }


def _relative(edit: PixelEdit, size_wh: tuple[int, int]) -> PoseEdit:
    width, height = size_wh
    changes = {
        index: PointChange(
            None if change.point_px is None else (change.point_px[0] / width, change.point_px[1] / height),
            change.visible,
            change.origin,
        )
        for index, change in edit.changes.items()
    }
    box = None
    if edit.bbox_px is not None:
        x, y, w, h = edit.bbox_px
        box = (x / width, y / height, w / width, h / height)
    return PoseEdit(edit.key, edit.source_id, edit.label_id, edit.base_revision, edit.status, changes, box)


def _result(outcome: EditOutcome, people: tuple[EditorPerson, ...]) -> dict[str, Any]:
    person = next((one for one in people if _is_meant(one, outcome)), None)
    described = None if person is None else person_json(person)
    if outcome.outcome == "saved":
        return {"key": outcome.key, "outcome": "saved", "person": described}
    if outcome.outcome == "conflict":
        return {"key": outcome.key, "outcome": "conflict", "why": outcome.why, "theirs": described}
    return {"key": outcome.key, "outcome": "failed", "why": outcome.why}


def _is_meant(person: EditorPerson, outcome: EditOutcome) -> bool:
    if person.corrected is not None and person.corrected.label_id == outcome.label_id:
        return True
    return person.key == outcome.key

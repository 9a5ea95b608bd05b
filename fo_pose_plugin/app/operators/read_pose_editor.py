"""What the panel "Pose editor" reads: the open sample, a person's heatmaps, and how far the review is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.edit_forms import read_editor_request, read_evidence_request, read_field_name
from fo_pose_plugin.app.editor_json import editor_json, evidence_json
from fo_pose_plugin.app.form_token import make_token
from fo_pose_plugin.errors import PoseError
from fo_pose_plugin.tasks.edit_poses import default_editor
from fo_pose_plugin.tasks.editor_sample import EditorSample, read_editor_sample
from fo_pose_plugin.tasks.pose_evidence import read_pose_evidence
from fo_pose_plugin.tasks.reestimate_pose import find_reestimator
from fo_pose_plugin.tasks.review_progress import review_progress

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["ReadPoseEditor", "ReadPoseEvidence", "ReadReviewProgress"]

ICON = "/fo_pose_plugin/app/icons/pose.svg"
WRITING = ("save_pose_edits", "reestimate_pose")


def unlisted(name: str, label: str, description: str) -> foo.OperatorConfig:
    """How FiftyOne runs what a panel alone asks for."""
    return foo.OperatorConfig(
        name=name,
        label=label,
        description=description,
        icon=ICON,
        unlisted=True,
        risk_level=types.RiskLevel.LOW,
    )


class ReadPoseEditor(foo.Operator):
    """Give the open sample's people with their corrections, whatever the App's view shows of them."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return unlisted("read_pose_editor", "Read poses to edit", "Give the pose editor one sample's people")

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Read the sample.

        Returns:
            ``editor``; ``problem`` alone says why there is none.
        """
        try:
            request = read_editor_request(ctx.params)
            found = read_editor_sample(ctx.dataset, request.sample_id, request.pose_field)
        except PoseError as error:
            return {"problem": str(error)}
        model, problem = None, None
        try:
            model = find_reestimator(ctx.dataset, found.pose_field, found.skeleton).name
        except PoseError as error:
            problem = str(error)
        return {
            "editor": {
                **editor_json(found),
                "tokens": {name: make_token(name) for name in WRITING},
                "can_reestimate": model,
                "reestimate_problem": problem,
                "editor_name": default_editor(),
                "first_evidence": _first_evidence(ctx.dataset, request.sample_id, found),
            }
        }


def _first_evidence(dataset: fo.Dataset, sample_id: str, sample: EditorSample) -> dict[str, Any] | None:
    """Give the heatmaps of who the editor opens with, which an answer of their own would bring later.

    Returns:
        None where there are none; the page then asks for them, and hears why.
    """
    first = next((one for one in sample.people if one.corrected is None), next(iter(sample.people), None))
    if first is None or first.source is None:
        return None
    label_id = first.source.label_id
    try:
        found = read_pose_evidence(dataset, sample_id, sample.pose_field, label_id)
    except PoseError:
        return None
    return {"label_id": label_id, "evidence": evidence_json(found)}


class ReadPoseEvidence(foo.Operator):
    """Give one person's heatmaps and their peaks, from the kept files."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return unlisted("read_pose_evidence", "Read a pose's heatmaps", "Give the pose editor the heatmaps")

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Read the heatmaps.

        Returns:
            ``evidence``; ``problem`` alone says why there is none.
        """
        try:
            request = read_evidence_request(ctx.params)
            found = read_pose_evidence(ctx.dataset, request.sample_id, request.pose_field, request.label_id)
        except PoseError as error:
            return {"problem": str(error)}
        return {"evidence": evidence_json(found)}


class ReadReviewProgress(foo.Operator):
    """Say how many people of the App's view are reviewed."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return unlisted("read_review_progress", "Read the review's progress", "Count who is reviewed")

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Count.

        Returns:
            ``progress``; ``problem`` alone says why there is none.
        """
        try:
            found = review_progress(ctx.view, read_field_name(ctx.params))
        except PoseError as error:
            return {"problem": str(error)}
        return {
            "progress": {
                "reviewed": found.reviewed,
                "people": found.people,
                "samples_reviewed": found.samples_reviewed,
                "samples": found.samples,
            }
        }

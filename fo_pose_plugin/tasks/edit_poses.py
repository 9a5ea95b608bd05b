"""Save edits of a sample's people: merged, compared with the prediction, written at the revision they had."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from fo_pose_plugin.core.correction import (
    Box,
    EditedPose,
    Origin,
    PointChange,
    Status,
    merge_changes,
    same_pose,
    status_after,
)
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.correction_labels import (
    base_pose,
    check_corrections,
    corrected_pose,
    declare_corrections,
    make_correction,
    pose_values,
    stamp,
)
from fo_pose_plugin.dataset.corrections import (
    PersonUpdate,
    SamplePeople,
    apply_updates,
    change_of,
    insertion_of,
    read_people,
    removal_of,
    revision_of,
)
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.errors import CorrectionError, PoseError
from fo_pose_plugin.tasks.correction_views import add_correction_views

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["EditOutcome", "Outcome", "PoseEdit", "WantedStatus", "default_editor", "save_edits"]

WantedStatus: TypeAlias = Literal["accepted", "corrected", "added", "rejected", "reset"]
Outcome: TypeAlias = Literal["saved", "conflict", "failed"]


@dataclass(frozen=True, slots=True)
class PoseEdit:
    """What someone wants of one person.

    Args:
        key: Tells the caller which edit it is; an added person's label gets it as its id.
        source_id: The prediction's label, or None.
        label_id: The correction's label, or None where there is none yet.
        base_revision: The revision that the edit was made on; 0 where there was no correction.
        status: What is to become of the person; "reset" takes the correction away. Between "accepted" and
            "corrected" the comparison with the prediction decides.
        changes: By keypoint index; all others stay.
        bbox_rel: The new box, relative; None leaves it.
    """

    key: str
    source_id: str | None
    label_id: str | None
    base_revision: int
    status: WantedStatus
    changes: Mapping[int, PointChange] = field(default_factory=dict)
    bbox_rel: Box | None = None


@dataclass(frozen=True, slots=True)
class EditOutcome:
    """What became of an edit.

    Args:
        key: The edit's.
        outcome: "conflict" where someone else was quicker: nothing was written then.
        why: In words, where it was not saved.
        label_id: The correction as it stands, where there is one.
    """

    key: str
    outcome: Outcome
    why: str | None = None
    label_id: str | None = None


def default_editor() -> str:
    """Name whoever runs this process, for ``edited_by``."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a number without a name, as in some containers
        return "unknown"


def save_edits(
    dataset: fo.Dataset, sample_id: str, pose_field: str, edits: Sequence[PoseEdit], edited_by: str
) -> list[EditOutcome]:
    """Save edits of a sample's people, each by itself: one that cannot be saved does not hold up the others.

    The same edit sent twice is saved once. Nothing is written into the pose field.

    Args:
        dataset: The dataset.
        sample_id: The sample.
        pose_field: The field with the poses; corrections go to ``<pose_field>_corrected``.
        edits: At most one per person.
        edited_by: Who edits.

    Raises:
        InputError: If there is no such sample.
        FieldError: If there is no such field, it has no skeleton, or corrections cannot be written.
    """
    fields = PoseFields(pose_field)
    skeleton = read_skeleton(dataset, pose_field)
    read_people(dataset, fields, sample_id)  # nothing is declared for a sample that is gone
    if all(edit.status == "reset" for edit in edits):
        check_corrections(dataset, fields, skeleton)
    elif declare_corrections(dataset, fields, skeleton):
        add_correction_views(dataset, fields)
    outcomes = []
    for edit in edits:
        try:
            outcomes.append(_Saving(dataset, fields, skeleton, sample_id, edited_by).save(edit))
        except PoseError as error:
            outcomes.append(EditOutcome(edit.key, "failed", str(error)))
    return outcomes


class _Saving:
    """Saves one edit of one sample."""

    def __init__(
        self, dataset: fo.Dataset, fields: PoseFields, skeleton: Skeleton, sample_id: str, edited_by: str
    ) -> None:
        self.dataset = dataset
        self.fields = fields
        self.skeleton = skeleton
        self.sample_id = sample_id
        self.edited_by = edited_by

    def save(self, edit: PoseEdit) -> EditOutcome:
        people = read_people(self.dataset, self.fields, self.sample_id)
        found = self._compared(edit, people)
        if found is not None:
            return found
        update, label_id = self._update(edit, people)
        (done,) = apply_updates(self.dataset, [update])
        if done:
            return EditOutcome(edit.key, "saved", label_id=label_id)
        # Someone was quicker, between the reading and the writing.
        people = read_people(self.dataset, self.fields, self.sample_id)
        return self._compared(edit, people) or EditOutcome(
            edit.key, "failed", "the prediction was replaced meanwhile: open the sample again"
        )

    def _compared(self, edit: PoseEdit, people: SamplePeople) -> EditOutcome | None:
        """Say what became of an edit that is not based on what there is; None where it is."""
        current = self._current(edit, people)
        if current is None:
            if edit.status == "reset":
                return EditOutcome(edit.key, "saved")  # it is gone already
            if edit.base_revision > 0 or edit.label_id is not None:
                return EditOutcome(edit.key, "conflict", "someone else has taken this correction away")
            return None
        label_id = str(current["_id"])
        if revision_of(current) == edit.base_revision and edit.label_id in {None, label_id}:
            is_new = edit.base_revision == 0 and edit.label_id is None
            if not is_new:
                return None
        if self._is_done(edit, people, current):
            return EditOutcome(edit.key, "saved", label_id=label_id)
        who = current.get("edited_by") or "someone else"
        return EditOutcome(
            edit.key, "conflict", f"{who} has saved another version of this person meanwhile", label_id
        )

    def _current(self, edit: PoseEdit, people: SamplePeople) -> Mapping[str, Any] | None:
        own = edit.key if edit.label_id is None and edit.source_id is None else edit.label_id
        return people.correction(own, edit.source_id)

    def _is_done(self, edit: PoseEdit, people: SamplePeople, current: Mapping[str, Any]) -> bool:
        """Whether a correction is what this edit made of it: the answer was lost and it came twice."""
        if edit.status == "reset" or revision_of(current) != edit.base_revision + 1:
            return False
        if current.get("edited_by") != stamp(self.edited_by)["edited_by"]:
            return False
        there = corrected_pose(current, len(self.skeleton))
        wanted = merge_changes(there, edit.changes, edit.bbox_rel)
        status = self._status(edit, wanted, people.source(edit.source_id), current)
        same = same_pose(there, wanted) and there.origin == wanted.origin
        return same and current.get("status") == status

    def _update(self, edit: PoseEdit, people: SamplePeople) -> tuple[PersonUpdate, str | None]:
        current, source = self._current(edit, people), people.source(edit.source_id)
        if edit.status == "reset":
            if current is None:
                raise CorrectionError("there is no correction to take away")
            label_id = str(current["_id"])
            return removal_of(self.fields, self.sample_id, label_id, edit.base_revision), None
        base = self._base(edit, current, source)
        pose = merge_changes(base, edit.changes, edit.bbox_rel)
        status = self._status(edit, pose, source, current)
        if current is not None:
            label_id = str(current["_id"])
            values = {**pose_values(pose), "status": status, **stamp(self.edited_by)}
            change = change_of(self.fields, self.sample_id, label_id, edit.base_revision, values)
            return change, label_id
        own_id = edit.key if source is None else None
        document = make_correction(pose, status, self.edited_by, label_id=own_id, source=source)
        return insertion_of(self.fields, self.sample_id, document), str(document["_id"])

    def _base(
        self, edit: PoseEdit, current: Mapping[str, Any] | None, source: Mapping[str, Any] | None
    ) -> EditedPose:
        k = len(self.skeleton)
        if current is not None:
            return corrected_pose(current, k)
        if source is not None:
            return base_pose(source, k)
        if edit.source_id is not None:
            raise CorrectionError(
                f"the prediction {edit.source_id} is not in {self.fields.poses!r} any more, a run may have "
                "replaced it: open the sample again"
            )
        if edit.status != "added":
            raise CorrectionError("neither a prediction nor a correction was named: add the person instead")
        human: Origin = "human"
        return EditedPose(np.full((k, 2), np.nan), (0,) * k, (human,) * k)

    def _status(
        self,
        edit: PoseEdit,
        pose: EditedPose,
        source: Mapping[str, Any] | None,
        current: Mapping[str, Any] | None,
    ) -> Status:
        before: Any = None if current is None else current.get("status")
        if before == "rejected" and current is not None and current.get("source_id") is not None:
            before = "corrected"  # one that is taken back in; its prediction may be gone
        return status_after(
            pose,
            None if source is None else base_pose(source, len(self.skeleton)),
            rejected=edit.status == "rejected",
            before=before,
        )

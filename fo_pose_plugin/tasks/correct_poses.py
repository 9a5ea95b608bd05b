"""Correct people's poses from Python: one person's, or many people's at once with a way back.

Corrections go to ``<pose_field>_corrected``; the pose field itself is never touched. In the App the panel
"Pose editor" does the same by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.correction import EditedPose, PointChange, swap_points
from fo_pose_plugin.core.limbs import swapped_order
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.correction_labels import base_pose, corrected_pose
from fo_pose_plugin.dataset.corrections import new_label_id, read_people, revision_of
from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.errors import CorrectionError, InputError, KeypointNameError
from fo_pose_plugin.tasks.edit_poses import PoseEdit, WantedStatus, default_editor, save_edits

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["correct_pose", "swap_left_right"]


def correct_pose(
    sample: fo.Sample,
    label_id: str | None = None,
    pose_field: str = "poses",
    *,
    keypoints: Mapping[str, Sequence[float] | None] | None = None,
    visible: Mapping[str, int] | None = None,
    bounding_box: Sequence[float] | None = None,
    status: Literal["rejected"] | None = None,
    edited_by: str | None = None,
) -> str:
    """Correct, accept, reject or add one person.

    With nothing but a label the person is accepted. What is not named stays as it was corrected before, else
    as it was predicted. The status follows: "accepted" where nothing differs from the prediction, "corrected"
    where something does, "added" for a new person.

    Args:
        sample: A sample of a dataset.
        label_id: The person's label in ``<pose_field>``, or their correction's; None adds a person.
        pose_field: The field with the poses.
        keypoints: New places by keypoint name, relative to the image; None takes the keypoint away.
        visible: COCO's 0 (absent), 1 (occluded) or 2 (visible) by keypoint name. A keypoint that was absent
            and is placed is visible.
        bounding_box: The person's box, ``[x, y, width, height]``, relative.
        status: "rejected" takes the person out: they are kept, and left out of exports.
        edited_by: Who says so; None for the name of whoever runs this.

    Returns:
        The id of the label in ``<pose_field>_corrected``.

    Raises:
        InputError: If the sample is in no dataset, or there is no such person.
        KeypointNameError: If the skeleton has no such keypoint.
        CorrectionError: If the values contradict each other, or someone else corrected the person meanwhile.
        FieldError: If there is no such field, it has no skeleton, or corrections cannot be written.
    """
    if status not in {None, "rejected"}:
        raise InputError(f"status is {status!r}, expected 'rejected', or None for what follows by itself")
    if label_id is None and not keypoints:
        raise InputError("an added person needs keypoints: name at least one")
    dataset, sample_id = _where(sample)
    person = _Person(dataset, sample_id, pose_field, label_id)
    changes = person.changes(keypoints or {}, visible or {})
    wanted: WantedStatus = "rejected" if status == "rejected" else "corrected"
    if label_id is None:
        wanted = "added"
    box = None
    if bounding_box is not None:
        if len(bounding_box) != 4:
            raise CorrectionError(f"bounding_box is {list(bounding_box)}, expected x, y, width and height")
        x, y, w, h = map(float, bounding_box)
        box = (x, y, w, h)
    return person.save(PoseEdit(*person.ids, wanted, changes, box), edited_by)


def swap_left_right(
    sample: fo.Sample,
    label_id: str,
    pose_field: str = "poses",
    *,
    limbs: Literal["arms", "legs"] | None = None,
    edited_by: str | None = None,
) -> str:
    """Exchange left and right of a person; doing it twice leaves the points as they were.

    Args:
        sample: A sample of a dataset.
        label_id: The person's label in ``<pose_field>``, or their correction's.
        pose_field: The field with the poses.
        limbs: "arms" (with shoulders and hands) or "legs" (with hips and feet) alone; None for everything.
        edited_by: Who says so; None for the name of whoever runs this.

    Returns:
        The id of the label in ``<pose_field>_corrected``.

    Raises:
        InputError: If there is no such person, or the skeleton has no such pairs.
        CorrectionError: If someone else corrected the person meanwhile.
        FieldError: If there is no such field, it has no skeleton, or corrections cannot be written.
    """
    dataset, sample_id = _where(sample)
    person = _Person(dataset, sample_id, pose_field, label_id)
    order = swapped_order(person.skeleton, limbs)
    swapped = swap_points(person.pose, order, person.prediction)
    changes = {
        k: PointChange(_pair(swapped.points_rel[k]), swapped.visible[k], swapped.origin[k])
        for k, source in enumerate(order)
        if source != k
    }
    return person.save(PoseEdit(*person.ids, "corrected", changes), edited_by)


class _Person:
    """One person as they stand, to be edited.

    Args:
        dataset: The dataset.
        sample_id: The sample.
        pose_field: The field with the poses.
        label_id: Of the prediction or the correction; None for a new person.
    """

    def __init__(self, dataset: fo.Dataset, sample_id: str, pose_field: str, label_id: str | None) -> None:
        self.dataset = dataset
        self.sample_id = sample_id
        self.fields = PoseFields(pose_field)
        self.skeleton: Skeleton = read_skeleton(dataset, pose_field)
        k = len(self.skeleton)
        people = read_people(dataset, self.fields, sample_id)
        current = people.correction(label_id, label_id) if label_id is not None else None
        source_id = label_id if current is None else current.get("source_id")
        source = people.source(source_id)
        if label_id is not None and current is None and source is None:
            raise InputError(
                f"sample {sample_id} has no person {label_id} in {pose_field!r} or "
                f"{self.fields.corrected!r}; were the poses replaced?"
            )
        self.prediction = None if source is None else base_pose(source, k)
        now = self.prediction if current is None else corrected_pose(current, k)
        self.is_new = now is None
        self._now = now
        own = new_label_id() if label_id is None else label_id
        # What `PoseEdit` begins with: key, source, label and the revision it is based on.
        self.ids = (
            own,
            None if source_id is None else str(source_id),
            None if current is None else str(current["_id"]),
            revision_of(current),
        )

    @property
    def pose(self) -> EditedPose:
        """How the person stands."""
        if self._now is None:
            raise InputError("a person who is not there yet has no pose")
        return self._now

    def changes(
        self, keypoints: Mapping[str, Sequence[float] | None], visible: Mapping[str, int]
    ) -> dict[int, PointChange]:
        """Turn names into changes; of a new person every keypoint is one."""
        names = self.skeleton.keypoint_names
        for name in {**keypoints, **visible}:
            if name not in names:
                raise KeypointNameError(
                    f"the skeleton of {self.fields.poses!r} has no keypoint {name!r}; it has "
                    f"{', '.join(names)}"
                )
        named = {names.index(name): name for name in (names if self.is_new else {**keypoints, **visible})}
        return {k: self._change(k, name, keypoints, visible) for k, name in named.items()}

    def _change(
        self,
        k: int,
        name: str,
        keypoints: Mapping[str, Sequence[float] | None],
        visible: Mapping[str, int],
    ) -> PointChange:
        point = None if self._now is None or not self._now.visible[k] else _pair(self._now.points_rel[k])
        level = 0 if self._now is None else self._now.visible[k]
        if name in keypoints:
            given = keypoints[name]
            if given is not None and (len(given) != 2 or not np.isfinite(given).all()):
                raise CorrectionError(f"keypoint {name!r} is {list(given)}, expected x and y, or None")
            point = None if given is None else (float(given[0]), float(given[1]))
            level = 0 if point is None else level or 2
        if name in visible:
            level = visible[name]
            if level == 0:
                point = None
        return PointChange(point, level)

    def save(self, edit: PoseEdit, edited_by: str | None) -> str:
        """Save, and give the correction's id."""
        who = edited_by or default_editor()
        (outcome,) = save_edits(self.dataset, self.sample_id, self.fields.poses, [edit], who)
        if outcome.outcome != "saved" or outcome.label_id is None:
            raise CorrectionError(f"nothing was saved: {outcome.why}")
        return outcome.label_id


def _where(sample: fo.Sample) -> tuple[fo.Dataset, str]:
    dataset = sample.dataset
    if dataset is None or sample.id is None:
        raise InputError("the sample is in no dataset: add it to one first")
    return root_dataset(dataset), str(sample.id)


def _pair(point: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    x, y = point.tolist()
    return (x, y) if np.isfinite(point).all() else None

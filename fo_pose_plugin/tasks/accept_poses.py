"""Accept many people's poses at once, as they were predicted; `restore_corrections` takes it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.correction_history import HistoryEntry, store_history
from fo_pose_plugin.dataset.correction_labels import (
    base_pose,
    check_corrections,
    declare_corrections,
    make_correction,
)
from fo_pose_plugin.dataset.corrections import (
    CHUNK_SAMPLES,
    PersonUpdate,
    apply_updates,
    insertion_of,
    keypoints_of,
    new_label_id,
    read_documents,
)
from fo_pose_plugin.dataset.fiftyone_internals import raw_documents, root_dataset
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.dataset.review_people import reviewed_ids
from fo_pose_plugin.errors import CorrectionError, FieldError
from fo_pose_plugin.tasks.auto_accept import LEAST_VISIBLE, auto_accept_preview
from fo_pose_plugin.tasks.correction_report import CorrectionsReport
from fo_pose_plugin.tasks.correction_views import add_correction_views
from fo_pose_plugin.tasks.edit_poses import default_editor
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.show_keypoints import CONFIDENT

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["accept_poses", "people_to_accept"]


def accept_poses(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str = "poses",
    *,
    p: float | None = None,
    least_visible: int = LEAST_VISIBLE,
    min_confidence: float = CONFIDENT,
    edited_by: str | None = None,
) -> CorrectionsReport:
    """Accept people as they were predicted: they count as reviewed, and exports take them as final.

    Who was accepted, corrected or rejected before stays as they are. The report's ``history_key`` takes it
    back, with `restore_corrections`.

    Args:
        samples: A dataset or view; of a view that hides people only those that it shows are accepted, with
            all of their keypoints.
        pose_field: The field with the poses.
        p: Accept only whom the rule of `auto_accept_preview` would accept: every visible keypoint is right
            with at least this probability. Look at the preview first; it says how many errors to expect.
        least_visible: See `auto_accept_preview`.
        min_confidence: See `auto_accept_preview`.
        edited_by: Who accepts; None for the name of whoever runs this.

    Raises:
        FieldError: If there is no such field, it has no skeleton, corrections cannot be written, or p was
            given and no probabilities were fitted.
        MediaTypeError: If the samples are no plain images.
    """
    check_media(samples)
    dataset, fields = root_dataset(samples), PoseFields(pose_field)
    skeleton = read_skeleton(dataset, pose_field)
    chosen = None
    if p is not None:
        preview = auto_accept_preview(
            samples, pose_field, p, least_visible=least_visible, min_confidence=min_confidence
        )
        chosen = set(preview.label_ids)
    waiting = people_to_accept(samples, pose_field, chosen)
    check_corrections(dataset, fields, skeleton)
    if not waiting:
        return CorrectionsReport(0, 0, 0, None)
    if declare_corrections(dataset, fields, skeleton):
        add_correction_views(dataset, fields)
    return _Accepting(dataset, fields, skeleton, edited_by or default_editor()).accept(waiting)


def people_to_accept(
    samples: fo.Dataset | fo.DatasetView, pose_field: str, chosen: set[str] | None = None
) -> dict[str, list[str]]:
    """Give the people whom nobody has reviewed yet, by sample; of a view those that it shows.

    Args:
        samples: A dataset or view.
        pose_field: The field with the poses.
        chosen: Only these labels; None for all.

    Raises:
        FieldError: If there is no such field.
    """
    dataset, fields = root_dataset(samples), PoseFields(pose_field)
    if not samples.has_field(pose_field):
        raise FieldError(f"there is no field {pose_field!r} with poses")
    done = reviewed_ids(dataset, fields)
    found: dict[str, list[str]] = {}
    for document in raw_documents(samples, [pose_field]):
        for person in keypoints_of(document, pose_field):
            label_id = str(person.get("_id"))
            if label_id not in done and (chosen is None or label_id in chosen):
                found.setdefault(str(document["_id"]), []).append(label_id)
    return found


class _Accepting:
    """Accepts people of one field, as one action that can be undone."""

    def __init__(self, dataset: fo.Dataset, fields: PoseFields, skeleton: Skeleton, who: str) -> None:
        self.dataset = dataset
        self.fields = fields
        self.skeleton = skeleton
        self.who = who

    def accept(self, waiting: Mapping[str, list[str]]) -> CorrectionsReport:
        """Accept people, by sample; what is needed to undo it is kept before anyone is."""
        own_ids = {label_id: new_label_id() for labels in waiting.values() for label_id in labels}
        entries = [
            HistoryEntry(sample_id, own_ids[label_id], None)
            for sample_id, labels in waiting.items()
            for label_id in labels
        ]
        key = store_history(self.dataset, self.fields, "accept_poses", self.who, entries)
        people, changed, ids = 0, set(), list(waiting)
        for start in range(0, len(ids), CHUNK_SAMPLES):
            updates = []
            chunk = ids[start : start + CHUNK_SAMPLES]
            for sample_id, values in read_documents(self.dataset, chunk, [self.fields.poses]):
                updates += [(sample_id, update) for update in self._updates(sample_id, values, own_ids)]
            done = apply_updates(self.dataset, [update for _, update in updates])
            people += sum(done)
            changed |= {sample_id for (sample_id, _), matched in zip(updates, done, strict=True) if matched}
        return CorrectionsReport(people, len(changed), len(entries) - people, key)

    def _updates(
        self, sample_id: str, values: Mapping[str, Any], own_ids: Mapping[str, str]
    ) -> Iterator[PersonUpdate]:
        for person in keypoints_of(values, self.fields.poses):
            own_id = own_ids.get(str(person.get("_id")))
            if own_id is None:
                continue
            try:
                pose = base_pose(person, len(self.skeleton))
            except CorrectionError:
                continue  # not of this skeleton: left as they are
            own = make_correction(pose, "accepted", self.who, label_id=own_id, source=person)
            yield insertion_of(self.fields, sample_id, own)

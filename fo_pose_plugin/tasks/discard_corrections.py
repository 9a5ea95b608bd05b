"""Take corrections away again, or bring them back: each action keeps what is needed to undo it.

The newest 20 actions of a pose field are kept, as custom runs of the dataset. `restore_corrections` undoes
one, which can be undone in turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.dataset.correction_history import (
    KEPT,
    HistoryEntry,
    list_history,
    load_history,
    store_history,
)
from fo_pose_plugin.dataset.correction_labels import check_corrections, declare_corrections
from fo_pose_plugin.dataset.corrections import (
    apply_updates,
    insertion_of,
    keypoints_of,
    read_documents,
    removal_of,
    revision_of,
)
from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.errors import FieldError, InputError
from fo_pose_plugin.tasks.correction_report import CorrectionsReport
from fo_pose_plugin.tasks.edit_poses import default_editor
from fo_pose_plugin.tasks.estimate_poses import check_media

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "corrections_history",
    "discard_corrections",
    "history_kept",
    "reset_poses",
    "restore_corrections",
]


def reset_poses(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str = "poses",
    label_ids: Iterable[str] | None = None,
    *,
    edited_by: str | None = None,
) -> CorrectionsReport:
    """Go back to the predictions: take away what people accepted, corrected or rejected of them.

    People whom someone added stay, and so do corrections whose prediction is gone.

    Args:
        samples: A dataset or view; all people on its samples count.
        pose_field: The field with the poses.
        label_ids: Only these people, by their label in either field; None for all.
        edited_by: Who says so; None for the name of whoever runs this.

    Raises:
        FieldError: If there are no corrections of the field, or they cannot be written.
        MediaTypeError: If the samples are no plain images.
    """
    return _take_away(samples, pose_field, "reset_poses", label_ids, edited_by, only_with_source=True)


def discard_corrections(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str = "poses",
    label_ids: Iterable[str] | None = None,
    *,
    edited_by: str | None = None,
) -> CorrectionsReport:
    """Take away all corrections, also of people whom someone added or whose prediction is gone.

    Args:
        samples: A dataset or view; all people on its samples count.
        pose_field: The field with the poses.
        label_ids: Only these people, by their label in either field; None for all.
        edited_by: Who says so; None for the name of whoever runs this.

    Raises:
        FieldError: If there are no corrections of the field, or they cannot be written.
        MediaTypeError: If the samples are no plain images.
    """
    return _take_away(
        samples, pose_field, "discard_corrections", label_ids, edited_by, only_with_source=False
    )


def restore_corrections(
    dataset: fo.Dataset,
    pose_field: str = "poses",
    history_key: str | None = None,
    *,
    edited_by: str | None = None,
) -> CorrectionsReport:
    """Undo what was done to many corrections at once: bring back what was taken, take away what was made.

    A person whom someone has edited since is left as they are.

    Args:
        dataset: The dataset.
        pose_field: The field with the poses.
        history_key: From a report, or of `dataset.list_runs()`; None for what was done last.
        edited_by: Who says so; None for the name of whoever runs this.

    Raises:
        RunError: If nothing is kept under that key.
        FieldError: If corrections cannot be written.
    """
    fields = PoseFields(pose_field)
    skeleton = read_skeleton(dataset, pose_field)
    declare_corrections(dataset, fields, skeleton)
    _, _, entries = load_history(dataset, fields, history_key)
    now = {
        str(person.get("_id")): person
        for _, values in read_documents(dataset, [entry.sample_id for entry in entries], [fields.corrected])
        for person in keypoints_of(values, fields.corrected)
    }
    undone, left = [], 0
    for entry in entries:
        there = now.get(entry.label_id)
        if entry.taken is not None and there is None:
            undone.append(HistoryEntry(entry.sample_id, entry.label_id, None, revision_of(entry.taken)))
        elif entry.taken is None and there is not None and revision_of(there) == entry.revision:
            undone.append(HistoryEntry(entry.sample_id, entry.label_id, there))
        else:
            left += 1
    if not undone:
        return CorrectionsReport(0, 0, left, None)
    who = edited_by or default_editor()
    key = store_history(dataset, fields, "restore_corrections", who, undone)
    back = {entry.label_id: entry.taken for entry in entries}
    updates = [
        (entry.sample_id, removal_of(fields, entry.sample_id, entry.label_id, revision_of(entry.taken)))
        if entry.taken is not None
        else (
            entry.sample_id,
            insertion_of(fields, entry.sample_id, back[entry.label_id] or {}, source_must_be=False),
        )
        for entry in undone
    ]
    done = apply_updates(dataset, [update for _, update in updates])
    changed = [sample_id for (sample_id, _), matched in zip(updates, done, strict=True) if matched]
    return CorrectionsReport(len(changed), len(set(changed)), left + len(done) - len(changed), key)


def history_kept() -> int:
    """Say how many actions of a field can be undone: the newest are kept."""
    return KEPT


def corrections_history(dataset: fo.Dataset, pose_field: str = "poses") -> dict[str, dict[str, Any]]:
    """Give what was done to many corrections at once and can be undone, by key, the newest first.

    Each has ``action``, ``people``, ``samples``, ``edited_by`` and ``edited_at``.
    """
    return list_history(dataset, PoseFields(pose_field))


def _take_away(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str,
    action: str,
    label_ids: Iterable[str] | None,
    edited_by: str | None,
    *,
    only_with_source: bool,
) -> CorrectionsReport:
    check_media(samples)
    dataset, fields = root_dataset(samples), PoseFields(pose_field)
    if not dataset.has_field(fields.corrected):
        raise FieldError(f"nobody has corrected anyone in {pose_field!r}: there is no {fields.corrected!r}")
    check_corrections(dataset, fields, read_skeleton(dataset, pose_field))
    if isinstance(label_ids, str):
        raise InputError("label_ids is one text: give a list of labels' ids")
    chosen = None if label_ids is None else set(label_ids)
    entries = []
    for sample_id, values in read_documents(dataset, samples.values("id"), [fields.poses, fields.corrected]):
        predicted = {str(person.get("_id")) for person in keypoints_of(values, fields.poses)}
        for person in keypoints_of(values, fields.corrected):
            label_id, source_id = str(person.get("_id")), person.get("source_id")
            wanted = chosen is None or label_id in chosen or source_id in chosen
            if wanted and (source_id in predicted or not only_with_source):
                entries.append(HistoryEntry(sample_id, label_id, person))
    if not entries:
        return CorrectionsReport(0, 0, 0, None)
    key = store_history(dataset, fields, action, edited_by or default_editor(), entries)
    updates = [
        removal_of(fields, entry.sample_id, entry.label_id, revision_of(entry.taken)) for entry in entries
    ]
    done = apply_updates(dataset, updates)
    changed = {entry.sample_id for entry, matched in zip(entries, done, strict=True) if matched}
    return CorrectionsReport(sum(done), len(changed), len(done) - sum(done), key)

"""What the pose editor shows of a sample: its people as they were predicted and as they were corrected.

Coordinate space: everything given here is image_px, relative times the image's size as it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fo_pose_plugin.core.limbs import limb_indices, limb_parents
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.correction_labels import why_not_writable
from fo_pose_plugin.dataset.corrections import SamplePeople, read_people
from fo_pose_plugin.dataset.fiftyone_internals import app_sample, dataset_id
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.errors import FieldError, ImageReadError
from fo_pose_plugin.inference.image_sizes import read_image_size
from fo_pose_plugin.tasks.editor_people import EditorPerson, editor_people
from fo_pose_plugin.tasks.sample_sizes import sample_size

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "EditorSample",
    "app_sample",
    "editable_fields",
    "image_size",
    "pixel_size",
    "read_editor_sample",
]


@dataclass(frozen=True, slots=True)
class EditorSample:
    """What the editor needs of a sample.

    Args:
        dataset_id: The dataset's.
        pose_fields: All fields that can be edited, those of the newest runs first.
        pose_field: The one that was read.
        corrected_field: Where corrections go.
        skeleton: Its skeleton.
        parents: K of an index or None; see `core.limbs`.
        limbs: The keypoints of arms and legs.
        size_wh: The image's, or None where it cannot be read.
        image_problem: Why not.
        read_only: Why nothing can be saved, or None.
        people: Predictions in the field's order, then added people and those whose prediction is gone.
        notes: What whoever edits should know, such as people that cannot be edited.
    """

    dataset_id: str
    pose_fields: tuple[str, ...]
    pose_field: str
    corrected_field: str
    skeleton: Skeleton
    parents: tuple[int | None, ...]
    limbs: Mapping[str, tuple[int, ...]]
    size_wh: tuple[int, int] | None
    image_problem: str | None
    read_only: str | None
    people: tuple[EditorPerson, ...]
    notes: tuple[str, ...]


def read_editor_sample(dataset: fo.Dataset, sample_id: str, pose_field: str | None = None) -> EditorSample:
    """Read a sample for the editor, by ids from the dataset: a view's filters do not matter.

    Args:
        dataset: The dataset.
        sample_id: The sample.
        pose_field: The field; None for the first in which the sample holds people.

    Raises:
        InputError: If there is no such sample.
        FieldError: If there is no such field, none that can be edited, or it has no skeleton.
    """
    offered = editable_fields(dataset)
    if pose_field is None and not offered:
        raise FieldError(_nothing_to_edit(dataset))
    names = offered if pose_field is None else (pose_field,)
    chosen = [_read_field(dataset, sample_id, name) for name in names]
    fields, skeleton, people = next(
        (one for one in chosen if one[2].sources or one[2].corrections), chosen[0]
    )
    size_wh, shown, problem = pixel_size(people)
    found, notes = editor_people(people, skeleton, size_wh)
    return EditorSample(
        dataset_id=dataset_id(dataset),
        pose_fields=tuple(dict.fromkeys([*offered, fields.poses])),
        pose_field=fields.poses,
        corrected_field=fields.corrected,
        skeleton=skeleton,
        parents=limb_parents(skeleton.keypoint_names),
        limbs=limb_indices(skeleton.keypoint_names),
        size_wh=shown,
        image_problem=problem,
        read_only=why_not_writable(dataset, fields, skeleton),
        people=found,
        notes=notes,
    )


def editable_fields(dataset: fo.Dataset) -> tuple[str, ...]:
    """Name the fields with poses that have a skeleton, those that runs filled last first."""
    import fiftyone as fo

    schema = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    companions = {PoseFields(name).corrected for name in schema if _is_name(name)}
    filled = [str(config.get("pose_field")) for config in reversed(list_runs(dataset).values())]
    found = []
    for name in dict.fromkeys([*filled, *schema]):
        if name in schema and name not in companions and _is_name(name):
            try:
                read_skeleton(dataset, name)
            except FieldError:
                continue
            found.append(name)
    return tuple(found)


def _is_name(name: str) -> bool:
    try:
        return PoseFields(name).replaced.poses != name
    except FieldError:
        return False


def _nothing_to_edit(dataset: fo.Dataset) -> str:
    import fiftyone as fo

    schema = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    if not schema:
        return f"dataset {dataset.name!r} has no poses: run estimate_poses first, or import_poses"
    name = next(iter(schema))
    return (
        f"no field with poses has a skeleton ({', '.join(schema)}): set dataset.skeletons[{name!r}] = "
        "fo.KeypointSkeleton(labels=[...], edges=[...])"
    )


def _read_field(dataset: fo.Dataset, sample_id: str, name: str) -> tuple[PoseFields, Skeleton, SamplePeople]:
    fields = PoseFields(name)
    skeleton = read_skeleton(dataset, name)
    return fields, skeleton, read_people(dataset, fields, sample_id)


def pixel_size(people: SamplePeople) -> tuple[tuple[int, int], tuple[int, int] | None, str | None]:
    """Give the size by which relative points become pixels, and the image's own.

    Returns:
        A size in any case (of labels or metadata where the image cannot be read, else 1 by 1), the image's or
        None, and why there is none.
    """
    try:
        size_wh = read_image_size(str(people.values.get("filepath")))
    except ImageReadError as error:
        try:
            return sample_size(people.values, people.sources), None, str(error)
        except ImageReadError:
            return (1, 1), None, str(error)
    return size_wh, size_wh, None


def image_size(dataset: fo.Dataset, sample_id: str, pose_field: str) -> tuple[int, int]:
    """Give the size by which the editor's pixels become relative.

    Raises:
        FieldError: If there is no such field, or it has no skeleton.
        InputError: If there is no such sample.
        ImageReadError: If the image cannot be read: what was seen on it cannot be placed.
    """
    _, _, people = _read_field(dataset, sample_id, pose_field)
    _, size_wh, problem = pixel_size(people)
    if size_wh is None:
        raise ImageReadError(str(problem))
    return size_wh

"""What people accepted or corrected, as labels: the field ``<pose_field>_corrected``.

One fo.Keypoint per person: K ``points``, ``visible`` (COCO's 0, 1, 2; 0 exactly where the point is NaN) and
``origin`` beside them; ``status``, ``source_id`` (the prediction's label), ``revision`` (counts from 1),
``edited_at``, ``edited_by``, ``bounding_box``, and the prediction's ``instance``. Lists are parallel, so that
other tools can edit them. A run never writes here.

Coordinate space: rel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from fo_pose_plugin.core.correction import STATUSES, EditedPose, Origin, Status
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.fiftyone_internals import is_fiftyones_name
from fo_pose_plugin.dataset.labels import PoseFields, points_digest, set_skeleton
from fo_pose_plugin.dataset.patience import patiently
from fo_pose_plugin.errors import CorrectionError, FieldError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "base_pose",
    "check_corrections",
    "corrected_pose",
    "declare_corrections",
    "make_correction",
    "pose_values",
    "stamp",
    "why_not_writable",
]

PERSON = "person"
MAX_EDITOR_CHARS = 80


def correction_types(fields: PoseFields) -> dict[str, tuple[type[fo.Field], type[fo.Field] | None]]:
    """Give the type of every subfield that FiftyOne does not declare itself, and a list's of its items."""
    import fiftyone as fo

    people = f"{fields.corrected}.keypoints"
    return {
        f"{people}.visible": (fo.ListField, fo.IntField),
        f"{people}.origin": (fo.ListField, fo.StringField),
        f"{people}.status": (fo.StringField, None),
        f"{people}.source_id": (fo.StringField, None),
        f"{people}.revision": (fo.IntField, None),
        f"{people}.edited_at": (fo.DateTimeField, None),
        f"{people}.edited_by": (fo.StringField, None),
        f"{people}.bounding_box": (fo.ListField, fo.FloatField),
    }


def why_not_writable(dataset: fo.Dataset, fields: PoseFields, skeleton: Skeleton) -> str | None:
    """Say why corrections of a field cannot be written, and what to do; None where they can."""
    import fiftyone as fo

    name = fields.corrected
    field = dataset.get_field(name)
    if field is None:
        if is_fiftyones_name(dataset, name):
            return f"FiftyOne needs the name {name!r} for itself: rename field {fields.poses!r}"
        return None
    if getattr(field, "document_type", None) is not fo.Keypoints:
        return f"the dataset has a field {name!r} that holds no keypoints: rename it first"
    for path in (name, f"{name}.keypoints", f"{name}.keypoints.points", *correction_types(fields)):
        found = dataset.get_field(path)
        if found is not None and found.read_only:
            return (
                f"field {path!r} is read-only: make it writable first (field.read_only = False; field.save())"
            )
    for path, (kind, _) in correction_types(fields).items():
        found = dataset.get_field(path)
        if found is not None and not isinstance(found, kind):
            return f"the dataset has a field {path!r} that is no {kind.__name__}: rename {name!r} first"
    known = dataset.skeletons.get(name)
    if known is not None and list(known.labels or ()) != list(skeleton.keypoint_names):
        return (
            f"field {name!r} holds corrections of another skeleton ({len(known.labels or ())} keypoints, "
            f"{fields.poses!r} has {len(skeleton)}): rename it first"
        )
    return None


def check_corrections(dataset: fo.Dataset, fields: PoseFields, skeleton: Skeleton) -> None:
    """Check that corrections of a field can be written.

    Raises:
        FieldError: If not; it says why.
    """
    reason = why_not_writable(dataset, fields, skeleton)
    if reason is not None:
        raise FieldError(reason)


def declare_corrections(dataset: fo.Dataset, fields: PoseFields, skeleton: Skeleton) -> bool:
    """Add the field with all its subfields and its skeleton, where they are not there yet.

    Returns:
        Whether the field is new.

    Raises:
        FieldError: If corrections of the field cannot be written.
    """
    import fiftyone as fo

    if _is_declared(dataset, fields):
        check_corrections(dataset, fields, skeleton)
        return False
    dataset.reload()  # another process may have declared it a moment ago
    check_corrections(dataset, fields, skeleton)
    is_new = not dataset.has_field(fields.corrected)

    def declare() -> None:
        document = fo.EmbeddedDocumentField
        dataset.add_sample_field(
            fields.corrected,
            document,
            embedded_doc_type=fo.Keypoints,
            description=f"What people accepted or corrected of '{fields.poses}'",
        )
        people = f"{fields.corrected}.keypoints"
        dataset.add_sample_field(f"{people}.instance", document, embedded_doc_type=fo.Instance)
        for path, (kind, subkind) in correction_types(fields).items():
            dataset.add_sample_field(path, kind, subfield=subkind)
        set_skeleton(dataset, fields.corrected, skeleton)

    patiently(declare)
    return is_new


def _is_declared(dataset: fo.Dataset, fields: PoseFields) -> bool:
    return fields.corrected in dataset.skeletons and all(
        dataset.get_field(path) is not None for path in correction_types(fields)
    )


def base_pose(values: Mapping[str, Any], keypoints: int) -> EditedPose:
    """Read a person of a pose field, to which corrections are compared.

    Where a run made the points as they are, their origin is the model; ground truth, and what another tool
    has moved, is a human's.

    Args:
        values: Of one ``fo.Keypoint``, as the database has them.
        keypoints: K of the skeleton.

    Raises:
        CorrectionError: If the person cannot be edited; it says why.
    """
    points = _points(values, keypoints)
    seen = np.isfinite(points).all(axis=1)
    levels = _list_of(values.get("visible"), keypoints) or [None] * keypoints
    visible = tuple(
        (level if isinstance(level, int) and level in {1, 2} else 2) if there else 0
        for level, there in zip(levels, seen.tolist(), strict=True)
    )
    points[~seen] = np.nan
    digest = values.get("digest")
    made = digest is not None and digest == points_digest(values["points"], values.get("confidence"))
    origin: Origin = "model" if made else "human"
    return EditedPose(points, visible, (origin,) * keypoints, _box(values.get("bounding_box")))


def corrected_pose(values: Mapping[str, Any], keypoints: int) -> EditedPose:
    """Read a person of a corrected field; another tool may have written there too.

    Raises:
        CorrectionError: If the person cannot be edited; it says why.
    """
    read = base_pose(values, keypoints)
    origins = _list_of(values.get("origin"), keypoints) or [None] * keypoints
    origin: tuple[Origin, ...] = tuple("model" if one == "model" else "human" for one in origins)
    return EditedPose(read.points_rel, read.visible, origin, read.bbox_rel)


def pose_values(pose: EditedPose) -> dict[str, Any]:
    """Give what a label holds of a pose: plain lists."""
    return {
        "points": pose.points_rel.tolist(),
        "visible": list(pose.visible),
        "origin": list(pose.origin),
        "bounding_box": None if pose.bbox_rel is None else list(pose.bbox_rel),
    }


def make_correction(
    pose: EditedPose,
    status: Status,
    edited_by: str,
    *,
    label_id: str | None = None,
    source: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a person's first correction, as the database has it.

    Args:
        pose: The pose.
        status: Its status.
        edited_by: Who says so.
        label_id: The label's id; None makes one.
        source: The prediction, as the database has it; None for an added person.
    """
    import fiftyone as fo
    from bson import ObjectId

    if status not in STATUSES:
        raise CorrectionError(f"status is {status!r}, expected one of {', '.join(STATUSES)}")
    source = source or {}
    instance = (source.get("instance") or {}).get("_id")
    keypoint = fo.Keypoint(
        label=str(source.get("label") or PERSON),
        **pose_values(pose),
        status=status,
        source_id=str(source["_id"]) if "_id" in source else None,
        revision=1,
        **stamp(edited_by),
        instance=fo.Instance(id=str(instance)) if instance is not None else None,
    )
    values: dict[str, Any] = dict(keypoint.to_dict())
    if label_id is not None:
        values["_id"] = ObjectId(label_id)
    return values


def stamp(edited_by: str) -> dict[str, Any]:
    """Say who edits, and that it is now; MongoDB keeps milliseconds."""
    now = datetime.now(timezone.utc)
    return {
        "edited_at": now.replace(microsecond=now.microsecond // 1000 * 1000),
        "edited_by": edited_by[:MAX_EDITOR_CHARS],
    }


def _points(values: Mapping[str, Any], keypoints: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    points = values.get("points") or []
    if len(points) != keypoints:
        raise CorrectionError(
            f"person {values.get('_id')} has {len(points)} points and the skeleton {keypoints} keypoints: it "
            "is left out; mend or delete that label"
        )
    try:
        read = np.array([[_number(v) for v in point] for point in points], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CorrectionError(
            f"person {values.get('_id')} has points that are no pairs of numbers: mend or delete that label"
        ) from error
    if read.shape != (keypoints, 2):
        raise CorrectionError(
            f"person {values.get('_id')} has points that are no pairs of numbers: mend or delete that label"
        )
    return read


def _number(value: Any) -> float:
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else math.nan


def _box(value: Any) -> tuple[float, float, float, float] | None:
    found = _list_of(value, 4)
    if found is None or not all(isinstance(v, int | float) and math.isfinite(v) for v in found):
        return None
    x, y, w, h = map(float, found)
    return (x, y, w, h) if w > 0 and h > 0 else None


def _list_of(value: Any, length: int) -> Sequence[Any] | None:
    return value if isinstance(value, list) and len(value) == length else None

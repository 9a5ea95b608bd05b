"""What the pose editor sends, read as `app.forms` reads the others: nothing of it is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fo_pose_plugin.app.forms import DEFAULT_POSE_FIELD, read_id, read_number, read_text
from fo_pose_plugin.core.correction import ORIGINS, Origin
from fo_pose_plugin.errors import InputError
from fo_pose_plugin.tasks.edit_poses import WantedStatus

__all__ = [
    "EditorRequest",
    "EvidenceRequest",
    "PixelChange",
    "PixelEdit",
    "ReestimateRequest",
    "SaveRequest",
    "read_editor_request",
    "read_evidence_request",
    "read_field_name",
    "read_reestimate_request",
    "read_save_request",
]

BoxPx: TypeAlias = tuple[float, float, float, float]

WANTED: tuple[WantedStatus, ...] = ("accepted", "corrected", "added", "rejected", "reset")
MAX_EDITS = 500
MAX_KEYPOINTS = 1000
MAX_PX = 1e7
MAX_REVISION = 2**31 - 1
MAX_EDITOR_CHARS = 80


@dataclass(frozen=True, slots=True)
class EditorRequest:
    """Which sample and field to open; no field leaves the choice."""

    sample_id: str
    pose_field: str | None


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """Whose heatmaps to read."""

    sample_id: str
    pose_field: str
    label_id: str


@dataclass(frozen=True, slots=True)
class ReestimateRequest:
    """Which box, image px, to run the model on."""

    sample_id: str
    pose_field: str
    bbox_px: BoxPx


@dataclass(frozen=True, slots=True)
class PixelChange:
    """What becomes of a keypoint; its place is image_px, None where it is absent."""

    point_px: tuple[float, float] | None
    visible: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class PixelEdit:
    """An edit of one person as the panel sends it, image_px; see `tasks.edit_poses.PoseEdit`."""

    key: str
    source_id: str | None
    label_id: str | None
    base_revision: int
    status: WantedStatus
    changes: Mapping[int, PixelChange]
    bbox_px: BoxPx | None


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """Edits of one sample's people, and who made them; None leaves the name to the server."""

    sample_id: str
    pose_field: str
    edits: tuple[PixelEdit, ...]
    edited_by: str | None


def read_editor_request(params: Mapping[str, Any]) -> EditorRequest:
    """Read the parameters of `read_pose_editor`."""
    return EditorRequest(_needed_id(params, "sample_id"), read_text(params, "pose_field"))


def read_evidence_request(params: Mapping[str, Any]) -> EvidenceRequest:
    """Read the parameters of `read_pose_evidence`."""
    return EvidenceRequest(
        _needed_id(params, "sample_id"), read_field_name(params), _needed_id(params, "label_id")
    )


def read_reestimate_request(params: Mapping[str, Any]) -> ReestimateRequest:
    """Read the parameters of `reestimate_pose`."""
    box = _read_box(params, "bbox_px")
    if box is None:
        raise InputError("no box was drawn: bbox_px is missing")
    return ReestimateRequest(_needed_id(params, "sample_id"), read_field_name(params), box)


def read_save_request(params: Mapping[str, Any]) -> SaveRequest:
    """Read the parameters of `save_pose_edits`.

    Raises:
        InputError: If a value is no id, name, number or list of what is expected, or there are too many.
    """
    edits = params.get("edits")
    if not isinstance(edits, list) or not 1 <= len(edits) <= MAX_EDITS:
        raise InputError(f"edits is no list of 1 to {MAX_EDITS} edits")
    read = tuple(_read_edit(edit, place) for place, edit in enumerate(edits))
    if len({edit.key for edit in read}) < len(read):
        raise InputError("two edits bear the same key: send one per person")
    edited_by = read_text(params, "edited_by")
    return SaveRequest(
        _needed_id(params, "sample_id"),
        read_field_name(params),
        read,
        None if edited_by is None else edited_by[:MAX_EDITOR_CHARS],
    )


def read_field_name(params: Mapping[str, Any]) -> str:
    """Read the name of the field with the poses."""
    return read_text(params, "pose_field") or DEFAULT_POSE_FIELD


def _needed_id(params: Mapping[str, Any], name: str) -> str:
    value = read_id(params, name)
    if value is None:
        raise InputError(f"{name} is missing")
    return value


def _read_edit(edit: Any, place: int) -> PixelEdit:
    if not isinstance(edit, Mapping):
        raise InputError(f"edit {place} is no object")
    status = read_text(edit, "status")
    if status not in WANTED:
        raise InputError(f"status of edit {place} is {status!r}, expected one of {', '.join(WANTED)}")
    points = edit.get("points")
    if points is None:
        points = {}
    if not isinstance(points, Mapping) or len(points) > MAX_KEYPOINTS:
        raise InputError(f"points of edit {place} is no object of at most {MAX_KEYPOINTS} keypoints")
    return PixelEdit(
        key=_needed_id(edit, "key"),
        source_id=read_id(edit, "source_id"),
        label_id=read_id(edit, "label_id"),
        base_revision=_read_revision(edit),
        status=status,
        changes={_read_index(index): _read_change(change) for index, change in points.items()},
        bbox_px=_read_box(edit, "bbox_px"),
    )


def _read_revision(edit: Mapping[str, Any]) -> int:
    value = edit.get("base_revision", 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_REVISION:
        raise InputError("base_revision is no whole number of at least 0")
    return value


def _read_index(index: Any) -> int:
    if not isinstance(index, str) or not index.isascii() or not index.isdigit() or len(index) > 3:
        raise InputError("a keypoint's index is no whole number below 1000")
    return int(index)


def _read_change(change: Any) -> PixelChange:
    if not isinstance(change, Mapping):
        raise InputError("a keypoint's change is no object")
    visible, origin = change.get("visible"), change.get("origin", "human")
    if isinstance(visible, bool) or not isinstance(visible, int) or visible not in {0, 1, 2}:
        raise InputError("visible of a keypoint is none of 0, 1 and 2")
    if origin not in ORIGINS:
        raise InputError(f"origin of a keypoint is none of {', '.join(ORIGINS)}")
    x, y = (_read_px(change, name) for name in ("x_px", "y_px"))
    if visible == 0:
        return PixelChange(None, 0, origin)
    if x is None or y is None:
        raise InputError("a keypoint is visible or occluded and has no place: x_px and y_px are missing")
    return PixelChange((x, y), visible, origin)


def _read_px(values: Mapping[str, Any], name: str) -> float | None:
    number = read_number(values, name)
    if number is not None and abs(number) > MAX_PX:
        raise InputError(f"{name} is {number:g}, which lies far outside any image")
    return number


def _read_box(params: Mapping[str, Any], name: str) -> BoxPx | None:
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise InputError(f"{name} is no list of x, y, width and height")
    numbers = [_read_px({name: one}, name) for one in value]
    x, y, w, h = (0.0 if one is None else one for one in numbers)
    if None in numbers or w <= 0 or h <= 0:
        raise InputError(f"{name} needs four numbers: x, y, and a width and height above 0")
    return (x, y, w, h)

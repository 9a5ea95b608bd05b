"""A sample's people as the pose editor shows them: predictions paired with their corrections.

Coordinate space: everything given here is image_px, relative times the image's size as it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np

from fo_pose_plugin.core.correction import STATUSES, EditedPose, Origin
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.correction_labels import base_pose, corrected_pose
from fo_pose_plugin.dataset.corrections import SamplePeople, revision_of
from fo_pose_plugin.dataset.label_error_labels import ERROR, FIX
from fo_pose_plugin.dataset.signal_labels import DOUBT, KEYPOINT_DOUBT, WHY
from fo_pose_plugin.errors import CorrectionError

__all__ = ["CorrectedPerson", "EditorPerson", "SourcePerson", "SuggestedFix", "editor_people"]

PointPx: TypeAlias = tuple[float, float]
BoxPx: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SuggestedFix:
    """What `find_label_errors` would do with a person.

    Args:
        kind: The kind of error.
        why: In words, all errors of the person.
        points: Keypoint indices and where they should be, with ``visible`` or None where that stays.
    """

    kind: str
    why: str
    points: tuple[tuple[int, PointPx, int | None], ...]


@dataclass(frozen=True, slots=True)
class SourcePerson:
    """A person of the pose field.

    Args:
        label_id: Their label.
        points: K; None where there is none.
        visible: K of 0, 1, 2.
        origin: Who made the points: "model", or "human" for ground truth and what another tool has moved.
        confidence: K; None where there is none.
        score: The person's.
        doubt: From 0 to 1, or None.
        keypoint_doubt: K, or None.
        why: What is doubtful, in words.
        bbox: ``x, y, width, height``.
        has_heatmaps: Whether heatmaps of theirs were kept; the file may be gone nevertheless.
        fix: What is suggested, or None.
    """

    label_id: str
    points: tuple[PointPx | None, ...]
    visible: tuple[int, ...]
    origin: Origin
    confidence: tuple[float | None, ...]
    score: float | None
    doubt: float | None
    keypoint_doubt: tuple[float | None, ...] | None
    why: str | None
    bbox: BoxPx | None
    has_heatmaps: bool
    fix: SuggestedFix | None


@dataclass(frozen=True, slots=True)
class CorrectedPerson:
    """A person of the corrected field; see `dataset.correction_labels`."""

    label_id: str
    points: tuple[PointPx | None, ...]
    visible: tuple[int, ...]
    origin: tuple[Origin, ...]
    status: str
    revision: int
    edited_at: str | None
    edited_by: str | None
    bbox: BoxPx | None
    source_id: str | None
    source_gone: bool


@dataclass(frozen=True, slots=True)
class EditorPerson:
    """One person: predicted, corrected, or both.

    Args:
        key: The prediction's id where there is, or was, one; else the correction's.
        source: As predicted.
        corrected: As corrected.
    """

    key: str
    source: SourcePerson | None
    corrected: CorrectedPerson | None


def editor_people(
    people: SamplePeople, skeleton: Skeleton, size_wh: tuple[int, int]
) -> tuple[tuple[EditorPerson, ...], tuple[str, ...]]:
    """Pair a sample's predictions with their corrections; what cannot be edited is named in the notes."""
    notes: list[str] = []
    waiting = list(people.corrections)
    found: list[EditorPerson] = []
    predicted = {str(values.get("_id")) for values in people.sources}
    for values in people.sources:
        label_id = str(values["_id"])
        own = next((one for one in waiting if one.get("source_id") == label_id), None)
        if own is not None:
            waiting.remove(own)
        try:
            source = _source(values, skeleton, size_wh, people)
            corrected = None if own is None else _corrected(own, skeleton, size_wh, predicted)
        except CorrectionError as error:
            notes.append(str(error))
            continue
        found.append(EditorPerson(label_id, source, corrected))
    taken = {person.key for person in found}
    for values in waiting:
        try:
            corrected = _corrected(values, skeleton, size_wh, predicted)
        except CorrectionError as error:
            notes.append(str(error))
            continue
        source_id = corrected.source_id
        # A second correction of one prediction, as a merge of datasets makes it, goes by its own id.
        key = corrected.label_id if source_id is None or source_id in taken else source_id
        taken.add(key)
        found.append(EditorPerson(key, None, corrected))
        if corrected.source_gone:
            notes.append(f"the prediction of a corrected person is gone ({source_id}): the correction stays")
    return tuple(found), tuple(notes)


def _source(
    values: Mapping[str, Any], skeleton: Skeleton, size_wh: tuple[int, int], people: SamplePeople
) -> SourcePerson:
    k = len(skeleton)
    pose = base_pose(values, k)
    doubts = values.get(KEYPOINT_DOUBT)
    return SourcePerson(
        label_id=str(values["_id"]),
        points=_points_px(pose, size_wh),
        visible=pose.visible,
        origin=pose.origin[0],
        confidence=_numbers(values.get("confidence"), k) or (None,) * k,
        score=_number(values.get("score")),
        doubt=_number(values.get(DOUBT)),
        keypoint_doubt=_numbers(doubts, k),
        why=_text(values.get(WHY)),
        bbox=_box_px(pose, size_wh),
        has_heatmaps=people.heatmaps_path is not None and isinstance(values.get("heatmap_index"), int),
        fix=_fix(values, skeleton, size_wh),
    )


def _corrected(
    values: Mapping[str, Any], skeleton: Skeleton, size_wh: tuple[int, int], predicted: set[str]
) -> CorrectedPerson:
    pose = corrected_pose(values, len(skeleton))
    status, edited_at, source_id = values.get("status"), values.get("edited_at"), values.get("source_id")
    return CorrectedPerson(
        label_id=str(values["_id"]),
        points=_points_px(pose, size_wh),
        visible=pose.visible,
        origin=pose.origin,
        status=str(status) if status in STATUSES else "corrected",
        revision=revision_of(values),
        edited_at=edited_at.isoformat() if isinstance(edited_at, datetime) else None,
        edited_by=_text(values.get("edited_by")),
        bbox=_box_px(pose, size_wh),
        source_id=_text(source_id),
        source_gone=source_id is not None and source_id not in predicted,
    )


def _fix(values: Mapping[str, Any], skeleton: Skeleton, size_wh: tuple[int, int]) -> SuggestedFix | None:
    """Read what `find_label_errors` has written; anything else than that is no fix."""
    fix = values.get(FIX)
    if not isinstance(fix, Mapping) or not isinstance(fix.get("kind"), str):
        return None
    names, points, visible = fix.get("keypoints"), fix.get("points"), fix.get("visible")
    if not isinstance(names, list) or not isinstance(points, list) or len(names) != len(points):
        return None
    found = []
    for name, point in zip(names, points, strict=True):
        place = _numbers(point, 2)
        if name not in skeleton.keypoint_names or place is None or place[0] is None or place[1] is None:
            return None
        level = visible if isinstance(visible, int) and visible in {0, 1, 2} else None
        at = (place[0] * size_wh[0], place[1] * size_wh[1])
        found.append((skeleton.keypoint_names.index(name), at, level))
    return SuggestedFix(fix["kind"], _text(values.get(ERROR)) or fix["kind"], tuple(found))


def _points_px(pose: EditedPose, size_wh: tuple[int, int]) -> tuple[PointPx | None, ...]:
    px = pose.points_rel * np.asarray(size_wh, np.float64)
    return tuple((x, y) if seen else None for (x, y), seen in zip(px.tolist(), pose.visible, strict=True))


def _box_px(pose: EditedPose, size_wh: tuple[int, int]) -> BoxPx | None:
    if pose.bbox_rel is None:
        return None
    (x, y, w, h), (width, height) = pose.bbox_rel, size_wh
    return (x * width, y * height, w * width, h * height)


def _numbers(values: Any, length: int) -> tuple[float | None, ...] | None:
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != length:
        return None
    return tuple(_number(value) for value in values)


def _number(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None

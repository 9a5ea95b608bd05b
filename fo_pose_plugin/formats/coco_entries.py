"""COCO's keypoints and COCO-WholeBody, written as JSON values; see `formats.coco` for what they hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from fo_pose_plugin.core.annotation import (
    BOXED_PARTS,
    PART_NAMES,
    PARTS,
    SCORED_PARTS,
    PersonAnnotation,
    extent,
)

__all__ = ["annotation_of", "category_of", "result_of"]


def category_of(
    name: str, category_id: int, keypoint_names: Sequence[str], edges: Iterable[Sequence[int]]
) -> dict[str, Any]:
    """Write a category; its edges count from 1."""
    return {
        "id": category_id,
        "name": name,
        "supercategory": "person",
        "keypoints": list(keypoint_names),
        "skeleton": [[a + 1, b + 1] for a, b in edges],
    }


def annotation_of(
    person: PersonAnnotation, annotation_id: int, image_id: int, category_id: int, *, parts: bool
) -> dict[str, Any]:
    """Write an annotation.

    Args:
        person: The person; its box and area are stood in for where it has none.
        annotation_id: Its id.
        image_id: Its image's.
        category_id: Its category's.
        parts: Whether to spread 133 keypoints over COCO-WholeBody's fields.
    """
    box = person.bbox_px or extent(person.points_px, person.visibility)
    written: dict[str, Any] = {"id": annotation_id, "image_id": image_id, "category_id": category_id}
    written |= {"iscrowd": int(person.iscrowd), "area": _tidy(person.area_or_substitute_px)}
    written["bbox"] = [_tidy(value) for value in box]
    spread = _spread(person, person.visibility) if parts else {"keypoints": _flat(person, person.visibility)}
    written["num_keypoints"] = sum(v > 0 for v in spread["keypoints"][2::3])
    written |= spread
    written |= _part_marks(person) if parts else _known_part_marks(person)
    if person.score is not None:
        written["score"] = _tidy(person.score)
    written |= {f"{part}_score": _tidy(score) for part, score in person.part_scores.items()}
    if person.keypoint_scores is not None:
        written["keypoint_scores"] = [_tidy(value) for value in person.keypoint_scores]
    if person.points_rel is not None:
        written["points_rel"] = [_tidy(value) for point in person.points_rel for value in point]
    if person.bbox_rel is not None:
        written["bbox_rel"] = [_tidy(value) for value in person.bbox_rel]
    return written


def result_of(person: PersonAnnotation, image_id: int, category_id: int, *, parts: bool) -> dict[str, Any]:
    """Write an entry of a results file, as ``COCOeval.loadRes`` takes it.

    It holds no box: pycocotools would take the entry for a detection.
    """
    labelled = [v > 0 for v in person.visibility]
    scores = person.keypoint_scores or [1.0] * len(person)
    # What is no point must not look like one at (0, 0).
    third = [score if seen else min(score, 0.0) for score, seen in zip(scores, labelled, strict=True)]
    if person.keypoint_scores is None:
        third = [float(seen) for seen in labelled]
    spread = _spread(person, third) if parts else {"keypoints": _flat(person, third)}
    score = _tidy(person.score if person.score is not None else math.fsum(scores) / len(scores))
    # xtcocotools asks each kind for a score of its own, and warns where it has to take the person's instead.
    own = {part: _tidy(person.part_scores.get(part, score)) for part in SCORED_PARTS} if parts else {}
    ranked = {"score": score} | {f"{part}_score": value for part, value in own.items()}
    return {"image_id": image_id, "category_id": category_id, **spread, **ranked}


def _flat(person: PersonAnnotation, third: Sequence[float]) -> list[float]:
    points = zip(person.points_px, third, strict=True)
    return [_tidy(value) for (x, y), v in points for value in (x, y, v)]


def _spread(person: PersonAnnotation, third: Sequence[float]) -> dict[str, list[float]]:
    flat = _flat(person, third)
    return {_field_of(part): flat[3 * begin : 3 * end] for part, (begin, end) in PARTS.items()}


def _field_of(part: str) -> str:
    return "keypoints" if part == "body" else f"{part}_kpts"


def _known_part_marks(person: PersonAnnotation) -> dict[str, Any]:
    """Write what is known of parts beside a flat list of keypoints."""
    marks: dict[str, Any] = {f"{part}_valid": valid for part, valid in person.part_valid.items()}
    return marks | {f"{part}_box": list(map(_tidy, box)) for part, box in person.part_boxes_px.items()}


def _part_marks(person: PersonAnnotation) -> dict[str, Any]:
    """Write which parts are annotated, and their boxes; by the keypoints where nothing says so."""
    marks: dict[str, Any] = {}
    for part in PART_NAMES:
        begin, end = PARTS[part]
        seen = any(v > 0 for v in person.visibility[begin:end])
        marks[f"{part}_valid"] = person.part_valid.get(part, seen)
        if part in BOXED_PARTS:
            box = person.part_boxes_px.get(part)
            box = box or extent(person.points_px[begin:end], person.visibility[begin:end])
            marks[f"{part}_box"] = [_tidy(value) for value in box]
    return marks


def _tidy(value: float) -> float:
    """Write whole numbers as such, as COCO does."""
    return int(value) if abs(value) < 2**53 and int(value) == value else value

"""COCO's keypoints and COCO-WholeBody, read from JSON values: images, categories, people and results.

Coordinate space: image_px, the origin at the image's top-left corner.

Convention: a keypoint is ``x, y, v`` with v 0 (not labelled, then x = y = 0), 1 (labelled, hidden) or 2
(seen); in results the third number is the keypoint's score. COCO-WholeBody keeps the body's 17 keypoints in
``keypoints`` and the others in ``foot_kpts``, ``face_kpts``, ``lefthand_kpts`` and ``righthand_kpts``; a flat
list of all 133 is understood too.

Keys that are not COCO's, which other readers pass over: ``keypoint_scores``; and ``points_rel`` and
``bbox_rel``, positions relative to the image where pixels cannot tell them to the last digit.

Source: https://cocodataset.org/#format-data and https://github.com/jin-s13/COCO-WholeBody (data format).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from fo_pose_plugin.core.annotation import (
    BOXED_PARTS,
    PART_NAMES,
    PARTS,
    SCORED_PARTS,
    WHOLEBODY_KEYPOINTS,
    Box,
    PersonAnnotation,
)
from fo_pose_plugin.errors import AnnotationError

__all__ = [
    "CocoCategory",
    "CocoImage",
    "has_parts",
    "parse_category",
    "parse_image",
    "parse_person",
    "parse_result",
]

# Larger than any image; a number beyond it is a mistake.
MAX_COORDINATE_PX = 1e7
SHOWN = 40
# What is read of a person; the rest of an annotation, such as its outline, is left where it is.
KEPT_KEYS = frozenset(
    {
        *("id", "image_id", "category_id", "keypoints", "bbox", "area", "num_keypoints", "iscrowd", "score"),
        *("keypoint_scores", "points_rel", "bbox_rel"),
        *(f"{part}_{what}" for part in PART_NAMES for what in ("kpts", "valid")),
        *(f"{part}_box" for part in BOXED_PARTS),
        *(f"{part}_score" for part in SCORED_PARTS),
    }
)


@dataclass(frozen=True, slots=True)
class CocoImage:
    """An image as the file knows it: id, name below the images' folder, size where it is given."""

    image_id: int
    file_name: str
    size_wh: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class CocoCategory:
    """A category with keypoints; edges count from 0."""

    category_id: int
    name: str
    keypoint_names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]


def parse_image(raw: Any) -> CocoImage:
    """Read an entry of "images".

    Raises:
        AnnotationError: If it has no id or no name.
    """
    kind = "images without an id or a file name"
    if not isinstance(raw, Mapping):
        raise AnnotationError(kind, f"an entry is {_kind(raw)}, expected an object")
    image_id, name = raw.get("id"), raw.get("file_name")
    if not _is_whole(image_id) or not isinstance(name, str) or not name or "\0" in name:
        raise AnnotationError(kind, f"an id is {_kind(image_id)}, a file_name {_kind(name)}")
    width, height = raw.get("width", 0), raw.get("height", 0)
    sized = all(_is_whole(side) and 0 < side <= MAX_COORDINATE_PX for side in (width, height))
    return CocoImage(image_id, name, (width, height) if sized else None)


def parse_category(raw: Any) -> CocoCategory | None:
    """Read an entry of "categories"; None where it has no keypoints.

    Raises:
        AnnotationError: If it has no id or name, its keypoints' names are none, or its edges lead nowhere.
    """
    if not isinstance(raw, Mapping) or not _is_whole(raw.get("id")) or not isinstance(raw.get("name"), str):
        raise AnnotationError("categories without an id or a name", f"an entry is {_kind(raw)}")
    names = raw.get("keypoints")
    if names is None:
        return None
    kind = "categories with unusable keypoints"
    shown = f"category {raw['name'][:SHOWN]!r}"
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise AnnotationError(kind, f"{shown}: expected a list of names")
    if len(set(names)) != len(names):
        raise AnnotationError(kind, f"{shown}: two keypoints bear one name")
    edges = raw.get("skeleton") or []
    pairs = isinstance(edges, list) and all(isinstance(edge, list) and len(edge) == 2 for edge in edges)
    if not pairs or not all(_is_whole(end) and 1 <= end <= len(names) for edge in edges for end in edge):
        raise AnnotationError(kind, f"{shown}: expected a skeleton of pairs of 1 to {len(names)}")
    return CocoCategory(raw["id"], raw["name"], tuple(names), tuple((a - 1, b - 1) for a, b in edges))


def has_parts(raw: Mapping[str, Any]) -> bool:
    """Whether a person's keypoints are spread over COCO-WholeBody's fields."""
    return any(f"{part}_kpts" in raw for part in PART_NAMES)


def parse_person(raw: Mapping[str, Any], label: str, keypoints: int) -> PersonAnnotation:
    """Read an annotation of K keypoints.

    Raises:
        AnnotationError: If something of it has the wrong type or length.
    """
    triplets = _triplets(raw, keypoints)
    visibility = tuple(v for _, _, v in triplets)
    if any(v < 0 for v in visibility):
        raise AnnotationError("keypoints with a v below 0", _named(raw))
    rel = _numbers(raw, "points_rel", 2 * keypoints)
    scores = _numbers(raw, "keypoint_scores", keypoints)
    count = raw.get("num_keypoints")
    return PersonAnnotation(
        points_px=tuple((x, y) for x, y, _ in triplets),
        visibility=visibility,
        label=label,
        bbox_px=_box(raw, "bbox"),
        area_px=_number(raw, "area", least=0.0),
        num_keypoints=count if _is_whole(count) else None,
        iscrowd=bool(raw.get("iscrowd")),
        coco_id=raw["id"] if _is_whole(raw.get("id")) else None,
        score=_number(raw, "score"),
        keypoint_scores=scores,
        part_scores=_part_scores(raw),
        part_valid={part: bool(raw[f"{part}_valid"]) for part in PART_NAMES if f"{part}_valid" in raw},
        part_boxes_px={part: box for part in BOXED_PARTS if (box := _box(raw, f"{part}_box")) is not None},
        points_rel=None if rel is None else tuple(zip(rel[0::2], rel[1::2], strict=True)),
        bbox_rel=_box(raw, "bbox_rel"),
    )


def parse_result(raw: Mapping[str, Any], label: str, keypoints: int) -> PersonAnnotation:
    """Read an entry of a results file; the third numbers are scores, and ``0, 0, 0`` is no point.

    Raises:
        AnnotationError: If something of it has the wrong type or length.
    """
    triplets = _triplets(raw, keypoints)
    return PersonAnnotation(
        points_px=tuple((x, y) for x, y, _ in triplets),
        visibility=tuple(2 if x or y or score > 0 else 0 for x, y, score in triplets),
        label=label,
        score=_number(raw, "score"),
        keypoint_scores=tuple(score for _, _, score in triplets),
        part_scores=_part_scores(raw),
    )


def _part_scores(raw: Mapping[str, Any]) -> dict[str, float]:
    """Give the parts' own scores; most files repeat the person's, which says nothing."""
    own = {part: _number(raw, f"{part}_score") for part in SCORED_PARTS}
    return {part: score for part, score in own.items() if score is not None and score != raw.get("score")}


def _triplets(raw: Mapping[str, Any], keypoints: int) -> list[tuple[float, float, float]]:
    """Give K times x, y and the third number, whichever fields they are in."""
    values = _numbers(raw, "keypoints", None)
    if values is None:
        raise AnnotationError("annotations without keypoints", _named(raw))
    if has_parts(raw) and keypoints == WHOLEBODY_KEYPOINTS:
        fields = [values]
        for part in PART_NAMES:
            begin, end = PARTS[part]
            fields.append(_numbers(raw, f"{part}_kpts", 3 * (end - begin)) or (0.0,) * 3 * (end - begin))
        if len(values) != 3 * PARTS["body"][1]:
            raise _wrong_length(raw, "keypoints", len(values), 3 * PARTS["body"][1])
        values = tuple(value for part_values in fields for value in part_values)
    if len(values) != 3 * keypoints:
        raise _wrong_length(raw, "keypoints", len(values), 3 * keypoints)
    return list(zip(values[0::3], values[1::3], values[2::3], strict=True))


def _numbers(raw: Mapping[str, Any], name: str, length: int | None) -> tuple[float, ...] | None:
    values = raw.get(name)
    if values is None:
        return None
    if not isinstance(values, list) or not all(_is_coordinate(value) for value in values):
        raise AnnotationError("values that are no numbers", f"{_named(raw)}: {name}")
    if length is not None and len(values) != length:
        raise _wrong_length(raw, name, len(values), length)
    return tuple(map(float, values))


def _wrong_length(raw: Mapping[str, Any], name: str, found: int, expected: int) -> AnnotationError:
    return AnnotationError(
        "keypoints of the wrong length", f"{_named(raw)}: {name} has {found} numbers, expected {expected}"
    )


def _box(raw: Mapping[str, Any], name: str) -> Box | None:
    values = raw.get(name)
    if values is None or values == []:
        return None
    if not isinstance(values, list) or len(values) != 4 or not all(map(_is_coordinate, values)):
        raise AnnotationError("boxes that are not four numbers", f"{_named(raw)}: {name}")
    x, y, width, height = map(float, values)
    return (x, y, width, height)


def _number(raw: Mapping[str, Any], name: str, least: float = -math.inf) -> float | None:
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value < math.inf:
        raise AnnotationError("values that are no numbers", f"{_named(raw)}: {name}")
    return float(value)


def _is_coordinate(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_COORDINATE_PX


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _named(raw: Mapping[str, Any]) -> str:
    """Name an annotation by its ids, where those are numbers."""
    ids = {"annotation": raw.get("id"), "image": raw.get("image_id")}
    named = [f"{what} {value}" for what, value in ids.items() if _is_whole(value)]
    return ", ".join(named) or "an annotation without ids"


def _kind(value: Any) -> str:
    """Say what a value is and nothing of what it holds: a file may be another than it was taken for."""
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number", dict: "an object"}
    return "missing" if value is None else names.get(type(value), "a list")

"""People of annotation files as values of FiftyOne's labels, and back.

Coordinate spaces: a `PersonAnnotation` is in image_px, a label relative to the image.

A label's values beside its points: ``visible`` (COCO's 0, 1, 2), ``bounding_box``, ``area_px``, ``iscrowd``,
``num_keypoints``, ``coco_id``, ``score``, ``confidence``, and of whole-body annotations ``<part>_valid``,
``<part>_box_px`` and, where a part is ranked by another score than the person, ``<part>_score``. Where a
relative position cannot tell the file's number to the last digit, ``x_px``, ``y_px`` and ``bbox_px`` hold it,
and ``coco_v`` holds a v that is none of 0, 1 and 2. These four count for as long as the position beside them
is what they were converted to: whoever moves a point need not know them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.core.annotation import PART_NAMES, SCORED_PARTS, Box, PersonAnnotation, Point
from fo_pose_plugin.core.exact_pixels import comes_back, to_pixel, to_relative

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["keypoint_values", "person_of", "value_types"]

NAN_POINT = (math.nan, math.nan)


def value_types() -> dict[str, tuple[type[fo.Field], type[fo.Field] | None]]:
    """Give the type of every value that FiftyOne does not declare itself, and a list's of its items."""
    import fiftyone as fo

    floats = (fo.ListField, fo.FloatField)
    return {
        "visible": (fo.ListField, fo.IntField),
        "bounding_box": floats,
        "area_px": (fo.FloatField, None),
        "iscrowd": (fo.BooleanField, None),
        "num_keypoints": (fo.IntField, None),
        "coco_id": (fo.IntField, None),
        "score": (fo.FloatField, None),
        "box_id": (fo.StringField, None),
        **{f"{part}_valid": (fo.BooleanField, None) for part in PART_NAMES},
        **{f"{part}_box_px": floats for part in PART_NAMES},
        **{f"{part}_score": (fo.FloatField, None) for part in SCORED_PARTS},
        **dict.fromkeys(("x_px", "y_px", "bbox_px", "coco_v"), floats),
    }


def keypoint_values(
    person: PersonAnnotation, size_wh: tuple[int, int], *, predicted: bool = False
) -> dict[str, Any]:
    """Turn a person into the values of a label.

    Args:
        person: K keypoints, image_px.
        size_wh: Of the image.
        predicted: Whether this is a model's result: then there is nothing like visibility or area.

    Returns:
        What ``fo.Keypoint`` takes, of plain numbers, texts and lists.
    """
    values: dict[str, Any] = {"label": person.label, **_point_values(person, size_wh)}
    if not predicted:
        visible = [_level(v) for v in person.visibility]
        values["visible"] = visible
        if any(level != v for level, v in zip(visible, person.visibility, strict=True)):
            values["coco_v"] = list(person.visibility)
        counted = person.labelled if person.num_keypoints is None else person.num_keypoints
        values |= {"num_keypoints": counted, "iscrowd": person.iscrowd}
    if person.bbox_px is not None:
        values |= _box_values(person.bbox_px, person.bbox_rel, size_wh)
    single = {"area_px": person.area_px, "coco_id": person.coco_id, "score": person.score}
    values |= {name: value for name, value in single.items() if value is not None}
    if person.keypoint_scores is not None:
        values["confidence"] = list(person.keypoint_scores)
    values |= {f"{part}_valid": valid for part, valid in person.part_valid.items()}
    values |= {f"{part}_box_px": list(box) for part, box in person.part_boxes_px.items()}
    values |= {f"{part}_score": score for part, score in person.part_scores.items()}
    return values


def _point_values(person: PersonAnnotation, size_wh: tuple[int, int]) -> dict[str, Any]:
    points: list[Sequence[float]] = []
    told = True
    for index, (point, v) in enumerate(zip(person.points_px, person.visibility, strict=True)):
        rel = None if person.points_rel is None else person.points_rel[index]
        points.append(_relative(point, rel, size_wh) if v > 0 else list(NAN_POINT))
        for px, length in zip(point, size_wh, strict=True):
            told = told and (comes_back(px, length) if v > 0 else px == 0)
    values: dict[str, Any] = {"points": points}
    if not told:
        # All K of them: FiftyOne cannot read a declared list of floats that holds None.
        values |= {"x_px": [x for x, _ in person.points_px], "y_px": [y for _, y in person.points_px]}
    return values


def _relative(point: Point, rel: Point | None, size_wh: tuple[int, int]) -> list[float]:
    """Give a point relative to the image: by what the file says of it where that fits, else by division."""
    if rel is not None and all(
        to_pixel(r, length) == px for r, px, length in zip(rel, point, size_wh, strict=True)
    ):
        return list(rel)
    return [to_relative(px, length) for px, length in zip(point, size_wh, strict=True)]


def _box_values(box: Box, rel: Box | None, size_wh: tuple[int, int]) -> dict[str, Any]:
    lengths = (*size_wh, *size_wh)
    if rel is not None and all(to_pixel(r, n) == px for r, px, n in zip(rel, box, lengths, strict=True)):
        return {"bounding_box": list(rel)}
    values: dict[str, Any] = {
        "bounding_box": [to_relative(px, n) for px, n in zip(box, lengths, strict=True)]
    }
    if not all(comes_back(px, n) for px, n in zip(box, lengths, strict=True)):
        values["bbox_px"] = list(box)
    return values


def person_of(
    values: Mapping[str, Any], size_wh: tuple[int, int], *, min_confidence: float | None = None
) -> PersonAnnotation:
    """Turn a label's values, as the database has them, into a person.

    Args:
        values: Of one ``fo.Keypoint``.
        size_wh: Of the image.
        min_confidence: Keypoints with less confidence count as not labelled; None takes all.
    """
    points = values["points"]
    confidence = _list_of(values, "confidence", len(points))
    seen = [all(map(_is_finite, point)) for point in points]
    if min_confidence is not None and confidence is not None:
        sure = [_is_finite(score) and score >= min_confidence for score in confidence]
        seen = [one and other for one, other in zip(seen, sure, strict=True)]
    visibility = _visibility(values, seen)
    pixels = _pixels(values, visibility, size_wh)
    box, bbox_rel = _box_of(values, size_wh)
    return PersonAnnotation(
        points_px=pixels,
        visibility=visibility,
        label=str(values.get("label") or "person"),
        bbox_px=box,
        area_px=_finite(values.get("area_px")),
        iscrowd=bool(values.get("iscrowd")),
        coco_id=values["coco_id"] if isinstance(values.get("coco_id"), int) else None,
        score=_finite(values.get("score")),
        keypoint_scores=None if confidence is None else tuple(_finite(c) or 0.0 for c in confidence),
        part_scores={
            p: score for p in SCORED_PARTS if (score := _finite(values.get(f"{p}_score"))) is not None
        },
        part_valid={
            p: values[f"{p}_valid"] for p in PART_NAMES if isinstance(values.get(f"{p}_valid"), bool)
        },
        part_boxes_px={
            part: (box_px[0], box_px[1], box_px[2], box_px[3])
            for part in PART_NAMES
            if (box_px := _list_of(values, f"{part}_box_px", 4)) is not None
        },
        points_rel=_points_rel(points, pixels, visibility, size_wh),
        bbox_rel=bbox_rel,
    )


def _visibility(values: Mapping[str, Any], seen: Sequence[bool]) -> tuple[float, ...]:
    """Give COCO's v of each keypoint; what has no ``visible`` is seen where it has a point."""
    levels = _list_of(values, "visible", len(seen)) or [2] * len(seen)
    kept = _list_of(values, "coco_v", len(seen)) or [None] * len(seen)
    found = []
    for level, v, is_seen in zip(levels, kept, seen, strict=True):
        known = level if isinstance(level, int) and level in {0, 1, 2} else 2
        original = v if _is_finite(v) and _level(v) == known else known
        found.append(original if is_seen else 0)
    return tuple(found)


def _pixels(
    values: Mapping[str, Any], visibility: Sequence[float], size_wh: tuple[int, int]
) -> tuple[Point, ...]:
    points = values["points"]
    count = len(points)
    kept = [_list_of(values, name, count) or [None] * count for name in ("x_px", "y_px")]
    found = []
    for index, (point, v) in enumerate(zip(points, visibility, strict=True)):
        pair = []
        for axis, length in enumerate(size_wh):
            px, rel = kept[axis][index], point[axis]
            if v > 0:
                holds = _is_finite(px) and to_relative(px, length) == rel
                pair.append(px if holds else to_pixel(rel, length))
            else:
                pair.append(px if _is_finite(px) and not _is_finite(rel) else 0.0)
        found.append((pair[0], pair[1]))
    return tuple(found)


def _points_rel(
    points: Sequence[Sequence[float]],
    pixels: Sequence[Point],
    visibility: Sequence[float],
    size_wh: tuple[int, int],
) -> tuple[Point, ...] | None:
    """Give the relative points too, if some of them cannot be told from their pixels."""
    rows = list(zip(points, pixels, visibility, strict=True))
    told = (
        to_relative(px, length) == rel
        for point, pixel, v in rows
        if v > 0
        for rel, px, length in zip(point, pixel, size_wh, strict=True)
    )
    if all(told):
        return None
    return tuple((point[0], point[1]) if v > 0 else (0.0, 0.0) for point, _, v in rows)


def _box_of(values: Mapping[str, Any], size_wh: tuple[int, int]) -> tuple[Box | None, Box | None]:
    """Give a box in pixels, and relative too if pixels cannot tell it."""
    rel, lengths = _list_of(values, "bounding_box", 4), (*size_wh, *size_wh)
    if rel is None or not all(map(_is_finite, rel)):
        return None, None
    kept = _list_of(values, "bbox_px", 4)
    if kept is not None and _all_equal(to_relative, kept, lengths, rel):
        return (kept[0], kept[1], kept[2], kept[3]), None
    box = [to_pixel(r, length) for r, length in zip(rel, lengths, strict=True)]
    told = _all_equal(to_relative, box, lengths, rel)
    return (box[0], box[1], box[2], box[3]), None if told else (rel[0], rel[1], rel[2], rel[3])


def _all_equal(
    convert: Callable[[float, int], float],
    values: Sequence[Any],
    lengths: Sequence[int],
    wanted: Sequence[float],
) -> bool:
    pairs = zip(values, lengths, wanted, strict=True)
    return all(_is_finite(value) and convert(value, length) == one for value, length, one in pairs)


def _level(v: float) -> int:
    """Give the v that COCO knows: what is above 0 is labelled."""
    if v <= 0:
        return 0
    return 2 if v >= 2 else 1


def _list_of(values: Mapping[str, Any], name: str, length: int) -> list[Any] | None:
    found = values.get(name)
    return found if isinstance(found, list) and len(found) == length else None


def _finite(value: Any) -> float | None:
    return float(value) if _is_finite(value) else None


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

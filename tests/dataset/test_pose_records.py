"""People of files as labels' values and back: equal to the last digit, in both directions."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fo_pose_plugin.core.annotation import PersonAnnotation
from fo_pose_plugin.dataset.pose_records import keypoint_values, person_of, value_types
from fo_pose_plugin.formats import coco, coco_entries

K = 17
sides = st.integers(1, 6000)
numbers = st.floats(-1e4, 1e4) | st.integers(-50, 5000).map(float) | st.floats(-1e4, 1e4, width=32)
triplets = st.lists(
    st.tuples(numbers, numbers, st.sampled_from([0, 1, 2, 0.25, 1.0, 3])), min_size=K, max_size=K
)
boxes = st.lists(numbers, min_size=4, max_size=4)


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@settings(deadline=None)
@given(triplets, boxes, sides, sides, st.floats(0, 1e6))
def test_a_files_numbers_come_back(
    keypoints: list[tuple[float, float, float]], box: list[float], width: int, height: int, area: float
) -> None:
    raw = through_json(
        {
            "id": 7,
            "image_id": 3,
            "category_id": 1,
            "iscrowd": 0,
            "area": area,
            "bbox": box,
            "keypoints": [number for triplet in keypoints for number in triplet],
            "num_keypoints": sum(v > 0 for _, _, v in keypoints),
        }
    )
    person = coco.parse_person(raw, "person", K)
    values = through_json(keypoint_values(person, (width, height)))
    written = coco_entries.annotation_of(person_of(values, (width, height)), 7, 3, 1, parts=False)
    assert through_json(written) == raw


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(-2, 3), st.floats(-2, 3)) | st.none(), min_size=K, max_size=K),
    st.lists(st.floats(-2, 3), min_size=4, max_size=4),
    st.lists(st.floats(-1, 1), min_size=K, max_size=K),
    sides,
    sides,
)
def test_a_labels_values_come_back(
    points: list[tuple[float, float] | None],
    box: list[float],
    confidence: list[float],
    width: int,
    height: int,
) -> None:
    """Also those that no pixel gives, since somebody drew them in relative coordinates."""
    label = {
        "label": "person",
        "points": [[math.nan, math.nan] if point is None else list(point) for point in points],
        "bounding_box": box,
        "confidence": confidence,
        "score": 0.625,
    }
    person = person_of(label, (width, height))
    raw = through_json(coco_entries.annotation_of(person, 1, 1, 1, parts=False))
    values = keypoint_values(coco.parse_person(raw, "person", K), (width, height))
    assert [values[name] for name in ("bounding_box", "confidence", "score")] == [box, confidence, 0.625]
    found = [None if math.isnan(x) else (x, y) for x, y in values["points"]]
    assert found == points


def annotated(**changes: Any) -> dict[str, Any]:
    raw = {"id": 1, "keypoints": [390.96766300403306, 20.5, 2] * K, "bbox": [0, 0, 3.3333333333333335, 2]}
    return keypoint_values(coco.parse_person({**raw, **changes}, "person", K), (640, 480))


def test_a_kept_number_counts_only_where_the_point_is_still_there() -> None:
    values = annotated()
    assert values["x_px"][0] == 390.96766300403306
    assert values["y_px"] == [20.5] * K
    values["points"][0] = [0.5, 0.5]  # somebody moved it
    person = person_of(values, (640, 480))
    assert person.points_px[0] == (320, 240)
    assert person.points_px[1] == (390.96766300403306, 20.5)


def test_a_kept_box_and_v_count_only_where_they_fit() -> None:
    values = annotated(keypoints=[1, 1, 0.3] * K)
    assert (values["visible"][0], values["coco_v"][0]) == (1, 0.3)
    values["visible"][0] = 2
    values["bounding_box"][2] = 0.5
    person = person_of(values, (640, 480))
    assert person.visibility[:2] == (2, 0.3)
    assert person.bbox_px == (0, 0, 320, 2)


def test_what_is_not_needed_is_not_kept() -> None:
    values = annotated(keypoints=[281, 240, 2] * 16 + [0, 0, 0], bbox=[120.46, 133.32, 212.31, 498.58])
    assert not {"x_px", "y_px", "bbox_px", "coco_v"} & set(values)
    assert math.isnan(values["points"][16][0])
    assert values["visible"][15:] == [2, 0]


def test_every_value_has_a_type() -> None:
    raw = {"keypoints": [1, 1, 0.1] * 17, "foot_kpts": [0.1234567890123456, 1, 2] * 6, "score": 0.5}
    raw |= {"face_valid": True, "face_box": [1, 2, 3, 4], "bbox": [1, 2, 3, 4], "area": 5.0, "id": 3}
    values = keypoint_values(coco.parse_person(raw, "person", 133), (640, 480))
    known_to_fiftyone = {"label", "points", "confidence"}
    assert set(values) - known_to_fiftyone <= set(value_types())


def test_without_visibility_every_point_counts_as_seen() -> None:
    person = person_of({"points": [[0.5, 0.5], [math.nan, math.nan]]}, (100, 100))
    assert person.visibility == (2, 0)
    assert person.bbox_px is None
    assert coco_entries.annotation_of(person, 1, 1, 1, parts=False)["bbox"] == [50, 50, 0, 0]


def test_a_threshold_leaves_out_keypoints() -> None:
    label = {"points": [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]], "confidence": [0.9, 0.3, None]}
    assert person_of(label, (10, 10), min_confidence=0.3).visibility == (2, 2, 0)
    assert person_of(label, (10, 10), min_confidence=0.31).points_px[1] == (0, 0)
    assert person_of(label, (10, 10)).visibility == (2, 2, 2)


def test_the_area_that_stands_in_is_half_the_box() -> None:
    person = PersonAnnotation(((0.0, 0.0),), (0,), bbox_px=(0, 0, 10, 20))
    assert person.area_or_substitute_px == pytest.approx(0.53 * 200)
    assert PersonAnnotation(((0.0, 0.0),), (0,)).area_or_substitute_px == 0

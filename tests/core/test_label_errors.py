"""Errors planted in the labels of a person whose heatmaps are exact, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.evaluated_people import Truth
from fo_pose_plugin.core.label_errors import KINDS, LabelError, describe_error, find_image_errors
from fo_pose_plugin.core.label_evidence import PersonEvidence, pair_by_box
from fo_pose_plugin.core.skeleton import Skeleton, mirrored_indices
from fo_pose_plugin.errors import InputError, ShapeError

NAMES = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee"),
    *("right_knee", "left_ankle", "right_ankle"),
)
SKELETON = Skeleton("coco", NAMES, (), mirrored_indices(NAMES))
SIGMAS = (*[0.026] * 5, *[0.079] * 2, *[0.072] * 2, *[0.062] * 2, *[0.107] * 2, *[0.087] * 2, *[0.089] * 2)
IMAGE_WH = (600, 400)
# A person of 150 x 300 px, arms and legs apart.
POSE = np.array(
    [
        *([75, 20], [85, 12], [65, 12], [95, 18], [55, 18], [110, 70], [40, 70], [135, 120], [15, 120]),
        *([145, 170], [5, 170], [100, 160], [50, 160], [105, 225], [45, 225], [110, 290], [40, 290]),
    ],
    np.float64,
)


def person(number: int, left: float, top: float = 50) -> tuple[Truth, PersonEvidence]:
    """A label and heatmaps that agree with it."""
    points = np.add(POSE, (left, top))
    box = (left, top, 150.0, 300.0)
    crop = Crop((left + 75, top + 150), (281.25, 375.0))
    heatmaps = np.zeros((17, 64, 48), np.float32)
    evidence = PersonEvidence(f"p{number}", box, points.copy(), heatmaps, crop)
    rows, columns = np.mgrid[:64, :48]
    for heatmap, (x, y) in zip(heatmaps, evidence.to_heatmap(points), strict=True):
        heatmap[:] = 0.9 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
    visible = np.full(17, 2, np.int64)
    return Truth(f"t{number}", points, visible, 0.5 * 150 * 300, box, False, True, np.nan), evidence


def find(truths: list[Truth], people: list[PersonEvidence], **options: float) -> list[LabelError]:
    return find_image_errors(truths, people, SKELETON, SIGMAS, IMAGE_WH, **options)


def moved(truth: Truth, changes: dict[int, tuple[float, float]]) -> Truth:
    points = truth.points_px.copy()
    for k, point in changes.items():
        points[k] = point
    return replace(truth, points_px=points)


def test_labels_that_the_heatmaps_bear_out_are_left_alone() -> None:
    (a, pa), (b, pb) = person(1, 20), person(2, 300)
    assert find([a, b], [pa, pb], least_strength=0.05) == []
    assert find([], []) == []


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("swapped_person", range(1, 17)),
        ("swapped_arms", range(5, 11)),
        ("swapped_legs", range(11, 17)),
    ],
)
def test_a_swap_of_left_and_right_is_found_with_its_cure(kind: str, part: range) -> None:
    truth, evidence = person(1, 20)
    flipped = SKELETON.flip_indices
    spoilt = moved(truth, {k: tuple(truth.points_px[flipped[k]]) for k in part})
    (error,) = find([spoilt], [evidence])
    assert (error.kind, error.truth_id, error.prediction_id) == (kind, "t1", "p1")
    assert error.keypoints == tuple(part)
    assert error.strength > 0.8
    np.testing.assert_allclose(error.fixed_px, truth.points_px[list(part)])


@settings(max_examples=60, deadline=None)
@given(
    k=st.integers(0, 16),
    angle=st.floats(0, 2 * np.pi),
    tolerances=st.floats(0, 8),
    scale=st.sampled_from([1, 255]),
)
def test_a_point_is_wrong_where_it_is_off_by_more_than_the_tolerance(
    k: int, angle: float, tolerances: float, scale: float
) -> None:
    truth, evidence = person(1, 200)
    evidence = replace(evidence, heatmaps=evidence.heatmaps * np.float32(scale), scale_max=scale)
    tolerance = 2 * SIGMAS[k] * np.sqrt(truth.area_px)
    x, y = truth.points_px[k] + tolerances * tolerance * np.array([np.cos(angle), np.sin(angle)])
    found = find([moved(truth, {k: (x, y)})], [evidence])
    if tolerances < 1.5:
        assert not found
    reach_px = tolerances * tolerance / 281.25 * 48
    if tolerances > 2.5 and reach_px > 9:  # beyond what a heatmap of this size can tell from its peak's foot
        assert [error.kind for error in found] == ["wrong_position"]
        assert found[0].keypoints == (k,)
        np.testing.assert_allclose(found[0].fixed_px, [truth.points_px[k]])


def test_a_place_that_the_model_took_from_a_neighbour_is_no_error() -> None:
    (a, pa), (b, pb) = person(1, 20), person(2, 70)
    stolen = b.points_px[9]
    maps = pa.heatmaps.copy()
    x, y = pa.to_heatmap(stolen)
    rows, columns = np.mgrid[:64, :48]
    maps[9] = 0.9 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
    points = pa.points_px.copy()
    points[9] = stolen
    assert find([a, b], [replace(pa, heatmaps=maps, points_px=points), pb]) == []


def test_keypoints_of_two_people_that_are_exchanged_are_found_on_both() -> None:
    (a, pa), (b, pb) = person(1, 20), person(2, 130)
    spoilt = [moved(a, {9: tuple(b.points_px[9])}), moved(b, {9: tuple(a.points_px[9])})]
    found = find(spoilt, [pa, pb])
    assert {(e.kind, e.truth_id, e.other_id, e.keypoints) for e in found} == {
        ("swapped_between_people", "t1", "t2", (9,)),
        ("swapped_between_people", "t2", "t1", (9,)),
    }
    fixed = {e.truth_id: e.fixed_px[0] for e in found}
    np.testing.assert_allclose(fixed["t1"], a.points_px[9])
    np.testing.assert_allclose(fixed["t2"], b.points_px[9])


def test_what_nobody_annotated_is_found() -> None:
    truth, evidence = person(1, 20)
    visible = truth.visible.copy()
    visible[13] = 0
    (error,) = find([replace(truth, visible=visible)], [evidence])
    assert (error.kind, error.keypoints, error.fixed_visible) == ("missing_keypoint", (13,), 2)
    np.testing.assert_allclose(error.fixed_px, [truth.points_px[13]])
    (other, pother), crowd = (
        person(2, 400),
        replace(truth, label_id="c", crowd=True, bbox_xywh=(390, 40, 180, 320)),
    )
    (error,) = find([truth], [evidence, replace(pother, score=0.8)])
    assert (error.kind, error.truth_id, error.prediction_id) == ("missing_person", None, "p2")
    assert error.strength == pytest.approx(0.8)
    assert not find([truth, crowd], [evidence, pother])  # a crowd may be anybody
    assert not find([truth], [evidence, replace(pother, score=0.3)])
    assert not find([truth, other], [evidence])


def test_visibility_that_the_heatmaps_speak_against() -> None:
    truth, evidence = person(1, 20)
    visible = truth.visible.copy()
    visible[9] = 1
    (error,) = find([replace(truth, visible=visible)], [evidence], least_strength=0.3)
    assert (error.kind, error.keypoints, error.fixed_visible) == ("wrong_visibility", (9,), 2)
    assert describe_error(error, NAMES) == "left wrist: marked as hidden, but plainly seen"
    maps = evidence.heatmaps.copy()
    maps[15] = 0
    (error,) = find([truth], [replace(evidence, heatmaps=maps)], least_strength=0.3)
    assert (error.kind, error.keypoints, error.fixed_visible) == ("wrong_visibility", (15,), 1)
    assert describe_error(error, NAMES) == "left ankle: marked as seen, but nothing is"


def test_a_model_that_does_not_understand_somebody_is_no_witness() -> None:
    truth, evidence = person(1, 20)
    scattered = moved(truth, {k: (30 + 27 * ((k * 7) % 5), 60 + 13 * ((k * 11) % 17)) for k in range(17)})
    assert all(error.strength < 0.4 for error in find([scattered], [evidence], least_strength=0))


def test_people_are_paired_by_boxes_and_nothing_else() -> None:
    (a, pa), (b, pb) = person(1, 20), person(2, 300)
    assert pair_by_box([a, b], [pb, pa]) == {0: 1, 1: 0}
    assert pair_by_box([a], [pb]) == {}
    assert pair_by_box([replace(a, crowd=True)], [pa]) == {}


def test_shares_lie_between_nothing_and_the_peak() -> None:
    truth, evidence = person(1, 20)
    radii = np.full(17, 8.0)
    shares = evidence.shares(truth.points_px, radii)
    assert shares.shape == (17, 17)
    assert np.diagonal(shares).min() > 0.9
    outside = np.array([[np.nan, np.nan], [-500, 3], [1e6, 1e6]])
    assert not evidence.shares(outside, np.ones(3)).any()
    flat = replace(evidence, heatmaps=np.zeros_like(evidence.heatmaps))
    assert not flat.shares(truth.points_px, radii).any()


def test_what_is_no_error_or_no_evidence_is_refused() -> None:
    with pytest.raises(InputError, match="kind is 'odd'"):
        LabelError("odd", 1.0, "t", "p")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="heatmaps"):
        PersonEvidence(
            "p", (0, 0, 1, 1), np.zeros((3, 2)), np.zeros((2, 4, 4), np.float32), Crop((0, 0), (1, 1))
        )
    assert all(describe_error(LabelError(kind, 1.0, "t", "p", (0, 1, 2, 3, 4)), NAMES) for kind in KINDS)

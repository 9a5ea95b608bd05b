"""Corrections as values: what is refused, how changes are merged, what a swap and a comparison give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_pose_plugin.core.correction import (
    EditedPose,
    PointChange,
    merge_changes,
    same_pose,
    status_after,
    swap_points,
    weaker_keypoints,
)
from fo_pose_plugin.core.limbs import swapped_order
from fo_pose_plugin.errors import CorrectionError
from fo_pose_plugin.models.known_skeletons import known_skeletons

K = 17
NAN = float("nan")
COCO = known_skeletons()["coco"]
inside = st.tuples(st.floats(-1, 2), st.floats(-1, 2))
levels = st.sampled_from([0, 1, 2])


@st.composite
def poses(draw: Any) -> EditedPose:
    points = [draw(st.none() | inside) for _ in range(K)]
    visible = tuple(0 if point is None else draw(st.sampled_from([1, 2])) for point in points)
    origin = tuple(draw(st.sampled_from(["model", "human"])) for _ in points)
    rows = np.array([(NAN, NAN) if point is None else point for point in points])
    return EditedPose(rows, visible, origin, draw(st.none() | st.just((0.1, 0.2, 0.3, 0.4))))


@st.composite
def changes(draw: Any) -> dict[int, PointChange]:
    found = {}
    for index in draw(st.sets(st.integers(0, K - 1))):
        point = draw(st.none() | inside)
        level = 0 if point is None else draw(st.sampled_from([1, 2]))
        found[index] = PointChange(point, level, draw(st.sampled_from(["model", "human"])))
    return found


def pose(points: list[tuple[float, float]], visible: list[int], **more: Any) -> EditedPose:
    return EditedPose(np.array(points, np.float64), tuple(visible), ("model",) * len(visible), **more)


@pytest.mark.parametrize(
    ("points", "visible", "words"),
    [
        ([(0.1, 0.1)], [0], "keypoint 0 has visible 0"),
        ([(NAN, NAN)], [2], "keypoint 0 has visible 2"),
        ([(NAN, 0.1)], [1], "one coordinate"),
        ([(np.inf, np.inf)], [1], "one coordinate"),
        ([(0.1, 0.1)], [3], r"visible is \[3\]"),
        ([(0.1, 0.1), (0.2, 0.2)], [2], "points"),
    ],
)
def test_contradictions_are_refused(points: Any, visible: list[int], words: str) -> None:
    with pytest.raises(CorrectionError, match=words):
        pose(points, visible)


@pytest.mark.parametrize("box", [(0, 0, 0, 1), (0, 0, NAN, 1), (0, 0, 1, -1), (0, 0, 1)])
def test_a_box_without_size_is_refused(box: Any) -> None:
    with pytest.raises(CorrectionError, match="box"):
        pose([(0.1, 0.1)], [2], bbox_rel=box)


@given(poses(), changes())
def test_merging_changes_what_is_named_and_nothing_else(
    base: EditedPose, wanted: dict[int, PointChange]
) -> None:
    before = base.points_rel.copy()
    merged = merge_changes(base, wanted)
    assert np.array_equal(base.points_rel, before, equal_nan=True)
    for k in range(K):
        if k not in wanted:
            assert np.array_equal(merged.points_rel[k], base.points_rel[k], equal_nan=True)
            assert (merged.visible[k], merged.origin[k]) == (base.visible[k], base.origin[k])
            continue
        change = wanted[k]
        assert (merged.visible[k], merged.origin[k]) == (change.visible, change.origin)
        expected = (NAN, NAN) if change.point_rel is None else change.point_rel
        assert np.allclose(merged.points_rel[k], expected, atol=1e-7, equal_nan=True)
    assert merged.bbox_rel == base.bbox_rel


@given(poses(), changes())
def test_merging_twice_is_merging_once(base: EditedPose, wanted: dict[int, PointChange]) -> None:
    once = merge_changes(base, wanted)
    twice = merge_changes(once, wanted)
    assert np.array_equal(once.points_rel, twice.points_rel, equal_nan=True)
    assert (once.visible, once.origin) == (twice.visible, twice.origin)


def test_a_point_that_stays_keeps_its_digits() -> None:
    places = np.random.default_rng(0).uniform(0, 1, 1000)
    lossy = places[(places * 427) / 427 != places]  # to pixels and back is not the same
    base = pose([(float(lossy[0]), float(lossy[1]))], [2])
    px = (base.points_rel[0] * (427, 427)).tolist()
    merged = merge_changes(base, {0: PointChange((px[0] / 427, px[1] / 427), 1)})
    assert merged.points_rel.tolist() == base.points_rel.tolist()


@pytest.mark.parametrize(
    "change",
    [
        {5: PointChange(None, 0)},
        {-1: PointChange(None, 0)},
        {0: PointChange((99.0, 0), 2)},
        {0: PointChange(None, 2)},
    ],
)
def test_changes_that_cannot_be_are_refused(change: dict[int, PointChange]) -> None:
    with pytest.raises(CorrectionError):
        merge_changes(pose([(0.1, 0.1)], [2]), change)


@given(poses(), poses(), st.sampled_from([None, "arms", "legs"]))
def test_swapping_twice_gives_the_points_back(
    one: EditedPose, prediction: EditedPose, limbs: str | None
) -> None:
    order = swapped_order(COCO, limbs)
    twice = swap_points(swap_points(one, order, prediction), order, prediction)
    assert np.array_equal(twice.points_rel, one.points_rel, equal_nan=True)
    assert (twice.visible, twice.bbox_rel) == (one.visible, one.bbox_rel)


@given(poses())
def test_swapping_the_prediction_back_is_the_prediction(prediction: EditedPose) -> None:
    order = swapped_order(COCO)
    once = swap_points(prediction, order, prediction)
    back = swap_points(once, order, prediction)
    assert back.origin == prediction.origin
    assert status_after(back, prediction) == "accepted"


def test_a_keypoint_and_all_weaker_ones() -> None:
    confidence = [0.9, 0.2, float("nan"), 0.2, 0.1]
    assert weaker_keypoints(confidence, 1) == (1, 2, 3, 4)
    assert weaker_keypoints(confidence, 4) == (2, 4)
    assert weaker_keypoints(confidence, 0) == (0, 1, 2, 3, 4)


def test_the_status_follows_from_the_comparison() -> None:
    prediction = pose([(0.1, 0.1), (NAN, NAN)], [2, 0], bbox_rel=(0, 0, 1, 1))
    moved = merge_changes(prediction, {0: PointChange((0.2, 0.1), 2)})
    occluded = merge_changes(prediction, {0: PointChange((0.1, 0.1), 1)})
    boxed = merge_changes(prediction, {}, (0, 0, 0.5, 1))
    assert status_after(prediction, prediction) == "accepted"
    assert {status_after(one, prediction) for one in (moved, occluded, boxed)} == {"corrected"}
    assert status_after(moved, prediction, rejected=True) == "rejected"
    assert status_after(moved, None) == "added"
    assert status_after(moved, None, before="added") == "added"
    # The prediction is gone: it is no added person for that.
    assert status_after(moved, None, before="accepted") == "corrected"
    assert same_pose(moved, moved)
    assert not same_pose(moved, prediction)

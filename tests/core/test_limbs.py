"""Which keypoint hangs on which, and what a move or a swap takes along."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_pose_plugin.core.limbs import descendants, limb_indices, limb_parents, move_limb, swapped_order
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.errors import InputError
from fo_pose_plugin.models.known_skeletons import known_skeletons

# For each data set of MMPose: keypoint, and what it hangs on.
PARENTS = {
    "coco": {
        "left_wrist": "left_elbow",
        "right_elbow": "right_shoulder",
        "left_shoulder": None,
        "right_ankle": "right_knee",
        "left_knee": "left_hip",
        "right_hip": None,
        "left_ear": "nose",
        "nose": None,
    },
    "coco_wholebody": {
        "left_hand_root": "left_wrist",
        "left_thumb1": "left_hand_root",
        "left_thumb4": "left_thumb3",
        "right_middle_finger1": "right_hand_root",
        "right_pinky_finger2": "right_pinky_finger1",
        "left_big_toe": "left_ankle",
        "right_heel": "right_ankle",
        "face-30": "nose",
        "left_wrist": "left_elbow",
    },
    "crowdpose": {"left_wrist": "left_elbow", "top_head": "neck", "neck": None, "right_ankle": "right_knee"},
    "aic": {"left_wrist": "left_elbow", "head_top": "neck", "right_knee": "right_hip"},
    "jhmdb": {"left_wrist": "left_elbow", "head": "neck", "left_ankle": "left_knee"},
    "mpii": {
        "right_wrist": "right_elbow",
        "right_shoulder": "thorax",
        "left_hip": "pelvis",
        "thorax": "pelvis",
        "head_top": "upper_neck",
        "upper_neck": "thorax",
        "pelvis": None,
    },
    "posetrack18": {"head_top": "head_bottom", "left_ankle": "left_knee"},
    "coco_wholebody_hand": {"thumb1": "wrist", "thumb2": "thumb1", "wrist": None},
}


@pytest.mark.parametrize("name", PARENTS)
def test_limbs_hang_together(name: str) -> None:
    names = known_skeletons()[name].keypoint_names
    parents = limb_parents(names)
    for keypoint, above in PARENTS[name].items():
        found = parents[names.index(keypoint)]
        assert (None if found is None else names[found]) == above, keypoint


@pytest.mark.parametrize("name", known_skeletons())
def test_it_is_a_forest_and_mirrors(name: str) -> None:
    skeleton = known_skeletons()[name]
    parents = limb_parents(skeleton.keypoint_names)
    for k in range(len(skeleton)):
        seen, above = {k}, parents[k]
        while above is not None:
            assert above not in seen
            seen.add(above)
            above = parents[above]
        mirrored, own = parents[skeleton.flip_indices[k]], parents[k]
        assert mirrored == (None if own is None else skeleton.flip_indices[own])


def test_a_hand_moves_with_its_wrist() -> None:
    names = known_skeletons()["coco_wholebody"].keypoint_names
    parents = limb_parents(names)
    below = {names[k] for k in descendants(parents, names.index("left_wrist"))}
    assert len(below) == 22
    assert all(
        "left" in name and ("hand" in name or "thumb" in name or "finger" in name)
        for name in below - {"left_wrist"}
    )
    with pytest.raises(InputError, match="no keypoint 133"):
        descendants(parents, 133)


def test_moving_takes_the_children_and_leaves_what_is_absent() -> None:
    parents = (None, 0, 1, None)
    points = np.array([[0.0, 0], [1, 0], [np.nan, np.nan], [5, 5]])
    moved = move_limb(points, parents, 0, (2, 3))
    assert moved.tolist()[:2] == [[2, 3], [3, 3]]
    assert np.isnan(moved[2]).all()
    assert moved[3].tolist() == [5, 5]
    assert points[0].tolist() == [0, 0]
    # One that is absent is placed alone.
    assert move_limb(points, parents, 2, (7, 7))[2].tolist() == [7, 7]


@pytest.mark.parametrize("limbs", [None, "arms", "legs"])
@pytest.mark.parametrize("name", ["coco", "coco_wholebody", "crowdpose", "mpii"])
def test_swapping_twice_is_the_identity(name: str, limbs: str | None) -> None:
    skeleton = known_skeletons()[name]
    order = swapped_order(skeleton, limbs)
    assert [order[k] for k in order] == list(range(len(skeleton)))
    moved = {skeleton.keypoint_names[k] for k, source in enumerate(order) if source != k}
    assert ("left_wrist" in moved) == (limbs != "legs")
    assert ("left_knee" in moved) == (limbs != "arms")
    assert ("left_eye" in moved) == (limbs is None and "left_eye" in skeleton.keypoint_names)


def test_what_cannot_be_swapped_is_said() -> None:
    one_sided = Skeleton("hand", ("wrist", "thumb1"), (), (0, 1))
    with pytest.raises(InputError, match="no left and right keypoints"):
        swapped_order(one_sided)
    with pytest.raises(InputError, match="limbs is 'ears'"):
        swapped_order(known_skeletons()["coco"], "ears")


@given(st.integers(0, 132), st.tuples(st.floats(-100, 100), st.floats(-100, 100)))
def test_a_limb_keeps_its_shape(index: int, to: tuple[float, float]) -> None:
    names = known_skeletons()["coco_wholebody"].keypoint_names
    parents = limb_parents(names)
    points = np.random.default_rng(0).uniform(-50, 50, (133, 2))
    moved = move_limb(points, parents, index, to)
    below = list(descendants(parents, index))
    assert np.allclose(moved[below] - moved[index], points[below] - points[index])
    others = [k for k in range(133) if k not in below]
    assert (moved[others] == points[others]).all()


def test_arms_and_legs_are_told_by_name() -> None:
    names = known_skeletons()["coco"].keypoint_names
    found = limb_indices(names)
    assert found == {"arms": (5, 6, 7, 8, 9, 10), "legs": (11, 12, 13, 14, 15, 16)}

"""Groups, mirrored pairs and names, on the keypoints of MMPose's own data sets."""

from __future__ import annotations

from typing import Any

import pytest

from fo_pose_plugin.core.skeleton import GROUP_NAMES, Skeleton, mirrored_indices
from fo_pose_plugin.errors import ConfigError, KeypointNameError
from tests.mmpose_skeletons import mmpose_skeleton


def small(**changes: Any) -> Skeleton:
    values: dict[str, Any] = {
        "name": "small",
        "keypoint_names": ("nose", "left_eye", "right_eye"),
        "edges": ((0, 1), (0, 2)),
        "flip_indices": (0, 2, 1),
        "oks_sigmas": (0.026, 0.025, 0.025),
    }
    return Skeleton(**{**values, **changes})


@pytest.mark.parametrize(
    ("data_set", "counts"),
    [
        ("coco", {"body": 17}),
        ("aic", {"body": 14}),
        ("crowdpose", {"body": 14}),
        ("jhmdb", {"body": 15}),
        ("mpii", {"body": 16}),
        ("halpe26", {"body": 20, "feet": 6}),
        ("halpe", {"body": 20, "feet": 6, "face": 68, "hands": 42}),
        ("coco_wholebody", {"body": 17, "feet": 6, "face": 68, "hands": 42}),
        ("coco_wholebody_face", {"face": 68}),
        ("coco_wholebody_hand", {"hands": 21}),
        ("onehand10k", {"hands": 21}),
        ("interhand3d", {"hands": 42}),
        ("wflw", {"face": 98}),
    ],
)
def test_groups_of_mmposes_data_sets(data_set: str, counts: dict[str, int]) -> None:
    groups = mmpose_skeleton(data_set).groups
    assert {group: len(indices) for group, indices in groups.items()} == counts
    assert list(groups) == [group for group in GROUP_NAMES if group in groups]


def test_groups_of_coco_wholebody_are_its_official_ranges() -> None:
    skeleton = mmpose_skeleton("coco_wholebody")
    assert skeleton.groups == {
        "body": tuple(range(17)),
        "feet": tuple(range(17, 23)),
        "face": tuple(range(23, 91)),
        "hands": tuple(range(91, 133)),
    }
    assert len(skeleton) == 133
    assert len(skeleton.edges) == 65
    assert skeleton.oks_sigmas is not None
    assert len(skeleton.oks_sigmas) == 133


def test_nose_and_wrists_stay_in_the_body_where_there_is_one() -> None:
    skeleton = mmpose_skeleton("halpe")
    body = {skeleton.keypoint_names[index] for index in skeleton.groups["body"]}
    assert {"nose", "left_ear", "left_wrist", "right_ankle", "head", "neck", "hip"} <= body


@pytest.mark.parametrize("data_set", ["coco", "halpe26", "aic", "mpii", "coco_wholebody_hand", "humanart21"])
def test_names_tell_the_mirrored_pairs_that_mmpose_states(data_set: str) -> None:
    skeleton = mmpose_skeleton(data_set)
    assert mirrored_indices(skeleton.keypoint_names) == skeleton.flip_indices


def test_mirroring_by_name_is_an_involution_whatever_the_names() -> None:
    names = ["Left Eye", "right eye", "left_only", "leftright", "nose", "bright_spot", "bleft_spot"]
    mirrored = mirrored_indices(names)
    assert mirrored[:3] == (1, 0, 2)
    assert mirrored[4] == 4
    assert tuple(mirrored[index] for index in mirrored) == tuple(range(len(names)))


def test_resolve_takes_names_and_groups_in_any_mixture() -> None:
    skeleton = mmpose_skeleton("coco_wholebody")
    assert skeleton.resolve(None) == tuple(range(133))
    assert skeleton.resolve("nose") == (0,)
    assert skeleton.resolve("feet") == tuple(range(17, 23))
    assert skeleton.resolve(["feet", "nose", "left_heel", "nose"]) == (0, *range(17, 23))
    assert skeleton.resolve(name for name in ("right_ear", "left_ear")) == (3, 4)
    assert skeleton.resolve([]) == ()


@pytest.mark.parametrize("wanted", ["hands", "Nose", "", ["nose", "tail"]])
def test_an_unknown_name_is_told_with_those_there_are(wanted: str | list[str]) -> None:
    with pytest.raises(
        KeypointNameError, match=r"neither a keypoint nor a group.*groups: body; .*nose, left_eye"
    ):
        mmpose_skeleton("coco").resolve(wanted)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keypoint_names": ()}, "distinct keypoint names"),
        ({"keypoint_names": ("nose", "eye", "eye")}, "distinct keypoint names"),
        ({"edges": ((0, 3),)}, "edges beyond its 3 keypoints"),
        ({"edges": ((-1, 0),)}, "edges beyond its 3 keypoints"),
        ({"flip_indices": (1, 2, 0)}, "mirroring twice"),
        ({"flip_indices": (0, 0, 2)}, "mirroring twice"),
        ({"flip_indices": (0, 1)}, "mirroring twice"),
        ({"oks_sigmas": (0.1, 0.1)}, "2 sigmas for 3 keypoints"),
    ],
)
def test_a_skeleton_that_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        small(**changes)


def test_metainfo_that_lacks_a_part_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no 'edges'; its keys are \['keypoint_names', 'name'\]"):
        Skeleton.from_metainfo({"name": "x", "keypoint_names": ["nose"]})


def test_metainfo_without_sigmas_has_none() -> None:
    info = {"name": "x", "keypoint_names": "abc", "edges": [], "flip_indices": range(3), "sigmas": None}
    skeleton = Skeleton.from_metainfo(info)
    assert skeleton.oks_sigmas is None
    assert repr(skeleton) == "Skeleton('x', 3 keypoints, 0 edges)"

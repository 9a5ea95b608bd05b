from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.pose import ImagePoses
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.boxes import PersonBox
from fo_pose_plugin.dataset.labels import PoseFields, declare_fields, make_poses, set_skeleton
from fo_pose_plugin.errors import FieldError, InputError, KeypointNameError
from fo_pose_plugin.tasks.show_keypoints import add_saved_views, keypoint_choices, show_keypoints

MakeDataset = Callable[..., fo.Dataset]
NAMES = ("nose", "left_wrist", "left_big_toe", "face-0", "left_hand_root")
SKELETON = Skeleton("whole", NAMES, ((0, 1),), (0, 1, 2, 3, 4))
BODY = Skeleton("body", ("nose", "left_wrist"), ((0, 1),), (0, 1))
SCORES = [[0.9, 0.1, 0.2, 0.5, 0.05], [0.1, 0.1, 0.1, 0.1, 0.1]]


def add_poses(dataset: fo.Dataset, field: str = "poses", skeleton: Skeleton = SKELETON) -> None:
    """Fill a field: two people in the first image, nobody in the second, nothing in the third."""
    declare_fields(dataset, PoseFields(field), detector=False, heatmaps=False)
    set_skeleton(dataset, field, skeleton)
    k = len(skeleton)
    points = np.full((2, k, 2), 10, np.float32)
    points[0, 1] = np.nan
    scores = np.array(SCORES, np.float32)[:, :k]
    crops = (Crop((5, 5), (3, 4)), Crop((5, 5), (3, 4)))
    boxes = [PersonBox((0, 0, 1, 1))] * 2
    label = make_poses(ImagePoses(points, scores, crops), boxes, (100, 100), "pose_run_1")
    first, second, _ = dataset
    first[field], second[field] = label, fo.Keypoints(run_id="pose_run_1")
    first.save()
    second.save()


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> fo.Dataset:
    dataset = make_dataset()
    dataset.add_samples([fo.Sample(filepath=f"/no/{i}.jpg") for i in range(3)], progress=False)
    add_poses(dataset)
    return dataset


def shown(view: fo.DatasetView, field: str = "poses") -> list[list[list[str]]]:
    """The names of the keypoints that each sample's people show; K points are expected of each person."""
    names = view.skeletons[field].labels
    found = []
    for sample in view:
        people = sample[field].keypoints if sample[field] is not None else []
        for person in people:
            assert len(person.points) == len(person.confidence) == len(names)
        found.append(
            [
                [name for name, point in zip(names, person.points, strict=True) if not math.isnan(point[0])]
                for person in people
            ]
        )
    return found


def test_all_are_shown_unless_asked(dataset: fo.Dataset) -> None:
    everyone = [["nose", "left_big_toe", "face-0", "left_hand_root"], list(NAMES)]
    assert shown(show_keypoints(dataset)) == [everyone, [], []]


@pytest.mark.parametrize(
    ("keypoints", "first"),
    [
        ("body", ["nose"]),
        ("feet", ["left_big_toe"]),
        (["face", "hands"], ["face-0", "left_hand_root"]),
        ("left_wrist", []),
        (["nose", "feet"], ["nose", "left_big_toe"]),
        (iter(["nose"]), ["nose"]),
    ],
)
def test_groups_and_names_choose(dataset: fo.Dataset, keypoints: Any, first: list[str]) -> None:
    view = show_keypoints(dataset, keypoints=keypoints)
    people, nobody, nothing = shown(view)
    assert people[0] == first
    assert len(people) == 2
    assert nobody == nothing == []


@pytest.mark.parametrize(
    ("least", "first", "second"),
    [
        (0.2, ["nose", "left_big_toe", "face-0"], []),
        (0.5, ["nose", "face-0"], []),
        (1, [], []),
        (0.1, ["nose", "left_big_toe", "face-0"], list(NAMES)),
        (-1.0, ["nose", "left_big_toe", "face-0", "left_hand_root"], list(NAMES)),
    ],
)
def test_a_threshold_hides_points_and_keeps_people(
    dataset: fo.Dataset, least: float, first: list[str], second: list[str]
) -> None:
    assert shown(show_keypoints(dataset, min_confidence=least)) == [[first, second], [], []]


def test_both_together(dataset: fo.Dataset) -> None:
    view = show_keypoints(dataset, keypoints=["body", "face"], min_confidence=0.6)
    assert shown(view) == [[["nose"], []], [], []]


def test_a_view_stays_what_it_was_and_labels_are_not_changed(dataset: fo.Dataset) -> None:
    before = [sample.to_dict() for sample in dataset]
    view = show_keypoints(dataset.limit(2), keypoints="nose", min_confidence=0.99)
    assert len(view) == 2
    assert str([sample.to_dict() for sample in dataset]) == str(before)


def test_no_keypoint_is_no_error(dataset: fo.Dataset) -> None:
    assert shown(show_keypoints(dataset, keypoints=[])) == [[[], []], [], []]


def test_an_unknown_name_is_said_with_those_there_are(dataset: fo.Dataset) -> None:
    with pytest.raises(KeypointNameError, match=r"'tail' .*groups: body, feet, face, hands; keypoints: nose"):
        show_keypoints(dataset, keypoints=["nose", "tail"])


@pytest.mark.parametrize("least", [math.nan, math.inf, -math.inf])
def test_a_threshold_is_finite(dataset: fo.Dataset, least: float) -> None:
    with pytest.raises(InputError, match="expected a finite number"):
        show_keypoints(dataset, min_confidence=least)


@pytest.mark.parametrize("field", ["nothing", "filepath", "poses_error", ""])
def test_a_field_without_poses_is_refused(dataset: fo.Dataset, field: str) -> None:
    with pytest.raises(FieldError, match="fields with keypoints: poses"):
        show_keypoints(dataset, field)


def test_keypoints_without_confidence_stay_visible_to_a_threshold_of_none(dataset: fo.Dataset) -> None:
    add_truth(dataset)
    assert shown_truth(show_keypoints(dataset, "truth", keypoints="nose")) == [["nose"]]


def test_a_threshold_hides_nobody_who_has_no_confidence(dataset: fo.Dataset) -> None:
    add_truth(dataset)
    assert shown_truth(show_keypoints(dataset, "truth", min_confidence=0.2)) == [["nose", "left_wrist"]]
    # Someone added a person by hand, beside those of the model.
    first = dataset.first()
    first.poses.keypoints.append(fo.Keypoint(points=[[0.1, 0.1]] * len(NAMES)))
    first.save()
    people = show_keypoints(dataset, min_confidence=0.2).first().poses.keypoints
    assert [int(np.isfinite(np.array(person.points)).all(-1).sum()) for person in people] == [3, 0, 5]


def add_truth(dataset: fo.Dataset) -> None:
    first = dataset.first()
    first["truth"] = fo.Keypoints(keypoints=[fo.Keypoint(points=[[0.1, 0.1], [0.2, 0.2]])])
    first.save()
    set_skeleton(dataset, "truth", BODY)


def shown_truth(view: fo.DatasetView) -> list[list[str]]:
    names = view.skeletons["truth"].labels
    people = view.first().truth.keypoints
    return [[n for n, p in zip(names, k.points, strict=True) if not math.isnan(p[0])] for k in people]


def test_choices_are_groups_and_names_of_each_field(dataset: fo.Dataset) -> None:
    add_poses(dataset, "second", BODY)
    dataset.skeletons["renamed"] = fo.KeypointSkeleton(labels=["a"], edges=[])
    dataset.skeletons["poses_error"] = fo.KeypointSkeleton(labels=["a"], edges=[])
    dataset.add_sample_field("broken", fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    dataset.skeletons["broken"] = fo.KeypointSkeleton(labels=["a", "a"], edges=[])
    dataset.save()
    assert keypoint_choices(dataset) == {
        "poses": ["body", "feet", "face", "hands", *NAMES],
        "second": ["body", "nose", "left_wrist"],
    }


def test_views_are_saved_once(dataset: fo.Dataset) -> None:
    names = ("confident points", "all points", "body points", "feet points", "face points", "hands points")
    assert add_saved_views(dataset, "poses", SKELETON) == names
    assert add_saved_views(dataset, "poses", SKELETON) == ()
    assert tuple(dataset.list_saved_views()) == names
    views = [shown(dataset.load_saved_view(name)) for name in names]
    assert views[0] == [[["nose", "left_big_toe", "face-0"], []], [], []]
    assert views[1] == shown(dataset.view())
    assert [view[0][0] for view in views[2:]] == [["nose"], ["left_big_toe"], ["face-0"], ["left_hand_root"]]


def test_a_body_needs_no_view_of_its_own_and_another_field_has_its_name(dataset: fo.Dataset) -> None:
    add_saved_views(dataset, "poses", SKELETON)
    add_poses(dataset, "second", BODY)
    assert add_saved_views(dataset, "second", BODY) == ("confident points (second)", "all points (second)")


def test_views_of_the_user_stay(dataset: fo.Dataset) -> None:
    mine = dataset.limit(1)
    dataset.save_view("all points", mine, description="mine")
    # Another name with the same address in the App.
    dataset.save_view("Confident  Points", mine, color="#FF6D04")
    added = add_saved_views(dataset, "poses", SKELETON)
    assert added == ("body points", "feet points", "face points", "hands points")
    assert len(dataset.load_saved_view("all points")) == 1
    assert dataset.get_saved_view_info("all points")["description"] == "mine"
    assert len(dataset.load_saved_view("Confident  Points")) == 1


def test_fields_that_differ_in_case_alone_are_no_error(dataset: fo.Dataset) -> None:
    for field in ("Second", "second"):
        add_poses(dataset, field, BODY)
        add_saved_views(dataset, field, BODY)
    assert dataset.list_saved_views() == ["confident points (Second)", "all points (Second)"]

"""Every keypoint of the shared photos, read back from FiftyOne, against MMPose's own output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import fo_pose_plugin as fop
from tests.real_models import BODY, WHOLEBODY

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = pytest.mark.usefixtures("registered_models")

MAX_DISTANCE_PX = 0.05
MAX_SCORE_DIFFERENCE = 1e-3


def read_back(
    dataset: fo.Dataset, pose_field: str
) -> dict[int, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Give each person's (K, 2) keypoints in image_px and K scores by the annotation's id."""
    dataset.compute_metadata(progress=False)
    people = {}
    for sample in dataset:
        coco_ids = {box.id: box.coco_id for box in sample.ground_truth_boxes.detections}
        size_wh = (sample.metadata.width, sample.metadata.height)
        for person in sample[pose_field].keypoints:
            people[coco_ids[person.box_id]] = (
                np.array(person.points) * size_wh,
                np.array(person.confidence),
            )
    return people


@pytest.mark.parametrize("flip_test", [False, True], ids=["no flip", "flip"])
def test_every_body_keypoint_is_where_mmpose_puts_it(
    coco_test_dataset: Callable[..., fo.Dataset],
    shared_data: Path,
    flip_test: bool,
    record_property: Callable[..., None],
) -> None:
    reference = json.loads((shared_data / "reference" / "tinypose_256x192_coco_test.json").read_text())
    dataset = coco_test_dataset()
    report = fop.estimate_poses(
        dataset, BODY, boxes="ground_truth_boxes", flip_test=flip_test, keep_heatmaps=False, progress=False
    )
    # Two of the fourteen have boxes but no annotated keypoints; they are estimated as well.
    assert (report.samples, report.people, report.failures) == (4, 14, {})
    found = read_back(dataset, "poses")
    distances, differences = [], []
    for person in reference:
        expected = person["mmpose_flip" if flip_test else "mmpose_noflip"]
        points, scores = found[person["ann_id"]]
        distances.append(np.linalg.norm(points - expected["keypoints"], axis=1))
        differences.append(np.abs(scores - expected["scores"]))
    assert np.shape(distances) == (12, 17)
    record_property("max_distance_px", float(np.max(distances)))
    record_property("max_score_difference", float(np.max(differences)))
    assert np.max(distances) <= MAX_DISTANCE_PX
    assert np.max(differences) <= MAX_SCORE_DIFFERENCE


def test_the_whole_body_fixture_gives_133_keypoints(
    coco_test_dataset: Callable[..., fo.Dataset], shared_data: Path
) -> None:
    path = shared_data / "reference" / "tinypose_wholebody_FIXTURE_coco_test.json"
    dataset = coco_test_dataset()
    for model, field in ((BODY, "poses"), (WHOLEBODY, "whole")):
        fop.estimate_poses(
            dataset,
            model,
            boxes="ground_truth_boxes",
            pose_field=field,
            keep_heatmaps=False,
            progress=False,
        )
    body, whole = read_back(dataset, "poses"), read_back(dataset, "whole")
    assert body.keys() == whole.keys()
    for coco_id, (points, scores) in whole.items():
        assert points.shape == (133, 2)
        # One backbone and one set of weights for these channels, run as two networks.
        np.testing.assert_allclose(points[:17], body[coco_id][0], rtol=0, atol=1e-3)
        np.testing.assert_allclose(scores[:17], body[coco_id][1], rtol=0, atol=1e-5)
    distances, differences = [], []
    for person in json.loads(path.read_text()):
        points, scores = whole[person["ann_id"]]
        distances.append(np.linalg.norm(points - person["keypoints"], axis=1))
        differences.append(np.abs(scores - person["scores"]))
    distance, difference = np.array(distances), np.array(differences)
    assert distance.shape == (12, 133)
    assert distance[:, :17].max() <= MAX_DISTANCE_PX
    assert difference[:, :17].max() <= MAX_SCORE_DIFFERENCE
    # The other channels are a linear fit on these twelve people, which amplifies the single grey levels by
    # which two ways of sampling a crop differ: a few peaks tie with a neighbour, or nearly so.
    assert (distance > MAX_DISTANCE_PX).mean() <= 0.005
    assert difference.max() <= 5 * MAX_SCORE_DIFFERENCE


def test_the_whole_body_skeleton_has_its_edges_and_groups(
    coco_test_dataset: Callable[..., fo.Dataset],
) -> None:
    dataset = coco_test_dataset(limit=1)
    fop.estimate_poses(dataset, WHOLEBODY, whole_image=True, keep_heatmaps=False, progress=False)
    skeleton = dataset.skeletons["poses"]
    names = skeleton.labels
    assert len(names) == len(set(names)) == 133
    assert names[:3] == ["nose", "left_eye", "right_eye"]
    assert names[17] == "left_big_toe"
    assert names[23] == "face-0"
    assert (names[91], names[112]) == ("left_hand_root", "right_hand_root")
    edges = {frozenset(edge) for edge in skeleton.edges}
    assert len(edges) == len(skeleton.edges) == 65
    of = {name: index for index, name in enumerate(names)}
    for a, b in (
        ("left_wrist", "left_elbow"),
        ("left_ankle", "left_big_toe"),
        ("right_hand_root", "right_thumb1"),
        ("left_pinky_finger3", "left_pinky_finger4"),
    ):
        assert frozenset((of[a], of[b])) in edges
    (model,) = (spec for spec in fop.list_models("wholebody") if spec.name == WHOLEBODY)
    assert model.groups == {"body": 17, "feet": 6, "face": 68, "hands": 42}
    assert model.keypoints == 133
    (person,) = dataset.first().poses.keypoints
    for group, count in model.groups.items():
        (shown,) = fop.show_keypoints(dataset, "poses", group).first().poses.keypoints
        hidden = np.isnan(np.array(shown.points)[:, 0])
        missing = np.isnan(np.array(person.points)[:, 0])
        assert (~hidden).sum() == count - missing[group_slice(group)].sum()
        assert hidden[~np.isin(np.arange(133), np.arange(133)[group_slice(group)])].all()


def group_slice(group: str) -> slice:
    """COCO-WholeBody's order: 17 of the body, 6 of the feet, 68 of the face, 42 of the hands."""
    return {
        "body": slice(0, 17),
        "feet": slice(17, 23),
        "face": slice(23, 91),
        "hands": slice(91, 133),
    }[group]

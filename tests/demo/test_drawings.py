from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest

from fo_pose_plugin.demo.comparison import compare
from fo_pose_plugin.demo.drawings import BOXES, TRUTH, drawing_seeds, fill_with_drawings, set_skeletons
from tests.mmpose_skeletons import mmpose_skeleton

BODY, WHOLEBODY = mmpose_skeleton("coco"), mmpose_skeleton("coco_wholebody")


@pytest.fixture
def dataset(make_dataset, tmp_path):
    dataset = make_dataset()
    fill_with_drawings(dataset, tmp_path, drawing_seeds(3))
    set_skeletons(dataset, {17: BODY, 133: WHOLEBODY})
    return dataset


def test_boxes_and_truth_belong_together(dataset):
    for sample in dataset:
        boxes = sample[BOXES].detections
        assert boxes
        for count, field in TRUTH.items():
            people = sample[field].keypoints
            assert [person.box_id for person in people] == [box.id for box in boxes]
            assert [person.instance.id for person in people] == [box.instance.id for box in boxes]
            assert [person.area for person in people] == [box.area for box in boxes]
            assert [person.bounding_box for person in people] == [box.bounding_box for box in boxes]
            for person in people:
                assert len(person.points) == len(person.visible) == count
                unlabelled = np.isnan(np.array(person.points)).all(1)
                assert (unlabelled == (np.array(person.visible) == 0)).all()
        assert all(box.label == "person" for box in boxes)
    assert dataset.skeletons["true_poses_wholebody"].labels[91] == "left_hand_root"
    assert dataset.skeletons["true_poses"].labels == list(BODY.keypoint_names)


def test_what_is_drawn_already_stays(dataset, tmp_path):
    before = dataset.values("id")
    fill_with_drawings(dataset, tmp_path, drawing_seeds(4))
    assert dataset.values("id")[:3] == before
    assert len(dataset) == 4


def test_the_truth_compared_with_itself_is_perfect_and_a_shift_is_not(dataset):
    for sample in dataset:
        people = [person.copy() for person in sample["true_poses"].keypoints]
        sample["same"] = sample["true_poses"].__class__(keypoints=people)
        moved = [person.copy() for person in people]
        for person in moved:
            person.points = (np.array(person.points) + 0.02).tolist()
        sample["moved"] = sample["true_poses"].__class__(keypoints=moved)
        sample.save()
    same, moved = compare(dataset, "same", BODY), compare(dataset, "moved", BODY)
    assert same.people == dataset.count("true_poses.keypoints")
    assert (same.ap, same.pck) == (1, 1)
    assert "AP 100.0 of 100; 100 % of the keypoints" in same.describe()
    assert moved.ap < 0.5
    assert moved.pck < 1
    dataset.add_sample_field("empty", fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    assert compare(dataset, "empty", BODY) is None
    assert compare(dataset, "same", mmpose_skeleton("mpii")) is None  # no truth of that many keypoints

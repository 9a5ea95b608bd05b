"""The value that holds an image's poses, and the score of a person."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.pose import ImagePoses, person_scores
from fo_pose_plugin.errors import ShapeError

CROP = Crop((10.0, 20.0), (30.0, 40.0))


def poses(n: int = 2, k: int = 3, **changes: Any) -> ImagePoses:
    values: dict[str, Any] = {
        "keypoints_px": np.zeros((n, k, 2), np.float32),
        "keypoint_scores": np.zeros((n, k), np.float32),
        "crops": (CROP,) * n,
        "heatmaps": np.zeros((n, k, 4, 5), np.float32),
    }
    return ImagePoses(**{**values, **changes})


def test_length_and_representation_tell_people_and_shapes() -> None:
    assert len(poses()) == 2
    assert repr(poses()) == "ImagePoses(keypoints_px=(2, 3, 2), heatmaps=(2, 3, 4, 5))"
    assert len(poses(0, heatmaps=None)) == 0


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"keypoints_px": np.zeros((3, 3, 2), np.float32)}, "keypoints_px"),
        ({"keypoints_px": np.zeros((2, 3, 3), np.float32)}, "keypoints_px"),
        ({"keypoints_px": np.zeros((2, 2), np.float32)}, "keypoints_px"),
        ({"keypoint_scores": np.zeros((2, 4), np.float32)}, "keypoint_scores"),
        ({"crops": (CROP,)}, "keypoints_px"),
        ({"heatmaps": np.zeros((2, 9, 4, 5), np.float32)}, "heatmaps"),
    ],
)
def test_shapes_that_do_not_fit_are_named(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(ShapeError, match=name):
        poses(**changes)


def score_in_loops(keypoint_scores: list[float], box_score: float) -> float:
    """MMPose's CocoMetric, ``score_mode="bbox_keypoint"``, as it is written there."""
    mean_kpt_score = 0.0
    valid_num = 0
    for kpt_score in np.array(keypoint_scores, np.float32):
        if kpt_score > 0.2:
            mean_kpt_score += float(kpt_score)
            valid_num += 1
    if valid_num != 0:
        mean_kpt_score /= valid_num
    return box_score * mean_kpt_score


@given(
    st.lists(st.lists(st.floats(-0.5, 1.5, width=32), min_size=5, max_size=5), min_size=1, max_size=4),
    st.floats(0, 1),
)
def test_person_scores_are_those_of_mmposes_loop(scores: list[list[float]], box_score: float) -> None:
    found = person_scores(scores, [box_score] * len(scores))
    expected = [score_in_loops(person, box_score) for person in scores]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_person_without_a_keypoint_above_the_threshold_scores_0() -> None:
    np.testing.assert_array_equal(person_scores([[0.2, 0.1, -1.0]], [0.9]), [0.0])


def test_person_scores_are_those_of_cocometric() -> None:
    """The metric itself, where MMPose is installed: rescored results of two people, one below .2."""
    pytest.importorskip("mmpose")
    from fo_pose_plugin.models import openmmlab

    openmmlab.prepare()
    from mmpose.evaluation.metrics import CocoMetric

    scores = np.array([[[0.9, 0.3, 0.1]], [[0.1, 0.0, 0.2]]], np.float32)
    box_scores = np.array([0.8, 0.5], np.float32)
    captured: list[float] = []

    class Rescoring(CocoMetric):  # type: ignore[misc]
        """CocoMetric without a file of ground truth, that keeps the scores it would write."""

        def __init__(self) -> None:
            self.score_mode, self.keypoint_score_thr, self.nms_mode = "bbox_keypoint", 0.2, "none"
            self.outfile_prefix, self.format_only, self.coco = "unused", True, object()
            self.pred_converter = self.gt_converter = None
            self.dataset_meta = {"num_keypoints": 3}

        def results2json(self, keypoints: Any, outfile_prefix: str) -> None:
            captured.extend(float(person["score"]) for people in keypoints.values() for person in people)

    predictions = [
        {
            "id": index,
            "img_id": 1,
            "category_id": 1,
            "keypoints": np.zeros((1, 3, 2), np.float32),  # one instance per prediction
            "keypoint_scores": person,
            "bbox_scores": box_scores[index : index + 1],
            "areas": np.ones(1, np.float32),
        }
        for index, person in enumerate(scores)
    ]
    Rescoring().compute_metrics([(prediction, None) for prediction in predictions])
    np.testing.assert_allclose(captured, person_scores(scores[:, 0], box_scores), rtol=1e-6)


@pytest.mark.parametrize(("scores", "boxes"), [([0.5, 0.5], [1.0]), ([[0.5, 0.5]], [1.0, 1.0])])
def test_scores_of_another_shape_are_refused(scores: Any, boxes: Any) -> None:
    with pytest.raises(ShapeError, match="keypoint_scores"):
        person_scores(scores, boxes)

"""The detector finds what MMDetection finds, in people only, whatever shares its batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fo_pose_plugin.errors import CheckpointError, ConfigError, InstallationError, ShapeError
from fo_pose_plugin.inference.images import read_image
from fo_pose_plugin.models import configs
from fo_pose_plugin.models.person_detector import (
    DetectedPeople,
    PersonDetector,
    build_person_detector,
    detector_classes,
)

UInt8 = npt.NDArray[np.uint8]
PERSON = 0  # in COCO's classes


@pytest.fixture(scope="module")
def config(shared_data: Path) -> dict[str, Any]:
    return configs.read_config(shared_data / "models" / "yolox_nano_coco.py")


@pytest.fixture(scope="module")
def weights(shared_data: Path) -> str:
    return str(shared_data / "models" / "yolox_nano_coco.pth")


@pytest.fixture(scope="module")
def detector(config: dict[str, Any], weights: str) -> PersonDetector:
    return build_person_detector(config, detector_classes(config), weights, device="cpu")


@pytest.fixture(scope="module")
def photos(shared_data: Path) -> list[UInt8]:
    return [read_image(path) for path in sorted((shared_data / "coco_test").glob("*.jpg"))]


def test_people_are_those_that_mmdetection_finds(
    detector: PersonDetector, photos: list[UInt8], shared_data: Path
) -> None:
    from fo_pose_plugin.models import openmmlab

    models = shared_data / "models"
    with openmmlab.building("mmdet"):
        from mmdet.apis import inference_detector, init_detector

        model = init_detector(
            str(models / "yolox_nano_coco.py"),
            str(models / "yolox_nano_coco.pth"),
            device="cpu",
            palette="random",
        )
        expected = [inference_detector(model, photo).pred_instances for photo in photos]
    for photo, found, instances in zip(
        photos, detector.detect(photos, min_score=0.05), expected, strict=True
    ):
        kept = (instances.labels == PERSON) & (instances.scores >= 0.05)
        boxes, scores = instances.bboxes[kept].numpy(), instances.scores[kept].numpy()
        order = np.argsort(-scores, kind="stable")
        assert len(found) == len(scores) > 0
        height, width = photo.shape[:2]
        np.testing.assert_allclose(found.scores, scores[order], rtol=0, atol=1e-4)
        np.testing.assert_allclose(
            found.bbox_xyxy, np.clip(boxes[order], 0, [width, height] * 2), rtol=0, atol=0.01
        )


def test_boxes_lie_in_their_image_best_first(detector: PersonDetector, photos: list[UInt8]) -> None:
    for photo, people in zip(photos, detector.detect(photos, min_score=0.01), strict=True):
        height, width = photo.shape[:2]
        assert (people.bbox_xyxy >= 0).all()
        assert (people.bbox_xyxy <= [width, height] * 2).all()
        assert (people.bbox_xyxy[:, 2:] - people.bbox_xyxy[:, :2] >= 1).all()
        assert (np.diff(people.scores) <= 0).all()
        assert people.bbox_xyxy.dtype == people.scores.dtype == np.float32


def test_the_least_score_leaves_out_the_rest(detector: PersonDetector, photos: list[UInt8]) -> None:
    every, certain, none = (detector.detect(photos, min_score=score) for score in (0.02, 0.5, 1.0))
    for many, few in zip(every, certain, strict=True):
        np.testing.assert_array_equal(few.scores, many.scores[many.scores >= 0.5])
    assert 0 < sum(map(len, certain)) < sum(map(len, every))
    assert sum(map(len, none)) == 0


def test_images_of_any_size_and_order_keep_their_place(detector: PersonDetector, photos: list[UInt8]) -> None:
    nobody = np.full((90, 300, 3), 114, np.uint8)
    mixed = [nobody, photos[0], photos[1][:, ::-1].copy(), photos[0], np.zeros((1, 1, 3), np.uint8)]
    found = detector.detect(mixed, min_score=0.3)
    assert len(found) == 5
    assert len(found[0]) == len(found[4]) == 0
    assert found[0].bbox_xyxy.shape == (0, 4)
    assert len(found[1]) > 0
    np.testing.assert_allclose(found[1].bbox_xyxy, found[3].bbox_xyxy, rtol=0, atol=0.01)
    assert detector.detect([], min_score=0.3) == []


def test_images_are_not_changed(detector: PersonDetector, photos: list[UInt8]) -> None:
    kept = photos[0].copy()
    detector.detect([photos[0]], min_score=0.3)
    np.testing.assert_array_equal(photos[0], kept)


def test_the_class_is_found_by_its_name(config: dict[str, Any], weights: str, photos: list[UInt8]) -> None:
    """With "person" in another place of the list, that class's boxes are the people."""
    classes = list(detector_classes(config))
    assert (classes[0], len(classes)) == ("person", 80)
    classes[0], classes[60] = classes[60], classes[0]
    moved = build_person_detector(config, classes, weights, device="cpu")
    usual = build_person_detector(config, detector_classes(config), weights, device="cpu")
    counts = [sum(map(len, d.detect(photos, min_score=0.3))) for d in (moved, usual)]
    assert counts[0] < counts[1]


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ({"metainfo": {"classes": ("cat", "person")}}, ("cat", "person")),
        ({"metainfo": {"classes": "person"}}, ("person",)),
        ({"dataset": {"metainfo": {"classes": ["person"]}}}, ("person",)),
    ],
)
def test_classes_are_read_where_a_config_states_them(
    dataset: dict[str, Any], expected: Sequence[str]
) -> None:
    assert detector_classes({"test_dataloader": {"dataset": dataset}}) == expected


def test_classes_are_those_of_the_data_set_where_none_are_stated() -> None:
    classes = detector_classes({"test_dataloader": {"dataset": {"type": "CocoDataset"}}})
    assert classes[:2] == ("person", "bicycle")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"test_dataloader": {"dataset": {}}},
        {"test_dataloader": {"dataset": {"metainfo": {"classes": ("cat", "persons")}}}},
        {"test_dataloader": {"dataset": {"type": "CityscapesDataset", "metainfo": {"classes": ("rider",)}}}},
        {"test_dataloader": {"dataset": {"type": "NoSuchDataset"}}},
    ],
)
def test_a_detector_that_knows_no_person_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"none is 'person'.*test_dataloader\.dataset\.metainfo\.classes"):
        detector_classes(config)


def test_a_config_without_model_or_pipeline_is_refused(config: dict[str, Any]) -> None:
    classes = detector_classes(config)
    with pytest.raises(ConfigError, match="has no model"):
        build_person_detector({}, classes, None)
    with pytest.raises(ConfigError, match="has no test pipeline"):
        build_person_detector({"model": config["model"]}, classes, None, device="cpu")


def test_a_part_that_is_not_installed_is_named(config: dict[str, Any]) -> None:
    broken = {**config, "model": {**config["model"], "backbone": {"type": "NoSuchBackbone"}}}
    with pytest.raises(InstallationError, match="NoSuchBackbone"):
        build_person_detector(broken, detector_classes(config), None, device="cpu")


def test_weights_must_be_the_expected_ones(config: dict[str, Any], weights: str, shared_data: Path) -> None:
    classes = detector_classes(config)
    with pytest.raises(CheckpointError, match="sha256"):
        build_person_detector(config, classes, weights, sha256="0" * 64, device="cpu")
    with pytest.raises(CheckpointError):
        build_person_detector(
            config, classes, str(shared_data / "models" / "tinypose_coco_256x192.pth"), device="cpu"
        )


def test_detected_people_have_a_box_and_a_score_each() -> None:
    people = DetectedPeople(np.zeros((2, 4), np.float32), np.zeros(2, np.float32))
    assert len(people) == 2
    assert repr(people) == "DetectedPeople(bbox_xyxy=(2, 4))"
    with pytest.raises(ShapeError, match=r"bbox_xyxy has shape \(2, 4\), expected \(3, 4\)"):
        DetectedPeople(np.zeros((2, 4), np.float32), np.zeros(3, np.float32))

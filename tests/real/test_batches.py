"""That a result depends on its image alone, not on what shares its batch, and that nobody is a result too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.inference.images import read_image
from fo_pose_plugin.models import catalog
from tests.real_models import BODY, DETECTOR

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = pytest.mark.usefixtures("registered_models")


@pytest.mark.parametrize("flip_test", [False, True], ids=["no flip", "flip"])
def test_a_batch_of_one_gives_what_a_large_batch_gives(
    coco_test_dataset: Callable[..., fo.Dataset], flip_test: bool
) -> None:
    dataset = coco_test_dataset()
    for batch_size in (1, 5, 64):
        fop.estimate_poses(
            dataset,
            BODY,
            boxes="ground_truth_boxes",
            pose_field=f"poses_{batch_size}",
            batch_size=batch_size,
            flip_test=flip_test,
            keep_heatmaps=False,
            progress=False,
        )
    for sample in dataset:
        one = sample.poses_1.keypoints
        for field in ("poses_5", "poses_64"):
            many = sample[field].keypoints
            assert [k.box_id for k in many] == [k.box_id for k in one]
            for a, b in zip(one, many, strict=True):
                # Relative coordinates: 1e-5 is under 0.01 px in these photos.
                np.testing.assert_allclose(a.points, b.points, rtol=0, atol=1e-5)
                np.testing.assert_allclose(a.confidence, b.confidence, rtol=0, atol=1e-4)


def test_the_detector_finds_the_same_people_alone_and_among_others(shared_data: Path) -> None:
    detector = catalog.load_detector(catalog.find_detector(DETECTOR), device="cpu")
    images = [read_image(path) for path in sorted((shared_data / "coco_test").glob("*.jpg"))]
    assert len({image.shape for image in images}) > 1
    together = detector.detect([*images, images[0]], min_score=0.05)
    for index, image in enumerate([*images, images[0]]):
        (alone,) = detector.detect([image], min_score=0.05)
        assert len(alone) == len(together[index]) > 0
        np.testing.assert_allclose(together[index].bbox_xyxy, alone.bbox_xyxy, rtol=0, atol=0.01)
        np.testing.assert_allclose(together[index].scores, alone.scores, rtol=0, atol=1e-4)


def test_nobody_is_an_empty_list_with_the_runs_id(
    make_dataset: Callable[..., fo.Dataset], shared_data: Path, tmp_path: Path
) -> None:
    import fiftyone as fo

    empty = tmp_path / "grey.png"
    cv2.imwrite(str(empty), np.full((120, 160, 3), 114, np.uint8))
    photo = shared_data / "coco_test" / "000000000785.jpg"
    dataset = make_dataset()
    dataset.add_samples([fo.Sample(filepath=str(path)) for path in (empty, photo, empty)], progress=False)
    report = fop.estimate_poses(dataset, BODY, detector=DETECTOR, keep_heatmaps=False, progress=False)
    assert (report.samples, report.failures) == (3, {})
    found = dataset.values("poses")
    assert [len(poses.keypoints) for poses in found] == [0, report.people, 0]
    assert report.people >= 1
    assert {poses.run_id for poses in found} == {report.run_id}
    assert dataset.values("poses_error") == [None] * 3
    again = fop.estimate_poses(
        dataset, BODY, detector=DETECTOR, keep_heatmaps=False, resume=True, progress=False
    )
    assert (again.skipped, again.samples) == (3, 0)


def test_a_photo_without_boxes_is_a_photo_without_people(
    coco_test_dataset: Callable[..., fo.Dataset],
) -> None:
    import fiftyone as fo

    dataset = coco_test_dataset()
    first, last = dataset.first(), dataset.last()
    first["ground_truth_boxes"] = None
    first.save()
    last["ground_truth_boxes"] = fo.Detections()
    last.save()
    report = fop.estimate_poses(
        dataset, BODY, boxes="ground_truth_boxes", keep_heatmaps=False, progress=False
    )
    counts = [len(poses.keypoints) for poses in dataset.values("poses")]
    assert counts[0] == counts[-1] == 0
    assert all(counts[1:-1])
    assert set(dataset.values("poses.run_id")) == {report.run_id}

"""That tests run in their own sandbox and the shared datasets are what they claim."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import fiftyone as fo


def test_fiftyone_runs_in_the_sandbox(sandbox: Path) -> None:
    import fiftyone as fo
    import fiftyone.core.odm as odm

    assert Path.home().parent == sandbox
    assert fo.config.database_uri == os.environ["FIFTYONE_DATABASE_URI"]
    assert fo.config.database_uri == "mongodb://{}:{}/".format(*odm.get_db_client().address)
    assert Path(fo.config.plugins_dir).parent == sandbox
    assert Path(fo.config.default_dataset_dir).is_relative_to(sandbox)
    assert fo.config.do_not_track


def test_datasets_have_their_own_names(make_dataset: Callable[..., fo.Dataset]) -> None:
    assert make_dataset("a").name != make_dataset("a").name


def test_the_photos_of_coco_val(coco_test_dataset: Callable[..., fo.Dataset]) -> None:
    dataset = coco_test_dataset()
    assert len(dataset) == 4
    assert dataset.count("ground_truth_boxes.detections") == 14
    assert dataset.count("ground_truth.keypoints") == 12
    assert all(Path(path).is_file() for path in dataset.values("filepath"))
    assert len(dataset.skeletons["ground_truth"].edges) == 19
    first = dataset.first()
    assert first.coco_image_id == 785
    (person,) = first.ground_truth.keypoints
    assert person.coco_id == 442619
    assert person.points[0] == [367 / 640, 81 / 425]
    box = first.ground_truth_boxes.detections[0]
    assert [round(v * s, 2) for v, s in zip(box.bounding_box, (640, 425) * 2, strict=True)] == [
        280.79, 44.73, 218.7, 346.68,
    ]  # fmt: skip


def test_the_photos_of_coco_train(coco_mini_dataset: Callable[..., fo.Dataset]) -> None:
    dataset = coco_mini_dataset()
    assert len(dataset) == 28
    assert dataset.count("ground_truth_boxes.detections") == 147
    assert dataset.count("ground_truth.keypoints") == 86
    assert sum(dataset.values("ground_truth_boxes.detections.iscrowd", unwind=True)) == 5
    for person in dataset.values("ground_truth.keypoints", unwind=True):
        for point, visible in zip(person.points, person.visible, strict=True):
            assert math.isnan(point[0]) == (visible == 0)
    assert len(coco_mini_dataset(limit=3)) == 3

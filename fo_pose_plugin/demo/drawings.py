"""The demo's drawings as a FiftyOne dataset, with boxes and exact ground truth.

Fields of a sample, one entry per person and linked by ``instance`` and ``box_id``:
    people                  boxes labelled "person", with ``area`` (pixels seen), ``height`` and ``posture``
    true_poses              17 keypoints, with ``visible`` (COCO's 0, 1, 2)
    true_poses_wholebody    133 keypoints, likewise
Points that are not labelled (``visible`` 0) are NaN. Points are relative to the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.demo.drawn_people import FIRST_HELD_OUT_SEED, DrawnPerson, draw_scene
from fo_pose_plugin.errors import ImageReadError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["BOXES", "TRUTH", "drawing_seeds", "fill_with_drawings", "set_skeletons"]

BOXES = "people"
# The field of the truth by its number of keypoints.
TRUTH = {17: "true_poses", 133: "true_poses_wholebody"}
PERSON = "person"


def drawing_seeds(count: int) -> range:
    """Give seeds of drawings that the bundled models were not trained on."""
    return range(FIRST_HELD_OUT_SEED, FIRST_HELD_OUT_SEED + count)


def fill_with_drawings(dataset: fo.Dataset, folder: Path, seeds: Iterable[int]) -> None:
    """Draw scenes and add them to a dataset; one that is there already stays as it is.

    Args:
        dataset: Gets samples, and the fields that are described at the top of this file.
        folder: Where the pictures are written.
        seeds: One per drawing.

    Raises:
        ImageReadError: If a picture cannot be written.
    """
    import fiftyone as fo

    folder.mkdir(parents=True, exist_ok=True)
    known = set(dataset.values("filepath"))
    samples = []
    for seed in seeds:
        path = folder / f"drawing_{seed}.png"
        if str(path) in known:
            continue
        scene = draw_scene(seed)
        if not cv2.imwrite(str(path), scene.image_bgr):
            raise ImageReadError(f"{path} cannot be written: choose another folder with --folder")
        height, width = scene.image_bgr.shape[:2]
        sample = fo.Sample(filepath=str(path), metadata=fo.ImageMetadata(width=width, height=height))
        boxes = [_box(person, (width, height)) for person in scene.people]
        sample[BOXES] = fo.Detections(detections=boxes)
        for count, field in TRUTH.items():
            people = [
                _truth(person, count, (width, height), box)
                for person, box in zip(scene.people, boxes, strict=True)
            ]
            sample[field] = fo.Keypoints(keypoints=people)
        samples.append(sample)
    if samples:
        dataset.add_samples(samples, dynamic=True, progress=False)


def set_skeletons(dataset: fo.Dataset, skeletons: Mapping[int, Skeleton]) -> None:
    """Name the truth's keypoints, by the skeletons of models that give as many."""
    import fiftyone as fo

    for count, skeleton in skeletons.items():
        if count in TRUTH:
            edges = [list(edge) for edge in skeleton.edges]
            dataset.skeletons[TRUTH[count]] = fo.KeypointSkeleton(
                labels=list(skeleton.keypoint_names), edges=edges
            )
    dataset.save()


def _box(person: DrawnPerson, size_wh: Sequence[int]) -> fo.Detection:
    import fiftyone as fo

    x1, y1, x2, y2 = (person.bbox_xyxy.reshape(2, 2) / size_wh).ravel().tolist()
    return fo.Detection(
        label=PERSON,
        bounding_box=[x1, y1, x2 - x1, y2 - y1],
        area=float(person.area),
        height=round(person.height, 1),
        posture=person.posture,
        instance=fo.Instance(),
    )


def _truth(person: DrawnPerson, count: int, size_wh: Sequence[int], box: fo.Detection) -> fo.Keypoint:
    import fiftyone as fo

    visible = person.visible[:count]
    points = np.where(visible[:, None] > 0, person.points[:count] / size_wh, np.nan)
    return fo.Keypoint(
        label=PERSON,
        points=points.tolist(),
        visible=visible.tolist(),
        area=box.area,
        bounding_box=list(box.bounding_box),
        box_id=box.id,
        instance=fo.Instance(id=box.instance.id),
    )

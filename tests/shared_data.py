"""The real photos and weights that lie beside the repository, and the datasets made of them.

They are not in the repository (the photos carry their photographers' licences), so whatever reads them
skips where they are absent, except in CI, where their absence is a failure.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import fiftyone as fo

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
NAN_POINT = [float("nan"), float("nan")]


def require_shared_data() -> Path:
    """Give the shared data's folder; skip the running test where there is none, or fail it in CI."""
    if SHARED_DATA.is_dir():
        return SHARED_DATA
    reason = "the shared photos and weights (../shared/data) are not on this machine"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(reason)
    pytest.skip(reason)


def fill_from_coco(dataset: fo.Dataset, annotations: Path, limit: int | None = None) -> None:
    """Add the photos of a COCO keypoint file that lie beside it, in the file's order.

    ``ground_truth_boxes`` (fo.Detections) holds every person, crowds and people without keypoints too;
    ``ground_truth`` (fo.Keypoints) those with keypoints. Both carry ``coco_id``, ``area`` (px^2) and
    ``iscrowd``; a keypoint's ``visible`` is COCO's 0, 1 or 2, and its point is NaN exactly at 0.
    ``coco_image_id`` is on the sample. Metadata is left for the code under test to compute.
    """
    import fiftyone as fo

    content = json.loads(annotations.read_text())
    people = defaultdict(list)
    for annotation in content["annotations"]:
        people[annotation["image_id"]].append(annotation)
    samples = []
    for image in content["images"][:limit]:
        size_wh = (image["width"], image["height"])
        sample = fo.Sample(filepath=str(annotations.parent / image["file_name"]), coco_image_id=image["id"])
        found = people[image["id"]]
        sample["ground_truth_boxes"] = fo.Detections(detections=[_detection(a, size_wh) for a in found])
        sample["ground_truth"] = fo.Keypoints(
            keypoints=[_keypoint(a, size_wh) for a in found if a["num_keypoints"]]
        )
        samples.append(sample)
    dataset.add_samples(samples, dynamic=True, progress=False)
    category = content["categories"][0]
    dataset.skeletons = {"ground_truth": coco_skeleton(category)}
    dataset.save()


def coco_skeleton(category: dict[str, Any]) -> fo.KeypointSkeleton:
    """Make FiftyOne's skeleton of a COCO category, whose edges count from 1."""
    import fiftyone as fo

    edges = [[a - 1, b - 1] for a, b in category["skeleton"]]
    return fo.KeypointSkeleton(labels=category["keypoints"], edges=edges)


def _detection(annotation: dict[str, Any], size_wh: tuple[int, int]) -> fo.Detection:
    import fiftyone as fo

    return fo.Detection(label="person", **_common(annotation, size_wh))


def _keypoint(annotation: dict[str, Any], size_wh: tuple[int, int]) -> fo.Keypoint:
    import fiftyone as fo

    w, h = size_wh
    flat = annotation["keypoints"]
    triplets = list(zip(flat[0::3], flat[1::3], flat[2::3], strict=True))
    points = [[x / w, y / h] if v else list(NAN_POINT) for x, y, v in triplets]
    visible = [int(v) for _, _, v in triplets]
    return fo.Keypoint(label="person", points=points, visible=visible, **_common(annotation, size_wh))


def _common(annotation: dict[str, Any], size_wh: tuple[int, int]) -> dict[str, Any]:
    w, h = size_wh
    x, y, bw, bh = annotation["bbox"]
    return {
        "bounding_box": [x / w, y / h, bw / w, bh / h],
        "area": float(annotation["area"]),
        "iscrowd": int(annotation["iscrowd"]),
        "coco_id": int(annotation["id"]),
    }

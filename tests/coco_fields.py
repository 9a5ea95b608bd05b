"""COCO files as fields, for tests of what reads ground truth: what importing such a file gives.

Each annotation becomes one ``fo.Keypoint``, crowds and people without keypoints too: ``points`` (NaN where
COCO's v is 0), ``visible``, ``bounding_box``, ``area_px``, ``iscrowd``, ``num_keypoints``, ``coco_id``.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import fiftyone as fo

PARTS = ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
NAN_POINT = [float("nan"), float("nan")]


def read_coco(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def flat_keypoints(annotation: Mapping[str, Any]) -> list[float]:
    """Give x, y, v of all keypoints, whole-body parts behind one another."""
    return [value for part in PARTS for value in annotation.get(part, ())]


def truth_label(annotation: Mapping[str, Any], size_wh: tuple[int, int]) -> fo.Keypoint:
    import fiftyone as fo

    w, h = size_wh
    flat = flat_keypoints(annotation)
    triplets = list(zip(flat[0::3], flat[1::3], flat[2::3], strict=True))
    x, y, bw, bh = annotation["bbox"]
    return fo.Keypoint(
        label="person",
        points=[[x / w, y / h] if v else list(NAN_POINT) for x, y, v in triplets],
        # COCO-WholeBody has hands with a v of .3 and the like: labelled, as for xtcocotools.
        visible=[math.ceil(v) for _, _, v in triplets],
        bounding_box=[x / w, y / h, bw / w, bh / h],
        area_px=float(annotation["area"]),
        iscrowd=bool(annotation["iscrowd"]),
        num_keypoints=sum(v > 0 for _, _, v in triplets),
        coco_id=int(annotation["id"]),
    )


def result_label(result: Mapping[str, Any], size_wh: tuple[int, int]) -> fo.Keypoint:
    """Turn a COCO result into a prediction; 0, 0, 0 is a keypoint that was not found."""
    import fiftyone as fo

    w, h = size_wh
    flat = flat_keypoints(result)
    triplets = list(zip(flat[0::3], flat[1::3], flat[2::3], strict=True))
    return fo.Keypoint(
        label="person",
        points=[[x / w, y / h] if (x, y, s) != (0, 0, 0) else list(NAN_POINT) for x, y, s in triplets],
        confidence=[float(s) for _, _, s in triplets],
        score=float(result["score"]),
        **{name: value for name, value in result.items() if name.endswith("_score")},
    )


def fill_with_coco(
    dataset: fo.Dataset,
    content: Mapping[str, Any],
    folder: Path,
    results: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    keypoint_names: Sequence[str] | None = None,
) -> None:
    """Add a COCO file's images with ``ground_truth``, and fields with results by name.

    Args:
        dataset: An empty dataset.
        content: The file's.
        folder: Where the images lie; they need not be there.
        results: COCO results by field; images without any get an empty list.
        keypoint_names: The names; those of the first category where None.
    """
    import fiftyone as fo

    annotations = _by_image(content["annotations"])
    found = {field: _by_image(people) for field, people in (results or {}).items()}
    samples = []
    for image in content["images"]:
        size_wh = (image["width"], image["height"])
        sample = fo.Sample(
            filepath=str(folder / image["file_name"]),
            coco_id=image["id"],
            metadata=fo.ImageMetadata(width=size_wh[0], height=size_wh[1]),
        )
        sample["ground_truth"] = fo.Keypoints(
            keypoints=[truth_label(a, size_wh) for a in annotations[image["id"]]]
        )
        for field, people in found.items():
            sample[field] = fo.Keypoints(keypoints=[result_label(p, size_wh) for p in people[image["id"]]])
        samples.append(sample)
    dataset.add_samples(samples, dynamic=True, progress=False)
    names = list(keypoint_names or content["categories"][0]["keypoints"])
    dataset.skeletons = {
        field: fo.KeypointSkeleton(labels=names, edges=[]) for field in ("ground_truth", *(results or {}))
    }
    dataset.save()


def _by_image(people: Sequence[Mapping[str, Any]]) -> defaultdict[int, list[Mapping[str, Any]]]:
    by_image = defaultdict(list)
    for person in people:
        by_image[person["image_id"]].append(person)
    return by_image

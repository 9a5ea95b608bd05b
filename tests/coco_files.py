"""Small COCO files and the pictures that they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from fo_pose_plugin.models.known_skeletons import known_skeletons

__all__ = ["SIZE_WH", "coco_file", "entries_by_id", "person", "pictures"]

SIZE_WH = (64, 48)


def pictures(folder: Path, names: list[str]) -> list[str]:
    """Make small grey pictures, and give their paths."""
    paths = []
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SIZE_WH, (90, 90, 90)).save(path)
        paths.append(str(path))
    return paths


def person(annotation_id: int, image_id: int, **changes: Any) -> dict[str, Any]:
    """Write a person of 17 keypoints."""
    points = [v for k in range(17) for v in (10.25 + k, 5.5 + annotation_id, 2 if k % 5 else 1)]
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "area": 321.5,
        "bbox": [8.125, 4.5, 22, 30.75],
        "keypoints": points,
        "num_keypoints": 17,
        **changes,
    }


def coco_file(
    path: Path, images: list[str] | list[dict[str, Any]], people: list[dict[str, Any]], **changes: Any
) -> Path:
    """Write a COCO file; images given by name are numbered from 1."""
    skeleton = known_skeletons()["coco"]
    category = {
        "id": 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(skeleton.keypoint_names),
        "skeleton": [[a + 1, b + 1] for a, b in skeleton.edges],
    }
    listed = [
        {"id": number, "file_name": image, "width": SIZE_WH[0], "height": SIZE_WH[1]}
        if isinstance(image, str)
        else image
        for number, image in enumerate(images, start=1)
    ]
    path.write_text(
        json.dumps({"images": listed, "annotations": people, "categories": [category], **changes})
    )
    return path


def entries_by_id(path: Path, part: str) -> dict[int, dict[str, Any]]:
    """Give a part of a COCO file by the entries' ids."""
    entries = json.loads(path.read_text())[part]
    found = {entry["id"]: entry for entry in entries}
    assert len(found) == len(entries)
    return found

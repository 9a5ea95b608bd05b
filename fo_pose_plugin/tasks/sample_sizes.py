"""How large a sample's image is: what its relative labels are to be multiplied with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from fo_pose_plugin.errors import ImageReadError
from fo_pose_plugin.inference.image_sizes import read_image_size

__all__ = ["SIZE_PATHS", "sample_size"]

# What `sample_size` needs of a sample.
SIZE_PATHS = ("filepath", "metadata.width", "metadata.height")

# FiftyOne's metadata know nothing of the rotation of PNGs, and rotate WebPs that browsers do not.
_UNTRUSTED = frozenset({".png", ".webp"})
# The farther from the edge a box's centre is, the better it tells the size.
LEAST_CENTER_REL = 0.05
SIZE_TOLERANCE_PX = 0.01


def sample_size(sample: Mapping[str, Any], people: Iterable[Mapping[str, Any]] = ()) -> tuple[int, int]:
    """Give a sample's width and height as the App shows it.

    Args:
        sample: Its values as the database has them, with those of SIZE_PATHS.
        people: Its labels; poses of a run tell the size of the image that they were estimated on.

    Raises:
        ImageReadError: If neither labels nor metadata tell it, and the file is missing or no image.
    """
    found = _size_of_crops(people)
    if found is not None:
        return found
    metadata = sample.get("metadata") or {}
    width, height = metadata.get("width") or 0, metadata.get("height") or 0
    known = width > 0 and height > 0
    if known and PurePath(sample["filepath"]).suffix.lower() not in _UNTRUSTED:
        return int(width), int(height)
    try:
        return read_image_size(sample["filepath"])
    except ImageReadError:
        if known:
            return int(width), int(height)
        raise


def _size_of_crops(people: Iterable[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Tell the size from boxes, which are relative, and crops around them, which are in pixels."""
    best = [(0.0, 0.0), (0.0, 0.0)]
    for person in people:
        box, crop = person.get("bounding_box"), person.get("crop")
        if isinstance(box, list) and isinstance(crop, list) and len(box) == len(crop) == 4:
            for axis in (0, 1):
                center = box[axis] + box[axis + 2] / 2
                if abs(center) > best[axis][0]:
                    best[axis] = (abs(center), crop[axis] / center)
    sides = [round(size) for _, size in best]
    certain = all(
        center >= LEAST_CENTER_REL and size >= 1 and abs(size - round(size)) <= SIZE_TOLERANCE_PX
        for center, size in best
    )
    return (sides[0], sides[1]) if certain else None

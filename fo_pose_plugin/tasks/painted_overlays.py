"""Paint a sample's heatmaps over its image, and say in words what is painted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.overlays import KeptPerson
from fo_pose_plugin.errors import HeatmapError
from fo_pose_plugin.heatmaps import overlay, store
from fo_pose_plugin.inference.images import read_image
from fo_pose_plugin.models.codecs import CodecKind

__all__ = ["codec_scale", "image_size", "legend", "paint_people", "person_crop", "save_overlay"]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Float32: TypeAlias = npt.NDArray[np.float32]

MEGVII_SCALE = 255.0
# A centre nearer to the image's edge tells its size too roughly.
LEAST_CENTER_REL = 0.05
SIZE_TOLERANCE_PX = 0.2


def codec_scale(kind: CodecKind) -> float:
    """Give the value of a heatmap where the model is certain of a keypoint: 255 for Megvii, else 1."""
    return MEGVII_SCALE if kind == "megvii" else 1.0


def paint_people(
    heatmaps: Float32,
    crops: Sequence[Crop],
    image_size_wh: tuple[int, int],
    kind: CodecKind,
    *,
    scale_max: float,
    keypoints: Sequence[int] | None = None,
) -> UInt8:
    """Paint people's heatmaps where their keypoints are, as the codec's decoder places them.

    Args:
        heatmaps: (N, K, h, w).
        crops: N crops.
        image_size_wh: Of the photo as it is shown.
        kind: The codec's.
        scale_max: The codec's scale, which is painted as 255.
        keypoints: Indices of the keypoints to paint; None for all.

    Returns:
        (H, W) uint8; see `overlay.paint_overlay`.
    """
    return overlay.paint_overlay(
        heatmaps,
        crops,
        image_size_wh,
        keypoints=keypoints,
        udp=kind in {"udp", "udp_combined"},
        scale_max=scale_max,
        peak_shift_px=overlay.MEGVII_PEAK_SHIFT_PX if kind == "megvii" else 0.0,
    )


def save_overlay(
    files: store.HeatmapStore, dataset: str, run_id: str, sample_id: str, painted: UInt8
) -> Path:
    """Write an overlay under a name of its own, and give its path.

    The run is part of the name: two fields of one sample may hold the same picture.

    Raises:
        HeatmapError: If it cannot be written.
    """
    folder = files.overlay_directory(dataset, sample_id)
    return overlay.write_overlay(folder, f"{sample_id}-{run_id}", painted, root=files.root)


def legend(
    total: int, keypoints: Sequence[int] | None = None, skeleton: Skeleton | None = None, *, people: str = ""
) -> str:
    """Say in words what an overlay shows.

    Args:
        total: K of the model.
        keypoints: Indices of what is shown; None for all.
        skeleton: Their names; it may be missing where all are shown.
        people: What is said of the people, e.g. "2 of 3 people".
    """
    shown = f"all {total} keypoints"
    if keypoints is not None and skeleton is not None and len(keypoints) < total:
        shown = ", ".join(_names(keypoints, skeleton))
    return f"{shown} ({people})" if people else shown


def _names(keypoints: Sequence[int], skeleton: Skeleton) -> list[str]:
    """Name the groups that are complete, with their size, and then the other keypoints."""
    left, names = set(keypoints), []
    for group, members in skeleton.groups.items():
        if left.issuperset(members):
            left.difference_update(members)
            names.append(f"{group} ({len(members)} keypoints)")
    return names + [skeleton.keypoint_names[index] for index in sorted(left)]


def person_crop(person: KeptPerson) -> Crop:
    """Give a person's crop as their label has it.

    Raises:
        HeatmapError: If the label does not have it as a run wrote it.
        BoxError: If it is empty or not finite.
    """
    crop = person.crop
    if crop is None or len(crop) != 4:
        raise HeatmapError(
            f"a person's crop is {crop!r}, expected [centre_x, centre_y, width, height] as the run wrote it: "
            "run estimate_poses again with overwrite"
        )
    cx, cy, w, h = map(float, crop)
    return Crop((cx, cy), (w, h))


def image_size(people: Sequence[KeptPerson], crops: Sequence[Crop], filepath: str) -> tuple[int, int]:
    """Tell the image's size from where boxes lie, relative and in pixels; else read the image.

    A crop's centre is its box's. Metadata is no help: FiftyOne's is wrong for rotated PNGs.
    """
    sizes = []
    for axis in (0, 1):
        centers = [_center_rel(person, axis) for person in people]
        known = [(abs(c), crop.center_xy[axis] / c) for c, crop in zip(centers, crops, strict=True) if c]
        largest, size = max(known, default=(0.0, 0.0))
        certain = largest >= LEAST_CENTER_REL and abs(size - round(size)) <= SIZE_TOLERANCE_PX
        sizes.append(round(size) if certain and size >= 1 else 0)
    if all(sizes):
        return sizes[0], sizes[1]
    height, width = read_image(filepath).shape[:2]
    return width, height


def _center_rel(person: KeptPerson, axis: int) -> float:
    box = person.bounding_box
    return float(box[axis] + box[axis + 2] / 2) if box is not None and len(box) == 4 else 0.0

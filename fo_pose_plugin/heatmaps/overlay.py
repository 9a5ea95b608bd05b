"""Heatmaps painted over the whole image, as the App shows them.

Spaces, in xy order with the origin at the centre of the top-left pixel:
    heatmap_px  a model's output
    image_px    the photo as it is shown
    overlay_px  the painted picture, which the App stretches over the photo: overlay pixel u covers image
                pixels (u + 0.5) * s - 0.5 on average, where s is image size / overlay size
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.errors import HeatmapError, KeypointNameError, ShapeError
from fo_pose_plugin.heatmaps import confined_files

__all__ = [
    "MEGVII_PEAK_SHIFT_PX",
    "heatmap_to_image_affine",
    "overlay_name",
    "overlay_size",
    "paint_overlay",
    "remove_overlay",
    "write_overlay",
]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]

LONG_SIDE_PX = 640
# 2 % of the scale: what is fainter is noise, which a scale of colours would paint as a dark patch.
FAINTEST_LEVEL = 5
MEGVII_PEAK_SHIFT_PX = 0.5  # its decoder adds this to every peak but those at the border


def heatmap_to_image_affine(
    crop: Crop, heatmap_size_wh: tuple[int, int], udp: bool, peak_shift_px: float = 0.0
) -> Float64:
    """Give the affine that takes heatmap_px to image_px, as the codec's decoder does.

    Args:
        crop: The person's.
        heatmap_size_wh: At least 2 pixels each way.
        udp: Whether the codec is UDP, whatever the affine of the crop is.
        peak_shift_px: What the decoder adds to every peak, heatmap_px: 0.5 for Megvii.

    Returns:
        (2, 3) float64.

    Raises:
        ShapeError: If the heatmap is too small.
    """
    w, h = heatmap_size_wh
    if min(w, h) < 2:
        raise ShapeError("heatmap", (h, w), "at least (2, 2)")
    (cx, cy), (sw, sh) = crop.center_xy, crop.scale_wh
    fx, fy = (sw / (w - 1), sh / (h - 1)) if udp else (sw / w, sh / h)
    return np.array([[fx, 0, cx - sw / 2 + fx * peak_shift_px], [0, fy, cy - sh / 2 + fy * peak_shift_px]])


def overlay_size(image_size_wh: tuple[int, int], long_side_px: int = LONG_SIDE_PX) -> tuple[int, int]:
    """Give an overlay's width and height: the image's, or smaller with the same aspect ratio."""
    w, h = image_size_wh
    if min(w, h, long_side_px) < 1:
        raise ShapeError("image", (h, w), f"at least (1, 1), for an overlay of {long_side_px} px")
    scale = min(1.0, long_side_px / max(w, h))
    return max(1, round(w * scale)), max(1, round(h * scale))


def paint_overlay(
    heatmaps: Float32,
    crops: Sequence[Crop],
    image_size_wh: tuple[int, int],
    *,
    keypoints: Sequence[int] | None,
    udp: bool,
    long_side_px: int = LONG_SIDE_PX,
    scale_max: float = 1.0,
    peak_shift_px: float = 0.0,
) -> UInt8:
    """Paint the maximum over people and keypoints of their heatmaps.

    Args:
        heatmaps: (N, K, h, w).
        crops: N crops.
        image_size_wh: Of the photo as it is shown.
        keypoints: Indices of the keypoints to paint; None for all.
        udp: Whether the codec is UDP.
        long_side_px: The overlay's longer side at most.
        scale_max: The value that is painted as 255, the same for all people.
        peak_shift_px: See `heatmap_to_image_affine`.

    Returns:
        (H, W) uint8; exactly 0, which the App draws transparent, where no heatmap is above 2 % of the scale.

    Raises:
        ShapeError: If the shapes do not fit.
        KeypointNameError: If there is no such keypoint, or none was chosen.
    """
    if heatmaps.ndim != 4 or len(heatmaps) != len(crops):
        raise ShapeError("heatmaps", heatmaps.shape, f"({len(crops)}, K, h, w)")
    width, height = overlay_size(image_size_wh, long_side_px)
    chosen = _chosen(keypoints, heatmaps.shape[1])
    image_px_per_px = (image_size_wh[0] / width, image_size_wh[1] / height)
    painted = np.zeros((height, width), dtype=np.uint8)
    to_levels = np.float32(255 / scale_max)
    h, w = heatmaps.shape[2:]
    for person, crop in zip(heatmaps, crops, strict=True):
        strongest = (person if chosen is None else person[chosen]).max(axis=0)
        affine = heatmap_to_image_affine(crop, (w, h), udp, peak_shift_px)
        x0, at_x = _sampled(affine[0, 0], affine[0, 2], w, image_px_per_px[0], width)
        y0, at_y = _sampled(affine[1, 1], affine[1, 2], h, image_px_per_px[1], height)
        if not len(at_x) or not len(at_y):
            continue
        strongest = _thicken(np.maximum(strongest, 0), at_x, at_y)
        patch = _interpolated(_interpolated(strongest, at_y).T, at_x).T
        # Person by person and in place: whole images of floats cost more time than the painting.
        patch *= to_levels
        np.clip(np.rint(patch, out=patch), 0, 255, out=patch)
        patch[patch < FAINTEST_LEVEL] = 0
        region = painted[y0 : y0 + len(at_y), x0 : x0 + len(at_x)]
        np.maximum(region, patch.astype(np.uint8), out=region)
    return painted


def overlay_name(stem: str, pixels: UInt8) -> str:
    """Name an overlay by its content: browsers cache by path, so another content needs another name."""
    digest = hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes())
    return f"{stem}-{digest.hexdigest()[:16]}.png"


def write_overlay(directory: Path, stem: str, pixels: UInt8, *, root: Path | None = None) -> Path:
    """Write an overlay as a PNG under a name made of its content.

    Args:
        directory: Where; it is made as needed.
        stem: What the name begins with: the sample's id.
        pixels: (H, W) uint8.
        root: The folder above, below which no symlink is followed; None for the directory itself.

    Returns:
        Its path. Painting the same again gives the same path: see that it is not removed as the old one.

    Raises:
        ShapeError: If it is no (H, W) uint8 picture.
        HeatmapError: If it cannot be written.
    """
    import cv2

    if pixels.ndim != 2 or pixels.dtype != np.uint8 or not pixels.size:
        raise ShapeError(f"overlay ({pixels.dtype})", pixels.shape, "(H, W), uint8, not empty")
    if Path(stem).name != stem:
        raise HeatmapError(f"{stem!r} cannot begin a file's name")
    path = directory.absolute() / overlay_name(stem, pixels)
    _, content = cv2.imencode(".png", pixels)
    confined_files.write_file(path, (root or directory).absolute(), content.tobytes())
    return path


def remove_overlay(path: str | Path, root: Path) -> int:
    """Remove an overlay that lies below the root.

    Returns:
        How many bytes that freed; 0 where there is none.

    Raises:
        HeatmapError: If it is no PNG, outside the root, behind a symlink or cannot be removed.
    """
    if not str(path).endswith(".png"):
        raise HeatmapError(f"{path} is no overlay (.png), it is left alone")
    return confined_files.remove_file(path, [root])


def _chosen(keypoints: Sequence[int] | None, total: int) -> list[int] | None:
    if keypoints is None:
        return None
    indices = [int(k) for k in keypoints]
    if not indices:
        raise KeypointNameError("no keypoint was chosen to be painted: choose at least one, or None for all")
    for index in indices:
        if not 0 <= index < total:
            raise KeypointNameError(f"there is no keypoint {index}: there are {total}, counted from 0")
    return indices


def _sampled(
    factor: float, shift: float, size: int, image_px_per_px: float, length: int
) -> tuple[int, Float64]:
    """Find the overlay pixels that a heatmap touches, along one axis.

    Args:
        factor: Image pixels per heatmap pixel.
        shift: Where heatmap pixel 0 lies, image_px.
        size: The heatmap's, heatmap_px.
        image_px_per_px: Image pixels per overlay pixel.
        length: The overlay's, overlay_px.

    Returns:
        The first overlay pixel, and for each from there on where it lies, heatmap_px.
    """
    ends_image = np.array([-1.0, size]) * factor + shift
    first, last = (ends_image + 0.5) / image_px_per_px - 0.5
    begin, end = max(0, int(np.floor(first))), min(length, int(np.ceil(last)) + 1)
    pixels = np.arange(begin, max(begin, end), dtype=np.float64)
    return begin, ((pixels + 0.5) * image_px_per_px - 0.5 - shift) / factor


def _thicken(heatmap: Float32, at_x: Float64, at_y: Float64) -> Float32:
    """Widen peaks where overlay pixels lie further apart than heatmap pixels: none is stepped over."""
    steps = [float(at[1] - at[0]) if len(at) > 1 else 1.0 for at in (at_x, at_y)]
    kernel_x, kernel_y = (2 * int(step / 2) + 1 if step > 1 else 1 for step in steps)
    if kernel_x == kernel_y == 1:
        return heatmap
    import cv2

    thick: Float32 = cv2.dilate(heatmap, np.ones((kernel_y, kernel_x), np.uint8))
    return thick


def _interpolated(values: Float32, at: Float64) -> Float32:
    """Sample rows linearly between those of (n, m) values; beyond their ends lies 0.

    By index and not as a product of matrices: BLAS would start threads of its own for it, which was measured
    to take ten times as long where overlays are painted in threads.
    """
    padded = np.pad(values, ((1, 1), (0, 0)))
    inside = np.clip(at, -1, len(values))
    low = np.minimum(np.floor(inside), len(values) - 1)
    upper_part = (inside - low).astype(np.float32)[:, None]
    index = low.astype(np.intp) + 1
    sampled: Float32 = padded[index] * (1 - upper_part) + padded[index + 1] * upper_part
    return sampled

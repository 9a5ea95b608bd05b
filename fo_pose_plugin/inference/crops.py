"""Cut people out of an image.

The affine is a scaling and a shift, so that bilinear sampling falls apart into rows and columns. cv2 4's
``warpAffine`` samples on a grid of 1/32 pixel, which moves some weak peaks by pixels against the exact
sampling of cv2 5; sampling here makes the result the same whichever cv2 is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import Crop, crop_affine
from fo_pose_plugin.errors import ShapeError

__all__ = ["cut_crops"]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Float32: TypeAlias = npt.NDArray[np.float32]
Int64: TypeAlias = npt.NDArray[np.int64]


def cut_crops(image_bgr: UInt8, crops: Sequence[Crop], input_size_wh: tuple[int, int], *, udp: bool) -> UInt8:
    """Scale each crop to the network's input.

    Args:
        image_bgr: (H, W, 3) uint8, image_px.
        crops: N crops; beyond the image they are black.
        input_size_wh: The network's input.
        udp: Which affine (see `crop_affine`).

    Returns:
        (N, h, w, 3) uint8, input_px.

    Raises:
        ShapeError: If the image is not (H, W, 3).

    Source: mmpose ``TopdownAffine`` (bilinear, zero border), as cv2 5 computes it.
    """
    if image_bgr.ndim != 3 or image_bgr.shape[2] != 3 or 0 in image_bgr.shape:
        raise ShapeError("image_bgr", image_bgr.shape, "(H, W, 3)")
    w, h = input_size_wh
    result = np.empty((len(crops), h, w, 3), dtype=np.uint8)
    for target, crop in zip(result, crops, strict=True):
        (fx, _, tx), (_, fy, ty) = crop_affine(crop, input_size_wh, udp=udp)
        columns, column_weights = _taps(fx, tx, w, image_bgr.shape[1])
        rows, row_weights = _taps(fy, ty, h, image_bgr.shape[0])
        first = int(columns.min())
        window = image_bgr[:, first : int(columns.max()) + 1]
        # Rows first: whole rows of the window are copied fast, and only few columns are left to pick.
        blended = _blend(window, rows, row_weights.reshape(2, -1, 1, 1), axis=0)
        sampled = _blend(blended, columns - first, column_weights.reshape(2, -1, 1), axis=1)
        target[:] = np.rint(sampled, out=sampled)
    return result


def _taps(factor: float, shift: float, size_out: int, size_in: int) -> tuple[Int64, Float32]:
    """Find the two source pixels of every target pixel along one axis.

    Returns:
        (2, size_out) indices within the source, and their weights: 0 for those beyond it.
    """
    position = (np.arange(size_out) - shift) / factor
    lower = np.floor(position)
    fraction = position - lower
    index = np.stack([lower, lower + 1]).astype(np.int64)
    inside = (index >= 0) & (index < size_in)
    weights = np.where(inside, np.stack([1 - fraction, fraction]), 0).astype(np.float32)
    return np.clip(index, 0, size_in - 1), weights


def _blend(source: npt.NDArray[np.generic], taps: Int64, weights: Float32, *, axis: int) -> Float32:
    """Add up the two taps of every target pixel along one axis."""
    lower = np.take(source, taps[0], axis=axis) * weights[0]
    lower += np.take(source, taps[1], axis=axis) * weights[1]
    blended: Float32 = lower
    return blended

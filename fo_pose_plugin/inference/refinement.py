"""From a heatmap's highest pixel to a position between pixels, for many maps at once.

All positions are heatmap_px, xy order, origin at the centre of the top-left pixel. The functions take
``maps`` (M, h, w) float32, ``rows`` (L,) which of them, and ``peaks`` (L, 2) their highest pixels, and give
(L, 2) offsets to be added to the peaks; 0 where there is nothing to refine, not finite where it failed. The
maps are not modified. Sources are functions of MMPose's ``codecs``; arithmetic is in their order and
precision, because on plateaus their result hangs on the last bit.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.inference.smoothing import blur_squares, cut_squares, modulate

__all__ = ["dark_offsets", "megvii_offsets", "quarter_offsets", "udp_offsets"]

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]
Int64: TypeAlias = npt.NDArray[np.int64]
Bool: TypeAlias = npt.NDArray[np.bool_]
Floating: TypeAlias = npt.NDArray[np.floating]

QUARTER = np.float32(0.25)
DARK_FLOOR = np.float32(1e-10)
UDP_FLOOR, UDP_CEILING = np.float32(1e-3), np.float32(50.0)
# How many last bits a smoothed value and a logarithm may be off, and what that may move a keypoint.
ROUNDINGS_OF_BLUR, ROUNDINGS_OF_LOG = 16, 4
MAX_ERROR_PX = 5e-4


def quarter_offsets(maps: Float32, rows: Int64, peaks: Int64) -> Float32:
    """Move a quarter of a pixel towards the higher neighbour, on each axis by itself.

    Source: mmpose ``refine_keypoints``, with its uneven borders.
    """
    (h, w), (x, y) = maps.shape[1:], peaks.T
    inside_x = (x > 1) & (x < w - 1) & (y > 0)
    inside_y = (y > 1) & (y < h - 1) & (x > 0)
    signs = _slope_signs(maps, rows, peaks) * np.stack((inside_x, inside_y), axis=-1)
    offsets: Float32 = signs * QUARTER
    return offsets


def megvii_offsets(maps: Float32, rows: Int64, peaks: Int64) -> Float32:
    """Move a quarter of a pixel towards the higher neighbour and half a pixel right and down, off the border.

    Source: mmpose ``MegviiHeatmap.decode``; ``maps`` are the modulated ones.
    """
    (h, w), (x, y) = maps.shape[1:], peaks.T
    inside = (x > 1) & (x < w - 1) & (y > 1) & (y < h - 1)
    offsets: Float32 = (_slope_signs(maps, rows, peaks) * QUARTER + np.float32(0.5)) * inside[:, None]
    return offsets


def dark_offsets(maps: Float32, rows: Int64, peaks: Int64, kernel_size: int) -> Float32:
    """Take one Newton step on the logarithm of the smoothed map.

    Source: mmpose ``refine_keypoints_dark`` (Zhang et al., CVPR 2020); peaks within two pixels of the border
    stay where they are.
    """
    (h, w), (x, y) = maps.shape[1:], peaks.T
    offsets = np.zeros((len(rows), 2), dtype=np.float32)
    inner = np.flatnonzero((x > 1) & (x < w - 2) & (y > 1) & (y < h - 2))
    rows, peaks = rows[inner], peaks[inner]
    squares, magnitudes = blur_squares(maps, rows, peaks, kernel_size, reach=2)
    steps, doubtful = _dark_steps(squares, magnitudes)
    smooth, _ = modulate(maps[rows[doubtful]], kernel_size)
    steps[doubtful], _ = _dark_steps(cut_squares(smooth, peaks[doubtful], reach=2), magnitudes[doubtful])
    offsets[inner] = steps
    return offsets


def udp_offsets(maps: Float32, rows: Int64, peaks: Int64, kernel_size: int) -> Float64:
    """Take one Newton step on the logarithm of the smoothed map, also at the border.

    Source: mmpose ``refine_keypoints_dark_udp`` (Huang et al., CVPR 2020).
    """
    squares, magnitudes = blur_squares(maps, rows, peaks, kernel_size, reach=1)
    steps, doubtful = _udp_steps(squares, magnitudes)
    # The ceiling applies to the scaled map, which is at most as high as the map was.
    doubtful |= maps[rows, peaks[:, 1], peaks[:, 0]] >= UDP_CEILING
    smooth, _ = modulate(maps[rows[doubtful]], kernel_size)
    steps[doubtful], _ = _udp_steps(cut_squares(smooth, peaks[doubtful], reach=1), magnitudes[doubtful])
    return steps


def _slope_signs(maps: Float32, rows: Int64, peaks: Int64) -> Float32:
    """Give the signs of the differences across each peak, (L, 2); beyond a border its peak counts."""
    (h, w), (x, y) = maps.shape[1:], peaks.T
    dx = maps[rows, y, np.minimum(x + 1, w - 1)] - maps[rows, y, np.maximum(x - 1, 0)]
    dy = maps[rows, np.minimum(y + 1, h - 1), x] - maps[rows, np.maximum(y - 1, 0), x]
    signs: Float32 = np.sign(np.stack((dx, dy), axis=-1))
    return signs


def _dark_steps(squares: Float32, magnitudes: Float32) -> tuple[Float32, Bool]:
    """Newton's steps from (5, 5, L) smoothed values, (L, 2), and which are doubtful.

    The step is 0 where the Hessian is singular.
    """
    logs = np.log(np.maximum(squares, DARK_FLOOR))
    dx = 0.5 * (logs[2, 3] - logs[2, 1])
    dy = 0.5 * (logs[3, 2] - logs[1, 2])
    dxx = 0.25 * (logs[2, 4] - 2 * logs[2, 2] + logs[2, 0])
    dxy = 0.25 * (logs[3, 3] - logs[1, 3] - logs[3, 1] + logs[1, 1])
    dyy = 0.25 * (logs[4, 2] - 2 * logs[2, 2] + logs[0, 2])
    steps = np.zeros((logs.shape[2], 2), dtype=np.float32)
    determinant = dxx * dyy - dxy**2
    regular = determinant != 0
    hessian = np.stack((dxx, dxy, dxy, dyy), axis=-1).reshape(-1, 2, 2)
    gradient = np.stack((dx, dy), axis=-1)
    steps[regular] = (-_inverses(hessian[regular]) @ gradient[regular][..., None])[..., 0]
    return steps, _is_doubtful(squares, DARK_FLOOR, magnitudes, hessian, steps)


def _udp_steps(squares: Float32, magnitudes: Float32) -> tuple[Float64, Bool]:
    """Newton's steps from (3, 3, L) smoothed values, (L, 2), and which are doubtful.

    The step is NaN where the Hessian is singular.
    """
    logs = np.log(np.clip(squares, UDP_FLOOR, UDP_CEILING))
    here, right, left, below, above = logs[1, 1], logs[1, 2], logs[1, 0], logs[2, 1], logs[0, 1]
    dx = 0.5 * (right - left)
    dy = 0.5 * (below - above)
    dxx = right - 2 * here + left
    dyy = below - 2 * here + above
    dxy = 0.5 * (logs[2, 2] - right - below + here + here - left - above + logs[0, 0])
    hessian = np.stack((dxx, dxy, dxy, dyy), axis=-1).reshape(-1, 2, 2)
    gradient = np.stack((dx, dy), axis=-1)
    inverse = _inverses(hessian + np.finfo(np.float32).eps * np.eye(2))
    steps: Float64 = -np.einsum("lmn,ln->lm", inverse, gradient)
    return steps, _is_doubtful(squares, UDP_FLOOR, magnitudes, hessian, steps)


def _is_doubtful(
    squares: Float32, floor: np.float32, magnitudes: Float32, hessian: Float32, steps: Floating
) -> Bool:
    """Say where steps from unscaled squares could differ from those of the scaled map, as MMPose takes them.

    Scaling adds a constant to the logarithms and cancels out, unless a value lies below the floor (a map is
    only ever scaled up). Other last bits matter where the Hessian is nearly singular: the bound carries the
    rounding of the smoothing, relative to the lowest value, and of the logarithms through its inverse.
    """
    eps, lowest = np.finfo(np.float32).eps, squares.min(axis=(0, 1))
    logarithms = np.abs(np.log(lowest))
    rounding = eps * (ROUNDINGS_OF_BLUR * magnitudes / lowest + ROUNDINGS_OF_LOG * logarithms)
    (dxx, dxy), (_, dyy) = hessian.transpose(1, 2, 0)
    inverse_norm = np.abs(hessian).max(axis=(1, 2)) / np.abs(dxx * dyy - dxy**2)
    bound = rounding * inverse_norm * (1 + np.abs(steps).max(axis=1))
    certain: Bool = (lowest > floor) & (bound < MAX_ERROR_PX)
    return np.logical_not(certain)


def _inverses(matrices: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Invert (L, 2, 2) matrices; a singular one becomes NaN instead of costing the batch."""
    try:
        return np.linalg.inv(matrices)
    except np.linalg.LinAlgError:
        return np.stack([_inverse_or_nan(matrix) for matrix in matrices])


def _inverse_or_nan(matrix: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    try:
        return np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)

"""Gaussian smoothing of many heatmaps, with MMPose's borders and scaling.

Shapes: maps (M, h, w) float32; positions are heatmap_px, xy order. No function modifies what it is given.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["blur_reflected", "blur_squares", "cut_squares", "modulate"]

Float32: TypeAlias = npt.NDArray[np.float32]
Int64: TypeAlias = npt.NDArray[np.int64]
Bool: TypeAlias = npt.NDArray[np.bool_]

MAPS_PER_BLUR = 16  # keeps the stacked maps within a core's cache
SQUARES_PER_BLUR = 512


def modulate(maps: Float32, kernel_size: int) -> tuple[Float32, Bool]:
    """Smooth maps with a Gaussian, zeros around them, and scale each back to its old maximum.

    Returns:
        (M, h, w) float32 and (M,) whether that was possible: whether something positive was left.

    Source: mmpose ``gaussian_blur``.
    """
    (m, h, w), border = maps.shape, (kernel_size - 1) // 2
    smooth, possible = np.empty_like(maps), np.empty(m, dtype=bool)
    # Stacked with `border` empty rows between, several maps are one picture: fewer and larger blurs,
    # and the same bits as map by map.
    canvas = np.zeros((min(m, MAPS_PER_BLUR) * (h + border) + border, w + 2 * border), dtype=np.float32)
    blurred = np.empty_like(canvas)
    for start in range(0, m, MAPS_PER_BLUR):
        source, target = maps[start : start + MAPS_PER_BLUR], smooth[start : start + MAPS_PER_BLUR]
        used = len(source) * (h + border) + border
        _tiles(canvas[:used], h, border)[...] = source
        cv2.GaussianBlur(canvas[:used], (kernel_size, kernel_size), 0, dst=blurred[:used])
        tiles = _tiles(blurred[:used], h, border)
        highest = tiles.max(axis=(1, 2))
        np.multiply(tiles, (source.max(axis=(1, 2)) / highest)[:, None, None], out=target)
        possible[start : start + MAPS_PER_BLUR] = (highest > 0) & np.isfinite(target).all(axis=(1, 2))
    return smooth, possible


def _tiles(canvas: Float32, height: int, border: int) -> Float32:
    """View the maps (M, height, w) in a canvas with `border` empty pixels around and below each."""
    rows = canvas[border:].reshape(-1, height + border, canvas.shape[1])
    return rows[:, :height, border:-border]


def blur_reflected(maps: Float32, kernel_size: int) -> Float32:
    """Smooth maps with a Gaussian, mirrored at their borders, without scaling; (M, h, w) float32.

    Source: ``cv2.GaussianBlur`` as mmpose ``UDPHeatmap.decode`` calls it.
    """
    smooth = np.empty_like(maps)
    for source, target in zip(maps, smooth, strict=True):
        cv2.GaussianBlur(source, (kernel_size, kernel_size), 0, dst=target)
    return smooth


def cut_squares(maps: Float32, peaks: Int64, reach: int) -> Float32:
    """Cut a square around one peak per map; (2 * reach + 1, 2 * reach + 1, M) float32, rows first.

    Beyond the border the last pixel is repeated.
    """
    (m, h, w), steps = maps.shape, np.arange(-reach, reach + 1)[:, None]
    x = np.clip(peaks[:, 0] + steps, 0, w - 1)
    y = np.clip(peaks[:, 1] + steps, 0, h - 1)
    squares: Float32 = maps[np.arange(m), y[:, None], x[None, :]]
    return squares


def blur_squares(
    maps: Float32, rows: Int64, peaks: Int64, kernel_size: int, reach: int
) -> tuple[Float32, Float32]:
    """Smooth maps as `modulate` does, but only in a square around one peak each, and without the scaling.

    Args:
        maps: (M, h, w).
        rows: (L,) which maps.
        peaks: (L, 2) xy.
        kernel_size: Odd, heatmap_px.
        reach: Of the squares: they have ``2 * reach + 1`` pixels a side.

    Returns:
        (side, side, L) float32, rows first, the last pixel repeated beyond the border; equal to `modulate` up
        to the scaling and the last bits. And (L,) the greatest magnitude of what was smoothed.
    """
    side = 2 * reach + 1
    squares = np.empty((side, side, len(rows)), dtype=np.float32)
    magnitudes = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), SQUARES_PER_BLUR):
        part = slice(start, start + SQUARES_PER_BLUR)
        squares[:, :, part], magnitudes[part] = _blur_squares(
            maps, rows[part], peaks[part], kernel_size, reach
        )
    return squares, magnitudes


def _blur_squares(
    maps: Float32, rows: Int64, peaks: Int64, kernel_size: int, reach: int
) -> tuple[Float32, Float32]:
    (h, w), side = maps.shape[1:], 2 * reach + 1
    margin = kernel_size // 2
    steps = np.arange(-reach - margin, reach + margin + 1)[:, None]
    x, y = peaks[:, 0] + steps, peaks[:, 1] + steps
    at = (rows * (h * w) + np.clip(y, 0, h - 1) * w)[:, None] + np.clip(x, 0, w - 1)
    patch = maps.reshape(-1).take(at)
    inside_x, inside_y = (x >= 0) & (x < w), (y >= 0) & (y < h)
    patch *= inside_y[:, None] & inside_x
    magnitudes = np.abs(patch).max(axis=(0, 1))
    weights = cv2.getGaussianKernel(kernel_size, 0, cv2.CV_32F)[:, 0]
    narrow = np.zeros((len(patch), side, len(rows)), dtype=np.float32)
    square = np.zeros((side, side, len(rows)), dtype=np.float32)
    for i, weight in enumerate(weights):
        narrow += weight * patch[:, i : i + side]
    for i, weight in enumerate(weights):
        square += weight * narrow[i : i + side]
    if not (inside_x[margin:-margin].all() and inside_y[margin:-margin].all()):
        column = np.clip(x[margin:-margin], 0, w - 1) - peaks[:, 0] + reach
        row = np.clip(y[margin:-margin], 0, h - 1) - peaks[:, 1] + reach
        square = square[row[:, None], column, np.arange(len(rows))]
    return square, magnitudes

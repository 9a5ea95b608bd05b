"""Heatmaps as levels of 8 bits, each tile by itself, without moving a keypoint.

Spaces: heatmap_px; tiles are (T, P), each row one heatmap of P pixels, row by row.

A tile's levels are evenly spaced from its lowest value to its peak, 127 of them from 0 to the peak, more
where it reaches below 0, and up to 254 where it is smaller than 64x48 and takes little room. What is lost:
    values from 0 to the peak                half a level, 0.4 % of the peak; up to two levels beside the peak
    values nearer to 0 than 2 % of the peak  become 0 (`FLOOR`), but for those around the peak:
                                             noise that would fill the file
    tiles that reach as far below 0 as above and further    half of 1/255 of their range
What is kept exactly, because what rounding would move is repaired:
    the peak's value (from 1e-30 up), its place, also which of several equal ones is first, and the order of
    its left and right and of its upper and lower neighbour, equality included: what MSRA's decoder reads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["TileRanges", "find_ranges", "finer_levels", "level_values", "quantise"]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Float32: TypeAlias = npt.NDArray[np.float32]
IntP: TypeAlias = npt.NDArray[np.intp]
Bool: TypeAlias = npt.NDArray[np.bool_]

POSITIVE_LEVELS = 127
USUAL_SIZE_PX = 64 * 48  # what the levels, and the bytes per person, are reckoned for
FLOOR = np.float32(0.02)
# Decoders smooth maps with a Gaussian: Megvii's and combined UDP's before they look for the peak, DARK's and
# UDP's to refine it. What becomes 0 below the floor pulls all of it to one side, so nothing does as near as
# 2 sigma of the widest kernel: combined UDP's, whose sigma is 3.8 px on 64x48 maps and 5.6 px on 96x72.
NEAR_PX, NEAR_SIDE_PX = 8, 64
SMALLEST_PEAK = np.float32(1e-30)  # keeps 256 levels apart in float32


@dataclass(frozen=True, slots=True, repr=False)
class TileRanges:
    """What the levels of T tiles stand for: ``lowest + (peak - lowest) * level / top``.

    Args:
        lowest: (T,) float32, the value of level 0.
        peak: (T,) float32, the value of the top level.
        top: (T,) uint8, the top level.
    """

    lowest: Float32
    peak: Float32
    top: UInt8

    def __len__(self) -> int:
        return len(self.top)

    def __repr__(self) -> str:
        return f"TileRanges({len(self)} tiles)"


def finer_levels(size_px: int) -> float:
    """Say how many times as many levels a heatmap of so many pixels gets as one of 64x48, 1 to 2."""
    return min(max(math.sqrt(USUAL_SIZE_PX / size_px), 1.0), 2.0)


def find_ranges(tiles: Float32) -> TileRanges:
    """Choose the range of each of (T, P) finite tiles."""
    levels = int(POSITIVE_LEVELS * finer_levels(tiles.shape[1]))
    highest, lowest = tiles.max(axis=1), tiles.min(axis=1)
    positive = highest > 0
    peak = np.where(positive, np.maximum(highest, SMALLEST_PEAK), highest)
    from_zero = np.where(lowest > -FLOOR * peak, np.float32(0), lowest)
    # Where all is below 0 the range is at least as wide as the peak is deep: levels stay apart in float32.
    lowest = np.where(positive, from_zero, np.minimum(lowest, 2 * peak))
    relative = (peak.astype(np.float64) - lowest) / np.where(positive, peak, 1)
    wanted = np.clip(np.ceil(levels * relative), levels, 255)
    return TileRanges(lowest, peak, np.where(positive, wanted, levels).astype(np.uint8))


def level_values(ranges: TileRanges) -> Float32:
    """Give the value of each level, (T, 256) float32, ascending up to the top level and then constant."""
    tops = np.maximum(ranges.top, 1).astype(np.float64)[:, None]
    lowest, peak = ranges.lowest.astype(np.float64)[:, None], ranges.peak.astype(np.float64)[:, None]
    share = np.minimum(np.arange(256), tops) / tops
    values: Float32 = (lowest + (peak - lowest) * share).astype(np.float32)
    straddling = np.flatnonzero((ranges.lowest <= 0) & (ranges.peak > 0))
    values[straddling, _zero_levels(ranges)[straddling]] = 0
    # lowest + (peak - lowest) need not be the peak.
    return np.where(share == 1, ranges.peak[:, None], values)


def quantise(tiles: Float32, ranges: TileRanges, width: int) -> UInt8:
    """Give each value's level.

    Args:
        tiles: (T, P) finite float32.
        ranges: From `find_ranges`.
        width: Of a heatmap, heatmap_px.

    Returns:
        (T, P) uint8.
    """
    lowest, top = ranges.lowest[:, None], ranges.top[:, None]
    # A range of nothing, all 0, is divided by too.
    span = np.maximum(ranges.peak[:, None] - lowest, SMALLEST_PEAK)
    nearest = np.clip(np.rint((tiles - lowest) * (top / span)), 0, top)
    peaks_at = tiles.argmax(axis=1)
    floor = np.where(ranges.peak > 0, FLOOR * ranges.peak, np.float32(-1))[:, None]
    faint = (np.abs(tiles) < floor) & ~_near_peaks(peaks_at, tiles.shape, width)
    levels = np.where(faint, _zero_levels(ranges)[:, None], nearest).astype(np.uint8)
    _repair_peaks(tiles, levels, peaks_at, ranges.top)
    _repair_neighbours(tiles, levels, peaks_at, ranges, width)
    return levels


def _near_peaks(peaks_at: IntP, shape: tuple[int, int], width: int) -> Bool:
    """Say which pixels lie in the square around their tile's peak in which nothing is taken for noise.

    Args:
        peaks_at: (T,), the index of each tile's peak.
        shape: (T, P), of the tiles.
        width: Of a heatmap, heatmap_px.

    Returns:
        (T, P).
    """
    height = shape[1] // width
    # Kernels are larger on larger maps, and no smaller on smaller ones.
    reach = math.ceil(NEAR_PX * max(1, height / NEAR_SIDE_PX, width / NEAR_SIDE_PX))
    y, x = np.divmod(peaks_at[:, None], width)
    rows, columns = np.abs(np.arange(height) - y) <= reach, np.abs(np.arange(width) - x) <= reach
    near: Bool = (rows[:, :, None] & columns[:, None, :]).reshape(shape)
    return near


def _zero_levels(ranges: TileRanges) -> IntP:
    """Give the level nearest to 0, never the top one, (T,); meaningless where the peak is not above 0."""
    lowest = ranges.lowest.astype(np.float64)
    span = np.maximum(ranges.peak - lowest, np.finfo(np.float64).tiny)
    nearest = np.rint(-lowest / span * ranges.top)
    levels: IntP = np.clip(nearest, 0, np.maximum(ranges.top, 1) - 1.0).astype(np.intp)
    return levels


def _repair_peaks(tiles: Float32, levels: UInt8, peaks_at: IntP, top: UInt8) -> None:
    """Give the top level to the peak and its equals, and to nothing else."""
    highest = tiles[np.arange(len(tiles)), peaks_at]
    is_peak = tiles == highest[:, None]
    tops = np.broadcast_to(top[:, None], levels.shape)
    np.minimum(levels, tops - 1, out=levels, where=~is_peak)
    np.copyto(levels, tops, where=is_peak)


def _repair_neighbours(tiles: Float32, levels: UInt8, peaks_at: IntP, ranges: TileRanges, width: int) -> None:
    """Part the opposite neighbours of a peak that differ but fell on one level.

    The higher one goes a level up or the lower one a level down: what is possible and nearer to the truth.
    """
    y, x = np.divmod(peaks_at, width)
    height = tiles.shape[1] // width
    values = level_values(ranges)
    for step, inside in ((1, (x > 0) & (x < width - 1)), (width, (y > 0) & (y < height - 1))):
        tile = np.flatnonzero(inside)
        before, after = peaks_at[tile] - step, peaks_at[tile] + step
        rising = tiles[tile, after] > tiles[tile, before]
        lower, upper = np.where(rising, before, after), np.where(rising, after, before)
        differ = tiles[tile, lower] != tiles[tile, upper]
        equal = differ & (levels[tile, lower] == levels[tile, upper])
        tile, lower, upper = tile[equal], lower[equal], upper[equal]
        shared = levels[tile, lower]
        middle = (tiles[tile, lower].astype(np.float64) + tiles[tile, upper]) / 2
        up = (shared == 0) | ((shared + 1 < ranges.top[tile]) & (middle > values[tile, shared]))
        levels[tile[up], upper[up]] += np.uint8(1)
        levels[tile[~up], lower[~up]] -= np.uint8(1)

"""Where else a keypoint may be: the peaks of its heatmap, as places to put it.

Coordinate space: heatmap_px, xy order, origin at the centre of the top-left pixel. What counts as a peak is
what `core.signals` counts: a local maximum above the noise, outside the ground of every higher one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.signals import NOISE_SHARE, local_maxima, peak_radius
from fo_pose_plugin.errors import ShapeError

__all__ = ["MAX_CANDIDATES", "PeakCandidate", "heatmap_candidates"]

Float32: TypeAlias = npt.NDArray[np.float32]

MAX_CANDIDATES = 5
# The refinement never leaves the peak's own pixel.
FARTHEST_STEP = 0.5


@dataclass(frozen=True, slots=True)
class PeakCandidate:
    """One peak of one heatmap.

    Args:
        xy: Where it is, between pixels, heatmap_px.
        value: Its height, of the codec's scale.
        share: Its height, of the map's highest peak; 1 for that one.
    """

    xy: tuple[float, float]
    value: float
    share: float


def heatmap_candidates(
    heatmaps: npt.ArrayLike, *, scale_max: float = 1.0, most: int = MAX_CANDIDATES
) -> tuple[tuple[PeakCandidate, ...], ...]:
    """Find the highest peaks of each map.

    Args:
        heatmaps: (K, h, w) likelihoods in the model's own scale. Not modified.
        scale_max: The codec's scale, 255 for Megvii.
        most: How many peaks of a map at most.

    Returns:
        K tuples, each the strongest first; empty for a map with nothing above 0, or with NaN or infinity.

    Raises:
        ShapeError: If it is no (K, h, w) array with pixels.
    """
    maps = np.asarray(heatmaps, dtype=np.float32)
    if maps.ndim != 3 or 0 in maps.shape[1:]:
        raise ShapeError("heatmaps", maps.shape, "(K, h, w) with at least one pixel")
    finite: npt.NDArray[np.bool_] = np.asarray(np.isfinite(maps).all(axis=(1, 2)))
    maps = np.where(finite[:, None, None], maps, np.float32(0))
    peaks = maps.max(axis=(1, 2), initial=0)
    which, ys, xs = np.nonzero(local_maxima(maps, np.where(peaks > 0, NOISE_SHARE * peaks, np.inf)))
    values = maps[which, ys, xs]
    reach = peak_radius((maps.shape[2], maps.shape[1]))
    found: list[list[PeakCandidate]] = [[] for _ in maps]
    taken: list[list[tuple[int, int]]] = [[] for _ in maps]
    for at in np.argsort(-values, kind="stable"):
        k, x, y = int(which[at]), int(xs[at]), int(ys[at])
        if len(found[k]) == most or any((x - a) ** 2 + (y - b) ** 2 <= reach**2 for a, b in taken[k]):
            continue
        taken[k].append((x, y))
        value, height = float(values[at]), float(peaks[k])
        found[k].append(PeakCandidate(_refined(maps[k], x, y), value / scale_max, value / height))
    return tuple(map(tuple, found))


def _refined(heatmap: Float32, x: int, y: int) -> tuple[float, float]:
    """Place a peak between pixels: the top of the parabola through the logarithms beside it.

    For the Gaussians that models are trained to draw this is exact.
    """
    height, width = heatmap.shape
    row, column = heatmap[y], heatmap[:, x]
    dx = _top(row[x - 1 : x + 2]) if 0 < x < width - 1 else 0.0
    dy = _top(column[y - 1 : y + 2]) if 0 < y < height - 1 else 0.0
    return x + dx, y + dy


def _top(three: Float32) -> float:
    if three.min() <= 0:
        return 0.0
    before, here, after = np.log(three.astype(np.float64))
    bend = before - 2 * here + after
    if not bend < 0:
        return 0.0
    return float(np.clip((before - after) / (2 * bend), -FARTHEST_STEP, FARTHEST_STEP))

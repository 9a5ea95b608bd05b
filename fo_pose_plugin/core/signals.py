"""What a heatmap tells about its keypoint: evidence that it may be wrong.

Coordinate space: everything is heatmap_px, xy order, origin at the centre of the top-left pixel; lengths are
heatmap_px too. NaN stands for what is undefined (no second peak, no peak at all) and never leaves this room:
labels hold None there.

A peak's own ground is the disc of ``peak_radius`` around it: nothing in it counts as another peak. Values
below 5 % of the peak are a network's noise and are ignored. Nothing here depends on the scale of the values,
except ``peak`` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import ShapeError

__all__ = ["NOISE_SHARE", "HeatmapSignals", "heatmap_signals", "join_signals", "local_maxima", "peak_radius"]

Float32: TypeAlias = npt.NDArray[np.float32]
Int64: TypeAlias = npt.NDArray[np.int64]
Bool: TypeAlias = npt.NDArray[np.bool_]

NOISE_SHARE = np.float32(0.05)
# MMPose's targets are Gaussians whose sigma is a 32nd of the longer side (2 of 64, 3 of 96); two of them
# nearer than two sigmas have one maximum.
RADIUS_PER_SIDE = 1 / 16
BORDER_PER_SIDE = 1 / 32
MAPS_AT_ONCE = 256


@dataclass(frozen=True, slots=True, repr=False)
class HeatmapSignals:
    """Evidence of N people, K keypoints each.

    Args:
        peak: (N, K) float32, the highest value, of the codec's scale: about 1 for a keypoint that is sure.
        peak_xy: (N, K, 2) float32, where it is.
        second_ratio: (N, K) float32 from 0 to 1, the second-highest peak's height of the highest's; 0 where
            there is none.
        second_xy: (N, K, 2) float32, where the second peak is; NaN where there is none.
        second_distance: (N, K) float32, between the two; NaN where there is none.
        entropy: (N, K) float32 >= 0, of all peaks' heights as shares of their sum (natural logarithm): 0
            for one peak, log(n) for n equal ones (multiple-peak entropy; Liu and Ferrari, ICCV 2017).
        spread_along, spread_across: (N, K) float32, standard deviations of the peak's ground along its
            longer and its shorter axis; NaN where there is no peak.
        at_border: (N, K) bool, whether the peak is at the crop's edge, where the keypoint may lie outside.
    """

    peak: Float32
    peak_xy: Float32
    second_ratio: Float32
    second_xy: Float32
    second_distance: Float32
    entropy: Float32
    spread_along: Float32
    spread_across: Float32
    at_border: Bool

    def __post_init__(self) -> None:
        shape = self.peak.shape
        if len(shape) != 2:
            raise ShapeError("peak", shape, "(N, K)")
        for name in (
            "second_ratio",
            "second_distance",
            "entropy",
            "spread_along",
            "spread_across",
            "at_border",
        ):
            if getattr(self, name).shape != shape:
                raise ShapeError(name, getattr(self, name).shape, str(shape))
        for name in ("peak_xy", "second_xy"):
            if getattr(self, name).shape != (*shape, 2):
                raise ShapeError(name, getattr(self, name).shape, str((*shape, 2)))

    def __len__(self) -> int:
        return len(self.peak)

    def __getitem__(self, people: slice) -> HeatmapSignals:
        """Give some of the people's."""
        return HeatmapSignals(*(getattr(self, part.name)[people] for part in fields(self)))

    def __repr__(self) -> str:
        return f"HeatmapSignals(peak={self.peak.shape})"


def peak_radius(heatmap_size_wh: tuple[int, int]) -> float:
    """Give the radius of a peak's own ground, heatmap_px."""
    return max(heatmap_size_wh) * RADIUS_PER_SIDE


def heatmap_signals(
    heatmaps: npt.ArrayLike, *, scale_max: float = 1.0, radius: float | None = None
) -> HeatmapSignals:
    """Read the evidence from N people's heatmaps.

    Args:
        heatmaps: (N, K, h, w) likelihoods in the model's own scale; N may be 0. Not modified.
        scale_max: The codec's scale, 255 for Megvii.
        radius: Of a peak's own ground, heatmap_px; None for `peak_radius`.

    Raises:
        ShapeError: If it is no (N, K, h, w) array with pixels.
    """
    maps = np.asarray(heatmaps, dtype=np.float32)
    if maps.ndim != 4 or 0 in maps.shape[2:]:
        raise ShapeError("heatmaps", maps.shape, "(N, K, h, w) with at least one pixel")
    n, k, h, w = maps.shape
    reach = peak_radius((w, h)) if radius is None else radius
    flat = maps.reshape(n * k, h, w)
    # Some maps at a time: a processor's cache holds them, and a crowd's would not fit into it.
    parts = [_signals(flat[i : i + MAPS_AT_ONCE], reach) for i in range(0, max(len(flat), 1), MAPS_AT_ONCE)]
    peak, at, ratio, xy, distance, entropy, along, across, border = (
        np.concatenate(values) for values in zip(*parts, strict=True)
    )
    shape = (n, k)
    return HeatmapSignals(
        peak=(peak / np.float32(scale_max)).reshape(shape),
        peak_xy=at.reshape(n, k, 2),
        second_ratio=ratio.reshape(shape),
        second_xy=xy.reshape(n, k, 2),
        second_distance=distance.reshape(shape),
        entropy=entropy.reshape(shape),
        spread_along=along.reshape(shape),
        spread_across=across.reshape(shape),
        at_border=border.reshape(shape),
    )


def join_signals(parts: Sequence[HeatmapSignals], keypoints: int) -> HeatmapSignals:
    """Put the evidence of several groups of people together.

    Args:
        parts: Each of any number of people; none at all gives that of nobody.
        keypoints: K.
    """
    nobody = heatmap_signals(np.zeros((0, keypoints, 1, 1), np.float32))
    together = (nobody, *parts)
    return HeatmapSignals(
        *(np.concatenate([getattr(one, part.name) for one in together]) for part in fields(HeatmapSignals))
    )


def _signals(maps: Float32, radius: float) -> tuple[npt.NDArray[np.generic], ...]:
    """Give the fields of `HeatmapSignals`, (M, ...), of maps (M, h, w)."""
    m, h, w = maps.shape
    rows = np.arange(m)
    maps = _without_damage(maps)
    index = maps.reshape(m, h * w).argmax(axis=1) if m else np.zeros(0, np.int64)
    y, x = np.divmod(index, w)
    peak = maps[rows, y, x]
    ratio, xy, entropy = _other_peaks(maps, x, y, peak, radius)
    along, across = _spread(maps, x, y, peak, radius)
    distance = np.hypot(xy[:, 0] - x, xy[:, 1] - y).astype(np.float32)
    edge = max(h, w) * BORDER_PER_SIDE
    near = np.minimum(np.minimum(x, w - 1 - x), np.minimum(y, h - 1 - y)) < edge
    at = np.stack((x, y), axis=-1).astype(np.float32)
    return peak, at, ratio, xy, distance, entropy, along, across, near & (peak > 0)


def _without_damage(maps: Float32) -> Float32:
    """Empty maps that hold NaN or infinity, in a copy, as the decoder does."""
    if not maps.size or np.isfinite((maps.min(), maps.max())).all():
        return maps
    finite: Bool = np.asarray(np.isfinite(maps).all(axis=(1, 2)))
    return np.where(finite[:, None, None], maps, np.float32(0))


def _other_peaks(
    maps: Float32, x: Int64, y: Int64, peak: Float32, radius: float
) -> tuple[Float32, Float32, Float32]:
    """Find the second-highest peak of each map, and the entropy of all: (M,), (M, 2), (M,)."""
    m = len(maps)
    ratio, xy, entropy = np.zeros(m, np.float32), np.full((m, 2), np.nan, np.float32), np.zeros(m, np.float32)
    which, ys, xs = np.nonzero(local_maxima(maps, np.where(peak > 0, NOISE_SHARE * peak, np.inf)))
    apart = (xs - x[which]) ** 2 + (ys - y[which]) ** 2 > radius**2
    which, ys, xs = which[apart], ys[apart], xs[apart]
    if not len(which):
        return ratio, xy, entropy
    shares = maps[which, ys, xs] / peak[which]
    order = np.lexsort((-shares, which))
    first = order[np.unique(which[order], return_index=True)[1]]
    ratio[which[first]] = shares[first]
    xy[which[first]] = np.stack((xs, ys), axis=-1)[first]
    # Entropy of shares s_i of a sum S, the highest peak's being 1: log S - sum(s_i log s_i) / S.
    total = 1 + np.bincount(which, shares, m)
    weighted = np.bincount(which, shares * np.log(shares), m)
    entropy[:] = np.log(total) - weighted / total
    return ratio, xy, entropy


def local_maxima(maps: Float32, floors: Float32) -> Bool:
    """Mark pixels above their map's floor that no neighbour exceeds; the first of equal ones."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    h, w = maps.shape[1:]
    found: Bool = maps > floors[:, None, None].astype(np.float32)
    for dy in (0, 1, 2):
        for dx in (0, 1, 2):
            neighbour = padded[:, dy : dy + h, dx : dx + w]
            if (dy, dx) < (1, 1):
                found &= maps > neighbour
            elif (dy, dx) > (1, 1):
                found &= maps >= neighbour
    return found


def _spread(maps: Float32, x: Int64, y: Int64, peak: Float32, radius: float) -> tuple[Float32, Float32]:
    """Second moments of each peak's ground, as standard deviations along its longer and shorter axis."""
    reach = max(1, round(radius))
    steps = np.arange(-reach, reach + 1)
    padded = np.pad(maps, ((0, 0), (reach, reach), (reach, reach)))
    rows = np.arange(len(maps))[:, None, None]
    ground = padded[rows, y[:, None, None] + reach + steps[:, None], x[:, None, None] + reach + steps]
    ground = np.where(ground > NOISE_SHARE * peak[:, None, None], ground, 0)
    ground *= steps[:, None] ** 2 + steps**2 <= radius**2
    total = ground.sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        columns, lines = ground.sum(axis=1) / total[:, None], ground.sum(axis=2) / total[:, None]
        mx, my = columns @ steps, lines @ steps
        xx, yy = columns @ steps**2 - mx**2, lines @ steps**2 - my**2
        xy = (ground @ steps @ steps) / total - mx * my
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    along, across = np.sqrt(middle + half), np.sqrt(np.maximum(middle - half, 0))
    nothing = ~(peak > 0)
    along[nothing], across[nothing] = np.nan, np.nan
    return along.astype(np.float32), across.astype(np.float32)

"""From heatmaps to keypoints, batched: one pass over all people for each of MMPose's codecs.

Spaces, in xy order with the origin at the centre of the top-left pixel: heatmap_px is the network's output,
input_px its input. Results are MMPose's own, but for three cases, so that no map costs the batch:

- a peak at or below 0 gives a NaN keypoint (MMPose: (-1, -1) scaled); its score stays the peak's value;
- a likelihood map that holds NaN or infinity gives a NaN keypoint of score 0;
- a refinement that fails (singular Hessian, anything not finite, no positive value left after smoothing for
  Megvii) leaves that keypoint at its unrefined peak.

A refinement that succeeds is MMPose's also where it is of little use: on a plateau or on pure noise the
Newton step of DARK and UDP can end far outside the map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import ShapeError
from fo_pose_plugin.inference import refinement, smoothing
from fo_pose_plugin.models.codecs import CodecSpec

__all__ = ["DecodedKeypoints", "decode_heatmaps", "heatmap_peaks"]

Float32: TypeAlias = npt.NDArray[np.float32]
Int64: TypeAlias = npt.NDArray[np.int64]
Bool: TypeAlias = npt.NDArray[np.bool_]

MEGVII_PEAK = np.float32(255.0)  # its targets' maximum
MEGVII_SCORE_OFFSET = np.float32(0.5)


@dataclass(frozen=True, slots=True, repr=False)
class DecodedKeypoints:
    """What was read from a batch of heatmaps.

    Args:
        keypoints_input_px: (N, K, 2) float32, input_px; both coordinates NaN where there is no peak.
        keypoint_scores: (N, K) float32, finite everywhere.

    Raises:
        ShapeError: If the shapes do not fit.
    """

    keypoints_input_px: Float32
    keypoint_scores: Float32

    def __post_init__(self) -> None:
        points, scores = self.keypoints_input_px.shape, self.keypoint_scores.shape
        if len(points) != 3 or points[2] != 2:
            raise ShapeError("keypoints_input_px", points, "(N, K, 2)")
        if scores != points[:2]:
            raise ShapeError("keypoint_scores", scores, f"{points[:2]}")

    def __len__(self) -> int:
        return len(self.keypoint_scores)

    def __repr__(self) -> str:
        return f"DecodedKeypoints(keypoints_input_px={self.keypoints_input_px.shape})"


def heatmap_peaks(heatmaps: npt.ArrayLike) -> tuple[Int64, Float32]:
    """Find each map's highest pixel, the first one where several are equal.

    Args:
        heatmaps: (..., h, w), h and w at least 1.

    Returns:
        (..., 2) int64 xy in heatmap_px, and (...) float32 the values there. A map that holds NaN has its
        peak at the first NaN. The input is not modified.

    Raises:
        ShapeError: If there are fewer than two dimensions or the maps have no pixels.

    Source: mmpose ``get_heatmap_maximum``.
    """
    maps = np.asarray(heatmaps, dtype=np.float32)
    if maps.ndim < 2 or 0 in maps.shape[-2:]:
        raise ShapeError("heatmaps", maps.shape, "(..., h, w) with at least one pixel")
    lead, (h, w) = maps.shape[:-2], maps.shape[-2:]
    flat = maps.reshape(-1, h * w)
    index = np.argmax(flat, axis=1)
    values = flat[np.arange(len(flat)), index]
    y, x = np.divmod(index, w)
    return np.stack((x, y), axis=-1).reshape(*lead, 2), values.reshape(lead)


def decode_heatmaps(heatmaps: npt.ArrayLike, codec: CodecSpec) -> DecodedKeypoints:
    """Read the keypoints of N people from their heatmaps.

    Convention: xy order, input_px as MMPose's ``codec.decode`` gives it.

    Args:
        heatmaps: (N, C, h, w), the network's output as float32; C is K, and 3K for ``udp_combined``
            (likelihood, x offset, y offset of the first keypoint, then of the second, ...). N may be 0.
        codec: How they encode keypoints.

    Returns:
        Keypoints and scores. A score is the peak's value (``udp_combined``: of the smoothed map); Megvii
        maps it to ``peak / 255 + 0.5``, so that its keypoints of score <= 0.5 are the NaN ones. The heatmaps
        are not modified.

    Raises:
        ShapeError: If the heatmaps are not of the codec's size or number of channels.

    Source: the ``decode`` methods of mmpose ``MSRAHeatmap``, ``UDPHeatmap`` and ``MegviiHeatmap``.
    """
    maps = _checked(heatmaps, codec)
    likelihood = maps[:, codec.likelihood_channels]
    n, k, h, w = likelihood.shape
    flat, damaged = _without_damage(np.ascontiguousarray(likelihood).reshape(n * k, h, w))
    # Numbers near float32's limits overflow to infinity; what that spoils falls back to the peak.
    with np.errstate(all="ignore"):
        response = _peak_response(flat, codec)
        peaks, values = heatmap_peaks(response)
        found = values > 0
        rows = np.flatnonzero(found)
        offsets = np.zeros((n * k, 2))
        offsets[rows] = _offsets(maps, response, rows, peaks[rows], codec)
        points = codec.heatmap_to_input((peaks + offsets).astype(np.float32))
    failed = ~np.isfinite(points).all(axis=1)
    points[failed] = codec.heatmap_to_input(peaks[failed])
    points[~found] = np.nan
    scores = values / MEGVII_PEAK + MEGVII_SCORE_OFFSET if codec.kind == "megvii" else values
    scores[damaged] = 0
    return DecodedKeypoints(points.reshape(n, k, 2), scores.reshape(n, k))


def _checked(heatmaps: npt.ArrayLike, codec: CodecSpec) -> Float32:
    maps = np.asarray(heatmaps, dtype=np.float32)
    w, h = codec.heatmap_size_wh
    per_keypoint = codec.maps_per_keypoint
    if maps.ndim != 4 or maps.shape[2:] != (h, w) or maps.shape[1] % per_keypoint:
        channels = "K" if per_keypoint == 1 else f"{per_keypoint} * K"
        raise ShapeError("heatmaps", maps.shape, f"(N, {channels}, {h}, {w}) for codec {codec.kind!r}")
    return maps


def _without_damage(maps: Float32) -> tuple[Float32, Bool]:
    """Give the maps with those that hold NaN or infinity emptied (in a copy), and which those are."""
    damaged: Bool = np.zeros(len(maps), dtype=bool)
    if not maps.size or np.isfinite((maps.min(), maps.max())).all():
        return maps, damaged
    damaged = np.logical_not(np.isfinite(maps).all(axis=(1, 2)))
    cleaned = maps.copy()
    cleaned[damaged] = 0
    return cleaned, damaged


def _peak_response(maps: Float32, codec: CodecSpec) -> Float32:
    """Give what the peak is looked for in: Megvii and combined UDP smooth the likelihoods first.

    A map that smoothing spoils stays as it is. For Megvii that is also one with a positive peak too small to
    leave anything positive: MMPose would turn its sign over and take the least likely pixel.
    """
    if codec.kind == "megvii":
        smooth, possible = smoothing.modulate(maps, codec.blur_kernel_size)
    elif codec.kind == "udp_combined":
        smooth = smoothing.blur_reflected(maps, 2 * codec.blur_kernel_size + 1)
        possible = np.asarray(np.isfinite(smooth).all(axis=(1, 2)))
    else:
        return maps
    smooth[~possible] = maps[~possible]
    return smooth


def _offsets(
    heatmaps: Float32, maps: Float32, rows: Int64, peaks: Int64, codec: CodecSpec
) -> npt.NDArray[np.floating]:
    """Refine the peaks of the ``rows`` of ``maps`` (M, h, w); (len(rows), 2), heatmap_px."""
    match codec.kind:
        case "msra":
            return refinement.quarter_offsets(maps, rows, peaks)
        case "megvii":
            return refinement.megvii_offsets(maps, rows, peaks)
        case "dark":
            return refinement.dark_offsets(maps, rows, peaks, codec.blur_kernel_size)
        case "udp":
            return refinement.udp_offsets(maps, rows, peaks, codec.blur_kernel_size)
        case "udp_combined":
            return _learned_offsets(heatmaps, rows, peaks, codec)


def _learned_offsets(maps: Float32, rows: Int64, peaks: Int64, codec: CodecSpec) -> Float32:
    """Read combined UDP's offset maps at the peaks; (len(rows), 2), heatmap_px."""
    radius = codec.radius_factor * max(codec.heatmap_size_wh)
    x, y = peaks.T
    person, keypoint = np.divmod(rows, maps.shape[1] // 3)
    offsets = [maps[person, 3 * keypoint + axis, y, x] * np.float32(radius) for axis in (1, 2)]
    return np.stack(offsets, axis=-1)

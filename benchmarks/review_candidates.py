"""Signals that might tell a wrong keypoint beyond what `core.doubt` weighs: `make study-review` tries each.

Those that do not pay are here and not in the package. All are (N, 17), larger where a keypoint looks odder.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from benchmarks.review_people import Estimates
from fo_pose_plugin.inference.decoding import decode_heatmaps

__all__ = ["candidates"]

Float64 = npt.NDArray[np.float64]
MOST_MADS = 5.0


def candidates(people: Estimates, flip: bool) -> dict[str, list[Float64]]:
    """Give each candidate's features; flip disagreement only with flip test."""
    signals = people.signals(flip)
    side = max(people.spec.codec.heatmap_size_wh)
    found: dict[str, list[Float64]] = {
        "multiple-peak entropy": [signals.entropy.astype(np.float64)],
        "distance of the second peak": [np.nan_to_num(signals.second_distance / side).astype(np.float64)],
        "spread along": [_log_spread(signals.spread_along, side)],
        "spread across": [_log_spread(signals.spread_across, side)],
        "at the crop's edge": [signals.at_border.astype(np.float64)],
        "shift between plain and DARK decoding": [_decoding_shift(people, flip)],
        "mirrored keypoint's heatmap at the peak": [_mirrored_value(people, flip)],
        "distance from the mirrored keypoint": [_closeness(people, flip)],
        "limb lengths against the data set's": _limb_lengths(people, flip),
        "limb lengths against the other side's": [_asymmetry(people, flip)],
        "left/right order against the shoulders'": [_order(people, flip)],
        "size of the crop, px": [_size(people)],
    }
    if flip:
        found["flip disagreement, of values"] = [_flip_values(people)]
        found["flip disagreement, px"] = [_flip_distance(people)]
    return found


def _log_spread(spread: npt.NDArray[np.float32], side: int) -> Float64:
    relative = np.nan_to_num(spread / side * 32, nan=3.0)
    return np.log(np.clip(relative, 0.2, 3.0)).astype(np.float64)


def _decoding_shift(people: Estimates, flip: bool) -> Float64:
    spec, maps = people.spec, people.maps[flip]
    plain, dark = (
        decode_heatmaps(maps, replace(spec.codec, kind=kind)).keypoints_input_px for kind in ("msra", "dark")
    )
    apart = np.hypot(*(plain - dark).transpose(2, 0, 1)) / max(spec.input_size_wh) * 32
    return np.minimum(np.nan_to_num(apart, nan=1.0), 3.0).astype(np.float64)


def _mirrored_value(people: Estimates, flip: bool) -> Float64:
    maps, partner = people.maps[flip], np.array(people.spec.skeleton.flip_indices)
    flat = maps.reshape(*maps.shape[:2], -1)
    at = np.take_along_axis(flat[:, partner], flat.argmax(axis=2)[..., None], axis=2)[..., 0]
    share = np.clip(at / np.maximum(flat.max(axis=2), 1e-6), 0, 1)
    return np.where(partner == np.arange(len(partner)), 0, share).astype(np.float64)


def _scale(people: Estimates) -> Float64:
    return np.sqrt((people.boxes[:, 2:] - people.boxes[:, :2]).prod(axis=1))


def _closeness(people: Estimates, flip: bool) -> Float64:
    points, _ = people.points(flip)
    partner = np.array(people.spec.skeleton.flip_indices)
    apart = np.hypot(*(points - points[:, partner]).transpose(2, 0, 1)) / _scale(people)[:, None]
    return np.exp(-np.nan_to_num(apart) / 0.05) * (partner != np.arange(len(partner)))


def _log_lengths(people: Estimates, flip: bool) -> Float64:
    """(N, limbs), relative to the box."""
    points, _ = people.points(flip)
    lengths = [np.hypot(*(points[:, a] - points[:, b]).T) for a, b in people.spec.skeleton.edges]
    relative = np.stack(lengths, axis=1) / _scale(people)[:, None]
    return np.log(np.nan_to_num(relative) + 0.02)


def _limb_lengths(people: Estimates, flip: bool) -> list[Float64]:
    """The longest and the shortest limb at a keypoint, in robust deviations from the data set's median."""
    lengths = _log_lengths(people, flip)
    middle = np.median(lengths, axis=0)
    deviation = (lengths - middle) / (1.48 * np.median(np.abs(lengths - middle), axis=0))
    too_long = np.zeros(people.labelled.shape)
    too_short = np.zeros(people.labelled.shape)
    for limb, ends in enumerate(people.spec.skeleton.edges):
        for end in ends:
            too_long[:, end] = np.maximum(too_long[:, end], np.clip(deviation[:, limb], 0, MOST_MADS))
            too_short[:, end] = np.maximum(too_short[:, end], np.clip(-deviation[:, limb], 0, MOST_MADS))
    return [too_long, too_short]


def _asymmetry(people: Estimates, flip: bool) -> Float64:
    lengths, partner = _log_lengths(people, flip), people.spec.skeleton.flip_indices
    places = {frozenset(edge): limb for limb, edge in enumerate(people.spec.skeleton.edges)}
    odd = np.zeros(people.labelled.shape)
    for edge, limb in places.items():
        other = places.get(frozenset(partner[end] for end in edge))
        if other is not None and other != limb:
            for end in edge:
                odd[:, end] = np.maximum(odd[:, end], np.abs(lengths[:, limb] - lengths[:, other]))
    return np.minimum(odd, 2.0)


def _order(people: Estimates, flip: bool) -> Float64:
    """Whether a pair lies the other way round than the shoulders do, weighed by how far apart both are."""
    points, _ = people.points(flip)
    names = people.spec.skeleton.keypoint_names
    partner = np.array(people.spec.skeleton.flip_indices)
    side = np.where([name.startswith("left") for name in names], 1, -1)
    across = (points - points[:, partner])[..., 0] / _scale(people)[:, None] * side
    shoulders = across[:, names.index("left_shoulder")][:, None]
    return np.clip(-np.nan_to_num(across * shoulders) * 50, 0, 1) * (partner != np.arange(len(partner)))


def _size(people: Estimates) -> Float64:
    sides = np.log([max(crop.scale_wh) / max(people.spec.input_size_wh) for crop in people.crops])
    return np.broadcast_to(-sides[:, None], people.labelled.shape).astype(np.float64)


def _passes(people: Estimates) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The plain pass and the mirrored one: the mean of both is what is kept."""
    plain, mean = people.maps
    return plain, 2 * mean - plain


def _flip_values(people: Estimates) -> Float64:
    """What the peak loses by averaging, of the passes' own peaks: 0 to 0.5."""
    heights = [maps.max(axis=(2, 3)) for maps in _passes(people)]
    lost = 1 - people.maps[True].max(axis=(2, 3)) / np.maximum(sum(heights) / 2, 1e-6)
    return np.clip(lost, 0, 0.5).astype(np.float64)


def _flip_distance(people: Estimates) -> Float64:
    places = []
    for maps in _passes(people):
        index = maps.reshape(*maps.shape[:2], -1).argmax(axis=2)
        places.append(np.stack(np.divmod(index, maps.shape[3]), axis=-1))
    apart = np.hypot(*(places[0] - places[1]).transpose(2, 0, 1)) / max(people.maps[0].shape[2:]) * 32
    return np.log1p(apart)

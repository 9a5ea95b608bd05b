"""Why a person is doubted, in words that someone who reviews poses understands.

Coordinate space: heatmap_px, as in ``core.signals``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.signals import HeatmapSignals
from fo_pose_plugin.core.skeleton import Skeleton

__all__ = ["NOTHING", "person_reasons"]

NOTHING = "nothing stands out"
# A keypoint that is right more often than not needs no words.
LEAST_DOUBT = 0.3
MOST_REASONS = 3
MOST_NAMES = 3
TWO_PEAKS = 0.4
HARDLY_SEEN = 0.2


@dataclass(frozen=True, slots=True, repr=False)
class _Person:
    """One person's evidence.

    Args:
        peak, second_ratio, at_border, doubts: (K,).
        peak_xy, second_xy: (K, 2).
        same_place: (K,) how near two keypoints must be to count as one place, heatmap_px.
        ground: How near a second peak must be to another keypoint to be that keypoint's, heatmap_px.
    """

    peak: npt.NDArray[np.float32]
    peak_xy: npt.NDArray[np.float32]
    second_ratio: npt.NDArray[np.float32]
    second_xy: npt.NDArray[np.float32]
    at_border: npt.NDArray[np.bool_]
    doubts: npt.NDArray[np.float64]
    same_place: npt.NDArray[np.float64]
    ground: float


def person_reasons(
    signals: HeatmapSignals,
    keypoint_doubts: npt.ArrayLike,
    tolerances_px: npt.ArrayLike,
    skeleton: Skeleton,
    *,
    radius: float,
    keypoints: Sequence[int] | None = None,
) -> list[str]:
    """Say of each person what is doubtful: what the heatmaps show first, then which keypoints are unsure.

    Args:
        signals: Of N people.
        keypoint_doubts: (N, K).
        tolerances_px: (N, K), how far each keypoint may be off, heatmap_px.
        skeleton: Its names and mirrored pairs.
        radius: Of a peak's own ground, heatmap_px.
        keypoints: Indices of those to speak of; None for all.

    Returns:
        N texts such as "left wrist: two peaks, the other one 83 % as high; hardly seen: left ankle".
    """
    doubts = np.asarray(keypoint_doubts, dtype=np.float64)
    same_place = np.asarray(tolerances_px, dtype=np.float64) / 2
    chosen = range(len(skeleton)) if keypoints is None else keypoints
    people = (
        _Person(
            signals.peak[n],
            signals.peak_xy[n],
            signals.second_ratio[n],
            signals.second_xy[n],
            signals.at_border[n],
            doubts[n],
            same_place[n],
            radius,
        )
        for n in range(len(doubts))
    )
    return [_reasons(person, skeleton, chosen) for person in people]


def _reasons(person: _Person, skeleton: Skeleton, chosen: Sequence[int]) -> str:
    doubtful = sorted(
        (k for k in chosen if person.doubts[k] >= LEAST_DOUBT), key=lambda k: -float(person.doubts[k])
    )
    hardly_seen = [k for k in doubtful if person.peak[k] < HARDLY_SEEN]
    told: dict[str, None] = {}  # in order, and a pair in the same place only once
    unsure = []
    for keypoint in doubtful:
        if keypoint in hardly_seen:
            continue
        text = _keypoint_reason(person, keypoint, skeleton)
        if text is None:
            unsure.append(keypoint)
        else:
            told[text] = None
    texts = list(told)
    more = len(texts) - MOST_REASONS
    shown = texts[:MOST_REASONS] + ([f"{more} more like this"] if more > 0 else [])
    if unsure:
        shown.append(f"unsure: {_listed(unsure, skeleton)}")
    if hardly_seen:
        shown.append(f"hardly seen: {_listed(hardly_seen, skeleton)}")
    return "; ".join(shown) or NOTHING


def _keypoint_reason(person: _Person, keypoint: int, skeleton: Skeleton) -> str | None:
    """Say what is odd about one keypoint's heatmap; None where it is only low."""
    name, partner = _name(skeleton, keypoint), skeleton.flip_indices[keypoint]
    paired = partner != keypoint and person.peak[partner] > 0
    ratio = float(person.second_ratio[keypoint])
    if ratio >= TWO_PEAKS:
        text = f"{name}: two peaks, the other one {100 * ratio:.0f} % as high"
        if paired and _distance(person.second_xy[keypoint], person.peak_xy[partner]) <= person.ground:
            text += f", where the {_name(skeleton, partner)} is"
        return text
    if paired and _distance(*person.peak_xy[[keypoint, partner]]) <= person.same_place[keypoint]:
        first, second = sorted((keypoint, partner))
        return f"{_name(skeleton, first)} and {_name(skeleton, second)} in the same place"
    return f"{name}: at the edge of the crop" if person.at_border[keypoint] else None


def _distance(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    return float(np.hypot(*(one - other)))


def _name(skeleton: Skeleton, keypoint: int) -> str:
    return skeleton.keypoint_names[keypoint].replace("_", " ")


def _listed(keypoints: Sequence[int], skeleton: Skeleton) -> str:
    more = len(keypoints) - MOST_NAMES
    shown = ", ".join(_name(skeleton, k) for k in keypoints[:MOST_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown

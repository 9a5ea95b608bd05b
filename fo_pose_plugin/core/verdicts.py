"""From evidence to verdict: what the labels of one image say of its people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.doubt import UNITS_PER_SIDE, keypoint_doubts, person_doubts, tolerances
from fo_pose_plugin.core.reasons import person_reasons
from fo_pose_plugin.core.signals import HeatmapSignals, peak_radius
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.errors import ShapeError

__all__ = ["Verdicts", "judge"]

Float64: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class Verdicts:
    """What is said of N people, K keypoints each.

    Args:
        keypoint_doubts: (N, K) from 0 to 1.
        doubts: (N,) from 0 to 1.
        why: N texts.
        signals: The evidence.
    """

    keypoint_doubts: Float64
    doubts: Float64
    why: tuple[str, ...]
    signals: HeatmapSignals

    def __post_init__(self) -> None:
        n = len(self.why)
        if self.doubts.shape != (n,):
            raise ShapeError("doubts", self.doubts.shape, f"({n},)")
        if self.keypoint_doubts.shape != self.signals.peak.shape or len(self.signals) != n:
            raise ShapeError("keypoint_doubts", self.keypoint_doubts.shape, f"({n}, K)")

    def __len__(self) -> int:
        return len(self.why)

    def __repr__(self) -> str:
        return f"Verdicts(keypoint_doubts={self.keypoint_doubts.shape})"


def judge(
    signals: HeatmapSignals,
    skeleton: Skeleton,
    boxes_wh_px: npt.ArrayLike,
    crops: Sequence[Crop],
    heatmap_size_wh: tuple[int, int],
) -> Verdicts:
    """Judge the people of one image.

    Args:
        signals: Of N people.
        skeleton: Theirs, of K keypoints.
        boxes_wh_px: (N, 2), their boxes, image_px.
        crops: N crops.
        heatmap_size_wh: Of the heatmaps that the signals come from.

    Raises:
        ShapeError: If the numbers of people or keypoints do not fit.
    """
    allowed = tolerances(skeleton.oks_sigmas, boxes_wh_px, crops, keypoints=len(skeleton))
    doubts = keypoint_doubts(signals, allowed)
    why = person_reasons(
        signals,
        doubts,
        allowed * max(heatmap_size_wh) / UNITS_PER_SIDE,
        skeleton,
        radius=peak_radius(heatmap_size_wh),
    )
    return Verdicts(doubts, person_doubts(doubts, signals), tuple(why), signals)

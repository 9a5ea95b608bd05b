"""How much a keypoint, and a person, should be doubted: from 0 to 1, from the evidence in their heatmaps.

A keypoint's doubt is the frozen formula's estimate of the chance that it is off by more than its OKS
tolerance, 2 x sigma x sqrt(area); a person's is the mean over the keypoints, each weighted by its peak, so
that what the model has not seen at all (most often: what is not in the picture) says little about the rest.
`docs/review.md` says what it is worth, and how it was fitted: `make study-review`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.annotation import AREA_OF_BOX
from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.signals import HeatmapSignals
from fo_pose_plugin.errors import ShapeError

__all__ = [
    "FROZEN_FORMULA",
    "UNITS_PER_SIDE",
    "DoubtFormula",
    "formula_features",
    "keypoint_doubts",
    "person_doubts",
    "tolerances",
]

Float64: TypeAlias = npt.NDArray[np.float64]

# The mean of COCO's 17 keypoints, for skeletons of which no sigmas are known.
USUAL_SIGMA = 0.067
UNITS_PER_SIDE = 32
# Fingers and faces have tolerances that a heatmap cannot resolve; the formula has not seen them.
LEAST_TOLERANCE = 0.4
LEAST_MEAN_PEAK = 0.02


@dataclass(frozen=True, slots=True)
class DoubtFormula:
    """A logistic regression on four features that do not depend on a model's resolution.

    Args:
        intercept: Added to the weighted features.
        peak: Weight of the keypoint's peak, of the codec's scale, kept within 0 and 1.
        log_mean_peak: Weight of the logarithm of the person's mean peak.
        log_tolerance: Weight of the logarithm of the keypoint's `tolerances`: a nose must be right within
            less than a hip.
        second_ratio: Weight of the second peak's height of the highest's.
    """

    intercept: float
    peak: float
    log_mean_peak: float
    log_tolerance: float
    second_ratio: float

    @property
    def weights(self) -> tuple[float, float, float, float]:
        """In the order of `formula_features`."""
        return self.peak, self.log_mean_peak, self.log_tolerance, self.second_ratio


# Fitted once by benchmarks/study_review.py to the people of coco_mini and coco_test, in true, jittered
# and detector boxes, with and without flip test, by a model that is not in this repository
# (tinypose_coco_256x192); other models and the demo's drawings had no part in it.
FROZEN_FORMULA = DoubtFormula(
    intercept=2.976, peak=-7.249, log_mean_peak=-0.557, log_tolerance=-2.018, second_ratio=0.666
)


def tolerances(
    oks_sigmas: Sequence[float] | None,
    boxes_wh_px: npt.ArrayLike,
    crops: Sequence[Crop],
    *,
    keypoints: int,
) -> Float64:
    """Say how far each keypoint may be off, 2 x sigma x sqrt(area), in 32nds of the crop's longer side.

    One 32nd is the sigma of MMPose's targets, whatever the heatmaps' size.

    Args:
        oks_sigmas: K constants of the skeleton; None where there are none.
        boxes_wh_px: (N, 2), the people's boxes, image_px: they stand in for the area.
        crops: N crops.
        keypoints: K.

    Raises:
        ShapeError: If the numbers of people or keypoints do not fit.
    """
    sizes = np.asarray(boxes_wh_px, dtype=np.float64).reshape(-1, 2)
    if len(sizes) != len(crops):
        raise ShapeError("boxes_wh_px", sizes.shape, f"({len(crops)}, 2)")
    sigmas = np.full(keypoints, USUAL_SIGMA) if oks_sigmas is None else np.asarray(oks_sigmas, np.float64)
    if sigmas.shape != (keypoints,):
        raise ShapeError("oks_sigmas", sigmas.shape, f"({keypoints},)")
    sides = np.array([max(crop.scale_wh) for crop in crops], dtype=np.float64)
    lengths = np.sqrt(AREA_OF_BOX * sizes.prod(axis=1)) / sides * UNITS_PER_SIDE
    found: Float64 = 2 * lengths[:, None] * sigmas
    return found


def formula_features(signals: HeatmapSignals, tolerances: npt.ArrayLike) -> Float64:
    """Give what the formula weighs.

    Args:
        signals: Of N people.
        tolerances: (N, K), see `tolerances`.

    Returns:
        (N, K, 4) peak, log of the person's mean peak, log of the tolerance (not below what a heatmap can
        resolve), second ratio.
    """
    allowed = np.asarray(tolerances, dtype=np.float64)
    if allowed.shape != signals.peak.shape:
        raise ShapeError("tolerances", allowed.shape, str(signals.peak.shape))
    peak = _weights(signals)
    mean = peak.mean(axis=1, keepdims=True) if peak.size else peak
    log_mean = np.log(np.maximum(mean, LEAST_MEAN_PEAK))
    parts = (
        peak,
        np.broadcast_to(log_mean, peak.shape),
        np.log(np.maximum(allowed, LEAST_TOLERANCE)),
        signals.second_ratio,
    )
    return np.stack(parts, axis=-1, dtype=np.float64)


def keypoint_doubts(
    signals: HeatmapSignals, tolerances: npt.ArrayLike, formula: DoubtFormula = FROZEN_FORMULA
) -> Float64:
    """Doubt N people's keypoints.

    Returns:
        (N, K) from 0 to 1; 1 where there is no peak.
    """
    odds = formula_features(signals, tolerances) @ np.array(formula.weights) + formula.intercept
    doubts: Float64 = 1 / (1 + np.exp(-odds))
    doubts[~(signals.peak > 0)] = 1.0
    return doubts


def person_doubts(keypoint_doubts: npt.ArrayLike, signals: HeatmapSignals) -> Float64:
    """Doubt N people as a whole.

    Returns:
        (N,) from 0 to 1; 1 where no keypoint has a peak.
    """
    doubts, weights = np.asarray(keypoint_doubts, dtype=np.float64), _weights(signals)
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore"):
        means: Float64 = np.where(total > 0, (doubts * weights).sum(axis=1) / total, 1.0)
    return means


def _weights(signals: HeatmapSignals) -> Float64:
    return np.clip(signals.peak.astype(np.float64), 0.0, 1.0)

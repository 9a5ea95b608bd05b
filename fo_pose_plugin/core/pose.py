"""The poses of one image, and the score of a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.signals import HeatmapSignals
from fo_pose_plugin.errors import ShapeError

__all__ = ["ImagePoses", "person_scores"]

Float32: TypeAlias = npt.NDArray[np.float32]

RESCORING_THRESHOLD = 0.2


@dataclass(frozen=True, slots=True, repr=False)
class ImagePoses:
    """N people of one image, K keypoints each.

    Args:
        keypoints_px: (N, K, 2) float32, image_px; NaN where the heatmap has no peak above 0.
        keypoint_scores: (N, K) float32, finite.
        crops: N crops.
        heatmaps: (N, K, h, w) float32 likelihoods in the model's own scale, or None where they are not kept.
        signals: The evidence in the heatmaps, or None where nobody asked for it.
    """

    keypoints_px: Float32
    keypoint_scores: Float32
    crops: tuple[Crop, ...]
    heatmaps: Float32 | None = None
    signals: HeatmapSignals | None = None

    def __post_init__(self) -> None:
        n = len(self.crops)
        if self.keypoints_px.ndim != 3 or self.keypoints_px.shape[::2] != (n, 2):
            raise ShapeError("keypoints_px", self.keypoints_px.shape, f"({n}, K, 2)")
        if self.keypoint_scores.shape != self.keypoints_px.shape[:2]:
            raise ShapeError("keypoint_scores", self.keypoint_scores.shape, str(self.keypoints_px.shape[:2]))
        if self.heatmaps is not None and self.heatmaps.shape[:2] != self.keypoint_scores.shape:
            raise ShapeError("heatmaps", self.heatmaps.shape, f"{(*self.keypoint_scores.shape, 'h', 'w')}")
        if self.signals is not None and self.signals.peak.shape != self.keypoint_scores.shape:
            raise ShapeError("signals", self.signals.peak.shape, str(self.keypoint_scores.shape))

    def __len__(self) -> int:
        return len(self.crops)

    def __repr__(self) -> str:
        heatmaps = None if self.heatmaps is None else self.heatmaps.shape
        return f"ImagePoses(keypoints_px={self.keypoints_px.shape}, heatmaps={heatmaps})"


def person_scores(keypoint_scores: npt.ArrayLike, box_scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Score each person by box and keypoints.

    Args:
        keypoint_scores: (N, K).
        box_scores: (N,); 1 for a box drawn by hand.

    Returns:
        (N,) box score times the mean of the keypoint scores above 0.2; 0 where none is above.

    Source: MMPose's ``CocoMetric`` with ``score_mode="bbox_keypoint"``.
    """
    scores = np.asarray(keypoint_scores, dtype=np.float64)
    boxes = np.asarray(box_scores, dtype=np.float64)
    if scores.ndim != 2 or boxes.shape != scores.shape[:1]:
        raise ShapeError("keypoint_scores", scores.shape, f"({boxes.shape}, K)")
    # Compared as MMPose does, in the network's precision: 0.2 itself is not above 0.2.
    counted = scores.astype(np.float32) > np.float32(RESCORING_THRESHOLD)
    means = np.where(counted, scores, 0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    combined: npt.NDArray[np.float64] = boxes * means
    return combined

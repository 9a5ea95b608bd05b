"""What a model's heatmaps say of a person, read where a human put the keypoints.

Coordinate spaces: points are image_px, heatmaps heatmap_px.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.evaluated_people import Truth
from fo_pose_plugin.errors import ShapeError

__all__ = ["LEAST_BOX_IOU", "PersonEvidence", "overlap", "pair_boxes", "pair_by_box"]

Float64: TypeAlias = npt.NDArray[np.float64]
Float32: TypeAlias = npt.NDArray[np.float32]

LEAST_BOX_IOU = 0.5
# A tolerance may be wider than what belongs to one keypoint in a small heatmap.
WIDEST_DISC_PX = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class PersonEvidence:
    """What the model says of one person.

    Args:
        label_id: The prediction's label.
        bbox_xywh: The box that was cut out, image px.
        points_px: (K, 2); NaN where nothing was found.
        heatmaps: (K, h, w) likelihoods.
        crop: What was cut out.
        score: The person's, 0 to 1.
        scale_max: The codec's scale, 255 for Megvii.
    """

    label_id: str
    bbox_xywh: tuple[float, float, float, float]
    points_px: Float64
    heatmaps: Float32
    crop: Crop
    score: float = 1.0
    scale_max: float = 1.0

    def __post_init__(self) -> None:
        if self.heatmaps.ndim != 3 or len(self.heatmaps) != len(self.points_px):
            raise ShapeError("heatmaps", self.heatmaps.shape, f"({len(self.points_px)}, h, w)")

    @property
    def peaks(self) -> Float64:
        """(K,) of the codec's scale."""
        highest: Float64 = self.heatmaps.max(axis=(1, 2)).astype(np.float64) / self.scale_max
        return np.maximum(highest, 0)

    def to_heatmap(self, points_px: Float64) -> Float64:
        """Map (..., 2) image px to heatmap px.

        UDP maps between the centres of pixels; what that moves, less than one, is within what `shares` sees.
        """
        height, width = self.heatmaps.shape[1:]
        size = np.array((width, height), np.float64)
        low = np.subtract(self.crop.center_xy, np.multiply(self.crop.scale_wh, 0.5))
        mapped: Float64 = (points_px - low) / self.crop.scale_wh * size
        return mapped

    def shares(self, points_px: Float64, radii_px: Float64) -> Float64:
        """Give each heatmap's highest value around each point, of its own peak.

        Args:
            points_px: (P, 2); NaN, and what lies outside the crop, gives 0.
            radii_px: (P,) image px.

        Returns:
            (K, P) from 0 to 1.
        """
        height, width = self.heatmaps.shape[1:]
        found: Float64 = np.zeros((len(self.heatmaps), len(points_px)))
        zoom = width / self.crop.scale_wh[0]
        for index, (x, y) in enumerate(self.to_heatmap(points_px)):
            if not (-0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5):
                continue
            reach = min(max(radii_px[index] * zoom, 1.0), WIDEST_DISC_PX)
            left, top = max(math.ceil(x - reach), 0), max(math.ceil(y - reach), 0)
            part = self.heatmaps[:, top : math.floor(y + reach) + 1, left : math.floor(x + reach) + 1]
            rows, columns = np.ogrid[top : top + part.shape[1], left : left + part.shape[2]]
            near = (columns - x) ** 2 + (rows - y) ** 2 <= reach**2
            if near.any():
                found[:, index] = part[:, near].max(axis=1)
        peaks = self.heatmaps.max(axis=(1, 2)).astype(np.float64)
        ratio: Float64 = np.clip(found / np.where(peaks > 0, peaks, 1)[:, None], 0, 1)
        ratio[peaks <= 0] = 0
        return ratio


def pair_by_box(truths: Sequence[Truth], people: Sequence[PersonEvidence]) -> dict[int, int]:
    """Pair labels with predictions by their boxes, the most alike first: poses may be what is wrong.

    Returns:
        Indices, truth to prediction; crowds have no partner.
    """
    return pair_boxes(
        [None if truth.crowd else truth.bbox_xywh for truth in truths],
        [person.bbox_xywh for person in people],
    )


def pair_boxes(
    labels: Sequence[Sequence[float] | None], people: Sequence[Sequence[float] | None]
) -> dict[int, int]:
    """Pair boxes (x, y, width, height, of any one space), the most alike first; None has no partner."""
    ious = sorted(
        (
            (_box_iou(label, person), i, j)
            for i, label in enumerate(labels)
            for j, person in enumerate(people)
            if label is not None and person is not None
        ),
        reverse=True,
    )
    pairs: dict[int, int] = {}
    for iou, i, j in ious:
        if iou >= LEAST_BOX_IOU and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs


def _intersection(a: Sequence[float], b: Sequence[float]) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)


def _box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    common = _intersection(a, b)
    union = a[2] * a[3] + b[2] * b[3] - common
    return common / union if union > 0 else 0.0


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Give the part of the smaller box that both share."""
    smaller = min(a[2] * a[3], b[2] * b[3])
    return _intersection(a, b) / smaller if smaller > 0 else 0.0

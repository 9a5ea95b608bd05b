"""The people of an evaluation, in image pixels, whatever wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["ImagePeople", "Prediction", "Truth"]

Float64: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """One person of the ground truth.

    Args:
        label_id: The label's id.
        points_px: (K, 2); 0 where ``visible`` is 0.
        visible: (K,) COCO's 0, 1 or 2.
        area_px: The person's area, px^2.
        bbox_xywh: Four numbers, image px.
        crowd: Whether it stands for many people: who meets it is not counted.
        has_box: Whether the label has a box; otherwise it is what the keypoints span.
        head_px: The head's size, or NaN where it is not known.
    """

    label_id: str
    points_px: Float64
    visible: npt.NDArray[np.int64]
    area_px: float
    bbox_xywh: tuple[float, float, float, float]
    crowd: bool
    has_box: bool
    head_px: float


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """One predicted person.

    Args:
        label_id: The label's id.
        points_px: (K, 2); NaN where the keypoint was not found.
        keypoint_scores: (K,); 1 where the label has none.
        score: The person's.
        crop_area_px: The area of the crop that the model saw, or None.
        part_scores: Of parts of the body that are ranked by another score than the person's.
    """

    label_id: str
    points_px: Float64
    keypoint_scores: Float64
    score: float
    crop_area_px: float | None = None
    part_scores: Mapping[str, float] = field(default_factory=dict)

    def score_of(self, part: str) -> float:
        """Give what ranks the person where one part of the body is evaluated."""
        return self.part_scores.get(part, self.score)


@dataclass(frozen=True, slots=True, eq=False)
class ImagePeople:
    """The people of one image.

    Args:
        sample_id: The sample's id.
        truths: The ground truth, in the label's order.
        predictions: The predictions, in the label's order.
        suppressed: Ids of predictions that are not evaluated, since a better one of the same person is.
    """

    sample_id: str
    truths: tuple[Truth, ...]
    predictions: tuple[Prediction, ...]
    suppressed: tuple[str, ...] = ()

"""OKS between all people of an image, as pycocotools' ``computeOks`` has it, once for all parts of the body.

Coordinate space: image px. pycocotools computes it pair by pair and anew for each part. Here distances and
their exponentials are taken of all pairs and keypoints at once, in the same order of operations, and a part
adds up its own: the digits stay pycocotools' (a test compares them bit by bit).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.evaluated_people import ImagePeople, Prediction
from fo_pose_plugin.core.oks import extent_area

__all__ = ["ImageOks", "prepare_oks"]

Float64: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ImageOks:
    """One image's P predictions beside its T truths, K keypoints each.

    Args:
        people: The image's people.
        oks_sigmas: (K,).
        points_px: (P, K, 2); a keypoint that was not found is at 0, 0, as in a file of results.
        scores: (P, K); 0 where it was not found.
        areas_px: (P,) what the body's keypoints span: a result's size.
        similarities: (P, T, K) from 0 to 1.
    """

    people: ImagePeople
    oks_sigmas: Float64
    points_px: Float64
    scores: Float64
    areas_px: tuple[float, ...]
    similarities: Float64

    def oks(self, predictions: Sequence[int], part: npt.NDArray[np.intp]) -> Float64:
        """Give the OKS of some predictions, by a part's keypoints alone.

        Args:
            predictions: Indices, in the wanted order.
            part: Indices of keypoints.

        Returns:
            (predictions, T). Someone without labelled keypoints in the part is as near as a box of three
            times the size.
        """
        found: Float64 = np.zeros((len(predictions), len(self.people.truths)))
        for j, truth in enumerate(self.people.truths):
            labelled = part[truth.visible[part] > 0]
            if len(labelled):
                # np.take gives rows that lie in one piece, which numpy adds up as pycocotools' single ones.
                near = np.take(self.similarities[:, j], labelled, axis=1)[list(predictions)]
            else:
                near = self._around(j, predictions, part)
            found[:, j] = near.sum(axis=1) / near.shape[1]
        return found

    def _around(self, j: int, predictions: Sequence[int], part: npt.NDArray[np.intp]) -> Float64:
        """Give similarities by how far keypoints lie outside the doubled box."""
        truth = self.people.truths[j]
        x, y, w, h = truth.bbox_xywh
        points = np.take(self.points_px[list(predictions)], part, axis=1)
        outside = np.zeros(points.shape)
        for axis, (low, length) in enumerate(((x, w), (y, h))):
            at = points[..., axis]
            outside[..., axis] = np.maximum(0, low - length - at) + np.maximum(0, at - (low + length * 2))
        return _similarities(outside, self.oks_sigmas[part], np.array(truth.area_px))


def prepare_oks(
    images: Sequence[ImagePeople], oks_sigmas: Sequence[float], body: Sequence[int]
) -> list[ImageOks]:
    """Compute what every part of the body needs.

    Args:
        images: All images.
        oks_sigmas: (K,).
        body: The keypoints that a prediction's area is computed of.
    """
    sigmas = np.asarray(oks_sigmas, np.float64)
    return [_prepare(people, sigmas, list(body)) for people in images]


def _prepare(people: ImagePeople, sigmas: Float64, body: list[int]) -> ImageOks:
    shape = (-1, len(sigmas), 2)
    points = np.array([np.nan_to_num(one.points_px, nan=0.0) for one in people.predictions]).reshape(shape)
    truths = np.array([one.points_px for one in people.truths], np.float64).reshape(shape)
    areas = np.array([one.area_px for one in people.truths], np.float64)
    return ImageOks(
        people=people,
        oks_sigmas=sigmas,
        points_px=points,
        scores=np.array([_result_scores(one) for one in people.predictions]).reshape(-1, len(sigmas)),
        areas_px=tuple(extent_area(one[body]) for one in points),
        similarities=_similarities(points[:, None] - truths[None], sigmas, areas[:, None]),
    )


def _result_scores(prediction: Prediction) -> Float64:
    """A file of results has a keypoint that was not found as 0, 0, 0."""
    found = np.isfinite(prediction.points_px).all(axis=1)
    return np.where(found, prediction.keypoint_scores, 0.0)


def _similarities(offsets_px: Float64, oks_sigmas: Float64, areas_px: Float64) -> Float64:
    """Give each keypoint's term of OKS; the order of operations is pycocotools'.

    Args:
        offsets_px: (..., K, 2).
        oks_sigmas: (K,).
        areas_px: What goes with (..., K), px^2.
    """
    variances = (oks_sigmas * 2) ** 2
    squared = offsets_px[..., 0] ** 2 + offsets_px[..., 1] ** 2
    near: Float64 = np.exp(-(squared / variances / (areas_px + np.spacing(1)) / 2))
    return near

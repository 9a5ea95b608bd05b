"""Object keypoint similarity (OKS): how near a pose comes to another, from 0 to 1.

Coordinate space: image px. Source: COCO's keypoint evaluation, https://cocodataset.org/#keypoints-eval.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import InputError, ShapeError

__all__ = ["extent_area", "keypoint_similarities", "oks_nms"]

Float64: TypeAlias = npt.NDArray[np.float64]


def keypoint_similarities(
    distances_px: npt.ArrayLike, oks_sigmas: npt.ArrayLike, areas_px: npt.ArrayLike
) -> Float64:
    """Say how near each keypoint comes, in units of how exactly people can place it.

    Args:
        distances_px: (..., K); NaN gives NaN, infinity gives 0.
        oks_sigmas: (K,) the keypoints' constants.
        areas_px: (...) the person's area, px^2.

    Returns:
        (..., K); a person's OKS is its mean over the labelled keypoints.
    """
    distances = np.asarray(distances_px, np.float64)
    variances = (2 * np.asarray(oks_sigmas, np.float64)) ** 2
    areas = np.asarray(areas_px, np.float64)
    if distances.shape[-1:] != variances.shape:
        raise ShapeError("distances_px", distances.shape, f"(..., {variances.shape[0]})")
    similarities: Float64 = np.exp(
        -(distances**2) / variances / (areas[..., None] + np.spacing(np.float64(1))) / 2
    )
    return similarities


def extent_area(points_px: npt.ArrayLike) -> float:
    """Give the area that keypoints span: what COCO takes for a result's size.

    Args:
        points_px: (K, 2), finite.
    """
    points = np.asarray(points_px, np.float64)
    return float(np.prod(points.max(axis=0) - points.min(axis=0)))


def oks_nms(
    points_px: npt.ArrayLike,
    areas_px: npt.ArrayLike,
    scores: npt.ArrayLike,
    oks_sigmas: npt.ArrayLike,
    thr: float,
) -> tuple[int, ...]:
    """Keep the best of several poses of one person.

    Args:
        points_px: (N, K, 2), finite.
        areas_px: (N,) px^2; of two poses the mean counts.
        scores: (N,) the higher is kept.
        oks_sigmas: (K,).
        thr: Of two poses with an OKS above it the lower one goes.

    Returns:
        The indices of those that are kept, ascending.

    Raises:
        InputError: If the threshold is not in 0 to 1.

    Source: MMPose's ``oks_nms`` with its default of no visibility threshold.
    """
    if not 0 <= thr <= 1:
        raise InputError(f"the threshold of OKS-NMS is {thr}, expected 0 to 1, MMPose's is 0.9")
    points, areas = np.asarray(points_px, np.float64), np.asarray(areas_px, np.float64)
    order = np.argsort(np.asarray(scores, np.float64), kind="stable")[::-1]
    kept = []
    while len(order):
        best, others = order[0], order[1:]
        kept.append(int(best))
        distances = np.linalg.norm(points[others] - points[best], axis=-1)
        near = keypoint_similarities(distances, oks_sigmas, (areas[others] + areas[best]) / 2)
        # In MMPose's precision: whether a pair stands at the threshold must not depend on ours.
        order = others[near.mean(axis=-1).astype(np.float32) <= np.float32(thr)]
    return tuple(sorted(kept))

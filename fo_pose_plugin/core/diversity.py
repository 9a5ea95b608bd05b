"""Choose what to review so that each piece teaches something new: doubtful, and unlike what was chosen."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import ShapeError

__all__ = ["diverse_order", "pose_distances"]

Float64: TypeAlias = npt.NDArray[np.float64]
Int64: TypeAlias = npt.NDArray[np.int64]

# Poses whose points lie this far apart, in parts of the box, are as different as can be.
DIFFERENT = 0.25


def pose_distances(poses: Float64, profiles: Float64, one: int) -> Float64:
    """Say how unlike the others are to one: half by pose, half by which keypoints are doubtful.

    Args:
        poses: (M, K, 2) in parts of each person's box; NaN where there is no point.
        profiles: (M, K) doubts.
        one: Index of the person to compare with.

    Returns:
        (M,) from 0 (the same) to 1. Two people who share no point are unlike.
    """
    apart = ((poses - poses[one]) ** 2).sum(axis=2)
    shared = np.isfinite(apart)
    count = shared.sum(axis=1)
    mean = np.where(shared, apart, 0).sum(axis=1) / np.maximum(count, 1)
    by_pose = np.where(count > 0, np.minimum(np.sqrt(mean) / DIFFERENT, 1), 1)
    lengths = np.linalg.norm(profiles, axis=1)
    products = np.maximum(lengths * lengths[one], 1e-12)
    by_keypoint = 1 - np.clip(profiles @ profiles[one] / products, 0, 1)
    distances: Float64 = (by_pose + by_keypoint) / 2
    return distances


def diverse_order(doubts: npt.ArrayLike, poses: npt.ArrayLike, profiles: npt.ArrayLike, count: int) -> Int64:
    """Choose a batch greedily: the most doubtful first, then whoever is doubtful and unlike all before.

    Like k-centre selection (Sener and Savarese, ICLR 2018), but each distance is weighed by the doubt, so
    that what is certain is not chosen for being strange.

    Args:
        doubts: (M,) from 0 to 1.
        poses: (M, K, 2) in parts of each person's box; NaN where there is no point.
        profiles: (M, K) doubts of the keypoints.
        count: How many to choose, at most.

    Returns:
        (min(M, count),) indices in the order of choice.

    Raises:
        ShapeError: If the arrays do not belong together.
    """
    weights = np.asarray(doubts, dtype=np.float64)
    places, marks = np.asarray(poses, dtype=np.float64), np.asarray(profiles, dtype=np.float64)
    m = len(weights)
    if places.ndim != 3 or places.shape != (m, *places.shape[1:2], 2) or marks.shape != places.shape[:2]:
        raise ShapeError("poses", places.shape, f"({m}, K, 2), with profiles ({m}, K)")
    chosen: list[int] = []
    nearest = np.ones(m)
    while len(chosen) < min(m, count):
        # Who is the same as one of those chosen comes last, the most doubtful first.
        worth = weights * nearest + 1e-9 * weights
        worth[chosen] = -1
        best = int(worth.argmax())
        chosen.append(best)
        nearest = np.minimum(nearest, pose_distances(places, marks, best))
    return np.array(chosen, dtype=np.int64)

"""How far predicted keypoints are off: PCK, PCKh, AUC and mean errors, per keypoint and per group.

Coordinate space: image px. PCK (percentage of correct keypoints) counts keypoints that are nearer than a
share of a length: of the longer side of the person's box, or of the head for PCKh.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import ShapeError

__all__ = ["AUC_NORM_PX", "KeypointAccuracy", "PairedKeypoints", "SizeClass", "by_size", "measure"]

Float64: TypeAlias = npt.NDArray[np.float64]

# MMPose's `keypoint_auc`: the mean PCK over 20 thresholds of 0 to 28.5 px.
AUC_NORM_PX = 30.0
AUC_THRESHOLDS = 20
PCKH_THRESHOLD = 0.5
SIZE_EDGES_PX = (0.0, 32.0, 64.0, 96.0, 128.0, 192.0, 256.0, 384.0, float("inf"))


@dataclass(frozen=True, slots=True, repr=False)
class PairedKeypoints:
    """P people of the ground truth beside the predictions that belong to them.

    Args:
        errors_px: (P, K) distances; NaN where the truth is not labelled, infinite where the prediction has
            no such keypoint.
        similarities: (P, K) in 0 to 1, NaN where the truth is not labelled.
        size_px: (P,) square root of the person's area.
        longer_side_px: (P,) of the person's box; NaN where there is none.
        head_px: (P,) the head's size; NaN where it is not known.
    """

    errors_px: Float64
    similarities: Float64
    size_px: Float64
    longer_side_px: Float64
    head_px: Float64

    def __post_init__(self) -> None:
        people = self.errors_px.shape[:1]
        if self.errors_px.ndim != 2 or self.similarities.shape != self.errors_px.shape:
            raise ShapeError("similarities", self.similarities.shape, str(self.errors_px.shape))
        for name in ("size_px", "longer_side_px", "head_px"):
            if getattr(self, name).shape != people:
                raise ShapeError(name, getattr(self, name).shape, str(people))

    def __len__(self) -> int:
        return len(self.errors_px)

    def __repr__(self) -> str:
        return f"PairedKeypoints(errors_px={self.errors_px.shape})"


@dataclass(frozen=True, slots=True)
class KeypointAccuracy:
    """How exactly a keypoint, or a group of them, is placed. None is a value that is not defined.

    Args:
        name: The keypoint's or group's.
        labelled: How often the truth has it, on people that were paired with a prediction.
        not_found: How often the prediction then has no such keypoint.
        oks: Mean similarity, 0 to 1; 0 where it was not found.
        mean_px: Mean error of those found.
        median_px: Their median error.
        mean_rel: Mean error of those found, as a share of the person's size (square root of the area).
        pck: Share that is correct, per threshold of the report; one not found is wrong. For a group the
            mean over its keypoints.
        pckh: The same by half the head's size.
        auc: Mean PCK over 20 thresholds from 0 to 28.5 px, as MMPose computes it.
    """

    name: str
    labelled: int
    not_found: int
    oks: float | None
    mean_px: float | None
    median_px: float | None
    mean_rel: float | None
    pck: tuple[float | None, ...]
    pckh: float | None
    auc: float | None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> KeypointAccuracy:
        """Make it of what ``dataclasses.asdict`` gave."""
        return cls(**{**values, "pck": tuple(values["pck"])})


@dataclass(frozen=True, slots=True)
class SizeClass:
    """How well people of about one size are met.

    Args:
        from_px: Least size (square root of the area).
        below_px: The size that is already too large; None for no limit.
        people: How many people of the truth.
        missed: How many of them have no prediction that could be paired with them.
        oks: Mean OKS of the others.
        mean_rel: Mean error of their keypoints as a share of the person's size.
    """

    from_px: float
    below_px: float | None
    people: int
    missed: int
    oks: float | None
    mean_rel: float | None


def measure(
    name: str, indices: Sequence[int], pairs: PairedKeypoints, thresholds: Sequence[float]
) -> KeypointAccuracy:
    """Measure one keypoint, or several as one group.

    Args:
        name: What it is called.
        indices: Which of the K.
        pairs: P people.
        thresholds: Of PCK, as shares of the box's longer side.
    """
    errors = pairs.errors_px[:, list(indices)]
    labelled, found = ~np.isnan(errors), np.isfinite(errors)
    sizes = np.broadcast_to(pairs.size_px[:, None], errors.shape)
    return KeypointAccuracy(
        name=name,
        labelled=int(labelled.sum()),
        not_found=int(labelled.sum() - found.sum()),
        oks=_mean(pairs.similarities[:, list(indices)][labelled]),
        mean_px=_mean(errors[found]),
        median_px=float(np.median(errors[found])) if found.any() else None,
        mean_rel=_mean(errors[found] / sizes[found]),
        pck=tuple(_pck(errors, pairs.longer_side_px, thr) for thr in thresholds),
        pckh=_pck(errors, pairs.head_px, PCKH_THRESHOLD),
        auc=_auc(errors),
    )


def by_size(pairs: PairedKeypoints, missed_size_px: npt.ArrayLike) -> tuple[SizeClass, ...]:
    """Sort people by size; classes without anybody are left out.

    Args:
        pairs: Those that were paired with a prediction.
        missed_size_px: The sizes of those that were not.
    """
    missed = np.asarray(missed_size_px, np.float64)
    oks = _row_means(pairs.similarities)
    errors = np.where(np.isfinite(pairs.errors_px), pairs.errors_px, np.nan)
    rel = _row_means(errors / pairs.size_px[:, None])
    classes = []
    for low, high in pairwise(SIZE_EDGES_PX):
        inside = (pairs.size_px >= low) & (pairs.size_px < high)
        gone = int(((missed >= low) & (missed < high)).sum())
        if not gone and not inside.any():
            continue
        classes.append(
            SizeClass(
                from_px=low,
                below_px=high if np.isfinite(high) else None,
                people=int(inside.sum()) + gone,
                missed=gone,
                oks=_mean(oks[inside]),
                mean_rel=_mean(rel[inside]),
            )
        )
    return tuple(classes)


def _mean(values: Float64) -> float | None:
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else None


def _row_means(values: Float64) -> Float64:
    defined = ~np.isnan(values)
    counts = defined.sum(axis=1)
    sums = np.where(defined, values, 0).sum(axis=1)
    means: Float64 = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means


def _pck(errors_px: Float64, lengths_px: Float64, thr: float) -> float | None:
    """Average over keypoints, each over the people that have it: what MMPose's PCK is for a group."""
    known = np.isfinite(lengths_px) & (lengths_px > 0)
    errors, lengths = errors_px[known], lengths_px[known]
    labelled = ~np.isnan(errors)
    counts = labelled.sum(axis=0)
    if not counts.any():
        return None
    near = np.where(labelled, errors, np.inf) / lengths[:, None] < thr
    return float((near.sum(axis=0)[counts > 0] / counts[counts > 0]).mean())


def _auc(errors_px: Float64) -> float | None:
    lengths = np.full(len(errors_px), AUC_NORM_PX)
    rates = [_pck(errors_px, lengths, step / AUC_THRESHOLDS) for step in range(AUC_THRESHOLDS)]
    known = [rate for rate in rates if rate is not None]
    return float(np.mean(known)) if known else None

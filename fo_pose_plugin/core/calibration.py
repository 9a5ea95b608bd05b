"""From a score to the chance that a keypoint is right, fitted to keypoints whose truth is known.

A score is any number that rises with that chance; it need not be a probability itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import InputError, ShapeError

__all__ = [
    "Calibration",
    "CalibrationMethod",
    "Reliability",
    "fit_calibration",
    "isotonic",
    "reliability",
]

Float64: TypeAlias = npt.NDArray[np.float64]
Bool: TypeAlias = npt.NDArray[np.bool_]
CalibrationMethod: TypeAlias = Literal["isotonic", "platt"]

LEAST_KEYPOINTS = 50
LEAST_OF_EACH = 5
# From so many on a free monotone curve is steadier than it is wiggly.
ENOUGH_FOR_ISOTONIC = 1000
KEYPOINTS_PER_STEP = 40
BINS = 10
NEWTON_STEPS = 50
LEAST_ODDS = 1e-4
LEAST_SHARE = 2e-3


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone curve from scores to probabilities, linear between its knots and level beyond them.

    Args:
        scores: Ascending.
        probabilities: As many, from 0 to 1, never falling.
        method: How it was fitted.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]
    method: CalibrationMethod

    def __post_init__(self) -> None:
        scores, chances = np.array(self.scores, np.float64), np.array(self.probabilities, np.float64)
        if scores.ndim != 1 or not len(scores) or scores.shape != chances.shape:
            raise ShapeError("probabilities", chances.shape, f"({len(scores)},), and at least one")
        if not (np.isfinite(scores).all() and (np.diff(scores) > 0).all()):
            raise InputError("the scores of a calibration must rise")
        if not ((chances >= 0) & (chances <= 1)).all() or (np.diff(chances) < 0).any():
            raise InputError("the probabilities of a calibration must lie within 0 and 1 and never fall")

    def __call__(self, scores: npt.ArrayLike) -> Float64:
        """Give the probabilities of scores of any shape."""
        found: Float64 = np.interp(np.asarray(scores, np.float64), self.scores, self.probabilities)
        return found


@dataclass(frozen=True, slots=True)
class Reliability:
    """How probabilities compare with what was right, in bins of equal width.

    Args:
        mean: Mean probability of each bin that is not empty.
        right: Share of its keypoints that are right.
        counts: How many keypoints.
        ece: Expected calibration error: the bins' distances from the diagonal, weighed by their counts.
    """

    mean: tuple[float, ...]
    right: tuple[float, ...]
    counts: tuple[int, ...]
    ece: float


def fit_calibration(
    scores: npt.ArrayLike, right: npt.ArrayLike, method: CalibrationMethod | None = None
) -> Calibration:
    """Fit a curve.

    Args:
        scores: (M,), finite.
        right: (M,) whether each keypoint is right.
        method: ``isotonic`` (any monotone curve), ``platt`` (a logistic one, for few keypoints), or None for
            what suits the number of keypoints.

    Raises:
        InputError: If there are too few keypoints, or nearly all are right or wrong.
        ShapeError: If the arrays do not fit.

    Source: Zadrozny and Elkan, KDD 2002; Platt, 1999.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(right, bool)
    if values.ndim != 1 or truth.shape != values.shape:
        raise ShapeError("right", truth.shape, str(values.shape))
    good = int(truth.sum())
    if len(truth) < LEAST_KEYPOINTS or min(good, len(truth) - good) < LEAST_OF_EACH:
        raise InputError(
            f"{len(truth):,} keypoints have a known truth, {len(truth) - good:,} of them wrong: to fit "
            f"probabilities it takes {LEAST_KEYPOINTS}, at least {LEAST_OF_EACH} right and {LEAST_OF_EACH} "
            "wrong ones; label more people"
        )
    if method is None:
        method = "isotonic" if len(truth) >= ENOUGH_FOR_ISOTONIC else "platt"
    return _fit_isotonic(values, truth) if method == "isotonic" else _fit_platt(values, truth)


def isotonic(values: npt.ArrayLike, weights: npt.ArrayLike) -> Float64:
    """Give the never-falling sequence nearest to a sequence, by pooling adjacent violators.

    Args:
        values: (M,).
        weights: (M,), above 0.

    Returns:
        (M,), least in the weighted sum of squared differences.
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(np.asarray(values, float), np.asarray(weights, float), strict=True):
        blocks.append((float(value), float(weight), 1))
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (one, first, length), (other, second, more) = blocks[-2:]
            total = first + second
            blocks[-2:] = [((one * first + other * second) / total, total, length + more)]
    return np.repeat([mean for mean, _, _ in blocks], [length for _, _, length in blocks])


def reliability(probabilities: npt.ArrayLike, right: npt.ArrayLike) -> Reliability:
    """Compare probabilities with what was right.

    Args:
        probabilities: (M,) from 0 to 1.
        right: (M,).
    """
    chances, truth = np.asarray(probabilities, np.float64), np.asarray(right, np.float64)
    place = np.minimum((chances * BINS).astype(int), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    kept = counts > 0
    means = np.bincount(place, chances, BINS)[kept] / counts[kept]
    shares = np.bincount(place, truth, BINS)[kept] / counts[kept]
    error = float((np.abs(means - shares) * counts[kept]).sum() / max(len(truth), 1))
    return Reliability(tuple(means.tolist()), tuple(shares.tolist()), tuple(counts[kept].tolist()), error)


def _fit_isotonic(scores: Float64, right: Bool) -> Calibration:
    """Fit to steps of some keypoints each: single ones would make chances of exactly 0 and 1."""
    order = np.argsort(scores, kind="stable")
    steps = np.array_split(order, max(len(order) // KEYPOINTS_PER_STEP, 2))
    centers, place = np.unique([scores[step].mean() for step in steps], return_inverse=True)
    counts = np.bincount(place, [len(step) for step in steps])
    good = np.bincount(place, [right[step].sum() for step in steps])
    # Half a right and half a wrong keypoint more (Jeffreys): nobody has seen enough to be certain.
    levels = isotonic((good + 0.5) / (counts + 1), counts)
    return Calibration(tuple(centers.tolist()), tuple(levels.tolist()), "isotonic")


def _fit_platt(scores: Float64, right: Bool) -> Calibration:
    """Fit a logistic curve, with Platt's softened targets, by Newton's method.

    Scores within 0 and 1 count by their log odds: then one that is a probability already stays as it is.
    """
    good = right.sum()
    targets = np.where(right, (good + 1) / (good + 2), 1 / (len(right) - good + 2))
    values = _log_odds(scores) if _are_shares(scores) else scores
    center, scale = values.mean(), max(float(values.std()), 1e-9)
    x = np.stack([(values - center) / scale, np.ones(len(values))], axis=1)
    weights = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        chances = 1 / (1 + np.exp(-(x @ weights)))
        gradient = x.T @ (chances - targets)
        spread = np.maximum(chances * (1 - chances), LEAST_ODDS)
        step = np.linalg.solve((x * spread[:, None]).T @ x + 1e-9 * np.eye(2), gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    knots = np.unique(np.quantile(scores, np.linspace(0, 1, 65)))
    slope = max(float(weights[0]), 0.0)  # a score that falls with the chance says nothing
    places = _log_odds(knots) if _are_shares(scores) else knots
    curve = 1 / (1 + np.exp(-((places - center) / scale * slope + weights[1])))
    rest = 1 / (len(scores) + 2)  # nobody has seen enough to be certain
    curve = np.clip(curve, rest, 1 - rest)
    return Calibration(tuple(knots.tolist()), tuple(curve.tolist()), "platt")


def _are_shares(scores: Float64) -> bool:
    return bool(scores.min() >= 0 and scores.max() <= 1)


def _log_odds(scores: Float64) -> Float64:
    shares = np.clip(scores, LEAST_SHARE, 1 - LEAST_SHARE)
    found: Float64 = np.log(shares / (1 - shares))
    return found

"""How well a ranking finds errors, and how sure that is: AUROC, share found early, paired bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FIRST", "Gain", "auroc", "compare", "dense_ranks", "found_first"]

Float64 = npt.NDArray[np.float64]
Ranks = npt.NDArray[np.int64]

FIRST = 0.2
RESAMPLES = 2000

Measure = Callable[[Float64, Ranks, Float64], float]


@dataclass(frozen=True, slots=True)
class Gain:
    """A measure of two rankings.

    Args:
        value: Of the one.
        baseline: Of the other.
        low, high: The 95 % interval of the difference.
    """

    value: float
    baseline: float
    low: float
    high: float

    @property
    def pays(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0

    def describe(self) -> str:
        """The baseline's value and what is gained over it, as a table's cell."""
        difference = self.value - self.baseline
        return f"{self.baseline:.3f} ({difference:+.3f}; {self.low:+.3f} to {self.high:+.3f})"


def dense_ranks(values: npt.ArrayLike) -> Ranks:
    """Turn values into ranks from 0; equal ones share one."""
    return np.unique(np.asarray(values, np.float64), return_inverse=True)[1]


def auroc(wrong: Float64, ranking: Ranks, weights: Float64) -> float:
    """Give the chance that a wrong one ranks above a right one; ties count half.

    Args:
        wrong: (M,) how much of each is wrong: 0 or 1.
        ranking: (M,) see `dense_ranks`; larger is more suspicious.
        weights: (M,) how often each counts.
    """
    bad = np.bincount(ranking, wrong * weights)
    good = np.bincount(ranking, (1 - wrong) * weights)
    below = np.cumsum(good) - good
    total = bad.sum() * good.sum()
    return float((bad * (below + good / 2)).sum() / total) if total else float("nan")


def found_first(wrong: Float64, ranking: Ranks, weights: Float64) -> float:
    """Give the share of all errors among the first FIRST of what is reviewed, the most suspicious first.

    Args:
        wrong: (M,) errors of each; a person may have several.
        ranking: (M,) see `dense_ranks`; larger is reviewed earlier.
        weights: (M,) how often each counts.
    """
    order = np.argsort(-ranking, kind="stable")
    seen = np.cumsum(weights[order])
    before = seen - weights[order]
    limit = FIRST * seen[-1]
    with np.errstate(invalid="ignore"):
        reviewed = np.clip((limit - before) / np.where(weights[order] > 0, weights[order], 1), 0, 1)
    errors = (wrong * weights)[order]
    return float((errors * reviewed).sum() / errors.sum()) if errors.sum() else float("nan")


def compare(
    measure: Measure,
    wrong: npt.ArrayLike,
    ranking: npt.ArrayLike,
    baselines: Sequence[npt.ArrayLike],
    images: npt.NDArray[np.str_],
    resamples: int = RESAMPLES,
) -> list[Gain]:
    """Compare a ranking with others by a bootstrap over images, the same resamples for all.

    Args:
        measure: `auroc` or `found_first`.
        wrong: (M,), see `measure`.
        ranking: (M,) larger is more suspicious.
        baselines: Others of (M,).
        images: (M,) which image each row belongs to.
        resamples: How many.
    """
    truth = np.asarray(wrong, np.float64)
    rankings = [dense_ranks(one) for one in (ranking, *baselines)]
    names, member = np.unique(images, return_inverse=True)
    rng = np.random.default_rng(0)
    ones = np.ones(len(truth))
    values = [measure(truth, one, ones) for one in rankings]
    draws = np.empty((resamples, len(rankings)))
    for row in range(resamples):
        counts = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        weights = counts[member].astype(np.float64)
        draws[row] = [measure(truth, one, weights) for one in rankings]
    gains = []
    for column in range(1, len(rankings)):
        low, high = np.nanpercentile(draws[:, 0] - draws[:, column], (2.5, 97.5))
        gains.append(Gain(values[0], values[column], float(low), float(high)))
    return gains

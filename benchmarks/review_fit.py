"""Fit the formula of `core.doubt`, and judge people by formulas that have not seen their image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.review_people import Estimates
from fo_pose_plugin.core.doubt import (
    DoubtFormula,
    formula_features,
    keypoint_doubts,
    person_doubts,
    tolerances,
)

__all__ = ["Case", "cross_validated", "cross_validated_cases", "features", "fit", "frozen_cases"]

Float64 = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]

FOLDS = 8


@dataclass(frozen=True, slots=True)
class Case:
    """One model on one set of images, with or without flip test, as the study looks at it.

    Args:
        name: Of the model and the images.
        people: The estimates.
        flip: Whether the flip test ran.
        doubts: (N, K).
        persons: (N,).
    """

    name: str
    people: Estimates
    flip: bool
    doubts: Float64
    persons: Float64

    def wrong(self) -> npt.NDArray[np.bool_]:
        """(N, K) which keypoints are off by more than their tolerance."""
        return self.people.errors(self.flip) > 1


def cross_validated_cases(name: str, people: Estimates) -> list[Case]:
    """Judge people by formulas that were fitted to other images."""
    values = [features(people, flip) for flip in (False, True)]
    cases = []
    for flip in (False, True):
        signals = people.signals(flip)
        doubts = np.zeros(people.labelled.shape)
        for fold in folds(people):
            formula = DoubtFormula(*fit(people, values, ~fold))
            doubts[fold] = keypoint_doubts(signals, allowed(people), formula)[fold]
        cases.append(Case(name, people, flip, doubts, person_doubts(doubts, signals)))
    return cases


def frozen_cases(name: str, people: Estimates) -> list[Case]:
    """Judge people by the package's formula."""
    cases = []
    for flip in (False, True):
        signals = people.signals(flip)
        doubts = keypoint_doubts(signals, allowed(people))
        cases.append(Case(name, people, flip, doubts, person_doubts(doubts, signals)))
    return cases


def features(people: Estimates, flip: bool) -> Float64:
    """(N, K, 4), what the formula weighs."""
    return formula_features(people.signals(flip), allowed(people))


def allowed(people: Estimates) -> Float64:
    """(N, K) tolerances, from the boxes alone as in a run."""
    sizes = people.boxes[:, 2:] - people.boxes[:, :2]
    sigmas = people.spec.skeleton.oks_sigmas
    return tolerances(sigmas, sizes, people.crops, keypoints=len(people.spec.skeleton))


def fit(people: Estimates, values: Sequence[Float64], rows: Rows) -> tuple[float, ...]:
    """Fit a logistic regression without penalty to both passes of some people: intercept and weights."""
    from sklearn.linear_model import LogisticRegression

    chosen = people.labelled & rows[:, None]
    x = np.concatenate([one[chosen] for one in values])
    y = np.concatenate([(people.errors(flip) > 1)[chosen] for flip in (False, True)])
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(x, y)
    return float(model.intercept_[0]), *map(float, model.coef_[0])


def folds(people: Estimates) -> Iterator[Rows]:
    """Give the rows of each fold; an image's people are all in one."""
    names = np.unique(people.image)
    order = np.random.default_rng(0).permutation(len(names))
    for fold in range(FOLDS):
        yield np.isin(people.image, names[order[fold::FOLDS]])


def cross_validated(people: Estimates, values: Sequence[Float64]) -> list[Float64]:
    """Give log odds (N, K) of both passes, each person's from a formula fitted without their fold."""
    odds = [np.zeros(people.labelled.shape) for _ in values]
    for fold in folds(people):
        intercept, *weights = fit(people, values, ~fold)
        for place, one in zip(odds, values, strict=True):
            place[fold] = one[fold] @ np.array(weights) + intercept
    return odds

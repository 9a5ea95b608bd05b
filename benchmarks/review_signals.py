"""What each signal pays: the formula with and without it, cross-validated over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.review_candidates import candidates
from benchmarks.review_fit import cross_validated, features
from benchmarks.review_people import Estimates
from benchmarks.review_statistics import Gain, auroc, compare, dense_ranks

__all__ = ["signals_table"]

Float64 = npt.NDArray[np.float64]

FEATURES = (
    "the keypoint's peak",
    "the person's mean peak",
    "the keypoint's tolerance",
    "the second peak's height",
)
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class _Set:
    """People, the formula's features (N, K, 4) and the candidates', of both passes."""

    people: Estimates
    own: tuple[Float64, Float64]
    others: tuple[dict[str, list[Float64]], dict[str, list[Float64]]]

    @classmethod
    def of(cls, people: Estimates) -> _Set:
        passes = (False, True)
        return cls(
            people,
            tuple(features(people, flip) for flip in passes),
            tuple(candidates(people, flip) for flip in passes),
        )

    def candidate(self, flip: bool, name: str) -> list[Float64]:
        """Its features; what only a flip test gives is 0 without one."""
        return self.others[flip].get(name, [np.zeros(self.people.labelled.shape)])

    def with_candidate(self, flip: bool, name: str) -> Float64:
        """(N, K, 4 and more), the formula's features and one candidate's."""
        more = [part[..., None] for part in self.candidate(flip, name)]
        return np.concatenate([self.own[flip], *more], axis=-1)

    def gain(self, values: Sequence[Float64]) -> Gain:
        """Compare other features with the formula's own, both cross-validated, both passes together."""
        people, chosen = self.people, self.people.labelled
        wrong = np.concatenate([(people.errors(flip) > 1)[chosen] for flip in (False, True)])
        images = np.tile(np.broadcast_to(people.image[:, None], chosen.shape)[chosen], 2)
        odds = (cross_validated(people, values), cross_validated(people, self.own))
        rankings = [np.concatenate([one[chosen] for one in both]) for both in odds]
        return compare(auroc, wrong, rankings[0], rankings[1:], images, resamples=RESAMPLES)[0]


def signals_table(photos: Estimates, drawings: Estimates) -> list[str]:
    """Give a row per signal: alone, and what it adds to the formula, on photos and on drawings."""
    sets = [_Set.of(people) for people in (photos, drawings)]
    lines = [
        "| signal | alone | gain, photos | gain, drawings | |",
        "| --- | ---: | --- | --- | --- |",
    ]
    for index, name in enumerate(FEATURES):
        lost = [one.gain([np.delete(own, index, axis=-1) for own in one.own]) for one in sets]
        alone = _alone(photos, [own[..., index] for own in sets[0].own])
        lines.append(_row(name, alone, [_turned(gain) for gain in lost], "in the formula"))
    for name in sets[0].others[True]:
        gains = [one.gain([one.with_candidate(flip, name) for flip in (False, True)]) for one in sets]
        alone = _alone(photos, [sets[0].candidate(flip, name)[0] for flip in (False, True)], name)
        lines.append(_row(name, alone, gains, "dropped"))
    return lines


def _row(name: str, alone: float, gains: Sequence[Gain], verdict: str) -> str:
    cells = " | ".join(f"{g.value - g.baseline:+.4f} ({g.low:+.4f} to {g.high:+.4f})" for g in gains)
    return f"| {name} | {alone:.3f} | {cells} | {verdict} |"


def _turned(gain: Gain) -> Gain:
    """What is lost without a signal is what it gains."""
    return Gain(gain.baseline, gain.value, -gain.high, -gain.low)


def _alone(people: Estimates, values: Sequence[Float64], name: str = "") -> float:
    """AUROC of one signal by itself, either way round; the mean of both passes, or of the one that has it."""
    chosen, found = people.labelled, []
    for flip, one in zip((False, True), values, strict=True):
        wrong = (people.errors(flip) > 1)[chosen].astype(np.float64)
        if flip or not name.startswith("flip"):
            found.append(auroc(wrong, dense_ranks(one[chosen]), np.ones(len(wrong))))
    mean = float(np.mean(found))
    return max(mean, 1 - mean)

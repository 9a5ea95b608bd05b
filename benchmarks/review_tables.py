"""The tables of docs/review.md: doubt against confidence and score."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.review_fit import Case
from benchmarks.review_people import KINDS
from benchmarks.review_statistics import Gain, auroc, compare

__all__ = ["calibration", "gains_table"]

Rows = npt.NDArray[np.bool_]


def keypoint_gains(case: Case, rows: Rows, measure: Callable[..., float]) -> list[Gain]:
    """Compare doubt with the keypoint's confidence, the person's mean confidence and score."""
    people = case.people
    chosen = people.labelled & rows[:, None]
    _, confidence = people.points(case.flip)
    whole = np.broadcast_to
    baselines = [
        -confidence[chosen],
        -whole(confidence.mean(axis=1)[:, None], chosen.shape)[chosen],
        -whole(people.scores(case.flip)[:, None], chosen.shape)[chosen],
    ]
    images = whole(people.image[:, None], chosen.shape)[chosen]
    return compare(measure, case.wrong()[chosen], case.doubts[chosen], baselines, images)


def person_gains(case: Case, rows: Rows, measure: Callable[..., float]) -> list[Gain]:
    """Compare doubt with the person's mean confidence and score: OKS < 0.5, or the errors found first."""
    people = case.people
    _, confidence = people.points(case.flip)
    if measure is auroc:
        wrong = (people.oks(case.flip) < 0.5)[rows]
    else:
        wrong = (case.wrong() & people.labelled).sum(axis=1)[rows]
    baselines = [-confidence.mean(axis=1)[rows], -people.scores(case.flip)[rows]]
    return compare(measure, wrong, case.persons[rows], baselines, people.image[rows])


def gains_table(cases: Sequence[Case], what: str, measure: Callable[..., float]) -> list[str]:
    """One row per case and kind of box; `what` is keypoints or people."""
    both = what == "keypoints"
    compared = (["own confidence"] if both else []) + ["mean confidence", "score"]
    lines = [
        f"| model | boxes | flip test | {what} | wrong | doubt | {' | '.join(compared)} |",
        f"| --- | --- | --- | ---: | ---: | ---: | {' | '.join(['---'] * len(compared))} |",
    ]
    for case in cases:
        for kind in KINDS:
            rows = case.people.kind == kind
            if not rows.any():
                continue
            gains = (keypoint_gains if both else person_gains)(case, rows, measure)
            chosen = case.people.labelled & rows[:, None]
            if both:
                count, bad = chosen.sum(), (case.wrong() & chosen).sum()
            else:
                count, bad = rows.sum(), (case.people.oks(case.flip) < 0.5)[rows].sum()
            cells = " | ".join(gain.describe() for gain in gains)
            flip = "on" if case.flip else "off"
            counts = f"{count:,} | {bad:,} | **{gains[0].value:.3f}**"
            lines.append(f"| {case.name} | {kind} | {flip} | {counts} | {cells} |")
    return lines


def calibration(cases: Sequence[Case]) -> list[str]:
    """How often keypoints of some doubt are wrong."""
    edges = (0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0001)
    spans = [f"{low:g} to {min(high, 1):g}" for low, high in itertools.pairwise(edges)]
    lines = [f"| doubt | {' | '.join(spans)} |", f"| --- | {' | '.join(['---:'] * len(spans))} |"]
    for case in cases:
        chosen = case.people.labelled
        doubts, wrong = case.doubts[chosen], case.wrong()[chosen]
        shares = []
        for low, high in itertools.pairwise(edges):
            inside = (doubts >= low) & (doubts < high)
            shares.append(f"{wrong[inside].mean():.2f}" if inside.any() else "-")
        lines.append(f"| {case.name}, flip {'on' if case.flip else 'off'} | {' | '.join(shares)} |")
    return lines

"""Who meets whom on one image, as pycocotools' ``evaluateImg`` decides it.

pycocotools looks at every pair at each of its ten thresholds. A pair below the lowest can be no match at any,
so that only the others are looked at here, in the same order: the result is the same (a test compares all of
it), and most of the time is saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["match_image"]

Float64: TypeAlias = npt.NDArray[np.float64]
Person: TypeAlias = Mapping[str, Any]

# What pycocotools takes for a threshold of 1.
BELOW_ONE = 1 - 1e-10


def match_image(
    truths: Sequence[Person],
    predictions: Sequence[Person],
    oks: Float64,
    thresholds: Sequence[float],
    area_range: tuple[float, float],
) -> dict[str, Any] | None:
    """Match the people of one image.

    Args:
        truths: With "id" (above 0), "area", "iscrowd" and "ignore".
        predictions: With "id" (above 0), "area" and "score"; the best first, not more than count.
        oks: (predictions, truths); anything where there are none of either.
        thresholds: Of OKS, ascending.
        area_range: Truths outside it, and predictions outside it that meet nobody, do not count.

    Returns:
        What ``accumulate`` takes, or None where nobody is there.
    """
    if not truths and not predictions:
        return None
    low, high = area_range
    ignored = [bool(t["ignore"] or t["area"] < low or t["area"] > high) for t in truths]
    # The ignored ones last.
    order = sorted(range(len(truths)), key=lambda index: ignored[index])
    ignored = [ignored[index] for index in order]
    crowd = [bool(truths[index]["iscrowd"]) for index in order]
    shape = (len(thresholds), len(truths)), (len(thresholds), len(predictions))
    truth_matches, matches, ignore = np.zeros(shape[0]), np.zeros(shape[1]), np.zeros(shape[1], bool)
    near = _near(oks, order, thresholds[0]) if truths and predictions else []
    for step, threshold in enumerate(thresholds):
        taken: set[int] = set()
        for index, candidates in enumerate(near):
            met = _best(candidates, min(threshold, BELOW_ONE), taken, ignored)
            if met is None:
                continue
            if not crowd[met]:
                taken.add(met)
            ignore[step, index] = ignored[met]
            matches[step, index] = truths[order[met]]["id"]
            truth_matches[step, met] = predictions[index]["id"]
    outside = np.array([not low <= one["area"] <= high for one in predictions], bool)
    return {
        "dtIds": [one["id"] for one in predictions],
        "gtIds": [truths[index]["id"] for index in order],
        "dtMatches": matches,
        "gtMatches": truth_matches,
        "dtScores": [one["score"] for one in predictions],
        "gtIgnore": np.array(ignored, np.int64),
        "dtIgnore": ignore | ((matches == 0) & outside),
    }


def _near(oks: Float64, order: Sequence[int], least: float) -> list[list[tuple[int, float]]]:
    """Give each prediction's truths that it could meet, by place in the order, with their OKS."""
    least = min(least, BELOW_ONE)
    return [
        [(place, value) for place, index in enumerate(order) if (value := row[index]) >= least]
        for row in oks.tolist()
    ]


def _best(
    candidates: Sequence[tuple[int, float]], threshold: float, taken: set[int], ignored: Sequence[bool]
) -> int | None:
    """Give whom a prediction meets: the nearest who counts, else the nearest; of equals the last."""
    met: int | None = None
    for place, value in candidates:
        if place in taken:
            continue
        if met is not None and ignored[place] and not ignored[met]:
            break
        if value >= threshold:
            met, threshold = place, value
    return met

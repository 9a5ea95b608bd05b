"""Matching gives what pycocotools' ``evaluateImg`` gives, all of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fo_pose_plugin.tasks.evaluation.coco_matching import match_image

THRESHOLDS = [float(value) for value in np.linspace(0.5, 0.95, 10)]
COMPARED = ("dtIds", "gtIds", "dtMatches", "gtMatches", "dtScores", "gtIgnore", "dtIgnore")


def crowd(seed: int, truths: int, predictions: int) -> tuple[list[Any], list[Any], Any]:
    """People of all sizes, some ignored; similarities that are often equal, or at a threshold."""
    rng = np.random.default_rng(seed)
    made = [
        {
            "id": index + 1,
            "area": float(rng.choice([100, 1024, 5000, 9216, 40_000])),
            "iscrowd": int(rng.random() < 0.2),
            "ignore": int(rng.random() < 0.3),
        }
        for index in range(truths)
    ]
    found = [
        {
            "id": index + 1,
            "area": float(rng.choice([100, 1024, 5000, 9216, 40_000])),
            "score": 1 - index / 100,
        }
        for index in range(predictions)
    ]
    oks = rng.choice([*THRESHOLDS, 0.0, 0.3, 0.49, 0.62, 0.81, 0.97, 1.0], (predictions, truths))
    return made, found, oks if truths and predictions else []


def pycocotools_result(truths: list[Any], predictions: list[Any], oks: Any, area: tuple[float, float]) -> Any:
    from pycocotools.cocoeval import COCOeval

    evaluation: Any = COCOeval(None, None, "keypoints")
    evaluation.params.catIds = [1]
    evaluation._gts[1, 1] = [dict(one) for one in truths]
    evaluation._dts[1, 1] = [dict(one) for one in predictions]
    evaluation.ious = {(1, 1): oks}
    return evaluation.evaluateImg(1, 1, list(area), 20)


@pytest.mark.parametrize("area", [(0, 1e10), (1024, 9216), (9216, 1e10)], ids=str)
@pytest.mark.parametrize("counts", [(0, 0), (0, 3), (3, 0), (1, 1), (2, 5), (6, 4), (8, 20)], ids=str)
def test_it_is_pycocotools_own(counts: tuple[int, int], area: tuple[float, float]) -> None:
    for seed in range(60):
        truths, predictions, oks = crowd(seed, *counts)
        expected = pycocotools_result(truths, predictions, oks, area)
        own = match_image(truths, predictions, oks, THRESHOLDS, area)
        if expected is None:
            assert own is None
            continue
        assert own is not None
        for name in COMPARED:
            np.testing.assert_array_equal(own[name], expected[name], err_msg=f"{seed} {name}")

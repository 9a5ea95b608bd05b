"""OKS of all pairs at once is pycocotools' own, bit by bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fo_pose_plugin.core.evaluated_people import ImagePeople, Prediction, Truth
from fo_pose_plugin.tasks.evaluation.coco_oks import prepare_oks
from tests.mmpose_skeletons import mmpose_skeleton

SIGMAS = np.array(mmpose_skeleton("coco_wholebody").oks_sigmas)
PARTS = {"body": range(17), "foot": range(17, 23), "face": range(23, 91), "all": range(133)}


def people_of(seed: int, truths: int, predictions: int) -> ImagePeople:
    """People of whom many lack a part, and some everything."""
    rng = np.random.default_rng(seed)
    made = []
    for index in range(truths):
        visible = rng.integers(0, 3, 133)
        for part in PARTS.values():
            if rng.random() < 0.4:
                visible[list(part)] = 0
        made.append(
            Truth(
                label_id=f"t{index}",
                points_px=np.where(visible[:, None] > 0, rng.uniform(0, 640, (133, 2)), 0.0),
                visible=visible,
                area_px=float(rng.uniform(100, 90_000)),
                bbox_xywh=(*rng.uniform(0, 300, 2).tolist(), *rng.uniform(20, 300, 2).tolist()),
                crowd=False,
                has_box=True,
                head_px=float("nan"),
            )
        )
    found = []
    for index in range(predictions):
        near = made[index % truths].points_px if truths else np.zeros((133, 2))
        points = near + rng.normal(0, 9, (133, 2))
        points[rng.random(133) < 0.1] = np.nan
        found.append(Prediction(f"p{index}", points, rng.random(133), float(rng.random())))
    return ImagePeople("sample", tuple(made), tuple(found))


def pycocotools_oks(people: ImagePeople, order: list[int], part: list[int]) -> npt.NDArray[np.float64]:
    from pycocotools.cocoeval import COCOeval

    evaluation: Any = COCOeval(None, None, "keypoints")
    evaluation.params.kpt_oks_sigmas = SIGMAS[part]
    for truth in people.truths:
        keypoints = np.column_stack([truth.points_px[part], truth.visible[part]]).ravel()
        evaluation._gts[1, 1].append({"keypoints": keypoints, "bbox": truth.bbox_xywh, "area": truth.area_px})
    for place, index in enumerate(order):
        points = np.nan_to_num(people.predictions[index].points_px[part], nan=0.0)
        keypoints = np.column_stack([points, np.ones(len(part))]).ravel()
        evaluation._dts[1, 1].append({"keypoints": keypoints, "score": -float(place)})
    found: npt.NDArray[np.float64] = evaluation.computeOks(1, 1)
    return found


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("counts", [(1, 1), (3, 1), (1, 4), (5, 20)], ids=str)
def test_it_is_pycocotools_own_bit_by_bit(part: str, counts: tuple[int, int]) -> None:
    for seed in range(10):
        people = people_of(seed, *counts)
        order = np.random.default_rng(seed).permutation(counts[1]).tolist()
        (prepared,) = prepare_oks([people], SIGMAS.tolist(), range(17))
        own = prepared.oks(order, np.array(PARTS[part]))
        assert (own == pycocotools_oks(people, order, list(PARTS[part]))).all()


@pytest.mark.parametrize("counts", [(0, 0), (0, 2), (2, 0)], ids=str)
def test_nobody_is_no_trouble(counts: tuple[int, int]) -> None:
    (prepared,) = prepare_oks([people_of(0, *counts)], SIGMAS.tolist(), range(17))
    assert prepared.oks(range(counts[1]), np.arange(133)).shape == counts[::-1]
    assert len(prepared.areas_px) == counts[1]

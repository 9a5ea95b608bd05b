"""PCK, PCKh and AUC against MMPose's own functions, and means against sums written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fo_pose_plugin.core.keypoint_accuracy import AUC_NORM_PX, PairedKeypoints, by_size, measure
from fo_pose_plugin.errors import ShapeError
from tests.core.test_oks import mmpose_functional

NAN, INF = float("nan"), float("inf")
THRESHOLDS = (0.05, 0.1, 0.2)


def random_pairs(seed: int, people: int = 40, keypoints: int = 6) -> tuple[PairedKeypoints, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 400, (people, keypoints, 2))
    predicted = truth + rng.normal(0, 12, truth.shape)
    labelled = rng.random((people, keypoints)) > 0.3
    labelled[:, -1] = False  # a keypoint that nobody has
    sides, heads = rng.uniform(60, 300, people), rng.uniform(10, 60, people)
    errors = np.where(labelled, np.linalg.norm(predicted - truth, axis=2), NAN)
    pairs = PairedKeypoints(errors, np.exp(-errors), sides * 0.8, sides, heads)
    return pairs, {"pred": predicted, "gt": truth, "mask": labelled}


@pytest.mark.parametrize("seed", range(3))
def test_pck_pckh_and_auc_are_mmposes(seed: int) -> None:
    functional = mmpose_functional()
    pairs, arrays = random_pairs(seed)
    everything = measure("all", range(6), pairs, THRESHOLDS)

    def pck(thr: float, lengths: np.ndarray) -> tuple[np.ndarray, float]:
        norm = np.column_stack([lengths, lengths])
        per_keypoint, mean, _ = functional.keypoint_pck_accuracy(**arrays, thr=thr, norm_factor=norm)
        return per_keypoint, mean

    for index, thr in enumerate(THRESHOLDS):
        per_keypoint, mean = pck(thr, pairs.longer_side_px)
        assert everything.pck[index] == pytest.approx(mean, abs=1e-9)
        for k in range(5):
            assert measure("one", [k], pairs, THRESHOLDS).pck[index] == pytest.approx(per_keypoint[k])
    assert everything.pckh == pytest.approx(pck(0.5, pairs.head_px)[1])
    expected = functional.keypoint_auc(**arrays, norm_factor=AUC_NORM_PX)
    assert everything.auc == pytest.approx(expected, abs=1e-9)


def test_what_is_not_defined_is_none() -> None:
    pairs, _ = random_pairs(0)
    nobody = measure("nobody has it", [5], pairs, THRESHOLDS)
    assert (nobody.labelled, nobody.oks, nobody.mean_px, nobody.pck, nobody.auc) == (
        0,
        None,
        None,
        (None,) * 3,
        None,
    )
    headless = PairedKeypoints(
        pairs.errors_px, pairs.similarities, pairs.size_px, pairs.longer_side_px, np.full(len(pairs), NAN)
    )
    assert measure("all", range(6), headless, THRESHOLDS).pckh is None
    empty = PairedKeypoints(np.zeros((0, 6)), np.zeros((0, 6)), *(np.zeros(0),) * 3)
    assert measure("all", range(6), empty, THRESHOLDS).oks is None
    assert by_size(empty, []) == ()


def test_a_keypoint_that_was_not_found_is_wrong_but_in_no_mean_error() -> None:
    errors = np.array([[3.0], [INF], [NAN]])
    pairs = PairedKeypoints(
        errors, np.array([[0.5], [0.0], [NAN]]), np.array([30.0, 30, 30]), *(np.full(3, 100.0),) * 2
    )
    found = measure("nose", [0], pairs, (0.05,))
    assert (found.labelled, found.not_found) == (2, 1)
    assert (found.oks, found.mean_px, found.mean_rel, found.pck) == (0.25, 3, 0.1, (0.5,))


def test_sizes_sort_everyone_once() -> None:
    pairs, _ = random_pairs(1)
    classes = by_size(pairs, [5.0, 1000.0])
    assert sum(one.people for one in classes) == len(pairs) + 2
    assert sum(one.missed for one in classes) == 2
    assert classes[-1].below_px is None
    assert classes[0].oks is None  # only a missed person is so small
    assert [one.from_px for one in classes] == sorted(one.from_px for one in classes)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="similarities"):
        PairedKeypoints(np.zeros((2, 3)), np.zeros((2, 2)), *(np.zeros(2),) * 3)
    with pytest.raises(ShapeError, match="head_px"):
        PairedKeypoints(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(2), np.zeros(2), np.zeros(3))

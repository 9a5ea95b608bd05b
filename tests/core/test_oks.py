"""OKS and OKS-NMS: MMPose's own functions, and what must hold of any similarity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fo_pose_plugin.core.oks import extent_area, keypoint_similarities, oks_nms
from fo_pose_plugin.errors import InputError, ShapeError

SIGMAS = np.array([0.026, 0.079, 0.062, 0.107])


def mmpose_functional() -> Any:
    pytest.importorskip("mmpose")
    from fo_pose_plugin.models import openmmlab

    openmmlab.prepare()
    from mmpose.evaluation import functional

    return functional


def people(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Several groups of people that nearly coincide."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 300, (4, 1, 4, 2))
    points = (centres + rng.normal(0, rng.choice([0.5, 2, 8], (4, 4, 1, 1)), (4, 4, 4, 2))).reshape(16, 4, 2)
    return points, rng.uniform(500, 20_000, 16), rng.random(16)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("thr", [0.3, 0.7, 0.9])
def test_nms_keeps_whom_mmpose_keeps(seed: int, thr: float) -> None:
    functional = mmpose_functional()
    points, areas, scores = people(seed)
    found = [
        {"score": score, "keypoints": np.column_stack([xy, np.ones(4)]), "area": area}
        for xy, area, score in zip(points, areas, scores, strict=True)
    ]
    expected = sorted(functional.oks_nms(found, thr, SIGMAS).tolist())
    kept = oks_nms(points, areas, scores, SIGMAS, thr)
    assert list(kept) == expected
    assert 1 < len(kept) < 16


def test_similarities_are_those_of_the_formula() -> None:
    distances = np.array([[0.0, 3.0, np.nan, np.inf]])
    found = keypoint_similarities(distances, SIGMAS, [900.0])
    expected = np.exp(-9 / (2 * 900 * (2 * 0.079) ** 2))
    np.testing.assert_allclose(found[0, :2], [1, expected])
    assert np.isnan(found[0, 2])
    assert found[0, 3] == 0


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1e4), st.floats(1, 1e6), st.floats(1.001, 100))
def test_similarity_falls_with_distance_and_does_not_depend_on_scale(
    d: float, area: float, scale: float
) -> None:
    near, far = keypoint_similarities([[d], [d * scale]], [0.05], [area, area])[:, 0]
    assert 1 >= near >= far >= 0
    scaled = keypoint_similarities([[d * scale]], [0.05], [area * scale**2])[0, 0]
    assert scaled == pytest.approx(near, abs=1e-6)


def test_area_is_what_keypoints_span() -> None:
    assert extent_area([[1, 5], [4, 1], [2, 2]]) == 12


def test_wrong_shapes_and_thresholds_are_refused() -> None:
    with pytest.raises(ShapeError, match="distances_px"):
        keypoint_similarities([[1.0, 2.0]], SIGMAS, [1.0])
    with pytest.raises(InputError, match=r"threshold of OKS-NMS is 1\.5"):
        oks_nms(np.zeros((1, 4, 2)), [1.0], [1.0], SIGMAS, 1.5)

"""Probabilities from scores, held against scikit-learn's own fits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fo_pose_plugin.core.calibration import (
    Calibration,
    CalibrationMethod,
    fit_calibration,
    isotonic,
    reliability,
)
from fo_pose_plugin.errors import InputError, ShapeError

METHODS: tuple[CalibrationMethod, ...] = ("isotonic", "platt")


def examples(count: int, seed: int = 0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Scores whose chance of being right is their square root."""
    rng = np.random.default_rng(seed)
    scores = rng.random(count)
    return scores, rng.random(count) < np.sqrt(scores)


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(-5, 5, allow_nan=False)),
    st.integers(0, 1000),
)
def test_pooling_is_scikit_learns(values: npt.NDArray[np.float64], seed: int) -> None:
    from sklearn.isotonic import IsotonicRegression

    weights = np.random.default_rng(seed).uniform(0.1, 5, len(values))
    expected = IsotonicRegression().fit_transform(np.arange(len(values)), values, sample_weight=weights)
    np.testing.assert_allclose(isotonic(values, weights), expected, atol=1e-9)


def test_platts_curve_is_scikit_learns() -> None:
    from sklearn.calibration import _SigmoidCalibration

    scores, right = examples(800)
    scores = scores * 3 - 1  # no shares: these count by their log odds
    theirs = _SigmoidCalibration().fit(scores, right).predict(scores)
    np.testing.assert_allclose(fit_calibration(scores, right, "platt")(scores), theirs, atol=2e-3)


def test_platts_curve_leaves_what_is_a_probability() -> None:
    rng = np.random.default_rng(0)
    scores = rng.beta(2, 0.5, 20_000)
    right = rng.random(20_000) < scores
    places = np.array([0.1, 0.5, 0.9, 0.98])
    np.testing.assert_allclose(fit_calibration(scores, right, "platt")(places), places, atol=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_come_near_the_truth_on_others(method: CalibrationMethod) -> None:
    calibration = fit_calibration(*examples(6000), method)
    scores, right = examples(6000, seed=1)
    before, after = reliability(scores, right), reliability(calibration(scores), right)
    assert before.ece > 0.1
    assert after.ece < 0.05
    assert sum(after.counts) == 6000
    np.testing.assert_allclose(calibration([0.25, 0.64]), [0.5, 0.8], atol=0.08)


def test_the_method_follows_the_number_of_keypoints() -> None:
    assert fit_calibration(*examples(200)).method == "platt"
    assert fit_calibration(*examples(2000)).method == "isotonic"


@pytest.mark.parametrize("method", METHODS)
def test_nobody_is_certain(method: CalibrationMethod) -> None:
    scores = np.linspace(0, 1, 400)
    calibration = fit_calibration(scores, scores > 0.5, method)
    assert calibration(1.0) < 1
    assert calibration(0.0) > 0


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(METHODS), st.integers(2, 200))
def test_the_curve_never_falls_whatever_the_scores(seed: int, method: CalibrationMethod, levels: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, 300) / levels
    calibration = fit_calibration(scores, rng.random(300) < 0.7, method)
    found = calibration(np.linspace(-1, 2, 50))
    assert (np.diff(found) >= 0).all()
    assert ((found > 0) & (found < 1)).all()


def test_too_little_truth_is_refused_with_what_it_takes() -> None:
    scores, right = examples(49)
    with pytest.raises(InputError, match="49 keypoints have a known truth"):
        fit_calibration(scores, right)
    with pytest.raises(InputError, match="at least 5 right and 5 wrong"):
        fit_calibration(np.linspace(0, 1, 100), np.ones(100, bool))
    with pytest.raises(ShapeError):
        fit_calibration(np.zeros(60), np.ones(59, bool))


@pytest.mark.parametrize(
    ("scores", "chances"),
    [((0.0, 1.0), (0.5,)), ((), ()), ((1.0, 0.0), (0.1, 0.2)), ((0.0, 1.0), (0.9, 0.2)), ((0.0,), (1.5,))],
    ids=str,
)
def test_a_curve_that_is_none_is_refused(scores: tuple[float, ...], chances: tuple[float, ...]) -> None:
    with pytest.raises((InputError, ShapeError)):
        Calibration(scores, chances, "isotonic")


def test_reliability_counts_what_is_in_each_bin() -> None:
    found = reliability([0.05, 0.05, 0.95, 1.0], [0, 1, 1, 1])
    assert found.counts == (2, 2)
    assert found.right == (0.5, 1.0)
    assert found.ece == pytest.approx((0.45 * 2 + 0.025 * 2) / 4)

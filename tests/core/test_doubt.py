"""Doubt: what raises it, what lowers it, and that the frozen formula is what the page says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fo_pose_plugin.core.crop import Crop, crop_from_box
from fo_pose_plugin.core.doubt import (
    FROZEN_FORMULA,
    formula_features,
    keypoint_doubts,
    person_doubts,
    tolerances,
)
from fo_pose_plugin.core.signals import HeatmapSignals, heatmap_signals
from fo_pose_plugin.errors import ShapeError

REPOSITORY = Path(__file__).resolve().parents[2]


def with_evidence(peak: npt.ArrayLike, second_ratio: npt.ArrayLike = 0.0) -> HeatmapSignals:
    peaks = np.atleast_2d(np.asarray(peak, np.float32))
    nothing = heatmap_signals(np.zeros((*peaks.shape, 8, 8), np.float32))
    return replace(nothing, peak=peaks, second_ratio=np.broadcast_to(np.float32(second_ratio), peaks.shape))


def doubt(peak: float, second: float = 0.0, tolerance: float = 1.5, others: float = 0.7) -> float:
    """Of the first of three keypoints."""
    signals = with_evidence([peak, others, others], [second, 0, 0])
    return float(keypoint_doubts(signals, [[tolerance] * 3])[0, 0])


chance = st.floats(0.01, 1, allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(chance, chance, chance, chance)
def test_doubt_falls_with_the_peak_and_rises_with_the_second_one(
    a: float, b: float, c: float, d: float
) -> None:
    low, high = sorted((a, b))
    assert 0 <= doubt(high, c, 1.0, d) <= doubt(low, c, 1.0, d) <= 1
    assert doubt(c, low, 1.0, d) <= doubt(c, high, 1.0, d)


def test_doubt_rises_where_less_is_allowed_and_where_the_person_is_hardly_seen() -> None:
    assert doubt(0.6, tolerance=0.6) > doubt(0.6, tolerance=3.0)
    assert doubt(0.6, others=0.2) > doubt(0.6, others=0.9)
    finest = [doubt(0.6, tolerance=t) for t in (0.1, 0.4)]
    assert finest[0] == finest[1], "finer than a heatmap tells is not doubted more"


def test_a_keypoint_without_peak_is_certain_to_be_wrong_and_says_nothing_of_the_person() -> None:
    signals = with_evidence([[0.9, -0.1, 0.0], [0.0, 0.0, -1.0]])
    doubts = keypoint_doubts(signals, np.full((2, 3), 1.5))
    assert doubts[0, 1:].tolist() == [1, 1]
    people = person_doubts(doubts, signals)
    assert people[0] == pytest.approx(doubts[0, 0])
    assert people[1] == 1


def test_peaks_beyond_the_scale_count_as_1() -> None:
    assert doubt(1.7) == doubt(1.0)


def test_tolerance_is_in_32nds_of_the_crop_whatever_the_photos_size() -> None:
    for scale in (1.0, 7.0):
        crop = crop_from_box([0, 0, 100 * scale, 200 * scale], (192, 256))
        found = tolerances([0.05, 0.1], [[100 * scale, 200 * scale]], [crop], keypoints=2)
        area = 0.53 * 100 * 200
        expected = np.array([0.05, 0.1]) * 2 * np.sqrt(area) / (200 * 1.25) * 32
        np.testing.assert_allclose(found, [expected], rtol=1e-6)


def test_without_sigmas_all_keypoints_are_allowed_the_same() -> None:
    found = tolerances(None, [[10, 20]], [Crop((5, 10), (20, 30))], keypoints=4)
    assert len(set(found[0])) == 1
    assert tolerances(None, np.zeros((0, 2)), [], keypoints=4).shape == (0, 4)


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(ShapeError, match="oks_sigmas"):
        tolerances([0.1], [[1, 1]], [Crop((0, 0), (1, 1))], keypoints=2)
    with pytest.raises(ShapeError, match="boxes_wh_px"):
        tolerances(None, [[1, 1]], [], keypoints=2)
    with pytest.raises(ShapeError, match="tolerances"):
        formula_features(with_evidence([0.1, 0.2]), [[1.0]])


def test_nobody_is_doubted() -> None:
    signals = heatmap_signals(np.zeros((0, 3, 8, 8), np.float32))
    doubts = keypoint_doubts(signals, np.zeros((0, 3)))
    assert doubts.shape == (0, 3)
    assert person_doubts(doubts, signals).shape == (0,)


def test_the_page_states_the_frozen_formula() -> None:
    text = (REPOSITORY / "docs" / "review.md").read_text(encoding="utf-8")
    row = " | ".join(f"{value:.3f}" for value in (FROZEN_FORMULA.intercept, *FROZEN_FORMULA.weights))
    assert f"| frozen | {row} |" in text

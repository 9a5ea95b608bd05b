"""Pixels and relative positions, back and forth to the last digit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_pose_plugin.core.exact_pixels import comes_back, to_pixel, to_relative

lengths = st.integers(1, 10_000)
decimals = st.decimals(-9999, 9999, places=4).map(float)


@given(decimals, lengths)
def test_what_people_write_comes_back(px: float, length: int) -> None:
    assert to_pixel(to_relative(px, length), length) == px


@given(st.floats(-1e4, 1e4), lengths)
def test_whether_a_number_comes_back_is_said(px: float, length: int) -> None:
    assert comes_back(px, length) == (to_pixel(px / length, length) == px)


@given(st.floats(-10, 10), lengths)
def test_the_pixel_is_never_further_than_rounding_goes(rel: float, length: int) -> None:
    assert to_pixel(rel, length) == pytest.approx(rel * length, rel=1e-14, abs=1e-300)


@given(st.floats(-1e4, 1e4), lengths)
def test_a_position_that_has_a_pixel_finds_one(px: float, length: int) -> None:
    rel = to_relative(px, length)
    assert to_relative(to_pixel(rel, length), length) == rel


@pytest.mark.parametrize("length", [333, 427, 640])
def test_what_networks_give_comes_back_nearly_always(length: int) -> None:
    """Single-precision pixels, of which 15 digits are not enough."""
    pixels = np.random.default_rng(0).uniform(0, length, 5000).astype(np.float32).astype(float).tolist()
    assert sum(comes_back(px, length) for px in pixels) > 0.99 * len(pixels)
    wrong = [px for px in pixels if float(f"{px:.15g}") != px]
    assert len(wrong) > 1000  # the test would say nothing of numbers that 15 digits tell

"""The evidence in heatmaps, on maps whose peaks are known."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fo_pose_plugin.core.signals import HeatmapSignals, heatmap_signals, join_signals, peak_radius
from fo_pose_plugin.errors import ShapeError

SIZE_WH = (48, 64)


def bump(
    x: float, y: float, height: float = 1.0, sigmas: tuple[float, float] = (2.0, 2.0)
) -> npt.NDArray[np.float32]:
    """A Gaussian on a map of SIZE_WH."""
    lines, columns = np.mgrid[: SIZE_WH[1], : SIZE_WH[0]]
    apart = ((columns - x) / sigmas[0]) ** 2 + ((lines - y) / sigmas[1]) ** 2
    return (height * np.exp(-apart / 2)).astype(np.float32)


def signals_of(*maps: npt.NDArray[np.float32]) -> HeatmapSignals:
    """Of one person."""
    return heatmap_signals(np.stack(maps)[None])


def test_one_peak_leaves_no_doubt() -> None:
    found = signals_of(bump(20, 30, 0.8))
    assert found.peak[0, 0] == pytest.approx(0.8)
    assert found.peak_xy[0, 0].tolist() == [20, 30]
    assert found.second_ratio[0, 0] == 0
    assert found.entropy[0, 0] == 0
    assert np.isnan(found.second_distance[0, 0])
    assert not found.at_border[0, 0]


def test_a_second_peak_is_told_with_height_place_and_distance() -> None:
    found = signals_of(bump(10, 10, 0.6) + bump(40, 50, 0.48))
    assert found.second_ratio[0, 0] == pytest.approx(0.8, abs=1e-3)
    assert found.second_xy[0, 0].tolist() == [40, 50]
    assert found.second_distance[0, 0] == pytest.approx(50)


def test_entropy_of_equal_peaks_is_the_logarithm_of_their_number() -> None:
    equal = sum(bump(x, y, 0.5) for x, y in ((8, 8), (40, 8), (8, 56), (40, 56)))
    assert signals_of(np.asarray(equal)).entropy[0, 0] == pytest.approx(np.log(4), rel=1e-3)
    unequal = signals_of(bump(8, 8) + bump(40, 56, 0.25)).entropy[0, 0]
    shares = np.array([0.8, 0.2])
    assert unequal == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-3)


def test_what_is_near_the_peak_or_faint_is_no_second_peak() -> None:
    radius = peak_radius(SIZE_WH)
    near = bump(20, 30)
    near[30, 20 + int(radius)] = 0.9
    faint = bump(20, 30)
    faint[5, 5] = 0.049
    assert signals_of(near, faint).second_ratio.tolist() == [[0, 0]]
    near[30, 20 + int(radius) + 1] = 0.95
    assert signals_of(near).second_ratio[0, 0] == pytest.approx(0.95)


def test_a_plateau_counts_once() -> None:
    flat = bump(10, 10)
    flat[50:53, 30:33] = 0.5
    found = signals_of(flat)
    assert found.second_ratio[0, 0] == 0.5
    assert found.entropy[0, 0] == pytest.approx(-(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3)), rel=1e-4)


def test_spread_is_told_along_and_across_whichever_way_it_lies() -> None:
    upright = signals_of(bump(24, 32, sigmas=(0.8, 1.3)))
    lying = signals_of(bump(24, 32, sigmas=(1.3, 0.8)))
    for found in (upright, lying):
        assert found.spread_along[0, 0] == pytest.approx(1.3, rel=0.2)
        assert found.spread_across[0, 0] == pytest.approx(0.8, rel=0.2)


@pytest.mark.parametrize(("x", "y", "at"), [(1, 30, True), (47, 30, True), (20, 63, True), (2, 30, False)])
def test_the_crops_edge(x: int, y: int, at: bool) -> None:
    assert bool(signals_of(bump(x, y)).at_border[0, 0]) is at


def test_an_empty_map_has_no_evidence() -> None:
    for height in (0.0, -0.5):
        found = signals_of(np.full(SIZE_WH[::-1], height, np.float32))
        assert found.peak[0, 0] == height
        assert found.second_ratio[0, 0] == 0
        assert found.entropy[0, 0] == 0
        assert not found.at_border[0, 0]
        assert np.isnan(found.spread_along[0, 0])


def test_a_damaged_map_counts_as_empty_and_spoils_no_other() -> None:
    damaged = bump(20, 30)
    damaged[3, 3] = np.nan
    infinite = bump(20, 30)
    infinite[3, 3] = np.inf
    found = signals_of(damaged, bump(10, 10), infinite)
    assert found.peak.tolist() == [[0, 1, 0]]


def test_the_codecs_scale_is_taken_out_and_changes_nothing_else() -> None:
    maps = (bump(10, 10, 0.6) + bump(40, 50, 0.4))[None, None]
    one, other = heatmap_signals(maps), heatmap_signals(maps * 255, scale_max=255)
    for part in fields(HeatmapSignals):
        np.testing.assert_allclose(getattr(one, part.name), getattr(other, part.name), rtol=1e-4)


def test_many_people_get_what_each_alone_gets() -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(0.1, 0.2, (23, 17, 16, 12)).astype(np.float32)
    together = heatmap_signals(maps)
    for person in (0, 11, 22):
        alone = heatmap_signals(maps[person : person + 1])
        for part in fields(HeatmapSignals):
            np.testing.assert_array_equal(
                getattr(together, part.name)[person : person + 1], getattr(alone, part.name)
            )
    joined = join_signals([together[:5], together[5:]], 17)
    np.testing.assert_array_equal(joined.entropy, together.entropy)


def test_nobody_has_no_evidence() -> None:
    assert len(heatmap_signals(np.zeros((0, 17, 64, 48), np.float32))) == 0
    assert join_signals([], 17).peak.shape == (0, 17)


@pytest.mark.parametrize("shape", [(17, 64, 48), (1, 17, 0, 48), (1, 17, 64)])
def test_what_are_no_heatmaps_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="expected"):
        heatmap_signals(np.zeros(shape, np.float32))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
        elements=st.floats(-1, 300, width=32),
    )
)
def test_whatever_the_maps_are_the_signals_keep_their_ranges(maps: npt.NDArray[np.float32]) -> None:
    before = maps.copy()
    found = heatmap_signals(maps)
    np.testing.assert_array_equal(maps, before)
    np.testing.assert_array_equal(found.peak, maps.max(axis=(2, 3)))
    assert ((found.second_ratio >= 0) & (found.second_ratio <= 1)).all()
    assert (found.entropy >= 0).all()
    assert np.isfinite(found.entropy).all()
    there = np.isfinite(found.second_distance)
    np.testing.assert_array_equal(there, found.second_ratio > 0)
    assert (found.second_distance[there] > peak_radius((maps.shape[3], maps.shape[2]))).all()
    positive = found.peak > 0
    assert np.isfinite(found.spread_along[positive]).all()
    assert (found.spread_along[positive] >= found.spread_across[positive] - 1e-4).all()
    assert np.isnan(found.spread_along[~positive]).all()

"""The peaks of a heatmap as places for its keypoint."""

from __future__ import annotations

import numpy as np
import pytest

from fo_pose_plugin.core.candidates import heatmap_candidates
from fo_pose_plugin.core.signals import heatmap_signals
from fo_pose_plugin.errors import ShapeError

H, W = 64, 48


def gaussians(*peaks: tuple[float, float, float], sigma: float = 2.0) -> np.ndarray:
    ys, xs = np.mgrid[:H, :W]
    maps = [h * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * sigma**2)) for x, y, h in peaks]
    return np.max(maps, axis=0).astype(np.float32) if maps else np.zeros((H, W), np.float32)


def test_peaks_are_found_between_pixels_the_strongest_first() -> None:
    maps = gaussians((10.3, 20.7, 0.4), (30.25, 50.5, 0.9), (40, 8.2, 0.2))[None]
    (found,) = heatmap_candidates(maps)
    assert [one.share for one in found] == pytest.approx([1, 0.4 / 0.9, 0.2 / 0.9], rel=0.1)
    assert found[0].value == pytest.approx(0.9, rel=0.1)
    for one, place in zip(found, [(30.25, 50.5), (10.3, 20.7), (40, 8.2)], strict=True):
        assert one.xy == pytest.approx(place, abs=0.02)


def test_five_at_most_and_none_in_anothers_ground() -> None:
    crowd = gaussians(*[(5 + 7 * i, 5 + 9 * i, 1 - 0.05 * i) for i in range(6)])
    (found,) = heatmap_candidates(crowd[None])
    assert len(found) == 5
    close = gaussians((20, 30, 1.0), sigma=1.0)
    close[30, 23] = 0.5
    (found,) = heatmap_candidates(close[None])
    assert len(found) == 1


def test_nothing_negative_and_damaged_maps_have_none() -> None:
    damaged = gaussians((10, 10, 1.0))
    damaged[0, 0] = np.nan
    maps = np.stack([np.zeros((H, W), np.float32), np.full((H, W), -1, np.float32), damaged])
    assert heatmap_candidates(maps) == ((), (), ())


def test_values_are_of_the_codecs_scale_and_the_border_is_kept() -> None:
    maps = 255 * gaussians((0, 63, 1.0))[None]
    ((found,),) = heatmap_candidates(maps, scale_max=255)
    assert found.value == pytest.approx(1)
    assert found.xy == (0, 63)


def test_the_second_is_the_second_peak_of_the_signals() -> None:
    rng = np.random.default_rng(1)
    maps = np.stack(
        [
            gaussians(
                *[(rng.uniform(3, W - 4), rng.uniform(3, H - 4), rng.uniform(0.2, 1)) for _ in range(4)]
            )
            for _ in range(30)
        ]
    )
    signals = heatmap_signals(maps[None])
    for k, found in enumerate(heatmap_candidates(maps)):
        assert np.round(found[0].xy).tolist() == signals.peak_xy[0, k].tolist()
        if len(found) > 1:
            assert found[1].share == pytest.approx(signals.second_ratio[0, k], rel=1e-5)
            assert np.abs(np.subtract(found[1].xy, signals.second_xy[0, k])).max() <= 0.5


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(ShapeError):
        heatmap_candidates(np.zeros((H, W)))

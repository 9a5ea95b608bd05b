"""The evidence of each codec's heatmaps."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from fo_pose_plugin.core.signals import HeatmapSignals, heatmap_signals
from fo_pose_plugin.inference.evidence import read_evidence


def disc() -> np.ndarray:
    """A combined codec's target: 1 on a disc of radius 3.5, here with a noisy plateau."""
    lines, columns = np.mgrid[:64, :48]
    maps = (np.hypot(columns - 20, lines - 30) <= 3.5).astype(np.float32)
    maps *= np.random.default_rng(0).uniform(0.9, 1, maps.shape).astype(np.float32)
    maps[30, 17], maps[30, 23] = 1.0, 0.999
    return maps[None, None]


def test_a_noisy_disc_is_one_peak() -> None:
    assert read_evidence(disc(), "udp").second_ratio[0, 0] > 0.9
    found = read_evidence(disc(), "udp_combined")
    assert found.second_ratio[0, 0] == 0
    assert found.peak[0, 0] == 1


@pytest.mark.parametrize("kind", ["msra", "dark", "udp"])
def test_the_gaussian_codecs_are_read_as_they_are(kind: str) -> None:
    maps = np.random.default_rng(1).random((2, 3, 16, 12)).astype(np.float32)
    found, expected = read_evidence(maps, kind), heatmap_signals(maps)  # type: ignore[arg-type]
    for part in fields(HeatmapSignals):
        np.testing.assert_array_equal(getattr(found, part.name), getattr(expected, part.name))


def test_megvii_has_a_scale_of_its_own() -> None:
    maps = np.random.default_rng(1).random((1, 3, 16, 12)).astype(np.float32) * 255
    np.testing.assert_allclose(read_evidence(maps, "megvii").peak, maps.max(axis=(2, 3)) / 255)

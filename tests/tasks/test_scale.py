"""A run over many samples takes no more memory than one over few, and no longer per person."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.scale import measure
from tests.tiny_models import BODY, MODELS, write_tiny_model

MEMORY_GROWTH = 1.1
# Of processor time; caches that other processes use too make a few per cent.
TIME_GROWTH = 1.15


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_samples_take_what_a_thousand_take(tmp_path: Path) -> None:
    # A small network and small images: the less they take, the more the growth of anything else shows.
    model = write_tiny_model(tmp_path, *MODELS[BODY])
    small, large = (measure(samples, model=model, image_scale=0.25) for samples in (1_000, 10_000))
    assert (small.people, large.people) == (1_000, 10_000)
    assert large.peak_bytes < MEMORY_GROWTH * small.peak_bytes
    pace = [growth.processor_seconds / growth.people for growth in (small, large)]
    assert pace[1] < TIME_GROWTH * pace[0]
    assert large.store_bytes / large.people == pytest.approx(small.store_bytes / small.people, rel=0.02)
    assert large.database_bytes / large.people == pytest.approx(small.database_bytes / small.people, rel=0.02)

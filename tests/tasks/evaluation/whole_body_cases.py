"""Whole-body results whose digits xtcocotools has been asked for, and those digits.

The cases are made of ../shared/data by a seed; ``xtcocotools_digits.json`` beside this file holds the
answers of xtcocotools 1.14.3, built from source. ``tests/packaging/test_xtcocotools.py`` builds it and
asks again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.coco_fields import read_coco
from tests.coco_results import disturbed_results, with_part_scores

CASES = {
    f"seed {seed}{', equal scores' if ties else ''}": (seed, ties)
    for seed in range(2)
    for ties in (False, True)
}
PART_SCORES = "seed 0, parts with scores of their own"
DIGITS = Path(__file__).parent / "xtcocotools_digits.json"
SCRIPT = Path(__file__).parent / "xtcocotools_stats.py"
FILE = "coco_test/test_coco_wholebody.json"


def case(shared_data: Path, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Give the annotations and results of a case."""
    content = read_coco(shared_data / FILE)
    if name == PART_SCORES:
        return content, with_part_scores(disturbed_results(content), seed=0)
    seed, ties = CASES[name]
    return content, disturbed_results(content, seed, ties=ties)


def frozen_digits() -> dict[str, dict[str, list[float]]]:
    """Give xtcocotools' ten metrics by case and part."""
    digits: dict[str, dict[str, list[float]]] = json.loads(DIGITS.read_text())
    return digits

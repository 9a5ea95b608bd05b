"""The catalogue of detectors: what is published of each, and that each is built and runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks import check_models
from fo_pose_plugin.models.configs import read_config
from fo_pose_plugin.models.mmdet_detectors import all_detectors
from fo_pose_plugin.models.person_detector import detector_classes

NAMES = tuple(all_detectors())
OF_MMDET = tuple(name for name, card in all_detectors().items() if card.config.startswith("mmdet::"))


def published(config: str) -> dict[str, Any]:
    """Read what MMDetection's metafile says of a config."""
    spec = importlib.util.find_spec("mmdet")
    assert spec is not None
    assert spec.origin is not None
    inside = config.removeprefix("mmdet::")
    metafile = Path(spec.origin).parent / ".mim" / "configs" / Path(inside).parent / "metafile.yml"
    models = yaml.safe_load(metafile.read_text())["Models"]
    (model,) = (model for model in models if model["Config"] == f"configs/{inside}")
    found: dict[str, Any] = model
    return found


@pytest.mark.parametrize("name", OF_MMDET)
def test_what_is_published_is_what_mmdetections_metafile_says(name: str) -> None:
    card = all_detectors()[name]
    model = published(card.config)
    assert model["Weights"] == card.url
    results = {result["Task"]: result["Metrics"] for result in model["Results"]}
    assert results["Object Detection"]["box AP"] == card.box_ap


@pytest.mark.parametrize("name", NAMES)
def test_the_checksum_is_in_the_address_and_the_classes_are_the_configs(name: str) -> None:
    card = all_detectors()[name]
    assert card.file_name.endswith(f"-{card.sha256_prefix}.pth")
    assert len(detector_classes(read_config(card.config))) == card.classes


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_built_runs_and_counts_what_its_card_says(name: str) -> None:
    counted, fault = check_models.check_detector(all_detectors()[name], check_models.picture())
    assert fault is None, counted

"""Datasets of noise and the models that tests of this folder run on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.tiny_models import noise_dataset, register_tiny_models

if TYPE_CHECKING:
    import fiftyone as fo

DETECTOR = "yolox-nano"
POSE_MODEL = "tinypose-128x96"


@pytest.fixture
def noise(make_dataset: Callable[..., fo.Dataset], tmp_path: Path) -> Callable[..., fo.Dataset]:
    """Make a dataset of noise, with the given number of people in the ``boxes`` of each image."""

    def make(people: list[int], **fields: Any) -> fo.Dataset:
        dataset = make_dataset("noise")
        folder = tmp_path / dataset.name
        folder.mkdir()
        return noise_dataset(dataset, folder, people, **fields)

    return make


@pytest.fixture
def tiny() -> Callable[..., None]:
    """Register tiny models by name; see ``tests.tiny_models``."""
    return register_tiny_models


@pytest.fixture(scope="session")
def real_models(shared_data: Path) -> tuple[str, str]:
    """The names of a real pose model and a real detector, both of the small kind."""
    import fo_pose_plugin as fop

    models = shared_data / "models"
    fop.add_model(POSE_MODEL, models / "td-hm_tinypose_coco-128x96.py", models / "tinypose_coco_128x96.pth")
    fop.add_detector(DETECTOR, models / "yolox_nano_coco.py", models / "yolox_nano_coco.pth")
    return POSE_MODEL, DETECTOR

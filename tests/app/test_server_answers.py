"""What the App's server takes for an operator's answer, without a browser, by what its environment says."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

import fo_pose_plugin as fop
from fo_pose_plugin.demo.bundled_models import bundled_pairs
from fo_pose_plugin.demo.drawings import BOXES, drawing_seeds, fill_with_drawings
from tests.app.conftest import OUTPUT
from tests.app.server import AppServer
from tests.shared_data import REPOSITORY

if TYPE_CHECKING:
    import fiftyone as fo

ANSWERS = 20
HEATMAPS_MS = 150.0
# FiftyOne loads every plugin anew for each answer, unless told to keep them.
SETTINGS: dict[str, dict[str, str]] = {
    "as it is": {},
    "`FIFTYONE_PLUGINS_CACHE_ENABLED=true`": {"FIFTYONE_PLUGINS_CACHE_ENABLED": "true"},
    "`PYTHONDONTWRITEBYTECODE=1`, and nothing compiled before": {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPYCACHEPREFIX": "/nowhere",
    },
}


@pytest.fixture(scope="module")
def drawing(
    make_module_dataset: Callable[..., fo.Dataset], tmp_path_factory: pytest.TempPathFactory
) -> fo.Dataset:
    """A drawing with poses of 17 and of 133 keypoints, in fields of the models' names."""
    dataset = make_module_dataset("answers")
    fill_with_drawings(dataset, tmp_path_factory.mktemp("drawing"), drawing_seeds(1))
    for pair in bundled_pairs():
        fop.add_model(pair.name, pair.config, pair.checkpoint, overwrite=True)
        field = pair.name.replace("-", "_")
        fop.estimate_poses(dataset, pair.name, boxes=BOXES, pose_field=field, progress=False)
    dataset.reload()
    return dataset


def asked(dataset: fo.Dataset) -> Iterator[tuple[str, dict[str, Any]]]:
    """An operator of FiftyOne's that does next to nothing, and ours for 17 and for 133 heatmaps."""
    yield "@voxel51/operators/list_workspaces", {}
    sample = dataset.first()
    for field in ("demo_body", "demo_wholebody"):
        label_id = sample[field].keypoints[0].id
        params = {"sample_id": sample.id, "pose_field": field, "label_id": label_id}
        yield "@fo-pose/fo_pose_plugin/read_pose_evidence", params


def times_ms(url: str, dataset: fo.Dataset, operator: str, params: dict[str, Any]) -> list[float]:
    body = {"operator_uri": operator, "params": params, "dataset_name": dataset.name, "view": []}
    took = []
    for _ in range(1 + ANSWERS):
        began = time.perf_counter()
        answer = requests.post(f"{url}/operators/execute", json=body, timeout=60).json()
        took.append(1000 * (time.perf_counter() - began))
        assert not answer.get("error")
        assert "problem" not in answer["result"]
    return took[1:]  # the first one loads what is needed


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_heatmaps_add_little_to_an_answer(setting: str, drawing: fo.Dataset, tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "main").symlink_to(REPOSITORY, target_is_directory=True)
    with AppServer(plugins, tmp_path / "server.log", SETTINGS[setting]) as server:
        times = [times_ms(server.url, drawing, *one) for one in asked(drawing)]
    medians = " | ".join(f"{statistics.median(took):.0f} ms" for took in times)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with (OUTPUT / "server_answers.txt").open("a") as table:
        table.write(f"| {setting} | {medians} |\n")
    # The least of several: a machine that others use takes a while for anything now and then.
    nothing, body, wholebody = map(min, times)
    if "PYTHONDONTWRITEBYTECODE" not in SETTINGS[setting]:  # else compiling is most of it
        assert max(body, wholebody) - nothing < HEATMAPS_MS

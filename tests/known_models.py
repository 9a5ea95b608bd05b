"""A catalogue of MMPose's models that holds tiny ones, whose weights a server of the test gives."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_models import MODELS, write_tiny_model
from tests.weights_server import WeightsServer, weights_server

__all__ = ["KNOWN", "AddKnown", "known_models", "weights_server", "without_mmpretrain"]

KNOWN = "td-hm_tiny_coco-64x64"
AddKnown = Callable[..., Path]


@pytest.fixture
def without_mmpretrain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let mmpretrain, which only a few models need, be missing."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "mmpretrain" else find_spec(name, *more),
    )


@pytest.fixture
def known_models(
    weights_server: WeightsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AddKnown]:
    """Replace the catalogue by an empty one; the function adds a tiny model and gives its weights' file."""
    from fo_pose_plugin.models import configs, mmpose_models

    path = tmp_path / "mmpose_models.json"
    monkeypatch.setattr(mmpose_models, "PATH", path)
    monkeypatch.setenv("FO_POSE_HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    content: dict[str, Any] = {"metainfo": {}, "networks": [], "models": []}

    def add(name: str = KNOWN, tiny: str = "tiny-body", **changes: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        config, checkpoint = write_tiny_model(folder, *MODELS[tiny])
        resolved = configs.read_config(config)
        content["metainfo"][name] = json.loads(json.dumps(configs.pose_metainfo(resolved)))
        content["networks"].append(json.loads(json.dumps(resolved)))
        url, prefix = weights_server.add(f"/published/{name}.pth", checkpoint.read_bytes())
        item = {
            "name": name,
            "config": str(config),
            "task": "wholebody" if tiny == "tiny-wholebody" else "body",
            "dataset": "COCO",
            "url": url,
            "sha256_prefix": prefix,
            "ap": 0.7,
            "metrics": {},
            "notes": [],
            "parameters_m": 1.0,
            "gflops": 1.0,
            "size_mb": checkpoint.stat().st_size / 1e6,
            "needs": None,
            "problem": None,
            "metainfo": name,
            "network": len(content["networks"]) - 1,
        }
        content["models"].append({**item, **changes})
        write()
        return checkpoint

    def write() -> None:
        path.write_text(json.dumps(content))
        mmpose_models.all_cards.cache_clear()

    write()
    yield add
    monkeypatch.undo()
    mmpose_models.all_cards.cache_clear()

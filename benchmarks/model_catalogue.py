"""Makes fo_pose_plugin/models/mmpose_models.json from MMPose's wheel; `make check-models` runs it.

The file holds what a user's machine must know of each model without OpenMMLab: one line per model, per data
set's keypoints and per network, since many models share the latter two. What was measured by building a
model stays with it until it is measured anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, TypeAlias

from fo_pose_plugin.errors import ConfigError
from fo_pose_plugin.models.building import needed_extra
from fo_pose_plugin.models.configs import pose_metainfo, read_config
from fo_pose_plugin.models.metafiles import Metafiles, PublishedModel, read_metafiles
from fo_pose_plugin.models.pose_network import NetworkSpec

__all__ = ["entry_of", "make_catalogue", "pruned", "to_text"]

Json: TypeAlias = dict[str, Any]

TASK_OF_ROOM = {
    "body_2d_keypoint": "body",
    "wholebody_2d_keypoint": "wholebody",
    "hand_2d_keypoint": "hand",
    "face_2d_keypoint": "face",
    "animal_2d_keypoint": "animal",
    "fashion_2d_keypoint": "other",
}
# Of a config, what NetworkSpec.from_config reads.
HEAD_KEYS = ("type", "out_channels", "decoder")
TEST_CFG_KEYS = ("flip_mode", "shift_heatmap", "output_keypoint_indices")
UNMEASURED: Json = {"parameters_m": 0.0, "gflops": 0.0, "size_mb": 0.0, "problem": "it was not built yet"}
STEPS = ("GetBBoxCenterScale", "TopdownAffine")


def make_catalogue(measured: Mapping[str, Json]) -> Json:
    """Read every config of the wheel; takes some 20 seconds.

    Args:
        measured: By model's name, what was found by building it; see ``check_models.py``.

    Returns:
        What ``models.mmpose_models`` reads.
    """
    metafiles = read_metafiles()
    catalogue: Json = {
        "mmpose": version("mmpose"),
        "left_out": left_out_of(metafiles),
        "metainfo": {},
        "networks": [],
        "models": [],
    }
    for model in metafiles.models:
        entry = entry_of(model)
        fault = add_network(catalogue, model, entry)
        entry.update(measured.get(model.name, UNMEASURED))
        entry["problem"] = fault or entry["problem"]
        catalogue["models"].append(entry)
    return catalogue


def left_out_of(metafiles: Metafiles) -> list[Json]:
    """Write down the metafiles' entries that are no models of the catalogue."""
    return [{"what": item.what, "count": item.count, "reason": item.reason} for item in metafiles.left_out]


def entry_of(model: PublishedModel) -> Json:
    """Write down what the metafiles say of a model."""
    return {
        "name": model.name,
        "config": model.config,
        "task": TASK_OF_ROOM[model.room],
        "dataset": model.dataset,
        "url": model.url,
        "sha256_prefix": model.sha256_prefix,
        "ap": model.ap,
        "metrics": dict(model.metrics),
        "notes": list(model.notes),
    }


def add_network(catalogue: Json, model: PublishedModel, entry: Json) -> str | None:
    """Add what the config says of the network and its keypoints.

    Returns:
        Why it cannot be used, or None.
    """
    config = read_config(model.config)
    metainfo = pose_metainfo(config)
    known = catalogue["metainfo"].setdefault(metainfo["name"], metainfo)
    if known != metainfo:
        raise ConfigError(
            f"two data sets of MMPose's are called {metainfo['name']!r}: keep them apart by another key"
        )
    network = pruned(config)
    if network not in catalogue["networks"]:
        catalogue["networks"].append(network)
    entry["metainfo"] = metainfo["name"]
    entry["network"] = catalogue["networks"].index(network)
    entry["needs"] = needed_extra(config)
    try:
        NetworkSpec.from_config(config, metainfo)
    except ConfigError as error:
        entry["network"] = None
        return str(error).partition(": (")[0]
    return None


def pruned(config: Mapping[str, Any]) -> Json:
    """Keep of a resolved config what a `NetworkSpec` is read from; tuples become lists."""
    model = config["model"]
    head = model["head"].get("pose_cfg", model["head"])
    loader = config.get("test_dataloader") or config["val_dataloader"]
    steps = [step for step in loader["dataset"]["pipeline"] if step["type"].split(".")[-1] in STEPS]
    kept: Json = {
        "model": {
            "type": model["type"],
            "head": {key: head[key] for key in HEAD_KEYS if key in head},
            "test_cfg": {key: model["test_cfg"][key] for key in TEST_CFG_KEYS if key in model["test_cfg"]},
        },
        "test_dataloader": {"dataset": {"pipeline": steps}},
    }
    plain: Json = json.loads(json.dumps(kept))
    return plain


def to_text(catalogue: Mapping[str, Any]) -> str:
    """Write the catalogue as JSON, an item a line, so that a change shows as one."""
    parts = []
    for key, value in catalogue.items():
        if isinstance(value, list):
            parts.append(f'"{key}":[\n' + ",\n".join(_line(item) for item in value) + "\n]")
        elif isinstance(value, dict):
            lines = [f"{_line(name)}:{_line(item)}" for name, item in value.items()]
            parts.append(f'"{key}":{{\n' + ",\n".join(lines) + "\n}")
        else:
            parts.append(f'"{key}":{_line(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

"""What pose networks and detectors have in common: packages they need, devices, no downloads."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from fo_pose_plugin.errors import InstallationError, ModelError
from fo_pose_plugin.models.building import build_network, choose_device, drop_pretrained, needed_extra

VITPOSE = {"model": {"type": "TopdownPoseEstimator", "backbone": {"type": "mmpretrain.VisionTransformer"}}}


def test_pretrained_weights_are_dropped_at_any_depth() -> None:
    node: Any = {
        "init_cfg": {"type": "Pretrained"},
        "a": [{"init_cfg": 1, "b": ({"init_cfg": None, "kept": 2},)}],
    }
    drop_pretrained(node)
    assert node == {"a": [{"b": ({"kept": 2},)}]}


def test_devices_are_chosen_or_refused_in_words() -> None:
    import torch

    assert choose_device("cpu") == "cpu"
    assert choose_device() == ("cuda:0" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ModelError, match="device 'gpu' is unknown; use cpu, cuda or cuda:0"):
        choose_device("gpu")
    with pytest.raises(ModelError, match=r"device 'cuda:99' is not there.*use cpu"):
        choose_device("cuda:99")


def test_the_package_that_few_models_need_is_told() -> None:
    assert needed_extra(VITPOSE) == "mmpretrain"
    assert needed_extra({"model": {"type": "FasterRCNN", "neck": [{"type": "FPN"}]}}) is None


def test_where_it_is_missing_the_command_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mmpretrain", None)
    with pytest.raises(InstallationError, match=r"needs mmpretrain.*`fo-pose install --extra vitpose`"):
        build_network(VITPOSE, "mmpose", None, sha256=None, device="cpu")

"""Networks give MMPose's own heatmaps, and their specs what MMPose's own configs say."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fo_pose_plugin.errors import CheckpointError, ConfigError, InstallationError, ShapeError
from fo_pose_plugin.models import configs
from fo_pose_plugin.models.pose_network import (
    NetworkSpec,
    PoseNetwork,
    build_pose_network,
)

COCO = "body_2d_keypoint/topdown_heatmap/coco"
WHOLEBODY = "wholebody_2d_keypoint/topdown_heatmap/coco-wholebody"

MSRA = "dict(type='MSRAHeatmap', input_size=(64, 96), heatmap_size=(16, 24), sigma=2)"
UDP = "dict(type='UDPHeatmap', input_size=(64, 96), heatmap_size=(16, 24), sigma=2)"
COMBINED = UDP.replace("sigma=2", "heatmap_type='combined', sigma=2")
TEMPLATE = """
codec = {codec}
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=8),
    head=dict(
        type='HeatmapHead', in_channels=64, out_channels={channels}, deconv_out_channels=(16, 16, 16),
        deconv_kernel_sizes=(4, 4, 4), loss=dict(type='KeypointMSELoss'), decoder=codec),
    test_cfg=dict(flip_test=True, {test_cfg}))
test_dataloader = dict(dataset=dict(type='CocoDataset', data_mode='topdown', pipeline=[
    dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']), dict(type='PackPoseInputs')]))
"""


@pytest.fixture
def config_of(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Write and read a small config."""

    def make(
        codec: str = MSRA, channels: int = 17, test_cfg: str = "flip_mode='heatmap', shift_heatmap=True"
    ) -> dict[str, Any]:
        path = tmp_path / "config.py"
        path.write_text(TEMPLATE.format(codec=codec, channels=channels, test_cfg=test_cfg))
        return configs.read_config(path)

    return make


def build(config: dict[str, Any], seed: int = 0) -> PoseNetwork:
    """Build a config's network with random weights that are the same each time."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_pose_network(config, configs.pose_metainfo(config), None, device="cpu")


def spec_of(config: dict[str, Any]) -> NetworkSpec:
    return NetworkSpec.from_config(config, configs.pose_metainfo(config))


def noise(count: int, size_wh: tuple[int, int] = (64, 96)) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, size_wh[1], size_wh[0], 3), np.uint8)


def heatmaps_of_mmpose(
    network: PoseNetwork, crops: npt.NDArray[np.uint8], *, flip_test: bool
) -> npt.NDArray[np.float32]:
    """Let MMPose's own estimator predict, with its preprocessing, flip test and averaging."""
    import torch
    from mmengine.structures import InstanceData
    from mmpose.structures import PoseDataSample

    model = copy.deepcopy(network._model).to(memory_format=torch.contiguous_format)
    model.test_cfg.update(flip_test=flip_test, output_heatmaps=True)
    samples = []
    for _ in crops:
        sample = PoseDataSample(
            metainfo={
                "flip_indices": list(network.spec.skeleton.flip_indices),
                "input_size": network.spec.input_size_wh,
                "input_center": np.zeros(2, np.float32),
                "input_scale": np.ones(2, np.float32),
            }
        )
        sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
        samples.append(sample)
    inputs = [torch.from_numpy(crop).permute(2, 0, 1) for crop in crops]
    with torch.no_grad():
        predicted = model.test_step({"inputs": inputs, "data_samples": samples})
    return np.stack([sample.pred_fields.heatmaps.numpy() for sample in predicted])


@pytest.mark.parametrize("flip_test", [False, True], ids=["no flip", "flip"])
@pytest.mark.parametrize(
    ("codec", "channels", "test_cfg"),
    [
        (MSRA, 17, "flip_mode='heatmap', shift_heatmap=True"),
        (MSRA, 17, "flip_mode='heatmap'"),
        (UDP, 17, "flip_mode='heatmap', shift_heatmap=False"),
        (COMBINED, 51, "flip_mode='udp_combined', shift_heatmap=False"),
    ],
    ids=["msra shifted", "msra", "udp", "udp combined"],
)
def test_heatmaps_are_mmposes(
    config_of: Callable[..., dict[str, Any]], codec: str, channels: int, test_cfg: str, flip_test: bool
) -> None:
    network = build(config_of(codec, channels, test_cfg))
    crops = noise(3)
    found = network.heatmaps(crops, flip_test=flip_test)
    assert found.shape == (3, channels, 24, 16)
    assert found.dtype == np.float32
    expected = heatmaps_of_mmpose(network, crops, flip_test=flip_test)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_crops_heatmaps_do_not_depend_on_its_batch(config_of: Callable[..., dict[str, Any]]) -> None:
    network = build(config_of())
    crops = noise(5)
    for flip_test in (False, True):
        together = network.heatmaps(crops, flip_test=flip_test)
        for index in range(5):
            alone = network.heatmaps(crops[index : index + 1], flip_test=flip_test)
            np.testing.assert_allclose(alone[0], together[index], rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(96, 64, 3), (1, 64, 96, 3), (1, 3, 96, 64), (1, 96, 64, 1)])
def test_crops_of_another_shape_are_refused(
    config_of: Callable[..., dict[str, Any]], shape: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError, match=r"crops_bgr has shape .* expected \(N, 96, 64, 3\)"):
        build(config_of()).heatmaps(np.zeros(shape, np.uint8), flip_test=False)


# Input, codec, padding, whether the affine is UDP's, shift: read off MMPose's own files.
SPECS = {
    f"{COCO}/td-hm_hrnet-w32_8xb64-210e_coco-256x192.py": ((192, 256), "msra", 17, False, True),
    f"{COCO}/td-hm_hrnet-w32_dark-8xb64-210e_coco-256x192.py": ((192, 256), "dark", 17, False, True),
    f"{COCO}/td-hm_hrnet-w32_udp-8xb64-210e_coco-256x192.py": ((192, 256), "udp", 17, True, False),
    f"{COCO}/td-hm_hrnet-w32_udp-regress-8xb64-210e_coco-256x192.py": (
        (192, 256), "udp_combined", 17, True, False,
    ),
    f"{COCO}/td-hm_mspn50_8xb32-210e_coco-256x192.py": ((192, 256), "megvii", 17, False, False),
    f"{COCO}/td-hm_vipnas-res50_8xb64-210e_coco-256x192.py": ((192, 256), "msra", 17, False, True),
    f"{WHOLEBODY}/td-hm_hrnet-w48_dark-8xb32-210e_coco-wholebody-384x288.py": (
        (288, 384), "dark", 133, False, True,
    ),
    # One of those that pair a UDP codec with the plain affine.
    f"{WHOLEBODY}/cspnext-m_udp_8xb64-210e_coco-wholebody-256x192.py": ((192, 256), "udp", 133, False, False),
}  # fmt: skip


@pytest.mark.parametrize("path", SPECS, ids=[Path(path).stem for path in SPECS])
def test_specs_of_mmposes_configs(path: str) -> None:
    config = configs.read_config(f"mmpose::{path}")
    spec = spec_of(config)
    affine = next(
        step for step in config["test_dataloader"]["dataset"]["pipeline"] if step["type"] == "TopdownAffine"
    )
    size_wh, kind, keypoints, udp_affine, shift = SPECS[path]
    assert spec.input_size_wh == spec.codec.input_size_wh == size_wh
    assert spec.codec.kind == kind
    assert len(spec.skeleton) == keypoints
    assert spec.udp_affine == udp_affine == bool(affine.get("use_udp"))
    assert spec.shift_heatmap == shift
    assert spec.padding == 1.25
    assert spec.flip_mode == ("udp_combined" if kind == "udp_combined" else "heatmap")


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("flip_test", [False, True], ids=["no flip", "flip"])
@pytest.mark.parametrize(
    "path",
    [
        f"{COCO}/td-hm_cpm_8xb64-210e_coco-256x192.py",
        f"{COCO}/td-hm_2xmspn50_8xb32-210e_coco-256x192.py",
        f"{COCO}/td-hm_vipnas-mbv3_8xb64-210e_coco-256x192.py",
        f"{COCO}/td-hm_hrnet-w32_udp-regress-8xb64-210e_coco-256x192.py",
        f"{COCO}/td-hm-vis_res50_8xb64-210e_coco-aic-256x192-merge.py",
        f"{WHOLEBODY}/td-hm_vipnas-mbv3_dark-8xb64-210e_coco-wholebody-256x192.py",
    ],
    ids=lambda path: Path(str(path)).stem,
)
def test_every_kind_of_head_gives_mmposes_heatmaps(path: str, flip_test: bool) -> None:
    network = build(configs.read_config(f"mmpose::{path}"))
    crops = noise(2, network.spec.input_size_wh)
    found = network.heatmaps(crops, flip_test=flip_test)
    width, height = network.spec.codec.heatmap_size_wh
    assert found.shape == (2, network.spec.codec.num_channels(len(network.spec.skeleton)), height, width)
    expected = heatmaps_of_mmpose(network, crops, flip_test=flip_test)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("body_2d_keypoint/rtmpose/coco/rtmpose-t_8xb256-420e_coco-256x192.py", "SimCCLabel"),
        (
            f"{COCO.replace('heatmap', 'regression')}/td-reg_res50_8xb64-210e_coco-256x192.py",
            "RegressionLabel",
        ),
        ("body_2d_keypoint/dekr/coco/dekr_hrnet-w32_8xb10-140e_coco-512x512.py", "BottomupPoseEstimator"),
    ],
)
def test_models_without_top_down_heatmaps_are_refused(path: str, words: str) -> None:
    config = configs.read_config(f"mmpose::{path}")
    with pytest.raises(ConfigError, match=words):
        spec_of(config)


def test_contradictions_in_a_config_are_named(config_of: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(ConfigError, match=r"gives 14 channels, but .*'coco' has 17 keypoints"):
        spec_of(config_of(channels=14))
    config = config_of()
    del config["model"]["head"]["decoder"]
    with pytest.raises(ConfigError, match="has no decoder, so it gives no heatmaps"):
        spec_of(config)
    config = config_of()
    config["test_dataloader"]["dataset"]["pipeline"] = []
    with pytest.raises(ConfigError, match="has no TopdownAffine"):
        spec_of(config)
    with pytest.raises(ConfigError, match=r"model is None"):
        NetworkSpec.from_config({}, {})


def test_a_config_is_not_changed_by_building_it(config_of: Callable[..., dict[str, Any]]) -> None:
    config = config_of()
    config["model"]["backbone"]["init_cfg"] = {"type": "Pretrained", "checkpoint": "/missing/backbone.pth"}
    kept = copy.deepcopy(config)
    build(config)  # a backbone's weights are never looked for
    assert config == kept


def test_a_part_that_is_not_installed_is_named(config_of: Callable[..., dict[str, Any]]) -> None:
    config = config_of()
    config["model"]["backbone"] = {"type": "NoSuchBackbone"}
    with pytest.raises(InstallationError, match="NoSuchBackbone"):
        build(config)


def test_weights_must_be_the_expected_ones(config_of: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    import torch

    config = config_of()
    metainfo = configs.pose_metainfo(config)
    network = build(config)
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": network._model.state_dict()}, path)
    loaded = build_pose_network(config, metainfo, str(path), device="cpu")
    crops = noise(1)
    np.testing.assert_array_equal(
        loaded.heatmaps(crops, flip_test=False), network.heatmaps(crops, flip_test=False)
    )
    with pytest.raises(CheckpointError, match="sha256"):
        build_pose_network(config, metainfo, str(path), sha256="0" * 64, device="cpu")
    with pytest.raises(CheckpointError):
        build_pose_network(config, metainfo, str(tmp_path / "missing.pth"), device="cpu")


def test_a_network_is_represented_by_what_it_is(config_of: Callable[..., dict[str, Any]]) -> None:
    assert repr(build(config_of())) == (
        "PoseNetwork(Skeleton('coco', 17 keypoints, 19 edges), (64, 96), device='cpu')"
    )

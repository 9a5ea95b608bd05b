"""Tiny pose models with random weights, and datasets of noise: for tests of what happens around a network.

The models are real MMPose models (a narrow ResNet and a HeatmapHead) that run in a millisecond; what they
predict means nothing, but it is the same each time. Scores lie roughly between 0 and 1, and some keypoints
of some people have no peak above 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    import fiftyone as fo

BODY = "tiny-body"
OTHER_BODY = "tiny-body-2"
CROWDPOSE = "tiny-crowdpose"
WHOLEBODY = "tiny-wholebody"

# Name: MMPose's data set, its keypoints, the seed of the weights.
MODELS = {
    BODY: ("CocoDataset", 17, 0),
    OTHER_BODY: ("CocoDataset", 17, 1),
    CROWDPOSE: ("CrowdPoseDataset", 14, 2),
    WHOLEBODY: ("CocoWholeBodyDataset", 133, 3),
}
IMAGE_SIZE_WH = (80, 60)

_CONFIG = """
codec = dict(type='MSRAHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=2)
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=8),
    head=dict(
        type='HeatmapHead', in_channels=64, out_channels={keypoints}, deconv_out_channels=(16, 16, 16),
        deconv_kernel_sizes=(4, 4, 4), loss=dict(type='KeypointMSELoss'), decoder=codec),
    test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=True))
test_dataloader = dict(dataset=dict(type='{dataset}', data_mode='topdown', pipeline=[
    dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']), dict(type='PackPoseInputs')]))
"""


def write_tiny_model(folder: Path, dataset: str, keypoints: int, seed: int) -> tuple[Path, Path]:
    """Write the config and the random weights of a tiny model."""
    from fo_pose_plugin.models import openmmlab

    config = folder / f"{dataset}-{seed}.py"
    config.write_text(_CONFIG.format(keypoints=keypoints, dataset=dataset))
    openmmlab.prepare()
    import torch
    from mmengine.config import Config
    from mmengine.registry import DefaultScope
    from mmpose.models import build_pose_estimator

    with torch.random.fork_rng(), DefaultScope.overwrite_default_scope("mmpose"):
        torch.manual_seed(seed)
        model = build_pose_estimator(Config.fromfile(str(config)).model)
        _calibrate(model.eval(), torch.randn(64, 3, 64, 64), torch.linspace(-0.02, 0.9, keypoints))
    checkpoint = config.with_suffix(".pth")
    torch.save({"state_dict": model.state_dict()}, checkpoint)
    return config, checkpoint


def _calibrate(model: Any, noise: Any, scores: Any) -> None:
    """Scale the last layer so that the peak of keypoint k is ``scores[k]`` on an average image."""
    import torch

    final = model.head.final_layer
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                torch.nn.init.kaiming_normal_(module.weight)
        final.bias.zero_()
        peaks = model.head.forward(model.extract_feat(noise)).flatten(2).amax(-1)
        final.weight *= 0.05 / peaks.std(0)[:, None, None, None]
        peaks = model.head.forward(model.extract_feat(noise)).flatten(2).amax(-1)
        final.bias += scores - peaks.mean(0)


def register_tiny_models(*names: str) -> None:
    """Register tiny models in the current registry, those that are not there yet."""
    import fo_pose_plugin as fop
    from fo_pose_plugin.models.registry import registry_home

    known = {spec.name for spec in fop.list_models()}
    folder = registry_home() / "tiny_models"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name not in known:
            fop.add_model(name, *write_tiny_model(folder, *MODELS[name]))


def noise_dataset(dataset: fo.Dataset, folder: Path, people: list[int], **fields: Any) -> fo.Dataset:
    """Add an image of noise per number of people, with as many boxes in ``boxes`` and the given fields.

    Args:
        dataset: An empty dataset.
        folder: Where the images go.
        people: Boxes per image.
        fields: More fields: one value per image.
    """
    import fiftyone as fo

    rng = np.random.default_rng(len(people))
    samples = []
    for index, count in enumerate(people):
        path = folder / f"{index:05}.png"
        width, height = IMAGE_SIZE_WH
        cv2.imwrite(str(path), rng.integers(0, 255, (height, width, 3), dtype=np.uint8))
        sample = fo.Sample(filepath=str(path), **{name: values[index] for name, values in fields.items()})
        sample["boxes"] = fo.Detections(detections=[person_box(rng) for _ in range(count)])
        samples.append(sample)
    dataset.add_samples(samples, dynamic=True, progress=False)
    return dataset


def person_box(rng: np.random.Generator, **attributes: Any) -> fo.Detection:
    """Make a box labelled "person" somewhere in the image."""
    import fiftyone as fo

    x, y = rng.uniform(0, 0.5, 2).tolist()
    width, height = rng.uniform(0.2, 0.5, 2).tolist()
    return fo.Detection(label="person", bounding_box=[x, y, width, height], **attributes)

"""Trains one of the demo's models with MMPose's own transforms, codec, head and loss, on a CPU."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.demo.training.crop_pool import CropPool
from fo_pose_plugin.models.configs import pose_metainfo, read_config
from fo_pose_plugin.models.openmmlab import building

if TYPE_CHECKING:
    import torch

    _Tensors: TypeAlias = tuple[torch.Tensor, ...] | list[torch.Tensor]

__all__ = ["Training", "train"]

WARM_UP = 0.02
LAST_RATE = 0.01
AVERAGED_OVER = 0.998
SAVE_EVERY_S = 120.0
SAY_EVERY_STEPS = 100
# The body's and the feet's keypoints are few beside the face's and the hands'.
BODY_AND_FEET, THEIR_WEIGHT = 23, 2.0


@dataclass(frozen=True, slots=True)
class Training:
    """What to train and for how long.

    Args:
        config: An MMPose config with a ``train_pipeline``.
        weights: Where the weights go, in half precision.
        checkpoint: Where the state goes from which an interrupted training goes on.
        crops: How many crops are seen in all.
        batch_size: Crops per step.
        learning_rate: The highest.
        threads: Of torch.
    """

    config: Path
    weights: Path
    checkpoint: Path
    crops: int
    batch_size: int = 16
    learning_rate: float = 2e-3
    threads: int = 1


def train(training: Training, pool: CropPool, say: Callable[[str], None]) -> None:
    """Train until so many crops were seen; goes on where a former training was interrupted."""
    with building("mmpose"):
        _train(training, pool, say)


def _train(training: Training, pool: CropPool, say: Callable[[str], None]) -> None:
    import torch
    from mmengine.config import Config
    from mmpose.models import build_pose_estimator
    from mmpose.registry import TRANSFORMS

    torch.set_num_threads(training.threads)
    torch.manual_seed(0)
    config = Config.fromfile(str(training.config))
    skeleton = Skeleton.from_metainfo(pose_metainfo(read_config(training.config)))
    model = build_pose_estimator(config.model)
    model.train_cfg = {"compute_acc": False}
    model.init_weights()
    model.train().to(memory_format=torch.channels_last)
    averaged = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=_average, use_buffers=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.learning_rate, weight_decay=1e-4)
    seen = _resume(training.checkpoint, model, averaged, optimizer)
    transforms = [TRANSFORMS.build(step) for step in config.train_pipeline]
    np.random.seed(seen)  # noqa: NPY002 - MMPose's transforms draw from it
    started = saved = time.monotonic()
    before, total = seen, 0.0
    for step, samples in enumerate(_batches(pool, skeleton, transforms, training.batch_size, seen), 1):
        if seen >= training.crops:
            break
        for group in optimizer.param_groups:
            group["lr"] = training.learning_rate * _rate(seen / training.crops)
        loss = _loss(model, samples)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        averaged.update_parameters(model)
        seen += len(samples)
        total += float(loss.detach())
        if step % SAY_EVERY_STEPS == 0:
            speed = (seen - before) / (time.monotonic() - started)
            say(
                f"{training.config.stem}: {seen} of {training.crops} crops, {speed:.1f}/s, "
                f"loss {1e4 * total / SAY_EVERY_STEPS:.2f}e-4"
            )
            total = 0.0
        if time.monotonic() - saved > SAVE_EVERY_S:
            _save(training, model, averaged, optimizer, seen)
            saved = time.monotonic()
    _save(training, model, averaged, optimizer, seen)


def _batches(
    pool: CropPool, skeleton: Skeleton, transforms: list[Callable[[Any], Any]], size: int, seen: int
) -> Iterator[list[dict[str, Any]]]:
    """Give batches of crops, each pass through the pool in an order of its own."""
    rng = np.random.default_rng(seen)
    while True:
        order = rng.permutation(len(pool))
        for start in range(0, len(order) - size + 1, size):
            samples = []
            for index in order[start : start + size]:
                sample: Any = pool.sample(int(index), skeleton, rng)
                sample["keypoints_visible"][:, :BODY_AND_FEET] *= THEIR_WEIGHT if len(skeleton) > 23 else 1
                for transform in transforms:
                    sample = transform(sample)
                samples.append(sample)
            yield samples


def _rate(done: float) -> float:
    """Give the learning rate's factor: up within the first steps, then down along a cosine."""
    if done < WARM_UP:
        return 0.05 + 0.95 * done / WARM_UP
    falling = (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))) / 2
    return LAST_RATE + (1 - LAST_RATE) * falling


def _average(averaged: _Tensors, current: _Tensors, count: torch.Tensor | int) -> None:
    """Move averaged weights towards the current ones, fast at first: what they began with must go."""
    kept = min(AVERAGED_OVER, (1 + float(count)) / (10 + float(count)))
    for mean, value in zip(averaged, current, strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - kept)
        else:
            mean.copy_(value)


def _loss(model: Any, samples: list[dict[str, Any]]) -> torch.Tensor:
    import torch

    batch = {key: [sample[key] for sample in samples] for key in ("inputs", "data_samples")}
    data = model.data_preprocessor(batch, training=True)
    inputs = data["inputs"].contiguous(memory_format=torch.channels_last)
    with _fast_precision():
        features = model.extract_feat(inputs)
    loss: torch.Tensor = model.head.loss(
        tuple(feature.float() for feature in features), data["data_samples"], train_cfg=model.train_cfg
    )["loss_kpt"]
    return loss


def _fast_precision() -> AbstractContextManager[object]:
    """Compute in bfloat16 where the CPU can, which takes half the time."""
    import torch

    if torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.cpu._is_avx512_bf16_supported():
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return nullcontext()


def _resume(path: Path, model: Any, averaged: Any, optimizer: Any) -> int:
    """Load an interrupted training's state; gives how many crops it had seen."""
    import torch

    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    averaged.load_state_dict(state["averaged"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["seen"])


def _save(training: Training, model: Any, averaged: Any, optimizer: Any, seen: int) -> None:
    """Write the state to go on from, and the averaged weights in half precision."""
    import torch

    state = {
        "model": model.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
        "seen": seen,
    }
    weights = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in averaged.module.state_dict().items()
        if not name.startswith("data_preprocessor.")
    }
    for path, content in ((training.checkpoint, state), (training.weights, {"state_dict": weights})):
        temporary = path.with_name(f".{path.name}.tmp")
        torch.save(content, temporary)
        temporary.replace(path)

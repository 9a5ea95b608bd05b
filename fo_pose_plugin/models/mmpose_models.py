"""MMPose's top-down heatmap models: what is known of each without OpenMMLab and without its weights.

Read from ``mmpose_models.json`` beside this file, which `make check-models` makes from the metafiles and
configs in MMPose's wheel, and from building each model once.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.errors import ConfigError
from fo_pose_plugin.models.pose_network import NetworkSpec

__all__ = ["PATH", "ModelCard", "Speed", "Task", "all_cards", "speed_of", "task_of"]

Task: TypeAlias = Literal["body", "wholebody", "hand", "face", "animal", "other"]
Speed: TypeAlias = Literal["fast", "medium", "slow"]

PATH = Path(__file__).with_suffix(".json")
# Multiply-adds of one person, in billions: a class, not a speed, which depends on the layers as well.
FAST_GFLOPS = 2.5
MEDIUM_GFLOPS = 12.0
# MMPose's data sets of animals; some have human joints' names only.
_ANIMALS = frozenset(
    {"Animal Kingdom", "animalpose", "ap10k", "atrw", "fly", "horse10", "locust", "macaque", "zebra"}
)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of one of MMPose's models.

    Args:
        name: The stem of its config's file.
        config: ``mmpose::<path below configs/>``.
        task: What its keypoints are of; fashion is "other".
        dataset: The data set it was tested on, in MMPose's words.
        url: Where its weights are published, or None.
        sha256_prefix: The first 8 digits of their sha256, where they are published.
        ap: Published average precision, 0 to 1 (that of all keypoints for whole-body models), or None.
        metrics: Every other published number, in the unit in which it is published.
        notes: What is odd about it.
        parameters_m: Millions of parameters, counted.
        gflops: Billions of multiply-adds for one person, counted.
        size_mb: How large its weights are, 10^6 bytes; the file is little larger.
        needs: A package that must be installed besides, ``mmpretrain``, or None.
        problem: Why it cannot be used, or None where it can.
        network: What its config says, or None where that contradicts itself.
    """

    name: str
    config: str
    task: Task
    dataset: str
    url: str | None
    sha256_prefix: str | None
    ap: float | None
    metrics: Mapping[str, float]
    notes: tuple[str, ...]
    parameters_m: float
    gflops: float
    size_mb: float
    needs: str | None
    problem: str | None
    network: NetworkSpec | None

    def __post_init__(self) -> None:
        if self.task not in get_args(Task):
            raise ConfigError(f"{self.name}: task {self.task!r} is none of {', '.join(get_args(Task))}")
        if self.network is None and self.problem is None:
            raise ConfigError(f"{self.name} has no network, and no problem that would explain it")

    def __repr__(self) -> str:
        return f"ModelCard({self.name!r}, {self.task!r}, ap={self.ap})"

    @property
    def file_name(self) -> str | None:
        """The name of its weights' file."""
        return None if self.url is None else self.url.rpartition("/")[2]

    @property
    def speed(self) -> Speed:
        """How fast it is, roughly: see `speed_of`."""
        return speed_of(self.gflops)


def speed_of(gflops: float) -> Speed:
    """Tell a speed class by the work that one person takes.

    Args:
        gflops: Billions of multiply-adds.
    """
    if gflops <= FAST_GFLOPS:
        return "fast"
    return "medium" if gflops <= MEDIUM_GFLOPS else "slow"


@functools.cache
def all_cards() -> Mapping[str, ModelCard]:
    """Read all cards, by name: those of one task together, body first.

    Raises:
        ConfigError: If the file is damaged.
    """
    try:
        content = json.loads(PATH.read_text(encoding="utf-8"))
        cards = [_card(item, content) for item in content["models"]]
    except OSError as error:
        raise ConfigError(f"{PATH} cannot be read: {error.strerror}. Install fo-pose-plugin anew") from error
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{PATH} is damaged ({type(error).__name__}: {error}). Install fo-pose-plugin anew"
        ) from error
    return MappingProxyType({card.name: card for card in cards})


def _card(item: Mapping[str, Any], content: Mapping[str, Any]) -> ModelCard:
    network = None
    if item["network"] is not None:
        config, metainfo = content["networks"][item["network"]], content["metainfo"][item["metainfo"]]
        network = NetworkSpec.from_config(config, metainfo)
    return ModelCard(
        name=item["name"],
        config=item["config"],
        task=item["task"],
        dataset=item["dataset"],
        url=item["url"],
        sha256_prefix=item["sha256_prefix"],
        ap=item["ap"],
        metrics=MappingProxyType(item["metrics"]),
        notes=tuple(item["notes"]),
        parameters_m=float(item["parameters_m"]),
        gflops=float(item["gflops"]),
        size_mb=float(item["size_mb"]),
        needs=item["needs"],
        problem=item["problem"],
        network=network,
    )


def task_of(skeleton: Skeleton) -> Task:
    """Tell by its keypoints what a skeleton is of."""
    groups = set(skeleton.groups)
    if {"body", "face", "hands"} <= groups:
        return "wholebody"
    if groups == {"hands"}:
        return "hand"
    if groups == {"face"}:
        return "face"
    names = " ".join(skeleton.keypoint_names).lower()
    if skeleton.name in _ANIMALS or any(part in names for part in ("tail", "paw", "hoof")):
        return "animal"
    return "body" if "wrist" in names and ("ankle" in names or "foot" in names) else "other"

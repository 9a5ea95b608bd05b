"""What is told about models and detectors, whether they are registered or only known.

A registered one is an entry of the user's registry: its weights are on this machine. A known one is a card
of MMPose's or MMDetection's models, whose weights can be fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fo_pose_plugin.errors import ModelError
from fo_pose_plugin.models.mmdet_detectors import DetectorCard, all_detectors
from fo_pose_plugin.models.mmpose_models import ModelCard, Speed, Task, all_cards, task_of
from fo_pose_plugin.models.pose_network import NetworkSpec
from fo_pose_plugin.models.registry import RegistryEntry

__all__ = ["DetectorSpec", "KnownDetector", "KnownModel", "ModelSpec"]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A pose model, in words and numbers.

    Args:
        name: What it is called by.
        task: What its keypoints are of: body, wholebody, hand, face, animal or other.
        keypoints: How many it gives.
        groups: Keypoints per group, e.g. ``{"body": 17, "feet": 6, ...}``.
        input_size_wh: Its input, px.
        codec: How its heatmaps are decoded: msra, dark, udp, udp_combined or megvii.
        weights: The file of its weights; None where it is not registered.
        ap: Its published average precision, 0 to 1, or None.
        skeleton: The data set that defines its keypoints.
        is_here: Whether its weights are on this machine.
        registered: Whether it is in the user's registry; others are fetched and registered at first use.
        dataset: The data set its metrics are published for, or None where nothing is published.
        speed: fast, medium or slow, by the work that one person takes; None where that is not known.
        size_mb: How large its weights are, 10^6 bytes, where that is known.
        needs: A package that must be installed besides, or None.
        problem: Why it cannot be used by this name alone, or None where it can.
    """

    name: str
    task: Task
    keypoints: int
    groups: dict[str, int]
    input_size_wh: tuple[int, int]
    codec: str
    weights: str | None
    ap: float | None
    skeleton: str
    is_here: bool = True
    registered: bool = True
    dataset: str | None = None
    speed: Speed | None = None
    size_mb: float | None = None
    needs: str | None = None
    problem: str | None = None

    def describe(self) -> str:
        """Say what it predicts, in one line."""
        parts = ", ".join(f"{group} {count}" for group, count in self.groups.items())
        what = f"{self.keypoints} keypoints" + (f" ({parts})" if len(self.groups) > 1 else "")
        width, height = self.input_size_wh
        return f"{self.task}: {what}, {width}x{height} input"


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """A person detector.

    Args:
        name: What it is called by.
        classes: How many classes it knows; "person" is one of them.
        weights: The file of its weights; None where it is not registered.
        is_here: Whether its weights are on this machine.
        registered: Whether it is in the user's registry; others are fetched and registered at first use.
        box_ap: Its published box AP on COCO, 0 to 100, or None.
        speed: fast, medium or slow, by the work that one photo takes; None where that is not known.
        size_mb: How large its weights are, 10^6 bytes, where that is known.
        note: What to know before choosing it.
    """

    name: str
    classes: int
    weights: str | None
    is_here: bool = True
    registered: bool = True
    box_ap: float | None = None
    speed: Speed | None = None
    size_mb: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A pose model that can be used by name.

    Args:
        spec: What is told of it.
        network: What its config says.
        entry: What the registry holds of it; None where it must be fetched first.
    """

    spec: ModelSpec
    network: NetworkSpec
    entry: RegistryEntry | None

    @classmethod
    def from_entry(cls, entry: RegistryEntry) -> KnownModel:
        """Tell of a registered model.

        Raises:
            ConfigError: If its config is no top-down heatmap model.
        """
        network = NetworkSpec.from_config(entry.config, entry.metainfo)
        card = all_cards().get(entry.name)
        if card is not None and Path(entry.checkpoint).name != card.file_name:
            card = None  # the user's own, under a name of MMPose's: what is published is not its
        return cls(_model_spec(entry.name, network, entry, card), network, entry)

    @classmethod
    def from_card(cls, card: ModelCard, *, is_here: bool) -> KnownModel:
        """Tell of a model that is not registered.

        Raises:
            ModelError: If nothing is known of its network, saying why.
        """
        if card.network is None:
            raise ModelError(f"the model {card.name!r} cannot be used: {card.problem}")
        return cls(_model_spec(card.name, card.network, None, card, is_here=is_here), card.network, None)

    def require_entry(self) -> RegistryEntry:
        """Give what the registry holds of it.

        Raises:
            ModelError: If it was not fetched yet.
        """
        return _require(self.entry, "models", self.spec.name)


@dataclass(frozen=True, slots=True)
class KnownDetector:
    """A detector that can be used by name.

    Args:
        spec: What is told of it.
        entry: What the registry holds of it; None where it must be fetched first.
    """

    spec: DetectorSpec
    entry: RegistryEntry | None

    @classmethod
    def from_entry(cls, entry: RegistryEntry) -> KnownDetector:
        """Tell of a registered detector."""
        card = all_detectors().get(entry.name)
        published = card if card is not None and Path(entry.checkpoint).name == card.file_name else None
        classes = len(entry.metainfo["classes"])
        is_here = Path(entry.checkpoint).is_file()
        return cls(_detector_spec(entry.name, classes, published, entry.checkpoint, is_here=is_here), entry)

    @classmethod
    def from_card(cls, card: DetectorCard, *, is_here: bool) -> KnownDetector:
        """Tell of a detector that is not registered."""
        return cls(_detector_spec(card.name, card.classes, card, None, is_here=is_here), None)

    def require_entry(self) -> RegistryEntry:
        """Give what the registry holds of it.

        Raises:
            ModelError: If it was not fetched yet.
        """
        return _require(self.entry, "detectors", self.spec.name)


def _require(entry: RegistryEntry | None, command: str, name: str) -> RegistryEntry:
    if entry is None:
        raise ModelError(f"{name!r} is not ready yet: `fo-pose {command} download {name}` brings its weights")
    return entry


def _model_spec(
    name: str,
    network: NetworkSpec,
    entry: RegistryEntry | None,
    card: ModelCard | None,
    *,
    is_here: bool = False,
) -> ModelSpec:
    skeleton = network.skeleton
    return ModelSpec(
        name=name,
        task=task_of(skeleton) if card is None else card.task,
        keypoints=len(skeleton),
        groups={group: len(indices) for group, indices in skeleton.groups.items()},
        input_size_wh=network.input_size_wh,
        codec=network.codec.kind,
        weights=None if entry is None else entry.checkpoint,
        ap=None if card is None else card.ap,
        skeleton=skeleton.name,
        is_here=is_here if entry is None else Path(entry.checkpoint).is_file(),
        registered=entry is not None,
        dataset=None if card is None else card.dataset,
        speed=None if card is None else card.speed,
        size_mb=None if card is None else card.size_mb,
        needs=None if card is None else card.needs,
        problem=None if card is None or entry is not None else _problem_of(card),
    )


def _problem_of(card: ModelCard) -> str | None:
    if card.problem is None and card.url is None:
        return (
            f"no weights of it are published: register your own, `fo-pose models add NAME {card.config} FILE`"
        )
    return card.problem


def _detector_spec(
    name: str, classes: int, card: DetectorCard | None, weights: str | None, *, is_here: bool
) -> DetectorSpec:
    return DetectorSpec(
        name=name,
        classes=classes,
        weights=weights,
        is_here=is_here,
        registered=weights is not None,
        box_ap=None if card is None else card.box_ap,
        speed=None if card is None else card.speed,
        size_mb=None if card is None else card.size_mb,
        note="" if card is None else card.note,
    )

"""The models and detectors that can be used by name: the user's own, then MMPose's and MMDetection's."""

from __future__ import annotations

import difflib
from collections.abc import Generator, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.errors import CheckpointError, ModelError, UnknownModelError
from fo_pose_plugin.models import building, configs, person_detector, registry, weights, weights_cache
from fo_pose_plugin.models.downloads import DownloadProgress
from fo_pose_plugin.models.mmdet_detectors import all_detectors
from fo_pose_plugin.models.mmpose_models import all_cards
from fo_pose_plugin.models.model_specs import DetectorSpec, KnownDetector, KnownModel, ModelSpec
from fo_pose_plugin.models.pose_network import NetworkSpec, PoseNetwork, build_pose_network

if TYPE_CHECKING:
    from fo_pose_plugin.models.person_detector import PersonDetector

__all__ = [
    "DetectorSpec",
    "KnownDetector",
    "KnownModel",
    "ModelSpec",
    "add_detector",
    "add_model",
    "damaged_entries",
    "fetch_detector",
    "fetch_model",
    "find_detector",
    "find_model",
    "list_detectors",
    "list_models",
    "load_detector",
    "load_network",
    "registered_detectors",
    "registered_models",
    "remove_detector",
    "remove_model",
    "run_details",
]

MAX_ALIKE = 5
MAX_REGISTERED = 20
VERSIONED = (
    "fo-pose-plugin",
    "fiftyone",
    "torch",
    "mmengine",
    "mmcv",
    "mmcv-lite",
    "mmdet",
    "mmpose",
    "mmpretrain",
    "numpy",
)


def add_model(
    name: str,
    config: str | Path,
    checkpoint: str | Path,
    *,
    overwrite: bool = False,
    allow_custom_imports: bool = False,
) -> ModelSpec:
    """Register a pose model of one's own.

    The config is a Python program: it is run once, here, and kept as data; the weights stay where they are
    and their sha256 is kept. Both are built and loaded once before anything is registered.

    Args:
        name: Letters, digits, dots, dashes and underscores.
        config: An MMPose config of a top-down heatmap model; ``mmpose::...`` paths are understood.
        checkpoint: Its weights.
        overwrite: Replace a model of that name.
        allow_custom_imports: Let the config import modules of its own, now and whenever it is built.

    Raises:
        ModelError: If the name is taken, or cannot be one.
        ConfigError: If the config is no top-down heatmap model.
        CheckpointError: If the weights are not this model's.
    """
    registry.check_name_is_free("model", name, overwrite=overwrite)
    resolved = configs.read_config(config, allow_custom_imports=allow_custom_imports)
    metainfo = configs.pose_metainfo(resolved)
    NetworkSpec.from_config(resolved, metainfo)
    path, sha256 = _weights_of(checkpoint)
    build_pose_network(resolved, metainfo, str(path), sha256=sha256, device="cpu")
    registry.save_entry(
        registry.new_entry("model", name, resolved, metainfo, checkpoint=str(path), checkpoint_sha256=sha256),
        overwrite=overwrite,
    )
    return find_model(name).spec


def add_detector(
    name: str,
    config: str | Path,
    checkpoint: str | Path,
    *,
    overwrite: bool = False,
    allow_custom_imports: bool = False,
) -> DetectorSpec:
    """Register an MMDetection detector that knows the class "person"; see `add_model` for the arguments."""
    registry.check_name_is_free("detector", name, overwrite=overwrite)
    resolved = configs.read_config(config, allow_custom_imports=allow_custom_imports)
    classes = person_detector.detector_classes(resolved)
    path, sha256 = _weights_of(checkpoint)
    person_detector.build_person_detector(resolved, classes, str(path), sha256=sha256, device="cpu")
    metainfo = {"classes": list(classes)}
    registry.save_entry(
        registry.new_entry(
            "detector", name, resolved, metainfo, checkpoint=str(path), checkpoint_sha256=sha256
        ),
        overwrite=overwrite,
    )
    return find_detector(name).spec


def _weights_of(checkpoint: str | Path) -> tuple[Path, str]:
    path = Path(checkpoint).expanduser().absolute()
    if not path.is_file():
        raise CheckpointError(f"weights {path} are not there, or no file")
    return path, weights.sha256_of(path)


def fetch_model(name: str) -> Generator[DownloadProgress, None, KnownModel]:
    """Make a model ready: download its weights, if they are not here, and register it under its own name.

    Yields:
        How far the download is.

    Returns:
        The registered model; at once where it is registered already.

    Raises:
        UnknownModelError: If there is none of that name.
        ModelError: If it cannot be used, saying why.
        InstallationError: If a package that it needs is missing.
        DownloadError: If the weights cannot be had; the message says what to put where.
        CheckpointError: If the weights are not this model's.
    """
    known = find_model(name)
    if known.entry is None:
        card = all_cards()[name]
        if known.spec.problem is not None or card.url is None:
            raise ModelError(f"the model {name!r} cannot be used: {known.spec.problem}")
        building.require_package(card.needs)
        path = yield from weights_cache.fetch(card.url, card.sha256_prefix)
        add_model(name, card.config, path, overwrite=True)
    return find_model(name)


def fetch_detector(name: str) -> Generator[DownloadProgress, None, KnownDetector]:
    """Make a detector ready, as `fetch_model` does a model."""
    if find_detector(name).entry is None:
        card = all_detectors()[name]
        path = yield from weights_cache.fetch(card.url, card.sha256_prefix)
        add_detector(name, card.config, path, overwrite=True)
    return find_detector(name)


def find_model(name: str) -> KnownModel:
    """Look a model up: in the registry first, then among MMPose's.

    Raises:
        UnknownModelError: If there is none of that name; it names those that are like it.
        ModelError: If nothing is known of its network.
        ConfigError: If its entry is damaged.
    """
    card = all_cards().get(name)
    if name in registry.list_names("model") or card is None:
        return KnownModel.from_entry(_entry("model", name, all_cards()))
    return KnownModel.from_card(card, is_here=card.file_name in _files_here())


def find_detector(name: str) -> KnownDetector:
    """Look a detector up; raises as `find_model` does."""
    card = all_detectors().get(name)
    if name in registry.list_names("detector") or card is None:
        return KnownDetector.from_entry(_entry("detector", name, all_detectors()))
    return KnownDetector.from_card(card, is_here=card.file_name in _files_here())


def _entry(kind: registry.Kind, name: str, known: Iterable[str]) -> registry.RegistryEntry:
    try:
        return registry.load_entry(kind, name)
    except UnknownModelError as error:
        registered = registry.list_names(kind)
        alike = _alike(name, [*registered, *known])
        raise UnknownModelError(
            f"there is no {kind} {name!r}. "
            + (f"Like it: {', '.join(alike)}. " if alike else "")
            + (f"Registered: {', '.join(registered[:MAX_REGISTERED])}. " if registered else "")
            + f"`fo-pose {kind}s list` names all; fo_pose_plugin.add_{kind} adds one of your own"
        ) from error


def _alike(name: str, names: Sequence[str]) -> list[str]:
    """Name those that hold the text, or else those that are spelt much like it."""
    holding = [each for each in names if name and name.lower() in each.lower()]
    return holding[:MAX_ALIKE] or difflib.get_close_matches(name, names, n=MAX_ALIKE)


def _files_here() -> frozenset[str]:
    """Name the files in the folder of downloaded weights."""
    try:
        return frozenset(path.name for path in weights_cache.weights_folder().iterdir())
    except OSError:
        return frozenset()  # none yet, or not to be read: whoever fetches is told


def list_models(task: str | None = None) -> list[ModelSpec]:
    """List the pose models: the registered ones by name, then those of MMPose's that are not registered.

    Args:
        task: Only those of one task: body, wholebody, hand, face, animal or other.
    """
    registered = registered_models()
    taken, here = set(registry.list_names("model")), _files_here()
    cards = [card for card in all_cards().values() if card.name not in taken and card.network is not None]
    known = [KnownModel.from_card(card, is_here=card.file_name in here).spec for card in cards]
    return [spec for spec in (*registered, *known) if task is None or spec.task == task]


def list_detectors() -> list[DetectorSpec]:
    """List the detectors: the registered ones by name, then the known ones that are not registered."""
    taken, here = set(registry.list_names("detector")), _files_here()
    cards = [card for card in all_detectors().values() if card.name not in taken]
    known = [KnownDetector.from_card(card, is_here=card.file_name in here).spec for card in cards]
    return [*registered_detectors(), *known]


def registered_models() -> list[ModelSpec]:
    """List the models of the user's registry, by name."""
    return [KnownModel.from_entry(entry).spec for entry in registry.list_entries("model").entries]


def registered_detectors() -> list[DetectorSpec]:
    """List the detectors of the user's registry, by name."""
    return [KnownDetector.from_entry(entry).spec for entry in registry.list_entries("detector").entries]


def damaged_entries() -> dict[str, str]:
    """Say of each registered model or detector that cannot be read why; the lists leave them out."""
    return {**registry.list_entries("model").damaged, **registry.list_entries("detector").damaged}


def remove_model(name: str) -> None:
    """Forget a registered model; its weights stay where they are."""
    registry.remove_entry("model", name)


def remove_detector(name: str) -> None:
    """Forget a registered detector; its weights stay where they are."""
    registry.remove_entry("detector", name)


def load_network(model: KnownModel, *, device: str | None = None) -> PoseNetwork:
    """Build a registered model; its weights must still be the ones that were registered."""
    entry = model.require_entry()
    return build_pose_network(
        entry.config, entry.metainfo, entry.checkpoint, sha256=entry.checkpoint_sha256, device=device
    )


def load_detector(detector: KnownDetector, *, device: str | None = None) -> PersonDetector:
    """Build a registered detector; its weights must still be the ones that were registered."""
    entry = detector.require_entry()
    return person_detector.build_person_detector(
        entry.config,
        entry.metainfo["classes"],
        entry.checkpoint,
        sha256=entry.checkpoint_sha256,
        device=device,
    )


def run_details(model: KnownModel, detector: KnownDetector | None) -> dict[str, Any]:
    """Collect what a run's record keeps about its models, besides what decides the result."""
    versions = {}
    for package in VERSIONED:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    network, entry = model.network, model.require_entry()
    return {
        "config": configs.to_json(entry.config),
        "weights": entry.checkpoint,
        "keypoints": list(network.skeleton.keypoint_names),
        "skeleton": network.skeleton.name,
        "codec": network.codec.kind,
        "input_size_wh": list(network.input_size_wh),
        "heatmap_size_wh": list(network.codec.heatmap_size_wh),
        "udp_affine": network.udp_affine,
        "detector_weights": None if detector is None else detector.require_entry().checkpoint,
        "versions": versions,
    }

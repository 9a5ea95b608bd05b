"""The models and detectors that can be used by name, for whoever stands above the tasks."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from fo_pose_plugin.errors import ModelError
from fo_pose_plugin.models import building, catalog, registry, weights_cache
from fo_pose_plugin.models.catalog import (
    DetectorSpec,
    KnownDetector,
    KnownModel,
    ModelSpec,
    add_detector,
    add_model,
    damaged_entries,
    list_detectors,
    list_models,
    remove_detector,
    remove_model,
)
from fo_pose_plugin.models.downloads import DownloadProgress
from fo_pose_plugin.models.mmdet_detectors import all_detectors
from fo_pose_plugin.models.mmpose_models import Task, all_cards
from fo_pose_plugin.tasks.download_bar import follow_download

if TYPE_CHECKING:
    from fo_pose_plugin.tasks.download_bar import DownloadCallback

__all__ = [
    "DetectorSpec",
    "DownloadProgress",
    "Kind",
    "ModelSpec",
    "Removal",
    "Task",
    "add_detector",
    "add_model",
    "best_first",
    "check_usable",
    "damaged_entries",
    "download_detector",
    "download_model",
    "forget",
    "list_detectors",
    "list_models",
    "obstacle",
    "remove_detector",
    "remove_model",
    "unusable_models",
]

Kind: TypeAlias = Literal["model", "detector"]
Spec = TypeVar("Spec", ModelSpec, DetectorSpec)


def best_first(specs: Sequence[Spec]) -> list[Spec]:
    """Order models or detectors: those whose weights are here first, and the more precise before the less."""
    return sorted(specs, key=lambda spec: (not spec.is_here, -(_precision(spec) or -1.0), spec.name))


def _precision(spec: ModelSpec | DetectorSpec) -> float | None:
    return spec.ap if isinstance(spec, ModelSpec) else spec.box_ap


def obstacle(spec: ModelSpec | DetectorSpec) -> str | None:
    """Say what keeps a model or detector from being used, or None where nothing does."""
    if isinstance(spec, DetectorSpec):
        return None
    if spec.problem is not None:
        return spec.problem
    missing = spec.needs is not None and importlib.util.find_spec(spec.needs) is None
    return f"needs {spec.needs}, which is not installed" if missing else None


def check_usable(spec: ModelSpec | DetectorSpec) -> None:
    """Refuse a model that cannot be used.

    Raises:
        ModelError: Saying why.
        InstallationError: If a package is missing; it gives the command that brings it.
    """
    if isinstance(spec, ModelSpec):
        if spec.problem is not None:
            raise ModelError(f"the model {spec.name!r} cannot be used: {spec.problem}")
        building.require_package(spec.needs)


def unusable_models(task: str | None = None) -> dict[str, str]:
    """Say of each of MMPose's models that `list_models` leaves out why: nothing is known of its network."""
    left_out = [card for card in all_cards().values() if card.network is None]
    return {card.name: card.problem or "" for card in left_out if task is None or card.task == task}


def download_model(name: str, progress: bool | DownloadCallback | None = None) -> ModelSpec:
    """Make one of MMPose's models ready: its weights are downloaded once, checked, and registered.

    Weights that someone has put into the folder of downloaded weights are taken from there.

    Args:
        name: One of `list_models`.
        progress: True or False for a bar on the terminal, a function for each step, None for a bar where
            the standard error is a terminal.

    Returns:
        The model; at once where it is ready already.

    Raises:
        UnknownModelError: If there is none of that name.
        DownloadError: If its weights cannot be had; the message says which file to put where.
        CheckpointError: If they are not this model's.
        ModelError: If it cannot be used, saying why.
    """
    return follow_download(name, catalog.fetch_model(name), progress).spec


def download_detector(name: str, progress: bool | DownloadCallback | None = None) -> DetectorSpec:
    """Make one of the known detectors ready; see `download_model`."""
    return follow_download(name, catalog.fetch_detector(name), progress).spec


@dataclass(frozen=True, slots=True)
class Removal:
    """What is left of a model or detector that was removed.

    Args:
        weights: The file of its weights, or None where none was known.
        freed_bytes: What deleting it has freed; 0 where it was kept.
        kept_because: Why it was kept although it was to be deleted, or None.
    """

    weights: Path | None
    freed_bytes: int = 0
    kept_because: str | None = None


def forget(kind: Kind, name: str, *, weights: bool = False) -> Removal:
    """Remove a model or detector from the registry, and its downloaded weights where that is asked for.

    Args:
        kind: ``model`` or ``detector``.
        name: Its name. One that is not registered, but whose weights were downloaded, can be named too.
        weights: Delete the file too, if it was downloaded and no other model uses it.

    Raises:
        UnknownModelError: If there is none of that name.
        ModelError: If nothing of it is here, or the file cannot be deleted.
    """
    registered = name in registry.list_names(kind)
    file = _weights_file(kind, name, registered=registered)
    if not registered and file is None:
        raise ModelError(f"nothing of the {kind} {name!r} is here: there is nothing to remove")
    if registered:
        registry.remove_entry(kind, name)
    if file is None or not weights:
        return Removal(file)
    if file.parent != weights_cache.weights_folder():
        return Removal(file, kept_because="it was not downloaded by fo-pose")
    users = _users_of(file)
    if users:
        return Removal(file, kept_because=f"{', '.join(users)} uses it too")
    return Removal(file, freed_bytes=weights_cache.remove(file.name))


def _weights_file(kind: Kind, name: str, *, registered: bool) -> Path | None:
    if registered:
        listing = registry.list_entries(kind)
        return next((Path(entry.checkpoint) for entry in listing.entries if entry.name == name), None)
    known: KnownModel | KnownDetector = (
        catalog.find_model(name) if kind == "model" else catalog.find_detector(name)
    )
    card = all_cards()[known.spec.name] if kind == "model" else all_detectors()[known.spec.name]
    return None if card.file_name is None else weights_cache.find(card.file_name)


def _users_of(file: Path) -> list[str]:
    entries = [*registry.list_entries("model").entries, *registry.list_entries("detector").entries]
    return [entry.name for entry in entries if Path(entry.checkpoint) == file]

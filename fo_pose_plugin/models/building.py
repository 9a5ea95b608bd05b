"""Builds a network of OpenMMLab's from its resolved config: what pose networks and detectors share."""

from __future__ import annotations

import copy
import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from fo_pose_plugin.errors import InstallationError, ModelError
from fo_pose_plugin.models import openmmlab, weights

if TYPE_CHECKING:
    import torch

__all__ = [
    "assembling",
    "build_network",
    "choose_device",
    "drop_pretrained",
    "needed_extra",
    "require_package",
]

# Packages that few models need, by the extra that brings them.
_EXTRAS = {"mmpretrain": "vitpose"}


def build_network(
    config: Mapping[str, Any],
    scope: Literal["mmpose", "mmdet"],
    checkpoint: str | None,
    *,
    sha256: str | None,
    device: str | None,
) -> tuple[torch.nn.Module, str]:
    """Build a config's model and load its weights.

    Args:
        config: What ``models.configs.read_config`` gave.
        scope: The package whose model it is.
        checkpoint: The weights' file, or None for random weights.
        sha256: What the file must hash to.
        device: See `choose_device`.

    Returns:
        The model, in evaluation mode, and the device it is on.

    Raises:
        InstallationError: If OpenMMLab, or a package that this one model needs, is missing.
        CheckpointError: If the weights do not fit or are not the expected ones.
        ModelError: If the device is not there.
    """
    model_config = copy.deepcopy(dict(config["model"]))
    drop_pretrained(model_config)
    with assembling(config, scope):
        from mmengine.config import ConfigDict
        from mmengine.model import revert_sync_batchnorm

        registry = importlib.import_module(f"{scope}.registry")
        # SyncBatchNorm needs a process group in training; to evaluate, both compute the same.
        model: torch.nn.Module = revert_sync_batchnorm(registry.MODELS.build(ConfigDict(model_config)))
    if checkpoint is not None:
        weights.load_into(model, checkpoint, sha256=sha256)
    chosen = choose_device(device)
    return model.to(chosen).eval(), chosen


@contextmanager
def assembling(config: Mapping[str, Any], scope: Literal["mmpose", "mmdet"]) -> Iterator[None]:
    """Prepare OpenMMLab for building a config's parts while the block runs.

    Raises:
        InstallationError: If OpenMMLab, or a package that holds one of the parts, is missing.
        ConfigError: If a module of the user's that the config names cannot be imported.
    """
    require_package(needed_extra(config))
    with openmmlab.building(scope, _custom_imports(config)):
        try:
            yield
        except KeyError as error:
            raise InstallationError(
                f"the model needs a part that is not installed: {error.args[0] if error.args else error}"
            ) from error


def needed_extra(config: Mapping[str, Any]) -> str | None:
    """Name the package, beyond those that every model needs, that a config's model is built from.

    Args:
        config: What ``models.configs.read_config`` gave.

    Returns:
        ``mmpretrain``, or None.
    """
    scopes = {str(kind).partition(".")[0] for kind in _types(config["model"])}
    return next((package for package in _EXTRAS if package in scopes), None)


def require_package(package: str | None) -> None:
    """See that a package which few models need is there.

    Args:
        package: What `needed_extra` gave.

    Raises:
        InstallationError: If it is missing; it names the command that brings it.
    """
    if package is not None and importlib.util.find_spec(package) is None:
        raise InstallationError(
            f"the model needs {package}, which is not installed: "
            f"run `fo-pose install --extra {_EXTRAS[package]}`"
        )


def choose_device(device: str | None = None) -> str:
    """Name the device to run on.

    Args:
        device: A name that torch knows, or None for the first GPU and else the CPU.

    Raises:
        ModelError: If torch does not know it or it is not there.
    """
    import torch

    if device is None:
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device)
    except RuntimeError as error:
        raise ModelError(f"device {device!r} is unknown; use cpu, cuda or cuda:0") from error
    if kind.type == "cuda" and (kind.index or 0) >= torch.cuda.device_count():
        raise ModelError(
            f"device {device!r} is not there: torch sees {torch.cuda.device_count()} CUDA devices; use cpu"
        )
    return str(kind)


def _custom_imports(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the modules of the user's that a resolved config needs; whoever added it has allowed them."""
    imports = (config.get("custom_imports") or {}).get("imports") or ()
    return (imports,) if isinstance(imports, str) else tuple(map(str, imports))


def drop_pretrained(node: Any) -> None:
    """Remove every ``init_cfg``, in place: building must never download a backbone's weights."""
    if isinstance(node, dict):
        node.pop("init_cfg", None)
    for child in _children(node):
        drop_pretrained(child)


def _types(node: Any) -> Iterator[Any]:
    if isinstance(node, Mapping):
        yield node.get("type")
    for child in _children(node):
        yield from _types(child)


def _children(node: Any) -> Sequence[Any]:
    if isinstance(node, Mapping):
        return list(node.values())
    return node if isinstance(node, list | tuple) else ()

"""Turns an OpenMMLab config file into data, once, and reads keypoints and skeleton from that data.

A resolved config holds what a network is built and fed from, as plain dictionaries, lists, tuples,
texts and numbers:
    model                   the network
    test_dataloader         ``dataset``: its type, metainfo and pipeline (no paths, no annotations)
    codec, test_pipeline, default_scope, custom_imports, ...    where the file has them
Training, logging and data paths are left out, so that neither they nor a change in them matter.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fo_pose_plugin.errors import ConfigError
from fo_pose_plugin.models import openmmlab
from fo_pose_plugin.models.config_json import config_sha256, from_json, to_json
from fo_pose_plugin.models.config_source import check_source, is_openmmlab

__all__ = ["config_sha256", "from_json", "pose_metainfo", "read_config", "to_json"]

_KEPT = ("default_scope", "model", "codec", "data_mode", "dataset_type", "test_pipeline", "val_pipeline")
_KEPT_OF_DATASET = ("type", "subset", "data_mode", "metainfo", "pipeline")
# The former name of a package that configs of MMPose's still use.
_FORMER_SCOPE, _SCOPE = "mmcls.", "mmpretrain."
# Its keypoints depend on the subset, so that its class has no metainfo of its own.
_WITH_SUBSETS = "DeepFashionDataset"
# Whatever executing a config may raise that is the config's fault.
_CONFIG_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def read_config(path: str | Path, *, allow_custom_imports: bool = False) -> dict[str, Any]:
    """Execute a config file once and keep what it says.

    Args:
        path: A .py file, or ``mmpose::...`` / ``mmdet::...`` for one that comes with the package.
        allow_custom_imports: Whether the config may run code: import modules (its ``custom_imports``
            too) and call functions.

    Returns:
        The resolved config; see the top of this file.

    Raises:
        ConfigError: If the file cannot be read or executed, may not run, or holds what is no data.
        InstallationError: If OpenMMLab is missing.
    """
    openmmlab.check_installed()
    file = _config_file(str(path))
    if not allow_custom_imports:
        check_source(file)
    whole = _executed(file, allow_custom_imports=allow_custom_imports)
    if not isinstance(whole.get("model"), Mapping):
        raise ConfigError(f"the config {file} has no model: give a model's config, not a part of one")
    imports = [name for name in _imports_of(whole, file) if not is_openmmlab(name)]
    if imports and not allow_custom_imports:
        raise ConfigError(
            f"the config {file} has custom_imports ({', '.join(imports)}): these modules would be run. "
            "Where you trust them, say so: `--allow-custom-imports` at the command line"
        )
    _modernise(whole["model"])
    config = {key: whole[key] for key in _KEPT if key in whole}
    for loader in ("test_dataloader", "val_dataloader"):
        dataset = (whole.get(loader) or {}).get("dataset")
        if dataset:
            config[loader] = {"dataset": _kept_dataset(dataset, file, allow_custom_imports)}
            break
    if imports:
        config["custom_imports"] = {"imports": imports, "allow_failed_imports": False}
    # A type written as a class, a function, an array: found here, where the file can still be named.
    try:
        return from_json(to_json(config))
    except ConfigError as error:
        raise ConfigError(f"the config {file} cannot be kept: {error}") from error


def pose_metainfo(config: Mapping[str, Any]) -> dict[str, Any]:
    """Read a pose config's keypoints and skeleton.

    Args:
        config: What `read_config` gave. Nothing of the user's is executed.

    Returns:
        ``name`` of the data set; ``keypoint_count`` K; ``keypoint_names`` K texts; ``edges`` pairs of
        indices; ``flip_indices`` K, each keypoint's mirror image; ``sigmas`` K floats for OKS, or None.

    Raises:
        ConfigError: If the config names no data set, or the data set's metainfo is incomplete.
        InstallationError: If OpenMMLab is missing.
    """
    raw = _raw_metainfo(config)
    try:
        points = dict(sorted((int(index), info) for index, info in raw["keypoint_info"].items()))
        names = [str(info["name"]) for info in points.values()]
        index_of = {name: index for index, name in enumerate(names)}
        mirrored = [info.get("swap") or name for name, info in zip(names, points.values(), strict=True)]
        links = [info["link"] for _, info in sorted(raw["skeleton_info"].items())]
        edges = [[index_of[start], index_of[end]] for start, end in links]
        flip_indices = [index_of[name] for name in mirrored]
        sigmas = [float(sigma) for sigma in raw.get("sigmas") or ()]
        name = str(raw["dataset_name"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"the data set's metainfo is incomplete: {type(error).__name__} {error}") from error
    if list(points) != list(range(len(points))) or len(index_of) != len(names):
        raise ConfigError(f"the keypoints of {name!r} are not numbered from 0 on, or share a name")
    if len(sigmas) not in (0, len(names)):
        raise ConfigError(f"{name!r} has {len(names)} keypoints but {len(sigmas)} sigmas")
    return {
        "name": name,
        "keypoint_count": len(names),
        "keypoint_names": names,
        "edges": edges,
        "flip_indices": flip_indices,
        "sigmas": sigmas or None,
    }


def _config_file(path: str) -> Path:
    scope, external, inside = path.partition("::")
    if not external:
        return Path(path).expanduser().absolute()
    spec = importlib.util.find_spec(scope) if is_openmmlab(scope) else None
    if spec is None or spec.origin is None:
        raise ConfigError(f"{path}: expected mmpose:: or mmdet:: before the two colons, got {scope!r}")
    return Path(spec.origin).parent / ".mim" / "configs" / inside


def _executed(file: Path, *, allow_custom_imports: bool) -> dict[str, Any]:
    with openmmlab.quiet():
        from mmengine.config import Config

        try:
            config = Config.fromfile(
                str(file), import_custom_modules=allow_custom_imports, format_python_code=False
            )
            whole: dict[str, Any] = config.to_dict()
        except _CONFIG_FAULTS as error:
            raise ConfigError(f"the config {file} fails: {type(error).__name__}: {error}") from error
    return whole


def _imports_of(whole: Mapping[str, Any], file: Path) -> list[str]:
    stated = whole.get("custom_imports") or {}
    imports = stated.get("imports", ()) if isinstance(stated, Mapping) else None
    listed = [imports] if isinstance(imports, str) else imports
    if not isinstance(listed, Sequence) or not all(isinstance(name, str) for name in listed):
        raise ConfigError(f"the config {file} has custom_imports {stated!r}, expected dict(imports=[names])")
    return list(listed)


def _modernise(node: Any) -> None:
    """Bring parts written for mmcls up to mmpretrain, its name since 1.0, in place.

    Its vision transformer says by ``out_type`` what ``output_cls_token`` said before.
    """
    if isinstance(node, dict):
        kind = node.get("type")
        if isinstance(kind, str) and kind.startswith(_FORMER_SCOPE):
            node["type"] = _SCOPE + kind.removeprefix(_FORMER_SCOPE)
            if "output_cls_token" in node:
                node["out_type"] = "cls_token" if node.pop("output_cls_token") else "featmap"
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ()
    for child in children:
        _modernise(child)


def _kept_dataset(dataset: Mapping[str, Any], file: Path, allow: bool) -> dict[str, Any]:
    """Keep a data set's description, and those of the data sets it wraps."""
    kept = {key: dataset[key] for key in _KEPT_OF_DATASET if key in dataset}
    metainfo = kept.get("metainfo")
    if isinstance(metainfo, Mapping) and "from_file" in metainfo:
        kept["metainfo"] = _dataset_info(_metainfo_file(str(metainfo["from_file"]), file), allow)
    if isinstance(dataset.get("dataset"), Mapping):
        kept["dataset"] = _kept_dataset(dataset["dataset"], file, allow)
    if isinstance(dataset.get("datasets"), list | tuple):
        kept["datasets"] = [_kept_dataset(part, file, allow) for part in dataset["datasets"]]
    return kept


def _metainfo_file(stated: str, config_file: Path | None) -> Path:
    """Find a data set's file: relative to the config or a folder above it, or else in MMPose's wheel.

    MMPose tries the working directory first, and would read another file in another one.
    """
    places = [] if config_file is None else [folder / stated for folder in config_file.parents]
    spec = importlib.util.find_spec("mmpose")
    if spec is not None and spec.origin is not None:
        inside = Path(spec.origin).parent / ".mim"
        places += [inside / stated, inside / "configs" / "_base_" / "datasets" / Path(stated).name]
    for place in places:
        if place.is_file():
            return place
    raise ConfigError(
        f"the data set's file {stated!r} is neither beside the config, nor above it, nor in MMPose: "
        "state its absolute path in metainfo.from_file"
    )


def _dataset_info(file: Path, allow_custom_imports: bool) -> dict[str, Any]:
    if not allow_custom_imports:
        check_source(file)
    info = _executed(file, allow_custom_imports=allow_custom_imports).get("dataset_info")
    if not isinstance(info, dict):
        raise ConfigError(f"the data set's file {file} has no dataset_info")
    return info


def _raw_metainfo(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the metainfo in the config, or else that of the data set's class in MMPose."""
    loader = config.get("test_dataloader") or config.get("val_dataloader") or {}
    dataset: Any = loader.get("dataset")
    types = []
    subset = None
    while isinstance(dataset, Mapping):
        if dataset.get("metainfo"):
            found: Mapping[str, Any] = dataset["metainfo"]
            return found
        types.append(dataset.get("type"))
        subset = dataset.get("subset")
        parts = dataset.get("datasets") or ()
        dataset = dataset.get("dataset") or (parts[0] if parts else None)
    if not types or not isinstance(types[-1], str):
        raise ConfigError("the config has no test_dataloader.dataset with metainfo or a type: give it one")
    with openmmlab.building("mmpose"):
        from mmpose.registry import DATASETS

        dataset_class = DATASETS.get(types[-1])
    metainfo = getattr(dataset_class, "METAINFO", None)
    if not metainfo and types[-1] == _WITH_SUBSETS and subset:
        metainfo = {"from_file": f"configs/_base_/datasets/deepfashion_{subset}.py"}
    if not metainfo:
        raise ConfigError(
            f"MMPose's data set {types[-1]!r} is unknown or has no metainfo: give the config one"
        )
    if "from_file" in metainfo:
        return _dataset_info(_metainfo_file(str(metainfo["from_file"]), None), allow_custom_imports=False)
    plain: Mapping[str, Any] = metainfo
    return plain

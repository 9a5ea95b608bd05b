"""Reads MMPose's metafiles in the installed wheel: weights, checksums and metrics of its models.

``mmpose/.mim/model-index.yml`` names the metafiles; each lists models by the path of their config. The
configs that are there decide what is listed: one without an entry is listed all the same, and an entry that
belongs to none is returned as left out, with the reason. What users see is made from this once, see
``models.mmpose_models``; so this is read by `make check-models` and by tests.
"""

from __future__ import annotations

import importlib.util
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from fo_pose_plugin.errors import ConfigError, InstallationError

__all__ = ["LeftOut", "Metafiles", "PublishedModel", "read_metafiles"]

METHOD = "topdown_heatmap"
ROOMS = (
    "body_2d_keypoint",
    "wholebody_2d_keypoint",
    "hand_2d_keypoint",
    "face_2d_keypoint",
    "animal_2d_keypoint",
    "fashion_2d_keypoint",
)
CHECKSUM = re.compile(r"-([0-9a-f]{8})_\d{8}\.pth$")
# What the second of two entries of one name was measured with, as the tables of MMPose's documentation
# head them; the metafiles themselves do not say it.
SECOND_RESULT = {"JHMDB": "by torso size", "PoseTrack18": "detected boxes"}

Entry: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A top-down heatmap config of MMPose's, and what its metafiles say of it.

    Args:
        name: The stem of the config's file; no two configs share it.
        config: Its path as ``models.configs.read_config`` takes it, e.g. ``mmpose::body_2d_keypoint/...``.
        room: The folder of its task, e.g. ``body_2d_keypoint``.
        dataset: The data set it was tested on, in MMPose's words.
        url: Where its weights are, or None where none are published.
        sha256_prefix: The first 8 hexadecimal digits of their sha256, where the address holds them.
        ap: Average precision, 0 to 1; for whole-body models that of all keypoints. None where another
            metric is published.
        metrics: Every other published number, as it is published: some are percentages. Those of a second
            data set or a second way to test bear its name in parentheses.
        notes: What is odd about its entry.
    """

    name: str
    config: str
    room: str
    dataset: str
    url: str | None = None
    sha256_prefix: str | None = None
    ap: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def file_name(self) -> str | None:
        """The name of the weights' file."""
        return None if self.url is None else self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Entries of the metafiles that belong to no model listed here, and why."""

    what: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Metafiles:
    """What the wheel's metafiles and configs give.

    Args:
        files: How many metafiles there are.
        models: One per top-down heatmap config, by the folders of `ROOMS` and then by path.
        left_out: Everything else that the metafiles hold.
    """

    files: int
    models: tuple[PublishedModel, ...]
    left_out: tuple[LeftOut, ...]


def read_metafiles(root: Path | None = None) -> Metafiles:
    """Read the metafiles; takes about a second, and executes nothing.

    Args:
        root: The folder with ``model-index.yml`` and ``configs``; None for that of the installed MMPose.

    Raises:
        InstallationError: If MMPose is missing.
        ConfigError: If a metafile is not there or is none.
    """
    root = _wheels_folder() if root is None else root
    index = _yaml(root / "model-index.yml").get("Import") or ()
    entries = [entry for path in index for entry in _yaml(root / path).get("Models") or ()]
    configs = _configs(root)
    entries_of, strays = _assigned(entries, configs)
    datasets = _datasets_of_folders(entries_of)
    models = [_model(path, entries_of.get(path, ()), datasets) for path in configs]
    return Metafiles(len(index), tuple(_with_shared_addresses(models)), tuple(_left_out(strays)))


def _wheels_folder() -> Path:
    spec = importlib.util.find_spec("mmpose")
    if spec is None or spec.origin is None:
        raise InstallationError("MMPose is not installed, so its metafiles cannot be read: `fo-pose install`")
    return Path(spec.origin).parent / ".mim"


def _yaml(path: Path) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both are safe
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"MMPose's metafile {path} cannot be read: {error}. Install MMPose anew") from error
    return content if isinstance(content, dict) else {}


def _configs(root: Path) -> list[str]:
    """List the configs' paths below ``configs``."""
    folder = root / "configs"
    found: list[str] = []
    for room in ROOMS:
        found += sorted(
            path.relative_to(folder).as_posix() for path in (folder / room / METHOD).rglob("*.py")
        )
    return found


def _assigned(
    entries: Iterable[Entry], configs: Sequence[str]
) -> tuple[dict[str, list[Entry]], list[tuple[Entry, str]]]:
    """Give each entry to its config; some paths are gone, then the entry's name is tried.

    Returns:
        The entries by their config's path, and the others, each with the reason.
    """
    by_stem = {_stem(path): path for path in configs}
    entries_of: dict[str, list[Entry]] = defaultdict(list)
    strays: list[tuple[Entry, str]] = []
    for entry in entries:
        path = str(entry.get("Config", "")).removeprefix("configs/")
        config = path if path in configs else by_stem.get(str(entry.get("Name")))
        if f"/{METHOD}/" not in path:
            strays.append((entry, "no top-down heatmap model"))
        elif config is None:
            strays.append((entry, f"its config {path} is not in the wheel, and no other bears its name"))
        else:
            entries_of[config].append(entry)
    return entries_of, strays


def _datasets_of_folders(entries_of: Mapping[str, Sequence[Entry]]) -> dict[str, str]:
    """Tell what the entries call the data set of each folder, for configs without an entry."""
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for path, entries in entries_of.items():
        names[path.rpartition("/")[0]].update(str(entry["Results"][0]["Dataset"]) for entry in entries)
    return {folder: counter.most_common(1)[0][0] for folder, counter in names.items()}


def _model(path: str, entries: Sequence[Entry], datasets: Mapping[str, str]) -> PublishedModel:
    stem, room = _stem(path), path.partition("/")[0]
    folder = path.rpartition("/")[0]
    if not entries:
        return PublishedModel(
            name=stem,
            config=f"mmpose::{path}",
            room=room,
            dataset=datasets.get(folder, folder.rpartition("/")[2]),
            notes=("MMPose's metafiles have no entry for it: no weights are published",),
        )
    dataset = str(entries[0]["Results"][0]["Dataset"])
    url = str(entries[0]["Weights"])
    checksum = CHECKSUM.search(url)
    metrics = _metrics(entries, dataset)
    ap = next((metrics.pop(name) for name in ("Whole AP", "AP") if name in metrics), None)
    return PublishedModel(
        name=stem,
        config=f"mmpose::{path}",
        room=room,
        dataset=dataset,
        url=url,
        sha256_prefix=checksum[1] if checksum else None,
        ap=ap,
        metrics=metrics,
        notes=tuple(_notes(path, entries, has_checksum=checksum is not None)),
    )


def _metrics(entries: Sequence[Entry], dataset: str) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for number, entry in enumerate(entries):
        for result in entry["Results"]:
            other = result["Dataset"] if result["Dataset"] != dataset else None
            if number:
                other = SECOND_RESULT.get(dataset, f"entry {number + 1}")
            for name, value in result["Metrics"].items():
                metrics[f"{name} ({other})" if other else str(name)] = float(value)
    return metrics


def _notes(path: str, entries: Sequence[Entry], *, has_checksum: bool) -> Iterable[str]:
    if any(str(entry["Config"]) != f"configs/{path}" for entry in entries):
        yield "its metafile names a path that is gone; found by its name"
    other = [str(entry["Name"]) for entry in entries if entry["Name"] != _stem(path)]
    if other:
        yield f"its metafile calls it {other[0]}"
    if len(entries) > 1:
        yield f"{len(entries)} entries, tested in {len(entries)} ways"
    if not has_checksum:
        yield "its published address holds no checksum"


def _with_shared_addresses(models: Sequence[PublishedModel]) -> Iterable[PublishedModel]:
    """Refuse the address of another model's weights: with them the published metrics would not hold."""
    owners = {model.url: model.name for model in models if model.url and model.name in model.url}
    for model in models:
        owner = owners.get(model.url or "", model.name)
        if owner == model.name:
            yield model
            continue
        note = f"its metafile gives the address of the weights of {owner}: its own are not published there"
        yield replace(model, url=None, sha256_prefix=None, notes=(*model.notes, note))


def _left_out(strays: Iterable[tuple[Entry, str]]) -> Iterable[LeftOut]:
    """Count the models of other methods together, and name each entry that belongs to no config."""
    methods: Counter[tuple[str, str]] = Counter()
    for entry, reason in strays:
        path = str(entry.get("Config", "")).removeprefix("configs/").split("/")
        if reason.startswith("its config"):
            yield LeftOut(str(entry.get("Name")), 1, reason)
        else:
            methods["/".join(path[:2]), reason] += 1
    for (method, reason), count in sorted(methods.items()):
        yield LeftOut(method, count, reason)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".py")

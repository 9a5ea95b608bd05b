"""Models for the demo: those that the user registered, and pairs of config and weights in a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from fo_pose_plugin.errors import ConfigError, ModelError, UnknownModelError
from fo_pose_plugin.models import catalog, registry

if TYPE_CHECKING:
    from fo_pose_plugin.models.registry import Kind, RegistryEntry

__all__ = [
    "Pair",
    "adopt",
    "choose_detector",
    "choose_model",
    "find_pairs",
    "new_pairs",
    "not_registered",
    "register_pairs",
    "users_entries",
]

LEAST_LIKENESS = 0.5
# Of a config's name, what its weights may not contradict.
SIZE = re.compile(r"\d+x\d+")
WIDELY_USED_SIZE_WH = (192, 256)


@dataclass(frozen=True, slots=True)
class Pair:
    """A config and the weights that seem to belong to it; ``called``: the model's name if not theirs."""

    config: Path
    checkpoint: Path
    called: str | None = None

    @property
    def name(self) -> str:
        """What the model is called: the weights' name, in letters that a registered name may have."""
        return (
            self.called or re.sub(r"[^A-Za-z0-9._-]", "_", self.checkpoint.stem).lstrip(".-")[:100] or "model"
        )


def users_entries() -> list[RegistryEntry]:
    """Read the user's registry; an entry that is damaged, or whose weights are gone, is left out."""
    entries: list[RegistryEntry] = []
    kinds: tuple[Kind, ...] = ("model", "detector")
    for kind in kinds:
        entries += registry.list_entries(kind).entries
    return [entry for entry in entries if Path(entry.checkpoint).is_file()]


def adopt(entries: Collection[RegistryEntry]) -> None:
    """Make the current registry hold these entries, and none whose weights are gone."""
    kinds: tuple[Kind, ...] = ("model", "detector")
    for kind in kinds:
        for entry in registry.list_entries(kind).entries:
            if not Path(entry.checkpoint).is_file():
                registry.remove_entry(kind, entry.name)
    for entry in entries:
        registry.save_entry(entry, overwrite=True)


def new_pairs(folder: Path, say: Callable[[str], None]) -> list[Pair]:
    """Find the pairs of config and weights in a folder that are not registered, or were changed since.

    Args:
        folder: With configs (``.py``) and weights (``.pth``) side by side.
        say: Told what has no counterpart.

    Raises:
        ConfigError: If there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder: expected one that holds configs and their weights")
    pairs, alone = find_pairs(sorted(folder.glob("*.py")), sorted(folder.glob("*.pth")))
    for path in alone:
        say(f"left out: {path.name} has no counterpart in {folder}")
    return not_registered(pairs)


def not_registered(pairs: Iterable[Pair]) -> list[Pair]:
    """Leave out the pairs that an earlier demo registered, where neither file was changed since."""
    return [pair for pair in pairs if not _is_registered(pair)]


def register_pairs(pairs: Collection[Pair], say: Callable[[str], None]) -> None:
    """Register pairs; one that cannot be used is told and left out."""
    for pair in pairs:
        try:
            say(f"registered {_register(pair)}")
        except ModelError as error:
            say(f"left out: {pair.config.name} with {pair.checkpoint.name}: {error}")


def find_pairs(configs: list[Path], checkpoints: list[Path]) -> tuple[list[Pair], list[Path]]:
    """Pair configs and weights by their names, the most alike first.

    MMPose names weights after their config, with a hash or a date behind it, or without some of its words.

    Returns:
        The pairs, and what has no counterpart.
    """
    likeness = {
        (config, checkpoint): _likeness(config.stem, checkpoint.stem)
        for config in configs
        for checkpoint in checkpoints
    }
    pairs: list[Pair] = []
    paired: set[Path] = set()
    for (config, checkpoint), value in sorted(likeness.items(), key=lambda item: (-item[1], item[0])):
        if value >= LEAST_LIKENESS and config not in paired and checkpoint not in paired:
            pairs.append(Pair(config, checkpoint))
            paired |= {config, checkpoint}
    pairs.sort(key=lambda pair: pair.config)
    return pairs, [path for path in (*configs, *checkpoints) if path not in paired]


def _likeness(one: str, other: str) -> float:
    """Compare two names word by word (Dice's coefficient); 0 where they name different input sizes."""
    words_of_one, words_of_other = (set(re.findall(r"[a-z0-9]+", name.lower())) for name in (one, other))
    sizes = [{word for word in words if SIZE.fullmatch(word)} for words in (words_of_one, words_of_other)]
    if all(sizes) and not sizes[0] & sizes[1]:
        return 0.0
    return 2 * len(words_of_one & words_of_other) / (len(words_of_one) + len(words_of_other))


def _is_registered(pair: Pair) -> bool:
    """Whether an earlier demo registered this pair, and neither file has been changed since."""
    kinds: tuple[Kind, ...] = ("model", "detector")
    for kind in kinds:
        try:
            entry = registry.load_entry(kind, pair.name)
        except ModelError:
            continue
        added_at = datetime.fromisoformat(entry.added_at).astimezone(timezone.utc).timestamp()
        changed_at = max(pair.config.stat().st_mtime, pair.checkpoint.stat().st_mtime)
        if entry.checkpoint == str(pair.checkpoint.absolute()) and changed_at < added_at:
            return True
    return False


def _register(pair: Pair) -> str:
    """Register a pair as what it is, and say what that is.

    Raises:
        ModelError: If it is neither a pose model nor a person detector, or the weights are another model's.
    """
    try:
        spec = catalog.add_model(pair.name, pair.config, pair.checkpoint, overwrite=True)
    except ConfigError as not_a_model:
        try:
            detector = catalog.add_detector(pair.name, pair.config, pair.checkpoint, overwrite=True)
        except ConfigError:
            raise not_a_model from None
        return f"{detector.name}: detects people"
    return f"{spec.name}: {spec.describe()}"


def choose_model(
    name: str | None, users: Collection[str], last_resort: Collection[str] = ()
) -> catalog.ModelSpec:
    """Take the model of that name, or else the one that shows most: a body model, the user's before others.

    Args:
        name: What was asked for.
        users: Names of the models that the user registered.
        last_resort: Names of those that are taken only where there is no other.

    Raises:
        UnknownModelError: If there is no model, or none of that name; it says what to do.
    """
    if name is not None:
        return catalog.find_model(name).spec
    specs = catalog.registered_models()
    if not specs:
        raise UnknownModelError("there is no pose model: name one of MMPose's with MODEL=name (--model)")
    return min(
        specs,
        key=lambda spec: (
            spec.name in last_resort,
            spec.task != "body",
            spec.name not in users,
            spec.input_size_wh != WIDELY_USED_SIZE_WH,
            spec.name,
        ),
    )


def choose_detector(name: str | None, users: Collection[str]) -> str | None:
    """Take the detector of that name, or else the first one; None where there is none.

    Raises:
        UnknownModelError: If there is none of that name.
    """
    if name is not None:
        return catalog.find_detector(name).spec.name
    names = [spec.name for spec in catalog.registered_detectors()]
    return min(names, key=lambda each: (each not in users, each), default=None)

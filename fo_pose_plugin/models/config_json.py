"""Writes a resolved config as JSON and reads it back: the same values of the same types."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fo_pose_plugin.errors import ConfigError

__all__ = ["config_sha256", "from_json", "to_json"]

# JSON has neither tuples nor keys that are no text. A dict with one of these two keys stands for one.
_TUPLE, _ITEMS = "__tuple__", "__items__"


def to_json(config: Mapping[str, Any]) -> str:
    """Write a config as JSON that keeps tuples apart from lists, and keys that are no text.

    Raises:
        ConfigError: If a value is no data, naming the path of keys to it.
    """
    return json.dumps(_encoded(config, "config"), separators=(",", ":"))


def from_json(text: str) -> dict[str, Any]:
    """Read what `to_json` wrote: the same values of the same types.

    Raises:
        ConfigError: If the text is something else.
    """
    try:
        config = _decoded(json.loads(text))
    except (RecursionError, TypeError, ValueError) as error:
        raise ConfigError(f"this is no config that was kept: {error}") from error
    if not isinstance(config, dict):
        raise ConfigError(f"this is no config that was kept: expected a dict, got {type(config).__name__}")
    return config


def config_sha256(config: Mapping[str, Any]) -> str:
    """Hash a config; the order of its keys does not matter."""
    canonical = json.dumps(_encoded(config, "config"), separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _encoded(value: Any, where: str) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, tuple):
        return {_TUPLE: [_encoded(item, f"{where}[{i}]") for i, item in enumerate(value)]}
    if isinstance(value, list):
        return [_encoded(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        encoded = [
            (_encoded(key, f"a key of {where}"), _encoded(item, f"{where}.{key}"))
            for key, item in value.items()
        ]
        if all(type(key) is str for key in value) and not {_TUPLE, _ITEMS} & value.keys():
            return dict(encoded)
        return {_ITEMS: [[key, item] for key, item in encoded]}
    raise ConfigError(f"{where} is a {type(value).__name__}, expected text, numbers, lists, tuples or dicts")


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_TUPLE}:
        return tuple(_decoded(item) for item in value[_TUPLE])
    if value.keys() == {_ITEMS}:
        return {_decoded(key): _decoded(item) for key, item in value[_ITEMS]}
    return {key: _decoded(item) for key, item in value.items()}

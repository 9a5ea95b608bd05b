from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_pose_plugin.errors import ConfigError
from fo_pose_plugin.models.config_json import config_sha256, from_json, to_json

KEYS = st.text(max_size=5) | st.sampled_from(["__tuple__", "__items__"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS | st.integers() | st.tuples(st.integers(), st.text()), inner, max_size=4)
    ),
    max_leaves=20,
)


def typed(value: Any) -> Any:
    """Make types comparable too: 1, 1.0 and True are equal in Python."""
    if isinstance(value, dict):
        return ("dict", [(typed(key), typed(item)) for key, item in value.items()])
    if isinstance(value, list | tuple):
        return (type(value).__name__, [typed(item) for item in value])
    return (type(value).__name__, repr(value))


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_is_read_with_its_types_and_order(config: dict[str, Any]) -> None:
    again = from_json(to_json(config))
    assert typed(again) == typed(config)
    assert config_sha256(again) == config_sha256(config)


def test_the_text_is_json_that_others_read_too() -> None:
    assert json.loads(to_json({"a": (1, [2.5]), "b": {0: "nose"}, "c": None, "d": "\udc80ä"})) == {
        "a": {"__tuple__": [1, [2.5]]},
        "b": {"__items__": [[0, "nose"]]},
        "c": None,
        "d": "\udc80ä",
    }


def test_a_hash_sees_everything_but_the_order_of_keys() -> None:
    config = {"a": [1, (2, 3)], "b": {"x": 0.5, "y": True}}
    assert config_sha256(config) == config_sha256({"b": {"y": True, "x": 0.5}, "a": [1, (2, 3)]})
    others = [
        {"a": [1, [2, 3]], "b": {"x": 0.5, "y": True}},
        {"a": [1, (3, 2)], "b": {"x": 0.5, "y": True}},
        {"a": [1, (2, 3)], "b": {"x": 0.5, "y": 1}},
        {"a": [1.0, (2, 3)], "b": {"x": 0.5, "y": True}},
    ]
    assert len({config_sha256(other) for other in [config, *others]}) == 5


def test_a_hash_is_the_same_in_every_version_of_this_package() -> None:
    # Registries and run records hold it.
    assert config_sha256({"model": {"type": "ä", "size": (192, 256), 3: None}}) == (
        "6010f2e85f94db2771536965b8ac78db745313cf7e048bf51720785345b3f7d3"
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"model": {"parts": [1, {"type": dict}]}},
            r"config\.model\.parts\[1\]\.type is a type, expected text",
        ),
        ({"a": (1, {2, 3})}, r"config\.a\[1\] is a set"),
        ({"a": np.float32(1)}, r"config\.a is a float32"),
        ({"a": {b"x": 1}}, r"a key of config\.a is a bytes"),
        ({"a": len}, r"config\.a is a builtin_function_or_method"),
    ],
)
def test_what_is_no_data_is_named_by_its_place(config: dict[str, Any], message: str) -> None:
    for write in (to_json, config_sha256):
        with pytest.raises(ConfigError, match=message):
            write(config)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '{"__tuple__": 3}',
        '{"a": {"__items__": [1]}}',
        '{"a": {"__items__": [[[], 1]]}}',
        "[" * 99999,
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="this is no config that was kept"):
        from_json(text)

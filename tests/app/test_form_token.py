from __future__ import annotations

import sys
import types as python_types
from typing import Any

import pytest
from fiftyone.operators import types

from fo_pose_plugin.app import form_token
from fo_pose_plugin.app.form_token import PARAMETER, add_token, check_token, make_token
from fo_pose_plugin.errors import InputError


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fiftyone.server.app", python_types.ModuleType("app"))


def form(params: dict[str, Any]) -> types.Object:
    inputs = types.Object()
    add_token(python_types.SimpleNamespace(params=params), inputs, "delete_poses")
    return inputs


def test_python_needs_no_token() -> None:
    assert form({}).properties == {}
    check_token({}, "delete_poses")


def test_a_form_brings_its_own_token_back(server: None) -> None:
    prop = form({}).properties[PARAMETER]
    assert prop.required
    assert not prop.invalid
    check_token({PARAMETER: prop.default}, "delete_poses")
    assert not form({PARAMETER: prop.default}).properties[PARAMETER].invalid


@pytest.mark.parametrize(
    "token",
    [None, "", 5, [], {"$ne": 1}, "x", ".", "1.2", "é.é", "0." + "0" * 64, "9" * 30 + "." + "0" * 64],
    ids=repr,
)
def test_what_was_not_issued_is_refused(server: None, token: Any) -> None:
    with pytest.raises(InputError, match="did not come from the form of delete_poses"):
        check_token({PARAMETER: token}, "delete_poses")
    if token is not None:
        assert form({PARAMETER: token}).properties[PARAMETER].invalid


def test_a_token_is_for_one_operator_and_one_day(server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    token = make_token("delete_poses")
    with pytest.raises(InputError, match="form of clean_up"):
        check_token({PARAMETER: token}, "clean_up")
    now = form_token.time.time()
    monkeypatch.setattr(form_token.time, "time", lambda: now + form_token.VALID_S + 1)
    with pytest.raises(InputError, match="or the form is old"):
        check_token({PARAMETER: token}, "delete_poses")

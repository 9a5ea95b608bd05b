"""Tell what a person sent from one of the App's forms from what another web page sent in their name.

FiftyOne's server has no login, and a browser lets any page send it a request; the page cannot read the
answer. So a form holds a token, and an operator that writes, deletes or downloads wants it back. From
Python there is no form and no such risk.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sys
import time
from collections.abc import Mapping
from typing import Any

from fiftyone.operators import types

from fo_pose_plugin.errors import InputError

__all__ = ["PARAMETER", "add_token", "check_token", "make_token"]

PARAMETER = "form_token"
VALID_S = 24 * 3600

# Made anew with each server, so that nobody can know it; a form that was open before says so.
_SECRET = secrets.token_bytes(32)


def in_app_server() -> bool:
    """Whether this process answers browsers; a worker of delegated operations and a notebook do not."""
    return "fiftyone.server.app" in sys.modules


def make_token(operator: str) -> str:
    """Make a token for one operator that is valid for a day."""
    issued = str(int(time.time()))
    return f"{issued}.{_sign(operator, issued)}"


def add_token(ctx: Any, inputs: types.Object, operator: str) -> None:
    """Put a token into a form, unseen; a request that does not bring a valid one back is invalid.

    FiftyOne resolves the form of a request before it executes or schedules it: a forged one ends here.
    """
    if not in_app_server():
        return
    # FiftyOne's HiddenView does not send its default; a text field that takes no room does.
    unseen = {"container": {"sx": {"display": "none"}}}
    view = types.TextFieldView(read_only=True, componentsProps=unseen)
    prop = inputs.str(PARAMETER, default=make_token(operator), required=True, view=view)
    given = ctx.params.get(PARAMETER)
    if given is not None and not _is_valid(operator, given):
        prop.invalid = True
        prop.error_message = _refusal(operator)


def check_token(params: Mapping[str, Any], operator: str) -> None:
    """Check the token again where the work begins.

    Raises:
        InputError: If there is none, or it is not valid (any more).
    """
    if in_app_server() and not _is_valid(operator, params.get(PARAMETER)):
        raise InputError(_refusal(operator))


def _is_valid(operator: str, token: Any) -> bool:
    if not isinstance(token, str) or not token.isascii():
        return False
    issued, _, signature = token.partition(".")
    if not hmac.compare_digest(signature, _sign(operator, issued)):
        return False
    return time.time() - int(issued) < VALID_S


def _sign(operator: str, issued: str) -> str:
    return hmac.new(_SECRET, f"{operator} {issued}".encode(), hashlib.sha256).hexdigest()


def _refusal(operator: str) -> str:
    return f"this request did not come from the form of {operator}, or the form is old: open it again"

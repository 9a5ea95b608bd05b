"""What is delegated goes on behind the App."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fo_pose_plugin.app import priority as priority_module
from fo_pose_plugin.app.page import run_steps
from fo_pose_plugin.app.priority import SESSION_GROUP, behind_the_app
from tests.shared_data import REPOSITORY

LOAD_TORCH = """
import sys
sys.path.insert(0, sys.argv[1])
from fo_pose_plugin.app.priority import behind_the_app
assert "torch" not in sys.modules
with behind_the_app():
    import torch
"""

READ_SESSION = """
import sys
sys.path.insert(0, sys.argv[1])
from fo_pose_plugin.app.priority import SESSION_GROUP, behind_the_app
print(SESSION_GROUP.read_text())
with behind_the_app():
    print(SESSION_GROUP.read_text())
print(SESSION_GROUP.read_text())
"""


class Step:
    fraction = 0.5

    def describe(self) -> str:
        return "half of it"


def priority() -> int:
    """Of this thread: Linux keeps one for each."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def in_a_thread(action: Any) -> list[Any]:
    """What an action gives on a thread of its own, as torch and those that read photos have."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(action()))
    thread.start()
    thread.join()
    return found


def steps() -> Generator[Step, None, list[int]]:
    yield Step()
    return [priority(), *in_a_thread(priority)]


@pytest.mark.parametrize(("delegated", "lowered"), [(True, 15), (False, 0)])
def test_a_delegated_run_and_its_threads_have_a_lower_priority(
    delegated: bool, lowered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")  # not beyond this test

    def run() -> list[int]:
        shown: list[Any] = []
        ctx = SimpleNamespace(delegated=delegated, set_progress=lambda **values: shown.append(values))
        found = run_steps(ctx, steps())  # type: ignore[arg-type]
        assert shown == ([{"progress": 0.5, "label": "half of it"}] if delegated else [])
        return found

    usual = priority()
    (found,) = in_a_thread(run)  # a thread that may end with a lowered priority
    assert found == [max(usual, lowered)] * 2
    assert priority() == usual


@pytest.mark.parametrize(("chosen", "sleeps"), [(None, True), ("active", False)])
def test_its_threads_sleep_where_they_wait_unless_a_person_chose(chosen: str | None, sleeps: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if chosen is not None:
        environment["OMP_WAIT_POLICY"] = chosen
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOAD_TORCH, str(REPOSITORY)],
        env={**environment, "OMP_DISPLAY_ENV": "verbose"},  # OpenMP says what it has read
        capture_output=True,
        text=True,
        check=True,
    )
    assert "GOMP_SPINCOUNT = " in done.stderr
    assert ("GOMP_SPINCOUNT = '0'" in done.stderr) is sleeps


# Linux alone knows such groups, and only where its kernel was built with them; where the file is, the test
# runs: a new session's priority starts at 0.
@pytest.mark.skipif(not SESSION_GROUP.exists(), reason="this system groups no processes by sessions")
def test_a_session_beside_the_apps_goes_behind_it_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ_SESSION, str(REPOSITORY)],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,  # this test's own session stays as it is
    )
    assert [int(one) for one in re.findall(r"nice (-?\d+)", done.stdout)] == [0, 15, 0]


def test_a_session_whose_priority_may_not_be_set_is_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    monkeypatch.setattr(priority_module, "SESSION_PAUSE_S", 0.0)
    protected = SimpleNamespace(read_text=lambda: "/autogroup-7 nice 3\n", write_text=Refuse(PermissionError))
    never = SimpleNamespace(read_text=lambda: "/autogroup-7 nice 3\n", write_text=Refuse(BlockingIOError))
    # Not there, not to be read, not to be written, and never taken.
    for session in (tmp_path / "none", tmp_path, protected, never):
        monkeypatch.setattr(priority_module, "SESSION_GROUP", session)
        (entered,) = in_a_thread(enter_and_leave)
        assert entered
    refusing = SimpleNamespace(read_text=lambda: "/autogroup-7 nice 3\n", write_text=RefuseForNow())
    monkeypatch.setattr(priority_module, "SESSION_GROUP", refusing)
    (entered,) = in_a_thread(enter_and_leave)
    assert entered
    assert refusing.write_text.taken == ["15", "3"]


class Refuse:
    """A file that takes nothing."""

    def __init__(self, error: type[OSError]) -> None:
        self.error = error

    def __call__(self, _value: str) -> None:
        raise self.error


class RefuseForNow:
    """A file that takes every third value: users may set one ten times a second."""

    def __init__(self) -> None:
        self.asked = 0
        self.taken: list[str] = []

    def __call__(self, value: str) -> None:
        self.asked += 1
        if self.asked % 3:
            raise BlockingIOError
        self.taken.append(value)


def enter_and_leave() -> bool:
    with behind_the_app():
        return True

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from fo_pose_plugin.commands.terminal import (
    CLEAR_LINE,
    ProgressLine,
    duration,
    own_command,
    say,
)
from fo_pose_plugin.tasks.estimate_poses import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def step(done: int, seconds: float, **values) -> Progress:
    return Progress("estimating poses", done, 200, seconds=seconds, run_id="run", **values)


def test_a_terminal_gets_one_line_that_is_redrawn(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    terminal = Terminal()
    with ProgressLine(terminal) as line:
        line.show("starting FiftyOne")
        line(step(0, 0.0))
        line(step(50, 10.0, people=80, failed=2))
    text = terminal.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    last = text.split(CLEAR_LINE)[-1]
    assert last == (
        "estimating poses: [#####---------------]  25%, 50 of 200 images (5.0/s), 80 people (8.0/s), "
        "2 failed, 30 s left\n"
    )


def test_a_drawn_line_never_wraps(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    line = ProgressLine(terminal)
    line(step(50, 10.0, people=80))
    assert len(terminal.getvalue().removeprefix(CLEAR_LINE)) == 39


def test_what_stays_is_not_written_over_what_is_drawn(capsys):
    terminal = Terminal()
    line = ProgressLine(terminal)
    line.show("registering")
    line.say("registered a model")
    assert terminal.getvalue().endswith(CLEAR_LINE)
    assert capsys.readouterr().out == "registered a model\n"


def test_a_file_gets_each_stage_and_little_else(monkeypatch):
    times = iter([0.0, 1.0, 20.0, 20.0, 21.0])
    monkeypatch.setattr("fo_pose_plugin.commands.terminal.time.monotonic", lambda: next(times))
    file = io.StringIO()
    with ProgressLine(file) as line:
        line(Progress("loading the model", 0, 200))  # written at 0 s
        line(step(0, 0.0))  # a new stage, written at 1 s
        line(step(50, 10.0))  # 19 s later
        line(step(51, 10.5))  # 1 s later
    lines = file.getvalue().splitlines()
    assert [text.split(" images")[0] for text in lines] == [
        "loading the model",
        "estimating poses: [--------------------]   0%, 0 of 200",
        "estimating poses: [#####---------------]  25%, 50 of 200",
    ]


def test_what_an_earlier_run_did_is_no_part_of_the_rate():
    line = ProgressLine(io.StringIO())
    line(step(100, 0.0))
    assert "150 of 200 images (5.0/s)" in line.describe(step(150, 10.0))


def test_a_slow_rate_is_no_zero():
    line = ProgressLine(io.StringIO())
    line(step(0, 0.0))
    assert "(0.05/s)" in line.describe(step(1, 20.0))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (3600, "1 h 00 min"), (5580, "1 h 33 min")],
)
def test_duration(seconds, words):
    assert duration(seconds) == words


def test_the_command_is_named_as_it_was_typed(monkeypatch, tmp_path):
    script = tmp_path / "bin" / "fo-pose"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_command() == str(script)
    monkeypatch.setenv("PATH", str(script.parent))
    assert own_command() == "fo-pose"
    by_path = Path("/plugins/with space/cli.py")
    monkeypatch.setattr(sys, "argv", [str(by_path)])
    assert own_command() == f"{sys.executable} '{by_path}'"


def test_names_do_not_steer_the_terminal(capsys):
    say("photo \x1b[2J\x07\u202egpj.exe\x9b1m:\tä 人\nnext")
    assert capsys.readouterr().out == "photo \\x1b[2J\\x07\\u202egpj.exe\\x9b1m:\tä 人\nnext\n"

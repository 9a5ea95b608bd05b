from __future__ import annotations

import subprocess
import sys

import pytest

from fo_pose_plugin import __version__, cli

COMMANDS = [
    (),
    ("estimate",),
    ("evaluate",),
    ("export",),
    ("import",),
    ("models",),
    ("models", "list"),
    ("models", "download"),
    ("models", "add"),
    ("models", "remove"),
    ("detectors",),
    ("detectors", "list"),
    ("detectors", "download"),
    ("detectors", "add"),
    ("detectors", "remove"),
    ("clean-up",),
    ("demo",),
    ("install",),
    ("doctor",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main([*command, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert " ".join(("usage: fo-pose", *command)) in out
    assert "==SUPPRESS==" not in out


def test_the_first_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    out = capsys.readouterr().out
    for command in {words[0] for words in COMMANDS if words}:
        assert f"    {command}" in out
    assert "exit codes" in out


def test_the_parser_loads_nothing_heavy():
    """`fo-pose --help` and mistakes in what was typed are answered at once."""
    code = (
        "import sys\n"
        "from fo_pose_plugin.cli import make_parser\n"
        "make_parser()\n"
        "heavy = {'numpy', 'torch', 'cv2', 'fiftyone', 'pymongo'}\n"
        "print(*{name.split('.')[0] for name in sys.modules} & heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.split() == ["fo-pose", __version__]


@pytest.mark.parametrize(
    "words",
    [
        ["estimate", "dataset", "model"],  # where are the people?
        ["estimate", "dataset", "model", "--boxes", "a", "--whole-image"],
        ["estimate", "dataset", "model", "--whole-image", "--resume", "--overwrite"],
        ["estimate", "dataset", "model", "--whole", "--resume"],  # no abbreviations
        ["models"],
        ["demo", "--port", "80"],
        ["demo", "--port", "many"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_refused(words, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2
    assert "usage: fo-pose" in capsys.readouterr().err

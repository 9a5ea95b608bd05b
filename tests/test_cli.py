from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fo_pose_plugin import cli

PACKAGE = Path(cli.__file__).resolve().parent


def by_path(*arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *options, str(PACKAGE / "cli.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_run_by_path_needs_nothing_but_the_standard_library():
    done = by_path("doctor", options=("-I", "-S"))
    assert done.returncode == 1
    assert done.stderr == ""
    assert "packaging" in done.stdout
    assert f"run `{sys.executable} {PACKAGE / 'cli.py'} install`" in done.stdout


@pytest.mark.parametrize("options", [(), ("-I",)])
def test_run_by_path_the_packages_own_folder_is_not_searched(options):
    """Or `import models`, by whomever, would find fo_pose_plugin/models."""
    code = (
        "import runpy, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "sys.argv = ['cli.py', '--help']\n"
        "try:\n"
        "    runpy.run_path(sys.path[0] + '/cli.py', run_name='__main__')\n"
        "except SystemExit:\n"
        "    print(*sys.path, sep='\\n')\n"
    )
    command = [sys.executable, *options, "-c", code, str(PACKAGE)]
    paths = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert str(PACKAGE) not in paths
    assert str(PACKAGE.parent) in paths


def test_an_error_of_ours_is_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "fo_pose_plugin").mkdir()
    monkeypatch.setenv("FIFTYONE_PLUGINS_DIR", str(tmp_path))
    assert cli.main(["install", "--dry-run"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("fo-pose: ")
    assert captured.err.count("\n") == 1


def test_an_unknown_command_is_an_error_of_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["no-such-command"])
    assert caught.value.code == 2
    assert "no-such-command" in capsys.readouterr().err


def test_the_script_is_installed():
    done = subprocess.run(
        [Path(sys.executable).parent / "fo-pose", "--help"], capture_output=True, text=True, check=True
    )
    assert "doctor" in done.stdout


def test_rows_that_are_wrong_say_what_to_do(capsys):
    from fo_pose_plugin.commands.environment import show_checks
    from fo_pose_plugin.tasks.install import Check

    show_checks([Check("a", "ok", "1", "1"), Check("b", "error", "missing", "2", "do this")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["ok", "a", "1"]
    assert lines[3].strip() == "to do: do this"

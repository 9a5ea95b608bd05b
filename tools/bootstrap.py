"""Make ``.venv`` complete from nothing but python3 and pip, and keep it so.

    python3 tools/bootstrap.py          make or repair .venv; at once where nothing has changed
    python3 tools/bootstrap.py lock     resolve pyproject.toml anew into the two lock files

Standard library only, and no newer syntax than Python 3.8: it runs before there is an environment, under
whatever python3 the machine has. Everything it writes is below ``.venv`` and ``.tools``, so that it needs
no root, no ensurepip (Debian's python3 has none) and no permission to install outside an environment
(PEP 668): pip puts uv into a folder, and uv does the rest.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".complete"
TOOLS = ROOT / ".tools"
UNFINISHED = TOOLS / "unfinished"
REQUIREMENTS = ROOT / "requirements.lock"
UV_REQUIREMENTS = ROOT / "tools" / "bootstrap.lock"

OLDEST, NEWEST = (3, 10), (3, 13)
PYTHON_RANGE = ">=3.10,<3.14"
OLDEST_UV = (0, 10)  # the first that knows exclude-dependencies was 0.9; older ones warn at each call

# For pip: into a folder nothing of the system is touched, so what forbids that may be lifted.
PIP_ENVIRONMENT = {
    "PIP_BREAK_SYSTEM_PACKAGES": "1",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_USER": "0",
    "PIP_NO_INPUT": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


class BootstrapError(Exception):
    """The environment cannot be made; the message says what to do."""


def say(text: str) -> None:
    """Tell what happens, apart from the output of the commands that this prepares."""
    sys.stderr.write(f"set-up: {text}\n")
    sys.stderr.flush()


def fingerprint() -> str:
    """Hash what decides how .venv must look, its place included: scripts hold absolute paths."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in (REQUIREMENTS, UV_REQUIREMENTS, ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def runs(*command: str | Path) -> str | None:
    """Give what a command prints, or None where it is missing or fails."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None


def call(what: str, *command: str | Path, env: dict[str, str] | None = None) -> None:
    """Run a command whose output the person sees.

    Raises:
        BootstrapError: If it fails.
    """
    try:
        code = subprocess.call(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=sys.stderr, env=env
        )
    except OSError as error:
        raise BootstrapError(f"{what}: {error}") from error
    if code:
        raise BootstrapError(f"{what} failed (exit code {code}); what it said stands above")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one set-up at a time work on this folder; the lock ends with its process."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this folder is running; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def uv_version(uv: str | Path) -> tuple[int, ...]:
    """Give the version of a uv, or (0,) where it does not run."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", runs(uv, "--version") or "")
    return tuple(int(part) for part in found.groups()) if found else (0,)


def find_pip() -> list[str]:
    """Give a command that is pip.

    Raises:
        BootstrapError: If there is none, and none can be made.
    """
    candidates = [[sys.executable, "-m", "pip"], ["pip3"], ["pip"]]
    for command in candidates:
        if runs(*command, "--version") is not None:
            return command
    private = TOOLS / "pip"
    if runs(sys.executable, "-m", "venv", private) is not None:
        return [str(private / "bin" / "python"), "-m", "pip"]
    shutil.rmtree(private, ignore_errors=True)
    raise BootstrapError(
        f"neither uv nor pip is to be found for {sys.executable}. Install pip (Debian, Ubuntu: "
        "`apt-get install python3-pip`; Fedora: `dnf install python3-pip`) or uv, then run this again"
    )


def find_uv() -> Path:
    """Give a uv that is new enough: ours, the one on PATH, or else a new one of ours."""
    folder = TOOLS / "uv"
    own = folder / "bin" / "uv"
    if uv_version(own) >= OLDEST_UV:
        return own
    on_path = shutil.which("uv")
    if on_path and uv_version(on_path) >= OLDEST_UV:
        return Path(on_path)
    pip = find_pip()
    say("bringing uv into .tools/")
    fresh = TOOLS / "uv.partial"
    shutil.rmtree(fresh, ignore_errors=True)
    options = [
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--requirement",
        UV_REQUIREMENTS,
        "--target",
        fresh,
    ]
    call("installing uv with pip", *pip, "install", *options, env={**os.environ, **PIP_ENVIRONMENT})
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    if uv_version(own) < OLDEST_UV:
        raise BootstrapError(f"pip installed uv at {own}, but it does not run on this machine")
    return own


def uv_environment(uv: Path) -> dict[str, str]:
    """Give uv the index and certificate that pip was told of; uv does not read pip's settings.

    Only where uv has none of its own, so that a machine with a mirror needs to be set up once.
    """
    environment = {**os.environ, "PATH": os.pathsep.join([str(uv.parent), os.environ.get("PATH", "")])}
    settings = runs(sys.executable, "-m", "pip", "config", "list") or ""
    for option, variable, others in (
        ("index-url", "UV_DEFAULT_INDEX", ("UV_INDEX_URL", "UV_NO_INDEX")),
        ("cert", "SSL_CERT_FILE", ()),
    ):
        found = re.search(rf"^\S+\.{option}='(.+)'$", settings, flags=re.MULTILINE)
        if found and not any(name in environment for name in (variable, *others)):
            environment[variable] = found.group(1)
    if not os.access(Path.home(), os.W_OK):
        environment.setdefault("UV_CACHE_DIR", str(TOOLS / "cache"))
    return environment


def usable_venv() -> bool:
    """Say whether .venv is of a Python that will do and no earlier set-up of it was interrupted."""
    if UNFINISHED.exists() or not (VENV / "pyvenv.cfg").is_file():
        return False
    version = runs(VENV_PYTHON, "-c", "import sys; print(*sys.version_info[:2])")
    if version is None:
        return False
    return OLDEST <= tuple(int(part) for part in version.split()) <= NEWEST


def make_venv(uv: Path, environment: dict[str, str]) -> None:
    """Make an empty .venv, of this Python or another that uv finds or fetches."""
    if VENV.exists():
        say("removing a .venv that cannot be used")
        shutil.rmtree(VENV)
    fits = OLDEST <= sys.version_info[:2] <= NEWEST
    if not fits:
        say(f"this is Python {sys.version.split()[0]}; looking for one of {PYTHON_RANGE}")
    wanted = sys.executable if fits else PYTHON_RANGE
    try:
        call("making .venv", uv, "venv", "--quiet", "--python", wanted, VENV, env=environment)
    except BootstrapError as error:
        raise BootstrapError(
            f"{error}. Python {PYTHON_RANGE} is needed: install it, or name it: `make PYTHON=python3.11`"
        ) from error


def make_environment() -> None:
    """Bring .venv to what the lock says, if it is not there yet."""
    wanted = fingerprint()
    if usable_venv() and STAMP.is_file() and STAMP.read_text() == wanted:
        return
    uv = find_uv()
    environment = uv_environment(uv)
    if not usable_venv():
        make_venv(uv, environment)
    STAMP.unlink(missing_ok=True)
    UNFINISHED.touch()
    say("installing what requirements.lock names into .venv (the first time some 3 GB)")
    pip_install = [uv, "pip", "install", "--quiet", "--python", VENV_PYTHON]
    pip_sync = [uv, "pip", "sync", "--quiet", "--python", VENV_PYTHON]
    try:
        call("installing the locked packages", *pip_sync, "--require-hashes", REQUIREMENTS, env=environment)
        call("installing this project", *pip_install, "--no-deps", "--editable", ROOT, env=environment)
    except BootstrapError:
        # uv fetches and builds everything before it changes anything: what is there is whole.
        UNFINISHED.unlink()
        raise
    UNFINISHED.unlink()
    # The same command that users run: it adds MongoDB's server and checks the result.
    call("completing .venv", VENV / "bin" / "fo-pose", "install", "--no-link", env=environment)
    STAMP.write_text(wanted)


def lock() -> None:
    """Resolve anew. Hashes are kept, addresses are not: uv.lock, which has them, is not committed."""
    uv = find_uv()
    environment = uv_environment(uv)
    call("resolving", uv, "lock", "--upgrade", "--project", ROOT, env=environment)
    export = [uv, "export", "--quiet", "--frozen", "--no-header", "--no-annotate", "--project", ROOT]
    for path, chosen in ((REQUIREMENTS, "--no-emit-project"), (UV_REQUIREMENTS, "--only-group=bootstrap")):
        call(f"writing {path.name}", *export, chosen, "--output-file", path, env=environment)


def main(arguments: list[str]) -> int:
    """Do what the arguments say; errors become one line."""
    if arguments not in ([], ["lock"]):
        say(f"unknown arguments {arguments}; there is only `lock`")
        return 2
    try:
        with alone():
            (lock if arguments else make_environment)()
    except (BootstrapError, OSError) as error:
        say(f"{error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

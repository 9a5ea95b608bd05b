"""The demo's App: on this machine only, on a port where nothing listens, until Ctrl-C.

FiftyOne's own server is run as a process of ours. ``fiftyone.launch_app`` would give it a minute to start,
which a small machine needs longer than, and would add a session that only notebooks have use for.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fo_pose_plugin.dataset.mongo_server import bound_to_parent
from fo_pose_plugin.errors import InstallationError

__all__ = ["DEFAULT_PORT", "choose_port", "view_until_interrupted"]

ADDRESS = "localhost"
DEFAULT_PORT = 5151
PORTS_TRIED = 20
START_TIMEOUT_S = 600.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.5
QUOTED_LINES = 3


def choose_port(wanted: int | None) -> int:
    """Choose the App's port: the wanted one, or the first free one from FiftyOne's own on.

    Raises:
        InstallationError: If the wanted one is in use, or none is free.
    """
    if wanted is not None:
        if _is_in_use(wanted):
            raise InstallationError(
                f"port {wanted} is in use, perhaps by another FiftyOne: choose another one with --port, or "
                "leave it out"
            )
        return wanted
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        if not _is_in_use(port):
            return port
    raise InstallationError(
        f"ports {DEFAULT_PORT} to {DEFAULT_PORT + PORTS_TRIED - 1} are all in use: choose one with --port"
    )


def _is_in_use(port: int) -> bool:
    try:
        with socket.create_connection((ADDRESS, port), timeout=1):
            return True
    except OSError:
        return False


def view_until_interrupted(
    dataset_name: str,
    port: int,
    log_path: Path,
    say: Callable[[str], None],
    *,
    browser: bool,
    view: str | None = None,
) -> None:
    """Run the App, and return after Ctrl-C.

    Args:
        dataset_name: What it shows.
        port: Where it listens.
        log_path: Where the server's own words go.
        say: Told where it is.
        browser: Whether to open a browser, where there is a desktop.
        view: A saved view to begin with, by its name in addresses.

    Raises:
        InstallationError: If the App does not start, or ends by itself.
    """
    url = f"http://{ADDRESS}:{port}/datasets/{dataset_name}" + (f"?view={view}" if view else "")
    log_path = log_path.absolute()
    try:
        with _server(port, log_path) as server:
            _wait_until_it_answers(server, port, log_path)
            say(f"the App is at {url}  (Ctrl-C ends it)")
            if browser and _has_desktop():
                webbrowser.open(url, new=2)
            server.wait()
            raise _ended(server, log_path)
    except KeyboardInterrupt:
        return


@contextmanager
def _server(port: int, log_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run FiftyOne's server, which finds its database and plugins by this process's environment."""
    command = [sys.executable, "-m", "fiftyone.server.main", "--address", ADDRESS, "--port", str(port)]
    with log_path.open("wb") as log:
        server = subprocess.Popen(
            bound_to_parent(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=log_path.parent,  # which -m puts on sys.path: nothing of the user's lies there
            start_new_session=True,  # it is ended here, not by the Ctrl-C that the terminal sends to all
        )
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_it_answers(server: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise _ended(server, log_path)
        try:
            with urllib.request.urlopen(f"http://{ADDRESS}:{port}/fiftyone", timeout=POLL_S * 10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_S)
    raise InstallationError(f"the App did not start within {START_TIMEOUT_S:.0f} s; its log is {log_path}")


def _ended(server: subprocess.Popen[bytes], log_path: Path) -> InstallationError:
    words = log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-QUOTED_LINES:]
    return InstallationError(
        f"the App ended with code {server.returncode}: {' | '.join(words) or 'it said nothing'}. "
        f"Its log is {log_path}"
    )


def _has_desktop() -> bool:
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))

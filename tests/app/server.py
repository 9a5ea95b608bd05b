"""A FiftyOne App server of one's own, as a process that a browser and the test talk to.

The server is started as FiftyOne starts it, but no ``fo.Session`` is attached to it: a session's client
may connect late, and then resets what the browser shows. The browser opens a dataset by its address.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import final

from fo_pose_plugin.dataset.mongo_server import bound_to_parent

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0
LOG_TAIL_LINES = 60


@final
class AppServer:
    """The App on a fresh port of this machine.

    Args:
        plugins_dir: The folder whose plugins (or links to them) it loads.
        log_path: Where its output goes.
        environment: Further environment variables.
    """

    def __init__(self, plugins_dir: Path, log_path: Path, environment: dict[str, str] | None = None) -> None:
        import fiftyone.constants as foc

        self.port = _free_port()
        self.log_path = log_path
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                bound_to_parent(
                    [sys.executable, "main.py", "--port", str(self.port), "--address", "127.0.0.1"]
                ),
                cwd=foc.SERVER_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={
                    **os.environ,
                    "FIFTYONE_PLUGINS_DIR": str(plugins_dir),
                    "FIFTYONE_ALLOW_LEGACY_ORCHESTRATORS": "true",  # the form's "Schedule"
                    "PYTHONUNBUFFERED": "1",
                    # Beside a browser that renders in software, two threads wait for each other.
                    "OMP_NUM_THREADS": "1",
                    **(environment or {}),
                },
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def log_tail(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])

    def stop(self) -> None:
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:  # it waits for open event streams
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> AppServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the App server ended at once:\n{self.log_tail()}")
            try:
                with urllib.request.urlopen(f"{self.url}/fiftyone", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
        raise RuntimeError(f"the App server did not answer within {START_TIMEOUT_S} s:\n{self.log_tail()}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port

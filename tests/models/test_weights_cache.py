from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from fo_pose_plugin.errors import ConfigError, DownloadError
from fo_pose_plugin.models import downloads, weights_cache
from fo_pose_plugin.models.downloads import DownloadProgress
from fo_pose_plugin.models.weights_cache import fetch, file_name_of, find, mirrors, remove, weights_folder
from tests.weights_server import CHUNK, Answer, WeightsServer, weights_server

__all__ = ["weights_server"]

REPOSITORY = Path(__file__).resolve().parents[2]
CONTENT = os.urandom(700_001)
PREFIX = sha256(CONTENT).hexdigest()[:8]
NAME = "model-0123abcd_20200708.pth"
PATH = f"/mmpose/v1/body_2d/{NAME}"
NOBODY = "http://127.0.0.1:1"

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "SECONDS_BETWEEN_TRIES", 0.01)
    monkeypatch.setattr(downloads, "BACKOFF_S", 0.01)
    monkeypatch.setattr(downloads, "SECONDS_BETWEEN_REPORTS", 0.0)
    monkeypatch.setattr(weights_cache, "SECONDS_BETWEEN_LOOKS", 0.05)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(own_registry: Path) -> Path:
    return own_registry / "weights"


@pytest.fixture
def url(weights_server: WeightsServer) -> str:
    return weights_server.add(PATH, CONTENT)[0]


def get(url: str, prefix: str | None = PREFIX) -> tuple[Path, list[DownloadProgress]]:
    """Fetch a file; give it and what was told on the way."""
    steps, told = fetch(url, prefix), []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return end.value, told


def names_in(folder: Path) -> list[str]:
    """List a folder, without the empty files that locks leave behind."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def settings(home: Path, content: object) -> None:
    home.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (home / "config.json").write_text(text)


class TestSettings:
    def test_the_folder_is_the_variable_or_the_setting_or_in_the_home(
        self, own_registry: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert weights_folder() == own_registry / "weights"
        settings(own_registry, {"weights_folder": "/data/weights"})
        assert weights_folder() == Path("/data/weights")
        monkeypatch.setenv("HOME", "/home/someone")
        monkeypatch.setenv("FO_POSE_WEIGHTS", "~/weights")
        assert weights_folder() == Path("/home/someone/weights")

    def test_mirrors_are_the_variable_or_the_setting(
        self, own_registry: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert mirrors() == ()
        settings(own_registry, {"mirrors": ["https://a/x", "http://b"]})
        assert mirrors() == ("https://a/x", "http://b")
        monkeypatch.setenv("FO_POSE_MIRRORS", "https://c  https://d/")
        assert mirrors() == ("https://c", "https://d/")

    @pytest.mark.parametrize(
        "content",
        ["{", "[]", {"mirror": []}, {"mirrors": "https://a"}, {"mirrors": [5]}, {"weights_folder": 5}],
    )
    def test_settings_that_are_not_understood_say_what_is_expected(
        self, own_registry: Path, content: object
    ) -> None:
        settings(own_registry, content)
        with pytest.raises(ConfigError, match=r"config\.json (cannot be read|are not understood: expected)"):
            mirrors()
        with pytest.raises(ConfigError):
            weights_folder()

    @pytest.mark.parametrize("mirror", ["ftp://host", "file:///etc", "/a/folder", "mirror.example.org"])
    def test_a_mirror_is_an_address_of_the_web(self, monkeypatch: pytest.MonkeyPatch, mirror: str) -> None:
        monkeypatch.setenv("FO_POSE_MIRRORS", mirror)
        with pytest.raises(ConfigError, match=r"cannot be used: expected http://\.\.\. or https://"):
            mirrors()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.pth",
        "ftp://host/x.pth",
        "http://host",
        "http://host/",
        "http://host/%2e%2e",
        "http://host/.x.pth",
        "http://host/a%2F..%2Fb%5Cc.pth",
        "http://host/a%00.pth",
        "http://host/ä.pth",
    ],
)
def test_an_address_that_names_no_plain_file_is_refused(own_registry: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="is no address of weights"):
        get(url)
    assert not own_registry.exists()


def test_a_file_is_called_as_its_address_ends() -> None:
    assert file_name_of("https://host/a/b-1_2.pth?download=true#x") == "b-1_2.pth"


def test_a_file_is_downloaded_once(weights_server: WeightsServer, folder: Path, url: str) -> None:
    assert find(NAME) is None
    path, told = get(url)
    assert path == folder / NAME
    assert path.read_bytes() == CONTENT
    assert told[-1] == DownloadProgress(len(CONTENT), len(CONTENT), url)
    assert get(url) == (path, [])
    assert len(weights_server.asked) == 1
    assert names_in(folder) == [NAME]
    assert find(NAME) == find(NAME, PREFIX.upper()) == path
    assert find(NAME, "00000000") is None
    assert find("../weights/" + NAME) is None


def test_a_folder_filled_by_hand_needs_no_server_and_is_not_written_to(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(CONTENT)
    before = sorted(folder.iterdir())
    assert get(NOBODY + PATH) == (folder / NAME, [])
    assert sorted(folder.iterdir()) == before


def test_a_damaged_file_is_set_aside_and_fetched_anew(folder: Path, url: str) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(CONTENT[:-1])
    damaged = f"{NAME}.damaged-{sha256(CONTENT[:-1]).hexdigest()[:8]}"
    path, _ = get(url)
    assert path.read_bytes() == CONTENT
    assert names_in(folder) == [NAME, damaged]

    path.write_bytes(b"other")
    with pytest.raises(DownloadError, match=rf"{NAME} was there, damaged .*it is now {NAME}\.damaged-"):
        get(NOBODY + PATH)


def test_where_nothing_can_be_reached_it_says_what_to_put_where(
    weights_server: WeightsServer, own_registry: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FO_POSE_MIRRORS", f"http://user:secret@127.0.0.1:1/m {weights_server.address}")
    with pytest.raises(DownloadError) as caught:
        get(f"http://nowhere.invalid{PATH}")
    message = str(caught.value)
    assert message.startswith(
        f"{NAME} could not be downloaded. Put it into {folder} by hand (its sha256 begins with {PREFIX}), or "
        f"name a mirror in FO_POSE_MIRRORS. Tried: http://127.0.0.1:1/m{PATH}: Failed to"
    )
    assert (
        f"; {weights_server.address}{PATH}: HTTP 404 Not Found; http://nowhere.invalid{PATH}: Failed"
        in message
    )
    assert "secret" not in message


def test_mirrors_come_first_in_their_order(
    weights_server: WeightsServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for base in ("/one", "/two/"):
        weights_server.add(base.rstrip("/") + PATH, CONTENT)
    monkeypatch.setenv(
        "FO_POSE_MIRRORS", " ".join(f"{weights_server.address}{b}" for b in ("/0", "/one", "/two/"))
    )
    get(url)
    assert [path for path, _ in weights_server.asked] == [f"/0{PATH}", f"/one{PATH}"]


def test_a_wrong_file_is_removed_and_the_next_address_tried(
    weights_server: WeightsServer, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights_server.add("/bad" + PATH, b"x" * len(CONTENT))
    monkeypatch.setenv("FO_POSE_MIRRORS", f"{weights_server.address}/bad")
    path, _ = get(url)
    assert path.read_bytes() == CONTENT
    assert names_in(folder) == [NAME]
    path.unlink()
    weights_server.add(PATH, b"y")
    with pytest.raises(
        DownloadError, match=r"the file it gave has the sha256 \w{8}\.\.\., and was removed; "
    ):
        get(url)
    assert names_in(folder) == []


def test_two_halves_of_different_files_are_fetched_anew(
    weights_server: WeightsServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights_server.add("/bad" + PATH, b"x" * len(CONTENT))
    interrupt(weights_server.address + "/bad" + PATH)
    weights_server.asked.clear()
    assert get(url)[0].read_bytes() == CONTENT
    first, second = weights_server.ranges
    assert (first or "").startswith("bytes=")
    assert second is None


def test_without_a_checksum_nothing_is_put_together(weights_server: WeightsServer, url: str) -> None:
    interrupt(url)
    weights_server.asked.clear()
    assert get(url, None)[0].read_bytes() == CONTENT
    assert weights_server.ranges == [None]


def interrupt(url: str) -> None:
    steps = fetch(url, PREFIX)
    next(step for step in steps if step.done_bytes > CHUNK)
    steps.close()


def test_a_closed_download_goes_on_later(weights_server: WeightsServer, folder: Path, url: str) -> None:
    interrupt(url)
    assert names_in(folder) == [f"{NAME}.part", f"{NAME}.part.json"]
    assert find(NAME) is None
    get(url)
    assert (weights_server.ranges[1] or "").startswith("bytes=")
    assert names_in(folder) == [NAME]


def test_a_folder_that_cannot_be_written_is_said_in_words(own_registry: Path, url: str) -> None:
    own_registry.write_text("a file in the folder's place")
    with pytest.raises(
        DownloadError, match=r"kept in .*: Not a directory\. Name a folder .* FO_POSE_WEIGHTS"
    ):
        get(url)


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that even root cannot write to")
@pytest.mark.parametrize("folder", ["/sys/kernel", "/sys/kernel/weights"])
def test_a_folder_without_permission_is_said_in_words(
    url: str, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("FO_POSE_WEIGHTS", folder)
    with pytest.raises(
        DownloadError, match=rf"cannot be kept in {folder}: .*(permitted|denied).*FO_POSE_WEIGHTS"
    ):
        get(url)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_someone_else_is_said_in_words(folder: Path, url: str) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o500)
    with pytest.raises(DownloadError, match=r"cannot be kept in .*: Permission denied.*FO_POSE_WEIGHTS"):
        get(url)


def test_a_disk_that_becomes_full_leaves_nothing_half_written(folder: Path, url: str) -> None:
    folder.mkdir(parents=True)
    (folder / f"{NAME}.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="became full"):
        get(url)
    assert names_in(folder) == []


def test_a_file_is_deleted_with_what_had_arrived_of_it(folder: Path, url: str) -> None:
    assert remove(NAME) == 0
    interrupt(url)
    part = folder / f"{NAME}.part"
    assert remove(NAME) >= CHUNK
    get(url)
    assert remove(NAME) == len(CONTENT)
    assert not part.exists()
    assert list(folder.iterdir()) == []
    assert remove("../config.json") == 0


def test_who_waits_for_another_thread_is_told(weights_server: WeightsServer, folder: Path, url: str) -> None:
    first = fetch(url, PREFIX)
    next(first)
    second = fetch(url, PREFIX)
    told = next(second)
    assert told.source == f"{folder}, where another process downloads it"
    assert told.done_bytes > 0
    assert list(first)
    assert list(second) == []
    assert len(weights_server.asked) == 1


FETCH = """
import sys
from fo_pose_plugin.models import weights_cache
url, prefix = sys.argv[1:]
steps = weights_cache.fetch(url, prefix)
try:
    while True:
        next(steps)
        print("step", flush=True)
except StopIteration as end:
    print(end.value.stat().st_size)
"""


def start(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, url, PREFIX],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_that_want_one_file_at_once_download_it_once(
    weights_server: WeightsServer, folder: Path, url: str
) -> None:
    weights_server.default = Answer(pause_s=0.15)
    workers = [start(url) for _ in range(3)]
    outputs = [worker.communicate(timeout=60) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 3, outputs
    assert {out.split()[-1] for out, _ in outputs} == {str(len(CONTENT))}
    assert weights_server.bytes_sent == len(CONTENT)
    assert (folder / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_who_is_stopped_leaves_what_had_arrived_to_the_next(
    weights_server: WeightsServer, folder: Path, url: str, how: signal.Signals
) -> None:
    weights_server.default = Answer(pause_s=0.2)
    worker = start(url)
    assert worker.stdout is not None
    for _ in range(3):
        assert worker.stdout.readline() == "step\n"
    waiting = fetch(url, PREFIX)
    assert "another process" in next(waiting).source
    worker.send_signal(how)
    worker.communicate(timeout=30)
    assert worker.returncode != 0
    weights_server.default = Answer()
    deadline = time.monotonic() + 30
    assert all(time.monotonic() < deadline for _ in waiting)
    assert (folder / NAME).read_bytes() == CONTENT
    assert (weights_server.ranges[1] or "").startswith("bytes=")
    assert names_in(folder) == [NAME]

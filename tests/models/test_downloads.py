from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from fo_pose_plugin.errors import DownloadError, SourceError
from fo_pose_plugin.models import downloads
from fo_pose_plugin.models.download_parts import discard_part
from fo_pose_plugin.models.downloads import DownloadProgress, check_address, download, shown_address
from tests.weights_server import CHUNK, Answer, WeightsServer, make_certificate, weights_server

__all__ = ["weights_server"]

CONTENT = os.urandom(700_001)
NOBODY = "http://127.0.0.1:1"
PATH = "/mmpose/v1/model-0123abcd_20200708.pth"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "SECONDS_BETWEEN_TRIES", 0.01)
    monkeypatch.setattr(downloads, "BACKOFF_S", 0.01)
    monkeypatch.setattr(downloads, "SECONDS_BETWEEN_REPORTS", 0.0)
    monkeypatch.setattr(downloads, "WORTH_MENTIONING_BYTES", 1000)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "model.pth.part"


@pytest.fixture
def address(weights_server: WeightsServer) -> str:
    return weights_server.add(PATH, CONTENT)[0]


def fetch(address: str, part: Path) -> list[DownloadProgress]:
    return list(download(address, part))


def begin(address: str, part: Path, at_least: int = 100_000) -> int:
    """Download a part and stop, as who closes the page does."""
    steps = download(address, part)
    assert next(step for step in steps if step.done_bytes >= at_least)
    steps.close()
    return part.stat().st_size


def test_a_file_arrives_and_its_progress_is_told(address: str, part: Path) -> None:
    steps = fetch(address, part)
    assert part.read_bytes() == CONTENT
    assert steps[-1] == DownloadProgress(len(CONTENT), len(CONTENT), address)
    done = [step.done_bytes for step in steps]
    assert done == sorted(done)
    assert len(done) > 5
    assert steps[-1].fraction == 1.0


def test_progress_is_said_in_few_words() -> None:
    assert DownloadProgress(34_400_000, 110_000_000, "x").describe() == "34 of 110 MB"
    assert DownloadProgress(34_400_000, None, "x").describe() == "34 MB"
    assert DownloadProgress(34_400_000, None, "x").fraction is None


def test_an_empty_file_is_a_file(weights_server: WeightsServer, part: Path) -> None:
    fetch(weights_server.add("/empty.pth", b"")[0], part)
    assert part.read_bytes() == b""


def test_a_cut_connection_goes_on_where_it_ended(
    weights_server: WeightsServer, address: str, part: Path
) -> None:
    weights_server.answers = [Answer(cut_after=3 * CHUNK), Answer(cut_after=4 * CHUNK)]
    steps = fetch(address, part)
    assert part.read_bytes() == CONTENT
    assert weights_server.ranges == [None, f"bytes={3 * CHUNK}-", f"bytes={7 * CHUNK}-"]
    assert all("If-Range" in headers for _, headers in weights_server.asked[1:])
    assert [step.done_bytes for step in steps] == sorted(step.done_bytes for step in steps)


def test_what_had_arrived_is_kept_and_used_later(
    weights_server: WeightsServer, address: str, part: Path
) -> None:
    size = begin(address, part)
    assert part.read_bytes() == CONTENT[:size]
    fetch(address, part)
    assert part.read_bytes() == CONTENT
    assert weights_server.ranges == [None, f"bytes={size}-"]


def test_a_whole_part_is_not_asked_for_again(weights_server: WeightsServer, address: str, part: Path) -> None:
    fetch(address, part)
    fetch(address, part)
    assert len(weights_server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(ignore_range=True),
        Answer(shift=10),
        Answer(total=5),
        Answer(status=416),
        Answer(headers={"Content-Range": "bytes */*"}, etag="other"),
    ],
)
def test_a_server_that_gives_no_fitting_part_gives_all_of_it(
    weights_server: WeightsServer, address: str, part: Path, answer: Answer
) -> None:
    begin(address, part)
    weights_server.answers = [answer]
    fetch(address, part)
    assert part.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_fetched_anew(
    weights_server: WeightsServer, address: str, part: Path
) -> None:
    begin(address, part)
    other = os.urandom(len(CONTENT))  # of the same length: only its ETag tells
    weights_server.add(PATH, other)
    fetch(address, part)
    assert part.read_bytes() == other
    assert weights_server.asked[-1][1]["If-Range"] != f'"{other[:1].hex()}"'


def test_another_address_goes_on_where_the_length_is_the_same(
    weights_server: WeightsServer, address: str, part: Path
) -> None:
    size = begin(address, part)
    mirror, _ = weights_server.add("/mirror" + PATH, CONTENT)
    fetch(mirror, part)
    assert part.read_bytes() == CONTENT
    path, headers = weights_server.asked[-1]
    assert (path, headers["Range"]) == ("/mirror" + PATH, f"bytes={size}-")
    assert "If-Range" not in headers  # that ETag is another server's

    discard_part(part)
    begin(address, part)
    longer, _ = weights_server.add("/longer" + PATH, CONTENT + b"more")
    fetch(longer, part)
    assert part.read_bytes() == CONTENT + b"more"


@pytest.mark.parametrize("note", [None, "{", "[]", '{"address": "x"}', '{"total": "many"}'])
def test_a_part_without_a_note_that_can_be_read_is_fetched_anew(
    weights_server: WeightsServer, address: str, part: Path, note: str | None
) -> None:
    part.write_bytes(b"whatever")
    if note is not None:
        part.with_name(part.name + ".json").write_text(note)
    fetch(address, part)
    assert part.read_bytes() == CONTENT
    assert weights_server.ranges == [None]


def test_a_weak_etag_tells_nothing_and_the_date_does(
    weights_server: WeightsServer, address: str, part: Path
) -> None:
    date = "Wed, 08 Jul 2020 10:00:00 GMT"
    weights_server.answers = [Answer(etag='W/"1"', headers={"Last-Modified": date})]
    begin(address, part)
    assert json.loads(part.with_name(part.name + ".json").read_text())["validator"] == date


def test_a_file_of_unknown_length_arrives(weights_server: WeightsServer, address: str, part: Path) -> None:
    weights_server.answers = [Answer(chunked=True)]
    steps = fetch(address, part)
    assert part.read_bytes() == CONTENT
    assert steps[-1].total_bytes is None


def test_a_chunked_answer_that_is_cut_is_no_file(
    weights_server: WeightsServer, address: str, part: Path
) -> None:
    weights_server.default = Answer(chunked=True, cut_after=100_000)
    with pytest.raises(SourceError, match="the connection broke after 100,000 bytes"):
        fetch(address, part)


def test_a_server_that_cuts_again_and_again_is_given_up(
    weights_server: WeightsServer, address: str, part: Path
) -> None:
    weights_server.default = Answer(ignore_range=True, cut_after=100_000)
    with pytest.raises(SourceError, match="the connection broke after 65,536 of 700,001 bytes"):
        fetch(address, part)
    assert len(weights_server.asked) == 4  # the first brought something


def test_a_server_that_promises_too_much_is_given_up(
    weights_server: WeightsServer, address: str, part: Path
) -> None:
    weights_server.default = Answer(length=len(CONTENT) + 5)
    with pytest.raises(SourceError, match=r"700,001 of 700,006 bytes|no part of the file"):
        fetch(address, part)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(status=404), "HTTP 404 Not Found"),
        (Answer(status=403), "HTTP 403 Forbidden"),
        (Answer(status=204), "HTTP 204"),
        (Answer(status=503), "HTTP 503 Service Unavailable"),
        (Answer(status=206), "HTTP 206, though the whole file was asked for"),
        (Answer(status=416), "HTTP 416"),
        (Answer(length=11 * 10**9), r"it gives 11\.0 GB, expected at most 10 GB"),
        (Answer(headers={"Content-Type": "text/html; charset=utf-8"}), "a web page instead of the file"),
        (Answer(headers={"Content-Encoding": "gzip"}), r"sends the file encoded \(gzip\)"),
        (Answer(redirect="ftp://127.0.0.1/x.pth"), "neither http nor https"),
        (Answer(redirect="file:///etc/hostname"), "neither http nor https"),
        (Answer(redirect=PATH), "redirects more than 5 times"),
    ],
)
def test_what_is_no_file_is_said_in_words(
    weights_server: WeightsServer, address: str, part: Path, answer: Answer, message: str
) -> None:
    weights_server.default = answer
    with pytest.raises(SourceError, match=message):
        fetch(address, part)
    assert not part.exists()


def test_a_busy_server_is_asked_again(weights_server: WeightsServer, address: str, part: Path) -> None:
    weights_server.answers = [Answer(status=503), Answer(status=429, headers={"Retry-After": "3600"})]
    fetch(address, part)
    assert part.read_bytes() == CONTENT


def test_a_redirect_within_the_web_is_followed(
    weights_server: WeightsServer, address: str, part: Path
) -> None:
    weights_server.add("/elsewhere.pth", CONTENT)
    weights_server.answers = [Answer(redirect="/elsewhere.pth")]
    fetch(address, part)
    assert part.read_bytes() == CONTENT


def test_nobody_there_is_said_in_words(part: Path) -> None:
    with pytest.raises(SourceError, match=r"^Failed to establish a new connection: .*Connection refused$"):
        fetch("http://127.0.0.1:1/x.pth", part)
    with pytest.raises(SourceError, match=r"^Failed to resolve 'nowhere\.invalid'"):
        fetch("http://nowhere.invalid/x.pth", part)


def test_a_proxy_that_is_not_there_is_named(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", NOBODY)
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    monkeypatch.setenv("NO_PROXY", "")
    for address in ("https://nowhere.invalid/x.pth", "http://nowhere.invalid/x.pth"):
        with pytest.raises(SourceError, match=r"^the proxy does not answer: Failed to .*Connection refused$"):
            fetch(address, part)


def test_a_server_that_falls_silent_is_given_up(
    weights_server: WeightsServer, address: str, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "READ_TIMEOUT_S", 0.3)
    weights_server.default = Answer(pause_s=5)
    with pytest.raises(SourceError, match="nothing more came after 0 of 700,001 bytes"):
        fetch(address, part)


def test_an_endless_file_is_cut_off(
    weights_server: WeightsServer, address: str, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 300_000)
    weights_server.default = Answer(chunked=True)
    with pytest.raises(SourceError, match="it gives more than"):
        fetch(address, part)
    assert not part.exists()


def test_too_little_space_is_said_before_anything_is_written(
    address: str, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(part.parent)._replace(free=100_300_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(
        DownloadError, match=r"too little space in .*: 100 MB are free, and the file needs 101"
    ):
        fetch(address, part)
    assert not part.exists()


def test_a_disk_that_becomes_full_is_freed_again(address: str, part: Path) -> None:
    part.symlink_to("/dev/full")
    with pytest.raises(
        DownloadError, match=r"became full while model\.pth was written; .* removed"
    ) as caught:
        fetch(address, part)
    assert not isinstance(caught.value, SourceError)
    assert list(part.parent.iterdir()) == []


def test_a_file_that_cannot_be_written_is_said_in_words(address: str, part: Path) -> None:
    part.mkdir()
    with pytest.raises(DownloadError, match=r"model\.pth\.part cannot be written: Is a directory"):
        fetch(address, part)
    with pytest.raises(DownloadError, match="cannot be written: No such file or directory"):
        fetch(address, part.parent / "gone" / "model.pth.part")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
class TestHttps:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        (tmp_path / "keys").mkdir()
        return make_certificate(tmp_path / "keys")

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, certificate: Path, part: Path) -> None:
        with WeightsServer(certificate).running() as server:
            address, _ = server.add(PATH, CONTENT)
            with pytest.raises(SourceError, match=r"its certificate is not accepted: .*self.signed"):
                fetch(address, part)

    def test_https_does_not_lead_to_http(
        self,
        certificate: Path,
        part: Path,
        address: str,
        weights_server: WeightsServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_name("public.pem")))
        with WeightsServer(certificate).running() as server:
            secure, _ = server.add(PATH, CONTENT)
            server.answers = [Answer(redirect=address)]
            with pytest.raises(SourceError, match="redirects from https to http"):
                fetch(secure, part)
            assert not part.exists()
            weights_server.answers = [Answer(redirect=secure)]
            fetch(address, part)  # the other way round is no loss
        assert part.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "address", ["", "x.pth", "/x.pth", "ftp://host/x.pth", "file:///x.pth", "http:///x.pth", "http://[/x.pth"]
)
def test_what_is_no_address_of_the_web_is_told(address: str) -> None:
    assert check_address(address)


def test_an_address_is_shown_without_credentials() -> None:
    assert check_address("https://host/x.pth") is None
    assert shown_address("https://user:secret@host:8443/a/x.pth") == "https://host:8443/a/x.pth"


def test_values_are_frozen() -> None:
    progress: Any = DownloadProgress(1, 2, "x")
    with pytest.raises(AttributeError):
        progress.done_bytes = 5

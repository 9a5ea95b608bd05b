"""Fetches one address into a file: by http or https alone, and going on where an earlier attempt has ended.

The server is asked for the rest only (Range), and for all of it where it has another file by now (If-Range)
or does not know how to give a part.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from fo_pose_plugin.errors import DownloadError, SourceError
from fo_pose_plugin.models.download_parts import Begun, discard_part, read_part, size_of, write_note

if TYPE_CHECKING:
    import requests

__all__ = ["DownloadProgress", "check_address", "download", "shown_address"]

MAX_BYTES = 10 * 10**9
# Left free on the disk.
RESERVE_BYTES = 100 * 10**6
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
SECONDS_BETWEEN_REPORTS = 0.2
# Tries in a row that bring nothing worth mentioning, before an address is given up.
MAX_VAIN_TRIES = 3
SECONDS_BETWEEN_TRIES = 1.0
WORTH_MENTIONING_BYTES = 1 << 20
BACKOFF_S = 0.5
MAX_REDIRECTS = 5
_CHUNK_BYTES = 1 << 16
# "HTTPConnection(host='...', port=443): " before what failed; with urllib3 1 "<... object at 0x...>: ".
_WRAPPING = re.compile(r"^(<[^>]*>|\w+\([^)]*\)): ")
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is.

    Args:
        done_bytes: Bytes that have arrived, those of earlier attempts too.
        total_bytes: How long the file is, or None where the server does not say.
        source: Where it comes from, for people: an address without its credentials.
    """

    done_bytes: int
    total_bytes: int | None
    source: str

    @property
    def fraction(self) -> float | None:
        """From 0 to 1, or None where the length is not known."""
        return min(self.done_bytes / self.total_bytes, 1.0) if self.total_bytes else None

    def describe(self) -> str:
        """Say it in a few words: ``34 of 110 MB``."""
        done = f"{self.done_bytes / 1e6:,.0f}"
        return f"{done} MB" if self.total_bytes is None else f"{done} of {self.total_bytes / 1e6:,.0f} MB"


class _CutError(Exception):
    """The answer ended too early; the rest may still be had."""


def check_address(address: str) -> str | None:
    """Say what is wrong with an address, or None."""
    try:
        parts = urlsplit(address)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError as error:
        return str(error)
    return None if known else "expected http://... or https://..."


def shown_address(address: str) -> str:
    """Give an address as people may see it, without user and password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def download(address: str, part: Path) -> Generator[DownloadProgress, None, None]:
    """Fetch an address into a file.

    What has arrived when it is interrupted stays, and the next call goes on from there.

    Args:
        address: ``http://`` or ``https://``; redirects to anything else are not followed, nor from
            https to http.
        part: Where to; its folder is there. Nobody else may write to it meanwhile.

    Yields:
        How far it is, a few times a second.

    Raises:
        SourceError: If this address does not give the file.
        DownloadError: If the file cannot be kept: another address would not help.
    """
    vain = 0
    most = size_of(part)
    with _session() as session:
        while True:
            try:
                yield from _fetch_rest(session, address, part)
            except _CutError as cut:
                size = size_of(part)
                vain = 0 if size >= most + WORTH_MENTIONING_BYTES else vain + 1
                most = max(most, size)
                if vain == MAX_VAIN_TRIES:
                    raise SourceError(str(cut)) from cut.__cause__
                time.sleep(SECONDS_BETWEEN_TRIES * vain)
            else:
                return


def _session() -> requests.Session:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    # A Retry-After of hours would look like a download that hangs.
    retry = Retry(
        total=3,
        connect=1,
        read=1,
        backoff_factor=BACKOFF_S,
        status_forcelist=(429, 500, 502, 503, 504),
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    session = requests.Session()
    session.max_redirects = MAX_REDIRECTS
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    # Compressed, the lengths would say nothing.
    session.headers.update({"Accept-Encoding": "identity", "User-Agent": "fo-pose-plugin"})
    return session


def _fetch_rest(
    session: requests.Session, address: str, part: Path
) -> Generator[DownloadProgress, None, None]:
    import requests

    begun, start = read_part(part)
    if begun is not None and begun.total == start:
        return
    try:
        response = session.get(
            address,
            headers=_range_headers(begun, start, address),
            stream=True,
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        )
    except requests.RequestException as error:
        raise SourceError(_reason(error)) from error
    with response:
        _check_way(response)
        if not _goes_on(response, begun, start):
            if start and response.status_code in {206, 416}:
                discard_part(part)
                raise _CutError("it gives no part of the file that fits what has arrived")
            start, begun = 0, _beginning(response, address)
        _check_size(begun, start, part)
        yield from _receive(response, part, begun, start)


def _range_headers(begun: Begun | None, start: int, address: str) -> dict[str, str]:
    if begun is None:
        return {}
    headers = {"Range": f"bytes={start}-"}
    if begun.address == address and begun.validator:
        headers["If-Range"] = begun.validator
    return headers


def _check_way(response: requests.Response) -> None:
    """Refuse answers that came on a way that cannot be trusted as the address itself."""
    schemes = [urlsplit(step.url).scheme for step in (*response.history, response)]
    since_https = schemes[schemes.index("https") :] if "https" in schemes else []
    if "http" in since_https:
        raise SourceError("it redirects from https to http, where anyone on the way could change the file")


def _goes_on(response: requests.Response, begun: Begun | None, start: int) -> bool:
    """Tell whether an answer is the rest of what has arrived; a status that is an error raises."""
    if response.status_code not in {200, 206, 416}:
        raise SourceError(f"HTTP {response.status_code} {response.reason or ''}".rstrip())
    if response.status_code == 416 and not start:
        raise SourceError("HTTP 416: the server has an empty file there")
    kind = response.headers.get("Content-Type", "")
    if response.status_code == 200 and kind.partition(";")[0].strip().lower() == "text/html":
        raise SourceError("it answers with a web page instead of the file")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise SourceError(f"it sends the file encoded ({response.headers['Content-Encoding']})")
    given = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status_code != 206 or begun is None or given is None:
        return False
    # Another address may hold another file: the length is what can be compared now, the checksum later.
    return int(given[1]) == start and int(given[2]) == begun.total


def _beginning(response: requests.Response, address: str) -> Begun:
    if response.status_code != 200:
        raise SourceError(f"HTTP {response.status_code}, though the whole file was asked for")
    length = response.headers.get("Content-Length", "")
    etag = response.headers.get("ETag", "")
    weak = etag.startswith("W/")
    validator = (None if weak else etag) or response.headers.get("Last-Modified")
    return Begun(address, int(length) if re.fullmatch(r"\d{1,18}", length) else None, validator)


def _check_size(begun: Begun | None, start: int, part: Path) -> None:
    total = begun.total if begun is not None else None
    if total is None:
        return
    if total > MAX_BYTES:
        raise SourceError(f"it gives {total / 1e9:,.1f} GB, expected at most {MAX_BYTES / 1e9:.0f} GB")
    try:
        free = shutil.disk_usage(part.parent).free
    except OSError as error:
        raise _not_kept(part, error) from error
    if free < total - start + RESERVE_BYTES:
        raise DownloadError(
            f"there is too little space in {part.parent}: {free / 1e6:,.0f} MB are free, and the file needs "
            f"{(total - start + RESERVE_BYTES) / 1e6:,.0f} MB. Free some, or name another folder for weights"
        )


def _receive(
    response: requests.Response, part: Path, begun: Begun | None, start: int
) -> Generator[DownloadProgress, None, None]:
    """Write an answer's body behind what has arrived."""
    import requests

    total = begun.total if begun is not None else None
    size, shown, reported = start, shown_address(response.request.url or ""), 0.0
    try:
        with part.open("ab" if start else "wb") as file:
            if not start and begun is not None:
                write_note(part, begun)
            for chunk in response.iter_content(_CHUNK_BYTES):
                size += len(chunk)
                if size > MAX_BYTES:
                    discard_part(part)
                    raise SourceError(f"it gives more than {MAX_BYTES / 1e9:.0f} GB, expected at most that")
                file.write(chunk)
                now = time.monotonic()
                if now - reported >= SECONDS_BETWEEN_REPORTS:
                    reported = now
                    yield DownloadProgress(size, total, shown)
            file.flush()
            os.fsync(file.fileno())
    except requests.RequestException as error:
        what = "nothing more came" if _is_silence(error) else "the connection broke"
        raise _CutError(f"{what} after {_of(size, total)}") from error
    except OSError as error:
        raise _not_kept(part, error) from error
    if total is not None and size < total:
        raise _CutError(f"the connection ended after {_of(size, total)}")
    yield DownloadProgress(size, total, shown)


def _of(size: int, total: int | None) -> str:
    return f"{size:,} bytes" if total is None else f"{size:,} of {total:,} bytes"


def _not_kept(part: Path, error: OSError) -> DownloadError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        # A full disk stops everything else on the machine; a download can be had again.
        discard_part(part)
        return DownloadError(
            f"the disk of {part.parent} became full while {part.stem} was written; what had arrived was "
            "removed. Free some space, or name another folder for weights"
        )
    return DownloadError(f"{part} cannot be written: {error.strerror or error}")


def _is_silence(error: requests.RequestException) -> bool:
    import requests

    # Within a body, requests gives a read timeout as a ConnectionError.
    return isinstance(error, requests.exceptions.ReadTimeout) or "Read timed out" in str(error)


def _reason(error: requests.RequestException) -> str:
    """Say what a request failed of, without the class names that libraries wrap round it."""
    import requests

    if isinstance(error, requests.exceptions.InvalidSchema):
        return "it redirects to an address that is neither http nor https"
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return f"it redirects more than {MAX_REDIRECTS} times"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"no answer within {CONNECT_TIMEOUT_S:.0f} s"
    if _is_silence(error):
        return f"it takes the request, and nothing comes for {READ_TIMEOUT_S:.0f} s"
    cause = error.args[0] if error.args else error
    cause = getattr(cause, "reason", None) or cause
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy does not answer: {_WRAPPING.sub('', str(cause.args[-1]))}"
    if isinstance(error, requests.exceptions.SSLError):
        return f"its certificate is not accepted: {cause}"
    return _WRAPPING.sub("", str(cause)) or type(error).__name__

"""A web server on this machine that gives files, and can misbehave in the ways that servers of weights do."""

from __future__ import annotations

import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

__all__ = ["CHUNK", "Answer", "WeightsServer", "make_certificate", "weights_server"]

CHUNK = 1 << 16


@dataclass(frozen=True)
class Answer:
    """How one request is answered; by default as it should be.

    Args:
        status: Another status than 200 or 206, with no file.
        redirect: Where to send the client instead.
        cut_after: Break the connection after so many bytes of the body.
        ignore_range: Give the whole file whatever was asked for.
        shift: Begin a part so many bytes away from where it was asked for.
        total: Say in Content-Range that the file is so long.
        length: Say that the body is so long.
        chunked: Do not say how long it is.
        etag: The file's ETag; None for none, empty for the right one.
        headers: More headers.
        pause_s: Wait so long before each 64 KiB.
    """

    status: int | None = None
    redirect: str | None = None
    cut_after: int | None = None
    ignore_range: bool = False
    shift: int = 0
    total: int | None = None
    length: int | None = None
    chunked: bool = False
    etag: str | None = ""
    headers: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0.0


class WeightsServer:
    """Gives ``files`` by path, as ``answers`` says: one for each request, then as it should be.

    Args:
        certificate: A certificate and its key in one file, for https.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: list[Answer] = []
        self.default = Answer()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.bytes_sent = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if certificate is None else "https"
        self.address = f"{scheme}://127.0.0.1:{self._server.server_port}"

    def add(self, path: str, content: bytes) -> tuple[str, str]:
        """Put a file there; give its address and what its sha256 begins with."""
        self.files[path] = content
        return self.address + path, sha256(content).hexdigest()[:8]

    @property
    def ranges(self) -> list[str | None]:
        """Which part each request asked for."""
        return [headers.get("Range") for _, headers in self.asked]

    @contextmanager
    def running(self) -> Iterator[WeightsServer]:
        """Serve in a thread."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _next(self, path: str, headers: dict[str, str]) -> Answer:
        with self._lock:
            self.asked.append((path, headers))
            return self.answers.pop(0) if self.answers else self.default


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    owner: WeightsServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = self.owner._next(self.path, dict(self.headers))
        content = self.owner.files.get(self.path)
        if answer.redirect is not None:
            self._head(302, {"Location": answer.redirect, "Content-Length": "0"})
        elif answer.status is not None or content is None:
            self._head(answer.status or 404, {"Content-Length": "0"})
        else:
            self._give(content, answer)

    def _give(self, content: bytes, answer: Answer) -> None:
        etag = f'"{sha256(content).hexdigest()[:16]}"' if answer.etag == "" else answer.etag
        start = self._start(answer, etag)
        if start is not None and start >= len(content):
            self._head(416, {"Content-Length": "0", "Content-Range": f"bytes */{len(content)}"})
            return
        first = max((start or 0) - answer.shift, 0)
        body = content[first:]
        headers = {"Content-Type": "application/octet-stream", **answer.headers}
        if etag is not None:
            headers["ETag"] = etag
        if start is not None:
            total = answer.total or len(content)
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{total}"
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(len(body) if answer.length is None else answer.length)
        self._head(200 if start is None else 206, headers)
        self._body(body[: answer.cut_after], answer)
        if answer.cut_after is not None or answer.length is not None:
            self.close_connection = True
        elif answer.chunked:
            with suppress(ConnectionError):
                self.wfile.write(b"0\r\n\r\n")

    def _start(self, answer: Answer, etag: str | None) -> int | None:
        asked = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        if asked is None or answer.ignore_range or (condition is not None and condition != etag):
            return None
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def _body(self, body: bytes, answer: Answer) -> None:
        with suppress(ConnectionError, ssl.SSLError):  # the client has seen enough
            for begin in range(0, len(body), CHUNK):
                time.sleep(answer.pause_s)
                chunk = body[begin : begin + CHUNK]
                framed = f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n"
                self.wfile.write(framed if answer.chunked else chunk)
                self.owner.bytes_sent += len(chunk)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def weights_server() -> Iterator[WeightsServer]:
    """A server without files."""
    with WeightsServer().running() as server:
        yield server


def make_certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 that signs itself, with its key in the same file."""
    path = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test"]
    command += [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(path),
        "-out",
        str(folder / "public.pem"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    with path.open("a", encoding="ascii") as file:
        file.write((folder / "public.pem").read_text(encoding="ascii"))
    return path

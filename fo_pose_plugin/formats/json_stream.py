"""Read JSON files of any size piece by piece; what is malformed is told by line and column."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, final

from fo_pose_plugin.errors import FormatError, InstallationError

__all__ = ["JsonFile", "open_json"]

CHUNK_BYTES = 2**16
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# COCO's files are five levels deep. ijson's memory grows with the square of the depth: 500 kB of "[" are too
# much.
MAX_DEPTH = 64

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'"[]{}'))
_OPENS = frozenset(b"[{")


def _ijson() -> Any:
    """Give the parser: it is loaded when a file is read, since a plugin that was only downloaded lacks it.

    Raises:
        InstallationError: If it is missing.
    """
    try:
        import ijson
    except ModuleNotFoundError as error:
        raise InstallationError(
            "the package ijson, which reads JSON files, is missing: 'fo-pose install' brings it"
        ) from error
    return ijson


@contextmanager
def open_json(path: str | Path, *, follow_symlinks: bool = True) -> Iterator[JsonFile]:
    """Open a JSON file.

    Args:
        path: The file.
        follow_symlinks: False for a name that someone else chose.

    Raises:
        FormatError: If there is no such file, it is none, or it cannot be read.
    """
    try:
        # Not blocking: opening a pipe that nobody writes to would wait for ever.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_symlinks else os.O_NOFOLLOW)
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FormatError(f"{path} is no regular file: name a JSON file")
            yield JsonFile(file, str(path))
    except FileNotFoundError as error:
        raise FormatError(f"there is no file {path}") from error
    except IsADirectoryError as error:
        raise FormatError(f"{path} is a folder: name the JSON file in it") from error
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}") from error


@final
class JsonFile:
    """A JSON file that is open for reading.

    Args:
        file: The file; it can be sought.
        name: What messages call it.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.name = name
        self._file = _ShallowFile(file, name)
        self._size = max(os.fstat(file.fileno()).st_size, 1)

    @property
    def fraction(self) -> float:
        """How much of the file has been read in this pass."""
        return min(self._file.tell() / self._size, 1.0)

    def kind(self) -> Literal["object", "list", "value"]:
        """Tell what the file holds by its first sign."""
        self._file.rewind()
        try:
            event, _ = next(iter(_ijson().basic_parse(self._file, use_float=True)))
        except _ijson().JSONError as error:
            raise self._malformed() from error
        if event == "start_map":
            return "object"
        return "list" if event == "start_array" else "value"

    def items(self, prefix: str) -> Iterator[Any]:
        """Give the values at a place one by one, in one pass over the file.

        Args:
            prefix: ijson's: ``images.item`` for the members of the list under "images", ``item`` for those of
                a list.

        Raises:
            FormatError: If the file is malformed; it tells where, and nothing of what is in it.
        """
        self._file.rewind()
        try:
            yield from _ijson().items(self._file, prefix, use_float=True)
        except _ijson().JSONError as error:
            raise self._malformed() from error

    def _malformed(self) -> FormatError:
        line, column, at_end = self._locate()
        what = "ends before its JSON is complete" if at_end else "is malformed JSON"
        return FormatError(f"{self.name} {what}, at line {line:,}, column {column:,}: mend it or get it anew")

    def _locate(self) -> tuple[int, int, bool]:
        """Find the first byte that no JSON has there: its chunk first, then, bit by bit, the byte."""
        whole = self._first_refused(CHUNK_BYTES, None)
        offset = self._first_refused(1, None if whole is None else whole)
        line, column, left = 1, 1, offset
        self._file.rewind()
        while chunk := self._file.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left)):
            left = None if left is None else left - len(chunk)
            head, newline, tail = chunk.rpartition(b"\n")
            line, column = line + chunk.count(b"\n"), 1 if newline else column
            # Bytes that go on a character of UTF-8 make no column.
            column += sum(byte & 0xC0 != 0x80 for byte in (tail if newline else head + tail))
        return line, column, offset is None

    def _first_refused(self, step: int, begin: int | None) -> int | None:
        """Give the first piece's offset that cannot go on what came before; None if only the end is wrong.

        Args:
            step: How many bytes are judged at once.
            begin: From where on by steps; what comes before goes unjudged, in large pieces.
        """
        events = _ijson().sendable_list()
        parser = _ijson().basic_parse_coro(events, use_float=True)
        self._file.rewind()
        offset = 0
        while chunk := self._file.read(CHUNK_BYTES if begin is None or offset < begin else step):
            try:
                parser.send(chunk)
            except (_ijson().JSONError, StopIteration):
                return offset
            events.clear()
            offset += len(chunk)
        return None


@final
class _ShallowFile:
    """Reads a JSON file and refuses one that is nested too deeply to be any of ours.

    Args:
        file: The file.
        name: What messages call it.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self.rewind()

    def rewind(self) -> None:
        """Begin anew, behind a byte order mark."""
        self._depth, self._in_text, self._escape = 0, False, b""
        self._file.seek(0)
        if self._file.read(len(BYTE_ORDER_MARK)) != BYTE_ORDER_MARK:
            self._file.seek(0)

    def tell(self) -> int:
        """Give the place from which is read on."""
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises:
            FormatError: If the file is nested too deeply.
        """
        data = self._file.read(size)
        text = _ESCAPE.sub(b"", self._escape + data)
        self._escape = text[-1:] if text.endswith(b"\\") else b""
        for index, part in enumerate(text.translate(None, _NOT_STRUCTURE).split(b'"')):
            self._in_text ^= index > 0
            if not self._in_text:
                self._follow(part)
        return data

    def _follow(self, brackets: bytes) -> None:
        for bracket in brackets:
            self._depth += 1 if bracket in _OPENS else -1
            if self._depth > MAX_DEPTH:
                raise FormatError(f"{self._name} is nested deeper than {MAX_DEPTH} levels: no COCO file is")

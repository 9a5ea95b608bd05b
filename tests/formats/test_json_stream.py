"""Malformed files are told by line and column, and nothing of what is in them."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

from fo_pose_plugin.errors import FormatError
from fo_pose_plugin.formats.json_stream import CHUNK_BYTES, open_json


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.json"


def read(path: Path, prefix: str = "a.item") -> list[object]:
    with open_json(path) as content:
        return list(content.items(prefix))


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'{"a": [1, 2,, 3]}', "line 1, column 13"),
        (b'{\n "a": [1,\n  secret]}', "line 3, column 3"),
        (b'{"a": [NaN]}', "line 1, column 8"),
        (b'{"a": [1]} x', "line 1, column 12"),
        (b'{"a": ["\xc3\xa4\xc3\xa4", \xff]}', "line 1, column 14"),  # columns are characters, not bytes
        (b'{"a": [1e999]}', "line 1, column 13"),
        (b"\xff\xfe{\x00", "line 1, column 1"),
    ],
)
def test_the_place_is_said_and_the_content_is_not(file: Path, content: bytes, place: str) -> None:
    file.write_bytes(content)
    with pytest.raises(FormatError, match=re.escape(f"{file} is malformed JSON, at {place}:")) as caught:
        read(file)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("content", "place"), [(b"", "1, column 1"), (b'{"a":\n [1, 2', "2, column 7")])
def test_an_end_that_comes_too_early_is_said(file: Path, content: bytes, place: str) -> None:
    file.write_bytes(content)
    with pytest.raises(FormatError, match=f"ends before its JSON is complete, at line {place}"):
        read(file)


@pytest.mark.parametrize("seed", range(10))
def test_the_place_is_right_wherever_chunks_end(file: Path, seed: int) -> None:
    rng = random.Random(seed)
    lines = ['{"a": [', *(f'{{"x": {i}, "y": "{"ü" * rng.randrange(40)}"}},' for i in range(4000)), "1]}"]
    assert len("\n".join(lines)) > 1.5 * CHUNK_BYTES
    line = rng.randrange(1, 4000)
    column = lines[line].index(":")
    lines[line] = lines[line][:column] + ";" + lines[line][column + 1 :]
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(FormatError, match=f"at line {line + 1:,}, column {column + 1}:"):
        read(file)


def test_a_byte_order_mark_is_passed_over(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf{"a": [1]}')
    assert read(file) == [1]


@pytest.mark.parametrize("content", [b"[" * 500_000, b'{"a":' * 100_000, b'{"a":["\\"[[["' + b",[" * 99_999])
def test_deep_nesting_is_refused_before_it_takes_memory(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(FormatError, match="nested deeper than 64 levels"):
        read(file)


def test_brackets_in_texts_are_no_nesting(file: Path) -> None:
    text = '[{"\\' * 50_000
    file.write_bytes(b'{"a": ["' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"]}')
    assert read(file) == [text]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="there is no file"):
        read(tmp_path / "none.json")
    with pytest.raises(FormatError, match="is a folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(FormatError, match="no regular file"):
        read(tmp_path / "pipe.json")
    with pytest.raises(FormatError, match=r"cannot be read|there is no file"):
        read(Path("/proc/self/mem/x"))


def test_links_are_followed_only_where_they_may_be(file: Path, tmp_path: Path) -> None:
    file.write_text('{"a": [1]}')
    link = tmp_path / "link.json"
    link.symlink_to(file)
    assert read(link) == [1]
    with pytest.raises(FormatError, match="cannot be read"), open_json(link, follow_symlinks=False):
        pass

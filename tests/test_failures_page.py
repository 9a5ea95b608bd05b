"""docs/failures.md quotes messages that the code has, and names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.shared_data import REPOSITORY

PAGE = REPOSITORY / "docs" / "failures.md"
# Tables end with these two columns. What is quoted elsewhere on the page is no message.
COLUMNS = ("message", "tested in")


def rows() -> list[tuple[str, str, str]]:
    """The first column of each row of each table, with the last two."""
    lines = [
        line.strip("|\n ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("|")
    ]
    assert all(tuple(cells[-2:]) == COLUMNS for cells in lines if cells[0] == "failure")
    return [(cells[0], cells[-2], cells[-1]) for cells in lines if cells[0] not in {"failure", "---"}]


@cache
def templates() -> list[str]:
    """Every text in the package, with {} for what is filled in."""
    found = []
    for path in (REPOSITORY / "fo_pose_plugin").glob("**/*.py"):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


@pytest.mark.parametrize(("failure", "message"), [row[:2] for row in rows()])
def test_each_message_is_one_of_the_code(failure: str, message: str) -> None:
    quoted = [re.sub(r"{[^}]*}", "{}", text) for text in re.findall(r"`([^`]*)`", message)]
    own = [text for text in quoted if not text.startswith("fiftyone ")]
    assert own or message.startswith(("none", "FiftyOne's own"))
    known = templates()
    assert [text for text in own if not any(text in template for template in known)] == []


@pytest.mark.parametrize(("failure", "tests"), [(row[0], row[2]) for row in rows()])
def test_each_test_exists(failure: str, tests: str) -> None:
    named = re.findall(r"`([\w/.]+)::(\w+)`", tests)
    assert named or tests.startswith("the same")
    for path, name in named:
        tree = ast.parse((REPOSITORY / "tests" / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (
            f"{path}::{name}"
        )


def test_the_page_is_found() -> None:
    assert len(rows()) > 30
    assert "docs/failures.md" in (REPOSITORY / "README.md").read_text()

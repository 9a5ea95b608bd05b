"""What someone who looked at the strongest findings made of them, kept apart from what is measured.

`label_errors_verdicts.json` holds one entry for each finding that was looked at: image, annotation id, kind
and keypoints, by which it is found again, a verdict, and what was seen. `make study-label-errors` merges it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

__all__ = ["UNSEEN", "VERDICTS", "Finding", "read_verdicts", "verdict_counts", "verdict_rows"]

FILE = Path(__file__).with_name("label_errors_verdicts.json")
VERDICTS = ("real label error", "debatable", "false alarm")
UNSEEN = "not looked at"
# Image, annotation id, kind, keypoints' names, strength.
Finding: TypeAlias = tuple[str, str, str, str, float]
Key: TypeAlias = tuple[str, str, str]


def read_verdicts(file: Path = FILE) -> dict[Key, tuple[str, str]]:
    """Give verdict and remark by annotation id, kind and keypoints.

    Raises:
        ValueError: If an entry has another verdict than VERDICTS, or comes twice.
    """
    found: dict[Key, tuple[str, str]] = {}
    for entry in json.loads(file.read_text()):
        key = (str(entry["annotation"]), entry["kind"], entry["keypoints"])
        if entry["verdict"] not in VERDICTS or key in found:
            raise ValueError(f"{file.name}: {key} has verdict {entry['verdict']!r}, or comes twice")
        found[key] = (entry["verdict"], entry["seen"])
    return found


def verdict_rows(findings: Sequence[Finding], verdicts: dict[Key, tuple[str, str]]) -> Iterator[str]:
    """Give a table's rows, a finding each."""
    for image, annotation, kind, keypoints, strength in findings:
        verdict, seen = verdicts.get((annotation, kind, keypoints), (UNSEEN, ""))
        yield f"| {image} | {annotation} | {kind} | {keypoints} | {strength:.2f} | {verdict} | {seen} |\n"


def verdict_counts(findings: Sequence[Finding], verdicts: dict[Key, tuple[str, str]]) -> Iterator[str]:
    """Give a table's rows, a kind of finding each, with how many were judged how; all together at last."""
    given = [(kind, verdicts.get((a, kind, names), (UNSEEN, ""))[0]) for _, a, kind, names, _ in findings]
    for kind in dict.fromkeys(kind for kind, _ in given):
        yield _counts(kind, [verdict for one, verdict in given if one == kind])
    yield _counts("all", [verdict for _, verdict in given])


def _counts(name: str, given: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(str(given.count(one)) for one in (*VERDICTS, UNSEEN))} |\n"

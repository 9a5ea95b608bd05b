"""What someone saw in the findings of the study stays with them, and is in the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.label_errors_verdicts import UNSEEN, VERDICTS, read_verdicts, verdict_counts, verdict_rows
from tests.shared_data import REPOSITORY

PAGE = REPOSITORY / "docs" / "label-errors.md"


def test_every_verdict_is_in_the_page_beside_its_finding() -> None:
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("|")]
    told = {(cells[1], cells[2], cells[3]): (cells[5], cells[6]) for cells in lines if len(cells) == 7}
    verdicts = read_verdicts()
    assert len(verdicts) >= 20
    assert {key: told.get(key) for key in verdicts} == verdicts


def test_findings_without_a_verdict_are_told_apart() -> None:
    verdicts = {("7", "wrong_position", "nose"): ("real label error", "on the chin")}
    findings = [
        ("a.jpg", "7", "wrong_position", "nose", 0.9),
        ("a.jpg", "7", "wrong_position", "left_eye", 0.8),
    ]
    assert list(verdict_rows(findings, verdicts)) == [
        "| a.jpg | 7 | wrong_position | nose | 0.90 | real label error | on the chin |\n",
        f"| a.jpg | 7 | wrong_position | left_eye | 0.80 | {UNSEEN} |  |\n",
    ]
    assert list(verdict_counts(findings, verdicts))[-1] == "| all | 1 | 0 | 0 | 1 |\n"


def test_a_verdict_that_there_is_not_or_one_that_comes_twice_is_refused(tmp_path: Path) -> None:
    entry = {
        "annotation": 1,
        "kind": "wrong_position",
        "keypoints": "nose",
        "verdict": VERDICTS[0],
        "seen": "",
    }
    for entries in ([{**entry, "verdict": "maybe"}], [entry, entry]):
        file = tmp_path / "verdicts.json"
        file.write_text(json.dumps(entries))
        with pytest.raises(ValueError, match="comes twice"):
            read_verdicts(file)

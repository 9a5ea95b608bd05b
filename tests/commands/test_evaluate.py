"""`fo-pose evaluate` on real annotations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import fiftyone as fo
import pytest

from fo_pose_plugin import cli
from fo_pose_plugin.core.evaluation_report import EvaluationReport
from tests.coco_fields import fill_with_coco, read_coco
from tests.coco_results import disturbed_results


def test_it_prints_a_report_compares_and_writes_json(
    shared_data: Path,
    make_dataset: Callable[..., fo.Dataset],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset = make_dataset("evaluate")
    content = read_coco(shared_data / "coco_test" / "test_coco.json")
    results = {"poses": disturbed_results(content, 1), "other": disturbed_results(content, 2)}
    fill_with_coco(dataset, content, Path("/photos"), results)
    path = tmp_path / "report.json"
    words = ["evaluate", dataset.name, "poses", "ground_truth"]
    assert cli.main([*words, "--json", str(path)]) == 0
    out = capsys.readouterr().out
    report = EvaluationReport.from_dict(json.loads(path.read_text()))
    assert "COCO" in out
    assert f"{100 * report.ap:.1f}" in out
    assert "left_wrist" in out
    assert "'eval'" in out
    dataset.reload()
    assert dataset.list_evaluations() == ["eval"]

    assert cli.main(words) == 2
    assert "--overwrite" not in capsys.readouterr().out
    assert cli.main([*words, "--overwrite", "--oks-nms", "0.9", "--rescore"]) == 0
    assert (
        cli.main(
            ["evaluate", dataset.name, "other", "ground_truth", "--eval-key", "two", "--compare", "eval"]
        )
        == 0
    )
    assert "two - eval" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--compare", "eval", "--no-write"], "leave --no-write out"),
        (["--json", "/nowhere/at/all/report.json"], "there is no folder /nowhere/at/all"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_starts(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", "any", "poses", "truth", *words]) == 2
    assert said in capsys.readouterr().err

"""The operator `evaluate_poses` and the panel `pose_evaluation` without a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

import fo_pose_plugin as fop
from fo_pose_plugin.app.panels import evaluation_plots
from tests.drawn_poses import TRUTH, fill_with_drawn_poses
from tests.mmpose_skeletons import mmpose_skeleton

EVALUATE = "@fo-pose/fo_pose_plugin/evaluate_poses"


@pytest.fixture(scope="module")
def original(
    make_module_dataset: Callable[..., fo.Dataset], tmp_path_factory: pytest.TempPathFactory
) -> fo.Dataset:
    dataset = make_module_dataset("evaluated")
    fill_with_drawn_poses(dataset, tmp_path_factory.mktemp("drawings"), 3, ("poses", "other"))
    return dataset


@pytest.fixture
def dataset(original: fo.Dataset) -> Any:
    clone = original.clone(persistent=True)
    yield clone
    clone.delete()


def form(dataset: fo.Dataset, params: dict[str, Any]) -> dict[str, Any]:
    """What the form shows for some values, by the name of its parts."""
    ctx = ExecutionContext({"dataset_name": dataset.name, "view": [], "params": params}, executor=Executor())
    resolved = foo.get_operator(EVALUATE).resolve_input(ctx).to_json()
    return dict(resolved["type"]["properties"])


def test_python_gets_the_report(dataset: fo.Dataset) -> None:
    params = {"pred_field": "poses", "gt_field": TRUTH, "eval_key": "by_operator"}
    report = foo.execute_operator(EVALUATE, {"dataset": dataset}, params=params).result
    dataset.reload()
    assert fop.load_evaluation(dataset, "by_operator").as_dict() == report
    assert report["people"] > 0


def test_the_form_chooses_what_is_likely_and_says_what_will_happen(dataset: fo.Dataset) -> None:
    shown = form(dataset, {})
    assert shown["gt_field"]["default"] == TRUTH
    assert shown["pred_field"]["default"] in {"poses", "other"}
    assert shown["eval_key"]["default"] == "eval"
    assert "by 17 keypoints" in shown["outlook"]["view"]["label"]
    assert "refused" not in shown
    assert "oks_threshold" not in shown
    assert {"oks_threshold", "suppress", "rescore"} <= set(form(dataset, {"more": True}))


def test_a_name_that_is_taken_is_avoided_and_may_be_replaced(dataset: fo.Dataset) -> None:
    fop.evaluate_poses(dataset, "poses", TRUTH, progress=False)
    assert form(dataset, {})["eval_key"]["default"] == "eval_2"
    typed = form(dataset, {"eval_key": "eval"})
    assert "already" in typed["refused"]["view"]["label"]
    assert typed["refused"]["invalid"]
    assert "refused" not in form(dataset, {"eval_key": "eval", "overwrite": True})


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"pred_field": TRUTH, "gt_field": TRUTH}, "compared with itself"),
        ({"eval_key": "no name"}, "is no name"),
        ({"oks_threshold": "0.42"}, "expected one of"),
        ({"oks_nms": "much"}, "expected a number"),
        ({"rescore": "yes"}, "expected true or false"),
        ({"gt_field": {"$ne": 1}}, "gt_field is"),
        ({"pred_field": "poses", "gt_field": "true_poses_wholebody", "oks_nms": 7}, "expected 0 to 1"),
    ],
    ids=str,
)
def test_the_form_says_why_it_cannot_be_done(dataset: fo.Dataset, params: dict[str, Any], words: str) -> None:
    refused = form(dataset, params)["refused"]
    assert refused["invalid"]
    assert words in refused["view"]["description"]


def test_a_dataset_without_two_fields_says_what_is_missing(
    make_dataset: Callable[..., fo.Dataset], tmp_path: Path
) -> None:
    dataset = make_dataset("bare")
    dataset.add_sample(fo.Sample(filepath=str(tmp_path / "a.jpg"), poses=fo.Keypoints()))
    assert "Two fields" in form(dataset, {})["refused"]["view"]["label"]


def test_plots_are_drawn_of_every_report_and_hold_no_nan(dataset: fo.Dataset) -> None:
    import json

    reports = [
        fop.evaluate_poses(dataset, field, TRUTH, None, progress=False) for field in ("poses", "other")
    ]
    names = list(mmpose_skeleton("coco_wholebody").keypoint_names)
    dataset.skeletons["true_poses_wholebody"] = fo.KeypointSkeleton(labels=names, edges=[])
    dataset.save()
    whole = fop.evaluate_poses(dataset, "poses", "true_poses_wholebody", None, progress=False)
    for shown in (reports[:1], reports, [whole]):
        for plot in (
            evaluation_plots.oks_plot,
            evaluation_plots.error_plot,
            evaluation_plots.precision_plot,
            evaluation_plots.size_plot,
            evaluation_plots.size_error_plot,
        ):
            data, layout = plot(shown)
            json.dumps([data, layout], allow_nan=False)
            assert len(data) >= len(shown)
            assert all(len(trace["x"]) == len(trace["y"]) > 0 for trace in data)

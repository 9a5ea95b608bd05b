"""The operator `show_heatmaps` as FiftyOne runs it, without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

from fo_pose_plugin.errors import PoseError
from fo_pose_plugin.tasks import heatmap_painter
from tests.kept_datasets import fill_with_photos, keep_poses

URI = "@fo-pose/fo_pose_plugin/show_heatmaps"


@pytest.fixture
def dataset(
    make_dataset: Callable[..., fo.Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> fo.Dataset:
    """Three photos with two, one and no people."""
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(tmp_path / "kept"))
    dataset = make_dataset("painted")
    fill_with_photos(dataset, tmp_path / "photos", 3)
    keep_poses(dataset, [2, 1, 0])
    return dataset


def context(dataset: fo.Dataset, params: dict[str, Any], **request: Any) -> ExecutionContext:
    request = {"dataset_name": dataset.name, "view": [], "params": params, **request}
    return ExecutionContext(request, executor=Executor())


def messages(dataset: fo.Dataset, params: dict[str, Any], **request: Any) -> list[tuple[str, dict[str, Any]]]:
    """What a page of the App is told in turn."""
    stream = foo.get_operator(URI).execute(context(dataset, params, spaces={}, **request))
    assert isinstance(stream, Iterator)
    return [(message.body.operator_uri.split("/")[-1], message.body.params) for message in stream]


def shown(params: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = params["outputs"]["type"]["properties"]
    return {name: prop["view"] for name, prop in properties.items()}


def form(dataset: fo.Dataset, params: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = foo.get_operator(URI).resolve_input(context(dataset, params)).type.properties
    return properties


def test_python_gets_the_report(dataset: fo.Dataset) -> None:
    params = {"pose_field": "poses", "keypoints": ["nose", "left_eye"]}
    result = foo.execute_operator(URI, {"dataset": dataset}, params=params).result
    dataset.reload()
    seconds = result.pop("seconds")
    assert 0 < seconds < 60
    assert result == {
        "samples": 2,
        "skipped": 1,
        "failed": 0,
        "failures": {},
        "shown": "nose, left_eye",
        "heatmap_field": "poses_heatmap",
    }
    assert dataset.values("poses_heatmap.keypoints") == ["nose, left_eye", "nose, left_eye", None]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"pose_field": "nothing"}, "'nothing' is not there"),
        ({"keypoints": ["tail"]}, "'tail' is neither a keypoint nor a group"),
        ({"keypoints": {"a": 1}}, "keypoints is"),
        ({"pose_field": 5}, "pose_field is '5'"),
    ],
    ids=str,
)
def test_what_cannot_be_painted_is_said(dataset: fo.Dataset, params: dict[str, Any], words: str) -> None:
    with pytest.raises(PoseError, match=words):
        foo.get_operator(URI).execute(context(dataset, params))
    told = messages(dataset, params)
    assert [kind for kind, _ in told] == ["notify", "show_output"]
    assert words in told[0][1]["message"]
    assert words in shown(told[1][1])["error"]["description"]


def test_the_form_offers_groups_and_names_and_says_what_will_happen(dataset: fo.Dataset) -> None:
    inputs = form(dataset, {"keypoints": ["nose"]})
    assert inputs["pose_field"].type.values == ["poses"]
    assert [choice.value for choice in inputs["keypoints"].view.choices][:3] == ["body", "nose", "left_eye"]
    assert inputs["outlook"].view.label == "3 images: nose"
    assert form(dataset, {})["outlook"].view.label == "3 images: all keypoints"


def test_without_kept_heatmaps_the_form_says_where_they_come_from(
    make_dataset: Callable[..., fo.Dataset],
) -> None:
    refused = form(make_dataset("empty"), {})["refused"]
    assert refused.invalid
    assert "Estimate poses" in refused.view.description


def test_a_page_sees_a_bar_and_what_is_shown_now(
    dataset: fo.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heatmap_painter, "SECONDS_BETWEEN_REPORTS", 0.0)
    gone = Path(dataset.first().poses.heatmaps_path)
    gone.unlink()
    told = messages(dataset, {"keypoints": ["nose"]}, active_fields=["filepath", "poses"])
    kinds = [kind for kind, _ in told]
    assert kinds[-3:] == ["reload_dataset", "set_active_fields", "show_output"]
    assert set(kinds[:-3]) == {"show_output"}
    assert told[-4][1]["results"] == {"progress": 1.0}
    assert told[-2][1] == {"fields": ["filepath", "poses", "poses_heatmap"]}
    summary = shown(told[-1][1])
    assert summary["done"]["label"] == "Painted on 1 image: nose"
    assert summary["failures"]["label"] == "As before: 1 image"
    assert f"{dataset.first().id}: {gone} does not exist" in summary["failures"]["description"]
    assert summary["skipped"]["label"] == "Nobody on 1 image"


def test_a_page_sees_an_error_that_is_none_of_ours(
    dataset: fo.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any) -> None:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(heatmap_painter, "write_overlays", fail)
    told = messages(dataset, {})
    assert [kind for kind, _ in told[-2:]] == ["notify", "show_output"]
    assert "RuntimeError: the database is gone" in shown(told[-1][1])["error"]["description"]


def test_selected_samples_can_be_chosen(dataset: fo.Dataset) -> None:
    chosen = dataset.values("id")[1]
    foo.execute_operator(
        URI,
        {"dataset": dataset, "selected": [chosen]},
        params={"pose_field": "poses", "keypoints": ["nose"], "view_target": "SELECTED_SAMPLES"},
    )
    dataset.reload()
    assert dataset.values("poses_heatmap.keypoints") == ["all 17 keypoints", "nose", None]


def test_a_delegated_run_tells_its_progress(dataset: fo.Dataset) -> None:
    told: list[tuple[Any, Any]] = []
    request = {"dataset_name": dataset.name, "view": [], "params": {}, "delegated": True, "spaces": {}}
    ctx = ExecutionContext(
        request,
        executor=Executor(),
        set_progress=lambda _id, state: told.append((state.progress, state.label)),
        delegated_operation_id="0" * 24,
    )
    assert foo.get_operator(URI).execute(ctx)["samples"] == 2
    assert told[-1] == (1.0, "painting heatmaps: 3 of 3 images")

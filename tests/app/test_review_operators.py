"""The operators of the review as FiftyOne runs them, without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

from fo_pose_plugin.app.operators import review_queue
from fo_pose_plugin.errors import PoseError
from tests.kept_datasets import fill_with_photos, keep_poses

MakeDataset = Callable[..., fo.Dataset]
PLUGIN = "@fo-pose/fo_pose_plugin"
QUEUE, FIT, ACCEPT = (f"{PLUGIN}/{n}" for n in ("review_queue", "fit_confidence", "preview_auto_accept"))


@pytest.fixture
def dataset(make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fo.Dataset:
    """Three photos with two, one and no people, whose heatmaps are kept and whose doubt is unknown."""
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(tmp_path / "kept"))
    monkeypatch.setattr(review_queue, "SETTLE_S", 0.0)
    dataset = make_dataset("reviewed")
    fill_with_photos(dataset, tmp_path / "photos", 3)
    keep_poses(dataset, [2, 1, 0])
    return dataset


def context(dataset: fo.Dataset, params: dict[str, Any], **request: Any) -> ExecutionContext:
    request = {"dataset_name": dataset.name, "view": [], "params": params, **request}
    return ExecutionContext(request, executor=Executor())


def form(uri: str, dataset: fo.Dataset, params: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = foo.get_operator(uri).resolve_input(context(dataset, params)).type.properties
    return properties


def messages(dataset: fo.Dataset, params: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What a page of the App is told in turn."""
    stream = foo.get_operator(QUEUE).execute(context(dataset, params, spaces={}))
    assert isinstance(stream, Iterator)
    return [(message.body.operator_uri.split("/")[-1], message.body.params) for message in stream]


def shown(params: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = params["outputs"]["type"]["properties"]
    return {name: prop["view"] for name, prop in properties.items()}


def test_the_queue_finds_doubt_where_it_is_unknown_and_is_saved(dataset: fo.Dataset) -> None:
    outlook = form(QUEUE, dataset, {})["outlook"].view
    assert outlook.label == "At most 50 images with 3 people, the most doubtful first"
    assert "heatmaps of 3 people" in outlook.description
    found = foo.execute_operator(QUEUE, {"dataset": dataset}, params={"pose_field": "poses", "n": 5}).result
    dataset.reload()
    assert (found["images"], found["people"], found["unjudged"]) == (2, 3, 0)
    assert dataset.load_saved_view("review queue").values("id") == [f["sample_id"] for f in found["first"]]
    assert "heatmaps" not in form(QUEUE, dataset, {})["outlook"].view.description


def test_a_page_sees_a_bar_the_view_the_first_image_and_why(dataset: fo.Dataset) -> None:
    told = messages(dataset, {"pose_field": "poses", "diverse": True, "n": 2, "view_name": "mine"})
    kinds = [kind for kind, _ in told]
    assert kinds[-4:] == ["reload_dataset", "set_view", "open_queue", "show_output"]
    assert set(kinds[:-4]) == {"show_output"}
    dataset.reload()
    assert told[-2][1] == {"ids": dataset.load_saved_view("mine").values("id")}
    assert shown(told[-1][1])["done"]["label"] == "2 images to review, saved as the view 'mine'"
    first = told[-1][1]["results"]["first"]
    assert [row["place"] for row in first] == ["1", "2"]
    assert all(row["why"] and row["image"].endswith(".jpg") for row in first)


def test_a_view_of_ones_own_is_never_replaced_but_a_queue_is(dataset: fo.Dataset) -> None:
    dataset.save_view("Mine", dataset.limit(1))
    told = messages(dataset, {"view_name": "mine"})
    assert [kind for kind, _ in told[-2:]] == ["notify", "show_output"]
    assert "saved view 'Mine' already" in told[-2][1]["message"]
    assert len(dataset.load_saved_view("Mine")) == 1
    for n in (2, 1):
        messages(dataset, {"view_name": "queue", "n": n})
    dataset.reload()
    assert len(dataset.load_saved_view("queue")) == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": 1.5}, "n is 1.5"),
        ({"diverse": "yes"}, "diverse is"),
        ({"keypoints": ["tail"]}, "'tail' is neither"),
        ({"view_name": "###"}, "cannot be a view's name"),
        ({"pose_field": "nothing"}, "'nothing'"),
    ],
    ids=str,
)
def test_what_cannot_be_queued_is_said(dataset: fo.Dataset, params: dict[str, Any], words: str) -> None:
    with pytest.raises(PoseError, match=words):
        foo.get_operator(QUEUE).execute(context(dataset, params))
    told = messages(dataset, params)
    assert words in told[-2][1]["message"]
    assert words in shown(told[-1][1])["error"]["description"]
    assert dataset.list_saved_views() == []


def test_nobody_left_is_no_error(dataset: fo.Dataset) -> None:
    for sample in dataset:
        people = [fo.Keypoint(status="accepted", source_id=k.id) for k in sample.poses.keypoints]
        sample["poses_corrected"] = fo.Keypoints(keypoints=people)
        sample.save()
    dataset.add_dynamic_sample_fields()
    told = messages(dataset, {})
    assert shown(told[-1][1])["done"]["label"] == "There is nobody left to review"
    assert "set_view" not in [kind for kind, _ in told]


def test_heatmaps_that_are_gone_are_told(dataset: fo.Dataset) -> None:
    Path(dataset.first().poses.heatmaps_path).unlink()
    told = messages(dataset, {})
    summary = shown(told[-1][1])
    assert summary["done"]["label"].startswith("1 image to review")
    assert summary["failures"]["label"] == "Heatmaps of 1 image could not be read"
    assert summary["unjudged"]["label"] == "Not in the queue: 2 people"


def test_without_kept_heatmaps_the_form_names_the_run_to_make(make_dataset: MakeDataset) -> None:
    refused = form(QUEUE, make_dataset("empty"), {})["refused"]
    assert refused.invalid
    assert "'Keep the heatmaps' ticked" in refused.view.description


def labelled(make_dataset: MakeDataset) -> fo.Dataset:
    from tests.tasks.test_fit_confidence import fill

    return fill(make_dataset("confidence"), 60)


def test_probabilities_are_fitted_and_the_rule_is_only_shown(make_dataset: MakeDataset) -> None:
    dataset = labelled(make_dataset)
    assert form(ACCEPT, dataset, {})["refused"].invalid
    assert form(FIT, dataset, {})["gt_field"].type.values[0] == "truth"
    result = foo.execute_operator(
        FIT, {"dataset": dataset}, params={"pose_field": "poses", "gt_field": "truth"}
    ).result
    assert result["people"] == 60
    assert "Expected calibration error" in result["message"]
    assert [curve["name"].split(":")[0] for curve in result["plot"]["data"]] == [
        "exact",
        "1 - doubt, as it is",
        "fitted",
    ]
    dataset.reload()
    outlook = form(ACCEPT, dataset, {"p": 0.3})
    assert "of 60 people" in outlook["outlook"].view.label
    assert "Nobody is accepted by this" in outlook["outlook"].view.description
    assert str(outlook["others"].to_json()).count("p >=") == 4
    found = foo.execute_operator(
        ACCEPT, {"dataset": dataset}, params={"pose_field": "poses", "p": 0.3}
    ).result
    dataset.reload()
    assert found["accepted"] > 0
    assert len(dataset.load_saved_view("would be accepted")) == found["accepted"]
    assert not dataset.has_field("poses_corrected")


def test_what_cannot_be_fitted_is_said(make_dataset: MakeDataset) -> None:
    dataset = labelled(make_dataset)
    for params, words in (
        ({}, "two fields are needed"),
        ({"pose_field": "poses", "gt_field": "nothing"}, "nothing"),
    ):
        assert words in foo.get_operator(FIT).execute(context(dataset, params))["message"]
    assert "p is 2" in foo.get_operator(ACCEPT).execute(context(dataset, {"p": 2}))["message"]

"""The forms of `accept_poses`, `discard_corrections` and `restore_corrections`: what they say and do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

import fo_pose_plugin as fop
from fo_pose_plugin.app import form_token
from tests.tasks.test_fit_confidence import fill
from tests.tiny_models import BODY, noise_dataset, register_tiny_models

PLUGIN = "@fo-pose/fo_pose_plugin"
ACCEPT, DISCARD, RESTORE = (
    f"{PLUGIN}/{n}" for n in ("accept_poses", "discard_corrections", "restore_corrections")
)


@pytest.fixture
def dataset(make_dataset: Callable[..., fo.Dataset], tmp_path: Path) -> fo.Dataset:
    register_tiny_models(BODY)
    dataset = noise_dataset(make_dataset("forms"), tmp_path, [2, 1, 0])
    fop.estimate_poses(dataset, BODY, boxes="boxes", progress=False)
    return dataset


def context(dataset: fo.Dataset, params: dict[str, Any], **more: Any) -> ExecutionContext:
    request = {"dataset_name": dataset.name, "view": [], "params": params, **more}
    return ExecutionContext(request, executor=Executor())


def form(uri: str, dataset: fo.Dataset, **params: Any) -> dict[str, Any]:
    properties: dict[str, Any] = foo.get_operator(uri).resolve_input(context(dataset, params)).type.properties
    return properties


def run(uri: str, dataset: fo.Dataset, selected: list[str] | None = None, **params: Any) -> dict[str, Any]:
    if selected is not None:
        params["view_target"] = "SELECTED_SAMPLES"
    answer: dict[str, Any] = foo.get_operator(uri).execute(context(dataset, params, selected=selected or []))
    dataset.reload()
    return answer


def test_accepting_says_how_many_and_that_it_can_be_undone(dataset: fo.Dataset) -> None:
    outlook = form(ACCEPT, dataset)["outlook"].view
    assert outlook.label == "3 people on 2 images to count as reviewed and right"
    assert "Restore corrections" in outlook.description
    assert "by_rule" not in form(ACCEPT, dataset)  # no probabilities were fitted
    answer = run(ACCEPT, dataset, selected=[dataset.first().id], pose_field="poses")
    assert answer["message"] == "2 people on 1 image accepted. 'Restore corrections' takes it back."
    assert form(ACCEPT, dataset)["outlook"].view.label.startswith("1 person on 1 image")
    run(ACCEPT, dataset, pose_field="poses")
    assert form(ACCEPT, dataset)["refused"].view.label == "Everybody is reviewed already"


def test_the_rule_says_whom_it_accepts_before_it_does(make_dataset: Callable[..., fo.Dataset]) -> None:
    posed = fill(make_dataset("rule"), 60)
    fop.fit_confidence(posed, "poses", "truth")
    assert "p" not in form(ACCEPT, posed)  # asked for once the rule is chosen
    least = [min(person) for (person,) in posed.values("poses.keypoints.probability")]
    p = float(np.quantile(least, 0.7))
    chosen = form(ACCEPT, posed, by_rule=True, p=p)
    preview = fop.auto_accept_preview(posed, "poses", p)
    assert 0 < preview.accepted < 60
    assert chosen["outlook"].view.label == preview.describe()
    assert chosen["p"].default == 0.95
    answer = run(ACCEPT, posed, pose_field="poses", by_rule=True, p=p)
    assert answer["people"] == preview.accepted
    assert fop.count_corrections(posed).by_status["accepted"] == preview.accepted
    # Nobody else fulfils it now, and it says so.
    refused = form(ACCEPT, posed, by_rule=True, p=p)["refused"]
    assert refused.invalid
    assert "nobody of" in refused.view.label
    answer = run(ACCEPT, posed, pose_field="poses", by_rule=True, p=7)
    assert answer["message"].startswith("Nobody was accepted: p is 7")
    assert fop.count_corrections(posed).by_status["accepted"] == preview.accepted


def test_discarding_says_what_goes_and_restoring_what_comes_back(dataset: fo.Dataset) -> None:
    assert form(DISCARD, dataset)["refused"].view.label == "There are no corrections"
    assert form(RESTORE, dataset)["refused"].view.label == "Nothing can be undone"
    fop.accept_poses(dataset, edited_by="ann")
    fop.correct_pose(dataset.first(), keypoints={"nose": (0.5, 0.5)})
    warning = form(DISCARD, dataset)["warning"].view
    assert warning.label == "Taken away: corrections of 4 people on 2 images (3 accepted, 1 added)"
    assert "the last 20 actions" in warning.description
    answer = run(DISCARD, dataset, pose_field="poses", keep_added=True)
    assert answer["message"] == "3 people on 2 images taken away"
    assert run(DISCARD, dataset, pose_field="poses")["people"] == 1
    choices = form(RESTORE, dataset)["history_key"].view.choices
    assert [choice.label.split(" (")[0].split(" by ")[0] for choice in choices] == [
        "1 person discarded",
        "3 people reset to the predictions",
        "3 people accepted",
    ]
    answer = run(RESTORE, dataset, pose_field="poses", history_key=choices[1].value)
    assert answer["message"] == "3 people on 2 images as they were before"
    assert fop.count_corrections(dataset).by_status["accepted"] == 3


@pytest.mark.parametrize("uri", [ACCEPT, DISCARD, RESTORE])
@pytest.mark.parametrize(
    "params",
    [
        {"pose_field": "nothing"},
        {"pose_field": {"$ne": 1}},
        {"pose_field": "../../etc"},
        {"p": "high", "by_rule": True},
        {"by_rule": "yes"},
        {"keep_added": 3},
        {"history_key": ["x"]},
        {"history_key": "x"},
    ],
    ids=str,
)
def test_hostile_parameters_end_in_words(dataset: fo.Dataset, uri: str, params: dict[str, Any]) -> None:
    form(uri, dataset, **params)
    answer = run(uri, dataset, **params)
    assert "message" in answer


@pytest.mark.parametrize(
    "uri", [ACCEPT, DISCARD, RESTORE, f"{PLUGIN}/save_pose_edits", f"{PLUGIN}/reestimate_pose"]
)
def test_without_the_forms_token_nothing_happens(
    dataset: fo.Dataset, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fop.correct_pose(dataset.first(), keypoints={"nose": (0.5, 0.5)})
    fop.accept_poses(dataset.limit(1))
    before = str(list(dataset._sample_collection.find({})))
    monkeypatch.setattr(form_token, "in_app_server", lambda: True)
    for token in (None, "", "1.2", {"$ne": 1}, form_token.make_token("delete_poses")):
        params = {"pose_field": "poses", "form_token": token}
        answer = foo.get_operator(uri).execute(context(dataset, params))
        said = answer.get("message") or answer.get("problem")
        assert "did not come from the form" in said
        assert form(uri, dataset, **params)["form_token"].invalid or token is None
    assert str(list(dataset._sample_collection.find({}))) == before

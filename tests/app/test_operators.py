"""The operators as FiftyOne's own loader registers and runs them, without a browser."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import pytest
import yaml
from fiftyone.operators.executor import ExecutionContext, Executor
from fiftyone.plugins.context import build_plugin_contexts

from fo_pose_plugin.app.operators import estimate_poses as module
from fo_pose_plugin.dataset.runs import list_runs, request_stop, running_runs
from fo_pose_plugin.errors import PoseError
from fo_pose_plugin.models.pose_network import PoseNetwork
from fo_pose_plugin.tasks import estimation_run
from tests.tiny_models import BODY, noise_dataset, register_tiny_models

MakeDataset = Callable[..., fo.Dataset]
Noise = Callable[..., fo.Dataset]

PLUGIN = "@fo-pose/fo_pose_plugin"
ESTIMATE, STOP, SHOW, PAINT, READ, DELETE, UNDO, CLEAN_UP, EXPORT, IMPORT, FIND = tuple(
    f"{PLUGIN}/{name}"
    for name in (
        "estimate_poses",
        "stop_estimate_poses",
        "show_keypoints",
        "show_heatmaps",
        "read_heatmaps",
        "delete_poses",
        "undo_run",
        "clean_up",
        "export_poses",
        "import_poses",
        "find_label_errors",
    )
)
DECLARED = yaml.safe_load((Path(__file__).resolve().parents[2] / "fiftyone.yml").read_text())
ALL = tuple(f"{PLUGIN}/{name}" for name in DECLARED["operators"])
DISCARD = f"{PLUGIN}/discard_corrections"
PANELS = tuple(f"{PLUGIN}/{name}" for name in DECLARED["panels"])
GIVEN = {"model": BODY, "boxes": "boxes", "keep_heatmaps": False}


@pytest.fixture(autouse=True, scope="module")
def tiny_body() -> None:
    register_tiny_models(BODY)


@pytest.fixture
def noise(make_dataset: MakeDataset, tmp_path: Path) -> Noise:
    return lambda people, **fields: noise_dataset(make_dataset("operators"), tmp_path, people, **fields)


def context(dataset: fo.Dataset, params: dict[str, Any], **request: Any) -> ExecutionContext:
    request = {"dataset_name": dataset.name, "view": [], "params": params, **request}
    return ExecutionContext(request, executor=Executor())


def triggered(ctx: ExecutionContext) -> list[tuple[str, dict[str, Any]]]:
    """What an operator asked the App to do."""
    return [(r.operator_uri.split("/")[-1], r.params) for r in ctx.executor._requests]


# ---- loading


def test_fiftyone_loads_the_plugin_without_an_error() -> None:
    (plugin,) = [c for c in build_plugin_contexts() if c.name == PLUGIN]
    assert plugin.errors == []
    assert {operator.uri for operator in plugin.instances} == {*ALL, *PANELS}


@pytest.mark.parametrize("uri", ALL)
def test_operators_say_what_they_are(uri: str) -> None:
    config = foo.get_operator(uri).config
    assert config.label
    assert config.description
    takes_away = uri in {DELETE, UNDO, CLEAN_UP, DISCARD}
    assert config.risk_level.name in ({"HIGH"} if takes_away else {"LOW", "MEDIUM"})
    repository = Path(__file__).resolve().parents[2]
    assert (repository / config.icon.lstrip("/")).is_file()


# ---- estimate_poses


def test_python_gets_the_report(noise: Noise) -> None:
    dataset = noise([2, 0, 1])
    result = foo.execute_operator(ESTIMATE, {"dataset": dataset}, params=dict(GIVEN)).result
    dataset.reload()
    assert result["run_id"] in dataset.list_runs()
    assert {
        name: result[name] for name in ("samples", "people", "skipped", "failed", "failures", "stopped")
    } == {
        "samples": 3,
        "people": 3,
        "skipped": 0,
        "failed": 0,
        "failures": {},
        "stopped": False,
    }
    assert result["saved_views"] == ["confident points", "all points"]
    assert result["seconds"] > 0
    assert dataset.count("poses.keypoints") == 3


def test_the_operator_is_a_function_too(noise: Noise) -> None:
    dataset = noise([2, 1])
    estimate = foo.get_operator(ESTIMATE)
    report = estimate(dataset[:1], model=BODY, boxes="boxes", pose_field="mine", keep_heatmaps=False)
    dataset.reload()
    assert (report["samples"], report["people"]) == (1, 2)
    assert [label is not None for label in dataset.values("mine")] == [True, False]
    again = estimate(dataset, model=BODY, boxes="boxes", pose_field="mine", keep_heatmaps=False, resume=True)
    assert (again["samples"], again["skipped"], again["run_id"]) == (1, 1, report["run_id"])


@pytest.mark.parametrize(
    ("params", "words", "form_says"),
    [
        ({"model": "nobody"}, "'nobody'", "Path: model"),
        ({"boxes": "nothing"}, "'nothing'", "Path: boxes"),
        ({"boxes": None, "detector": "nobody"}, "'nobody'", "nobody|Path: detector"),
        ({"pose_field": "../x"}, "no field name", "no field name"),
        ({"batch_size": "many"}, "batch_size is 'many'", "batch_size is 'many'"),
        ({"resume": True, "overwrite": True}, "exclude each other", "exclude each other"),
        ({"runtime": "tensorrt"}, "'tensorrt' is unknown", "'tensorrt' is unknown"),
    ],
    ids=str,
)
def test_python_gets_the_reason(noise: Noise, params: dict[str, Any], words: str, form_says: str) -> None:
    dataset = noise([1])
    with pytest.raises(PoseError, match=words):
        foo.get_operator(ESTIMATE)(dataset, **{**GIVEN, **params})
    with pytest.raises(Exception, match=form_says):
        foo.execute_operator(ESTIMATE, {"dataset": dataset}, params={**GIVEN, **params})
    dataset.reload()
    assert not dataset.has_field("poses")
    assert dataset.list_runs() == []


def test_a_misspelt_argument_is_said(noise: Noise) -> None:
    with pytest.raises(PoseError, match="no argument 'flip_tset', 'progress'"):
        foo.get_operator(ESTIMATE)(noise([1]), **GIVEN, flip_tset=True, progress=True)


def test_held_poses_are_not_replaced_without_a_word(noise: Noise) -> None:
    dataset = noise([1])
    first = foo.execute_operator(ESTIMATE, {"dataset": dataset}, params=dict(GIVEN)).result
    estimate = foo.get_operator(ESTIMATE)
    replaced = estimate(dataset, **GIVEN, overwrite=True)
    assert replaced["run_id"] != first["run_id"]
    # A request that skips the form, as any page of the web may send one, replaces nothing.
    ctx = context(dataset, dict(GIVEN))
    with pytest.raises(PoseError, match="hold poses in field 'poses' already"):
        estimate.execute(ctx)
    dataset.reload()
    assert dataset.values("poses.run_id") == [replaced["run_id"]]


def test_selected_samples_can_be_chosen(noise: Noise) -> None:
    dataset = noise([1, 1, 1])
    chosen = dataset.values("id")[1]
    foo.execute_operator(
        ESTIMATE,
        {"dataset": dataset, "selected": [chosen]},
        params={**GIVEN, "view_target": "SELECTED_SAMPLES"},
    )
    dataset.reload()
    assert dataset.exists("poses").values("id") == [chosen]


def test_a_delegated_run_tells_its_progress(noise: Noise) -> None:
    dataset = noise([1] * 3)
    told: list[tuple[Any, Any]] = []
    request = {
        "dataset_name": dataset.name,
        "view": [],
        "params": dict(GIVEN),
        "delegated": True,
        "spaces": {},
    }
    ctx = ExecutionContext(
        request,
        executor=Executor(),
        set_progress=lambda _id, state: told.append((state.progress, state.label)),
        delegated_operation_id="0" * 24,
    )
    report = foo.get_operator(ESTIMATE).execute(ctx)
    assert report["samples"] == 3
    assert told[0] == (0.0, "loading the model")
    assert told[-1][0] == 1.0
    assert "3 of 3 images, 3 people" in told[-1][1]


def test_progress_that_cannot_be_told_does_not_stop_a_run(noise: Noise) -> None:
    dataset = noise([1])

    def set_progress(_id: str, _state: Any) -> None:
        raise ConnectionError("no database")

    request = {"dataset_name": dataset.name, "view": [], "params": dict(GIVEN), "delegated": True}
    ctx = ExecutionContext(request, set_progress=set_progress, delegated_operation_id="0" * 24)
    assert foo.get_operator(ESTIMATE).execute(ctx)["samples"] == 1


# ---- estimate_poses for a page of the App


def messages(dataset: fo.Dataset, params: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What the App is told in turn."""
    ctx = context(dataset, params, spaces={"some": "spaces"})
    stream = foo.get_operator(ESTIMATE).execute(ctx)
    assert isinstance(stream, Iterator)
    return [(message.body.operator_uri.split("/")[-1], message.body.params) for message in stream]


def shown(params: dict[str, Any]) -> dict[str, Any]:
    """The views of an output form by name."""
    properties: dict[str, Any] = params["outputs"]["type"]["properties"]
    return {name: prop["view"] for name, prop in properties.items()}


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimation_run, "SECONDS_BETWEEN_REPORTS", 0.0)
    monkeypatch.setattr(estimation_run, "SECONDS_BETWEEN_WRITES", 0.0)
    monkeypatch.setattr(module, "POLL_S", 0.05)


def test_a_page_sees_a_bar_with_a_stop_and_a_summary(noise: Noise, often: None) -> None:
    dataset = noise([1] * 20)
    told = messages(dataset, {**GIVEN, "batch_size": 1})
    kinds = [kind for kind, _ in told]
    assert kinds[-2:] == ["reload_dataset", "show_output"]
    assert set(kinds[:-2]) == {"show_output"}
    bars = [shown(params) for _, params in told[:-2]]
    assert "stop" not in bars[0]
    assert bars[0]["progress"]["label"] == "loading the model"
    (run_id,) = list_runs(dataset)
    with_stop = [bar["stop"] for bar in bars if "stop" in bar]
    assert with_stop
    assert with_stop[0]["operator"] == STOP
    assert with_stop[0]["params"]["run_id"] == run_id
    fractions = [params["results"]["progress"] for _, params in told[:-2]]
    assert fractions == sorted(fractions)
    summary = shown(told[-1][1])
    assert "20 people in 20 images" in summary["done"]["label"]
    assert summary["run"]["description"] == run_id
    assert "confident points" in summary["views"]["description"]


def test_the_summary_names_what_failed(noise: Noise) -> None:
    dataset = noise([0] * 25)
    for path in dataset.values("filepath"):
        Path(path).unlink()
    summary = shown(messages(dataset, dict(GIVEN))[-1][1])
    assert summary["failures"]["label"] == "25 images had errors"
    lines = summary["failures"]["description"].splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 5 more"
    assert "does not exist" in lines[0]


def test_a_page_that_stops_the_run_sees_how_to_go_on(
    noise: Noise, often: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = noise([1] * 20)
    heatmaps = PoseNetwork.heatmaps

    def stop_first(self: PoseNetwork, *arguments: Any, **options: Any) -> Any:
        for run_id in running_runs(dataset):
            ctx = context(dataset, {"run_id": run_id})
            foo.get_operator(STOP).execute(ctx)
        return heatmaps(self, *arguments, **options)

    monkeypatch.setattr(PoseNetwork, "heatmaps", stop_first)
    summary = shown(messages(dataset, {**GIVEN, "batch_size": 1})[-1][1])
    assert "Stopped" in summary["stopped"]["label"]
    assert "finish the run before" in summary["stopped"]["description"]
    assert [config["status"] for config in list_runs(dataset).values()] == ["stopped"]


def test_a_page_sees_why_nothing_was_done(noise: Noise) -> None:
    dataset = noise([1])
    told = messages(dataset, {**GIVEN, "model": "nobody"})
    assert [kind for kind, _ in told] == ["notify", "show_output"]
    assert "nobody" in told[0][1]["message"]
    assert "nobody" in shown(told[1][1])["error"]["description"]


def test_a_page_sees_an_error_that_is_none_of_ours(noise: Noise, monkeypatch: pytest.MonkeyPatch) -> None:
    # FiftyOne shows nothing of what a generator raises: the bar would stand still for ever.
    dataset = noise([1] * 4)

    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise RuntimeError("CUDA error: the device fell off the bus")

    monkeypatch.setattr(PoseNetwork, "heatmaps", fail)
    told = messages(dataset, dict(GIVEN))
    assert [kind for kind, _ in told[-2:]] == ["notify", "show_output"]
    assert "fell off the bus" in shown(told[-1][1])["error"]["description"]
    assert [config["status"] for config in list_runs(dataset).values()] == ["failed"]


def test_a_page_that_closes_does_not_end_the_run(noise: Noise, often: None) -> None:
    import time

    dataset = noise([1] * 30)
    stream = foo.get_operator(ESTIMATE).execute(context(dataset, {**GIVEN, "batch_size": 1}, spaces={}))
    for message in stream:
        if "stop" in shown(message.body.params):
            break
    stream.close()
    deadline = time.monotonic() + 60
    while running_runs(dataset) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [config["status"] for config in list_runs(dataset).values()] == ["completed"]
    dataset.reload()
    assert len(dataset.exists("poses")) == 30


def test_without_openmmlab_an_operator_names_the_command(
    noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "missing_openmmlab", lambda: ["mmpose"])
    dataset = noise([1])
    with pytest.raises(PoseError, match=r"mmpose is missing; run this .* install"):
        foo.get_operator(ESTIMATE).execute(context(dataset, dict(GIVEN)))
    told = messages(dataset, dict(GIVEN))
    assert "mmpose is missing" in told[0][1]["message"]


# ---- stop_estimate_poses


def test_a_run_is_stopped_by_name(noise: Noise) -> None:
    dataset = noise([1])
    run_id = foo.execute_operator(ESTIMATE, {"dataset": dataset}, params=dict(GIVEN)).result["run_id"]
    stop = foo.get_operator(STOP)
    for params, words in (
        ({}, "no run was named"),
        ({"run_id": "../x"}, "no pose run '../x'"),
        ({"run_id": {"$ne": 1}}, "run_id is"),
        ({"run_id": run_id}, "is not running: it is completed"),
    ):
        ctx = context(dataset, params)
        result = stop.execute(ctx)
        assert result["stopped"] is False
        assert words in result["message"]
        ((kind, told),) = triggered(ctx)
        assert (kind, told["variant"]) == ("notify", "error")


def test_only_what_runs_is_offered(noise: Noise) -> None:
    dataset = noise([1])
    stop = foo.get_operator(STOP)
    assert stop.resolve_input(context(dataset, {})).type.properties["none"].invalid
    run = estimation_run.run_plan(module.plan_from(context(dataset, dict(GIVEN))))
    while not running_runs(dataset):
        next(run)
    (run_id,) = running_runs(dataset)
    inputs = stop.resolve_input(context(dataset, {})).type.properties
    assert inputs["run_id"].type.values == [run_id]
    assert "into poses" in inputs["run_id"].view.choices[0].description
    ctx = context(dataset, {"run_id": run_id})
    assert stop.execute(ctx) == {"stopped": True, "message": ""}
    run.close()
    with pytest.raises(PoseError, match="not running"):
        request_stop(dataset, run_id)


# ---- show_keypoints


def test_keypoints_are_shown_as_a_view(noise: Noise) -> None:
    dataset = noise([2])
    show = foo.get_operator(SHOW)
    assert show.resolve_input(context(dataset, {})).type.properties["refused"].invalid
    foo.execute_operator(ESTIMATE, {"dataset": dataset}, params=dict(GIVEN))
    dataset.reload()
    inputs = show.resolve_input(context(dataset, {})).type.properties
    assert inputs["pose_field"].type.values == ["poses"]
    assert [choice.value for choice in inputs["keypoints"].view.choices][:2] == ["body", "nose"]
    ctx = context(dataset, {"pose_field": "poses", "keypoints": ["nose"], "min_confidence": 0.1})
    assert show.execute(ctx) == {"samples": 1, "message": ""}
    ((kind, params),) = triggered(ctx)
    assert kind == "set_view"
    view = fo.DatasetView._build(dataset, params["view"])
    assert len(view.first().poses.keypoints) == 2


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"pose_field": "nothing"}, "'nothing'"),
        ({"pose_field": "x" * 300}, "pose_field is"),
        ({"keypoints": ["tail"]}, "'tail'"),
        ({"keypoints": {"a": 1}}, "keypoints is"),
        ({"keypoints": ["\x00"]}, "keypoints is"),
        ({"min_confidence": "high"}, "min_confidence is 'high'"),
        ({"min_confidence": float("nan")}, "min_confidence is"),
    ],
    ids=str,
)
def test_what_cannot_be_shown_is_said(noise: Noise, params: dict[str, Any], words: str) -> None:
    dataset = noise([1])
    foo.execute_operator(ESTIMATE, {"dataset": dataset}, params=dict(GIVEN))
    ctx = context(dataset, params)
    result = foo.get_operator(SHOW).execute(ctx)
    assert result["samples"] == 0
    assert words in result["message"]
    ((kind, told),) = triggered(ctx)
    assert (kind, told["variant"]) == ("notify", "error")


@pytest.mark.parametrize("uri", [ESTIMATE, STOP, SHOW, PAINT, DELETE, UNDO, CLEAN_UP])
@pytest.mark.parametrize("value", [5, ["x"], {"$where": "1"}, "\x00"], ids=repr)
def test_forms_outlive_values_of_any_kind(noise: Noise, uri: str, value: Any, caplog: Any) -> None:
    dataset = noise([1])
    names = (
        "model",
        "boxes",
        "box_source",
        "pose_field",
        "held_poses",
        "keypoints",
        "run_id",
        "min_confidence",
    )
    with caplog.at_level(logging.ERROR):
        inputs = foo.get_operator(uri).resolve_input(context(dataset, dict.fromkeys(names, value)))
    assert inputs.type.properties


# ---- delete_poses, undo_run, clean_up


def test_a_field_is_deleted_and_said(noise: Noise) -> None:
    dataset = noise([1, 2])
    foo.execute_operator(ESTIMATE, {"dataset": dataset}, params=dict(GIVEN))
    form = foo.get_operator(DELETE).resolve_input(context(dataset, {}))
    assert form.type.properties["pose_field"].type.values == ["poses"]
    ctx = context(dataset, {"pose_field": "poses"})
    result = foo.get_operator(DELETE).execute(ctx)
    assert result["samples"] == 2
    assert "2 images lost their poses" in result["message"]
    assert [name for name, _ in triggered(ctx)] == ["reload_dataset"]
    assert not dataset.has_field("poses")
    form = foo.get_operator(DELETE).resolve_input(context(dataset, {}))
    assert form.type.properties["none"].invalid


def test_a_run_is_undone_and_said(noise: Noise) -> None:
    dataset = noise([1])
    foo.execute_operator(ESTIMATE, {"dataset": dataset}, params=dict(GIVEN))
    (run_id,) = list_runs(dataset)
    form = foo.get_operator(UNDO).resolve_input(context(dataset, {}))
    assert "1 person" in form.type.properties["warning"].view.label
    result = foo.get_operator(UNDO).execute(context(dataset, {"run_id": run_id}))
    assert result["samples"] == 1
    assert not dataset.has_field("poses")


@pytest.mark.parametrize(
    ("uri", "params", "words"),
    [
        (DELETE, {}, "no field was named"),
        (DELETE, {"pose_field": "boxes"}, "has no field 'boxes' with keypoints"),
        (DELETE, {"pose_field": "../../x"}, "no field name"),
        (DELETE, {"pose_field": "poses", "discard_edits": "yes"}, "expected true or false"),
        (UNDO, {}, "no run was named"),
        (UNDO, {"run_id": "../../x"}, "there is no pose run"),
    ],
)
def test_what_cannot_be_deleted_is_said(noise: Noise, uri: str, params: dict[str, Any], words: str) -> None:
    dataset = noise([1])
    foo.execute_operator(ESTIMATE, {"dataset": dataset}, params=dict(GIVEN))
    ctx = context(dataset, params)
    result = foo.get_operator(uri).execute(ctx)
    assert words in result["message"]
    assert triggered(ctx)[0][1]["variant"] == "error"
    assert len(dataset.exists("poses")) == 1


def test_a_clean_up_says_first_what_will_go(
    noise: Noise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(tmp_path / "store"))
    dataset, here = noise([1]), noise([1])
    form = foo.get_operator(CLEAN_UP).resolve_input(context(here, {}))
    assert form.type.properties["none"].invalid
    foo.execute_operator(ESTIMATE, {"dataset": dataset}, params={**GIVEN, "keep_heatmaps": True})
    dataset.delete()
    form = foo.get_operator(CLEAN_UP).resolve_input(context(here, {}))
    found = form.type.properties["found"].view
    assert "2 files" in found.label
    assert "a deleted dataset" in found.description
    result = foo.get_operator(CLEAN_UP).execute(context(here, {}))
    assert result["files"] == 2
    assert "deleted 2 files" in result["message"]


# ---- find_label_errors


def test_labels_are_searched_by_the_form(noise: Noise) -> None:
    dataset = noise([2, 1])
    form = foo.get_operator(FIND).resolve_input(context(dataset, {}))
    assert "no kept heatmaps" in str(form.to_json())
    foo.execute_operator(ESTIMATE, {"dataset": dataset}, params={**GIVEN, "keep_heatmaps": True})
    dataset.reload()
    assert "no labels to check" in str(foo.get_operator(FIND).resolve_input(context(dataset, {})).to_json())
    truth = dataset.clone()
    dataset.add_sample_field("truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    dataset.set_values(
        "truth",
        [
            fo.Keypoints(
                keypoints=[
                    fo.Keypoint(points=k.points, bounding_box=k.bounding_box) for k in people.keypoints
                ]
            )
            for people in truth.values("poses")
        ],
    )
    dataset.skeletons = {**dataset.skeletons, "truth": dataset.skeletons["poses"]}
    dataset.save()
    truth.delete()
    form = foo.get_operator(FIND).resolve_input(context(dataset, {})).type.properties
    assert form["gt_field"].type.values == ["truth"]
    assert form["pose_field"].type.values == ["poses"]
    found = foo.execute_operator(
        FIND, {"dataset": dataset}, params={"gt_field": "truth", "pose_field": "poses"}
    ).result
    assert (found["samples"], found["people"], found["failures"]) == (2, 3, {})
    for params, message in (
        ({}, "gt_field is missing"),
        ({"gt_field": "nowhere"}, "no field 'nowhere'"),
        ({"gt_field": "truth", "min_strength": 3}, "expected 0 to 1"),
        ({"gt_field": "truth", "min_strength": "much"}, "expected a number"),
    ):
        with pytest.raises(PoseError, match=message):
            foo.get_operator(FIND).execute(context(dataset, params))

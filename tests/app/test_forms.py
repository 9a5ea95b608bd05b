"""The one reader of parameters from outside, and the form's fields, without a browser."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators import types
from fiftyone.operators.executor import ExecutionContext

import fo_pose_plugin as fop
from fo_pose_plugin.app import estimate_form, model_choices
from fo_pose_plugin.app.forms import (
    MODEL_TASKS,
    read_estimate_request,
    read_number,
    read_text,
    read_texts,
)
from fo_pose_plugin.errors import InputError
from fo_pose_plugin.tasks.estimate_poses import EstimateRequest
from tests.known_models import AddKnown, known_models, weights_server, without_mmpretrain
from tests.tiny_models import BODY, WHOLEBODY, noise_dataset, register_tiny_models

__all__ = ["known_models", "weights_server", "without_mmpretrain"]

MakeDataset = Callable[..., fo.Dataset]
Noise = Callable[..., fo.Dataset]

TEXTS = ("model", "boxes", "detector", "pose_field", "device", "runtime", "box_source", "held_poses")
NUMBERS = ("box_threshold", "batch_size")
FLAGS = ("whole_image", "keep_heatmaps", "flip_test", "resume", "overwrite", "signals")
NO_TEXT = (
    1,
    1.5,
    True,
    ["a"],
    {"a": 1},
    "x\x00y",
    "line\nbreak",
    "\x1b[31m",
    "\u202e",
    "x" * 201,
    "x" * 10**6,
)
NO_NUMBER = ("1", True, [1], {"a": 1}, math.nan, math.inf, -math.inf, 10**400, -(10**400))
NO_FLAG = (1, 0, "true", "", [], {}, math.nan)


# ---- reading


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", NO_TEXT, ids=lambda value: repr(value)[:12])
def test_texts_are_short_and_printable(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name} is .*expected a text of at most 200") as caught:
        read_estimate_request({"model": "m", name: value})
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", NO_NUMBER, ids=lambda value: repr(value)[:12])
def test_numbers_are_finite_numbers(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name} is .*expected a number") as caught:
        read_estimate_request({"model": "m", name: value})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", NO_FLAG, ids=repr)
def test_flags_are_true_or_false(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name} is .*expected true or false"):
        read_estimate_request({"model": "m", name: value})


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "no model was chosen"),
        ({"model": ""}, "no model was chosen"),
        (
            {"model": "m", "box_source": "anywhere"},
            "box_source is 'anywhere', expected one of boxes, detector",
        ),
        ({"task": "body"}, "no model was chosen"),
        ({"task": "body", "model_hand": "h"}, "no model was chosen"),
        ({"task": "feet", "model_feet": "f"}, "task is 'feet', expected one of body, wholebody, hand"),
        ({"task": "../x"}, r"task is '\.\./x'"),
        ({"model": "m", "held_poses": "delete"}, "held_poses is 'delete', expected resume or overwrite"),
        ({"model": "m", "batch_size": 2.5}, "batch_size is 2.5, expected a whole number"),
        ({"model": "m", "batch_size": 1e12}, "batch_size is 1e.12, expected .* at most"),
    ],
)
def test_choices_are_those_that_are_offered(params: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_estimate_request(params)


def test_what_is_not_given_has_its_default() -> None:
    assert read_estimate_request({"model": "m"}) == EstimateRequest("m")
    nothing = dict.fromkeys((*TEXTS, *NUMBERS, *FLAGS))
    assert read_estimate_request({**nothing, "model": "m"}) == EstimateRequest("m")
    empty = dict.fromkeys((*TEXTS, *NUMBERS), "")
    assert read_estimate_request({**empty, "model": "m"}) == EstimateRequest("m")


def test_the_model_of_the_chosen_task_counts() -> None:
    params = {"task": "hand", "model_hand": "h", "model_body": "b"}
    assert read_estimate_request(params).model == "h"
    assert read_estimate_request({**params, "model": "m"}).model == "m"


def test_the_tasks_of_the_form_are_those_of_the_models() -> None:
    from typing import get_args

    from fo_pose_plugin.models.mmpose_models import Task

    assert get_args(Task) == MODEL_TASKS


def test_the_arguments_of_the_sdk_are_understood() -> None:
    wanted = EstimateRequest(
        "m",
        boxes="gt",
        pose_field="mine",
        keep_heatmaps=False,
        flip_test=True,
        box_threshold=0.5,
        batch_size=4,
        device="cpu",
        runtime="torch",
        resume=True,
        overwrite=False,
    )
    params = {name: getattr(wanted, name) for name in EstimateRequest.__dataclass_fields__}
    assert read_estimate_request(params) == wanted
    assert read_estimate_request({"model": "m", "device": "auto"}).device is None
    assert read_estimate_request({"model": "m", "batch_size": 4.0}).batch_size == 4


@pytest.mark.parametrize(
    ("source", "boxes", "detector", "whole_image"),
    [
        ("boxes", "gt", None, False),
        ("detector", None, "yolox", False),
        ("whole_image", None, None, True),
        (None, "gt", "yolox", True),
    ],
)
def test_the_forms_choice_of_boxes_counts(
    source: str | None, boxes: str | None, detector: str | None, whole_image: bool
) -> None:
    params = {"model": "m", "box_source": source, "boxes": "gt", "detector": "yolox", "whole_image": True}
    request = read_estimate_request(params)
    assert (request.boxes, request.detector, request.whole_image) == (boxes, detector, whole_image)


@pytest.mark.parametrize(
    ("held", "resume", "overwrite"),
    [("resume", True, False), ("overwrite", False, True), (None, False, False)],
)
def test_the_forms_choice_for_held_poses_counts(held: str | None, resume: bool, overwrite: bool) -> None:
    request = read_estimate_request({"model": "m", "held_poses": held})
    assert (request.resume, request.overwrite) == (resume, overwrite)


def test_single_values_are_read() -> None:
    assert read_text({"a": "größe 日本"}, "a") == "größe 日本"
    assert read_text({}, "a") is None
    assert read_number({"a": 0}, "a") == 0.0
    assert read_number({"a": None}, "a") is None
    assert read_texts({"a": "nose"}, "a") == ["nose"]
    assert read_texts({"a": ["nose", "body"]}, "a") == ["nose", "body"]
    assert read_texts({}, "a") == []


@pytest.mark.parametrize(
    "value",
    [1, True, {"a": 1}, [1], ["a", None], ["a\x00"], ["x" * 201], "x\n", [["a"]], ["a"] * 10_000],
    ids=lambda value: repr(value)[:12],
)
def test_lists_of_texts_are_lists_of_texts(value: Any) -> None:
    with pytest.raises(InputError, match=r"a is .*expected") as caught:
        read_texts({"a": value}, "a")
    assert len(str(caught.value)) < 200


# ---- the form


@pytest.fixture
def models() -> None:
    register_tiny_models(BODY, WHOLEBODY)


@pytest.fixture
def noise(make_dataset: MakeDataset, tmp_path: Path) -> Noise:
    return lambda people, **fields: noise_dataset(make_dataset("forms"), tmp_path, people, **fields)


def form(dataset: fo.Dataset, view: fo.DatasetView | None = None, **params: Any) -> types.Property:
    """Build the form as FiftyOne does for a page that shows the dataset or a view of it."""
    request = {
        "dataset_name": dataset.name,
        "view": [] if view is None else view._serialize(),
        "params": params,
    }
    operator = foo.get_operator("@fo-pose/fo_pose_plugin/estimate_poses")
    return operator.resolve_input(ExecutionContext(request, operator_uri=operator.uri))


def texts(prop: types.Property) -> str:
    """Everything that the form says."""
    found: list[str] = []
    for item in prop.type.properties.values():
        found += [str(getattr(item.view, "label", "")), str(getattr(item.view, "description", ""))]
    return "\n".join(found)


def refusal(prop: types.Property) -> str:
    item = prop.type.properties["refused"]
    assert item.invalid
    return f"{item.view.label}\n{item.view.description}"


def choices(prop: types.Property, name: str) -> list[str]:
    return list(prop.type.properties[name].type.values)


def test_without_openmmlab_the_form_names_the_one_command(
    noise: Noise, models: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate_form, "missing_openmmlab", lambda: ["mmpose", "mmcv-lite"])
    said = refusal(form(noise([1])))
    assert "mmpose, mmcv-lite" in said
    assert " install" in said


def told(prop: types.Property, name: str) -> dict[str, tuple[str, str]]:
    """What each choice of a field says of itself, in its second and third line."""
    found = prop.type.properties[name].view.choices
    return {choice.value: (choice.description, choice.caption) for choice in found}


def test_models_are_offered_by_task_with_what_they_predict(noise: Noise, models: None) -> None:
    dataset = noise([1])
    prop = form(dataset)
    assert choices(prop, "task") == list(MODEL_TASKS)
    assert prop.type.properties["task"].default == "body"
    assert re.search(r"\d of them here", told(prop, "task")["wholebody"][1])
    assert "none of them here" in told(prop, "task")["hand"][1]
    bodies = told(prop, "model_body")
    assert bodies[BODY] == ("17 keypoints, 64x64 input", "weights here")
    assert WHOLEBODY not in bodies
    assert bodies[prop.type.properties["model_body"].default][1] == "weights here"
    prop = form(dataset, task="wholebody")
    wholebodies = told(prop, "model_wholebody")
    # Other tests may have registered theirs: any whose weights are here may be the default.
    assert wholebodies[prop.type.properties["model_wholebody"].default][1] == "weights here"
    assert wholebodies[WHOLEBODY] == (
        "133 keypoints (body 17, feet 6, face 68, hands 42), 64x64 input",
        "weights here",
    )
    assert "model_body" not in prop.type.properties
    assert "133 keypoints each" in texts(prop)
    # Whoever names a model, in Python, is asked for no task.
    prop = form(dataset, model=WHOLEBODY)
    assert "task" not in prop.type.properties
    assert {BODY, WHOLEBODY} <= set(choices(prop, "model"))


def test_all_of_mmposes_models_are_offered_but_those_that_cannot_be_used(noise: Noise, models: None) -> None:
    specs = fop.list_models()
    offered: set[str] = set()
    dataset = noise([1])
    for task in MODEL_TASKS:
        names = choices(form(dataset, task=task), f"model_{task}")
        assert len(names) == len(set(names))
        offered |= set(names)
    assert offered == {spec.name for spec in specs if spec.problem is None}
    assert len(offered) > 200


def test_a_form_of_hundreds_of_models_is_quick(noise: Noise, models: None) -> None:
    dataset = noise([1])
    form(dataset)
    begun = time.perf_counter()
    for _ in range(5):
        model_choices.add_model_choice({}, types.Object())
        model_choices.add_detector_choice(types.Object())
    # 7 ms when measured; the limit leaves room for a busy machine.
    assert (time.perf_counter() - begun) / 5 < 0.1


def test_what_is_here_is_offered_first_and_what_is_not_says_its_size(
    noise: Noise, known_models: AddKnown, without_mmpretrain: None
) -> None:
    known_models("good", ap=0.7, size_mb=110.2)
    known_models("better", ap=0.8, size_mb=2549.0, gflops=100.0)
    known_models("best", ap=0.9, needs="mmpretrain")
    known_models("broken", problem="its parts contradict each other")
    dataset = noise([2])
    prop = form(dataset)
    assert "task" not in prop.type.properties  # there is only one
    assert told(prop, "model") == {
        "best": (
            "17 keypoints, AP 0.900 on COCO, fast, 64x64 input",
            "1 MB to download; needs mmpretrain, which is not installed",
        ),
        "better": ("17 keypoints, AP 0.800 on COCO, slow, 64x64 input", "2.5 GB to download"),
        "good": ("17 keypoints, AP 0.700 on COCO, fast, 64x64 input", "110 MB to download"),
    }
    # Not the most precise, but one that runs anywhere.
    assert prop.type.properties["model"].default == "good"
    assert prop.type.properties["model"].view.caption == (
        "17 keypoints, AP 0.700 on COCO, fast, 64x64 input; 110 MB to download"
    )
    assert "First it downloads about 110 MB of weights" in texts(prop)
    assert "needs mmpretrain" in refusal(form(dataset, model="best"))
    fop.download_model("good", progress=False)
    prop = form(dataset)
    assert choices(prop, "model") == ["good", "best", "better"]
    assert told(prop, "model")["good"][1] == "weights here"
    assert "downloads" not in texts(prop)


def test_weights_that_are_gone_are_said_to_be(noise: Noise, known_models: AddKnown) -> None:
    checkpoint = known_models()
    fop.add_model("mine", checkpoint.with_suffix(".py"), checkpoint)
    checkpoint.unlink()
    assert told(form(noise([1])), "model")["mine"][1] == "its weights are not where they were"


def test_no_path_and_no_address_is_in_the_form(noise: Noise, models: None) -> None:
    said = repr(form(noise([1]), box_source="detector").to_json())
    assert "http" not in said
    assert ".pth" not in said


def test_the_form_says_what_will_be_done_and_written(noise: Noise, models: None) -> None:
    prop = form(noise([2, 1, 0]), model=BODY, pose_field="mine", keep_heatmaps=False)
    said = texts(prop)
    assert "3 images, 3 people: 17 keypoints each" in said
    assert "'mine'" in said
    assert "'mine_error'" in said
    assert "refused" not in prop.type.properties


def test_the_numbers_are_those_of_the_view(noise: Noise, models: None) -> None:
    dataset = noise([2, 1, 0])
    assert "1 image, 2 people" in texts(form(dataset, dataset[:1], model=BODY))


def test_without_boxes_a_detector_and_the_whole_image_remain(
    make_dataset: MakeDataset, models: None, tmp_path: Path
) -> None:
    dataset = noise_dataset(make_dataset(), tmp_path, [0, 0])
    dataset.delete_sample_field("boxes")
    prop = form(dataset, model=BODY)
    assert choices(prop, "box_source") == ["detector", "whole_image"]
    assert prop.type.properties["box_source"].default == "detector"
    assert "2 images, 2 people" in texts(form(dataset, model=BODY, box_source="whole_image"))


def test_fields_are_offered_and_not_typed(noise: Noise, models: None) -> None:
    prop = form(noise([1], more=[fo.Detections()], keypoints=[fo.Keypoints()]))
    assert sorted(choices(prop, "boxes")) == ["boxes", "more"]
    assert {"boxes", "whole_image"} <= set(choices(prop, "box_source"))


def test_a_detector_brings_its_threshold(noise: Noise, models: None, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = fop.DetectorSpec("somebody", 80, "/no/such/weights.pth")
    monkeypatch.setattr(model_choices, "list_detectors", lambda: [detector])
    dataset = noise([1])
    assert "detector" not in form(dataset).type.properties
    prop = form(dataset, box_source="detector")
    assert told(prop, "detector") == {"somebody": ("80 classes", "weights here")}
    assert prop.type.properties["box_threshold"].default == 0.3
    assert "boxes" not in prop.type.properties


def test_held_poses_bring_a_choice_and_a_warning(noise: Noise, models: None) -> None:
    dataset = noise([1, 1])
    assert "held_poses" not in form(dataset, model=BODY).type.properties
    fop.estimate_poses(dataset, BODY, boxes="boxes", keep_heatmaps=False, progress=False)
    plain = form(dataset, model=BODY, keep_heatmaps=False)
    assert choices(plain, "held_poses") == ["resume", "overwrite"]
    assert "2 of these images hold poses in 'poses' already" in texts(plain) + str(
        plain.type.properties["held_poses"].view.label
    )
    assert "replaces" not in plain.type.properties
    overwriting = form(dataset, model=BODY, held_poses="overwrite", keep_heatmaps=False)
    assert "The poses of 2 images" in texts(overwriting)
    assert "refused" not in overwriting.type.properties
    elsewhere = form(dataset, model=BODY, pose_field="other")
    assert "held_poses" not in elsewhere.type.properties
    # Another model cannot continue, and says so before anything is sent.
    resuming = form(dataset, model=WHOLEBODY, held_poses="resume")
    assert "another skeleton" in refusal(resuming)


def test_videos_are_refused_with_the_way(make_dataset: MakeDataset, models: None) -> None:
    dataset = make_dataset()
    dataset.add_sample(fo.Sample(filepath="/no/such/clip.mp4"))
    prop = form(dataset)
    assert "to_frames" in refusal(prop)
    assert list(prop.type.properties) == ["refused"]


def test_an_empty_dataset_is_no_error(make_dataset: MakeDataset, models: None) -> None:
    prop = form(make_dataset(), box_source="whole_image", model=BODY)
    assert "0 images" in texts(prop)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"pose_field": "a.b"}, "no field name"),
        ({"pose_field": "filepath"}, "'filepath'"),
        ({"pose_field": "dataset_id"}, "'dataset_id'"),
        ({"pose_field": "boxes"}, "'boxes' of type Detections"),
        ({"box_source": "boxes", "boxes": "filepath"}, "'filepath'"),
        ({"model": "nobody"}, "'nobody'"),
        ({"model": 5}, "model is '5'"),
        ({"box_source": "anywhere"}, "'anywhere'"),
        ({"box_source": ["boxes"]}, "box_source is"),
        ({"pose_field": "x\x00"}, "pose_field is"),
        ({"pose_field": {"$ne": 1}}, "pose_field is"),
        ({"held_poses": 3}, "held_poses is '3'"),
        ({"box_threshold": "high", "box_source": "boxes"}, "box_threshold is 'high'"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_in_the_form(
    noise: Noise, models: None, params: dict[str, Any], words: str
) -> None:
    assert words in refusal(form(noise([1]), **{"model": BODY, **params}))

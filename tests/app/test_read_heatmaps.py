"""The operator `read_heatmaps`: what the panel is given, and what a stranger's request gets."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

import fo_pose_plugin as fop
from tests.tiny_models import BODY, noise_dataset, register_tiny_models

READ = "@fo-pose/fo_pose_plugin/read_heatmaps"


@pytest.fixture(scope="module")
def dataset(
    make_module_dataset: Callable[..., fo.Dataset], tmp_path_factory: pytest.TempPathFactory
) -> fo.Dataset:
    register_tiny_models(BODY)
    made = noise_dataset(make_module_dataset("read"), tmp_path_factory.mktemp("read"), [2, 0])
    fop.estimate_poses(made, BODY, boxes="boxes", progress=False)
    made.reload()
    return made


def read(dataset: fo.Dataset, **params: Any) -> dict[str, Any]:
    request = {"dataset_name": dataset.name, "view": [], "params": params}
    answer = foo.get_operator(READ).execute(ExecutionContext(request, executor=Executor()))
    # As the App gets it: plain JSON without NaN.
    return json.loads(json.dumps(answer, allow_nan=False))


def decode(url: str, kind: str) -> np.ndarray:
    head, _, content = url.partition(",")
    assert head == f"data:image/{kind};base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_UNCHANGED)


def test_people_first_and_one_person_then(dataset: fo.Dataset) -> None:
    sample_id = dataset.first().id
    people = read(dataset, sample_id=sample_id)["people"]
    assert people["pose_fields"] == [people["pose_field"]] == ["poses"]
    assert people["groups"] == {"body": list(range(17))}
    assert len(people["keypoint_names"]) == 17
    first, second = people["people"]
    assert decode(first["thumbnail"], "jpeg").ndim == 3
    person = read(dataset, sample_id=sample_id, pose_field="poses", label_id=second["label_id"])["person"]
    width, height = person["picture"]["size_wh"]
    assert decode(person["picture"]["src"], "jpeg").shape == (height, width, 3)
    heatmaps = person["heatmaps"]
    assert (heatmaps["size_wh"], heatmaps["scale_max"], heatmaps["note"]) == ([16, 16], 1.0, None)
    assert decode(heatmaps["src"], "png").shape == (4 * 16, 5 * 16)
    assert heatmaps["columns"] == 5
    assert np.array(heatmaps["to_picture"]).shape == (2, 3)
    assert len(person["points"]) == len(person["confidence"]) == len(heatmaps["peaks"]) == 17


def test_an_empty_image_has_no_people(dataset: fo.Dataset) -> None:
    assert read(dataset, sample_id=dataset.last().id)["people"]["people"] == []


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "sample_id is missing"),
        ({"sample_id": "../../etc"}, "sample_id is '../../etc'"),
        ({"sample_id": {"$ne": 1}}, "sample_id is"),
        ({"sample_id": "f" * 24}, "no sample ffff"),
        ({"pose_field": "nothing"}, "'nothing'"),
        ({"pose_field": "poses.keypoints"}, "poses.keypoints"),
        ({"pose_field": "filepath"}, "'filepath'"),
        ({"pose_field": ["poses"]}, "pose_field is"),
        ({"label_id": "f" * 24}, "pose_field is missing"),
        ({"pose_field": "poses", "label_id": "f" * 24}, "no person ffff"),
        ({"pose_field": "poses", "label_id": "$where"}, "label_id is '$where'"),
        ({"pose_field": "poses", "label_id": 7}, "label_id is '7'"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_said(dataset: fo.Dataset, params: dict[str, Any], words: str) -> None:
    if params and "sample_id" not in params:
        params = {"sample_id": dataset.first().id, **params}
    answer = read(dataset, **params)
    assert set(answer) == {"problem"}
    assert words in answer["problem"]


def test_the_panels_script_is_where_fiftyone_yml_says() -> None:
    from fiftyone.plugins.definitions import PluginDefinition

    repository = Path(__file__).resolve().parents[2]
    definition = PluginDefinition.from_disk(str(repository / "fiftyone.yml"))
    assert definition.has_js
    assert Path(definition.js_bundle_path).stat().st_size < 200_000  # both panels; React is the App's

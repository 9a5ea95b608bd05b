"""The operators behind the pose editor: what the panel is given and saves, and what a stranger gets."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from bson import ObjectId
from fiftyone.operators.executor import ExecutionContext, Executor

import fo_pose_plugin as fop
from tests.tiny_models import BODY, IMAGE_SIZE_WH, noise_dataset, register_tiny_models

PLUGIN = "@fo-pose/fo_pose_plugin"
K = 17


@pytest.fixture(scope="module")
def module_dataset(
    make_module_dataset: Callable[..., fo.Dataset], tmp_path_factory: pytest.TempPathFactory
) -> fo.Dataset:
    register_tiny_models(BODY)
    made = noise_dataset(make_module_dataset("edit"), tmp_path_factory.mktemp("edit"), [2, 1, 0])
    fop.estimate_poses(made, BODY, boxes="boxes", progress=False)
    return made


@pytest.fixture
def dataset(module_dataset: fo.Dataset) -> fo.Dataset:
    module_dataset.reload()
    if module_dataset.has_field("poses_corrected"):
        module_dataset.delete_sample_field("poses_corrected")
        module_dataset.skeletons.pop("poses_corrected", None)
        module_dataset.save()
    return module_dataset


def call(name: str, dataset: fo.Dataset, **params: Any) -> dict[str, Any]:
    request = {"dataset_name": dataset.name, "view": [], "params": params}
    answer = foo.get_operator(f"{PLUGIN}/{name}").execute(ExecutionContext(request, executor=Executor()))
    # As the App gets it: plain JSON without NaN.
    return json.loads(json.dumps(answer, allow_nan=False))


def editor(dataset: fo.Dataset, sample: int = 0, **params: Any) -> dict[str, Any]:
    sample_id = dataset.skip(sample).first().id
    return call("read_pose_editor", dataset, sample_id=sample_id, **params)["editor"]


def save(dataset: fo.Dataset, *edits: dict[str, Any], sample: int = 0, **params: Any) -> list[dict[str, Any]]:
    sample_id = dataset.skip(sample).first().id
    params = {
        "sample_id": sample_id,
        "pose_field": "poses",
        "edited_by": "me",
        "edits": list(edits),
        **params,
    }
    answer = call("save_pose_edits", dataset, **params)
    assert "problem" not in answer, answer
    return answer["results"]


def edit_of(person: dict[str, Any], status: str = "corrected", **values: Any) -> dict[str, Any]:
    corrected = person["corrected"]
    return {
        "key": person["key"],
        "source_id": person["source"] and person["source"]["label_id"],
        "label_id": corrected and corrected["label_id"],
        "base_revision": corrected["revision"] if corrected else 0,
        "status": status,
        "points": {},
        "bbox_px": None,
        **values,
    }


def move(index: int, x: float, y: float, visible: int = 2) -> dict[str, Any]:
    return {str(index): {"x_px": x, "y_px": y, "visible": visible, "origin": "human"}}


def stored(dataset: fo.Dataset, sample: int = 0) -> list[dict[str, Any]]:
    sample_id = dataset.skip(sample).first().id
    found = dataset._sample_collection.find_one({"_id": ObjectId(sample_id)})
    return (found.get("poses_corrected") or {}).get("keypoints") or []


def test_the_editor_gets_the_truth(dataset: fo.Dataset) -> None:
    found = editor(dataset)
    assert found["pose_fields"] == ["poses"]
    assert (found["pose_field"], found["corrected_field"]) == ("poses", "poses_corrected")
    assert found["image_size_wh"] == list(IMAGE_SIZE_WH)
    assert found["keypoint_names"][9] == "left_wrist"
    assert found["keypoint_names"][found["parents"][9]] == "left_elbow"
    assert found["flip_indices"][9] == 10
    assert found["can_save"]
    assert found["read_only"] is None
    assert found["can_reestimate"] == BODY
    assert set(found["tokens"]) == {"save_pose_edits", "reestimate_pose"}
    sample = dataset.first()
    for person, keypoint in zip(found["people"], sample.poses.keypoints, strict=True):
        assert (person["key"], person["corrected"]) == (keypoint.id, None)
        source = person["source"]
        assert source["has_heatmaps"]
        assert source["origin"] == "model"
        for point, (x, y), visible in zip(
            source["points_px"], keypoint.points, source["visible"], strict=True
        ):
            assert (point is None) == (visible == 0) == bool(np.isnan(x))
            if point is not None:
                assert point == pytest.approx([x * IMAGE_SIZE_WH[0], y * IMAGE_SIZE_WH[1]])


def test_what_is_saved_is_what_the_dataset_holds(dataset: fo.Dataset) -> None:
    before = str(dataset.values("poses"))
    first, second = editor(dataset)["people"]
    index = first["source"]["visible"].index(2)
    results = save(dataset, edit_of(first, points=move(index, 12.5, 30.25, visible=1)), edit_of(second))
    assert [one["outcome"] for one in results] == ["saved", "saved"]
    person = results[0]["person"]
    assert person["corrected"]["status"] == "corrected"
    assert person["corrected"]["points_px"][index] == [12.5, 30.25]
    # Nothing was changed of the second, whatever status was sent.
    assert results[1]["person"]["corrected"]["status"] == "accepted"
    dataset.reload()
    label, accepted = dataset.first().poses_corrected.keypoints
    assert label.points[index] == [12.5 / 80, 30.25 / 60]
    assert label.visible[index] == 1
    assert label.origin[index] == "human"
    assert label.origin.count("model") == K - 1
    source = dataset.first().poses.keypoints[0]
    assert (label.source_id, label.revision, label.edited_by) == (source.id, 1, "me")
    assert label.label == "person"
    assert label.bounding_box == source.bounding_box
    assert label.instance.id == source.instance.id
    others = [k for k in range(K) if k != index]
    assert str([label.points[k] for k in others]) == str([source.points[k] for k in others])
    assert str(accepted.points) == str(dataset.first().poses.keypoints[1].points)
    assert all(
        (level == 0) == bool(np.isnan(point).any())
        for one in (label, accepted)
        for point, level in zip(one.points, one.visible, strict=True)
    )
    assert str(dataset.values("poses")) == before
    schema = dataset.get_field_schema(flat=True)
    for name in (
        "visible",
        "origin",
        "status",
        "source_id",
        "revision",
        "edited_at",
        "edited_by",
        "bounding_box",
    ):
        assert f"poses_corrected.keypoints.{name}" in schema
    assert dataset.skeletons["poses_corrected"].labels == dataset.skeletons["poses"].labels


def test_the_same_edit_twice_is_saved_once(dataset: fo.Dataset) -> None:
    (first, _) = editor(dataset)["people"]
    edit = edit_of(first, points=move(0, 5, 6))
    added = {
        "key": str(ObjectId()),
        "source_id": None,
        "label_id": None,
        "base_revision": 0,
        "status": "added",
        "points": {str(k): {"x_px": k, "y_px": k, "visible": 2, "origin": "human"} for k in range(K)},
        "bbox_px": [1, 2, 30, 40],
    }
    for _ in range(2):
        results = save(dataset, edit, added)
        assert [one["outcome"] for one in results] == ["saved", "saved"]
        assert [one["person"]["corrected"]["revision"] for one in results] == [1, 1]
    person = results[1]["person"]
    assert (person["key"], person["source"], person["corrected"]["status"]) == (added["key"], None, "added")
    assert len(stored(dataset)) == 2
    again = edit_of(results[0]["person"], points=move(0, 7, 8))
    for _ in range(2):
        (result,) = save(dataset, again)
        assert (result["outcome"], result["person"]["corrected"]["revision"]) == ("saved", 2)


def test_a_conflict_writes_nothing_and_shows_theirs(dataset: fo.Dataset) -> None:
    (first, second) = editor(dataset)["people"]
    (theirs,) = save(dataset, edit_of(first, points=move(0, 5, 6)), edited_by="she")
    before = stored(dataset)
    mine = edit_of(first, points=move(1, 9, 9))
    results = save(dataset, mine, edit_of(second))
    assert [one["outcome"] for one in results] == ["conflict", "saved"]
    assert results[0]["theirs"] == theirs["person"]
    assert "she" in results[0]["why"]
    assert stored(dataset)[:1] == before
    # Mine is sent again, based on theirs.
    corrected = results[0]["theirs"]["corrected"]
    mine |= {"label_id": corrected["label_id"], "base_revision": corrected["revision"]}
    (result,) = save(dataset, mine)
    assert result["outcome"] == "saved"
    assert result["person"]["corrected"]["points_px"][:2] == [[5, 6], [9, 9]]


def test_rejecting_taking_back_and_resetting(dataset: fo.Dataset) -> None:
    (first, _) = editor(dataset)["people"]
    (result,) = save(dataset, edit_of(first, "rejected"))
    assert result["person"]["corrected"]["status"] == "rejected"
    (result,) = save(dataset, edit_of(result["person"], "accepted"))
    assert (result["person"]["corrected"]["status"], result["person"]["corrected"]["revision"]) == (
        "accepted",
        2,
    )
    edit = edit_of(result["person"], "reset")
    for _ in range(2):
        (result,) = save(dataset, edit)
        assert (result["outcome"], result["person"]["corrected"]) == ("saved", None)
    assert stored(dataset) == []


def test_a_filtered_view_and_the_field_of_another_process_do_not_matter(dataset: fo.Dataset) -> None:
    from fiftyone import ViewField as F

    sample_id = dataset.first().id
    view = dataset.filter_keypoints("poses", filter=F("confidence") > 2, only_matches=False)
    request = {"dataset_name": dataset.name, "view": view._serialize(), "params": {"sample_id": sample_id}}
    context = ExecutionContext(request, executor=Executor())
    answer = foo.get_operator(f"{PLUGIN}/read_pose_editor").execute(context)
    assert any(point for point in answer["editor"]["people"][0]["source"]["points_px"])


def test_evidence_has_the_maps_and_their_peaks(dataset: fo.Dataset) -> None:
    sample = dataset.first()
    keypoint = sample.poses.keypoints[1]
    ids = {"sample_id": sample.id, "pose_field": "poses", "label_id": keypoint.id}
    evidence = call("read_pose_evidence", dataset, **ids)["evidence"]
    atlas = evidence["atlas"]
    head, _, content = atlas["src"].partition(",")
    assert head == "data:image/png;base64"
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (4 * 16, 5 * 16)
    assert (atlas["columns"], atlas["size_wh"], atlas["scale_max"]) == (5, [16, 16], 1.0)
    assert len(atlas["peaks"]) == len(evidence["candidates"]) == K
    affine = np.array(atlas["heatmap_to_image"])
    maps = fop.load_heatmaps(sample)[1]
    for k, candidates in enumerate(evidence["candidates"]):
        assert len(candidates) <= 5
        if np.isnan(keypoint.points[k]).any():
            assert candidates == []
            continue
        best = candidates[0]
        assert best["share"] == 1
        assert best["value"] == pytest.approx(maps[k].max(), abs=1e-6)
        # The first is where the model put the keypoint.
        assert [best["x_px"], best["y_px"]] == pytest.approx(
            np.multiply(keypoint.points[k], IMAGE_SIZE_WH).tolist(), abs=1e-9
        )
        y, x = np.unravel_index(maps[k].argmax(), maps[k].shape)
        there = affine @ (x, y, 1)
        assert np.abs(there - (best["x_px"], best["y_px"])).max() < 0.5 * affine[0, 0]
        values = [one["value"] for one in candidates]
        assert values == sorted(values, reverse=True)


def test_the_heatmaps_of_who_is_shown_first_come_with_the_sample(dataset: fo.Dataset) -> None:
    def first() -> tuple[str, Any]:
        return found["label_id"], found["evidence"]

    sample = dataset.first()
    ids = {"sample_id": sample.id, "pose_field": "poses"}
    one, other = (person["source"]["label_id"] for person in editor(dataset)["people"])
    found = editor(dataset)["first_evidence"]
    assert first() == (one, call("read_pose_evidence", dataset, **ids, label_id=one)["evidence"])
    # The editor opens with who is left to review.
    save(dataset, edit_of(editor(dataset)["people"][0], "accepted"))
    found = editor(dataset)["first_evidence"]
    assert first() == (other, call("read_pose_evidence", dataset, **ids, label_id=other)["evidence"])
    save(dataset, edit_of(editor(dataset)["people"][1], "accepted"))
    assert editor(dataset)["first_evidence"]["label_id"] == one


def test_a_sample_opens_without_the_heatmaps_that_are_gone(dataset: fo.Dataset) -> None:
    file = Path(dataset.first().poses.heatmaps_path)
    away = file.with_suffix(".away")
    file.rename(away)
    try:
        found = editor(dataset)
    finally:
        away.rename(file)
    assert found["first_evidence"] is None
    assert len(found["people"]) == 2


def test_reading_heatmaps_is_quick(dataset: fo.Dataset) -> None:
    """In time of this thread: other tests take the processor too. The browser's test measures the clock."""
    sample = dataset.first()
    ids = {"sample_id": sample.id, "pose_field": "poses", "label_id": sample.poses.keypoints[0].id}
    call("read_pose_evidence", dataset, **ids)
    times = []
    for _ in range(5):
        began = time.thread_time()
        call("read_pose_evidence", dataset, **ids)
        times.append(time.thread_time() - began)
    assert min(times) < 0.15


def test_progress_counts_people_and_images(dataset: fo.Dataset) -> None:
    def progress() -> tuple[int, ...]:
        found = call("read_review_progress", dataset, pose_field="poses")["progress"]
        return tuple(found[name] for name in ("reviewed", "people", "samples_reviewed", "samples"))

    assert progress() == (0, 3, 0, 2)
    first, second = editor(dataset)["people"]
    save(dataset, edit_of(first))
    assert progress() == (1, 3, 0, 2)
    save(dataset, edit_of(second, "rejected"))
    assert progress() == (2, 3, 1, 2)


NOBODY = "f" * 24


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"sample_id": None}, "sample_id is missing"),
        ({"sample_id": "../../etc"}, "sample_id is '../../etc'"),
        ({"sample_id": {"$ne": 1}}, "sample_id is"),
        ({"sample_id": NOBODY}, "no sample ffff"),
        ({"pose_field": "nothing"}, "'nothing'"),
        ({"pose_field": "poses.keypoints"}, "poses.keypoints"),
        ({"pose_field": "filepath"}, "'filepath'"),
        ({"pose_field": ["poses"]}, "pose_field is"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "name", ["read_pose_editor", "read_pose_evidence", "save_pose_edits", "reestimate_pose"]
)
def test_what_cannot_be_done_is_said(
    dataset: fo.Dataset, name: str, params: dict[str, Any], words: str
) -> None:
    edit = {"key": NOBODY, "source_id": NOBODY, "base_revision": 0, "status": "accepted"}
    given = {"sample_id": dataset.first().id, "pose_field": "poses", "label_id": NOBODY, "edits": [edit]}
    answer = call(name, dataset, **{**given, "bbox_px": [0, 0, 9, 9], **params})
    assert set(answer) == {"problem"}
    assert words in answer["problem"]
    assert not dataset.has_field("nothing_corrected")


@pytest.mark.parametrize(
    "edit",
    [
        "no object",
        {"key": "short"},
        {"key": None},
        {"key": {"$ne": 1}},
        {"source_id": "$where"},
        {"label_id": 7},
        {"base_revision": -1},
        {"base_revision": 1.5},
        {"base_revision": {"$gt": 0}},
        {"base_revision": 10**30},
        {"status": "deleted"},
        {"status": ["accepted"]},
        {"points": [1]},
        {"points": {"-1": {}}},
        {"points": {"9999": {}}},
        {"points": {"$set": {}}},
        {"points": {"0": 5}},
        {"points": {"0": {"x_px": 1, "y_px": 2, "visible": 3}}},
        {"points": {"0": {"x_px": 1, "y_px": 2, "visible": True}}},
        {"points": {"0": {"x_px": None, "y_px": 2, "visible": 2}}},
        {"points": {"0": {"x_px": float("nan"), "y_px": 2, "visible": 2}}},
        {"points": {"0": {"x_px": 1e300, "y_px": 2, "visible": 2}}},
        {"points": {"0": {"x_px": 10**400, "y_px": 2, "visible": 2}}},
        {"points": {"0": {"x_px": "1", "y_px": 2, "visible": 2}}},
        {"points": {"0": {"x_px": 1, "y_px": 2, "visible": 2, "origin": "god"}}},
        {"points": {str(k): {"x_px": 1, "y_px": 2, "visible": 2} for k in range(1001)}},
        {"bbox_px": [1, 2, 3]},
        {"bbox_px": [0, 0, 0, 5]},
        {"bbox_px": [0, 0, float("inf"), 5]},
        {"bbox_px": "0 0 1 1"},
    ],
    ids=lambda edit: str(edit)[:60],
)
def test_a_hostile_edit_is_refused_whole(dataset: fo.Dataset, edit: Any) -> None:
    first, second = editor(dataset)["people"]
    hostile = {**edit_of(first), **edit} if isinstance(edit, dict) else edit
    params = {"sample_id": dataset.first().id, "pose_field": "poses", "edits": [edit_of(second), hostile]}
    answer = call("save_pose_edits", dataset, **params)
    assert set(answer) == {"problem"}
    assert stored(dataset) == []


@pytest.mark.parametrize("edits", [None, [], "all", {}, [{}] * 501])
def test_edits_must_be_a_list_of_some(dataset: fo.Dataset, edits: Any) -> None:
    answer = call("save_pose_edits", dataset, sample_id=dataset.first().id, edits=edits)
    assert "edits is no list" in answer["problem"]
    first = editor(dataset)["people"][0]
    twice = call("save_pose_edits", dataset, sample_id=dataset.first().id, edits=[edit_of(first)] * 2)
    assert "same key" in twice["problem"]


def test_one_edit_that_fails_does_not_hold_up_the_others(dataset: fo.Dataset) -> None:
    first, second = editor(dataset)["people"]
    gone = edit_of(first, key=NOBODY, source_id=NOBODY)
    far = edit_of(first, points={"900": {"x_px": 1, "y_px": 1, "visible": 2}})
    results = save(dataset, gone, edit_of(second), far)
    assert [one["outcome"] for one in results] == ["failed", "saved", "failed"]
    assert "a run may have replaced it" in results[0]["why"]
    assert "there is no keypoint 900" in results[2]["why"]
    assert len(stored(dataset)) == 1


def test_the_text_of_labels_comes_as_it_is(dataset: fo.Dataset) -> None:
    first = editor(dataset)["people"][0]
    markup = "<img src=x onerror=window.hacked=1>"
    (result,) = save(dataset, edit_of(first), edited_by=markup)
    assert result["person"]["corrected"]["edited_by"] == markup
    (result,) = save(dataset, edit_of(result["person"], points=move(1, 2, 3)), edited_by="x" * 200)
    assert result["person"]["corrected"]["edited_by"] == "x" * 80


def test_a_person_of_another_skeleton_is_left_out_and_named(dataset: fo.Dataset) -> None:
    sample = dataset.first()
    odd = fo.Keypoint(label="person", points=[[0.5, 0.5]] * 5)
    kept = list(sample.poses.keypoints)
    sample.poses.keypoints = [*kept, odd]
    sample.save()
    try:
        found = editor(dataset)
        assert len(found["people"]) == 2
        assert f"person {odd.id} has 5 points and the skeleton 17 keypoints" in found["notes"][0]
        (result,) = save(dataset, {**edit_of(found["people"][0]), "key": odd.id, "source_id": odd.id})
        assert (result["outcome"], "5 points" in result["why"]) == ("failed", True)
    finally:
        sample.poses.keypoints = kept
        sample.save()


def test_an_image_that_is_gone_is_said_and_nothing_can_be_placed(dataset: fo.Dataset, tmp_path: Path) -> None:
    sample = dataset.last()
    path = sample.filepath
    sample.filepath = str(tmp_path / "gone.png")
    sample.save()
    try:
        found = call("read_pose_editor", dataset, sample_id=sample.id)["editor"]
        assert found["image_size_wh"] is None
        assert "gone.png does not exist" in found["image_problem"]
        edit = {"key": NOBODY, "base_revision": 0, "status": "added", "points": move(0, 1, 1)}
        answer = call("save_pose_edits", dataset, sample_id=sample.id, pose_field="poses", edits=[edit])
        assert "gone.png does not exist" in answer["problem"]
    finally:
        sample.filepath = path
        sample.save()


def test_heatmaps_that_are_gone_are_said_and_editing_goes_on(dataset: fo.Dataset) -> None:
    sample = dataset.skip(1).first()
    file = Path(sample.poses.heatmaps_path)
    away = file.with_suffix(".away")
    file.rename(away)
    try:
        person = editor(dataset, 1)["people"][0]
        ids = {"sample_id": sample.id, "pose_field": "poses", "label_id": person["key"]}
        answer = call("read_pose_evidence", dataset, **ids)
        assert set(answer) == {"problem"}
        (result,) = save(dataset, edit_of(person, points=move(0, 3, 4)), sample=1)
        assert result["outcome"] == "saved"
    finally:
        away.rename(file)


def test_a_field_without_skeleton_is_named_with_what_to_do(dataset: fo.Dataset) -> None:
    skeleton = dataset.skeletons.pop("poses")
    dataset.save()
    try:
        for params in ({}, {"pose_field": "poses"}):
            answer = call("read_pose_editor", dataset, sample_id=dataset.first().id, **params)
            assert "dataset.skeletons['poses'] = fo.KeypointSkeleton" in answer["problem"]
    finally:
        dataset.skeletons["poses"] = skeleton
        dataset.save()


def test_a_read_only_field_is_said_before_and_after(dataset: fo.Dataset) -> None:
    first, second = editor(dataset)["people"]
    save(dataset, edit_of(first))
    dataset.reload()
    field = dataset.get_field("poses_corrected.keypoints.status")
    field.read_only = True
    field.save()
    found = editor(dataset)
    assert not found["can_save"]
    assert "'poses_corrected.keypoints.status' is read-only" in found["read_only"]
    params = {"sample_id": dataset.first().id, "pose_field": "poses", "edits": [edit_of(second)]}
    assert "read-only" in call("save_pose_edits", dataset, **params)["problem"]
    field.read_only = False
    field.save()


def test_the_fix_of_a_label_error_and_the_witness_of_ground_truth(dataset: fo.Dataset) -> None:
    dataset.clone_sample_field("poses", "truth")
    dataset.skeletons["truth"] = dataset.skeletons["poses"]
    dataset.save()
    sample = dataset.first()
    label, other = sample.truth.keypoints
    for one in (label, other):
        one["digest"] = one["heatmap_index"] = None
    label["label_error_fix"] = {
        "kind": "wrong_position",
        "keypoints": ["left_wrist"],
        "points": [[0.5, 0.25]],
        "visible": 1,
    }
    label["label_error"] = "the left wrist is elsewhere"
    other["label_error_fix"] = {"kind": "swap", "keypoints": ["left_wrist"], "points": ["<b>"]}
    sample.truth["heatmaps_path"] = None
    sample.save()
    try:
        found = editor(dataset, pose_field="truth")
        assert found["corrected_field"] == "truth_corrected"
        first, second = found["people"]
        assert first["source"]["fix"] == {
            "kind": "wrong_position",
            "why": "the left wrist is elsewhere",
            "points": [{"index": 9, "x_px": 40.0, "y_px": 15.0, "visible": 1}],
        }
        assert second["source"]["fix"] is None
        assert (first["source"]["origin"], first["source"]["has_heatmaps"]) == ("human", False)
        ids = {"sample_id": sample.id, "pose_field": "truth", "label_id": label.id}
        evidence = call("read_pose_evidence", dataset, **ids)["evidence"]
        assert evidence["witness"] == "heatmaps of the nearest person in 'poses'"
        own = call("read_pose_evidence", dataset, **{**ids, "pose_field": "poses", "label_id": label.id})
        assert evidence["candidates"] == own["evidence"]["candidates"]
    finally:
        dataset.delete_sample_field("truth")


def test_ground_truth_without_a_witness_says_so(dataset: fo.Dataset) -> None:
    dataset.add_sample_field("lonely", fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    dataset.skeletons["lonely"] = dataset.skeletons["poses"]
    dataset.save()
    sample = dataset.first()
    far = fo.Keypoint(label="person", points=[[0.98 + 0.001 * k, 0.98] for k in range(K)])
    sample["lonely"] = fo.Keypoints(keypoints=[far])
    sample.save()
    try:
        ids = {"sample_id": sample.id, "pose_field": "lonely", "label_id": far.id}
        answer = call("read_pose_evidence", dataset, **ids)
        assert "nobody with kept heatmaps overlaps the box" in answer["problem"]
    finally:
        dataset.delete_sample_field("lonely")


def test_the_model_runs_again_on_a_box(dataset: fo.Dataset) -> None:
    """In the box of a person it says what it said before, from a model that is loaded once."""
    from fo_pose_plugin.app.operators import reestimate_pose

    sample = dataset.first()
    keypoint = sample.poses.keypoints[0]
    x, y, w, h = np.multiply(keypoint.bounding_box, (80, 60, 80, 60)).tolist()
    ids = {"sample_id": sample.id, "pose_field": "poses"}
    before = reestimate_pose._WARM.loads
    answer = call("reestimate_pose", dataset, **ids, bbox_px=[x, y, w, h])
    for point, (px, py) in zip(answer["person"]["points_px"], keypoint.points, strict=True):
        if point is None:
            assert np.isnan(px)
        else:
            assert point == pytest.approx([px * 80, py * 60], abs=0.02)
    assert answer["person"]["confidence"] == pytest.approx(keypoint.confidence, abs=1e-4)
    assert len(answer["evidence"]["candidates"]) == K
    again = call("reestimate_pose", dataset, **ids, bbox_px=[-20, -20, 200, 200])
    assert reestimate_pose._WARM.loads == before + 1
    assert again["seconds"] < 2
    assert "less than one pixel" in call("reestimate_pose", dataset, **ids, bbox_px=[500, 0, 9, 9])["problem"]
    assert stored(dataset) == []

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

import fo_pose_plugin as fop
from fo_pose_plugin.dataset import writer
from fo_pose_plugin.dataset.labels import points_digest
from fo_pose_plugin.dataset.runs import list_runs, request_stop, running_runs
from fo_pose_plugin.errors import FieldError, RunError
from fo_pose_plugin.models.pose_network import PoseNetwork
from fo_pose_plugin.tasks import estimation_run
from fo_pose_plugin.tasks.estimate_poses import EstimateRequest, plan_estimate
from tests.tiny_models import BODY, CROWDPOSE, OTHER_BODY, WHOLEBODY, person_box, register_tiny_models

Noise = Callable[..., fo.Dataset]
Hook = Callable[[int], None]
NAN = float("nan")


@pytest.fixture(autouse=True, scope="module")
def tiny_body() -> None:
    register_tiny_models(BODY)


def estimate(samples: fo.Dataset | fo.DatasetView, model: str = BODY, **options: Any) -> fop.EstimateReport:
    """Estimate with a batch of one, so that the numbers do not depend on who shares a batch."""
    given = {"boxes": "boxes", "keep_heatmaps": False, "progress": False, "batch_size": 1, **options}
    if options.get("whole_image") or options.get("detector"):
        del given["boxes"]
    return fop.estimate_poses(samples, model, **given)


def people_of(samples: fo.Dataset | fo.DatasetView, field: str = "poses") -> dict[str, Any]:
    """What a field holds by file: everything but ids that are made anew for each run; NaN as text."""
    found = {}
    for sample in samples:
        label = sample[field]
        if label is not None:
            names = ("label", "points", "confidence", "score", "bounding_box", "box_id", "crop", "digest")
            people = [{name: keypoint[name] for name in names} for keypoint in label.keypoints]
            found[sample.filename] = json.dumps(people)
    return found


def status_of(dataset: fo.Dataset) -> list[str]:
    dataset.reload()
    return [config["status"] for config in list_runs(dataset).values()]


@pytest.fixture
def on_forward(monkeypatch: pytest.MonkeyPatch) -> Callable[[Hook], None]:
    """Call a function with the number of the forward pass before each of them."""
    heatmaps = PoseNetwork.heatmaps

    def install(hook: Hook) -> None:
        calls = iter(range(10_000))

        def hooked(self: PoseNetwork, *arguments: Any, **options: Any) -> Any:
            hook(next(calls))
            return heatmaps(self, *arguments, **options)

        monkeypatch.setattr(PoseNetwork, "heatmaps", hooked)

    return install


def fail_at(number: int, error: BaseException) -> Hook:
    def hook(call: int) -> None:
        if call >= number:
            raise error

    return hook


@pytest.fixture
def undisturbed(noise: Noise) -> tuple[fo.Dataset, dict[str, Any]]:
    """26 images, six chunks of 4 and a rest, and what a run that nothing disturbs writes."""
    dataset = noise([1, 2, 0, 1] * 6 + [1, 1])
    estimate(dataset, pose_field="reference")
    return dataset, people_of(dataset, "reference")


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CHUNK_SAMPLES", 4)


# ---- what is written


def test_every_person_gets_what_the_model_says(noise: Noise) -> None:
    dataset = noise([2, 0, 3])
    report = estimate(dataset)
    assert (report.samples, report.people, report.skipped, report.failures) == (3, 5, 0, {})
    assert not report.stopped
    assert report.seconds > 0
    for sample in dataset:
        assert sample.poses.run_id == report.run_id
        assert [k.box_id for k in sample.poses.keypoints] == [b.id for b in sample.boxes.detections]
        for keypoint, box in zip(sample.poses.keypoints, sample.boxes.detections, strict=True):
            points = np.array(keypoint.points)
            missing = np.isnan(points)
            assert points.shape == (17, 2)
            assert (missing[:, 0] == missing[:, 1]).all()
            assert np.isfinite(keypoint.confidence).all()
            assert (np.array(keypoint.confidence)[missing[:, 0]] <= 0).all()
            counted = [c for c in keypoint.confidence if c > 0.2]
            assert keypoint.score == pytest.approx(np.mean(counted))
            assert keypoint.bounding_box == box.bounding_box
            assert keypoint.instance_id == box.instance_id is not None
            assert keypoint.digest == points_digest(keypoint.points, keypoint.confidence)
    assert dataset.values("poses_error") == [None] * 3
    assert any(math.isnan(p[0]) for s in dataset for k in s.poses.keypoints for p in k.points)


def test_the_score_of_a_box_counts(noise: Noise) -> None:
    dataset = noise([2])
    sample = dataset.first()
    first, second = sample.boxes.detections
    second.bounding_box, second.confidence = first.bounding_box, 0.25
    sample.save()
    estimate(dataset)
    plain, weighted = dataset.first().poses.keypoints
    assert plain.points == weighted.points or np.isnan(plain.points).any()
    assert weighted.score == pytest.approx(plain.score / 4)


def test_the_skeleton_comes_with_the_poses(noise: Noise) -> None:
    register_tiny_models(CROWDPOSE)
    dataset = noise([1])
    estimate(dataset)
    estimate(dataset, CROWDPOSE, pose_field="crowd")
    dataset.reload()
    coco, crowd = dataset.skeletons["poses"], dataset.skeletons["crowd"]
    assert (len(coco.labels), coco.labels[:2]) == (17, ["nose", "left_eye"])
    assert (len(crowd.labels), crowd.labels[-2:]) == (14, ["top_head", "neck"])
    assert [0, 1] in [sorted(edge) for edge in coco.edges]
    assert all(len(edge) == 2 for edge in [*coco.edges, *crowd.edges])


def test_two_models_stand_side_by_side(noise: Noise) -> None:
    register_tiny_models(OTHER_BODY, WHOLEBODY)
    dataset = noise([2, 1])
    first = estimate(dataset)
    second = estimate(dataset, OTHER_BODY, pose_field="other")
    third = estimate(dataset, WHOLEBODY, pose_field="whole")
    for sample in dataset:
        for a, b, c in zip(
            sample.poses.keypoints, sample.other.keypoints, sample.whole.keypoints, strict=True
        ):
            assert a.confidence != b.confidence
            assert len(c.points) == 133
            assert a.instance_id == b.instance_id == c.instance_id
            assert len({a.id, b.id, c.id}) == 3
    assert set(dataset.distinct("poses.run_id")) == {first.run_id}
    assert set(dataset.distinct("other.run_id")) == {second.run_id}
    assert "hands points (whole)" in third.saved_views
    assert set(list_runs(dataset)) == {first.run_id, second.run_id, third.run_id}


def test_the_whole_image_is_one_person(noise: Noise) -> None:
    dataset = noise([0, 2])
    report = estimate(dataset, whole_image=True)
    assert report.people == 2
    for sample in dataset:
        (person,) = sample.poses.keypoints
        assert (person.bounding_box, person.box_id, person.instance) == ([0, 0, 1, 1], None, None)
        assert person.crop[:2] == [40, 30]


def test_a_batch_of_one_and_of_many_agree(noise: Noise) -> None:
    dataset = noise([3, 0, 1, 4])
    estimate(dataset)
    estimate(dataset, pose_field="many", batch_size=64)
    for sample in dataset:
        one, many = (
            [
                np.array([k.points for k in sample[f].keypoints]),
                np.array([k.confidence for k in sample[f].keypoints]),
            ]
            for f in ("poses", "many")
        )
        np.testing.assert_allclose(one[0], many[0], atol=1e-5)
        np.testing.assert_allclose(one[1], many[1], atol=1e-5)


def test_a_view_touches_its_samples_and_boxes_only(noise: Noise) -> None:
    dataset = noise([1, 2, 1])
    kept = dataset.values("boxes.detections.id")[1][1]
    view = dataset[1:2].select_labels(ids=[kept], fields="boxes")
    report = estimate(view)
    assert (report.samples, report.people) == (1, 1)
    dataset.reload()
    assert dataset.values("poses.keypoints.box_id") == [None, [kept], None]
    assert [len(s.boxes.detections) for s in dataset] == [1, 2, 1]
    assert dataset.values("boxes.detections.instance")[1][0] is None


def test_a_box_keeps_the_instance_it_has(noise: Noise) -> None:
    dataset = noise([2])
    sample = dataset.first()
    mine = fo.Instance()
    sample.boxes.detections[0].instance = mine
    sample.save()
    estimate(dataset)
    dataset.reload()
    first, second = dataset.first().boxes.detections
    assert first.instance_id == mine.id != second.instance_id is not None
    assert [k.instance_id for k in dataset.first().poses.keypoints] == [mine.id, second.instance_id]
    before = dataset.values("boxes.detections.instance")
    estimate(dataset, pose_field="again")
    dataset.reload()
    assert str(dataset.values("boxes.detections.instance")) == str(before)


def test_read_only_boxes_are_left_alone(noise: Noise) -> None:
    dataset = noise([2])
    field = dataset.get_field("boxes")
    field.read_only = True
    field.save()
    before = dataset.first().boxes.to_dict()
    report = estimate(dataset)
    dataset.reload()
    assert report.people == 2
    assert dataset.first().boxes.to_dict() == before
    assert [k.instance for k in dataset.first().poses.keypoints] == [None, None]
    assert dataset.values("poses.keypoints.box_id") == dataset.values("boxes.detections.id")


def test_what_the_user_set_up_for_the_app_stays(noise: Noise) -> None:
    dataset = noise([1])
    dataset.app_config.color_scheme = fo.ColorScheme(color_pool=["#ff0000"], color_by="value")
    dataset.app_config.active_fields = fo.core.odm.ActiveFields(paths=["boxes"], exclude=False)
    dataset.app_config.grid_media_field = "filepath"
    dataset.save()
    dataset.save_view("all points", dataset.limit(0))
    before = dataset.app_config.to_dict()
    report = estimate(dataset)
    dataset.reload()
    assert dataset.app_config.to_dict() == before
    assert len(dataset.load_saved_view("all points")) == 0
    assert report.saved_views == ("confident points",)


# ---- boxes and images that cannot be used


def test_one_bad_box_does_not_hold_the_others_up(noise: Noise) -> None:
    dataset = noise([0, 1])
    bad = [
        [NAN, 0.1, 0.2, 0.2],
        [0.1, 0.1, math.inf, 0.2],
        [0.1, 0.1, 0.0, 0.2],
        [0.1, 0.1, -0.2, 0.2],
        [1.5, 0.1, 0.2, 0.2],
        [0.1, 0.1, 1e-9, 0.2],
        [-1e38, -1e38, 3e38, 3e38],
        [0.1, 0.1, 0.2],
        [],
        None,
    ]
    good = person_box(np.random.default_rng(0))
    sample = dataset.first()
    sample.boxes = fo.Detections(
        detections=[*(fo.Detection(label="person", bounding_box=box) for box in bad), good]
    )
    sample.save()
    report = estimate(dataset)
    dataset.reload()
    sample = dataset.first()
    assert [k.box_id for k in sample.poses.keypoints] == [good.id]
    assert sample.poses.run_id == report.run_id
    for box in sample.boxes.detections[:-1]:
        assert f"(Detection {box.id})" in sample.poses_error
    assert [box.instance_id for box in sample.boxes.detections[:-1]] == [None] * len(bad)
    assert report.failures == {sample.id: sample.poses_error}
    assert (report.samples, report.people) == (2, 2)
    assert dataset.last().poses_error is None
    assert status_of(dataset) == ["completed"]


def test_one_bad_image_does_not_hold_the_others_up(noise: Noise) -> None:
    dataset = noise([1] * 5)
    missing, empty, text, fine, truncated = map(Path, dataset.values("filepath"))
    data = truncated.read_bytes()
    missing.unlink()
    empty.write_bytes(b"")
    text.write_text("no image")
    truncated.write_bytes(data[: len(data) // 2])
    report = estimate(dataset)
    assert (report.samples, report.people, len(report.failures)) == (1, 1, 4)
    errors = dict(zip(dataset.values("filepath"), dataset.values("poses_error"), strict=True))
    assert "does not exist" in errors[str(missing)]
    assert "0 bytes" in errors[str(empty)]
    assert "no image" in errors[str(text)]
    assert "damaged" in errors[str(truncated)]
    assert errors[str(fine)] is None
    assert [label is None for label in dataset.values("poses")] == [True, True, True, False, True]
    (config,) = list_runs(dataset).values()
    assert config["counts"] == {"samples": 1, "people": 1, "failed": 4}
    assert config["failures"] == report.failures


def test_of_many_failures_the_record_keeps_a_hundred(noise: Noise) -> None:
    dataset = noise([0] * 120)
    for path in dataset.values("filepath"):
        Path(path).unlink()
    report = estimate(dataset)
    (config,) = list_runs(dataset).values()
    assert len(report.failures) == config["counts"]["failed"] == 120
    assert len(config["failures"]) == 100
    assert len(dataset.exists("poses_error")) == 120


def test_a_dataset_without_samples_or_people_is_no_error(noise: Noise) -> None:
    empty = noise([1])
    report = estimate(empty.limit(0))
    assert (report.samples, report.people) == (0, 0)
    assert status_of(empty) == ["completed"]
    nobody = noise([0, 0])
    report = estimate(nobody)
    assert (report.samples, report.people) == (2, 0)
    assert nobody.values("poses.run_id") == [report.run_id] * 2
    assert [s.poses.keypoints for s in nobody] == [[], []]


# ---- the record


def test_a_run_is_registered_before_its_first_sample(
    noise: Noise, on_forward: Callable[[Hook], None]
) -> None:
    dataset = noise([1, 1])
    seen: list[Any] = []

    def look(call: int) -> None:
        if call == 0:
            seen.append(
                (status_of(dataset), dataset.count("poses"), dataset.has_field("poses.keypoints.score"))
            )

    on_forward(look)
    estimate(dataset)
    assert seen == [(["running"], 0, True)]
    assert status_of(dataset) == ["completed"]


def test_the_record_says_what_was_done_and_with_what(noise: Noise) -> None:
    dataset = noise([1, 2])
    report = estimate(dataset, flip_test=True)
    dataset.reload()
    assert dataset.list_runs() == [report.run_id]
    config = json.loads(json.dumps(dataset.get_run_info(report.run_id).config.serialize()))
    settings, details = config["settings"], config["details"]
    assert (settings["model"], settings["flip_test"], settings["boxes_from"]) == (BODY, True, "boxes")
    assert len(settings["weights_sha256"]) == 64
    assert details["versions"].keys() >= {"torch", "fiftyone", "mmpose", "numpy"}
    assert details["keypoints"] == dataset.skeletons["poses"].labels
    assert json.loads(details["config"])["model"]["type"] == "TopdownPoseEstimator"
    assert config["counts"] == {"samples": 2, "people": 3, "failed": 0}
    assert config["started_at"] < config["ended_at"]


def test_progress_is_told_and_ends_at_all(noise: Noise) -> None:
    dataset = noise([1, 0, 2])
    told: list[fop.Progress] = []
    report = estimate(dataset, progress=told.append)
    assert told[0].run_id == ""
    assert told[-1].fraction == 1.0
    assert (told[-1].done, told[-1].people, told[-1].run_id) == (3, 3, report.run_id)
    assert [p.done for p in told] == sorted(p.done for p in told)


# ---- runs that do not come to their end


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), "stopped"), (RuntimeError("the device is gone"), "failed")],
)
def test_what_was_done_is_kept_and_resumed(
    undisturbed: tuple[fo.Dataset, dict[str, Any]],
    small_chunks: None,
    monkeypatch: pytest.MonkeyPatch,
    on_forward: Callable[[Hook], None],
    error: BaseException,
    status: str,
) -> None:
    dataset, reference = undisturbed
    on_forward(fail_at(18, error))
    with pytest.raises(type(error)):
        estimate(dataset)
    monkeypatch.undo()
    (run_id, config) = list_runs(dataset, "poses").popitem()
    assert config["status"] == status
    assert config["message"] == ("RuntimeError: the device is gone" if status == "failed" else None)
    done = people_of(dataset)
    assert 8 <= len(done) < 26
    assert config["counts"]["samples"] == len(done)
    assert done == {name: reference[name] for name in done}

    report = estimate(dataset, resume=True)
    assert (report.run_id, report.skipped, report.samples) == (run_id, len(done), 26 - len(done))
    assert people_of(dataset) == reference
    assert set(dataset.values("poses.run_id")) == {run_id}
    assert list_runs(dataset, "poses")[run_id]["status"] == "completed"
    assert len(list_runs(dataset, "poses")) == 1
    ids = dataset.values("poses.keypoints.id", unwind=True)
    assert len(ids) == len(set(ids))


def test_heatmaps_are_all_there_after_resume(
    noise: Noise,
    small_chunks: None,
    monkeypatch: pytest.MonkeyPatch,
    on_forward: Callable[[Hook], None],
) -> None:
    dataset = noise([1, 2, 0, 1] * 3)
    estimate(dataset, pose_field="reference", keep_heatmaps=True)
    on_forward(fail_at(7, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        estimate(dataset, keep_heatmaps=True)
    monkeypatch.undo()
    estimate(dataset, keep_heatmaps=True, resume=True)
    dataset.reload()
    assert dataset.app_config.media_fields.count("poses.heatmaps_path") == 1
    for sample in dataset:
        heatmaps = fop.load_heatmaps(sample)
        assert len(heatmaps) == len(sample.boxes.detections)
        assert all(heatmap.shape == (17, 16, 16) for heatmap in heatmaps)
        np.testing.assert_array_equal(heatmaps, fop.load_heatmaps(sample, "reference"))
        if heatmaps:
            assert [k.heatmap_index for k in sample.poses.keypoints] == list(range(len(heatmaps)))
            assert Path(sample.poses_heatmap.map_path).is_file()


def test_a_generator_that_is_closed_keeps_what_is_done(
    noise: Noise, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimation_run, "SECONDS_BETWEEN_REPORTS", 0.0)
    dataset = noise([1] * 12)
    run = estimation_run.run_plan(
        plan_estimate(dataset, EstimateRequest(BODY, boxes="boxes", keep_heatmaps=False, batch_size=1))
    )
    for state in run:
        if state.done >= 5:
            break
    assert status_of(dataset) == ["running"]
    run.close()
    assert status_of(dataset) == ["stopped"]
    assert 5 <= len(people_of(dataset)) < 12


def test_a_generator_that_is_closed_at_its_first_step_leaves_no_run_behind(noise: Noise) -> None:
    dataset = noise([1])
    request = EstimateRequest(BODY, boxes="boxes", keep_heatmaps=False)
    for steps in (1, 2):
        run = estimation_run.run_plan(plan_estimate(dataset, request))
        for _ in range(steps):
            next(run)
        run.close()
        assert running_runs(dataset) == {}


def test_a_callback_that_raises_ends_the_run(noise: Noise) -> None:
    dataset = noise([1])

    def callback(state: fop.Progress) -> None:
        if state.run_id:
            raise ValueError("the callback's own")

    with pytest.raises(ValueError, match="the callback's own"):
        estimate(dataset, progress=callback)
    assert status_of(dataset) == ["stopped"]


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimation_run, "SECONDS_BETWEEN_WRITES", 0.0)


def test_someone_stops_it(
    undisturbed: tuple[fo.Dataset, dict[str, Any]], looks_often: None, on_forward: Callable[[Hook], None]
) -> None:
    dataset, reference = undisturbed

    def stop(call: int) -> None:
        if call == 4:
            (run_id,) = running_runs(dataset)
            request_stop(dataset, run_id)

    on_forward(stop)
    report = estimate(dataset)
    assert report.stopped
    assert 0 < report.samples < 26
    assert len(people_of(dataset)) == report.samples
    assert list_runs(dataset, "poses")[report.run_id]["status"] == "stopped"
    report = estimate(dataset, resume=True)
    assert not report.stopped
    assert people_of(dataset) == reference


def test_a_deleted_record_stops_it_and_the_labels_stay(
    noise: Noise, looks_often: None, on_forward: Callable[[Hook], None]
) -> None:
    dataset = noise([1] * 12)
    on_forward(lambda call: dataset.delete_run(dataset.list_runs()[0]) if call == 3 else None)
    report = estimate(dataset)
    assert report.stopped
    dataset.reload()
    assert dataset.list_runs() == []
    assert len(people_of(dataset)) == report.samples < 12
    with pytest.raises(FieldError, match="the record of their run is gone"):
        estimate(dataset, resume=True)


def test_samples_that_are_deleted_meanwhile_do_not_come_back(
    noise: Noise, small_chunks: None, on_forward: Callable[[Hook], None]
) -> None:
    dataset = noise([1] * 12)
    ids = dataset.values("id")
    gone = [ids[0], ids[3], ids[11]]
    on_forward(lambda call: dataset.delete_samples(gone) if call == 2 else None)
    estimate(dataset)
    dataset.reload()
    assert dataset.values("id") == [i for i in ids if i not in gone]
    assert len(dataset.exists("poses")) == 9
    assert status_of(dataset) == ["completed"]


def failing_writes(monkeypatch: pytest.MonkeyPatch, field: str, first: int, last: int) -> None:
    """Let the first-th to last-th write of a field fail."""
    set_values = fo.Dataset.set_values
    calls: Iterator[int] = iter(range(1, 1000))

    def write(self: fo.Dataset, name: str, *arguments: Any, **options: Any) -> None:
        if name == field and first <= next(calls) <= last:
            raise ConnectionError("the database is gone")
        set_values(self, name, *arguments, **options)

    monkeypatch.setattr(fo.Dataset, "set_values", write)


@pytest.mark.parametrize("field", ["poses", "poses_error"])
@pytest.mark.parametrize(
    ("first", "last"), [(3, 3), (3, 99), (7, 99)], ids=["once", "for good", "at the end"]
)
def test_a_chunk_that_was_not_written_is_done_again(
    undisturbed: tuple[fo.Dataset, dict[str, Any]],
    small_chunks: None,
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    first: int,
    last: int,
) -> None:
    dataset, reference = undisturbed
    failing_writes(monkeypatch, field, first, last)
    with pytest.raises(ConnectionError):
        estimate(dataset)
    monkeypatch.undo()
    (config,) = list_runs(dataset, "poses").values()
    assert (config["status"], config["message"]) == ("failed", "ConnectionError: the database is gone")
    done = people_of(dataset)
    assert len(done) >= 4 * (first - 1)
    assert all(value == reference[name] for name, value in done.items())
    estimate(dataset, resume=True)
    assert people_of(dataset) == reference
    assert dataset.values("poses_error") == [None] * 26


# ---- resume


def test_resume_on_nothing_starts(noise: Noise) -> None:
    dataset = noise([1, 1])
    report = estimate(dataset, resume=True)
    assert (report.samples, report.skipped) == (2, 0)
    assert status_of(dataset) == ["completed"]


def test_resume_tries_again_what_failed(noise: Noise) -> None:
    dataset = noise([1, 1, 2])
    broken = Path(dataset.values("filepath")[1])
    good = broken.read_bytes()
    broken.write_bytes(b"")
    first = estimate(dataset)
    again = estimate(dataset, resume=True)
    assert (again.samples, again.skipped, len(again.failures)) == (0, 2, 1)
    broken.write_bytes(good)
    last = estimate(dataset, resume=True)
    assert (last.run_id, last.samples, last.skipped, last.failures) == (first.run_id, 1, 2, {})
    assert dataset.values("poses_error") == [None] * 3
    assert dataset.values("poses.run_id") == [first.run_id] * 3


def test_resume_tries_again_whose_box_was_mended_and_keeps_ids(noise: Noise) -> None:
    dataset = noise([2])
    sample = dataset.first()
    box = sample.boxes.detections[1].bounding_box
    sample.boxes.detections[1].bounding_box = [0, 0, 0, 0]
    sample.save()
    estimate(dataset)
    (kept,) = dataset.first().poses.keypoints
    sample.boxes.detections[1].bounding_box = box
    sample.save()
    report = estimate(dataset, resume=True)
    assert (report.samples, report.people, report.failures) == (1, 2, {})
    assert dataset.first().poses.keypoints[0].id == kept.id
    assert dataset.first().poses_error is None


def test_images_that_were_added_are_done_by_resume(noise: Noise) -> None:
    dataset = noise([1, 1])
    report = estimate(dataset)
    before = dataset.first().poses.keypoints[0].id
    later = noise([1])
    dataset.add_samples([fo.Sample(filepath=s.filepath, boxes=s.boxes.copy()) for s in later], progress=False)
    again = estimate(dataset, resume=True)
    assert (again.run_id, again.samples, again.skipped) == (report.run_id, 1, 2)
    assert dataset.first().poses.keypoints[0].id == before
    with pytest.raises(FieldError, match="3 of the 3 samples hold poses"):
        estimate(dataset)


def test_an_image_that_was_added_needs_no_resume_in_a_view_of_its_own(noise: Noise) -> None:
    dataset = noise([1, 1])
    first = estimate(dataset[:1])
    second = estimate(dataset[1:])
    assert dataset.values("poses.run_id") == [first.run_id, second.run_id]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"flip_test": True}, "flip_test was False and is True"),
        ({"keep_heatmaps": True}, "keep_heatmaps was False and is True"),
        ({"whole_image": True}, "boxes was 'field' and is 'whole_image'"),
        ({"model": OTHER_BODY}, f"model was '{BODY}' and is '{OTHER_BODY}'"),
        ({"boxes": "others"}, "boxes_from was 'boxes' and is 'others'"),
    ],
)
def test_resume_with_other_settings_names_them(noise: Noise, options: dict[str, Any], words: str) -> None:
    register_tiny_models(OTHER_BODY)
    dataset = noise([1], others=[fo.Detections()])
    estimate(dataset)
    before = people_of(dataset)
    with pytest.raises(RunError, match=words):
        estimate(dataset, **options, resume=True)
    assert people_of(dataset) == before


def test_resume_takes_another_batch_size_and_view(noise: Noise) -> None:
    dataset = noise([1, 1, 1])
    first = estimate(dataset[:1])
    report = estimate(dataset[1:], resume=True, batch_size=8, device="cpu")
    assert (report.run_id, report.samples, report.skipped) == (first.run_id, 2, 0)


# ---- overwrite


def test_poses_are_replaced_only_when_asked(noise: Noise) -> None:
    register_tiny_models(OTHER_BODY)
    dataset = noise([1, 2])
    first = estimate(dataset)
    with pytest.raises(FieldError, match=r"2 of the 2 samples hold poses .*resume .*overwrite"):
        estimate(dataset, OTHER_BODY)
    assert list(list_runs(dataset)) == [first.run_id]
    before, ids = people_of(dataset), dataset.values("poses.keypoints.id")
    second = estimate(dataset, OTHER_BODY, overwrite=True)
    assert dataset.values("poses.run_id") == [second.run_id] * 2
    assert dataset.values("poses.keypoints.id") == ids
    assert all(people_of(dataset)[name] != value for name, value in before.items())


def test_an_id_follows_its_box(noise: Noise) -> None:
    dataset = noise([3])
    estimate(dataset)
    sample = dataset.first()
    ids = {k.box_id: k.id for k in sample.poses.keypoints}
    gone = sample.boxes.detections.pop(0)
    sample.boxes.detections.reverse()
    sample.boxes.detections.append(person_box(np.random.default_rng(5)))
    sample.save()
    estimate(dataset, overwrite=True)
    after = {k.box_id: k.id for k in dataset.first().poses.keypoints}
    assert len(after) == 3
    assert gone.id not in after
    assert {box: after[box] for box in ids if box != gone.id} == {
        b: i for b, i in ids.items() if b != gone.id
    }


def test_an_id_is_kept_where_the_view_hides_the_pose(noise: Noise) -> None:
    dataset = noise([2])
    estimate(dataset)
    ids = dataset.values("poses.keypoints.id")
    hidden = dataset.filter_labels("poses", F("score") > 99, only_matches=False)
    estimate(hidden, overwrite=True)
    dataset.reload()
    assert dataset.values("poses.keypoints.id") == ids


def test_a_stopped_overwrite_is_resumed(
    undisturbed: tuple[fo.Dataset, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    small_chunks: None,
    on_forward: Callable[[Hook], None],
) -> None:
    register_tiny_models(OTHER_BODY)
    dataset, reference = undisturbed
    estimate(dataset, OTHER_BODY)
    on_forward(fail_at(18, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        estimate(dataset, overwrite=True)
    monkeypatch.undo()
    assert len(people_of(dataset)) == 26
    assert len(set(dataset.values("poses.run_id"))) == 2
    estimate(dataset, resume=True)
    assert people_of(dataset) == reference
    assert len(set(dataset.values("poses.run_id"))) == 1


def test_overwriting_a_view_leaves_the_rest(noise: Noise) -> None:
    dataset = noise([1, 1])
    first = estimate(dataset)
    second = estimate(dataset[:1], overwrite=True)
    assert dataset.values("poses.run_id") == [second.run_id, first.run_id]


# ---- a real detector


def test_what_a_detector_finds_is_kept_and_linked(
    real_models: tuple[str, str], shared_data: Path, noise: Noise, tmp_path: Path
) -> None:
    model, detector = real_models
    photo = cv2.imread(str(shared_data / "coco_test" / "000000000785.jpg"))
    assert photo is not None
    cv2.imwrite(str(tmp_path / "skier.jpg"), cv2.resize(photo, None, fx=0.5, fy=0.5))
    dataset = noise([0])
    dataset.add_sample(fo.Sample(filepath=str(tmp_path / "skier.jpg")))
    report = estimate(dataset, model, detector=detector)
    assert report.failures == {}
    nobody, skier = dataset
    assert (nobody.poses.keypoints, nobody.poses_boxes.detections) == ([], [])
    assert nobody.poses.run_id == report.run_id
    (box,), (person,) = skier.poses_boxes.detections, skier.poses.keypoints
    assert (person.box_id, person.instance_id) == (box.id, box.instance_id)
    assert person.bounding_box == box.bounding_box
    assert 0.3 <= box.confidence <= 1
    confident = np.array(person.points)[np.array(person.confidence) > 0.5]
    x, y, width, height = box.bounding_box
    assert len(confident) > 10
    assert ((confident > [x - 0.05, y - 0.05]) & (confident < [x + width + 0.05, y + height + 0.05])).all()
    counted = [c for c in person.confidence if c > 0.2]
    assert person.score == pytest.approx(box.confidence * np.mean(counted), rel=1e-6)
    assert dataset.match_labels(ids=[box.id]).values("id") == [skier.id]
    (config,) = list_runs(dataset).values()
    assert (config["settings"]["boxes"], config["settings"]["box_threshold"]) == ("detector", 0.3)
    with pytest.raises(RunError, match=r"box_threshold was 0.3 and is 0.5"):
        estimate(dataset, model, detector=detector, box_threshold=0.5, resume=True)

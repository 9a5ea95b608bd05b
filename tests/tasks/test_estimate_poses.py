from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
from fiftyone import ViewField as F

import fo_pose_plugin as fop
from fo_pose_plugin.errors import (
    BoxSourceError,
    FieldError,
    MediaTypeError,
    ModelError,
    PoseError,
    UnknownModelError,
)
from fo_pose_plugin.tasks.estimate_poses import (
    EstimatePlan,
    EstimateReport,
    EstimateRequest,
    Progress,
    check_media,
    held_poses,
    plan_estimate,
)
from tests.tiny_models import BODY, CROWDPOSE, register_tiny_models

Noise = Callable[..., fo.Dataset]
MakeDataset = Callable[..., fo.Dataset]


@pytest.fixture(autouse=True, scope="module")
def tiny_body() -> None:
    register_tiny_models(BODY, CROWDPOSE)


def plan(samples: fo.Dataset | fo.DatasetView, **values: Any) -> EstimatePlan:
    return plan_estimate(samples, EstimateRequest(**{"model": BODY, "boxes": "boxes", **values}))


def estimate(samples: fo.Dataset | fo.DatasetView, **options: Any) -> EstimateReport:
    given = {"keep_heatmaps": False, "progress": False, **options}
    return fop.estimate_poses(samples, BODY, **given)


# ---- the request


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"model": "nobody"}, UnknownModelError, BODY),
        ({"model": "../../etc/passwd"}, PoseError, "passwd"),
        ({"model": ""}, PoseError, "''"),
        ({"boxes": None, "detector": "nobody"}, UnknownModelError, "'nobody'"),
        ({"boxes": None, "detector": "../x"}, PoseError, "x"),
        ({"runtime": "tensorrt"}, ModelError, "'tensorrt' is unknown, expected one of torch"),
        ({"batch_size": 0}, ModelError, "batch_size is 0"),
        ({"batch_size": -3}, ModelError, "batch_size is -3"),
        ({"resume": True, "overwrite": True}, FieldError, "resume and overwrite exclude each other"),
        ({"pose_field": "a.b"}, FieldError, r"'a\.b' is no field name"),
        ({"boxes": None}, BoxSourceError, "none was given; fields with boxes: boxes"),
        ({"whole_image": True}, BoxSourceError, "boxes and whole_image were given"),
        ({"boxes": "filepath"}, BoxSourceError, "StringField"),
    ],
)
def test_what_cannot_be_asked_for_is_said_before_anything_is_written(
    noise: Noise, values: dict[str, Any], error: type[PoseError], words: str
) -> None:
    dataset = noise([1])
    schema = dataset.get_field_schema(flat=True)
    with pytest.raises(error, match=words):
        plan(dataset, **values)
    dataset.reload()
    assert dataset.get_field_schema(flat=True).keys() == schema.keys()
    assert dataset.list_runs() == []


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "../cpu", "cpu:x"])
def test_a_device_that_is_not_there_is_said_before_anything_is_written(noise: Noise, device: str) -> None:
    dataset = noise([1])
    with pytest.raises(ModelError, match="use cpu"):
        estimate(dataset, boxes="boxes", device=device)
    dataset.reload()
    assert not dataset.has_field("poses")
    assert dataset.list_runs() == []


def test_names_that_fiftyone_has_for_itself_are_refused(noise: Noise) -> None:
    dataset = noise([1])
    for name in ("id", "filepath", "tags", "media_type", "frames", "field_names", "save", "dataset_id"):
        with pytest.raises(PoseError, match=f"'{name}'"):
            estimate(dataset, boxes="boxes", pose_field=name)
    assert dataset.list_runs() == []
    assert len(list(dataset)) == 1


def test_a_plan_says_what_will_be_done(noise: Noise) -> None:
    dataset = noise([2, 1])
    planned = plan(dataset[:1], pose_field="mine")
    assert (planned.total, planned.held, planned.resumed_run) == (1, 0, None)
    assert (planned.fields.poses, planned.model.spec.name, planned.detector) == ("mine", BODY, None)
    assert planned.source.describe() == "boxes labelled 'person' of the field 'boxes'"
    settings = planned.settings
    assert settings.keys() >= {"model", "weights_sha256", "flip_test", "boxes", "boxes_from", "box_threshold"}
    assert not settings.keys() & {"batch_size", "device", "runtime", "pose_field"}


def test_what_a_field_holds_is_counted(noise: Noise) -> None:
    dataset = noise([1, 0, 1])
    assert held_poses(dataset, "poses") == 0
    estimate(dataset[:2], boxes="boxes")
    assert held_poses(dataset, "poses") == 2
    assert plan(dataset[2:]).held == 0
    assert plan(dataset, overwrite=True).held == 2


def test_another_skeleton_is_refused_even_to_overwrite(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset, boxes="boxes")
    with pytest.raises(FieldError, match=r"another skeleton \(17 keypoints: nose, .*gives 14"):
        plan(dataset, model=CROWDPOSE, overwrite=True)


def test_ground_truth_is_never_replaced(noise: Noise) -> None:
    truth = fo.Keypoints(keypoints=[fo.Keypoint(points=[[0.5, 0.5]] * 17)])
    dataset = noise([1, 1], truth=[truth, None])
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(FieldError, match=r"'truth' holds keypoints .*ground truth"):
            plan(dataset, pose_field="truth", **options)


# ---- numbers of a run


def test_progress_in_words() -> None:
    assert Progress("loading the model", 0, 5).describe() == "loading the model"
    state = Progress("estimating poses", 1200, 4800, people=3000, failed=2, seconds=100.0, run_id="r")
    assert state.fraction == 0.25
    assert state.describe() == "estimating poses: 1,200 of 4,800 images, 3,000 people (30.0/s), 2 failed"
    assert Progress("done", 0, 0, run_id="r").fraction == 1.0
    assert Progress("s", 0, 1).people_per_second == 0.0


# ---- media


@pytest.fixture
def video(shared_data: Path, make_dataset: MakeDataset) -> fo.Dataset:
    dataset = make_dataset("video")
    dataset.add_sample(fo.Sample(filepath=str(shared_data / "coco_test" / "people_5_frames.mp4")))
    dataset.compute_metadata(progress=False)
    return dataset


def test_videos_are_refused_and_the_named_way_works(video: fo.Dataset, tmp_path: Path) -> None:
    with pytest.raises(MediaTypeError, match=r"to_frames\(sample_frames=True\)\.clone\('name'\)"):
        estimate(video, whole_image=True)
    assert video.list_runs() == []
    frames = video.to_frames(sample_frames=True, output_dir=str(tmp_path / "frames"), progress=False)
    with pytest.raises(MediaTypeError, match=r"view\.clone\('name'\)"):
        estimate(frames, whole_image=True)
    images = frames.clone(f"{video.name}-frames")
    try:
        report = estimate(images, whole_image=True)
        assert (report.samples, report.people, report.failures) == (5, 5, {})
    finally:
        images.delete()


def test_clips_and_their_frames_are_refused(video: fo.Dataset) -> None:
    clips = video.to_clips([[(1, 2)]])
    with pytest.raises(MediaTypeError, match="frames or clips made from other samples"):
        check_media(clips)


def test_patches_are_refused_and_the_named_way_works(noise: Noise) -> None:
    dataset = noise([2, 1])
    patches = dataset.to_patches("boxes")
    for view in (patches, patches.limit(1)):
        with pytest.raises(MediaTypeError, match=r"made from other samples.*view\.clone\('name'\)"):
            check_media(view)
    clone = patches.clone(f"{dataset.name}-patches")
    try:
        report = estimate(clone, whole_image=True)
        assert (report.samples, report.people) == (3, 3)
    finally:
        clone.delete()


@pytest.fixture
def grouped(noise: Noise, make_dataset: MakeDataset) -> fo.Dataset:
    dataset = make_dataset("groups")
    dataset.add_group_field("group", default="left")
    images = iter(noise([1, 2, 1, 1]))
    for scene in ("a", "b"):
        group = fo.Group()
        for side in ("left", "right"):
            image = next(images)
            dataset.add_sample(
                fo.Sample(
                    filepath=image.filepath, boxes=image.boxes.copy(), group=group.element(side), scene=scene
                )
            )
    return dataset


@pytest.mark.parametrize("side", ["left", "right"])
def test_groups_are_refused_and_the_named_way_works(grouped: fo.Dataset, side: str) -> None:
    with pytest.raises(MediaTypeError, match=r"select_group_slices\('\.\.\.'\), one of 'left', 'right'"):
        estimate(grouped, boxes="boxes")
    view = grouped.select_group_slices(side)
    report = estimate(view, boxes="boxes")
    assert (report.samples, report.failures) == (2, {})
    assert view.reload() is None
    assert view.values("poses.run_id") == [report.run_id] * 2
    other = grouped.select_group_slices("right" if side == "left" else "left")
    assert other.values("poses") == [None, None]
    assert all(i is not None for ids in view.values("boxes.detections.instance") for i in ids)
    # The other slice is free, the same one is not; resume and overwrite hold for it.
    assert estimate(other, boxes="boxes").samples == 2
    with pytest.raises(FieldError, match="2 of the 2 samples hold poses"):
        estimate(view, boxes="boxes")
    assert estimate(view, boxes="boxes", overwrite=True).samples == 2
    assert estimate(view, boxes="boxes", resume=True).skipped == 2


def test_several_slices_are_done_at_once(grouped: fo.Dataset) -> None:
    view = grouped.select_group_slices(["left", "right"])
    report = estimate(view, boxes="boxes")
    assert (report.samples, report.people) == (4, 5)
    # "all points" opens in the App, which shows groups.
    assert len(grouped.load_saved_view("all points")) == len(grouped)


def test_a_view_of_groups_made_on_the_fly_is_refused_with_a_way_that_works(noise: Noise) -> None:
    dataset = noise([1, 1, 1], scene=["a", "b", "a"])
    view = dataset.group_by("scene")
    with pytest.raises(MediaTypeError, match=r"run on .*view\.flatten\(\)"):
        estimate(view, boxes="boxes")
    assert estimate(view.flatten(), boxes="boxes").samples == 3


def test_other_media_are_refused(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    dataset.add_sample(fo.Sample(filepath="/no/such/cloud.pcd"))
    with pytest.raises(MediaTypeError, match="media type 'point-cloud', expected images"):
        check_media(dataset)


def test_images_and_views_of_them_are_welcome(noise: Noise) -> None:
    dataset = noise([1, 1])
    views = (
        dataset,
        dataset[:1],
        dataset.match(F("boxes").exists()),
        dataset.shuffle(seed=1),
        dataset.limit(0),
    )
    for samples in views:
        check_media(samples)
    report = estimate(dataset.shuffle(seed=1).select_fields("boxes"), boxes="boxes")
    assert report.people == 2


def test_the_same_image_in_two_samples_is_two_images(noise: Noise) -> None:
    dataset = noise([2])
    sample = dataset.first()
    dataset.add_sample(fo.Sample(filepath=sample.filepath, boxes=fo.Detections()))
    report = estimate(dataset, boxes="boxes")
    assert (report.samples, report.people) == (2, 2)


def test_boxes_reach_over_the_image(noise: Noise) -> None:
    dataset = noise([1])
    sample = dataset.first()
    sample.boxes.detections[0].bounding_box = [-0.5, -0.5, 2.0, 2.0]
    sample.save()
    report = estimate(dataset, boxes="boxes")
    assert (report.people, report.failures) == (1, {})
    person = dataset.first().poses.keypoints[0]
    assert person.bounding_box == [-0.5, -0.5, 2.0, 2.0]
    assert all(math.isfinite(v) for v in person.confidence)

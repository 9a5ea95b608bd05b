from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from fo_pose_plugin.demo.demo_dataset import (
    DATASET_NAME,
    PHOTOS_NAME,
    add_photos,
    dataset_name,
    is_done,
    open_dataset,
    plan_poses,
    save_doubtful_view,
    show_first,
)
from fo_pose_plugin.demo.photos import photos_in
from fo_pose_plugin.tasks.estimation_run import run_with_progress
from tests.tiny_models import BODY, CROWDPOSE, OTHER_BODY, noise_dataset, register_tiny_models


@pytest.fixture
def photos(make_dataset, tmp_path):
    noise_dataset(make_dataset(), tmp_path, [1, 1])
    return photos_in(tmp_path)


@pytest.fixture
def dataset(photos):
    register_tiny_models(BODY, OTHER_BODY, CROWDPOSE)
    dataset = open_dataset(f"demo-{uuid4().hex[:6]}")
    add_photos(dataset, photos)
    yield dataset
    dataset.delete()


def test_a_folder_named_from_elsewhere_adds_no_photo_twice(dataset, photos):
    folder = photos[0].parent
    add_photos(dataset, photos_in(folder / ".." / folder.name))
    assert dataset.values("filepath") == list(map(str, photos))


def test_the_app_need_not_read_a_photos_size_from_its_file(dataset, photos):
    assert None not in dataset.values("metadata.width")
    lost = photos[0].with_name("lost.png")  # nor does a photo that cannot be read stop the others
    add_photos(dataset, [lost])
    assert len(dataset.exists("metadata.width")) == len(photos)


def test_each_folder_has_a_dataset_of_its_own():
    assert dataset_name(None) == DATASET_NAME
    name = dataset_name(Path("/a/My Photos (2024)"))
    assert name.startswith(f"{PHOTOS_NAME}-my-photos-2024-")
    assert name != dataset_name(Path("/b/My Photos (2024)"))
    assert name == dataset_name(Path("/a/My Photos (2024)"))
    assert dataset_name(Path("/")).startswith(f"{PHOTOS_NAME}-photos-")


def test_a_dataset_is_kept_and_takes_new_photos_in(dataset, photos):
    assert dataset.persistent
    assert dataset.app_config.color_scheme.color_by == "instance"
    dataset.app_config.color_scheme.color_by = "field"  # as its user may choose
    dataset.save()
    again = open_dataset(dataset.name)
    add_photos(again, [*photos, photos[0].with_name("new.png")])
    assert again.name == dataset.name
    assert again.app_config.color_scheme.color_by == "field"
    assert len(again) == 3
    add_photos(again, photos)
    assert len(again) == 3


def test_a_second_demo_finds_everything_done(dataset):
    plan = plan_poses(dataset, BODY)
    assert plan.fields.poses == "poses"
    assert not is_done(plan)
    run_with_progress(plan, progress=False)
    assert is_done(plan_poses(dataset, BODY))


def test_photos_that_failed_are_tried_again(dataset, photos):
    photos[0].rename(photos[0].with_suffix(".away"))
    run_with_progress(plan_poses(dataset, BODY), progress=False)
    photos[0].with_suffix(".away").rename(photos[0])
    plan = plan_poses(dataset, BODY)
    assert not is_done(plan)
    assert run_with_progress(plan, progress=False).samples == 1
    assert is_done(plan_poses(dataset, BODY))


def test_another_models_poses_stand_beside_the_first(dataset):
    for model, pose_field in (
        (BODY, "poses"),
        (OTHER_BODY, "poses_by_tiny_body_2"),
        (CROWDPOSE, "poses_by_tiny_crowdpose"),
    ):
        plan = plan_poses(dataset, model)
        assert plan.fields.poses == pose_field
        run_with_progress(plan, progress=False)
    assert is_done(plan_poses(dataset, BODY))
    assert is_done(plan_poses(dataset, OTHER_BODY))
    assert len(dataset.list_runs()) == 3


def test_the_app_opens_on_what_the_model_is_least_sure_of(dataset):
    run_with_progress(plan_poses(dataset, BODY), progress=False)
    assert save_doubtful_view(dataset, "poses") == save_doubtful_view(dataset, "poses") == "doubtful-first"
    scores = dataset.load_saved_view("doubtful first").values("poses.keypoints.score")
    assert len(scores) == 2
    assert min(scores[0]) <= min(scores[1])


def test_the_fields_that_are_painted_first_may_be_changed(dataset):
    show_first(dataset, ["poses"])
    show_first(dataset, ["poses_error"])
    assert dataset.app_config.active_fields.paths == ["poses"]

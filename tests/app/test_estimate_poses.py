"""The main job as a person does it: from the form in the App to skeletons in the picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app.driver import AppPage
from tests.app.picture import changed
from tests.real_models import BODY, DETECTOR, WHOLEBODY, register_real_models

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RUN_TIMEOUT_S = 240
PHOTOS = 14  # enough to stop a run in the middle of


@pytest.fixture(autouse=True, scope="module")
def _models(shared_data: Path) -> None:
    register_real_models(shared_data)


def test_the_form_estimates_poses_of_detected_people(
    app: AppPage, coco_test_dataset: Callable[..., fo.Dataset]
) -> None:
    dataset = coco_test_dataset()
    app.open(dataset.name, samples=4)
    form = app.open_operator("Estimate poses")
    form.settle()
    form.choose("Keypoints of what?", "Whole body")
    described = {text.split("\n")[0]: text for text in form.options("Model")}
    assert "133 keypoints (body 17, feet 6, face 68, hands 42)" in described[WHOLEBODY]
    assert "weights here" in described[WHOLEBODY]
    form.choose("Keypoints of what?", "Body")
    form.choose("Model", BODY)
    assert "4 images, 14 people: 17 keypoints each" in form.text()
    form.pick("Where are the people?", "A detector")
    form.fill("Least confidence of a box", 0.05)
    assert f"boxes of the detector '{DETECTOR}' with a confidence of at least 0.05" in form.text()
    app.screenshot("estimate_form")
    form.execute()
    assert "loading the model" in app.wait_for_progress()
    summary = app.wait_for_output(RUN_TIMEOUT_S)
    app.screenshot("estimate_summary")
    dataset.reload()
    people = dataset.count("poses.keypoints")
    assert f"{people} people in 4 images" in summary
    assert "confident points, all points" in summary
    assert people >= 12
    assert dataset.count("poses_boxes.detections") == people
    assert len(dataset.exists("poses.run_id")) == 4
    app.close_dialogs()

    # The run is over and the App shows its fields by itself.
    assert app.field_shown("poses")
    assert {"confident points", "all points"} <= set(app.saved_views())
    app.screenshot("estimate_grid")
    for field in ("ground_truth", "ground_truth_boxes", "poses_boxes"):
        app.show_field(field, shown=False)
    size_wh = (640, 425)
    drawn = app.grid_picture(0, size_wh)
    app.show_field("poses", shown=False)
    bare = app.grid_picture(0, size_wh)
    (skier,) = dataset.first().poses.keypoints
    points = [point for point in skier.points if not math.isnan(point[0])]
    assert len(points) == 17
    assert all(changed(bare, drawn, point) for point in points)
    assert not changed(bare, drawn, [0.1, 0.8])


def test_the_button_stops_a_run_and_the_form_takes_it_up(
    app: AppPage, coco_mini_dataset: Callable[..., fo.Dataset]
) -> None:
    dataset = coco_mini_dataset(PHOTOS)
    app.open(dataset.name)
    form = app.open_operator("Estimate poses")
    form.settle()
    form.choose("Model", BODY)
    form.tick("Flip test")
    form.execute()
    app.page.get_by_role("button", name="Stop, and keep what is done").wait_for(timeout=120_000)
    app.screenshot("estimate_running")
    app.press("Stop, and keep what is done")
    summary = app.wait_for_output(RUN_TIMEOUT_S)
    assert "Stopped" in summary
    app.close_dialogs()
    dataset.reload()
    done = dict(zip(*dataset.exists("poses").values(["id", "poses.keypoints.points"]), strict=True))
    assert 0 < len(done) < PHOTOS

    form = app.open_operator("Estimate poses")
    form.settle()
    form.choose("Model", BODY)
    form.tick("Flip test")
    held = f"{len(done)} of these images hold poses in 'poses' already"
    form.pick(held, "Replace them")
    assert "in 'poses' will be gone" in form.text()
    form.pick(held, "Finish the run before")
    assert "will be gone" not in form.text()
    form.execute()
    summary = app.wait_for_output(RUN_TIMEOUT_S)
    assert f"Done before and left alone: {len(done)} image" in summary
    dataset.reload()
    assert len(dataset.exists("poses")) == PHOTOS
    assert len(dataset.distinct("poses.run_id")) == 1
    assert done.items() <= dict(zip(*dataset.values(["id", "poses.keypoints.points"]), strict=True)).items()


def test_show_keypoints_sets_a_view_that_keeps_everyone(
    app: AppPage, coco_test_dataset: Callable[..., fo.Dataset]
) -> None:
    import fo_pose_plugin as fop

    dataset = coco_test_dataset()
    fop.estimate_poses(dataset, WHOLEBODY, boxes="ground_truth_boxes", progress=False)
    app.open(dataset.name, samples=4)
    for field in ("ground_truth", "ground_truth_boxes"):
        app.show_field(field, shown=False)
    size_wh = (640, 425)
    everything = app.grid_picture(0, size_wh)
    form = app.open_operator("Show keypoints")
    form.settle()
    assert form.value("Poses") == "poses"  # not the ground truth, which has a skeleton too
    form.fill("Least confidence", 0.99)
    form.execute()
    app.wait_until_closed()
    app.wait_for_grid(4)
    confident = app.grid_picture(0, size_wh)
    (skier,) = dataset.first().poses.keypoints
    hidden = [
        point
        for point, score in zip(skier.points, skier.confidence, strict=True)
        if score < 0.5 and not math.isnan(point[0])
    ]
    assert hidden
    assert any(changed(everything, confident, point) for point in hidden)


def test_a_request_that_cannot_be_carried_out_says_why(
    app: AppPage, coco_test_dataset: Callable[..., fo.Dataset]
) -> None:
    dataset = coco_test_dataset()
    app.open(dataset.name, samples=4)
    form = app.open_operator("Estimate poses")
    form.settle()
    assert form.can_run()
    form.fill("Field", "ground_truth")
    assert "holds keypoints that no run of this plugin made" in form.text()
    assert not form.can_run()
    form.fill("Field", "poses")
    assert form.can_run()

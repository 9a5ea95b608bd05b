"""Estimate, evaluate, and see what to review: the whole way in the App in one go, on real photos."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.tasks.review_queue import plan_queue
from tests.app.driver import AppPage
from tests.real_models import SMALL_BODY, register_real_models

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = pytest.mark.timeout(600)

PHOTOS = 4


@pytest.fixture(autouse=True, scope="module")
def _models(shared_data: Path) -> None:
    register_real_models(shared_data)


def test_from_photos_to_what_needs_an_eye(app: AppPage, coco_test_dataset: Callable[..., fo.Dataset]) -> None:
    dataset = coco_test_dataset()
    app.page.set_viewport_size({"width": 1600, "height": 1100})
    app.open(dataset.name, samples=PHOTOS)

    form = app.open_operator("Estimate poses")
    form.choose("Model", SMALL_BODY)
    assert "4 images, 14 people: 17 keypoints each" in form.text()
    form.execute()
    assert "14 people in 4 images" in app.wait_for_output(240)
    app.close_dialogs()

    form = app.open_operator("Evaluate poses")
    assert "'poses' are compared with those in 'ground_truth' by 17 keypoints" in form.text()
    form.execute()
    summary = re.compile(r"AP (\d+\.\d), AR \d+\.\d: 'poses' against 'ground_truth' on 4 images")
    said = app.page.get_by_text(summary)
    said.wait_for(timeout=120_000)
    shown = summary.search(said.inner_text())
    dataset.reload()
    report = fop.load_evaluation(dataset, "eval")
    assert report.ap is not None
    assert shown is not None
    assert shown[1] == f"{100 * report.ap:.1f}"
    app.wait_for_output(60)
    app.page.get_by_role("button", name="Show plots and views").click()
    app.page.wait_for_timeout(1000)
    app.close_dialogs()
    app.page.locator(".js-plotly-plot").nth(3).wait_for(timeout=60_000)
    strangers = fop.false_positives(dataset)
    assert 0 < len(strangers) < PHOTOS
    app.page.get_by_role("button", name="Predictions of nobody").click()
    app.wait_for_grid(len(strangers))
    app.screenshot("estimate_to_queue_panel")
    app.page.get_by_role("button", name="Show everyone").click()
    app.wait_for_grid(PHOTOS)

    form = app.open_operator("Review queue")
    form.fill("Images", 2)
    form.execute()
    said_at_last = app.wait_for_output(120)
    queue = plan_queue(dataset, "poses", 2)
    assert "2 images to review, saved as the view 'review queue'" in said_at_last
    assert queue.entries[0].why in said_at_last
    dataset.reload()
    assert dataset.load_saved_view("review queue").values("id") == [e.sample_id for e in queue.entries]
    app.close_dialogs()
    app.page.locator("[data-cy=modal-looker-container] canvas").first.wait_for()
    first = Path(dataset[queue.entries[0].sample_id].filepath).name
    app.page.locator("[data-cy=modal]").get_by_text(first).first.wait_for()
    assert app.field_shown("poses")
    app.page.wait_for_timeout(1000)
    app.screenshot("estimate_to_queue_first_sample")

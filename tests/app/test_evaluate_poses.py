"""Evaluating in the App as a person does it: the form, the report, the panel with its plots and views."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fo_pose_plugin as fop
from tests.app.driver import AppPage
from tests.drawn_poses import TRUTH, fill_with_drawn_poses

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

IMAGES = 6


@pytest.fixture
def dataset(make_dataset: Callable[..., fo.Dataset], tmp_path: Path) -> fo.Dataset:
    dataset = make_dataset("evaluated")
    fill_with_drawn_poses(dataset, tmp_path / "drawings", IMAGES, ("poses", "other"))
    return dataset


def test_a_person_evaluates_and_looks_at_what_is_wrong(app: AppPage, dataset: fo.Dataset) -> None:
    app.page.set_viewport_size({"width": 1600, "height": 1100})
    app.open(dataset.name, samples=IMAGES)
    form = app.open_operator("Evaluate poses")
    form.settle()
    app.screenshot("evaluate_poses_form")
    assert "'poses' are compared with those in 'true_poses' by 17 keypoints" in form.text()
    form.execute()
    summary = re.compile(r"AP \d+\.\d, AR \d+\.\d: 'poses' against 'true_poses' on 6 images")
    app.page.get_by_text(summary).wait_for(timeout=120_000)
    said = app.wait_for_output(60)
    app.screenshot("evaluate_poses_report")
    assert "left_wrist" in said
    app.page.get_by_role("button", name="Show plots and views").click()
    app.page.wait_for_timeout(1000)
    app.close_dialogs()
    app.page.locator(".js-plotly-plot").nth(3).wait_for(timeout=60_000)
    app.page.wait_for_timeout(2000)
    app.screenshot("pose_evaluation_panel")

    panel = app.page
    panel.get_by_role("button", name="Missed people").click()
    missed = fop.missed_people(dataset)
    app.wait_for_grid(len(missed))
    app.screenshot("pose_evaluation_missed")
    panel.get_by_role("button", name="Show everyone").click()
    app.wait_for_grid(IMAGES)
    panel.get_by_text("any keypoint").first.click()
    app.page.locator("[role=listbox] [data-value=nose]").click()
    app.page.wait_for_timeout(1000)
    panel.get_by_role("button", name="Show them").click()
    stray = fop.keypoints_off(dataset, "eval", "nose", 0.1)
    assert 0 < len(stray) < IMAGES
    app.wait_for_grid(len(stray))
    app.screenshot("pose_evaluation_stray")


def test_fiftyones_own_panel_opens_the_evaluation(app: AppPage, dataset: fo.Dataset) -> None:
    report = fop.evaluate_poses(dataset, "poses", TRUTH, progress=False)
    app.page.set_viewport_size({"width": 1600, "height": 1100})
    app.open(dataset.name, samples=IMAGES)
    app.page.locator("[data-cy=new-panel-btn]").first.click()
    app.page.get_by_text("Model Evaluation", exact=True).first.click()
    app.page.get_by_text("eval", exact=True).first.click()
    app.page.get_by_text("AP50").first.wait_for(timeout=60_000)
    app.page.wait_for_timeout(2000)
    app.screenshot("model_evaluation_panel")
    shown = app.page.locator("body").inner_text()
    assert f"{report.ap:.3f}"[:5] in shown or f"{report.ap:.2f}" in shown
    assert not [text for text in app.notifications() if "rror" in text]


def test_a_panel_without_evaluations_says_what_to_do(app: AppPage, dataset: fo.Dataset) -> None:
    app.open(dataset.name, samples=IMAGES)
    app.page.locator("[data-cy=new-panel-btn]").first.click()
    app.page.get_by_text("Pose evaluation", exact=True).first.click()
    app.page.get_by_text("No poses were evaluated yet").wait_for(timeout=60_000)
    app.screenshot("pose_evaluation_empty")
    app.page.get_by_role("button", name="Evaluate poses").last.click()
    app.page.locator("[data-cy=operators-prompt-modal]").get_by_text("Ground truth").first.wait_for()


def test_two_fields_are_shown_side_by_side(app: AppPage, dataset: fo.Dataset) -> None:
    fop.evaluate_poses(dataset, "poses", TRUTH, "first", progress=False)
    fop.evaluate_poses(dataset, "other", TRUTH, "second", progress=False)
    app.page.set_viewport_size({"width": 1600, "height": 1900})
    app.open(dataset.name, samples=IMAGES)
    app.page.locator("[data-cy=new-panel-btn]").first.click()
    app.page.get_by_text("Pose evaluation", exact=True).first.click()
    app.page.locator(".js-plotly-plot").nth(3).wait_for(timeout=60_000)
    app.page.get_by_text("no other").first.click(timeout=60_000)
    app.page.locator("[role=listbox] [data-value=first]").click()
    app.page.get_by_text("Side by side, in percent").wait_for(timeout=60_000)
    app.page.wait_for_timeout(3000)
    app.screenshot("pose_evaluation_side_by_side")
    app.page.locator(".js-plotly-plot").nth(3).scroll_into_view_if_needed()
    app.page.wait_for_timeout(1000)
    app.screenshot("pose_evaluation_plots")
    assert "first - second" in app.page.locator("body").inner_text()

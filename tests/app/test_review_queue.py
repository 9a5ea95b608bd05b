"""From an estimate to the poses that need a person's eye, as someone does it in the App; on drawn people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.demo.bundled_models import BODY, bundled_pairs
from fo_pose_plugin.demo.drawings import BOXES, drawing_seeds, fill_with_drawings
from fo_pose_plugin.tasks.review_queue import plan_queue
from tests.app.driver import AppPage

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DRAWINGS = 8


@pytest.fixture(autouse=True, scope="module")
def _model() -> None:
    for pair in bundled_pairs():
        if pair.name == BODY:
            fop.add_model(pair.name, pair.config, pair.checkpoint, overwrite=True)


def test_estimate_then_queue_then_the_first_sample(
    app: AppPage, make_dataset: Callable[..., fo.Dataset], tmp_path: Path
) -> None:
    dataset = make_dataset("queue")
    fill_with_drawings(dataset, tmp_path / "drawings", drawing_seeds(DRAWINGS))

    app.open(dataset.name, samples=DRAWINGS)
    form = app.open_operator("Estimate poses")
    form.choose("Model", BODY)
    form.pick("Where are the people?", "Boxes of a field")
    form.choose("Field with boxes", BOXES)
    form.execute()
    app.wait_for_output(240)
    app.close_dialogs()

    form = app.open_operator("Review queue")
    form.settle()
    assert "the most doubtful first" in form.text()
    form.fill("Images", 5)
    form.tick("Varied")
    assert "At most 5 images" in form.text()
    app.screenshot("review_queue_form")
    form.execute()
    said = app.wait_for_output(120)
    app.screenshot("review_queue_summary")
    assert "5 images to review, saved as the view 'review queue'" in said

    dataset.reload()
    queue = plan_queue(dataset, "poses", 5, diverse=True)
    assert dataset.load_saved_view("review queue").values("id") == [e.sample_id for e in queue.entries]
    assert queue.entries[0].why in said

    app.close_dialogs()
    app.page.locator("[data-cy=modal-looker-container] canvas").first.wait_for()
    app.page.wait_for_timeout(2000)
    app.screenshot("review_queue_first_sample")
    first, second = (Path(dataset[e.sample_id].filepath).name for e in queue.entries[:2])
    assert first in app.page.locator("[data-cy=modal]").inner_text()
    assert app.field_shown("poses"), "also where the page was loaded before there were poses"
    app.page.keyboard.press("ArrowRight")
    app.page.locator("[data-cy=modal]").get_by_text(second).wait_for()
    app.page.keyboard.press("ArrowLeft")
    app.page.locator("[data-cy=modal]").get_by_text(first).wait_for()
    app.close_sample()
    app.wait_for_grid(5)
    app.screenshot("review_queue_grid")


def test_without_kept_heatmaps_the_form_says_what_to_run(
    app: AppPage, make_dataset: Callable[..., fo.Dataset], tmp_path: Path
) -> None:
    dataset = make_dataset("queue")
    fill_with_drawings(dataset, tmp_path / "drawings", drawing_seeds(1))
    app.open(dataset.name, samples=1)
    form = app.open_operator("Review queue")
    form.settle()
    assert "with 'Keep the heatmaps' ticked" in form.text()
    assert not form.can_run()


def test_fit_confidence_then_see_what_a_rule_would_accept(
    app: AppPage, make_dataset: Callable[..., fo.Dataset], tmp_path: Path
) -> None:
    dataset = make_dataset("confidence")
    fill_with_drawings(dataset, tmp_path / "drawings", drawing_seeds(30))
    fop.estimate_poses(dataset, BODY, boxes=BOXES, signals=True, keep_heatmaps=False, progress=False)
    app.open(dataset.name)

    form = app.open_operator("Preview auto-accept")
    assert "Run the operator 'Fit confidence'" in form.text()
    form.cancel()

    form = app.open_operator("Fit confidence")
    form.choose("Truth", "true_poses")
    form.execute()
    app.page.get_by_text("Expected calibration error").wait_for(timeout=60_000)
    app.page.locator(".js-plotly-plot").wait_for()
    app.page.wait_for_timeout(1500)
    app.screenshot("fit_confidence")
    app.close_dialogs()

    form = app.open_operator("Preview auto-accept")
    form.fill("Least probability", 0.8)
    assert "Nobody is accepted by this" in form.text()
    app.screenshot("preview_auto_accept_form")
    form.execute()
    app.page.get_by_text("Nobody is accepted by this").wait_for(timeout=60_000)
    app.page.wait_for_timeout(2000)
    app.screenshot("preview_auto_accept_done")
    dataset.reload()
    assert dataset.has_saved_view("would be accepted")
    assert not dataset.has_field("poses_corrected")

"""Heatmaps painted anew, as a person does it in the App and sees it in an open sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.app.driver import AppPage
from tests.app.picture import changed
from tests.kept_datasets import fill_with_photos, keep_poses

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SIZE_WH = (640, 480)
FAR_APART = 0.08  # of the image: no peak reaches so far


def test_the_chosen_keypoints_are_seen_in_grid_and_sample(
    app: AppPage, make_dataset: Callable[..., fo.Dataset], tmp_path: Path
) -> None:
    dataset = make_dataset("painted")
    fill_with_photos(dataset, tmp_path / "photos", 3)
    keep_poses(dataset, [1, 2, 1])
    (person,) = dataset.first().poses.keypoints
    nose, *others = [np.array(point) for point in person.points]
    others = [
        point
        for point in others
        if np.abs(point - nose).max() > FAR_APART and np.abs(point - 0.5).max() < 0.45  # in the image
    ]
    assert len(others) > 3

    app.open(dataset.name, samples=3)
    app.show_field("poses", shown=False)
    assert not app.field_shown("poses_heatmap")
    bare = app.grid_picture(0, SIZE_WH)
    app.show_field("poses_heatmap")
    app.open_sample(0)
    everything = app.sample_picture(SIZE_WH)
    app.close_sample()
    app.show_field("poses_heatmap", shown=False)

    form = app.open_operator("Show heatmaps")
    form.settle()
    assert "3 images: all keypoints" in form.text()
    form.choose("Keypoints", "nose")
    assert "3 images: nose" in form.text()
    app.screenshot("show_heatmaps_form")
    form.execute()
    assert "Painted on 3 images: nose" in app.wait_for_output(60)
    app.screenshot("show_heatmaps_summary")
    app.close_dialogs()

    # The grid shows it by itself, its field is ticked.
    assert app.field_shown("poses_heatmap")
    assert not app.field_shown("poses")
    in_grid = app.grid_picture(0, SIZE_WH)
    assert changed(bare, in_grid, nose.tolist())
    assert not any(changed(bare, in_grid, point.tolist()) for point in others)

    # A sample that was open before is kept by FiftyOne until the page is reloaded.
    app.open(dataset.name, samples=3)
    app.show_field("poses", shown=False)
    app.show_field("poses_heatmap")
    app.open_sample(0)
    nose_only = app.sample_picture(SIZE_WH)
    app.screenshot("show_heatmaps_sample")
    assert not changed(everything, nose_only, nose.tolist())
    assert all(changed(everything, nose_only, point.tolist()) for point in others)

    # Whoever opens it later reads what it shows.
    assert "nose\nkeypoints" in tooltip(app, nose_only.at(nose.tolist()))
    app.screenshot("show_heatmaps_tooltip")


def tooltip(app: AppPage, at: tuple[int, int]) -> str:
    """Point at a pixel of the modal's canvas and give what the App says of it."""
    canvas = app.page.locator("[data-cy=modal-looker-container] canvas").first.bounding_box()
    assert canvas is not None
    app.page.mouse.move(canvas["x"] + at[0], canvas["y"] + at[1])
    pixel = app.page.get_by_text("pixel", exact=True)
    pixel.wait_for()
    text: str = pixel.evaluate("node => node.parentElement.parentElement.parentElement.innerText")
    return text

"""That the harness itself sees and does what it claims, on an operator made for this and drawn photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.app import dummy_plugin
from tests.app.driver import AppPage
from tests.app.picture import changed

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = pytest.mark.slow

SIZE_WH = (320, 240)
POINTS = [[0.25, 0.25], [0.75, 0.25], [0.5, 0.75], [float("nan"), float("nan")]]
EDGES = [[0, 1], [1, 2]]
GREY = (90, 90, 90)


@pytest.fixture(scope="module")
def plugin_folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("plugin") / "dummy"
    folder.mkdir()
    (folder / "fiftyone.yml").write_text(dummy_plugin.MANIFEST)
    (folder / "__init__.py").write_text(Path(dummy_plugin.__file__).read_text())
    return [folder]


@pytest.fixture(scope="module")
def dataset(
    tmp_path_factory: pytest.TempPathFactory, make_module_dataset: Callable[..., fo.Dataset]
) -> fo.Dataset:
    import fiftyone as fo

    folder = tmp_path_factory.mktemp("photos")
    dataset = make_module_dataset("harness")
    samples = []
    for index in range(3):
        path = folder / f"{index}.png"
        Image.fromarray(np.full((SIZE_WH[1], SIZE_WH[0], 3), GREY, np.uint8)).save(path)
        people = [fo.Keypoint(label="person", points=POINTS)] if index else []
        samples.append(fo.Sample(str(path), poses=fo.Keypoints(keypoints=people)))
    dataset.add_samples(samples, progress=False)
    dataset.skeletons = {"poses": fo.KeypointSkeleton(labels=["a", "b", "c", "d"], edges=EDGES)}
    dataset.save_view("two", dataset.limit(2))
    dataset.save()
    return dataset


def test_skeletons_are_seen_in_the_pixels(app: AppPage, dataset: fo.Dataset) -> None:
    app.open(dataset.name, samples=3)
    assert "poses" in app.fields()
    assert app.field_shown("poses")
    on_the_edges = [[0.5, 0.25], [0.625, 0.5]]
    shown = app.grid_picture(1, SIZE_WH)
    empty = app.grid_picture(0, SIZE_WH)
    app.show_field("poses", shown=False)
    hidden = app.grid_picture(1, SIZE_WH)
    for point in [*POINTS[:3], *on_the_edges]:
        assert changed(hidden, shown, point)
        assert not changed(hidden, empty, point)
    assert not changed(hidden, shown, [0.5, 0.5])
    assert hidden.colour([0.5, 0.5]) == GREY
    app.open_sample(1)
    app.show_field("poses")
    drawn = app.sample_picture(SIZE_WH)
    assert drawn.colour(POINTS[0]) != GREY
    assert any(drawn.colour([0.5, 0.25 + dy / 1000]) != GREY for dy in range(-4, 5))
    assert drawn.colour([0.5, 0.5]) == GREY
    assert app.screenshot("harness_sample").stat().st_size > 10_000
    app.close_sample()


def test_every_kind_of_input_is_filled(app: AppPage, dataset: fo.Dataset) -> None:
    app.open(dataset.name, samples=3)
    app.select_sample(0)
    app.select_sample(2)
    form = app.open_operator("Dummy form")
    form.wait_for_text("2 images")
    form.pick("Target view", "Dataset")
    form.wait_for_text("3 images")
    assert form.options("Model") == ["Tiny\n17 keypoints\nbody", "Large\n133 keypoints\nwholebody"]
    form.choose("Model", "large")
    assert form.value("Model") == "Large"
    form.choose("Town", "Bonn")
    form.pick("Boxes", "The whole image")
    form.tick("Flip test")
    form.slide("Part", 0.25)
    form.fill("Name", "id")
    assert "id is taken" in form.text()
    assert not form.can_run()
    with pytest.raises(AssertionError, match="id is taken"):
        form.execute()
    form.fill("Name", "mine")
    with pytest.raises(AssertionError, match="no input 'Shoe size'"):
        form.fill("Shoe size", 43)
    form.execute()
    said = app.wait_for_output()
    assert "Dummy result" in said
    for expected in ("('flip', True)", "('model', 'large')", "('name', 'mine')", "('part', 0.25)"):
        assert expected in said
    assert "('source', 'image')" in said
    assert "('town', 'bonn')" in said
    app.close_dialogs()
    assert app.dialogs() == []
    for index in (0, 2):
        app.select_sample(index)


def test_a_run_shows_its_bar_and_its_end(app: AppPage, dataset: fo.Dataset) -> None:
    app.open(dataset.name, samples=3)
    form = app.open_operator("Dummy run")
    form.fill("Steps", 5)
    form.execute()
    assert " of 5 images" in app.wait_for_progress()
    assert (app.progress() or 0) >= 20
    assert "Done steps:\n\n5" in app.wait_for_output()
    assert app.progress() is None
    assert app.notifications() == ["ended after 5"]
    app.close_dialogs()


def test_a_button_beside_the_bar_stops_a_run(app: AppPage, dataset: fo.Dataset) -> None:
    app.open(dataset.name, samples=3)
    form = app.open_operator("Dummy run")
    form.fill("Steps", 500)
    form.tick("With stop")
    form.execute()
    assert "of 500 images" in app.wait_for_progress()
    app.press("Stop")
    assert "Done steps" in app.wait_for_output(timeout_s=30)
    app.close_dialogs()


def test_a_form_is_scheduled(app: AppPage, dataset: fo.Dataset) -> None:
    from fiftyone.operators.delegated import DelegatedOperationService

    app.open(dataset.name, samples=3)
    form = app.open_operator("Dummy form")
    form.schedule()
    app.wait_until_closed()
    assert app.notifications() == ["Operation successfully scheduled"]
    queued = DelegatedOperationService().list_operations(dataset_name=dataset.name)
    assert [operation.operator for operation in queued] == [f"{dummy_plugin.NAME}/dummy_form"]


def test_a_saved_view_is_loaded_and_does_not_leak(app: AppPage, dataset: fo.Dataset) -> None:
    app.open(dataset.name, samples=3)
    assert app.saved_views() == ["two"]
    app.load_saved_view("two")
    app.wait_for_grid(2)
    app.open(dataset.name, samples=3)

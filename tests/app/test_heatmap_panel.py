"""The panel "Heatmaps" as a person uses it: the open sample's people, with the heatmaps of 133 keypoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fo_pose_plugin as fop
from tests.app.driver import AppPage
from tests.tiny_models import BODY, WHOLEBODY, noise_dataset, register_tiny_models

if TYPE_CHECKING:
    import fiftyone as fo
    from playwright.sync_api import Locator

TAB = "[data-cy=panel-tab-pose_heatmaps]"
SETTLE_MS = 300
PATIENCE = 40
# The brightest place of the painted heatmap and the ring's centre, both in pixels of the crop's picture.
PEAK_AND_RING = """crop => {
  const canvas = crop.querySelector('canvas');
  const {data, width} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let best = 0, at = -1;
  for (let i = 0; i < data.length; i += 4) {
    const light = (data[i] + data[i + 1] + data[i + 2]) * data[i + 3];
    if (light > best) { best = light; at = i / 4; }
  }
  const ring = crop.querySelector('.fph-ring circle');
  return {peak: [at % width, Math.floor(at / width)], size: [width, canvas.height],
          ring: ring && [+ring.getAttribute('cx'), +ring.getAttribute('cy')]};
}"""


@pytest.fixture(scope="module")
def dataset(
    make_module_dataset: Callable[..., fo.Dataset], tmp_path_factory: pytest.TempPathFactory
) -> fo.Dataset:
    """Three images with 2, 1 and 0 people; one name of the skeleton would be harmful as HTML."""
    register_tiny_models(WHOLEBODY, BODY)
    made = noise_dataset(make_module_dataset("panel"), tmp_path_factory.mktemp("panel"), [2, 1, 0])
    fop.estimate_poses(made, BODY, boxes="boxes", pose_field="first", progress=False)
    fop.estimate_poses(made, WHOLEBODY, boxes="boxes", progress=False)
    made.reload()
    made.skeletons["poses"].labels[1] = "<img src=x onerror=window.hacked=1>"
    made.save()
    return made


@pytest.fixture
def panel(app: AppPage) -> Iterator[Panel]:
    """The panel; afterwards the sample is closed, which the server would remember for the next page."""
    panel = Panel(app)
    yield panel
    app.page.locator("[data-cy=panel-tab-fo-sample-modal-plugin]").click()
    app.close_sample()


class Panel:
    """The panel in the open sample's modal."""

    def __init__(self, app: AppPage) -> None:
        self.app = app
        self.root = app.page.locator("[data-cy=pose-heatmaps]")

    def open(self, dataset: fo.Dataset) -> None:
        self.app.open(dataset.name, samples=len(dataset))
        self.app.open_sample(0)
        self.app.page.locator(TAB).click()

    def part(self, name: str) -> Locator:
        return self.root.locator(f"[data-cy=pose-heatmaps-{name}]")

    def tile(self, name: str) -> Locator:
        return self.root.locator(f"[data-cy='pose-heatmaps-tile-{name}']")

    def crop(self) -> bytes:
        """The crop's picture once it does not change any more."""
        self.app.page.mouse.move(2, 2)
        seen = b""
        for _ in range(PATIENCE):
            self.app.page.wait_for_timeout(SETTLE_MS)
            before, seen = seen, self.part("crop").screenshot()
            if seen == before:
                break
        return seen

    def soon(self, holds: Callable[[], bool]) -> bool:
        """Whether something becomes true, on a machine that may be busy."""
        for _ in range(PATIENCE):
            if holds():
                return True
            self.app.page.wait_for_timeout(SETTLE_MS)
        return False

    def caption(self) -> str:
        return self.part("caption").inner_text()

    def press(self, key: str) -> None:
        self.app.page.keyboard.press(key)
        self.app.page.wait_for_timeout(SETTLE_MS)


def test_maps_are_enlarged_over_the_crop(app: AppPage, panel: Panel, dataset: fo.Dataset) -> None:
    panel.open(dataset)
    panel.tile("nose").wait_for()
    assert panel.part("count").inner_text() == "1 of 2"
    assert "All keypoints" in panel.caption()
    assert panel.root.locator(".fph-tile").count() == 1 + (1 + 17) + (1 + 6)
    everything = panel.crop()

    panel.part("group-face").click()
    assert panel.root.locator(".fph-tile").count() == 1 + (1 + 17) + (1 + 6) + (1 + 68)
    panel.tile("face-50").click()
    assert "face-50" in panel.caption()
    assert "of 133" in panel.caption()
    one = panel.crop()
    assert one != everything
    panel.root.get_by_label("show over the crop").uncheck()
    bare = panel.crop()
    assert bare != one
    panel.root.get_by_label("show over the crop").check()
    assert panel.soon(lambda: panel.crop() == one)
    app.screenshot("heatmap_panel")

    # What is painted and the keypoint coincide: within the quarter pixel of the codec, and a picture's pixel.
    panel.root.get_by_label("stretch to the peak").check()
    for name in ("face-50", "face-20", "right_shoulder"):
        panel.tile(name).click()
        app.page.wait_for_timeout(SETTLE_MS)
        found = panel.part("crop").evaluate(PEAK_AND_RING)
        heatmap_px = found["size"][1] / 16
        assert all(
            abs(peak - ring) <= 0.3 * heatmap_px + 1
            for peak, ring in zip(found["peak"], found["ring"], strict=True)
        ), (name, found)

    # Text is text, and the App had nothing to complain about.
    assert panel.root.get_by_text("<img src=x onerror=window.hacked=1>").count()
    assert app.page.evaluate("window.hacked") is None
    assert not [line for line in app.console if "page error" in line or "TypeError" in line]


@pytest.mark.slow
def test_keys_go_through_keypoints_and_people_and_not_to_the_app(
    app: AppPage, panel: Panel, dataset: fo.Dataset
) -> None:
    panel.open(dataset)
    panel.tile("nose").click()
    first = panel.crop()
    panel.press("ArrowRight")
    panel.press("ArrowRight")
    assert panel.soon(lambda: "right eye" in panel.caption())
    assert panel.part("count").inner_text() == "1 of 2"  # the App would have shown the next sample
    panel.press("ArrowLeft")
    panel.press("ArrowLeft")
    assert panel.soon(lambda: "nose" in panel.caption())
    assert panel.soon(lambda: panel.crop() == first)
    panel.press("ArrowDown")
    app.page.wait_for_function("!document.querySelector('.fph-stale')")
    assert panel.soon(lambda: panel.part("count").inner_text() == "2 of 2")
    assert "nose" in panel.caption()
    assert panel.soon(lambda: panel.crop() != first)
    panel.press("Home")
    assert panel.soon(lambda: "All keypoints" in panel.caption())
    for key in ("f", "j", "s", "x"):
        panel.press(key)
    assert panel.part("count").inner_text() == "2 of 2"


@pytest.mark.slow
def test_it_follows_the_app_to_the_next_sample(app: AppPage, panel: Panel, dataset: fo.Dataset) -> None:
    panel.open(dataset)
    panel.tile("left_wrist").click()
    next_sample = app.page.locator("[data-cy=nav-right-button]")
    app.page.locator("[data-cy=modal]").hover()
    next_sample.click()
    panel.part("count").get_by_text("1 of 1").wait_for()
    panel.tile("nose").wait_for()
    assert "left wrist" in panel.caption()  # one keypoint is followed through a dataset
    next_sample.click()
    panel.root.get_by_text("Nobody is in this image").wait_for()


@pytest.mark.slow
def test_another_field_and_what_is_wrong_with_a_file(app: AppPage, panel: Panel, dataset: fo.Dataset) -> None:
    panel.open(dataset)
    panel.tile("nose").wait_for()
    panel.root.get_by_label("Field with poses").select_option("first")
    panel.part("group-feet").wait_for(state="detached")
    panel.tile("nose").wait_for()
    Path(dataset.first().poses.heatmaps_path).rename(dataset.first().poses.heatmaps_path + ".away")
    panel.root.get_by_label("Field with poses").select_option("poses")
    try:
        panel.root.get_by_text("The heatmaps cannot be shown").wait_for()
        assert "does not exist" in panel.root.inner_text()
        assert panel.part("crop").is_visible()
        app.screenshot("heatmap_panel_without_file")
    finally:
        Path(dataset.first().poses.heatmaps_path + ".away").rename(dataset.first().poses.heatmaps_path)


@pytest.mark.slow
def test_datasets_without_keypoints_have_no_such_tab(
    app: AppPage, make_dataset: Callable[..., fo.Dataset], tmp_path: Path
) -> None:
    dataset = noise_dataset(make_dataset("bare"), tmp_path, [1])
    app.open(dataset.name, samples=1)
    app.open_sample(0)
    assert not app.page.locator(TAB).count()

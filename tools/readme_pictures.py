"""Make the README's pictures of the App: `.venv/bin/python tools/readme_pictures.py` writes docs/images.

They show drawings of `make demo` with the poses of its models, in a real App and chromium. The demo is made
anew in a temporary folder; ``--folder`` keeps it. Names of pictures as arguments make only those.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import types
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))
# Some package of the environment brings a `tests` of its own, which would be found instead.
sys.modules["tests"] = types.ModuleType("tests")
sys.modules["tests"].__path__ = [str(REPOSITORY / "tests")]

from PIL import Image, ImageDraw, ImageFont  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from fo_pose_plugin.commands.terminal import ProgressLine  # noqa: E402
from fo_pose_plugin.demo.preparation import DemoOptions, prepare  # noqa: E402
from tests.app.conftest import CHROMIUM, CHROMIUM_FLAGS  # noqa: E402
from tests.app.driver import MODAL_CANVAS, AppPage  # noqa: E402
from tests.app.editor_driver import EditorPanel  # noqa: E402
from tests.app.server import AppServer  # noqa: E402

if TYPE_CHECKING:
    import fiftyone as fo
    from playwright.sync_api import Browser, FloatRect

IMAGES = REPOSITORY / "docs" / "images"
GRID_WH, SAMPLE_WH = (1400, 650), (1280, 860)
VIEW = "pictures"
# Of the demo's drawings, by their order, those whose people are large enough to be seen in the grid.
SHOWN = (13, 21, 4, 10, 22, 15, 6, 20)
ONE_PERSON = 6
POSES, HEATMAP, WHOLEBODY = "poses", "poses_heatmap", "poses_wholebody"
WRISTS_AND_ANKLES = ["left_wrist", "right_wrist", "left_ankle", "right_ankle"]
# For the App's own way, a colour for each field, in which a heatmap fades.
FIELD_COLOURS = [
    {"path": HEATMAP, "fieldColor": "#ff2d00"},
    {"path": POSES, "fieldColor": "#1a237e"},
]
# A tooltip names the file, in whatever folder this is run.
USUAL_FOLDER = """() => {
  for (const node of document.querySelectorAll('div'))
    if (!node.children.length && /^\\/.*\\.png$/.test(node.innerText.trim()))
      node.innerText = '~/.fo_pose/heatmaps/overlays/...png';
}"""
PANEL_TAB = "[data-cy=panel-tab-pose_heatmaps]"
EDITOR_WH = (1700, 900)
CAPTION_PX, FRAME_MS, GIF_COLOURS = 40, 900, 128
CONTROLS_PX = 40  # buttons that lie over the sample's lower end while the mouse is in it
SETTLE_MS = 2500


def grid(app: AppPage, dataset: fo.Dataset) -> None:
    """Make app.png: the grid with the skeletons."""
    _colour(dataset, "instance")  # as the demo has it: a colour for each person
    app.page.set_viewport_size({"width": GRID_WH[0], "height": GRID_WH[1]})
    _open(app, dataset, POSES)
    zoom = app.page.locator("[data-cy=slider]").nth(1).bounding_box()
    if zoom is not None:  # three drawings in a row
        app.page.mouse.click(zoom["x"] + 0.8 * zoom["width"], zoom["y"] + zoom["height"] / 2)
    app.page.mouse.move(2, 2)
    _write(app, "app")


def heatmaps(app: AppPage, dataset: fo.Dataset) -> None:
    """Make heatmaps.png: a drawing with its skeletons and heatmaps."""
    _paint(dataset, None)
    _open(app, dataset, POSES, HEATMAP)
    app.open_sample(0)
    app.page.mouse.move(2, 2)
    _write(app, "heatmaps", _drawing(app, dataset, 0))


def show_heatmaps(app: AppPage, dataset: fo.Dataset) -> None:
    """Make show_heatmaps.png: the heatmaps of wrists and ankles alone, and what the App says of them."""
    _paint(dataset, WRISTS_AND_ANKLES)
    _open(app, dataset, HEATMAP)
    index = SHOWN.index(ONE_PERSON)
    app.open_sample(index)
    clip = _drawing(app, dataset, index)
    (person,) = dataset.load_saved_view(VIEW).values(f"{POSES}.keypoints")[index]
    names = dataset.skeletons[POSES].labels
    # The tooltip opens to the right: beside the wrist that is there it hides nothing of the person.
    x, y = max(person.points[names.index(name)] for name in WRISTS_AND_ANKLES[:2])
    app.page.mouse.move(clip["x"] + x * clip["width"], clip["y"] + y * clip["height"])
    app.page.get_by_text("pixel", exact=True).wait_for()
    app.page.evaluate(USUAL_FOLDER)
    clip["height"] -= CONTROLS_PX
    _write(app, "show_heatmaps", clip)


def panel(app: AppPage, dataset: fo.Dataset) -> None:
    """Make heatmap_panel.png: the panel with the heatmaps of one person of 133 keypoints."""
    _open(app, dataset, POSES)
    app.open_sample(0)
    app.page.locator(PANEL_TAB).click()
    root = app.page.locator("[data-cy=pose-heatmaps]")
    root.get_by_label("Field with poses").select_option(WHOLEBODY)
    root.locator("[data-cy=pose-heatmaps-tile-right_wrist]").click()
    app.page.wait_for_timeout(SETTLE_MS)
    _write(app, "heatmap_panel", root.bounding_box())


def editor(app: AppPage, dataset: fo.Dataset) -> None:
    """Make pose_editor.gif: a pose corrected in the pose editor, a frame for each thing that is done."""
    app.page.set_viewport_size({"width": EDITOR_WH[0], "height": EDITOR_WH[1]})
    panel = EditorPanel(app)
    _open(app, dataset, POSES)
    app.open_sample(SHOWN.index(ONE_PERSON))
    panel.show()
    frames: list[Image.Image] = []

    def frame(caption: str, times: int = 2) -> None:
        app.page.wait_for_timeout(300)
        content = panel.root.screenshot()
        frames.extend([_captioned(Image.open(io.BytesIO(content)).convert("RGB"), caption)] * times)

    app.page.mouse.move(2, 2)
    panel.press("z")
    frame("A person as the model sees them; ? lists all keys")
    panel.choose("left_elbow")
    frame("A keypoint is chosen: its heatmap, and the peaks of it")
    for step in range(4):
        panel.drag("left_elbow", (-6.0, 4.0))
        frame("It is dragged; the prediction stays as a ghost", 1 if step < 3 else 2)
    panel.press("s")
    frame("S: to the heatmap's peak")
    panel.press("1")
    frame("1: there, but hidden")
    panel.press("l")
    frame("L: left and right leg change places")
    panel.press("Control+z")
    frame("Ctrl+Z: and back")
    panel.press("m")
    frame("M: the heatmap of the same keypoint on the other side")
    panel.press("m", "Enter")
    panel.wait_for_status("corrected")
    frame("Enter: saved beside the prediction, which stays as it was", 4)
    _write_animation(frames, IMAGES / "pose_editor.gif")
    panel.close()


def _captioned(picture: Image.Image, caption: str) -> Image.Image:
    """Put words below a picture."""
    whole = Image.new("RGB", (picture.width, picture.height + CAPTION_PX), "#111")
    whole.paste(picture)
    place = (picture.width / 2, picture.height + CAPTION_PX / 2)
    font = ImageFont.load_default(size=20)
    ImageDraw.Draw(whole).text(place, caption, fill="#fff", font=font, anchor="mm")
    return whole


def _write_animation(frames: list[Image.Image], path: Path) -> None:
    """Write an endless animation in the colours of its first frame; what stays the same takes no room."""
    palette = frames[1].quantize(GIF_COLOURS, dither=Image.Dither.NONE)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    drawn[0].save(path, save_all=True, append_images=drawn[1:], duration=FRAME_MS, loop=0, optimize=True)


PICTURES = {
    "pose_editor": editor,
    "app": grid,
    "heatmaps": heatmaps,
    "show_heatmaps": show_heatmaps,
    "heatmap_panel": panel,
}


def _open(app: AppPage, dataset: fo.Dataset, *fields: str) -> None:
    """Open the view with these fields of labels ticked and no other."""
    app.page.goto(f"{app.url}/datasets/{dataset.name}?view={VIEW}")
    app.wait_for_grid(len(SHOWN))
    for field in dataset.get_field_schema(embedded_doc_type=_label_types()):
        app.show_field(field, shown=field in fields)
    app.page.wait_for_timeout(SETTLE_MS)


def _label_types() -> tuple[type, ...]:
    import fiftyone as fo

    return (fo.Keypoints, fo.Detections, fo.Heatmap)


def _paint(dataset: fo.Dataset, keypoints: list[str] | None) -> None:
    """Paint the overlays of these keypoints, None for all, to be shown in a colour of their own."""
    import fo_pose_plugin as fop

    fop.show_heatmaps(dataset, POSES, keypoints, progress=False)
    _colour(dataset, "field")


def _colour(dataset: fo.Dataset, by: str) -> None:
    import fiftyone as fo

    fields = FIELD_COLOURS if by == "field" else None
    dataset.app_config.color_scheme = fo.ColorScheme(color_by=by, opacity=0.7, fields=fields)
    dataset.save()


def _drawing(app: AppPage, dataset: fo.Dataset, index: int) -> FloatRect:
    """Say where the open sample's drawing lies, without the empty bars beside it."""
    metadata = dataset.load_saved_view(VIEW).values("metadata")[index]
    picture = app.sample_picture((metadata.width, metadata.height))
    canvas = app.page.locator(MODAL_CANVAS).first.bounding_box()
    if canvas is None:
        raise RuntimeError("the sample is not open")
    (x, y), (width, height) = picture.origin_xy, picture.size_wh
    return {"x": canvas["x"] + x, "y": canvas["y"] + y, "width": width, "height": height}


def _write(app: AppPage, name: str, clip: FloatRect | None = None) -> None:
    """Write what the page shows, or a part of it with whatever lies over it."""
    app.page.wait_for_timeout(SETTLE_MS)
    app.page.screenshot(path=IMAGES / f"{name}.png", clip=clip)


def _prepared(folder: Path) -> fo.Dataset:
    """Make the demo's dataset where it is missing, with a view of the drawings that are shown."""
    line = ProgressLine()
    with line:
        dataset = prepare(DemoOptions(folder), line).dataset
    ids = dataset.values("id")
    dataset.save_view(VIEW, dataset.select([ids[i] for i in SHOWN], ordered=True), overwrite=True)
    return dataset


def _make(name: str, folder: Path, browser: Browser, dataset: fo.Dataset) -> None:
    """Make a picture by a server of its own: it keeps colours and what was open from one page to the next."""
    width, height = SAMPLE_WH
    with AppServer((folder / "plugins").absolute(), folder / "app.log") as server:
        context = browser.new_context(viewport={"width": width, "height": height})
        PICTURES[name](AppPage(context.new_page(), server.url, folder), dataset)
        context.close()


def main() -> int:
    """Read the command line and make the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PICTURES)}; all by default")
    parser.add_argument("--folder", type=Path, help="where the demo is made and kept")
    arguments = parser.parse_args()
    names: list[str] = arguments.names or list(PICTURES)
    if not set(names) <= set(PICTURES):
        parser.error(f"pictures are {', '.join(PICTURES)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = arguments.folder or Path(temporary)
        dataset = _prepared(folder)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            for name in names:
                _make(name, folder, browser, dataset)
            browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What a person does in the App, as functions: open a dataset, run an operator, look at the pixels.

Playwright's sync API keeps an event loop running on this thread as long as it is started; in a test that
drives the browser, ``fiftyone.operators.execute_operator`` would therefore give a task and no result.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
from PIL import Image

from tests.app.form import SETTLE_MS, OperatorForm
from tests.app.picture import Picture

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page

__all__ = ["AppPage"]

LOADED_LOOKER = "[data-cy=fo-grid] [data-cy=looker]:has(canvas[canvas-loaded=true])"
MODAL_CANVAS = "[data-cy=modal-looker-container] canvas"
PROMPT = "[data-cy=operators-prompt-modal]"
OUTPUT = "[data-cy=operators-prompt-view-modal]"
SAVED_VIEW = "[data-cy^='saved-views-'][data-cy$='-selection-option']"
LOAD_TIMEOUT_MS = 60_000
ACTION_TIMEOUT_MS = 15_000
POLL_MS = 200
# Toasts vanish after seconds; this keeps their texts. The rest is what FiftyOne's own browser tests set.
INIT_SCRIPT = """
window.IS_PLAYWRIGHT = true;
localStorage.setItem('fiftyone-enterprise-tooltip-seen', 'true');
window.toasts = [];
new MutationObserver(changes => changes.forEach(change => change.addedNodes.forEach(node => {
  if (node.nodeType === 1)
    for (const toast of [node, ...node.querySelectorAll('*')])
      if (toast.id === 'notistack-snackbar') window.toasts.push(toast.innerText.trim());
}))).observe(document, {childList: true, subtree: true});
"""


class AppPage:
    """The App in one browser page.

    Args:
        page: A fresh Playwright page.
        url: The server's address.
        output: Where screenshots go.
    """

    def __init__(self, page: Page, url: str, output: Path) -> None:
        self.page = page
        self.url = url
        self.output = output
        self.console: list[str] = []
        page.set_default_timeout(ACTION_TIMEOUT_MS)
        page.add_init_script(INIT_SCRIPT)
        page.on("console", self._keep_message)
        page.on("pageerror", lambda error: self.console.append(f"page error: {error}"))

    def open(self, dataset: str, samples: int | None = None) -> None:
        """Open a dataset without view, filter and selection, and wait for its grid."""
        self.page.goto(f"{self.url}/datasets/{quote(dataset, safe='')}")
        self.wait_for_grid()
        if self.page.locator("[data-cy=view-bar] [data-cy=btn-view-stage-delete]").count():
            # The server keeps the view of an earlier page.
            self.page.locator("[data-cy=btn-clear-view-bar]").click()
            self.page.wait_for_timeout(SETTLE_MS)
        self.wait_for_grid(samples)

    def wait_for_grid(self, samples: int | None = None) -> None:
        """Wait until the grid shows so many samples (any number above 0 by default), pictures and all."""
        looker = self.page.locator(LOADED_LOOKER)
        looker.first.wait_for(timeout=LOAD_TIMEOUT_MS)
        deadline = time.monotonic() + LOAD_TIMEOUT_MS / 1000
        while samples is not None and looker.count() != samples:
            if time.monotonic() > deadline:
                raise AssertionError(f"the grid shows {looker.count()} samples, expected {samples}")
            self.page.wait_for_timeout(POLL_MS)

    def show_field(self, field: str, shown: bool = True) -> None:
        """Tick or untick a field in the sidebar (the modal's where one is open)."""
        box = self._sidebar().locator(f"[data-cy='checkbox-{field}']").first
        if self.field_shown(field) != shown:
            box.click()
            self.page.wait_for_timeout(SETTLE_MS)
        if self.field_shown(field) != shown:
            raise AssertionError(f"the checkbox of field {field} does not react")

    def field_shown(self, field: str) -> bool:
        box = self._sidebar().locator(f"[data-cy='checkbox-{field}']").first
        own = box.locator("input")
        return (own.first if own.count() else box).is_checked()

    def fields(self) -> list[str]:
        """Name the fields that have a checkbox in the sidebar."""
        boxes = self._sidebar().locator("[data-cy^='checkbox-']")
        names = boxes.evaluate_all("boxes => boxes.map(box => box.getAttribute('data-cy'))")
        return [name.removeprefix("checkbox-") for name in names]

    def select_sample(self, index: int) -> None:
        """Tick (or untick) a sample in the grid."""
        looker = self._looker(index)
        looker.hover()
        looker.click(position={"x": 14, "y": 14})
        self.page.wait_for_timeout(POLL_MS)

    def open_operator(self, label: str) -> OperatorForm:
        """Find an operator by its label or URI in the browser of operators and open its form."""
        self.page.locator("body").press("Backquote")
        self.page.locator("[data-cy=operators-browser-search]").fill(label)
        choice = self.page.locator("[data-cy=operators-browser]").get_by_text(label, exact=True).first
        if "/" not in label:
            choice.wait_for()
        self.page.wait_for_timeout(POLL_MS)
        self.page.keyboard.press("Enter")
        prompt = self.page.locator(PROMPT)
        prompt.wait_for()
        form = OperatorForm(self.page, prompt)
        form.settle()
        return form

    def dialogs(self) -> list[str]:
        """Give the texts of the open dialogs, the topmost last."""
        return [text.strip() for text in self.page.locator("[role=dialog]").all_inner_texts()]

    def progress(self) -> int | None:
        """Give the progress bar's percentage, or None where none is shown."""
        bar = self.page.locator(f"{OUTPUT} [role=progressbar]")
        if not bar.count():
            return None
        value = bar.first.get_attribute("aria-valuenow")
        return None if value is None else round(float(value))

    def progress_text(self) -> str:
        """Give the progress dialog's text, or an empty one where none is open."""
        dialog = self.page.locator(OUTPUT)
        return dialog.inner_text() if dialog.count() else ""

    def wait_for_progress(self, timeout_s: float = 60) -> str:
        """Wait until a progress bar is shown and give its text."""
        self.page.locator(f"{OUTPUT} [role=progressbar]").first.wait_for(timeout=timeout_s * 1000)
        return self.progress_text()

    def wait_for_output(self, timeout_s: float = 120) -> str:
        """Wait until the run has ended, and give the text of what it shows at last.

        On a busy machine the first bar is there before "Executing..." is, so that this being absent proves
        nothing: a run has ended when what is shown is neither the form nor a bar, and nothing executes.
        """
        output = self.page.locator(f"{OUTPUT}, {PROMPT}")
        self._wait_for(lambda: output.count() > 0 and self._idle(), timeout_s)
        return output.last.inner_text().strip()

    def wait_until_closed(self, timeout_s: float = 120) -> None:
        """Wait until the run has ended and no dialog is open."""
        self._wait_for(lambda: not self.dialogs(), timeout_s)

    def press(self, button: str) -> None:
        """Press a button of the topmost dialog by its text."""
        self.page.locator("[role=dialog]").last.get_by_role("button", name=button, exact=True).click()

    def close_dialogs(self) -> None:
        """Close whatever results and forms are open."""
        for _ in range(6):
            dialog = self.page.locator("[role=dialog]")
            if not dialog.count():
                return
            dialog.last.get_by_role("button", name=re.compile("^(Done|Close|Cancel)$")).last.click()
            self.page.wait_for_timeout(2 * POLL_MS)
        raise AssertionError(f"dialogs cannot be closed: {self.dialogs()}")

    def notifications(self) -> list[str]:
        """Give the texts of all toasts since the page was loaded."""
        toasts: list[str] = self.page.evaluate("window.toasts")
        return toasts

    def load_saved_view(self, name: str) -> None:
        """Choose a saved view in the sidebar."""
        self.page.locator("[data-cy=saved-views-selection]").click()
        self.page.locator(SAVED_VIEW).get_by_text(name, exact=True).first.click()
        self.page.wait_for_timeout(2 * SETTLE_MS)
        self.wait_for_grid()

    def saved_views(self) -> list[str]:
        """Name the saved views that the sidebar offers."""
        self.page.locator("[data-cy=saved-views-selection]").click()
        options = self.page.locator(SAVED_VIEW)
        options.first.wait_for()
        names = [text.strip() for text in options.all_inner_texts()]
        self.page.mouse.click(2, 2)  # beside the menu
        options.first.wait_for(state="detached")
        return [name for name in names if name != "Unsaved view"]

    def open_sample(self, index: int) -> None:
        """Open a sample of the grid in the modal."""
        looker = self._looker(index)
        box = looker.bounding_box()
        assert box is not None
        looker.click(position={"x": box["width"] / 2, "y": box["height"] * 0.9})
        self.page.locator(MODAL_CANVAS).first.wait_for()
        self.page.wait_for_timeout(2 * SETTLE_MS)

    def close_sample(self) -> None:
        """Leave the modal; a first Escape may only take the focus from what was clicked last."""
        modal = self.page.locator("[data-cy=modal]")
        for _ in range(3):
            self.page.keyboard.press("Escape")
            self.page.wait_for_timeout(SETTLE_MS)
            if not modal.count():
                return
            self.page.locator("[data-cy=modal-looker-container]").hover()
        raise AssertionError("the sample's modal does not close")

    def sample_picture(self, size_wh: tuple[int, int]) -> Picture:
        """Give what the modal's canvas shows, an image of this size fitted into it."""
        return self._picture(self.page.locator(MODAL_CANVAS).first, size_wh)

    def grid_picture(self, index: int, size_wh: tuple[int, int]) -> Picture:
        """Give what a sample's canvas in the grid shows."""
        return self._picture(self._looker(index).locator("canvas").first, size_wh)

    def screenshot(self, name: str) -> Path:
        """Write what the page shows to ``<output>/<name>.png``."""
        self.output.mkdir(parents=True, exist_ok=True)
        path = self.output / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def _picture(self, canvas: Locator, size_wh: tuple[int, int]) -> Picture:
        self.page.mouse.move(2, 2)  # hovering shows buttons over the picture
        self.page.wait_for_timeout(2 * POLL_MS)
        pixels = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB"))
        h, w = pixels.shape[:2]
        scale = min(w / size_wh[0], h / size_wh[1])
        shown_w, shown_h = size_wh[0] * scale, size_wh[1] * scale
        return Picture(pixels, ((w - shown_w) / 2, (h - shown_h) / 2), (shown_w, shown_h))

    def _looker(self, index: int) -> Locator:
        """Give a sample of the grid in reading order, which the page's own order need not be."""
        lookers = self.page.locator(LOADED_LOOKER)
        lookers.nth(index).wait_for()  # the first is there before the others on a busy machine
        corners = lookers.evaluate_all(
            "all => all.map(one => [one.getBoundingClientRect().top, one.getBoundingClientRect().left])"
        )
        order = sorted(range(len(corners)), key=lambda i: (round(corners[i][0]), corners[i][1]))
        return lookers.nth(order[index])

    def _sidebar(self) -> Locator:
        modal = self.page.locator("[data-cy=modal]")
        return modal if modal.count() else self.page.locator("[data-cy=sidebar]").first

    def _idle(self) -> bool:
        dialog = self.page.locator("[role=dialog]")
        return not (
            dialog.get_by_text("Executing...", exact=True).count()
            or dialog.locator("[role=progressbar]").count()
            or dialog.get_by_role("button", name=re.compile("^(Execute|Schedule)$")).count()
        )

    def _wait_for(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Wait until something holds, and holds still when the page has settled."""
        deadline = time.monotonic() + timeout_s
        while True:
            if condition():
                self.page.wait_for_timeout(SETTLE_MS)
                if condition():
                    return
            if time.monotonic() > deadline:
                raise AssertionError(f"the run has not ended within {timeout_s:g} s: {self.dialogs()}")
            self.page.wait_for_timeout(POLL_MS)

    def _keep_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console.append(f"{message.type}: {message.text[:500]}")

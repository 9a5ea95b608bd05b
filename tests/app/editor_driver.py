"""What a person does in the panel "Pose editor": open it, drag a keypoint, press keys, read what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.app.driver import AppPage
from tests.app.withheld_time import WithheldTime

if TYPE_CHECKING:
    import fiftyone as fo
    from playwright.sync_api import Locator, Page

__all__ = ["EditorPanel", "Frames", "Handle"]

PATIENCE_MS = 30_000
# So many Escapes leave whatever is open within the editor.
MODES = 3
# How long each operator's answer took, by its name, and what was asked last.
WATCH_CALLS = """
window.calls_ms = {};
window.last_calls = {};
const ask = window.fetch;
window.fetch = async (...request) => {
  const began = performance.now();
  const answer = await ask(...request);
  const name = /"operator_uri":"[^"]*\\/([^"\\/]+)"/.exec(String(request[1]?.body ?? ''))?.[1];
  if (name) {
    (window.calls_ms[name] ??= []).push(performance.now() - began);
    window.last_calls[name] = request;
  }
  return answer;
};
"""
# Ask an operator once more what it was asked last, and read the answer: when (by the clock) and how long.
ASK_AGAIN = """async name => {
  const began = performance.now();
  const { result } = await (await fetch(...window.last_calls[name])).json();
  if (!result || result.problem) throw new Error(`${name} was not carried out`);
  return [performance.timeOrigin + began, performance.now() - began];
}"""
# Frames while something is done, in milliseconds: the times between them, and the page's own work in each,
# from the frame's first script to after its painting. The rest is the machine's: on a busy one most of it.
START_FRAMES = """() => {
  const frames = window.frames_ms = {apart: [], work: []};
  const after = new MessageChannel();
  let before = null, began = 0;
  after.port1.onmessage = () => frames.work.push(performance.now() - began);
  const next = now => {
    if (before !== null) frames.apart.push(now - before);
    before = now;
    began = performance.now();
    after.port2.postMessage(0);
    window.frameLoop = requestAnimationFrame(next);
  };
  window.frameLoop = requestAnimationFrame(next);
}"""
STOP_FRAMES = "() => { cancelAnimationFrame(window.frameLoop); return window.frames_ms; }"
# A speck that follows the mouse over the whole page: what the machine takes for next to nothing.
ADD_SPECK = """() => {
  const cover = document.body.appendChild(document.createElement('div'));
  cover.id = 'cover';
  cover.style = 'position: fixed; inset: 0; z-index: 99999';
  const speck = cover.appendChild(document.createElement('div'));
  speck.style = 'position: absolute; width: 10px; height: 10px; background: red; will-change: transform';
  let wanted = 0, at;
  cover.onpointermove = event => {
    at = event;
    wanted ||= requestAnimationFrame(() => {
      wanted = 0;
      speck.style.transform = `translate(${at.clientX}px, ${at.clientY}px)`;
    });
  };
}"""
# From when the page is told of a key to the first frame that shows what it is for.
TIME_KEY = """([css, shown]) => {
  const holds = new Function('e', `return (${shown})(e)`);
  window.key_ms = null;
  let pressed;
  const look = () => {
    const panel = document.querySelector(css);
    if (panel && holds(panel)) window.key_ms = performance.now() - pressed;
    else requestAnimationFrame(look);
  };
  addEventListener('keydown', () => {
    pressed = performance.now();
    requestAnimationFrame(look);
  }, {capture: true, once: true});
}"""
# From the first frame that shows one thing to the first that shows another as well.
TIME_LAG = """([css, first, second]) => {
  const [one, other] = [first, second].map(shown => new Function('e', `return (${shown})(e)`));
  window.lag_ms = null;
  let began = null;
  const look = now => {
    const panel = document.querySelector(css);
    if (panel && one(panel)) {
      began ??= now;
      if (other(panel)) {
        window.lag_ms = now - began;
        return;
      }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
IDLE_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@dataclass(frozen=True, slots=True)
class Handle:
    """A keypoint of the chosen person as the page shows it; image_px, None where it is absent."""

    xy: tuple[float, float] | None
    visible: int


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of the page, in milliseconds: the times between them, and the page's own work in each."""

    apart: list[float]
    work: list[float]


def another_sample(name: str) -> str:
    """Give the expression that the panel ``e`` shows another picture than this one."""
    quoted = json.dumps(name)
    return f"!(e.querySelector('.fpe-stage img')?.src ?? {quoted}).endsWith({quoted})"


class EditorPanel:
    """The panel beside the open sample."""

    def __init__(self, app: AppPage) -> None:
        self.app = app
        self.page: Page = app.page
        self.root = app.page.locator("[data-cy=pose-editor]")
        app.page.add_init_script(WATCH_CALLS)

    def open(self, dataset: fo.Dataset, sample: int = 0) -> None:
        """Open a sample of the grid, and the editor beside it by its operator."""
        self.app.open(dataset.name, samples=len(dataset))
        self.app.open_sample(sample)
        self.show()

    def show(self) -> None:
        """Open the editor as a person who has read its name would, and wait for its people."""
        self.start()
        self.wait_for_people()

    def start(self) -> None:
        """Open the editor, whatever it then shows."""
        self.page.locator("body").press("Backquote")
        self.page.locator("[data-cy=operators-browser-search]").fill("Open the pose editor")
        choice = self.page.locator("[data-cy=operators-browser]").get_by_text(
            "Open the pose editor", exact=True
        )
        choice.first.wait_for()
        self.page.keyboard.press("Enter")
        self.root.wait_for()

    def wait_for_people(self) -> None:
        """Wait until the sample is loaded and the keys are the editor's."""
        self.part("person-0").wait_for(timeout=PATIENCE_MS)
        self.until("e => e.contains(document.activeElement)")

    def part(self, name: str) -> Locator:
        return self.root.locator(f"[data-cy='pose-editor-{name}']")

    def until(self, condition: str, argument: Any = None) -> None:
        """Wait until a condition in the page holds; it gets the panel's element and an argument."""
        script = (
            f"([css, a]) => {{ const e = document.querySelector(css); return !!e && ({condition})(e, a); }}"
        )
        self.page.wait_for_function(script, arg=["[data-cy=pose-editor]", argument], timeout=PATIENCE_MS)

    def press(self, *keys: str) -> None:
        """Press keys, each once the page has taken the one before."""
        for key in keys:
            self.page.keyboard.press(key)
            self.page.evaluate(IDLE_FRAMES)

    def choose(self, keypoint: str) -> None:
        """Choose a keypoint in the list."""
        row = self.root.locator(f"[data-row='{keypoint}']")
        row.click()
        self.until("(e, name) => e.querySelector(`[data-row='${name}']`).ariaPressed === 'true'", keypoint)

    def choose_person(self, index: int) -> None:
        self.part(f"person-{index}").click()
        self.until(
            "(e, i) => e.querySelector(`[data-cy='pose-editor-person-${i}']`).ariaPressed === 'true'", index
        )

    def statuses(self) -> list[str]:
        """How far each person's review is."""
        chips = self.root.locator("[data-cy^='pose-editor-person-']")
        found: list[str] = chips.evaluate_all("chips => chips.map(chip => chip.dataset.status)")
        return found

    def wait_for_status(self, *expected: str) -> None:
        """Wait until the people's statuses are these."""
        self.until(
            "(e, all) => JSON.stringify([...e.querySelectorAll(\"[data-cy^='pose-editor-person-']\")]"
            ".map(chip => chip.dataset.status)) === JSON.stringify(all)",
            list(expected),
        )

    def handle(self, keypoint: str) -> Handle:
        found = self.root.locator(f"g[data-keypoint='{keypoint}']").evaluate(
            "g => [g.dataset.x ?? null, g.dataset.y ?? null, g.dataset.visible]"
        )
        x, y, visible = found
        return Handle(None if x is None else (float(x), float(y)), int(visible))

    def candidates(self) -> list[tuple[float, float]]:
        """The peaks of the chosen keypoint, once they are read."""
        chips = self.part("candidates").locator("[data-candidate]")
        chips.first.wait_for(timeout=PATIENCE_MS)
        return [
            (float(x), float(y))
            for x, y in chips.evaluate_all("chips => chips.map(chip => [chip.dataset.x, chip.dataset.y])")
        ]

    def scale(self) -> float:
        """Screen pixels per image pixel."""
        return float(self.part("canvas").get_attribute("data-scale") or "nan")

    def screen(self, xy: Sequence[float]) -> tuple[float, float]:
        """Where an image_px place is on the screen."""
        left, top, scale, x, y = self.part("canvas").evaluate(
            "s => { const r = s.getBoundingClientRect();"
            " return [r.left, r.top, +s.dataset.scale, +s.dataset.originX, +s.dataset.originY]; }"
        )
        return left + x + xy[0] * scale, top + y + xy[1] * scale

    def drag(
        self, keypoint: str, by_px: tuple[float, float], *, steps: int = 12, key: str | None = None
    ) -> None:
        """Drag a keypoint by image pixels, with a key held down if one is given."""
        at = self.handle(keypoint).xy
        assert at is not None, keypoint
        (x, y), (to_x, to_y) = self.screen(at), self.screen((at[0] + by_px[0], at[1] + by_px[1]))
        if key:
            self.page.keyboard.down(key)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(to_x, to_y, steps=steps)
        self.page.mouse.up()
        if key:
            self.page.keyboard.up(key)
        self.page.evaluate(IDLE_FRAMES)

    def click_image(self, xy: Sequence[float]) -> None:
        """Click an image_px place."""
        self.page.mouse.click(*self.screen(xy))
        self.page.evaluate(IDLE_FRAMES)

    def frames(self, do: Callable[[], None]) -> Frames:
        """Do something and give the frames meanwhile."""
        self.page.evaluate(START_FRAMES)
        do()
        return Frames(**self.page.evaluate(STOP_FRAMES))

    def calls(self) -> dict[str, list[float]]:
        """The milliseconds that the operators' answers took since the page was loaded."""
        found: dict[str, list[float]] = self.page.evaluate("window.calls_ms")
        return found

    def ask_again(self, name: str, times: int) -> list[float]:
        """Give how long an operator's answer takes beside which nothing happens, in milliseconds.

        What the host of a virtual machine withheld from it meanwhile is taken off.
        """
        with WithheldTime() as withheld:
            found = np.array([self.page.evaluate(ASK_AGAIN, name) for _ in range(times)])
        asked_ms, took_ms = found.T
        stolen_s = withheld.between(asked_ms / 1000, (asked_ms + took_ms) / 1000)
        own_ms: list[float] = (took_ms - 1000 * stolen_s).tolist()
        return own_ms

    def frames_of_a_speck(self, steps: int) -> Frames:
        """Frames in which a speck follows the mouse, and nothing else happens."""
        self.page.evaluate(ADD_SPECK)
        self.page.mouse.move(600, 300)
        self.page.mouse.down()
        found = self.frames(lambda: self.page.mouse.move(570, 270, steps=steps))
        self.page.mouse.up()
        self.page.evaluate("document.getElementById('cover').remove()")
        return found

    def sample_name(self) -> str:
        """The address of the image that is edited."""
        source = self.root.locator(".fpe-stage img").get_attribute("src") or ""
        return re.split(r"[/\\]|%2F", source)[-1]

    def go_on(self, *keys: str) -> None:
        """Press keys that lead to another sample, and wait for its people."""
        before = self.sample_name()
        self.press(*keys)
        self.until(f"e => {another_sample(before)}")
        self.wait_for_people()

    def time_of_key(self, key: str, shown: str) -> float:
        """Press a key and give the milliseconds until a condition in the page holds, seen at each frame."""
        self.page.evaluate(TIME_KEY, ["[data-cy=pose-editor]", shown])
        self.page.keyboard.press(key)
        self.page.wait_for_function("window.key_ms !== null", timeout=PATIENCE_MS)
        took: float = self.page.evaluate("window.key_ms")
        return took

    def go_on_and_time(self, keys: str, shown: str) -> float:
        """Go on to another sample; give how long after its picture a condition held, in milliseconds."""
        another = f"e => {another_sample(self.sample_name())}"
        self.page.evaluate(TIME_LAG, ["[data-cy=pose-editor]", another, shown])
        self.go_on(keys)
        self.page.wait_for_function("window.lag_ms !== null", timeout=PATIENCE_MS)
        took: float = self.page.evaluate("window.lag_ms")
        return took

    def close(self) -> None:
        """Leave the sample, which the server would open again on the next page, by a key of the editor."""
        modal = self.page.locator("[data-cy=modal]")
        if not modal.count():
            return
        if self.root.count():
            self.root.focus()
            for _ in range(MODES):
                if modal.count():
                    self.page.keyboard.press("Escape")
                    self.page.evaluate(IDLE_FRAMES)
            modal.wait_for(state="detached")
        else:
            self.app.close_sample()

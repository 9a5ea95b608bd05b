"""An operator's form in the App, as a person fills it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request

__all__ = ["SETTLE_MS", "OperatorForm"]

SETTLE_MS = 1500  # a dynamic form asks the server 0.5 s after a change, and validates 0.75 s after that
SETTLE_TIMEOUT_S = 60.0
POLL_MS = 100
LIST_TRIES = 3
LIST_TIMEOUT_MS = 8_000


class OperatorForm:
    """An operator's form; its inputs are found by their labels."""

    def __init__(self, page: Page, prompt: Locator) -> None:
        self.page = page
        self.prompt = prompt
        self._pending: set[Request] = set()
        page.on("request", self._note_start)
        page.on("requestfinished", self._note_end)
        page.on("requestfailed", self._note_end)

    def settle(self) -> None:
        """Wait until the form has asked the server about every change and shows what it answered."""
        pending = self._pending
        self.page.wait_for_timeout(SETTLE_MS / 2)
        quiet_since, deadline = time.monotonic(), time.monotonic() + SETTLE_TIMEOUT_S
        while time.monotonic() - quiet_since < SETTLE_MS / 1000:
            if time.monotonic() > deadline:
                raise AssertionError(f"the form still asks the server; it says:\n{self.text()}")
            self.page.wait_for_timeout(POLL_MS)
            if pending:
                quiet_since = time.monotonic()

    def text(self) -> str:
        """Give everything that the form says."""
        return self.prompt.inner_text()

    def wait_for_text(self, text: str) -> None:
        """Wait until the form says so: what it shows first may be an answer to less than what it knows."""
        self.prompt.get_by_text(text).first.wait_for()

    def has(self, label: str) -> bool:
        """Tell whether there is an input of that label."""
        return bool(self._inputs(label).count())

    def fill(self, label: str, value: str | float) -> None:
        """Type into a text or number field."""
        self._input(label).locator("input").first.fill(str(value))
        self.settle()

    def value(self, label: str) -> str:
        """Give what a text, number or autocomplete field holds, or the label that a dropdown shows."""
        found = self._input(label)
        combobox = found.locator("div[role=combobox]")
        return combobox.first.inner_text() if combobox.count() else found.locator("input").first.input_value()

    def options(self, label: str) -> list[str]:
        """Give a dropdown's choices, each with its description in further lines."""
        combobox = self._input(label).locator("[role=combobox]").first
        combobox.click()
        listbox = self.page.locator("[role=listbox]")
        listbox.wait_for()
        texts = listbox.locator("[role=option]").all_inner_texts()
        options = ["\n".join(line for line in text.splitlines() if line.strip()) for text in texts]
        searchable = combobox.evaluate("element => element.tagName") == "INPUT"
        (combobox if searchable else listbox).press("Escape")
        listbox.wait_for(state="detached")
        return options

    def choose(self, label: str, option: str) -> None:
        """Choose in a dropdown, or type and choose in an autocomplete, by the option's label or value.

        A form that is drawn anew closes an open list. It is then opened again, as a person would do.
        """
        from playwright.sync_api import TimeoutError as TooLate

        for left in reversed(range(LIST_TRIES)):
            try:
                self._open_list(label, option).click(timeout=LIST_TIMEOUT_MS)
            except TooLate:
                if not left:
                    raise
            else:
                break
            self.settle()
        self.settle()

    def _open_list(self, label: str, option: str) -> Locator:
        combobox = self._input(label).locator("[role=combobox]").first
        combobox.click()
        if combobox.evaluate("element => element.tagName") == "INPUT":
            combobox.fill(option)
        options = self.page.locator("[role=listbox] [role=option]")
        options.first.wait_for(timeout=LIST_TIMEOUT_MS)
        by_value = self.page.locator(f"[role=listbox] [data-value='{option}']")
        by_label = options.filter(has=self.page.get_by_text(option, exact=True))
        found = by_value if by_value.count() else by_label
        if not found.count() and options.count():
            raise AssertionError(f"{label} does not offer {option!r} but {options.all_inner_texts()}")
        return found.first

    def pick(self, label: str, option: str) -> None:
        """Pick a radio button by its label."""
        found = self._input(label).locator("[role=radiogroup] label")
        found.filter(has=self.page.get_by_text(option, exact=True)).locator("input").check()
        self.settle()

    def tick(self, label: str, ticked: bool = True) -> None:
        """Tick or untick a checkbox or switch."""
        self._input(label).locator("input[type=checkbox]").set_checked(ticked)
        self.settle()

    def slide(self, label: str, value: float) -> None:
        """Move a slider."""
        self._input(label).locator("input[type=range]").fill(str(value))
        self.settle()

    def can_run(self) -> bool:
        """Tell whether the form may be submitted."""
        self.settle()
        return self._submit_button("Execute", "Schedule").is_enabled()

    def execute(self) -> None:
        """Run it now."""
        self._submit("Execute")

    def schedule(self) -> None:
        """Run it later, in a delegated worker."""
        if not self.prompt.get_by_role("button", name="Schedule", exact=True).count():
            self.prompt.locator("[aria-haspopup=menu]").click()
            self.page.locator("#split-button-menu li").filter(has_text="Schedule").click()
        self._submit("Schedule")

    def cancel(self) -> None:
        self.prompt.get_by_role("button", name="Cancel", exact=True).click()
        self.prompt.wait_for(state="detached")

    def _submit(self, name: str) -> None:
        self.settle()
        button = self._submit_button(name)
        if not button.is_enabled():
            raise AssertionError(f"{name} is disabled; the form says:\n{self.text()}")
        button.click()

    def _submit_button(self, *names: str) -> Locator:
        return self.prompt.get_by_role("button", name=re.compile(f"^({'|'.join(names)})$")).first

    def _inputs(self, label: str) -> Locator:
        # A slider's label and bar lie in grid items of their own, within one that holds both.
        holds_input = self.page.locator("input, [role=combobox]")
        labelled = self.page.get_by_text(label, exact=True)
        return self.prompt.locator(".MuiGrid-item").filter(has=labelled).filter(has=holds_input)

    def _input(self, label: str) -> Locator:
        found = self._inputs(label)
        if not found.count():
            raise AssertionError(f"the form has no input {label!r}; it says:\n{self.text()}")
        return found.last  # the innermost

    def _note_start(self, request: Request) -> None:
        if "/operators/resolve" in request.url:
            self._pending.add(request)

    def _note_end(self, request: Request) -> None:
        self._pending.discard(request)

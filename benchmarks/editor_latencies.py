"""How long the pose editor takes in a browser, as its tests see it.

The tests that measure run in a real App and a headless Chromium; what they write down becomes a table. On a
machine without a graphics card the browser paints in software, so that the time between frames is that of a
whole page drawn by the processor: a speck that follows the mouse over the same page says what that alone
takes.

What the App's server takes of an answer is measured without a browser, one request after the other, under
three settings of its environment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
TESTS = ("tests/app/test_pose_editor.py", "tests/app/test_server_answers.py")
MEASURING = "by_mouse_and_keys or heatmaps_are_there or stay_smooth or heatmaps_add_little"
WRITTEN = REPOSITORY / "test-output" / "app" / "pose_editor_latencies.txt"
OF_THE_SERVER = WRITTEN.with_name("server_answers.txt")
LINE = re.compile(r"(?P<what>.+): median (?P<median>\d+) ms, p95 (?P<p95>\d+) ms, n (?P<n>\d+)")
NAMES = {
    "save_pose_edits": "saving (the operator's answer)",
    "read_pose_evidence": "reading a person's kept heatmaps (the operator's answer)",
    "first person's heatmap": "a sample's first picture, until the first person's heatmap is shown",
    "next keypoint's heatmap": "Tab to the next keypoint, until its heatmap is shown",
    "next person's heatmap": "PageDown to the next person, until the heatmap is shown",
}


def report(lines: list[str], server: list[str], cores: int) -> str:
    """Write the page.

    Args:
        lines: What the browser tests wrote down.
        server: What the test of the server alone wrote down, the rows of a table.
        cores: How many the machine has.

    Raises:
        ValueError: If a line is none of the tests'.
    """
    rows = []
    for line in lines:
        found = LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"{line!r} is not what {TESTS[0]} writes")
        what = NAMES.get(found["what"], found["what"])
        rows.append(f"| {what} | {found['median']} ms | {found['p95']} ms | {found['n']} |")
    return "\n".join(
        [
            "# How soon the pose editor answers",
            "",
            f"Made by `make editor-latencies` on a machine with {cores} cores and no graphics card: the",
            "browser tests of the editor, in a real App and a headless Chromium, write down what they see.",
            "Without a graphics card the processor draws the whole page, so that the time between frames is",
            "mostly its own; a speck that follows the mouse over the same page says what that alone takes.",
            "The App keeps its plugins, as the README says (`FIFTYONE_PLUGINS_CACHE_ENABLED`). From the",
            "time of reading kept heatmaps is taken what the host withheld from this virtual machine",
            "meanwhile, by its kernel's count.",
            "",
            "| what | median | p95 | times |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            "Of an operator's answer much is FiftyOne's own: it loads every plugin anew for each, unless",
            "told to keep them. What the server takes alone, without a browser, median of 20, by what is",
            "set in its environment:",
            "",
            "| the server's environment | an operator that does nothing | 17 heatmaps | 133 heatmaps |",
            "| --- | --- | --- | --- |",
            *server,
            "",
        ]
    )


def main() -> int:
    """Run the tests that measure and print the page."""
    for file in (WRITTEN, OF_THE_SERVER):
        file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", *TESTS, "-k", MEASURING]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=sys.stderr, check=False)
    if done.returncode:
        return done.returncode
    sys.stdout.write(
        report(*(file.read_text().splitlines() for file in (WRITTEN, OF_THE_SERVER)), os.cpu_count() or 1)
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""`fo-pose demo`: estimate the poses of drawn people, or on photos, and show them in the App."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from fo_pose_plugin.commands.estimate import STOPPED, failure_lines
from fo_pose_plugin.commands.terminal import ProgressLine, duration, own_command, say
from fo_pose_plugin.core.wording import counted, n_images, n_people

if TYPE_CHECKING:
    from fo_pose_plugin.demo.preparation import DemoReport, ModelRun

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add"]

DEFAULT_FOLDER = Path(".demo")

DESCRIPTION = """\
Estimate the poses of drawn people with two small models that come with this package, compare them with the
truth and show them in the FiftyOne App; nothing is downloaded. With --images the same on photos of your own.
Everything is kept in one folder, with a database of its own; FiftyOne's own database is not touched. The next
demo opens the same dataset again and estimates only what is new.
"""


def add(commands: Subparsers) -> None:
    """Add `fo-pose demo`."""
    parser = commands.add_parser(
        "demo", help="estimate poses on drawings, or on your photos, and show them", description=DESCRIPTION
    )
    parser.add_argument("--images", type=user_path, metavar="FOLDER", help="photos of your own")
    parser.add_argument(
        "--model", metavar="NAME", help="a pose model (see the command models) instead of the bundled ones"
    )
    parser.add_argument("--detector", metavar="NAME", help="a person detector (see the command detectors)")
    parser.add_argument(
        "--models-from",
        type=user_path,
        metavar="FOLDER",
        help="register every pair of config (.py) and weights (.pth) in this folder, for the demo only",
    )
    parser.add_argument(
        "--add-models",
        action="store_true",
        help="only register the two bundled models in your own registry; they know drawn people alone",
    )
    parser.add_argument("--no-app", action="store_true", help="end after the summary")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("--port", type=port_number, help="the App's port (the first free one from 5151 on)")
    parser.add_argument(
        "--folder",
        type=user_path,
        default=DEFAULT_FOLDER,
        help="where the demo keeps everything (%(default)s)",
    )
    parser.add_argument(
        "--export",
        type=user_path,
        metavar="FOLDER",
        help="only write the demo's dataset to a folder, from which any FiftyOne can import it",
    )
    parser.set_defaults(run=run)


def user_path(text: str) -> Path:
    """Read a path; make passes a ``~`` on as it is."""
    return Path(text).expanduser()


def port_number(text: str) -> int:
    """Read a port that needs no privilege."""
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: expected a number from 1024 to 65535")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Show the demo, or export its dataset."""
    from fo_pose_plugin.commands.requirements import require_installed

    require_installed()
    if arguments.export is not None:
        return _export(arguments)
    if arguments.add_models:
        return _add_models()
    from fo_pose_plugin.demo.preparation import DemoOptions, prepare
    from fo_pose_plugin.demo.viewing import choose_port, view_until_interrupted

    port = None if arguments.no_app else choose_port(arguments.port)
    options = DemoOptions(
        folder=arguments.folder,
        images=arguments.images,
        model=arguments.model,
        detector=arguments.detector,
        models_from=arguments.models_from,
    )
    line = ProgressLine()
    try:
        with line:
            report = prepare(options, line)
    except KeyboardInterrupt:
        say("stopped; what was estimated is kept, and the next demo goes on from there")
        return STOPPED
    for text in summary(report):
        say(text)
    say()
    _say_how_to_take_over(arguments, report.dataset.name)
    if port is not None:
        say()
        say("opening the App ...")
        view_until_interrupted(
            report.dataset.name,
            port,
            arguments.folder / "app.log",
            say,
            browser=not arguments.no_browser,
            view=report.view,
        )
        say(f"the demo has ended; {shlex.quote(str(arguments.folder))} is kept for the next one")
    return 0


def summary(report: DemoReport) -> list[str]:
    """Sum up what the demo shows, and what each step took."""
    width = max(map(len, report.steps))
    texts = [f"{step:<{width}}  {seconds:6.1f} s" for step, seconds in report.steps.items()]
    texts += ["", f"dataset {report.dataset.name}: {_contents(report)}"]
    for run in report.runs:
        texts += _run_lines(run, report)
    if report.drawn:
        texts.append("in the App's sidebar: poses_heatmap paints the heatmaps, true_poses the truth")
    return texts if report.notice is None else [*texts, f"note: {report.notice}"]


def _contents(report: DemoReport) -> str:
    if report.drawn:
        people = report.dataset.count("people.detections")
        drawings = counted(len(report.dataset), "drawing")
        return f"{drawings}, {n_people(people)}, with the truth"
    photos = counted(len(report.dataset), "photo")
    if report.detector is not None:
        return f"{photos}, people found by {report.detector}"
    return f"{photos}, no detector: each photo is taken as one person (add one: fo-pose detectors add)"


def _run_lines(run: ModelRun, report: DemoReport) -> list[str]:
    texts = [f"poses by {run.model.name} ({run.model.describe()}) in field {run.pose_field!r}"]
    if run.report is None:
        texts.append("  every image holds poses from an earlier demo; nothing was estimated")
    else:
        samples, people = run.report.samples, run.report.people
        speed = ""
        if run.seconds and samples:
            per_image, rate = run.seconds / samples, people / run.seconds
            speed = f" in {duration(run.seconds)}: {per_image:.2f} s per image, {rate:.1f} people/s"
        texts.append(f"  estimated: {n_people(people)} in {n_images(samples)}{speed}")
        texts += failure_lines(run.report, report.dataset)
    if run.comparison is not None:
        texts.append(f"  against the truth: {run.comparison.describe()}")
    return texts


def _say_how_to_take_over(arguments: argparse.Namespace, name: str) -> None:
    from fo_pose_plugin.demo.taking_over import import_command

    folder = Path.home() / name
    words = ["demo", "--export", str(folder)]
    if arguments.images is not None:
        words += ["--images", str(arguments.images)]
    if arguments.folder != DEFAULT_FOLDER:
        words += ["--folder", str(arguments.folder)]
    say("to take this dataset over into your own FiftyOne, end the demo and run")
    say(f"  {own_command()} {shlex.join(words)}")
    say("and, where your own FiftyOne is installed (`fo-pose install` brings it this plugin),")
    say(f"  {import_command(name, folder)}")


def _add_models() -> int:
    """Register the bundled models where the user's own are."""
    from fo_pose_plugin.demo.bundled_models import bundled_pairs
    from fo_pose_plugin.demo.models_at_hand import not_registered, register_pairs

    pairs = bundled_pairs()
    new = not_registered(pairs)
    register_pairs(new, say)
    for pair in pairs:
        if pair not in new:
            say(f"{pair.name} is registered already")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    """Write the demo's dataset to a folder, and say how to import it."""
    from fo_pose_plugin.commands.requirements import import_fiftyone
    from fo_pose_plugin.demo.demo_dataset import dataset_name
    from fo_pose_plugin.demo.taking_over import export_dataset, import_command
    from fo_pose_plugin.demo.workplace import Workplace

    Workplace(arguments.folder).enter()
    import_fiftyone()
    folder = arguments.export.absolute()
    name = dataset_name(arguments.images)
    export_dataset(name, folder)
    say(f"{name} is in {folder}. Where your own FiftyOne is installed, run")
    say(f"  {import_command(name, folder)}")
    return 0

"""`fo-pose estimate`: poses for a dataset, from a terminal."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fo_pose_plugin.commands.terminal import ProgressLine, duration, own_command, say
from fo_pose_plugin.core.wording import n_images, n_people

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.tasks.estimate_poses import EstimateReport

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["STOPPED", "add", "failure_lines", "report_lines", "resume_command"]

SHOWN_FAILURES = 20
SOME_FAILED = 3
STOPPED = 130

DESCRIPTION = """\
Give every person in every image of a FiftyOne dataset the keypoints of an MMPose model. Images that fail
are listed and do not stop the others. Ctrl-C keeps what is done; --resume goes on from there.
"""
EPILOG = """\
exit codes: 0 all images are done, 1 it could not be done, 2 something in the command is wrong,
3 some images failed, 130 stopped before the end
"""


def add(commands: Subparsers) -> None:
    """Add `fo-pose estimate`."""
    parser = commands.add_parser(
        "estimate",
        help="estimate the poses in a dataset",
        description=DESCRIPTION,
        epilog=EPILOG,
        allow_abbrev=False,  # what was typed is shown again, with --resume in place of --overwrite
    )
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset")
    parser.add_argument("model", metavar="MODEL", help="a pose model (see the command models)")
    where = parser.add_argument_group("where the people are").add_mutually_exclusive_group(required=True)
    where.add_argument("--boxes", metavar="FIELD", help="a Detections field of the dataset")
    where.add_argument("--detector", metavar="NAME", help="a person detector (see the command detectors)")
    where.add_argument("--whole-image", action="store_true", help="one person fills each image")
    parser.add_argument("--view", metavar="SAVED_VIEW", help="only the samples of this saved view")
    parser.add_argument(
        "--pose-field", metavar="FIELD", default="poses", help="where the poses go (%(default)s)"
    )
    parser.add_argument(
        "--flip-test",
        action="store_true",
        help="average with the mirrored crop: a little better, half as fast",
    )
    parser.add_argument(
        "--box-threshold",
        type=float,
        default=0.3,
        metavar="SCORE",
        help="least confidence of a detector's box (%(default)s)",
    )
    parser.add_argument("--batch-size", type=int, metavar="N", help="people per forward pass")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 ... (the first GPU, else the CPU)")
    parser.add_argument("--no-heatmaps", action="store_true", help="do not keep the heatmaps")
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume", action="store_true", help="finish the run before; what failed is tried again"
    )
    again.add_argument("--overwrite", action="store_true", help="replace the poses that are there")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Estimate, show how far it is, and sum up."""
    from fo_pose_plugin.commands.requirements import open_samples, require_installed

    require_installed()
    line = ProgressLine()
    try:
        with line:
            line.show("starting FiftyOne")
            samples = open_samples(arguments.dataset, arguments.view)
            report = _estimate(samples, arguments, line)
    except KeyboardInterrupt:
        return _interrupted(line, arguments.typed)
    for text in (*report_lines(report, line), *failure_lines(report, samples)):
        say(text)
    _say_where(arguments, report)
    if report.stopped:
        say(f"it was stopped; what was estimated is kept. Go on with:\n  {resume_command(arguments.typed)}")
        return STOPPED
    return SOME_FAILED if report.failures else 0


def _estimate(
    samples: fo.Dataset | fo.DatasetView, arguments: argparse.Namespace, line: ProgressLine
) -> EstimateReport:
    from fo_pose_plugin.tasks.estimate_poses import estimate_poses

    return estimate_poses(
        samples,
        arguments.model,
        boxes=arguments.boxes,
        detector=arguments.detector,
        whole_image=arguments.whole_image,
        pose_field=arguments.pose_field,
        keep_heatmaps=not arguments.no_heatmaps,
        flip_test=arguments.flip_test,
        box_threshold=arguments.box_threshold,
        batch_size=arguments.batch_size,
        device=arguments.device,
        resume=arguments.resume,
        overwrite=arguments.overwrite,
        progress=line,
    )


def _interrupted(line: ProgressLine, typed: Sequence[str]) -> int:
    """Say what an interrupted run has left, and how to go on."""
    if line.last is None or not line.last.run_id:  # --resume would take up the run before it, if any
        say("stopped before the first image; nothing was written")
    else:
        say(f"stopped; what was estimated is kept. Go on with:\n  {resume_command(typed)}")
    return STOPPED


def resume_command(typed: Sequence[str]) -> str:
    """Give the command that finishes a run, from the arguments of the one that began it."""
    kept = [word for word in typed if word not in ("--overwrite", "--resume")]
    return f"{own_command()} {shlex.join([*kept, '--resume'])}"


def report_lines(report: EstimateReport, line: ProgressLine) -> list[str]:
    """Sum a run up: what was done, and how fast, by what showed its progress."""
    seconds = line.last.seconds if line.last is not None else 0.0
    rates = (
        f", {report.samples / seconds:.1f} images/s, {report.people / seconds:.1f} people/s"
        if seconds
        else ""
    )
    with_loading = f"{duration(report.seconds)} with loading"
    people = n_people(report.people)
    texts = [f"{people} in {n_images(report.samples)}{rates}; {with_loading}"]
    if report.skipped:
        texts.append(f"left alone, since they were done before: {n_images(report.skipped)}")
    return texts


def failure_lines(report: EstimateReport, samples: fo.Dataset | fo.DatasetView) -> list[str]:
    """List what failed by file name, the first of many."""
    if not report.failures:
        return []
    shown = list(report.failures)[:SHOWN_FAILURES]
    paths = dict(zip(*samples.select(shown).values(["id", "filepath"]), strict=True))
    texts = [f"errors in {n_images(len(report.failures))}:"]
    texts += [f"  {Path(paths.get(key, key)).name}: {report.failures[key]}" for key in shown]
    more = len(report.failures) - len(shown)
    return [*texts, f"  and {more:,} more"] if more else texts


def _say_where(arguments: argparse.Namespace, report: EstimateReport) -> None:
    """Say where the poses are, and how to see them."""
    field = arguments.pose_field
    boxes = f", the boxes in {field}_boxes" if arguments.detector else ""
    errors = f", errors in {field}_error" if report.failures else ""
    say(f"poses are in field {field!r} of dataset {arguments.dataset!r}{boxes}{errors} (run {report.run_id})")
    if report.saved_views:
        say(f"new saved views: {', '.join(report.saved_views)}")
    if arguments.detector and report.samples and not report.people:
        say(f"the detector found nobody: try a --box-threshold below {arguments.box_threshold:g}")
    say(f"look at them: fiftyone app launch {shlex.quote(arguments.dataset)}")

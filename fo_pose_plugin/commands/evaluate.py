"""`fo-pose evaluate`: poses held against ground truth, from a terminal."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from fo_pose_plugin.commands.terminal import ProgressLine, duration, say
from fo_pose_plugin.errors import InputError

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.core.evaluation_report import EvaluationReport

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add"]

DESCRIPTION = """\
Compare the poses in a field with ground truth: COCO's average precision and recall, PCK, and errors keypoint
by keypoint. The verdicts are written on the people, and the evaluation is listed in the App.
"""
EPILOG = """\
exit codes: 0 done, 1 it could not be done, 2 something in the command is wrong, 130 stopped before the end
"""


def add(commands: Subparsers) -> None:
    """Add `fo-pose evaluate`."""
    parser = commands.add_parser(
        "evaluate", help="measure poses against ground truth", description=DESCRIPTION, epilog=EPILOG
    )
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset")
    parser.add_argument("pred_field", metavar="PREDICTIONS", help="the field with predicted poses")
    parser.add_argument("gt_field", metavar="TRUTH", help="the field with the ground truth")
    parser.add_argument("--view", metavar="SAVED_VIEW", help="only the samples of this saved view")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--eval-key", metavar="NAME", default="eval", help="the evaluation's name (%(default)s)"
    )
    where.add_argument("--no-write", action="store_true", help="compute only; write nothing into the dataset")
    parser.add_argument("--overwrite", action="store_true", help="replace an evaluation of that name")
    parser.add_argument(
        "--oks-threshold",
        type=float,
        metavar="OKS",
        default=0.5,
        help="from which OKS a person counts as found: 0.5, 0.55 ... 0.95 (%(default)s)",
    )
    parser.add_argument(
        "--rescore", action="store_true", help="score x mean keypoint score above .2, as MMPose does"
    )
    parser.add_argument(
        "--oks-nms",
        type=float,
        metavar="OKS",
        help="keep the best of several predictions nearer to each other than this (MMPose: 0.9)",
    )
    parser.add_argument(
        "--compare",
        metavar="NAME",
        action="append",
        default=[],
        help="set beside this evaluation made before",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the report there, too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, and print the report."""
    from fo_pose_plugin.commands.requirements import import_fiftyone, open_samples

    if arguments.compare and arguments.no_write:
        raise InputError("--compare sets stored evaluations side by side: leave --no-write out")
    if arguments.json is not None and not arguments.json.absolute().parent.is_dir():
        raise InputError(f"there is no folder {arguments.json.absolute().parent} for {arguments.json.name}")
    with ProgressLine() as line:
        line.show("starting FiftyOne")
        import_fiftyone()
        samples = open_samples(arguments.dataset, arguments.view)
        report = _evaluate(samples, arguments, line)
    say(str(report))
    say(f"\n{_where(arguments)} ({duration(report.seconds)})")
    if arguments.compare:
        from fo_pose_plugin.tasks.compare_evaluations import compare_evaluations

        dataset = samples._root_dataset
        say(f"\n{compare_evaluations(dataset, [*arguments.compare, arguments.eval_key])}")
    if arguments.json is not None:
        try:
            arguments.json.write_text(json.dumps(report.as_dict(), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{arguments.json} cannot be written: {error.strerror}") from error
    return 0


def _evaluate(
    samples: fo.Dataset | fo.DatasetView, arguments: argparse.Namespace, line: ProgressLine
) -> EvaluationReport:
    from fo_pose_plugin.tasks.evaluate_poses import EvaluationRequest, evaluate_samples

    request = EvaluationRequest(
        arguments.pred_field,
        arguments.gt_field,
        None if arguments.no_write else arguments.eval_key,
        overwrite=arguments.overwrite,
        oks_threshold=arguments.oks_threshold,
        rescore=arguments.rescore,
        oks_nms=arguments.oks_nms,
    )
    steps = evaluate_samples(samples, request)
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            report: EvaluationReport = end.value
            return report
        line.show(step.stage, f"{step.stage} ({step.fraction:.0%})")


def _where(arguments: argparse.Namespace) -> str:
    if arguments.no_write:
        return "nothing was written"
    return (
        f"verdicts are on the people as {arguments.eval_key!r}; in the App open the panel 'Pose evaluation'"
    )

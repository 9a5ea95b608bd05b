"""`fo-pose export` and `fo-pose import`: COCO files out of a dataset, and into one."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fo_pose_plugin.commands.terminal import ProgressLine, duration, say
from fo_pose_plugin.core.wording import n_images, n_people

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.tasks.exchange_progress import ExchangeProgress
    from fo_pose_plugin.tasks.export_poses import ExportReport
    from fo_pose_plugin.tasks.import_poses import ImportReport

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add"]

Report = TypeVar("Report")

FORMATS = ("coco", "coco_wholebody", "coco_results", "coco_wholebody_results")
WHAT = ("poses", "corrections", "best")
SHOWN = 20
SOME_LEFT_OUT = 3

EXPORT = """\
Write the people of a field to a COCO file: annotations (coco; coco_wholebody with foot, face and hand fields)
or results with scores. The file appears when it is complete; Ctrl-C leaves none.
"""
IMPORT = """\
Read a COCO file of keypoints (annotations, whole-body annotations or results) into a field. Images are found
by their file names. What cannot be used is counted and listed, and the rest is imported.
"""
EPILOG = """\
exit codes: 0 done, 1 it could not be done, 2 something in the command is wrong, 3 done, but something was
left out, 130 stopped before the end
"""


def add(commands: Subparsers) -> None:
    """Add `fo-pose export` and `fo-pose import`."""
    out = commands.add_parser("export", help="write poses to a COCO file", description=EXPORT, epilog=EPILOG)
    out.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset")
    out.add_argument("path", metavar="FILE", type=Path, help="the JSON file to write")
    out.add_argument("--pose-field", metavar="FIELD", default="poses", help="whose people (%(default)s)")
    out.add_argument("--format", choices=FORMATS, default="coco", help="what kind of file (%(default)s)")
    out.add_argument(
        "--what",
        choices=WHAT,
        default="poses",
        help="the field itself, what people corrected, or the best of both (%(default)s)",
    )
    out.add_argument(
        "--min-confidence", type=float, metavar="P", help="predicted keypoints with less are not labelled"
    )
    out.add_argument("--view", metavar="SAVED_VIEW", help="only the samples of this saved view")
    out.add_argument(
        "--images-root", metavar="FOLDER", type=Path, help="file names are relative to it (what all share)"
    )
    out.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    out.set_defaults(run=run_export)

    into = commands.add_parser("import", help="read people of a COCO file", description=IMPORT, epilog=EPILOG)
    into.add_argument(
        "dataset", metavar="DATASET", help="a FiftyOne dataset; with --images it is made where there is none"
    )
    into.add_argument("path", metavar="FILE", type=Path, help="the JSON file")
    into.add_argument(
        "--pose-field", metavar="FIELD", default="ground_truth", help="where people go (%(default)s)"
    )
    into.add_argument(
        "--images", metavar="FOLDER", type=Path, help="add images that the dataset lacks from there"
    )
    into.add_argument("--no-boxes", action="store_true", help="do not write the people's boxes")
    into.add_argument("--overwrite", action="store_true", help="replace what the field holds for the images")
    into.set_defaults(run=run_import)


def run_export(arguments: argparse.Namespace) -> int:
    """Export, show how far it is, and sum up."""
    from fo_pose_plugin.commands.requirements import open_samples

    line = ProgressLine()
    with line:
        line.show("starting FiftyOne")
        samples = open_samples(arguments.dataset, arguments.view)
        from fo_pose_plugin.tasks.export_poses import ExportRequest, begin_export

        request = ExportRequest(
            pose_field=arguments.pose_field,
            format=arguments.format,
            what=arguments.what,
            min_confidence=arguments.min_confidence,
            images_root=None if arguments.images_root is None else arguments.images_root.absolute(),
            overwrite=arguments.overwrite,
        )
        report = _follow(begin_export(samples, arguments.path, request), line)
    for text in export_lines(report):
        say(text)
    return SOME_LEFT_OUT if report.failures else 0


def run_import(arguments: argparse.Namespace) -> int:
    """Import, show how far it is, and sum up."""
    from fo_pose_plugin.commands.requirements import import_fiftyone, open_samples

    line = ProgressLine()
    with line:
        line.show("starting FiftyOne")
        fo = import_fiftyone()
        is_new = arguments.images is not None and not fo.dataset_exists(arguments.dataset)
        dataset = (
            fo.Dataset(arguments.dataset, persistent=True)
            if is_new
            else open_samples(arguments.dataset, None)
        )
        try:
            report = _import(dataset, arguments, line)
        except BaseException:
            if is_new and not len(dataset):
                dataset.delete()
            raise
    for text in import_lines(report):
        say(text)
    return SOME_LEFT_OUT if report.left_out else 0


def _import(
    dataset: fo.Dataset | fo.DatasetView, arguments: argparse.Namespace, line: ProgressLine
) -> ImportReport:
    from fo_pose_plugin.tasks.import_poses import ImportRequest, begin_import

    request = ImportRequest(
        pose_field=arguments.pose_field,
        images=arguments.images,
        boxes=not arguments.no_boxes,
        overwrite=arguments.overwrite,
    )
    return _follow(begin_import(dataset, arguments.path, request), line)


def _follow(steps: Generator[ExchangeProgress, None, Report], line: ProgressLine) -> Report:
    try:
        while True:
            step = next(steps)
            line.show(step.stage, f"{step.fraction:4.0%} {step.describe()}")
    except StopIteration as end:
        report: Report = end.value
        return report
    finally:
        steps.close()  # what was begun is taken back now, before anything is said


def export_lines(report: ExportReport) -> list[str]:
    """Sum an export up."""
    people = n_people(report.people)
    size = f"{report.size}, {duration(report.seconds)}"
    texts = [f"{people} on {n_images(report.samples)} in {report.path} ({size})"]
    if report.left_out:
        people = n_people(report.left_out)
        texts.append(f"left out: {people}, rejected or not confident enough")
    if report.unlabelled:
        texts.append(f"left out: {n_images(report.unlabelled)} without the field")
    if report.failures:
        texts.append(f"left out: {n_images(len(report.failures))} that cannot be used:")
        texts += [f"  {message}" for message in list(report.failures.values())[:SHOWN]]
    return texts


def import_lines(report: ImportReport) -> list[str]:
    """Sum an import up: what is wrong by kind, each with its first cases."""
    people = n_people(report.people)
    boxes = f", their boxes in {report.boxes_field}" if report.boxes_field else ""
    added = f", {report.added:,} of them added" if report.added else ""
    texts = [
        f"{people} on {n_images(report.samples)}{added}: field {report.pose_field!r}{boxes} "
        f"({duration(report.seconds)})"
    ]
    for problem in report.problems:
        texts.append(problem.title)
        texts += [f"  {example}" for example in problem.examples[:SHOWN]]
        more = problem.count - len(problem.examples[:SHOWN])
        texts += [f"  and {more:,} more"] if more and problem.examples else []
    if report.not_kept:
        kept = ", ".join(f"{name} of {count:,}" for name, count in sorted(report.not_kept.items()))
        texts.append(f"not imported: {kept}")
    return texts

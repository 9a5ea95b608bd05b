"""The operator `import_poses`: reads a COCO file from the one folder that the App imports from."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import Choice, add_dropdown
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import read_flag, read_text
from fo_pose_plugin.app.page import (
    asked_by_app,
    refuse,
    run_steps,
    show_field,
    stream_run,
)
from fo_pose_plugin.core.wording import n_images, n_people
from fo_pose_plugin.errors import InputError
from fo_pose_plugin.tasks.exchange_folders import import_path, imports_folder, list_imports, shown_size
from fo_pose_plugin.tasks.exchange_progress import ExchangeProgress
from fo_pose_plugin.tasks.import_poses import ImportReport, ImportRequest, begin_import

__all__ = ["ImportPoses"]

ICON = "/fo_pose_plugin/app/icons/import.svg"
DEFAULT_FIELD = "ground_truth"
SHOWN_EXAMPLES = 5


class ImportPoses(foo.Operator):
    """Read people of a COCO file into a field."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="import_poses",
            label="Import poses",
            description="Read people's keypoints and boxes of a COCO file into a field of this dataset",
            icon=ICON,
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Offer the files of the imports' folder."""
        inputs = types.Object()
        files = list_imports()
        if files:
            try:
                self._fields(ctx, inputs, files)
                add_token(ctx, inputs, self.name)
            except InputError as error:  # no browser sends such values
                refuse(inputs, "These values cannot be used", str(error))
        else:
            refuse(
                inputs,
                "There is no file to import",
                f"Put a COCO file (.json) into {imports_folder()}, and open this form again. From Python "
                "and the "
                "terminal any file can be imported: fo-pose import",
            )
        return types.Property(inputs, view=types.View(label="Import poses"))

    def _fields(self, ctx: foo.ExecutionContext, inputs: types.Object, files: dict[str, int]) -> None:
        sized = [Choice(name, name, shown_size(size)) for name, size in files.items()]
        where = f"The JSON files in {imports_folder()}"
        add_dropdown(inputs, "file_name", "File", sized, description=where)
        field = read_text(ctx.params, "pose_field") or DEFAULT_FIELD
        inputs.str(
            "pose_field",
            default=DEFAULT_FIELD,
            required=True,
            label="Into the field",
            description="People go here, with the file's keypoints' names as its skeleton",
        )
        inputs.bool(
            "boxes",
            default=True,
            label="Their boxes too",
            description=f"Into '{field}_boxes', where 'Estimate poses' can take them from",
        )
        if ctx.dataset.has_field(field):
            label = "Replace what the field holds for the file's images"
            inputs.bool("overwrite", default=False, label=label)
        inputs.view(
            "outlook",
            types.Notice(
                label=f"Into '{field}' of {ctx.dataset.name}",
                description="Images are found by their file names; those that this dataset does not have are "
                "counted and left out. Nothing is written before the whole file was read.",
            ),
        )

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        """Import: with a live bar in the App, with FiftyOne's progress when delegated, else plainly.

        Returns:
            A generator of messages for the App, and otherwise the report as a dictionary.
        """
        if asked_by_app(ctx):
            return stream_run(ctx, _begin, _show, "The import ended early", reads_files=True)
        return _as_dict(run_steps(ctx, _begin(ctx)))


def _begin(ctx: foo.ExecutionContext) -> Generator[ExchangeProgress, None, ImportReport]:
    """Begin what the form asks for.

    Raises:
        PoseError: If it cannot be done; it says why.
    """
    check_token(ctx.params, "import_poses")
    name = read_text(ctx.params, "file_name")
    if name is None:
        raise InputError("file_name is missing: name one of the files to import")
    request = ImportRequest(
        pose_field=read_text(ctx.params, "pose_field") or DEFAULT_FIELD,
        boxes=read_flag(ctx.params, "boxes", True),
        overwrite=read_flag(ctx.params, "overwrite", False),
        follow_symlinks=False,
    )
    return begin_import(ctx.dataset, import_path(name), request)


def _as_dict(report: ImportReport) -> dict[str, Any]:
    """Give a report as plain values."""
    return {
        "samples": report.samples,
        "people": report.people,
        "pose_field": report.pose_field,
        "boxes_field": report.boxes_field,
        "left_out": report.left_out,
        "problems": {problem.kind: problem.count for problem in report.problems},
        "not_kept": dict(report.not_kept),
        "seconds": round(report.seconds, 2),
    }


def _show(ctx: foo.ExecutionContext, report: ImportReport) -> Iterator[Any]:
    """Show the people in the grid; say what was imported, and what was not."""
    yield ctx.ops.reload_dataset()
    if report.people:
        yield from show_field(ctx, report.pose_field)
    output = types.Object()
    boxes = f", their boxes in '{report.boxes_field}'" if report.boxes_field else ""
    if report.samples:
        output.view(
            "done",
            types.AlertView(
                severity="success",
                label=f"{n_people(report.people)} on {n_images(report.samples)} imported",
                description=f"In '{report.pose_field}'{boxes}.",
            ),
        )
    else:
        output.view("done", types.Warning(label="Nothing was imported: none of the file's images are here"))
    for number, problem in enumerate(report.problems):
        notice = types.Warning if problem.is_left_out else types.Notice
        more = problem.count - SHOWN_EXAMPLES
        examples = "; ".join(problem.examples[:SHOWN_EXAMPLES]) + (f" and {more:,} more" if more > 0 else "")
        output.view(f"problem_{number}", notice(label=problem.title, description=examples))
    if report.not_kept:
        names = ", ".join(f"{name} ({count:,})" for name, count in sorted(report.not_kept.items()))
        output.view("not_kept", types.Notice(label="Not imported", description=names))
    yield ctx.ops.show_output(types.Property(output).to_json(), {})

"""The operator `export_poses`: writes a COCO file into the one folder that the App exports into."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import Choice, add_dropdown
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import read_flag, read_number, read_text
from fo_pose_plugin.app.page import (
    SHOWN_FAILURES,
    add_failures,
    asked_by_app,
    refuse,
    run_steps,
    stream_run,
)
from fo_pose_plugin.core.wording import n_images, n_people
from fo_pose_plugin.errors import InputError, MediaTypeError, PoseError
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.exchange_folders import export_path, exports_folder, make_exports_folder, plain_name
from fo_pose_plugin.tasks.exchange_progress import ExchangeProgress
from fo_pose_plugin.tasks.export_poses import (
    ExportReport,
    ExportRequest,
    begin_export,
    exportable_fields,
)

__all__ = ["ExportPoses"]

ICON = "/fo_pose_plugin/app/icons/export.svg"
FORMATS = (
    Choice(
        "coco", "COCO keypoints", "Annotations: images, people with x, y, v, boxes and areas, the skeleton"
    ),
    Choice("coco_wholebody", "COCO-WholeBody", "Annotations with foot, face and hand fields and valid flags"),
    Choice(
        "coco_results", "COCO results", "A list of predictions with scores, as COCO's evaluation takes it"
    ),
    Choice("coco_wholebody_results", "COCO-WholeBody results", "The same with foot, face and hand fields"),
)
WHAT = (
    Choice("poses", "The field itself", "All people in it"),
    Choice(
        "corrections",
        "Corrections",
        "What people accepted, corrected or added; what they rejected is left out",
    ),
    Choice("best", "The best of both", "A person's correction where there is one, else the prediction"),
)


class ExportPoses(foo.Operator):
    """Write poses to a COCO file."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="export_poses",
            label="Export poses",
            description="Write poses, or what people made of them, to a COCO file",
            icon=ICON,
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Offer the fields with keypoints, what to take of them, the formats, and a name for the file."""
        inputs = types.Object()
        try:
            samples = ctx.target_view()
            check_media(samples)
            fields = exportable_fields(samples)
            if fields:
                self._fields(ctx, inputs, fields)
                add_token(ctx, inputs, self.name)
            else:
                label = "This dataset has no poses with named keypoints"
                refuse(inputs, label, "Estimate or import some first")
        except MediaTypeError as error:
            refuse(inputs, "These samples cannot be used", str(error))
        except InputError as error:  # no browser sends such values
            refuse(inputs, "These values cannot be used", str(error))
        return types.Property(inputs, view=types.View(label="Export poses"))

    def _fields(self, ctx: foo.ExecutionContext, inputs: types.Object, fields: dict[str, bool]) -> None:
        first = next(iter(fields))
        add_dropdown(inputs, "pose_field", "Poses", fields)
        field = read_text(ctx.params, "pose_field") or first
        if ctx.dataset.has_field(f"{field}_corrected"):
            add_dropdown(inputs, "what", "People", WHAT, default="best")
        formats = [one for one in FORMATS if "wholebody" not in one.value or fields.get(field)]
        default = "coco_wholebody" if fields.get(field) else "coco"
        add_dropdown(inputs, "format", "Format", formats, default=default)
        inputs.float(
            "min_confidence",
            label="Least confidence",
            description="Predicted keypoints with less are written as not labelled. Empty takes "
            "all; people's corrections are always taken",
        )
        inputs.str(
            "file_name",
            default=plain_name(f"{ctx.dataset.name}_{field}").removesuffix(".json"),
            required=True,
            label="File name",
            description=f"In {exports_folder()}",
        )
        self._outlook(ctx, inputs, field)

    def _outlook(self, ctx: foo.ExecutionContext, inputs: types.Object, field: str) -> None:
        """Say what will be written where, and ask before a file is replaced."""
        name = read_text(ctx.params, "file_name")
        if name is None:
            return
        try:
            path = export_path(name)
        except PoseError as error:
            refuse(inputs, "This is no name for the file", str(error))
            return
        if path.exists():
            inputs.bool("overwrite", default=False, label="Replace the file that is there")
            if not read_flag(ctx.params, "overwrite", False):
                refuse(inputs, f"{path.name} is there already", "Choose another name, or tick the box above")
                return
        samples = ctx.target_view()
        people = n_people(samples.count(f"{field}.keypoints"))
        inputs.view(
            "outlook",
            types.Notice(
                label=f"'{field}' holds {people} on {n_images(len(samples))}, exported to {path.name}",
                description="Images whose field was never filled are left out. A view is exported "
                "as it shows.",
            ),
        )

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        """Export: with a live bar in the App, with FiftyOne's progress when delegated, else plainly.

        Returns:
            A generator of messages for the App, and otherwise the report as a dictionary.
        """
        if asked_by_app(ctx):
            return stream_run(ctx, _begin, _show_summary, "Nothing was exported", reads_files=True)
        return _as_dict(run_steps(ctx, _begin(ctx)))


def _begin(ctx: foo.ExecutionContext) -> Generator[ExchangeProgress, None, ExportReport]:
    """Begin what the form asks for.

    Raises:
        PoseError: If it cannot be done; it says why.
    """
    check_token(ctx.params, "export_poses")
    name = read_text(ctx.params, "file_name")
    if name is None:
        raise InputError("file_name is missing: name the file to write")
    request = ExportRequest(
        pose_field=read_text(ctx.params, "pose_field") or "poses",
        format=read_text(ctx.params, "format") or "coco",
        what=read_text(ctx.params, "what") or "poses",
        min_confidence=read_number(ctx.params, "min_confidence"),
        overwrite=read_flag(ctx.params, "overwrite", False),
    )
    path = export_path(name)
    make_exports_folder()
    return begin_export(ctx.target_view(), path, request)


def _as_dict(report: ExportReport) -> dict[str, Any]:
    """Give a report as plain values; of the failures those that a form can show."""
    return {
        "path": report.path,
        "samples": report.samples,
        "people": report.people,
        "left_out": report.left_out,
        "unlabelled": report.unlabelled,
        "failed": len(report.failures),
        "failures": dict(list(report.failures.items())[:SHOWN_FAILURES]),
        "size_bytes": report.size_bytes,
        "seconds": round(report.seconds, 2),
    }


def _show_summary(ctx: foo.ExecutionContext, report: ExportReport) -> Iterator[Any]:
    """Say what was written where, and what was left out."""
    output = types.Object()
    output.view(
        "done",
        types.AlertView(
            severity="success",
            label=f"{n_people(report.people)} on {n_images(report.samples)} exported",
            description=f"{report.path} ({report.size})",
        ),
    )
    if report.left_out:
        label = f"Left out: {n_people(report.left_out)}, rejected or not confident enough"
        output.view("left_out", types.Notice(label=label))
    if report.unlabelled:
        label = f"Left out: {n_images(report.unlabelled)} without the field"
        output.view("unlabelled", types.Notice(label=label))
    if report.failures:
        add_failures(output, report.failures, f"Left out: {n_images(len(report.failures))}")
    yield ctx.ops.show_output(types.Property(output).to_json(), {})

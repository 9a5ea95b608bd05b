"""The operator `evaluate_poses`: a form in, the evaluation run, a report that a person can read."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import add_dropdown
from fo_pose_plugin.app.evaluation_page import add_report
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import read_evaluation_request, read_flag
from fo_pose_plugin.app.page import asked_by_app, refuse, run_steps, stream_run
from fo_pose_plugin.core.evaluation_report import EvaluationReport
from fo_pose_plugin.errors import InputError
from fo_pose_plugin.tasks.evaluate_poses import (
    EvaluationProgress,
    evaluate_samples,
    evaluation_fields,
    plan_evaluation,
)
from fo_pose_plugin.tasks.evaluation.request import OKS_THRESHOLDS, EvaluationRequest

__all__ = ["EvaluatePoses"]

ICON = "/fo_pose_plugin/app/icons/evaluation.svg"


class EvaluatePoses(foo.Operator):
    """Hold predicted poses against ground truth."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="evaluate_poses",
            label="Evaluate poses",
            description="Measure predicted poses against ground truth: average precision, PCK and errors",
            icon=ICON,
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Ask for the two fields, and say what will be compared or why it cannot be."""
        inputs = types.Object()
        predictions, truths = evaluation_fields(ctx.dataset)
        if len(predictions) < 2:
            refuse(
                inputs,
                "Two fields of keypoints are needed",
                "Predicted poses, which 'Estimate poses' makes, and ground truth, which 'Import poses' reads",
            )
        else:
            samples = ctx.target_view()
            defaults = {"pred_field": predictions[0], "gt_field": truths[0], "eval_key": _free_name(ctx)}
            params = {**defaults, **_given(ctx)}
            _fields(inputs, predictions, truths, params)
            taken = params["eval_key"] in ctx.dataset.list_evaluations()
            if taken:
                _offer_to_replace(inputs)
            _options(ctx, inputs)
            try:
                request = read_evaluation_request(params)
                if taken and not request.overwrite:
                    refuse(
                        inputs,
                        f"There is an evaluation {request.eval_key!r} already",
                        "Choose another name, or tick 'Replace the evaluation of this name'",
                    )
                else:
                    outlook = plan_evaluation(samples, request)
                    inputs.view("outlook", types.Notice(label=outlook, description=_written(request)))
            except InputError as error:
                refuse(inputs, "These cannot be compared", str(error))
            add_token(ctx, inputs, self.name)
        return types.Property(inputs, view=types.View(label="Evaluate poses"))

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        """Evaluate: with a live bar in the App, with FiftyOne's progress when delegated, else plainly.

        Returns:
            A generator of messages for the App, and otherwise the report as a dictionary.
        """
        if asked_by_app(ctx):
            return stream_run(ctx, _steps, _show, "Nothing was evaluated")
        return run_steps(ctx, _steps(ctx)).as_dict()


def _given(ctx: foo.ExecutionContext) -> dict[str, Any]:
    """What was filled in; what is empty leaves the default."""
    return {name: value for name, value in ctx.params.items() if value not in (None, "")}


def _free_name(ctx: foo.ExecutionContext) -> str:
    taken = ctx.dataset.list_evaluations()
    names = ("eval", *(f"eval_{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _fields(inputs: types.Object, predictions: list[str], truths: list[str], params: dict[str, Any]) -> None:
    add_dropdown(inputs, "pred_field", "Predictions", predictions, description="The poses that are judged")
    add_dropdown(inputs, "gt_field", "Ground truth", truths, description="What they are held against")
    inputs.str(
        "eval_key",
        default=str(params["eval_key"]),
        required=True,
        label="Name of the evaluation",
        description="Under this name it is listed, and written on every person",
    )


def _offer_to_replace(inputs: types.Object) -> None:
    inputs.bool(
        "overwrite",
        default=False,
        label="Replace the evaluation of this name",
        description="What it has written goes",
        view=types.CheckboxView(),
    )


def _options(ctx: foo.ExecutionContext, inputs: types.Object) -> None:
    inputs.bool("more", default=False, label="More options", view=types.SwitchView())
    if not read_flag(ctx.params, "more", False):
        return
    add_dropdown(
        inputs,
        "oks_threshold",
        "A person counts as found from an OKS of",
        [f"{value:.2f}" for value in OKS_THRESHOLDS],
        default="0.50",
        description="OKS says how near a pose is, 0 to 1. COCO's averages do not depend on this choice",
        required=False,
    )
    inputs.bool(
        "suppress",
        default=False,
        label="Keep one of several predictions of a person",
        description="MMPose's OKS-NMS at 0.9: the prediction with the higher score stays",
        view=types.CheckboxView(),
    )
    inputs.bool(
        "rescore",
        default=False,
        label="Rescore as MMPose does",
        description="Score x mean keypoint score above .2; poses estimated here are scored like that already",
        view=types.CheckboxView(),
    )


def _written(request: EvaluationRequest) -> str:
    key = request.eval_key
    return (
        f"On every person '{key}' then says tp (found), fp (a prediction of nobody), fn (missed) or ignored, "
        f"'{key}_oks' how near the pose is, and '{key}_error_px' how far each keypoint is off."
    )


def _steps(ctx: foo.ExecutionContext) -> Generator[EvaluationProgress, None, EvaluationReport]:
    """Begin what the form asks for.

    Raises:
        PoseError: If it cannot be done; it says why.
    """
    check_token(ctx.params, "evaluate_poses")
    return evaluate_samples(ctx.target_view(), read_evaluation_request(_given(ctx)))


def _show(ctx: foo.ExecutionContext, report: EvaluationReport) -> Iterator[Any]:
    output = types.Object()
    values = add_report(output, report)
    yield ctx.ops.reload_dataset()
    yield ctx.ops.show_output(types.Property(output).to_json(), values)

"""The operator `estimate_poses`: the form, the live bar with its stop, and the summary."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app import estimate_form
from fo_pose_plugin.app.background import BackgroundRun
from fo_pose_plugin.app.form_token import PARAMETER, add_token, check_token, make_token
from fo_pose_plugin.app.forms import read_estimate_request
from fo_pose_plugin.app.page import (
    SHOWN_FAILURES,
    add_failures,
    asked_by_app,
    run_steps,
    show_failure,
)
from fo_pose_plugin.core.wording import n_images, n_people
from fo_pose_plugin.errors import InputError, InstallationError, PoseError
from fo_pose_plugin.tasks.estimate_poses import (
    EstimatePlan,
    EstimateReport,
    EstimateRequest,
    Progress,
    plan_estimate,
)
from fo_pose_plugin.tasks.estimation_run import run_plan
from fo_pose_plugin.tasks.install import install_command, missing_openmmlab

__all__ = ["EstimatePoses"]

logger = logging.getLogger(__name__)

ICON = "/fo_pose_plugin/app/icons/pose.svg"
NOT_DONE = "Poses were not estimated"
ENDED_EARLY = "The run ended early; what it did is kept, and 'finish the run before' continues it"
POLL_S = 0.5


class EstimatePoses(foo.Operator):
    """Give every person in every image keypoints."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="estimate_poses",
            label="Estimate poses",
            description="Give every person the keypoints of an MMPose top-down heatmap model",
            icon=ICON,
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_placement(self, _ctx: foo.ExecutionContext) -> types.Placement:
        """Put a button above the grid."""
        return types.Placement(
            types.Places.SAMPLES_GRID_SECONDARY_ACTIONS,
            types.Button(label="Estimate poses", icon=ICON, prompt=True),
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Build the form anew at each change."""
        form = estimate_form.build(ctx)
        add_token(ctx, form.type, self.name)
        return form

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        """Run: with a live bar in the App, with FiftyOne's progress when delegated, else plainly.

        Returns:
            A generator of messages for the App, and otherwise the report as a dictionary.
        """
        if asked_by_app(ctx):
            return self._stream(ctx)
        return report_as_dict(run_steps(ctx, run_plan(plan_from(ctx))))

    def __call__(
        self, samples: Any, model: str, *, delegate: bool = False, **params: Any
    ) -> dict[str, Any] | None:
        """Run from Python.

        Args:
            samples: A dataset or view.
            model: A registered model.
            delegate: Queue it for a delegated service instead of running it now.
            params: Any argument of ``fo_pose_plugin.estimate_poses`` but ``progress``.

        Raises:
            PoseError: If the request cannot be carried out.
        """
        unknown = sorted(set(params) - {field.name for field in fields(EstimateRequest)})
        if unknown:
            raise InputError(f"estimate_poses has no argument {', '.join(map(repr, unknown))}")
        # FiftyOne would only say "invalid enum value" of what the form does not offer.
        plan_estimate(samples, read_estimate_request({"model": model, **params}))
        result = foo.execute_operator(
            self.uri,
            {"view": samples.view()},
            params={"model": model, **params},
            request_delegation=delegate,
        )
        report: dict[str, Any] | None = getattr(result, "result", None)
        return report

    def _stream(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        try:
            plan = plan_from(ctx)
        except PoseError as error:
            yield from show_failure(ctx, NOT_DONE, str(error))
            return
        run: BackgroundRun[Progress, EstimateReport] = BackgroundRun(run_plan(plan), name="fo-pose-estimate")
        begun = False
        while not run.done:
            step = run.poll(POLL_S)
            if step is not None:
                begun = bool(step.run_id)
                yield show_progress(ctx, self.plugin_name, step)
        yield ctx.ops.reload_dataset()
        if run.error is None:
            yield show_summary(ctx, run.result())
        else:
            logger.error("estimate_poses ended early", exc_info=run.error)
            ours = isinstance(run.error, PoseError)
            message = str(run.error) if ours else f"{type(run.error).__name__}: {run.error}"
            yield from show_failure(ctx, ENDED_EARLY if begun else NOT_DONE, message)


def plan_from(ctx: foo.ExecutionContext) -> EstimatePlan:
    """Turn the form's values into a checked plan.

    Raises:
        PoseError: If it cannot be carried out; it says why.
    """
    check_token(ctx.params, "estimate_poses")
    missing = missing_openmmlab()
    if missing:
        raise InstallationError(
            f"{', '.join(missing)} is missing; run this and start FiftyOne anew: {install_command()}"
        )
    return plan_estimate(ctx.target_view(), read_estimate_request(ctx.params))


def report_as_dict(report: EstimateReport) -> dict[str, Any]:
    """Give a report as plain values; of the failures those that a form can show."""
    return {
        "run_id": report.run_id,
        "samples": report.samples,
        "people": report.people,
        "skipped": report.skipped,
        "failed": len(report.failures),
        "failures": dict(list(report.failures.items())[:SHOWN_FAILURES]),
        "seconds": round(report.seconds, 2),
        "stopped": report.stopped,
        "saved_views": list(report.saved_views),
    }


def show_progress(ctx: foo.ExecutionContext, plugin_name: str, step: Progress) -> Any:
    """Show the bar, and the button that stops the run once it has begun."""
    output = types.Object()
    output.float("progress", view=types.ProgressView(label=step.describe()))
    if step.run_id:
        output.view(
            "stop",
            types.Button(
                label="Stop, and keep what is done",
                variant="outlined",
                operator=f"{plugin_name}/stop_estimate_poses",
                params={"run_id": step.run_id, PARAMETER: make_token("stop_estimate_poses")},
            ),
        )
    return ctx.ops.show_output(types.Property(output).to_json(), {"progress": step.fraction})


def show_summary(ctx: foo.ExecutionContext, report: EstimateReport) -> Any:
    """Show what was done, what failed, and where to look."""
    output = types.Object()
    rate = report.people / report.seconds if report.seconds else 0.0
    counts = f"{n_people(report.people)} in {n_images(report.samples)}"
    done = f"{counts}, {report.seconds:.0f} s ({rate:.1f} people/s)"
    if report.stopped:
        output.view(
            "stopped",
            types.Warning(
                label=f"Stopped: {done}",
                description="What is done is kept. Run it again with the same settings and "
                '"finish the run before" to continue.',
            ),
        )
    else:
        output.view("done", types.AlertView(severity="success", label=done))
    if report.skipped:
        output.view("skipped", types.Notice(label=f"Done before and left alone: {n_images(report.skipped)}"))
    if report.failures:
        add_failures(output, report.failures, f"{n_images(len(report.failures))} had errors")
    if report.saved_views:
        output.view("views", types.Notice(label="New saved views", description=", ".join(report.saved_views)))
    output.view("run", types.Notice(label="Run", description=report.run_id))
    return ctx.ops.show_output(types.Property(output).to_json(), {})

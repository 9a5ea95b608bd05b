"""The operator `stop_estimate_poses`: the button of the live bar, and the way to stop a delegated run."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import read_text
from fo_pose_plugin.errors import InputError, PoseError
from fo_pose_plugin.tasks.stop_run import list_running, stop_run

__all__ = ["StopEstimatePoses"]


class StopEstimatePoses(foo.Operator):
    """Stop a run and keep what it has done."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="stop_estimate_poses",
            label="Stop estimating poses",
            description="Stop a run, here or delegated, and keep what it has done",
            icon="/fo_pose_plugin/app/icons/stop.svg",
            dynamic=True,
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Offer the runs that go on."""
        inputs = types.Object()
        runs = list_running(ctx.dataset)
        if runs:
            choices = types.RadioGroup()
            for run_id, description in runs.items():
                choices.add_choice(run_id, label=run_id, description=description)
            inputs.enum(
                "run_id", choices.values(), default=next(iter(runs)), required=True, label="Run", view=choices
            )
            add_token(ctx, inputs, self.name)
        else:
            prop = inputs.view("none", types.Notice(label="No run is going on in this dataset"))
            prop.invalid = True
        return types.Property(inputs, view=types.View(label="Stop estimating poses"))

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Ask the run to stop."""
        try:
            check_token(ctx.params, self.name)
            run_id = read_text(ctx.params, "run_id")
            if run_id is None:
                raise InputError("no run was named")
            stop_run(ctx.dataset, run_id)
        except PoseError as error:
            ctx.ops.notify(str(error), variant="error")
            return {"stopped": False, "message": str(error)}
        ctx.ops.notify("Stopping; what is done is kept", variant="info")
        return {"stopped": True, "message": ""}

"""The operator `accept_poses`: how many people it would accept, and at what risk, is said before."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import add_dropdown
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import DEFAULT_POSE_FIELD, read_flag, read_number, read_text
from fo_pose_plugin.app.page import refuse
from fo_pose_plugin.core.wording import n_images, n_people
from fo_pose_plugin.errors import InputError, PoseError
from fo_pose_plugin.tasks.accept_poses import accept_poses, people_to_accept
from fo_pose_plugin.tasks.auto_accept import auto_accept_preview, fitted_fields
from fo_pose_plugin.tasks.editor_sample import editable_fields

__all__ = ["AcceptPoses"]

LABEL = "Accept poses"
DEFAULT_P = 0.95


class AcceptPoses(foo.Operator):
    """Accept people as they were predicted."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="accept_poses",
            label=LABEL,
            description="Take poses as reviewed and right, as they were predicted; it can be undone",
            icon="/fo_pose_plugin/app/icons/review.svg",
            dynamic=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Ask for the field and, where probabilities were fitted, for the rule; count at once."""
        inputs = types.Object()
        fields = editable_fields(ctx.dataset)
        if not fields:
            refuse(inputs, "There are no poses to accept", "Run the operator 'Estimate poses' first")
            return types.Property(inputs, view=types.View(label=LABEL))
        try:
            samples = ctx.target_view()
            add_dropdown(inputs, "pose_field", "Poses", fields)
            field = read_text(ctx.params, "pose_field") or fields[0]
            p = _rule(ctx.params)
            if field in fitted_fields(ctx.dataset):
                _add_rule(inputs, chosen=p is not None)
            _add_outlook(inputs, samples, field, p)
            add_token(ctx, inputs, self.name)
        except InputError as error:
            refuse(inputs, "This cannot be accepted", str(error))
        return types.Property(inputs, view=types.View(label=LABEL))

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Accept them."""
        try:
            check_token(ctx.params, self.name)
            field = read_text(ctx.params, "pose_field") or DEFAULT_POSE_FIELD
            report = accept_poses(ctx.target_view(), field, p=_rule(ctx.params))
        except PoseError as error:
            ctx.ops.notify(str(error), variant="error")
            return {"message": f"Nobody was accepted: {error}", "people": 0, "history_key": None}
        ctx.ops.reload_dataset()
        message = f"{report.describe('accepted')}. 'Restore corrections' takes it back."
        return {"message": message, "people": report.people, "history_key": report.history_key}

    def resolve_output(self, _ctx: foo.ExecutionContext) -> types.Property:
        """Say what happened."""
        outputs = types.Object()
        outputs.str("message", label="What happened")
        return types.Property(outputs, view=types.View(label=LABEL))


def _rule(params: Any) -> float | None:
    """Give the least probability; None where people are accepted without a rule."""
    if not read_flag(params, "by_rule", False):
        return None
    p = read_number(params, "p")
    return DEFAULT_P if p is None else p


def _add_rule(inputs: types.Object, *, chosen: bool) -> None:
    inputs.bool(
        "by_rule",
        default=False,
        label="Only by a rule",
        description="Only people whose every visible keypoint is probably right",
        view=types.CheckboxView(),
    )
    if chosen:
        inputs.float("p", default=DEFAULT_P, min=0, max=1, label="Least probability")


def _add_outlook(inputs: types.Object, samples: Any, field: str, p: float | None) -> None:
    if p is not None:
        found = auto_accept_preview(samples, field, p)
        if not found.accepted:
            refuse(inputs, found.describe(), "Lower the probability, or accept without the rule")
            return
        description = "Nobody has looked at them. 'Preview auto-accept' shows who it would be."
        inputs.view("outlook", types.Warning(label=found.describe(), description=description))
        return
    waiting = people_to_accept(samples, field)
    people = sum(map(len, waiting.values()))
    if not people:
        refuse(inputs, "Everybody is reviewed already", "Nothing is left to accept on these images")
        return
    label = f"{n_people(people)} on {n_images(len(waiting))} to count as reviewed and right"
    description = (
        f"They are copied to {field}_corrected as they were predicted; whoever is reviewed already stays. "
        "'Restore corrections' takes it back."
    )
    inputs.view("outlook", types.Warning(label=label, description=description))

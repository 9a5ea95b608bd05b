"""The operator `preview_auto_accept`: whom a rule would accept without looking, and with how many errors."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import add_dropdown
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import read_number, read_text
from fo_pose_plugin.app.page import refuse
from fo_pose_plugin.core.wording import n_people
from fo_pose_plugin.errors import InputError, PoseError
from fo_pose_plugin.tasks.auto_accept import (
    AutoAcceptPreview,
    auto_accept_preview,
    fitted_fields,
    save_preview,
)

__all__ = ["PreviewAutoAccept"]

LABEL = "Preview auto-accept"
DEFAULT_P = 0.95
COMPARED = (0.8, 0.9, 0.95, 0.99)
DEFAULT_VIEW = "would be accepted"


class PreviewAutoAccept(foo.Operator):
    """Show whom a rule would accept; nobody is accepted by it."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="preview_auto_accept",
            label=LABEL,
            description="Count whom 'every visible keypoint right with p >= ...' would accept",
            icon="/fo_pose_plugin/app/icons/review.svg",
            dynamic=True,
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Ask for the rule, and say at once what it would do."""
        inputs = types.Object()
        fields = fitted_fields(ctx.dataset)
        if not fields:
            refuse(
                inputs,
                "No probabilities were fitted yet",
                "Run the operator 'Fit confidence' on labelled images",
            )
            return types.Property(inputs, view=types.View(label=LABEL))
        try:
            samples = ctx.target_view()
            self._fields(ctx, inputs, fields, samples)
            add_token(ctx, inputs, self.name)
        except InputError as error:
            refuse(inputs, "This cannot be counted", str(error))
        return types.Property(inputs, view=types.View(label=LABEL))

    def _fields(
        self, ctx: foo.ExecutionContext, inputs: types.Object, fields: list[str], samples: Any
    ) -> None:
        add_dropdown(inputs, "pose_field", "Poses", fields)
        inputs.float(
            "p",
            default=DEFAULT_P,
            min=0,
            max=1,
            label="Least probability",
            description="Every visible keypoint of a person must be right with at least this",
        )
        inputs.str(
            "view_name",
            default=DEFAULT_VIEW,
            label="Saved view",
            description="Shows whom the rule would accept, to be looked at",
        )
        field, p = _read(ctx.params, fields[0])
        found = auto_accept_preview(samples, field, p)
        others = [auto_accept_preview(samples, field, other) for other in COMPARED if other != p]
        inputs.view("outlook", types.Notice(label=found.describe(), description=_explained(found)))
        inputs.md(
            "\n".join(["Other thresholds:", "", *(f"- {one.describe()}" for one in others)]), name="others"
        )

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Save a view of those it would accept, and show it."""
        try:
            check_token(ctx.params, self.name)
            field, p = _read(ctx.params, "poses")
            samples = ctx.target_view()
            found = auto_accept_preview(samples, field, p)
            if found.accepted:
                save_preview(samples, found, field, read_text(ctx.params, "view_name") or DEFAULT_VIEW)
        except PoseError as error:
            ctx.ops.notify(str(error), variant="error")
            return {"message": f"Nothing was saved: {error}", "accepted": 0, "expected_errors": 0.0}
        if found.accepted:
            ctx.ops.reload_dataset()
            ctx.ops.set_view(view=found.view(samples, field))
        return {
            "message": f"{found.describe()}. {_explained(found)}",
            "accepted": found.accepted,
            "expected_errors": round(found.expected_errors, 2),
        }

    def resolve_output(self, _ctx: foo.ExecutionContext) -> types.Property:
        """Say what the rule would do."""
        outputs = types.Object()
        outputs.str("message", label="What it would do")
        return types.Property(outputs, view=types.View(label=LABEL))


def _read(params: Any, first: str) -> tuple[str, float]:
    p = read_number(params, "p")
    return read_text(params, "pose_field") or first, DEFAULT_P if p is None else p


def _explained(found: AutoAcceptPreview) -> str:
    left_out = []
    if found.reviewed:
        left_out.append(f"{n_people(found.reviewed)} reviewed already")
    if found.unknown:
        left_out.append(f"{n_people(found.unknown)} without probabilities")
    more = f" Left out: {', '.join(left_out)}." if left_out else ""
    return f"Nobody is accepted by this: the view shows who it would be; 'Accept poses' accepts them.{more}"

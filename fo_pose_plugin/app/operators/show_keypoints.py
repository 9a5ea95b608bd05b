"""The operator `show_keypoints`: some keypoints only, as a view that keeps everyone."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import add_dropdown, add_keypoint_names
from fo_pose_plugin.app.forms import read_number, read_text, read_texts
from fo_pose_plugin.app.page import refuse
from fo_pose_plugin.errors import PoseError
from fo_pose_plugin.tasks.show_keypoints import keypoint_choices, show_keypoints

__all__ = ["ShowKeypoints"]


class ShowKeypoints(foo.Operator):
    """Show keypoints by group, name and confidence."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="show_keypoints",
            label="Show keypoints",
            description="Show keypoints by group, name and confidence; every person stays in the view",
            icon="/fo_pose_plugin/app/icons/pose.svg",
            dynamic=True,
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Offer the fields with poses, and their groups and names."""
        inputs = types.Object()
        choices = keypoint_choices(ctx.dataset)
        if choices:
            self._fields(ctx, inputs, choices)
        else:
            refuse(inputs, "This dataset has no poses yet", "Run the operator 'Estimate poses' first")
        return types.Property(inputs, view=types.View(label="Show keypoints"))

    def _fields(self, ctx: foo.ExecutionContext, inputs: types.Object, choices: dict[str, list[str]]) -> None:
        add_dropdown(inputs, "pose_field", "Poses", choices)
        field = read_text(ctx.params, "pose_field") or next(iter(choices))
        add_keypoint_names(inputs, choices.get(field, ()), "none shows all")
        inputs.float(
            "min_confidence",
            label="Least confidence",
            description="Points below it are hidden; empty hides none",
        )

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Set the view."""
        try:
            view = show_keypoints(
                ctx.view,
                read_text(ctx.params, "pose_field") or "poses",
                read_texts(ctx.params, "keypoints") or None,
                read_number(ctx.params, "min_confidence"),
            )
        except PoseError as error:
            ctx.ops.notify(str(error), variant="error")
            return {"samples": 0, "message": str(error)}
        ctx.ops.set_view(view)
        return {"samples": len(view), "message": ""}

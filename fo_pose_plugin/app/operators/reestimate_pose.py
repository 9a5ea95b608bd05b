"""The operator `reestimate_pose`: the model on one box, for the panel "Pose editor"."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.edit_forms import read_reestimate_request
from fo_pose_plugin.app.editor_json import evidence_json
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.operators.read_pose_editor import unlisted
from fo_pose_plugin.errors import PoseError
from fo_pose_plugin.tasks.reestimate_pose import WarmNetwork, reestimate_pose

__all__ = ["ReestimatePose"]

# One for the server: FiftyOne makes operators anew at each request.
_WARM = WarmNetwork()


class ReestimatePose(foo.Operator):
    """Run the field's model on one box; nothing is written."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return unlisted("reestimate_pose", "Re-estimate a pose", "Run the model on one box")

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Ask for the token: loading a model is not for any page to start."""
        inputs = types.Object()
        add_token(ctx, inputs, self.name)
        return types.Property(inputs)

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Run the model.

        Returns:
            ``person``, ``evidence`` and ``seconds``; ``problem`` alone says why there is none.
        """
        try:
            check_token(ctx.params, self.name)
            request = read_reestimate_request(ctx.params)
            found = reestimate_pose(
                ctx.dataset, request.sample_id, request.pose_field, request.bbox_px, _WARM
            )
        except PoseError as error:
            return {"problem": str(error)}
        return {
            "person": {
                "points_px": [None if point is None else list(point) for point in found.points],
                "confidence": list(found.confidence),
                "score": found.score,
                "bbox_px": list(found.bbox),
            },
            "evidence": evidence_json(found.evidence),
            "seconds": found.seconds,
        }

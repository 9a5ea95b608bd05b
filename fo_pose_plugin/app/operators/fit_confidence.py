"""The operator `fit_confidence`: probabilities fitted to labelled people, and how well they hold."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.choices import add_dropdown
from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.app.forms import read_text
from fo_pose_plugin.app.page import refuse
from fo_pose_plugin.app.reliability_plot import reliability_plot
from fo_pose_plugin.core.wording import n_people
from fo_pose_plugin.errors import InputError, PoseError
from fo_pose_plugin.tasks.evaluate_poses import evaluation_fields
from fo_pose_plugin.tasks.fit_confidence import ConfidenceReport, fit_confidence

__all__ = ["FitConfidence"]

LABEL = "Fit confidence"


class FitConfidence(foo.Operator):
    """Turn doubt or confidence into the chance that a keypoint is right."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="fit_confidence",
            label=LABEL,
            description="Fit the chance that a keypoint is right to labelled people, and give it to everyone",
            icon="/fo_pose_plugin/app/icons/review.svg",
            dynamic=True,
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Ask for the poses and the truth."""
        inputs = types.Object()
        predictions, truths = evaluation_fields(ctx.dataset)
        if len(predictions) < 2:
            needed = "It takes two fields with keypoints: poses, and the truth of some of them"
            refuse(inputs, "There is nothing to fit to", needed)
            return types.Property(inputs, view=types.View(label=LABEL))
        ctx.target_view()
        add_dropdown(inputs, "pose_field", "Poses", predictions)
        add_dropdown(inputs, "gt_field", "Truth", truths)
        inputs.view(
            "outlook",
            types.Notice(
                label="Everyone gets 'probability' beside the points",
                description="It is fitted to the chosen images that have both fields; any labelled part "
                "will do. Right is a keypoint within 2 x sigma x sqrt(area) of the truth. The curve is kept "
                "with the dataset, in the place of one before.",
            ),
        )
        add_token(ctx, inputs, self.name)
        return types.Property(inputs, view=types.View(label=LABEL))

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Fit and write."""
        try:
            check_token(ctx.params, self.name)
            pose_field, gt_field = read_text(ctx.params, "pose_field"), read_text(ctx.params, "gt_field")
            if pose_field is None or gt_field is None:
                raise InputError("two fields are needed: pose_field and gt_field")
            report = fit_confidence(ctx.target_view(), pose_field, gt_field)
        except PoseError as error:
            ctx.ops.notify(str(error), variant="error")
            return {"message": f"Nothing was fitted: {error}"}
        ctx.ops.reload_dataset()
        data, layout = reliability_plot(report.before, report.after, report.score)
        return {
            "message": _told(report),
            "ece_before": round(report.before.ece, 4),
            "ece": round(report.after.ece, 4),
            "people": report.written,
            "plot": {"data": data, "layout": layout},
        }

    def resolve_output(self, ctx: foo.ExecutionContext) -> types.Property:
        """Show what was fitted, and how well it holds."""
        outputs = types.Object()
        outputs.str("message", label="What happened")
        plot = ctx.results.get("plot")
        if plot:
            outputs.define_property(
                "reliability",
                types.List(types.Object()),
                label="Probability and what was right, on images that the curve was not fitted to",
                view=types.PlotlyView(
                    data=plot["data"], layout=plot["layout"], config={"displayModeBar": False}
                ),
            )
        return types.Property(outputs, view=types.View(label=LABEL))


def _told(report: ConfidenceReport) -> str:
    score = "1 - doubt" if report.score == "doubt" else "The confidence"
    return (
        f"{score} was made a probability by {report.keypoints:,} keypoints of {n_people(report.people)} "
        f"whose truth is known, {report.wrong:,} of them wrong ({report.method}). "
        f"Expected calibration error: {100 * report.before.ece:.1f} % before, "
        f"{100 * report.after.ece:.1f} % now, on images that it was not fitted to. "
        f"'probability' is set on {n_people(report.written)} in '{report.pose_field}'."
    )

"""The operator `clean_up`: says what nobody needs any more, and deletes it when told to."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fo_pose_plugin.app.form_token import add_token, check_token
from fo_pose_plugin.errors import PoseError
from fo_pose_plugin.tasks.clean_up import CleanUpReport, clean_up

__all__ = ["CleanUp"]

SHOWN_DATASETS = 10


class CleanUp(foo.Operator):
    """Delete kept heatmaps that no dataset names any more."""

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists and runs it."""
        return foo.OperatorConfig(
            name="clean_up",
            label="Clean up kept heatmaps",
            description="Find the files of heatmaps that no dataset needs any more, and delete them",
            icon="/fo_pose_plugin/app/icons/delete.svg",
            dynamic=False,
            risk_level=types.RiskLevel.HIGH,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        """Say what would be deleted; that is the dry run."""
        inputs = types.Object()
        found = clean_up(dry_run=True)
        if found.orphans:
            inputs.view("found", types.Warning(label=found.describe(), description=_by_dataset(found)))
            add_token(ctx, inputs, self.name)
        else:
            prop = inputs.view(
                "none", types.Notice(label="There is nothing to clean up", description=found.describe())
            )
            prop.invalid = True
        return types.Property(inputs, view=types.View(label="Clean up kept heatmaps"))

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        """Delete what was found."""
        try:
            check_token(ctx.params, self.name)
            report = clean_up(dry_run=False)
        except PoseError as error:
            ctx.ops.notify(str(error), variant="error")
            return {"message": str(error), "files": 0, "freed_bytes": 0}
        return {"message": report.describe(), "files": report.files, "freed_bytes": report.freed_bytes}

    def resolve_output(self, _ctx: foo.ExecutionContext) -> types.Property:
        """Show what happened."""
        outputs = types.Object()
        outputs.str("message", label="What happened")
        return types.Property(outputs, view=types.View(label="Clean up kept heatmaps"))


def _by_dataset(found: CleanUpReport) -> str:
    lines = [group.describe() for group in found.orphans[:SHOWN_DATASETS]]
    more = len(found.orphans) - len(lines)
    if more:
        lines.append(f"{more:,} more datasets")
    return f"Of {'; of '.join(lines)}. Deleted files do not come back."

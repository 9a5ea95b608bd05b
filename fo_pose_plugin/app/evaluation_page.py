"""An evaluation as the App shows it: sentences and tables."""

from __future__ import annotations

from fiftyone.operators import types

from fo_pose_plugin.core.evaluation_report import EvaluationReport
from fo_pose_plugin.core.evaluation_text import (
    GLOSSARY,
    Table,
    accuracy_table,
    counts_sentence,
    metrics_table,
    percent,
)
from fo_pose_plugin.core.wording import n_images

__all__ = ["add_report", "add_table", "glossary_text"]

PANEL = "pose_evaluation"


def add_report(output: types.Object, report: EvaluationReport) -> dict[str, object]:
    """Add a whole report.

    Returns:
        The values of what was added.
    """
    output.view(
        "summary",
        types.AlertView(
            severity="success",
            label=f"AP {percent(report.ap)}, AR {percent(report.ar)}: '{report.pred_field}' against "
            f"'{report.gt_field}' on {n_images(report.samples)}",
            description=f"{counts_sentence(report)}.",
        ),
    )
    for index, note in enumerate(report.notes):
        output.view(f"note_{index}", types.Notice(label=f"Note: {note}"))
    output.view(
        "open_panel",
        types.Button(
            label="Show plots and views",
            variant="contained",
            operator="open_panel",
            params={"name": PANEL, "isActive": True, "layout": "horizontal"},
        ),
    )
    values: dict[str, object] = {}
    values |= add_table(output, "metrics", "COCO's metrics, in percent", metrics_table(report))
    values |= add_table(
        output, "groups", "Keypoints by group", accuracy_table(report, report.groups, "group")
    )
    keypoints = accuracy_table(report, report.keypoints, "keypoint")
    values |= add_table(output, "keypoints", "Keypoint by keypoint", keypoints)
    output.md(glossary_text(), name="glossary")
    return values


def add_table(output: types.Object, name: str, title: str, table: Table) -> dict[str, object]:
    """Add a table.

    Returns:
        Its rows, by the name of the property.
    """
    view = types.TableView()
    keys = [f"c{index}" for index in range(len(table.head))]
    for key, head in zip(keys, table.head, strict=True):
        view.add_column(key, label=head)
    output.list(name, types.Object(), label=title, view=view)
    return {name: [dict(zip(keys, row, strict=True)) for row in table.rows]}


def glossary_text() -> str:
    """Explain the words of the tables."""
    return "\n".join(f"- **{word}**: {meaning}" for word, meaning in GLOSSARY)

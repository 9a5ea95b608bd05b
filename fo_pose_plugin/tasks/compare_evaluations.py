"""Evaluations that were made before: loaded, and side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fo_pose_plugin.core.evaluation_report import EvaluationReport
from fo_pose_plugin.core.evaluation_text import comparison_table
from fo_pose_plugin.dataset.evaluations import list_pose_evaluations, load_report
from fo_pose_plugin.errors import EvaluationError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["EvaluationComparison", "compare_evaluations", "list_pose_evaluations", "load_evaluation"]


@dataclass(frozen=True, slots=True)
class EvaluationComparison:
    """Several evaluations; differences are from the first. ``str()`` is a table.

    Args:
        reports: At least two.
        notes: What makes them differ besides the poses.
    """

    reports: tuple[EvaluationReport, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([comparison_table(self.reports).as_text(), *(f"note: {n}" for n in self.notes)])


def load_evaluation(dataset: fo.Dataset, eval_key: str = "eval") -> EvaluationReport:
    """Load what `evaluate_poses` reported.

    Raises:
        EvaluationError: If there is no such evaluation of poses.
    """
    return load_report(dataset, eval_key)


def compare_evaluations(dataset: fo.Dataset, eval_keys: Sequence[str]) -> EvaluationComparison:
    """Put evaluations of one dataset, of several models' fields as a rule, side by side.

    Args:
        dataset: The dataset.
        eval_keys: At least two; differences are from the first.

    Raises:
        EvaluationError: If one is unknown, or there are fewer than two.
    """
    if len(set(eval_keys)) < 2 or isinstance(eval_keys, str):
        known = ", ".join(list_pose_evaluations(dataset)) or "none"
        raise EvaluationError(f"two evaluations are needed, got {eval_keys!r}; there are: {known}")
    reports = tuple(load_report(dataset, key) for key in dict.fromkeys(eval_keys))
    return EvaluationComparison(reports, tuple(_differences(reports)))


def _differences(reports: Sequence[EvaluationReport]) -> list[str]:
    notes = []
    if len({report.gt_field for report in reports}) > 1:
        notes.append(f"the truth differs: {', '.join(report.gt_field for report in reports)}")
    if len({(report.samples, report.people) for report in reports}) > 1:
        notes.append("the numbers of images or people differ: these are not the same people")
    if len({tuple(one.name for one in report.keypoints) for report in reports}) > 1:
        notes.append("the keypoints differ; compared with each other are those of the same name")
    return notes

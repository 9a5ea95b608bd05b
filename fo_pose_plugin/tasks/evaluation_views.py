"""Look at what an evaluation found: views of false positives, missed people, bad poses and stray keypoints.

Views hide labels that are not asked for; nothing here changes one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fo_pose_plugin.core.evaluation_report import EvaluationReport
from fo_pose_plugin.dataset.evaluations import load_report
from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.labels import read_skeleton
from fo_pose_plugin.errors import EvaluationError, FieldError, InputError

if TYPE_CHECKING:
    import fiftyone as fo
    from fiftyone.core.expressions import ViewExpression

__all__ = ["false_positives", "keypoints_off", "missed_people", "worst_poses"]


def false_positives(samples: fo.Dataset | fo.DatasetView, eval_key: str = "eval") -> fo.DatasetView:
    """Show predictions of nobody only, on the samples that have some; the truth stays beside them.

    Raises:
        EvaluationError: If there is no such evaluation, or its field is gone.
    """
    from fiftyone import ViewField as F

    report = _report(samples, eval_key)
    return samples.filter_labels(report.pred_field, F(eval_key) == "fp")


def missed_people(samples: fo.Dataset | fo.DatasetView, eval_key: str = "eval") -> fo.DatasetView:
    """Show people of the truth that no prediction meets only; the predictions stay beside them.

    Raises:
        EvaluationError: If there is no such evaluation, or its field is gone.
    """
    from fiftyone import ViewField as F

    report = _report(samples, eval_key)
    return samples.filter_labels(report.gt_field, F(eval_key) == "fn")


def worst_poses(
    samples: fo.Dataset | fo.DatasetView, eval_key: str = "eval", below: float = 0.75
) -> fo.DatasetView:
    """Show predictions that belong to a person and are far from the truth, the worst first.

    Args:
        samples: A dataset or view.
        eval_key: The evaluation.
        below: Predictions with a smaller OKS are shown.

    Raises:
        EvaluationError: If there is no such evaluation, or its field is gone.
        InputError: If ``below`` is not in 0 to 1.
    """
    from fiftyone import ViewField as F

    if not 0 < below <= 1:
        raise InputError(f"below is {below}, expected an OKS above 0 and at most 1")
    report = _report(samples, eval_key)
    oks = F(f"{eval_key}_oks")
    # For the database None is less than any number.
    view = samples.filter_labels(report.pred_field, oks.exists() & (oks < below))
    return view.sort_by(F(f"{report.pred_field}.keypoints.{eval_key}_oks").min())


def keypoints_off(
    samples: fo.Dataset | fo.DatasetView,
    eval_key: str = "eval",
    keypoints: str | Iterable[str] | None = None,
    more_than: float | None = 0.1,
    more_than_px: float | None = None,
) -> fo.DatasetView:
    """Show predictions with a keypoint that is off by more than a bound, the farthest off first.

    Args:
        samples: A dataset or view.
        eval_key: The evaluation.
        keypoints: Names of keypoints or groups, such as "left_wrist" or "hands"; None for any.
        more_than: A share of the person's size (square root of the area).
        more_than_px: Image px; it counts instead of ``more_than``.

    Raises:
        EvaluationError: If there is no such evaluation, or its field is gone.
        KeypointNameError: If the skeleton has no such keypoint or group.
        InputError: If the bound is no finite number of at least 0.
    """
    from fiftyone import ViewField as F

    bound = more_than_px if more_than_px is not None else more_than
    if bound is None or not math.isfinite(bound) or bound < 0:
        raise InputError(f"the bound is {bound}, expected a number of at least 0, such as more_than=0.1")
    report = _report(samples, eval_key)
    try:
        indices = read_skeleton(samples, report.pred_field).resolve(keypoints)
    except FieldError:  # its names stand with the truth
        indices = read_skeleton(samples, report.gt_field).resolve(keypoints)
    farthest = _farthest(eval_key, indices, in_px=more_than_px is not None)
    view = samples.filter_labels(report.pred_field, farthest > bound)
    return view.sort_by(F(f"{report.pred_field}.keypoints").map(farthest).max(), reverse=True)


def _farthest(eval_key: str, indices: Iterable[int], *, in_px: bool) -> ViewExpression:
    """Give the largest of a person's errors; the database takes no notice of those that are None."""
    from fiftyone import ViewField as F

    errors = F(f"{eval_key}_error_px")
    largest = F.max([errors[index] for index in indices])
    return largest if in_px else largest / F(f"{eval_key}_size_px")


def _report(samples: fo.Dataset | fo.DatasetView, eval_key: str) -> EvaluationReport:
    report = load_report(root_dataset(samples), eval_key)
    for field in (report.pred_field, report.gt_field):
        if not samples.has_field(field) or samples.get_field(f"{field}.keypoints.{eval_key}") is None:
            raise EvaluationError(
                f"field {field!r} has no verdicts of evaluation {eval_key!r}: it was renamed, deleted or is "
                "not in this view; run evaluate_poses again"
            )
    return report

"""How near poses come to the drawings' truth, in two plain numbers of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.demo.drawings import TRUTH
from fo_pose_plugin.errors import EvaluationError
from fo_pose_plugin.tasks.evaluate_poses import evaluate_poses

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["Comparison", "compare"]

NEAR = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """Poses against the truth.

    Args:
        people: How many people the truth has.
        ap: COCO's average precision of all keypoints together, 0 to 1.
        pck: Share of the labelled keypoints that are within NEAR of the box's longer side, 0 to 1.
    """

    people: int
    ap: float
    pck: float

    def describe(self) -> str:
        """Say it in one line."""
        return (
            f"AP {100 * self.ap:.1f} of 100; {100 * self.pck:.0f} % of the keypoints, hidden too, within "
            f"{100 * NEAR:.0f} % of the box's longer side"
        )


def compare(dataset: fo.Dataset, pose_field: str, skeleton: Skeleton) -> Comparison | None:
    """Compare the poses of a field with the truth of as many keypoints; nothing is written.

    Returns:
        None where there is no such truth, or nobody to compare.
    """
    field = TRUTH.get(len(skeleton))
    if field is None or not dataset.has_sample_field(field):
        return None
    try:
        report = evaluate_poses(dataset, pose_field, field, None, pck_thresholds=(NEAR,), progress=False)
    except EvaluationError:
        return None
    pck = report.groups[0].pck[0]
    if report.ap is None or pck is None:
        return None
    return Comparison(report.people, report.ap, pck)

"""What an evaluation is asked for, checked when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fo_pose_plugin.errors import FieldError, InputError

__all__ = ["OKS_THRESHOLDS", "PCK_THRESHOLDS", "EvaluationRequest"]

OKS_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
PCK_THRESHOLDS = (0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What is to be evaluated, and how; see `evaluate_poses`.

    Raises:
        InputError: If a value is outside its range.
    """

    pred_field: str
    gt_field: str
    eval_key: str | None = "eval"
    overwrite: bool = False
    oks_threshold: float = 0.5
    rescore: bool = False
    oks_nms: float | None = None
    oks_sigmas: Mapping[str, float] | None = None
    pck_thresholds: tuple[float, ...] = PCK_THRESHOLDS

    def __post_init__(self) -> None:
        if self.pred_field == self.gt_field:
            raise FieldError(
                f"field {self.gt_field!r} cannot be compared with itself: choose predictions and truth"
            )
        if not any(abs(self.oks_threshold - thr) < 1e-9 for thr in OKS_THRESHOLDS):
            known = ", ".join(map(str, OKS_THRESHOLDS))
            raise InputError(f"oks_threshold is {self.oks_threshold}, expected one of {known}")
        if self.oks_nms is not None and not 0 <= self.oks_nms <= 1:
            raise InputError(f"oks_nms is {self.oks_nms}, expected 0 to 1, MMPose's is 0.9, or None")
        if not self.pck_thresholds or not all(0 < thr <= 1 for thr in self.pck_thresholds):
            raise InputError(f"pck_thresholds is {self.pck_thresholds}, expected shares such as (0.05, 0.2)")

"""What an evaluation found, as plain values that go into the database and come back equal."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fo_pose_plugin.core.keypoint_accuracy import KeypointAccuracy, SizeClass

__all__ = ["EvaluationReport", "KeypointAP", "PrecisionCurve"]


@dataclass(frozen=True, slots=True)
class KeypointAP:
    """COCO's ten keypoint metrics, 0 to 1; None where no person of the truth counts.

    Args:
        ap: Average precision, mean over OKS .50, .55 ... .95.
        ap50: At OKS .50.
        ap75: At OKS .75.
        ap_medium: Of people with an area of 32^2 to 96^2 px.
        ap_large: Of people with a larger area.
        ar: Average recall, mean over OKS .50 ... .95, at most 20 people per image.
        ar50: At OKS .50.
        ar75: At OKS .75.
        ar_medium: Of people with an area of 32^2 to 96^2 px.
        ar_large: Of people with a larger area.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_medium: float | None
    ap_large: float | None
    ar: float | None
    ar50: float | None
    ar75: float | None
    ar_medium: float | None
    ar_large: float | None


@dataclass(frozen=True, slots=True)
class PrecisionCurve:
    """Precision at recalls of 0, .01, ... 1 for one OKS threshold.

    Args:
        oks: The threshold.
        precision: 101 numbers.
    """

    oks: float
    precision: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What an evaluation of poses found.

    Args:
        eval_key: Where it is kept; None where it is not.
        pred_field: The field with the predictions.
        gt_field: The field with the truth.
        samples: How many images were compared.
        people: People of the truth that count.
        predictions: People predicted that count.
        tp: Predictions that meet a person with at least ``oks_threshold``.
        fp: Predictions that do not.
        fn: People that no prediction meets.
        ignored: People of the truth that do not count (crowds, no keypoints), and predictions that meet
            those, are beyond the 20 best of their image, or were taken out by OKS-NMS.
        oks_threshold: For tp, fp and fn.
        parts: COCO's metrics; one part ``all``, or for whole-body skeletons ``body``, ``foot``, ``face``,
            ``lefthand``, ``righthand`` and ``wholebody``, as far as there are such keypoints.
        groups: Accuracy of all keypoints and of each group.
        keypoints: Accuracy of each keypoint.
        pck_thresholds: As shares of the longer side of the person's box.
        sizes: The same by the person's size.
        curves: Precision over recall, at OKS .50 and .75.
        notes: What a reader must know: substitutes, what was left out, how skeletons were mapped.
        seconds: How long it took.
    """

    eval_key: str | None
    pred_field: str
    gt_field: str
    samples: int
    people: int
    predictions: int
    tp: int
    fp: int
    fn: int
    ignored: int
    oks_threshold: float
    parts: Mapping[str, KeypointAP]
    groups: tuple[KeypointAccuracy, ...]
    keypoints: tuple[KeypointAccuracy, ...]
    pck_thresholds: tuple[float, ...]
    sizes: tuple[SizeClass, ...]
    curves: tuple[PrecisionCurve, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def main(self) -> KeypointAP:
        """COCO's metrics of all keypoints together."""
        return self.parts.get("wholebody") or self.parts["all"]

    @property
    def ap(self) -> float | None:
        """Average precision of all keypoints together."""
        return self.main.ap

    @property
    def ar(self) -> float | None:
        """Average recall of all keypoints together."""
        return self.main.ar

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain values that JSON and MongoDB can hold."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EvaluationReport:
        """Make it of what `as_dict` gave.

        Raises:
            KeyError, TypeError: If a part is missing or unknown.
        """
        rebuilt = {
            "parts": {name: KeypointAP(**part) for name, part in values["parts"].items()},
            "groups": tuple(map(KeypointAccuracy.from_dict, values["groups"])),
            "keypoints": tuple(map(KeypointAccuracy.from_dict, values["keypoints"])),
            "pck_thresholds": tuple(values["pck_thresholds"]),
            "sizes": tuple(SizeClass(**size) for size in values["sizes"]),
            "curves": tuple(PrecisionCurve(c["oks"], tuple(c["precision"])) for c in values["curves"]),
            "notes": tuple(values["notes"]),
        }
        return cls(**{**values, **rebuilt})

    def __str__(self) -> str:
        from fo_pose_plugin.core.evaluation_text import report_text

        return report_text(self)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value

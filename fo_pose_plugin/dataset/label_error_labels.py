"""Errors that were found in labels, as attributes of the labels themselves.

On a fo.Keypoint that is in doubt: ``label_error`` in words, all of them, the strongest first;
``label_error_strength`` from 0 to 1, by which FiftyOne's sidebar filters; ``label_error_fix`` of the
strongest: its kind, names of keypoints, where they should be (relative to the image) and what ``visible``
should be. A person whom nobody annotated has these on the prediction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.core.label_errors import ErrorKind
from fo_pose_plugin.errors import FieldError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["ERROR", "FIX", "STRENGTH", "FoundError", "check_writable", "write_errors"]

ERROR, STRENGTH, FIX = "label_error", "label_error_strength", "label_error_fix"


@dataclass(frozen=True, slots=True)
class FoundError:
    """One thing that may be wrong with a label.

    Args:
        sample_id: Its sample.
        label_id: The label; None for a person whom nobody annotated.
        prediction_id: The prediction that speaks against it.
        other_id: The other label, where keypoints of two people look exchanged.
        kind: What it is.
        strength: From 0 to 1.
        why: In words.
        fix: ``keypoints`` (names), ``points`` (relative to the image) and maybe ``visible``.
    """

    sample_id: str
    label_id: str | None
    prediction_id: str
    other_id: str | None
    kind: ErrorKind
    strength: float
    why: str
    fix: Mapping[str, Any]


def check_writable(dataset: fo.Dataset, *fields: str) -> None:
    """Check that attributes may be added to the people of some fields.

    Raises:
        FieldError: If one is read-only.
    """
    for name in fields:
        if dataset.get_field(name).read_only or dataset.get_field(f"{name}.keypoints").read_only:
            raise FieldError(
                f"field {name!r} is read-only, so that nothing can be written on its people: make it "
                "writable, or pass write=False to search only"
            )


def write_errors(
    dataset: fo.Dataset,
    gt_field: str,
    pose_field: str,
    sample_ids: Sequence[str],
    errors: Sequence[FoundError],
) -> None:
    """Write what was found on some samples, and take away what an earlier search has written there.

    Args:
        dataset: The dataset.
        gt_field: The field with the labels.
        pose_field: The field with the predictions.
        sample_ids: The samples that were searched.
        errors: What was found on them.
    """
    for field, own in ((gt_field, _by_label(errors)), (pose_field, _by_prediction(errors))):
        _declare(dataset, field)
        people = dataset.select(list(sample_ids)).values(["id", f"{field}.keypoints.id"])
        there = [(sample, label) for sample, labels in zip(*people, strict=True) for label in labels or ()]
        for name in (ERROR, STRENGTH, FIX):
            rows = [
                {"sample_id": sample, "label_id": label, "value": _value(own.get(label, []), name)}
                for sample, label in there
            ]
            if rows:
                dataset.set_label_values(f"{field}.keypoints.{name}", rows, validate=False)


def _declare(dataset: fo.Dataset, field: str) -> None:
    import fiftyone as fo

    people = f"{field}.keypoints"
    dataset.add_sample_field(f"{people}.{ERROR}", fo.StringField)
    dataset.add_sample_field(f"{people}.{STRENGTH}", fo.FloatField)
    dataset.add_sample_field(f"{people}.{FIX}", fo.DictField)


def _by_label(errors: Sequence[FoundError]) -> dict[str, list[FoundError]]:
    found: dict[str, list[FoundError]] = {}
    for error in errors:
        if error.label_id is not None:
            found.setdefault(error.label_id, []).append(error)
    return found


def _by_prediction(errors: Sequence[FoundError]) -> dict[str, list[FoundError]]:
    return {error.prediction_id: [error] for error in errors if error.label_id is None}


def _value(errors: Sequence[FoundError], name: str) -> Any:
    if not errors:
        return None
    if name == ERROR:
        return "; ".join(error.why for error in errors)
    if name == STRENGTH:
        return errors[0].strength
    return {"kind": errors[0].kind, **errors[0].fix}

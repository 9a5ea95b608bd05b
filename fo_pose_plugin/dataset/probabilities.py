"""Calibrated probabilities: the curve is kept with the dataset, the values beside the points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.core.calibration import Calibration
from fo_pose_plugin.dataset.fiftyone_internals import (
    raw_documents,
    read_run_config,
    update_label_lists,
)
from fo_pose_plugin.dataset.signal_labels import KEYPOINT_DOUBT
from fo_pose_plugin.errors import FieldError

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.dataset.labels import PoseFields

__all__ = [
    "METHOD",
    "PROBABILITY",
    "ScoredPerson",
    "forget_calibration",
    "load_calibration",
    "read_scored_people",
    "store_calibration",
    "write_probabilities",
]

METHOD = "fo_pose_plugin/fit_confidence"
PROBABILITY = "probability"
DIGITS = 4


@dataclass(frozen=True, slots=True)
class ScoredPerson:
    """What one person's label has of scores.

    Args:
        sample_id: Their image.
        position: Their place in the label's list.
        label_id: Their label.
        confidence: K, or None.
        keypoint_doubts: K, or None where their doubt is not known.
        probabilities: K, or None where none were fitted.
    """

    sample_id: str
    position: int
    label_id: str
    confidence: Sequence[float] | None
    keypoint_doubts: Sequence[float] | None
    probabilities: Sequence[float] | None

    def scores(self, kind: str) -> Sequence[float] | None:
        """Give what a calibration takes: ``1 - keypoint_doubt`` for "doubt", else the confidence."""
        if kind != "doubt":
            return self.confidence
        return None if self.keypoint_doubts is None else [1 - value for value in self.keypoint_doubts]


def read_scored_people(samples: fo.Dataset | fo.DatasetView, fields: PoseFields) -> Iterator[ScoredPerson]:
    """Read everyone's scores; of a view that hides people only those that it shows.

    A position is that in the whole list only where the samples are not filtered.
    """
    for document in raw_documents(samples, [fields.poses]):
        people = (document.get(fields.poses) or {}).get("keypoints") or ()
        for position, person in enumerate(people):
            yield ScoredPerson(
                str(document["_id"]),
                position,
                str(person["_id"]),
                person.get("confidence"),
                person.get(KEYPOINT_DOUBT),
                person.get(PROBABILITY),
            )


def write_probabilities(
    dataset: fo.Dataset, fields: PoseFields, people: Sequence[tuple[ScoredPerson, Sequence[float]]]
) -> int:
    """Write everyone's probabilities.

    Args:
        dataset: The dataset.
        fields: The pose field.
        people: As `read_scored_people` gives them of the dataset itself, with K probabilities each.

    Returns:
        How many samples were left alone, because their people changed meanwhile.
    """
    import fiftyone as fo

    dataset.add_sample_field(f"{fields.poses}.keypoints.{PROBABILITY}", fo.ListField, subfield=fo.FloatField)
    changes: dict[str, dict[int, tuple[str, Mapping[str, Any]]]] = {}
    for person, values in people:
        rounded = [round(float(value), DIGITS) for value in values]
        changes.setdefault(person.sample_id, {})[person.position] = (person.label_id, {PROBABILITY: rounded})
    return update_label_lists(dataset, fields.poses, changes) if changes else 0


def store_calibration(
    dataset: fo.Dataset, fields: PoseFields, calibration: Calibration, details: Mapping[str, Any]
) -> str:
    """Keep a curve as a custom run of the dataset, in the place of the one before; give its key."""
    key = _run_key(fields)
    config = {
        "method": METHOD,
        "pose_field": fields.poses,
        "scores": list(calibration.scores),
        "probabilities": list(calibration.probabilities),
        "curve": calibration.method,
        **details,
    }
    dataset.reload()  # FiftyOne answers from memory, and would not know another process's run
    dataset.register_run(key, dataset.init_run(**config), overwrite=True)
    return key


def load_calibration(dataset: fo.Dataset, fields: PoseFields) -> tuple[Calibration, dict[str, Any]]:
    """Give the curve that is kept for a field, and what is known of its fit.

    Raises:
        FieldError: If none is.
    """
    config = read_run_config(dataset, _run_key(fields))
    if config is None or config.get("method") != METHOD:
        raise FieldError(
            f"no probabilities were fitted for {fields.poses!r}: run fit_confidence on samples that have "
            "ground truth"
        )
    return Calibration(tuple(config["scores"]), tuple(config["probabilities"]), config["curve"]), config


def forget_calibration(dataset: fo.Dataset, fields: PoseFields) -> None:
    """Delete the curve that is kept for a field, if there is one: later poses are others."""
    key = _run_key(fields)
    if (read_run_config(dataset, key) or {}).get("method") == METHOD:
        dataset.reload()  # FiftyOne answers from memory, and would not know another process's run
        dataset.delete_run(key)


def _run_key(fields: PoseFields) -> str:
    return f"{fields.poses}_probability"

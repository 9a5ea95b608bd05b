"""Doubt and its evidence on the labels of a pose field.

On each fo.Keypoint: ``doubt`` (0 to 1, by which FiftyOne's sidebar can filter), ``why`` in words, and beside
``points`` the lists ``keypoint_doubt``, ``second_peak`` (its height of the highest peak's) and
``second_peak_distance`` (heatmap_px; None where there is none). On the list itself ``doubt`` is that of its
most doubtful person, so that images can be sorted by it. With details also the lists ``peak``,
``peak_entropy``, ``spread_along``, ``spread_across`` and ``at_border``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from fo_pose_plugin.core.verdicts import Verdicts
from fo_pose_plugin.dataset.fiftyone_internals import update_label_lists

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.dataset.labels import PoseFields

__all__ = [
    "DETAILS",
    "DOUBT",
    "KEYPOINT_DOUBT",
    "WHY",
    "PersonSignals",
    "add_signals",
    "declare_signals",
    "signal_types",
    "signals_of",
    "write_signals",
]

FieldType: TypeAlias = "tuple[type[fo.Field], type[fo.Field] | None]"

DOUBT, KEYPOINT_DOUBT, WHY = "doubt", "keypoint_doubt", "why"
# The label's lists and the evidence they hold.
LISTS = {"second_peak": "second_ratio", "second_peak_distance": "second_distance"}
DETAILS = {
    "peak": "peak",
    "peak_entropy": "entropy",
    "spread_along": "spread_along",
    "spread_across": "spread_across",
    "at_border": "at_border",
}
# Lists that may hold None: of declared floats FiftyOne could not read one back.
MAY_LACK = frozenset({"second_peak_distance", "spread_along", "spread_across"})
DIGITS = 4


@dataclass(frozen=True, slots=True)
class PersonSignals:
    """What one person's label gets.

    Args:
        doubt: From 0 to 1.
        values: The other attributes by name.
    """

    doubt: float
    values: Mapping[str, Any]


def signals_of(verdicts: Verdicts, *, details: bool) -> list[PersonSignals]:
    """Turn verdicts into attributes, one per person; what is undefined becomes None, never NaN."""
    names = {**LISTS, **DETAILS} if details else LISTS
    found = []
    for person in range(len(verdicts)):
        values: dict[str, Any] = {
            WHY: verdicts.why[person],
            KEYPOINT_DOUBT: _plain(verdicts.keypoint_doubts[person].tolist()),
        }
        for name, evidence in names.items():
            values[name] = _plain(getattr(verdicts.signals, evidence)[person].tolist())
        found.append(PersonSignals(round(float(verdicts.doubts[person]), DIGITS), values))
    return found


def add_signals(label: fo.Keypoints, people: Sequence[PersonSignals]) -> None:
    """Put signals on a label that is not in a dataset yet; it holds the same people in the same order."""
    for keypoint, signals in zip(label.keypoints, people, strict=True):
        keypoint[DOUBT] = signals.doubt
        for name, value in signals.values.items():
            keypoint[name] = value
    label[DOUBT] = max((signals.doubt for signals in people), default=None)


def signal_types(fields: PoseFields) -> dict[str, FieldType]:
    """Give the type of every attribute that signals may take, details too, and a list's of its items."""
    import fiftyone as fo

    people = f"{fields.poses}.keypoints"
    lists = {
        f"{people}.{name}": (fo.ListField, None if name in MAY_LACK else fo.FloatField)
        for name in (KEYPOINT_DOUBT, *LISTS, *DETAILS)
    }
    return {
        f"{fields.poses}.{DOUBT}": (fo.FloatField, None),
        f"{people}.{DOUBT}": (fo.FloatField, None),
        f"{people}.{WHY}": (fo.StringField, None),
        **lists,
    }


def declare_signals(dataset: fo.Dataset, fields: PoseFields, *, details: bool) -> None:
    """Add the attributes to the schema: what is not declared would be half invisible in the App."""
    for path, (kind, subkind) in signal_types(fields).items():
        if details or path.rsplit(".", 1)[-1] not in DETAILS:
            dataset.add_sample_field(path, kind, subfield=subkind)


def write_signals(
    dataset: fo.Dataset,
    fields: PoseFields,
    people: Mapping[str, Mapping[int, tuple[str, PersonSignals]]],
    worst: Mapping[str, float | None],
) -> int:
    """Write signals of people that are in the dataset already; points and whatever else stay untouched.

    Args:
        dataset: The dataset; its schema must declare the attributes.
        fields: The pose field.
        people: By sample id and position in the list: the label's id, and its signals.
        worst: The list's ``doubt`` by sample id.

    Returns:
        How many samples were left alone, because their people changed meanwhile.
    """
    if not people:
        return 0
    changes = {
        sample_id: {
            position: (label_id, {DOUBT: signals.doubt, **signals.values})
            for position, (label_id, signals) in labels.items()
        }
        for sample_id, labels in people.items()
    }
    dataset.set_values(
        f"{fields.poses}.{DOUBT}", dict(worst), key_field="id", validate=False, expand_schema=False
    )
    return update_label_lists(dataset, fields.poses, changes)


def _plain(values: Sequence[float | bool]) -> list[float | None]:
    return [round(float(value), DIGITS) if math.isfinite(value) else None for value in values]

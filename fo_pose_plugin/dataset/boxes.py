"""Where the people's boxes come from: a Detections field, a detector, or the whole image.

Coordinate space: boxes on labels are relative ``x, y, width, height``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fo_pose_plugin.dataset.fiftyone_internals import all_samples, filters_labels
from fo_pose_plugin.errors import BoxSourceError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "BoxSource",
    "PersonBox",
    "box_fields",
    "count_people",
    "person_labels",
    "read_boxes",
    "resolve_box_source",
]

PERSON = "person"
WHOLE_IMAGE_REL = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class PersonBox:
    """One person's box.

    Args:
        bbox_rel: x, y, width, height relative to the image, as on the label. It may be unusable: what
            turns it into pixels checks it.
        score: The detector's confidence; 1 for a box that has none, or one that is not finite.
        box_id: The Detection's id, or None for the whole image.
        instance_id: The id of the Detection's instance, or None.
    """

    bbox_rel: tuple[float, ...]
    score: float = 1.0
    box_id: str | None = None
    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class BoxSource:
    """Where boxes come from: exactly one of three.

    Args:
        kind: Which.
        name: The field's or the detector's name; None for the whole image.
        threshold: Boxes of a detector below this confidence are left out; None for the other kinds.
        labels: Only boxes with one of these labels are people; None takes all. Only for a field.
    """

    kind: Literal["field", "detector", "whole_image"]
    name: str | None = None
    threshold: float | None = None
    labels: tuple[str, ...] | None = None

    def describe(self) -> str:
        """Say it in words."""
        if self.kind == "whole_image":
            return "the whole image as one box"
        if self.kind == "detector":
            return f"boxes of the detector {self.name!r} with a confidence of at least {self.threshold:g}"
        which = "all boxes" if self.labels is None else "boxes labelled " + ", ".join(map(repr, self.labels))
        return f"{which} of the field {self.name!r}"


def box_fields(samples: fo.Dataset | fo.DatasetView) -> list[str]:
    """Name the Detections fields."""
    import fiftyone as fo

    schema = samples.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    return list(schema)


def person_labels(samples: fo.Dataset | fo.DatasetView, field: str) -> tuple[str, ...] | None:
    """Find the labels of a Detections field that mean a person.

    The whole dataset decides, so that a view of some samples takes the same boxes as a run on all of them;
    but a view that filters the field's boxes chooses them itself.

    Returns:
        The spellings of "person" that occur, or None where there is none: then every box is taken,
        since a field of "cyclist" or "player" boxes holds people under another name.
    """
    scope = samples if filters_labels(samples, field) else all_samples(samples)
    found = scope.distinct(f"{field}.detections.label")
    return tuple(label for label in found if str(label).strip().lower() == PERSON) or None


def count_people(samples: fo.Dataset | fo.DatasetView, source: BoxSource) -> int | None:
    """Count the boxes that a source will give; None where only a detector can tell."""
    from fiftyone import ViewField as F

    if source.kind == "detector":
        return None
    if source.kind == "whole_image" or source.name is None:
        return len(samples)
    path = f"{source.name}.detections"
    people = samples
    if source.labels is not None:
        people = people.filter_labels(source.name, F("label").is_in(list(source.labels)))
    # `not` is true of a box without the attribute too, which `is_in` with None is not.
    counted: int = people.filter_labels(source.name, ~F("iscrowd")).count(path)
    return counted


def resolve_box_source(
    samples: fo.Dataset | fo.DatasetView,
    *,
    boxes: str | None,
    detector: str | None,
    whole_image: bool,
    box_threshold: float,
) -> BoxSource:
    """Check that exactly one source was named and that it can be used.

    Raises:
        BoxSourceError: If not; it names the fields that would do.
    """
    import fiftyone as fo

    chosen = [
        name
        for name, given in (
            ("boxes", boxes is not None),
            ("detector", detector is not None),
            ("whole_image", whole_image),
        )
        if given
    ]
    fields = box_fields(samples)
    offer = (
        f"fields with boxes: {', '.join(fields)}"
        if fields
        else "the dataset has no field with boxes (Detections): name a detector, or take the whole image"
    )
    if len(chosen) != 1:
        given = f"{' and '.join(chosen)} were given" if chosen else "none was given"
        raise BoxSourceError(
            f"exactly one of boxes, detector and whole_image says where the people are; {given}; {offer}"
        )
    if boxes is None:
        if detector is None:
            return BoxSource("whole_image")
        if not 0 <= box_threshold <= 1:
            raise BoxSourceError(f"box_threshold is {box_threshold}, expected a confidence from 0 to 1")
        return BoxSource("detector", detector, threshold=float(box_threshold))
    if boxes not in fields:
        field = samples.get_field(boxes)
        if field is None:
            found = "there is no such field"
        else:
            document = getattr(field, "document_type", None)
            found = f"it is a {(document or type(field)).__name__} field, expected {fo.Detections.__name__}"
        raise BoxSourceError(f"boxes={boxes!r}: {found}; {offer}")
    return BoxSource("field", boxes, labels=person_labels(samples, boxes))


def read_boxes(detections: fo.Detections | None, labels: tuple[str, ...] | None) -> list[PersonBox]:
    """Read the people of one sample; crowd boxes (COCO's ``iscrowd``) show no single person: left out."""
    people = []
    for detection in detections.detections if detections is not None else ():
        if labels is not None and detection.label not in labels:
            continue
        if detection.has_field("iscrowd") and detection["iscrowd"]:
            continue
        # NaN would make the person's score NaN, which breaks FiftyOne's aggregations.
        confidence = detection.confidence
        usable = confidence is not None and math.isfinite(confidence)
        people.append(
            PersonBox(
                bbox_rel=tuple(float("nan") if v is None else float(v) for v in detection.bounding_box or ()),
                score=float(confidence) if usable else 1.0,
                box_id=detection.id,
                instance_id=detection.instance_id,
            )
        )
    return people

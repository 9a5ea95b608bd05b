from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import fiftyone as fo
import pytest
from fiftyone import ViewField as F

from fo_pose_plugin.dataset.boxes import (
    BoxSource,
    PersonBox,
    box_fields,
    count_people,
    person_labels,
    read_boxes,
    resolve_box_source,
)
from fo_pose_plugin.errors import BoxSourceError

MakeDataset = Callable[..., fo.Dataset]
BOX = [0.1, 0.2, 0.3, 0.4]


def detections(*labels: str | None, **attributes: Any) -> fo.Detections:
    return fo.Detections(
        detections=[fo.Detection(label=label, bounding_box=BOX, **attributes) for label in labels]
    )


def dataset_of(make_dataset: MakeDataset, *contents: dict[str, Any]) -> fo.Dataset:
    dataset = make_dataset()
    samples = [fo.Sample(filepath=f"/no/such/{i}.jpg", **fields) for i, fields in enumerate(contents)]
    dataset.add_samples(samples, dynamic=True, progress=False)
    return dataset


def resolve(samples: fo.Dataset | fo.DatasetView, **given: Any) -> BoxSource:
    arguments = {"boxes": None, "detector": None, "whole_image": False, "box_threshold": 0.3, **given}
    return resolve_box_source(samples, **arguments)


@pytest.fixture
def mixed(make_dataset: MakeDataset) -> fo.Dataset:
    return dataset_of(
        make_dataset,
        {"gt": detections("person", "car"), "riders": detections("rider"), "one": fo.Detection()},
        {"gt": detections("Person", None, "person "), "riders": detections()},
        {"gt": detections("car"), "riders": detections("rider", "horse")},
        {"gt": None, "points": fo.Keypoints(), "number": 3.0},
    )


def test_only_fields_of_several_boxes_are_offered(mixed: fo.Dataset) -> None:
    assert box_fields(mixed) == ["gt", "riders"]
    assert box_fields(mixed.exclude_fields("gt")) == ["riders"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "none was given"),
        ({"boxes": "gt", "detector": "yolox"}, "boxes and detector were given"),
        ({"boxes": "gt", "whole_image": True}, "boxes and whole_image were given"),
        ({"boxes": "gt", "detector": "d", "whole_image": True}, "boxes and detector and whole_image"),
    ],
)
def test_exactly_one_source_is_wanted(mixed: fo.Dataset, given: dict[str, Any], words: str) -> None:
    with pytest.raises(BoxSourceError, match=words) as caught:
        resolve(mixed, **given)
    assert "gt, riders" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("nothing", "no such field"),
        ("", "no such field"),
        ("gt.detections", "expected Detections"),
        ("one", "it is a Detection field"),
        ("points", "it is a Keypoints field"),
        ("number", "it is a FloatField field"),
        ("filepath", "it is a StringField field"),
    ],
)
def test_another_field_is_refused_with_those_that_would_do(mixed: fo.Dataset, field: str, words: str) -> None:
    with pytest.raises(BoxSourceError, match=words) as caught:
        resolve(mixed, boxes=field)
    assert repr(field) in str(caught.value)
    assert "gt, riders" in str(caught.value)


def test_where_there_are_no_boxes_it_is_said(make_dataset: MakeDataset) -> None:
    with pytest.raises(BoxSourceError, match="the dataset has no field with boxes"):
        resolve(dataset_of(make_dataset, {}))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan, math.inf])
def test_a_threshold_is_a_confidence(mixed: fo.Dataset, threshold: float) -> None:
    with pytest.raises(BoxSourceError, match="from 0 to 1"):
        resolve(mixed, detector="yolox", box_threshold=threshold)


def test_sources_are_described(mixed: fo.Dataset) -> None:
    assert resolve(mixed, whole_image=True).describe() == "the whole image as one box"
    assert "'yolox' with a confidence of at least 0.05" in (
        resolve(mixed, detector="yolox", box_threshold=0.05).describe()
    )
    assert resolve(mixed, boxes="riders").describe() == "all boxes of the field 'riders'"
    assert "'person'" in resolve(mixed, boxes="gt").describe()


def test_every_spelling_of_person_counts_and_nothing_else(mixed: fo.Dataset) -> None:
    source = resolve(mixed, boxes="gt")
    assert source.labels is not None
    assert set(source.labels) == {"person", "Person", "person "}
    labels = [
        [box.label for box in sample.gt.detections if box.id in {b.box_id for b in read(sample, source)}]
        for sample in mixed.exists("gt")
    ]
    assert labels == [["person"], ["Person", "person "], []]
    assert count_people(mixed, source) == 3


def read(sample: fo.Sample, source: BoxSource) -> list[PersonBox]:
    return read_boxes(sample[source.name], source.labels)


def test_without_the_label_person_every_box_is_taken(mixed: fo.Dataset) -> None:
    source = resolve(mixed, boxes="riders")
    assert source.labels is None
    assert [len(read(sample, source)) for sample in mixed] == [1, 0, 2, 0]
    assert count_people(mixed, source) == 3


def test_a_view_of_cars_does_not_make_people_of_them(mixed: fo.Dataset) -> None:
    view = mixed[2:3]
    source = resolve(view, boxes="gt")
    assert source == resolve(mixed, boxes="gt")
    assert count_people(view, source) == 0
    assert read(view.first(), source) == []


def test_boxes_that_a_view_was_filtered_to_are_taken_as_people(mixed: fo.Dataset) -> None:
    view = mixed.filter_labels("gt", F("label") == "car")
    source = resolve(view, boxes="gt")
    assert source.labels is None
    assert count_people(view, source) == 2


def test_a_filtered_views_boxes_only(mixed: fo.Dataset) -> None:
    view = mixed.filter_labels("gt", F("label") == "Person", only_matches=False)
    source = resolve(view, boxes="gt")
    assert [len(read(sample, source)) for sample in view] == [0, 1, 0, 0]
    assert count_people(view, source) == 1


def test_crowds_are_left_out(make_dataset: MakeDataset) -> None:
    people = [
        fo.Detection(label="person", bounding_box=BOX, **attributes)
        for attributes in ({}, {"iscrowd": 0}, {"iscrowd": 1}, {"iscrowd": False}, {"iscrowd": True})
    ]
    for subset in (people[:3], [people[0], *people[3:]]):
        boxes = fo.Detections(detections=[box.copy() for box in subset])
        dataset = dataset_of(make_dataset, {"gt": boxes})
        source = resolve(dataset, boxes="gt")
        assert [b.box_id for b in read(dataset.first(), source)] == [b.id for b in boxes.detections[:2]]
        assert count_people(dataset, source) == 2


def test_what_a_box_says_of_itself(make_dataset: MakeDataset) -> None:
    instance = fo.Instance()
    first = fo.Detection(label="person", bounding_box=BOX, confidence=0.25, instance=instance)
    second = fo.Detection(label="person", bounding_box=BOX)
    third = fo.Detection(label="person")
    dataset = dataset_of(make_dataset, {"gt": fo.Detections(detections=[first, second, third])})
    assert read_boxes(dataset.first().gt, None) == [
        PersonBox(tuple(BOX), 0.25, first.id, instance.id),
        PersonBox(tuple(BOX), 1.0, second.id, None),
        PersonBox((), 1.0, third.id, None),
    ]


@pytest.mark.parametrize("confidence", [math.nan, math.inf])
def test_a_confidence_that_is_no_number_counts_as_none(confidence: float) -> None:
    # It would make the person's score NaN, which breaks FiftyOne's aggregations.
    boxes = fo.Detections(detections=[fo.Detection(bounding_box=BOX, confidence=confidence)])
    assert read_boxes(boxes, None)[0].score == 1.0


def test_a_sample_without_boxes_has_no_people() -> None:
    assert read_boxes(None, None) == read_boxes(fo.Detections(), ("person",)) == []


def test_people_are_counted_before_a_run(mixed: fo.Dataset) -> None:
    assert count_people(mixed, resolve(mixed, whole_image=True)) == 4
    assert count_people(mixed, resolve(mixed, detector="yolox")) is None


def test_a_dataset_of_no_samples_is_no_error(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    dataset.add_sample_field("gt", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    source = resolve(dataset, boxes="gt")
    assert person_labels(dataset, "gt") is None
    assert count_people(dataset, source) == 0

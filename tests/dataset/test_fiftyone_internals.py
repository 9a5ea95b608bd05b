from __future__ import annotations

from collections.abc import Callable

import fiftyone as fo
import fiftyone.core.odm as odm
import pytest
from fiftyone import ViewField as F

from fo_pose_plugin.dataset.fiftyone_internals import (
    all_samples,
    dataset_id,
    filters_labels,
    is_generated_view,
    root_dataset,
)

MakeDataset = Callable[..., fo.Dataset]


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> fo.Dataset:
    dataset = make_dataset()
    boxes = fo.Detections(detections=[fo.Detection(label="person", bounding_box=[0, 0, 1, 1])])
    dataset.add_samples([fo.Sample(filepath=f"/no/{i}.jpg", gt=boxes.copy()) for i in range(3)])
    return dataset


def test_a_views_dataset_is_found(dataset: fo.Dataset) -> None:
    assert root_dataset(dataset) is dataset
    assert root_dataset(dataset.limit(1).match(F("gt").exists())) is dataset
    assert root_dataset(dataset.to_patches("gt")) is dataset


def test_an_id_is_24_hex_digits(dataset: fo.Dataset) -> None:
    assert len(dataset_id(dataset)) == 24
    assert odm.load_dataset(id=dataset_id(dataset)) is dataset


def test_patches_are_told_from_images(dataset: fo.Dataset, make_dataset: MakeDataset) -> None:
    assert not is_generated_view(dataset)
    assert not is_generated_view(dataset.limit(1))
    patches = dataset.to_patches("gt")
    assert is_generated_view(patches)
    assert is_generated_view(patches.limit(1))


def test_every_slice_counts(make_dataset: MakeDataset, dataset: fo.Dataset) -> None:
    grouped = make_dataset()
    grouped.add_group_field("group", default="left")
    group = fo.Group()
    grouped.add_samples(
        [
            fo.Sample(filepath="/no/l.jpg", group=group.element("left")),
            fo.Sample(filepath="/no/v.mp4", group=group.element("video")),
            fo.Sample(filepath="/no/r.jpg", group=group.element("right")),
        ],
        progress=False,
    )
    assert len(grouped) == 1
    assert len(all_samples(grouped)) == len(all_samples(grouped.select_group_slices("right"))) == 3
    assert all_samples(dataset.limit(1)) is dataset


def test_views_that_filter_a_fields_labels_are_told(dataset: fo.Dataset) -> None:
    assert filters_labels(dataset.filter_labels("gt", F("label") == "person"), "gt")
    assert filters_labels(dataset.limit_labels("gt", 1).limit(2), "gt")
    assert filters_labels(dataset.select_labels(ids=dataset.values("gt.detections.id")[0]), "gt")
    for view in (
        dataset,
        dataset.limit(1),
        dataset.match(F("gt.detections").length() > 0),
        dataset.exists("gt"),
    ):
        assert not filters_labels(view, "gt")
    assert not filters_labels(dataset.filter_labels("gt", F("label") == "person"), "g")

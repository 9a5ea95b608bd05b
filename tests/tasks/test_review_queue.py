"""The review queue: its order, who is left out, and how it is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

import fo_pose_plugin as fop
from fo_pose_plugin.errors import FieldError, InputError, KeypointNameError
from fo_pose_plugin.tasks.review_queue import plan_queue
from tests.kept_datasets import COCO, fill_with_photos, keep_poses

MakeDataset = Callable[..., fo.Dataset]
WRIST = COCO.keypoint_names.index("left_wrist")
NOSE = COCO.keypoint_names.index("nose")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(tmp_path / "kept"))


@pytest.fixture
def judged(make_dataset: MakeDataset, tmp_path: Path) -> fo.Dataset:
    """Four images: two people, one, none, one; the doubts are set by hand."""
    dataset = make_dataset("queue")
    fill_with_photos(dataset, tmp_path / "photos", 4)
    keep_poses(dataset, [2, 1, 0, 1])
    fop.compute_signals(dataset, progress=False)
    dataset.reload()
    set_doubts(dataset, [[0.2, 0.5], [0.9], [], [0.7]])
    return dataset


def set_doubts(dataset: fo.Dataset, doubts: list[list[float]]) -> None:
    people = [[[0.01] * 17 for _ in sample] for sample in doubts]
    whys = [["nothing stands out" for _ in sample] for sample in doubts]
    dataset.set_values("poses.keypoints.doubt", doubts)
    dataset.set_values("poses.keypoints.keypoint_doubt", people)
    dataset.set_values("poses.keypoints.why", whys)


def change(dataset: fo.Dataset, place: tuple[int, int], **values: Any) -> None:
    sample = dataset.skip(place[0]).first()
    for name, value in values.items():
        sample.poses.keypoints[place[1]][name] = value
    sample.save()


def order(dataset: fo.Dataset, view: fo.DatasetView) -> list[int]:
    ids = dataset.values("id")
    return [ids.index(sample_id) for sample_id in view.values("id")]


def correct(dataset: fo.Dataset, *places: tuple[int, int], status: str = "accepted") -> None:
    """What the editor will write."""
    samples = list(dataset)
    for image, person in places:
        done = samples[image]["poses_corrected"] if dataset.has_field("poses_corrected") else None
        done = done or fo.Keypoints()
        source = samples[image].poses.keypoints[person]
        done.keypoints.append(
            fo.Keypoint(label="person", points=source.points, status=status, source_id=source.id)
        )
        samples[image]["poses_corrected"] = done
        samples[image].save()
    dataset.add_dynamic_sample_fields()


def test_the_worst_image_comes_first_by_its_worst_person(judged: fo.Dataset) -> None:
    assert order(judged, fop.review_queue(judged)) == [1, 3, 0]
    assert order(judged, fop.review_queue(judged, n=2)) == [1, 3]
    entries = plan_queue(judged).entries
    assert [entry.doubt for entry in entries] == [0.9, 0.7, 0.5]
    assert [entry.people for entry in entries] == [1, 1, 2]


def test_a_saved_queue_stays_as_it_is(judged: fo.Dataset) -> None:
    judged.save_view("queue", fop.review_queue(judged, n=3))
    set_doubts(judged, [[0.99, 0.99], [0.1], [], [0.1]])
    correct(judged, (1, 0))
    again = fo.load_dataset(judged.name)
    again.reload()
    assert order(again, again.load_saved_view("queue")) == [1, 3, 0]


@pytest.mark.parametrize("status", ["accepted", "corrected", "rejected"])
def test_people_who_are_done_are_left_out(judged: fo.Dataset, status: str) -> None:
    correct(judged, (1, 0), (0, 1), status=status)
    queue = plan_queue(judged)
    assert order(judged, queue.view(judged)) == [3, 0]
    assert [entry.doubt for entry in queue.entries] == [0.7, 0.2]
    assert (queue.people, queue.reviewed) == (2, 2)
    correct(judged, (0, 0), (3, 0))
    assert len(fop.review_queue(judged)) == 0


def test_someone_whom_a_person_added_does_no_harm(judged: fo.Dataset) -> None:
    sample = judged.first()
    sample["poses_corrected"] = fo.Keypoints(keypoints=[fo.Keypoint(points=[[0.1, 0.1]], status="added")])
    sample.save()
    assert order(judged, fop.review_queue(judged)) == [1, 3, 0]


def test_only_chosen_keypoints_count(judged: fo.Dataset) -> None:
    doubts = [0.01] * 17
    doubts[WRIST] = 0.8
    change(judged, (0, 0), keypoint_doubt=doubts, why="nothing; left wrist: two peaks; unsure: nose")
    doubts = [0.01] * 17
    doubts[WRIST], doubts[NOSE] = 0.3, 0.95
    change(judged, (3, 0), keypoint_doubt=doubts)
    queue = plan_queue(judged, keypoints="left_wrist", n=2)
    assert order(judged, queue.view(judged)) == [0, 3]
    assert [entry.why for entry in queue.entries] == ["left wrist: two peaks", "left wrist: doubt 0.30"]
    assert order(judged, fop.review_queue(judged, keypoints=["nose"], n=1)) == [3]
    with pytest.raises(KeypointNameError, match="tail"):
        fop.review_queue(judged, keypoints="tail")
    with pytest.raises(InputError, match="no keypoint"):
        fop.review_queue(judged, keypoints=[])


def test_a_varied_batch_passes_over_what_it_has_already(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset = make_dataset("queue")
    fill_with_photos(dataset, tmp_path / "photos", 6)
    keep_poses(dataset, [1] * 6)
    fop.compute_signals(dataset, progress=False)
    dataset.reload()
    set_doubts(dataset, [[0.9], [0.89], [0.88], [0.87], [0.5], [0.4]])
    first = dataset.first().poses.keypoints[0]
    for image in range(4):  # the same skier
        change(dataset, (image, 0), points=first.points, bounding_box=first.bounding_box)
    assert order(dataset, fop.review_queue(dataset, n=3, diverse=True)) == [0, 4, 5]
    assert order(dataset, fop.review_queue(dataset, n=3)) == [0, 1, 2]


def test_of_a_view_only_what_it_shows_counts(judged: fo.Dataset) -> None:
    assert order(judged, fop.review_queue(judged.skip(2))) == [3]
    sure = judged.filter_labels("poses", F("doubt") < 0.6)
    assert order(judged, fop.review_queue(sure)) == [0]
    assert len(fop.review_queue(judged.limit(0))) == 0


def test_people_without_doubt_are_counted(judged: fo.Dataset) -> None:
    change(judged, (1, 0), doubt=None)
    queue = plan_queue(judged)
    assert order(judged, queue.view(judged)) == [3, 0]
    assert queue.unjudged == 1


@pytest.mark.parametrize("n", [0, -1, 2.5, True])
def test_a_length_that_is_none_is_refused(judged: fo.Dataset, n: Any) -> None:
    with pytest.raises(InputError, match="n is"):
        fop.review_queue(judged, n=n)


def test_what_is_missing_is_said(judged: fo.Dataset, make_dataset: MakeDataset) -> None:
    with pytest.raises(InputError, match="needs its length"):
        fop.review_queue(judged, diverse=True)
    with pytest.raises(FieldError, match="'other'"):
        fop.review_queue(judged, "other")
    empty = make_dataset("empty")
    with pytest.raises(FieldError, match="'poses'"):
        fop.review_queue(empty)


def test_an_empty_view_gives_an_empty_queue(judged: fo.Dataset) -> None:
    assert len(fop.review_queue(judged.limit(0))) == 0
    assert len(fop.review_queue(judged.limit(0), n=2, diverse=True)) == 0


def test_without_signals_the_way_to_them_is_named(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset = make_dataset("queue")
    fill_with_photos(dataset, tmp_path / "photos", 1)
    keep_poses(dataset, [1])
    with pytest.raises(FieldError, match="run compute_signals"):
        fop.review_queue(dataset)


def test_points_that_are_nan_do_no_harm(judged: fo.Dataset) -> None:
    nan = [[float("nan")] * 2 for _ in range(17)]
    change(judged, (1, 0), points=nan)
    view = fop.review_queue(judged, n=3, diverse=True)
    assert sorted(order(judged, view)) == [0, 1, 3]
    assert np.isfinite([entry.doubt for entry in plan_queue(judged).entries]).all()

"""Labels of real photos, spoilt on purpose, held against the kept heatmaps of a real model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.dataset.label_error_labels import ERROR, FIX, STRENGTH
from fo_pose_plugin.errors import FieldError, InputError
from tests.tiny_models import BODY, noise_dataset, register_tiny_models

LEFT_WRIST, RIGHT_WRIST = 9, 10
LEGS = range(11, 17)


@pytest.fixture
def dataset(real_models: tuple[str, str], coco_test_dataset: Callable[..., fo.Dataset]) -> fo.Dataset:
    """Four photos with the truth and poses in the truth's boxes."""
    dataset = coco_test_dataset()
    fop.estimate_poses(dataset, real_models[0], boxes="ground_truth_boxes", flip_test=True, progress=False)
    return dataset


def largest(dataset: fo.Dataset) -> tuple[fo.Sample, fo.Keypoint]:
    """The label with most keypoints, and of these the largest."""
    people = [(sample, person) for sample in dataset for person in sample.ground_truth.keypoints]
    return max(people, key=lambda one: (sum(v > 0 for v in one[1].visible), one[1].area))


def test_spoilt_labels_are_found_with_their_cure_and_true_ones_are_not(dataset: fo.Dataset) -> None:
    before = fop.find_label_errors(dataset, "ground_truth", progress=False)
    assert before.samples == 4
    assert not [e for e in before.errors if e.kind.startswith("swapped") and e.strength > 0.6]
    dataset.reload()
    sample, person = largest(dataset)
    true = np.array(person.points)
    flipped = [k + 1 if k % 2 else k - 1 for k in LEGS]
    for k, other in zip(LEGS, flipped, strict=True):
        person.points[k] = true[other].tolist()
    person.visible = [*person.visible[:11], *(person.visible[k] for k in flipped)]
    sample.save()

    report = fop.find_label_errors(dataset, "ground_truth", progress=False)
    error = report.errors[0]
    assert (error.kind, error.label_id, error.sample_id) == ("swapped_legs", person.id, sample.id)
    assert report.counts["swapped_legs"] == 1
    assert report.view(dataset).first().id == sample.id
    dataset.reload()
    written = {p.id: p for p in dataset[sample.id].ground_truth.keypoints}[person.id]
    assert written[ERROR].startswith("left and right leg look exchanged")
    assert written[STRENGTH] == error.strength > 0.5
    assert written[FIX]["kind"] == "swapped_legs"
    names = dataset.skeletons["ground_truth"].labels
    for name, point in zip(written[FIX]["keypoints"], written[FIX]["points"], strict=True):
        np.testing.assert_allclose(point, true[names.index(name)])
    assert dataset.get_field(f"ground_truth.keypoints.{STRENGTH}") is not None

    # What is put right is no longer said to be wrong.
    sample.reload()
    person = {p.id: p for p in sample.ground_truth.keypoints}[person.id]
    person.points = true.tolist()
    sample.save()
    again = fop.find_label_errors(dataset, "ground_truth", kinds=["swapped_legs"], progress=False)
    assert not again.errors
    dataset.reload()
    assert not any(p[ERROR] for s in dataset for p in s.ground_truth.keypoints)
    assert len(again.view(dataset)) == 0


def test_a_person_whom_nobody_annotated_is_found_on_the_prediction(dataset: fo.Dataset) -> None:
    sample, person = largest(dataset)
    (box,) = [b for b in sample.ground_truth_boxes.detections if b.coco_id == person.coco_id]
    sample.ground_truth.keypoints = [p for p in sample.ground_truth.keypoints if p.id != person.id]
    sample.save()
    report = fop.find_label_errors(dataset, "ground_truth", kinds=["missing_person"], progress=False)
    found = {error.prediction_id: error for error in report.errors}
    dataset.reload()
    (label,) = [p for p in dataset[sample.id].poses.keypoints if p.box_id == box.id]
    assert found[label.id].label_id is None
    assert label[ERROR] == "a person whom nobody annotated"
    assert len(label[FIX]["points"]) == len(label[FIX]["keypoints"]) > 5


def test_nothing_is_written_where_that_is_not_wanted(dataset: fo.Dataset) -> None:
    fop.find_label_errors(dataset, "ground_truth", min_strength=0, write=False, progress=False)
    dataset.reload()
    assert dataset.get_field(f"ground_truth.keypoints.{ERROR}") is None
    digests = dataset.values("poses.keypoints.digest")
    fop.find_label_errors(dataset, "ground_truth", min_strength=0, progress=False)
    assert dataset.values("poses.keypoints.digest") == digests
    assert not fop.compute_signals(dataset, progress=False).edited


def test_heatmaps_that_are_gone_cost_their_sample_alone(dataset: fo.Dataset) -> None:
    first = dataset.first()
    Path(first.poses.heatmaps_path).unlink()
    report = fop.find_label_errors(dataset, "ground_truth", progress=False)
    assert report.samples == 3
    assert list(report.failures) == [first.id]
    assert "heatmaps" in report.failures[first.id]
    assert fop.find_label_errors(dataset[4:], "ground_truth", progress=False).errors == ()


def test_samples_without_poses_are_counted_and_the_others_searched(dataset: fo.Dataset) -> None:
    dataset.limit(1).clear_sample_field("poses")
    report = fop.find_label_errors(dataset, "ground_truth", progress=False)
    assert (report.samples, report.without_poses, report.failures) == (3, 1, {})


def test_labels_without_area_box_or_some_points_are_searched_too(dataset: fo.Dataset) -> None:
    before = fop.find_label_errors(dataset, "ground_truth", write=False, progress=False)
    for sample in dataset.iter_samples(autosave=True):
        for person in sample.ground_truth.keypoints:
            person["area"], person["bounding_box"] = None, None
            person.points = [[float("nan")] * 2, *person.points[1:]]
    report = fop.find_label_errors(dataset, "ground_truth", progress=False)
    assert (report.samples, report.people, report.failures) == (4, before.people, {})
    assert all(np.isfinite(error.strength) for error in report.errors)


def test_labels_of_another_skeleton_are_searched_by_the_names_they_share(dataset: fo.Dataset) -> None:
    sample, person = largest(dataset)
    true = np.array(person.points)
    for k in LEGS:
        person.points[k] = true[k + 1 if k % 2 else k - 1].tolist()
    sample.save()
    kept = [0, *range(5, 17)]
    names = [dataset.skeletons["ground_truth"].labels[k].replace("_", " ").title() for k in kept]
    for each in dataset.iter_samples(autosave=True):
        for one in each.ground_truth.keypoints:
            one.points = [one.points[k] for k in kept] + [[0.5, 0.5]]
            one["visible"] = [one["visible"][k] for k in kept] + [2]
    dataset.skeletons["ground_truth"] = fo.KeypointSkeleton(labels=[*names, "Tail"], edges=[])
    dataset.save()
    error = fop.find_label_errors(dataset, "ground_truth", progress=False).errors[0]
    assert (error.kind, error.label_id) == ("swapped_legs", person.id)


@pytest.mark.parametrize(
    ("fields", "options", "error", "message"),
    [
        (("nowhere", "poses"), {}, FieldError, "no field 'nowhere'"),
        (("boxes", "poses"), {}, FieldError, "no keypoints"),
        (("poses", "poses"), {}, InputError, "against itself"),
        (("truth", "truth2"), {}, FieldError, "no poses of a run"),
        (("truth", "poses"), {"kinds": ["odd"]}, InputError, "expected some of swapped_person"),
        (("truth", "poses"), {"kinds": []}, InputError, "expected some of"),
        (("truth", "poses"), {"min_strength": 2}, InputError, "expected 0 to 1"),
        (("truth", "poses"), {"oks_sigmas": {"nose": -1}}, InputError, "positive number"),
    ],
)
def test_what_cannot_be_searched_is_refused_at_once(
    make_dataset: Callable[..., fo.Dataset],
    tmp_path: Path,
    fields: tuple[str, str],
    options: dict[str, object],
    error: type[Exception],
    message: str,
) -> None:
    register_tiny_models(BODY)
    dataset = noise_dataset(make_dataset("search"), tmp_path, [1])
    fop.estimate_poses(dataset, BODY, boxes="boxes", progress=False)
    dataset.clone_sample_field("poses", "truth")
    dataset.clone_sample_field("poses", "truth2")
    dataset.delete_sample_field("truth2.heatmaps_path")
    dataset.skeletons = dict.fromkeys(("poses", "truth", "truth2"), dataset.skeletons["poses"])
    dataset.save()
    with pytest.raises(error, match=message):
        fop.find_label_errors(dataset, *fields, progress=False, **options)  # type: ignore[arg-type]


def test_a_read_only_field_is_searched_and_not_written_on(dataset: fo.Dataset) -> None:
    field = dataset.get_field("ground_truth")
    field.read_only = True
    field.save()
    with pytest.raises(FieldError, match="write=False"):
        fop.find_label_errors(dataset, "ground_truth", progress=False)
    assert fop.find_label_errors(dataset, "ground_truth", write=False, progress=False).samples == 4
    field.read_only = False
    field.save()

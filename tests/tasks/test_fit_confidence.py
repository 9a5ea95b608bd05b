"""Probabilities fitted to labelled people, and the rule that would accept without looking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.errors import FieldError, InputError
from fo_pose_plugin.tasks.auto_accept import fitted_fields
from fo_pose_plugin.tasks.fit_confidence import apply_confidence
from fo_pose_plugin.tasks.known_truth import known_people
from tests.kept_datasets import COCO

MakeDataset = Callable[..., fo.Dataset]
NAN = [float("nan")] * 2
SIZE = 1000


def fill(dataset: fo.Dataset, people: int, *, labelled: int | None = None, doubt: bool = True) -> fo.Dataset:
    """One person per image; a keypoint is off by a third of the image as often as its doubt says."""
    rng = np.random.default_rng(0)
    samples = []
    for index in range(people):
        points = rng.uniform(0.2, 0.6, (17, 2))
        doubts = rng.uniform(0, 0.6, 17)
        wrong = rng.random(17) < doubts
        truth = points + wrong[:, None] * 0.33
        box = [0.1, 0.1, 0.8, 0.8]
        sample = fo.Sample(filepath=f"/{dataset.name}/{index}.jpg")
        sample["metadata"] = fo.ImageMetadata(width=SIZE, height=SIZE)
        predicted = fo.Keypoint(
            label="person", points=points.tolist(), confidence=(1 - doubts / 2).tolist(), bounding_box=box
        )
        if doubt:
            predicted["keypoint_doubt"] = doubts.tolist()
        sample["poses"] = fo.Keypoints(keypoints=[predicted])
        if labelled is None or index < labelled:
            person = fo.Keypoint(label="person", points=truth.tolist(), bounding_box=box, area_px=64_000.0)
            sample["truth"] = fo.Keypoints(keypoints=[person])
        samples.append(sample)
    dataset.add_samples(samples, dynamic=True, progress=False)
    for field in ("poses", "truth"):
        dataset.skeletons[field] = fo.KeypointSkeleton(
            labels=list(COCO.keypoint_names), edges=[list(e) for e in COCO.edges]
        )
    dataset.save()
    return dataset


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> fo.Dataset:
    return fill(make_dataset("confidence"), 160, labelled=120)


def probabilities(dataset: fo.Dataset) -> np.ndarray[Any, Any]:
    dataset.reload()
    return np.array(dataset.values("poses.keypoints.probability", unwind=True)).reshape(-1, 17)


def test_probabilities_are_those_of_the_truth_and_everyone_gets_them(dataset: fo.Dataset) -> None:
    report = fop.fit_confidence(dataset, "poses", "truth")
    assert (report.images, report.people, report.keypoints) == (120, 120, 120 * 17)
    assert report.score == "doubt"
    assert report.method == "isotonic"
    assert report.written == 160
    assert report.after.ece < 0.05
    assert sum(report.after.counts) == report.keypoints
    found = probabilities(dataset)
    doubts = np.array(dataset.values("poses.keypoints.keypoint_doubt", unwind=True)).reshape(-1, 17)
    assert np.abs(found - (1 - doubts)).mean() < 0.05


def test_without_doubt_the_confidence_is_made_a_probability(make_dataset: MakeDataset) -> None:
    dataset = fill(make_dataset("confidence"), 80, doubt=False)
    report = fop.fit_confidence(dataset, "poses", "truth", method="platt")
    assert report.score == "confidence"
    assert report.method == "platt"
    assert report.before.ece > 0.1, "half of the doubt is no probability"
    assert report.after.ece < 0.06


def test_the_curve_is_kept_for_poses_that_come_later(dataset: fo.Dataset) -> None:
    report = fop.fit_confidence(dataset, "poses", "truth")
    before = probabilities(dataset)
    dataset.set_values("poses.keypoints.probability", [[None]] * len(dataset))
    again = fo.load_dataset(dataset.name)
    assert apply_confidence(again, "poses") == 160
    np.testing.assert_array_equal(probabilities(again), before)
    assert report.run_key in again.list_runs()
    fop.fit_confidence(again, "poses", "truth", method="platt")
    assert again.list_runs().count(report.run_key) == 1
    assert fitted_fields(again) == ["poses"]


def test_a_wholly_wrong_pose_in_the_right_box_counts_as_wrong(dataset: fo.Dataset) -> None:
    sample = dataset.first()
    sample.poses.keypoints[0].points = [[0.05, 0.05]] * 17
    sample.save()
    person = next(one for one in known_people(dataset, "poses", "truth") if one.sample_id == sample.id)
    assert not person.right.any()


def test_what_is_not_labelled_or_not_found_is_told_apart(dataset: fo.Dataset) -> None:
    sample = dataset.first()
    sample.truth.keypoints[0].points = [NAN, *sample.poses.keypoints[0].points[1:]]
    sample.poses.keypoints[0].points = [*sample.poses.keypoints[0].points[:16], NAN]
    sample.save()
    person = next(one for one in known_people(dataset, "poses", "truth") if one.sample_id == sample.id)
    assert person.keypoints.tolist() == list(range(1, 17))
    assert person.right.tolist() == [True] * 15 + [False]


def test_too_little_truth_is_refused(make_dataset: MakeDataset) -> None:
    dataset = fill(make_dataset("confidence"), 3)
    with pytest.raises(InputError, match=r"too few|known truth"):
        fop.fit_confidence(dataset.limit(2), "poses", "truth")
    with pytest.raises(InputError, match="known truth"):
        fop.fit_confidence(dataset.limit(0), "poses", "truth")
    with pytest.raises(FieldError, match="nothing"):
        fop.fit_confidence(dataset, "poses", "nothing")
    assert not dataset.has_field("poses.keypoints.probability")
    assert dataset.list_runs() == []


def test_the_rule_says_how_many_and_how_many_errors_first(dataset: fo.Dataset) -> None:
    fop.fit_confidence(dataset, "poses", "truth")
    dataset.reload()
    chances = probabilities(dataset)
    for p in (0.3, 0.45, 0.999):
        found = fop.auto_accept_preview(dataset, "poses", p)
        chosen = (chances >= p).all(axis=1)
        assert found.accepted == found.images == chosen.sum()
        assert found.people == 160
        assert found.keypoints == 17 * chosen.sum()
        assert found.expected_errors == pytest.approx((1 - chances[chosen]).sum())
        view = found.view(dataset, "poses")
        assert len(view) == found.accepted
    assert "nobody of 160 people" in found.describe()
    assert not dataset.has_field("poses_corrected"), "a preview accepts nobody"


def test_expected_errors_come_true(make_dataset: MakeDataset) -> None:
    """On people who had no part in the fit."""
    dataset = fill(make_dataset("confidence"), 400, labelled=200)
    everyone = fill(make_dataset("all"), 400)
    fop.fit_confidence(dataset, "poses", "truth")
    others = dataset.skip(200)
    found = fop.auto_accept_preview(others, "poses", 0.4)
    assert found.accepted > 60
    ids = dict(zip(dataset.values("id"), everyone.values("id"), strict=True))
    view = found.view(others, "poses")
    known = known_people(everyone.select([ids[i] for i in view.values("id")]), "poses", "truth")
    wrong = sum(int((~person.right).sum()) for person in known)
    assert wrong == pytest.approx(found.expected_errors, rel=0.15)


def test_who_is_reviewed_or_hardly_seen_is_left_out(dataset: fo.Dataset) -> None:
    fop.fit_confidence(dataset, "poses", "truth")
    dataset.reload()
    one, other = dataset[:2]
    one["poses_corrected"] = fo.Keypoints(
        keypoints=[fo.Keypoint(points=[], status="accepted", source_id=one.poses.keypoints[0].id)]
    )
    one.save()
    other.poses.keypoints[0].confidence = [0.1] * 13 + [0.9] * 4
    other.save()
    dataset.add_dynamic_sample_fields()
    found = fop.auto_accept_preview(dataset, "poses", 0.0)
    assert (found.people, found.accepted, found.reviewed) == (159, 158, 1)
    assert fop.auto_accept_preview(dataset, "poses", 0.0, least_visible=4).accepted == 159


def test_a_preview_needs_probabilities(dataset: fo.Dataset) -> None:
    with pytest.raises(FieldError, match="run fit_confidence"):
        fop.auto_accept_preview(dataset, "poses")
    with pytest.raises(InputError, match=r"p is 1\.5"):
        fop.auto_accept_preview(dataset, "poses", 1.5)
    with pytest.raises(FieldError, match="'nothing'"):
        fop.auto_accept_preview(dataset, "nothing")
    assert fitted_fields(dataset) == []

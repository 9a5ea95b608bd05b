"""Doubt on the labels: on the way and later, and what becomes of it when poses are replaced or undone."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.dataset.labels import is_edited
from fo_pose_plugin.dataset.signal_labels import DETAILS
from fo_pose_plugin.errors import FieldError, MediaTypeError
from tests.kept_datasets import KeptModel, fill_with_photos, keep_poses
from tests.tiny_models import BODY, OTHER_BODY

Noise = Callable[..., fo.Dataset]
LISTS = ("keypoint_doubt", "second_peak", "second_peak_distance")
SCALARS = ("doubt", "why")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Callable[..., None]) -> Path:
    tiny(BODY, OTHER_BODY)
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(tmp_path / "kept"))
    return tmp_path / "kept"


def estimate(samples: fo.Dataset, model: str = BODY, **options: Any) -> fop.EstimateReport:
    report = fop.estimate_poses(samples, model, boxes="boxes", progress=False, **options)
    samples.reload()
    return report


def compute(samples: fo.Dataset | fo.DatasetView, *arguments: Any, **options: Any) -> fop.SignalsReport:
    report = fop.compute_signals(samples, *arguments, progress=False, **options)
    samples.reload()
    return report


def attributes(dataset: fo.Dataset, names: tuple[str, ...] = (*SCALARS, *LISTS)) -> list[Any]:
    """One tuple per person."""
    lists = dataset.values([f"poses.keypoints.{name}" for name in names])
    return [person for sample in zip(*lists, strict=True) for person in zip(*sample, strict=True)]


def test_a_run_writes_doubt_beside_the_points(noise: Noise) -> None:
    dataset = noise([2, 0, 1])
    estimate(dataset, signals=True)
    for sample in dataset:
        people = sample.poses.keypoints
        for person in people:
            assert 0 <= person.doubt <= 1
            assert person.why
            for name in LISTS:
                assert len(person[name]) == len(person.points) == 17
            for lacks, ratio in zip(person.second_peak_distance, person.second_peak, strict=True):
                assert (lacks is None) == (ratio == 0)
            assert all(0 <= value <= 1 for value in person.keypoint_doubt)
            assert not is_edited(person)
        worst = max((person.doubt for person in people), default=None)
        assert (sample.poses.doubt if sample.poses.has_field("doubt") else None) == worst
    schema = dataset.get_field_schema(flat=True)
    for name in (*SCALARS, *LISTS):
        assert f"poses.keypoints.{name}" in schema
    assert dataset.bounds("poses.keypoints.doubt")[1] <= 1
    assert dataset.sort_by("poses.doubt", reverse=True).first().poses.doubt is not None


def test_without_being_asked_for_a_run_says_nothing(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset)
    assert "doubt" not in dataset.first().poses.keypoints[0].field_names
    assert "poses.keypoints.doubt" not in dataset.get_field_schema(flat=True)


@pytest.mark.parametrize("flip_test", [False, True], ids=["plain", "flip"])
def test_later_gives_what_a_run_gave(noise: Noise, flip_test: bool) -> None:
    """Kept heatmaps have 8 bits, so that values differ in the third digit."""
    dataset = noise([3, 0, 2])
    estimate(dataset, signals=True, flip_test=flip_test)
    before, digests = attributes(dataset), attributes(dataset, ("digest", "points", "confidence"))
    report = compute(dataset)
    assert (report.samples, report.people, report.skipped, report.failures) == (2, 5, 1, {})
    after = attributes(dataset)
    for one, other in zip(before, after, strict=True):
        assert one[0] == pytest.approx(other[0], abs=0.02)
        np.testing.assert_allclose(one[2], other[2], atol=0.05)
    assert [d for d, _, _ in digests] == [d for (d,) in attributes(dataset, ("digest",))]
    assert str(digests) == str(attributes(dataset, ("digest", "points", "confidence")))


def test_a_run_without_heatmaps_on_disk_can_have_signals_all_the_same(noise: Noise) -> None:
    dataset = noise([2])
    estimate(dataset, signals=True)
    kept = attributes(dataset)
    estimate(dataset, signals=True, keep_heatmaps=False, overwrite=True)
    assert attributes(dataset) == kept


def test_details_are_all_the_evidence_and_never_nan(noise: Noise) -> None:
    dataset = noise([2])
    estimate(dataset)
    compute(dataset, details=True)
    for values in attributes(dataset, tuple(DETAILS)):
        for one in values:
            assert len(one) == 17
            assert not any(value is not None and math.isnan(value) for value in one)
    assert dataset.histogram_values("poses.keypoints.peak")


def test_replacing_poses_replaces_their_doubt(noise: Noise) -> None:
    dataset = noise([2, 1])
    estimate(dataset, signals=True)
    before = attributes(dataset)
    estimate(dataset, OTHER_BODY, overwrite=True, signals=True)
    assert attributes(dataset) != before
    estimate(dataset, BODY, overwrite=True)
    assert attributes(dataset, ("doubt", "why")) == [(None, None)] * 3
    with pytest.raises(FieldError, match="run compute_signals"):
        fop.review_queue(dataset)
    compute(dataset)
    assert [doubt for doubt, *_ in attributes(dataset)] == pytest.approx([b[0] for b in before], abs=0.02)


def test_a_run_that_began_without_can_be_resumed_with_signals_and_made_whole(noise: Noise) -> None:
    dataset = noise([1, 1])
    estimate(dataset[:1])
    estimate(dataset, resume=True, signals=True)
    assert [doubt is None for doubt, *_ in attributes(dataset)] == [True, False]
    compute(dataset)
    assert all(doubt is not None for doubt, *_ in attributes(dataset))


def test_undoing_and_deleting_take_doubt_along(noise: Noise) -> None:
    dataset = noise([1])
    first = estimate(dataset, signals=True)
    fop.undo_run(dataset, first.run_id)
    dataset.reload()
    assert not dataset.has_field("poses")
    estimate(dataset, signals=True)
    fop.delete_poses(dataset)
    dataset.reload()
    assert not [path for path in dataset.get_field_schema(flat=True) if path.startswith("poses")]


def test_people_whose_points_were_moved_are_not_judged(noise: Noise) -> None:
    dataset = noise([2])
    estimate(dataset)
    sample = dataset.first()
    sample.poses.keypoints[0].points[3] = [0.5, 0.5]
    sample.save()
    report = compute(dataset)
    assert (report.people, report.edited) == (1, 1)
    assert [doubt is None for (doubt,) in attributes(dataset, ("doubt",))] == [True, False]


def test_files_that_are_gone_or_damaged_are_counted_and_the_rest_done(
    make_dataset: Callable[..., fo.Dataset], tmp_path: Path
) -> None:
    dataset = make_dataset("kept")
    fill_with_photos(dataset, tmp_path / "photos", 4)
    keep_poses(dataset, [1, 2, 1, 0])
    gone, _, damaged, _ = dataset
    Path(gone.poses.heatmaps_path).unlink()
    Path(damaged.poses.heatmaps_path).write_bytes(b"no heatmaps")
    report = compute(dataset)
    assert (report.samples, report.people, report.skipped) == (1, 2, 1)
    assert set(report.failures) == {gone.id, damaged.id}
    assert "does not exist" in report.failures[gone.id]


def test_the_codecs_scale_makes_no_difference(
    make_dataset: Callable[..., fo.Dataset], tmp_path: Path
) -> None:
    found = []
    for kind in ("msra", "megvii"):
        dataset = make_dataset(kind)
        fill_with_photos(dataset, tmp_path / kind, 1)
        keep_poses(dataset, [2], KeptModel(kind, peaks=(0.9, 0.4)))
        compute(dataset)
        found.append(attributes(dataset, ("keypoint_doubt",)))
    np.testing.assert_allclose(found[0], found[1], atol=0.02)


def test_other_skeletons_of_any_length(make_dataset: Callable[..., fo.Dataset], tmp_path: Path) -> None:
    from fo_pose_plugin.core.skeleton import Skeleton, mirrored_indices

    names = ("head", "left_foot", "right_foot")
    dataset = make_dataset("kept")
    fill_with_photos(dataset, tmp_path / "photos", 1)
    keep_poses(dataset, [1], KeptModel(skeleton=Skeleton("odd", names, (), mirrored_indices(names))))
    assert compute(dataset).people == 1
    assert len(dataset.first().poses.keypoints[0].keypoint_doubt) == 3


def test_fields_without_heatmaps_are_told_which_run_to_make(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset, keep_heatmaps=False)
    with pytest.raises(FieldError, match="signals=True"):
        compute(dataset)


def test_what_is_no_pose_field_is_refused(noise: Noise, make_dataset: Callable[..., fo.Dataset]) -> None:
    dataset = noise([1])
    with pytest.raises(FieldError, match="no field 'poses'"):
        compute(dataset)
    dataset.first()["mine"] = fo.Keypoints(keypoints=[])
    estimate(dataset)
    with pytest.raises(FieldError, match="no field 'nothing'"):
        compute(dataset, "nothing")
    with pytest.raises(MediaTypeError, match="patches"):
        fop.compute_signals(dataset.to_patches("boxes"), progress=False)


def test_an_empty_view_is_nothing_to_do(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset)
    report = compute(dataset.limit(0))
    assert (report.samples, report.people, report.failures) == (0, 0, {})


def test_a_subfield_of_another_type_is_met_before_anything_is_written(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset)
    dataset.add_sample_field("poses.keypoints.doubt", fo.StringField)
    with pytest.raises(FieldError, match=r"poses\.keypoints\.doubt"):
        estimate(dataset, overwrite=True)

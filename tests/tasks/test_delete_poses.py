from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.core.calibration import Calibration
from fo_pose_plugin.dataset import fiftyone_internals
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.dataset.probabilities import store_calibration
from fo_pose_plugin.dataset.runs import RunRecord, list_runs
from fo_pose_plugin.errors import FieldError, InputError, RunError
from fo_pose_plugin.heatmaps.store import default_root
from fo_pose_plugin.tasks.delete_poses import describe_runs
from fo_pose_plugin.tasks.fit_confidence import apply_confidence
from tests.tiny_models import BODY, CROWDPOSE, register_tiny_models

Noise = Callable[..., fo.Dataset]


@pytest.fixture(autouse=True, scope="module")
def tiny_models() -> None:
    register_tiny_models(BODY, CROWDPOSE)


def estimate(samples: Any, model: str = BODY, **options: Any) -> fop.EstimateReport:
    return fop.estimate_poses(samples, model, boxes="boxes", progress=False, **options)


def files_of(dataset: fo.Dataset) -> list[Path]:
    own = fiftyone_internals.dataset_id(dataset)
    found = (*default_root().glob(f"{own}/**/*"), *default_root().glob(f"overlays/{own}/**/*"))
    return [path for path in found if path.is_file() and path.name != "database"]


def test_nothing_of_the_field_is_left_and_the_rest_stays(noise: Noise) -> None:
    dataset = noise([2, 0, 1])
    before = set(dataset.get_field_schema())
    estimate(dataset)
    other = estimate(dataset, pose_field="other")
    size = sum(path.stat().st_size for path in files_of(dataset))
    others = [path for path in files_of(dataset) if other.run_id in str(path)]
    others_size = sum(path.stat().st_size for path in others)

    report = fop.delete_poses(dataset)

    assert (report.samples, report.files, report.shared_files, report.problems) == (3, 4, 0, ())
    assert set(report.fields) == {"poses", "poses_heatmap", "poses_error"}
    assert report.freed_bytes == size - others_size > 0
    assert sorted(files_of(dataset)) == sorted(others)
    assert set(dataset.get_field_schema()) == before | {"other", "other_heatmap", "other_error"}
    assert list(dataset.skeletons) == ["other"]
    assert dataset.app_config.media_fields == ["filepath", "other.heatmaps_path"]
    assert list(list_runs(dataset)) == [other.run_id]
    assert set(report.saved_views) == {"confident points", "all points"}
    assert all("(other)" in name for name in dataset.list_saved_views())
    assert "3 images lost their poses" in report.describe()
    for sample in dataset:
        fop.load_heatmaps(sample, "other")
    estimate(dataset, CROWDPOSE)
    assert len(dataset.first().poses.keypoints[0].points) == 14


@pytest.mark.parametrize("undo", [False, True], ids=["deleted", "undone"])
def test_the_curve_of_probabilities_goes_with_the_field(noise: Noise, undo: bool) -> None:
    dataset = noise([1])
    first, second = estimate(dataset), estimate(dataset, pose_field="other")
    curve = Calibration((0.0, 1.0), (0.2, 0.9), "isotonic")
    for field in ("poses", "other"):
        store_calibration(dataset, PoseFields(field), curve, {})
    dataset.register_run("third_probability", dataset.init_run(method="someone else's"))
    if undo:
        fop.undo_run(dataset, first.run_id)
    else:
        fop.delete_poses(dataset)
    assert sorted(dataset.list_runs()) == sorted([second.run_id, "other_probability", "third_probability"])
    estimate(dataset)
    with pytest.raises(FieldError, match="no probabilities were fitted"):
        apply_confidence(dataset)


def test_a_run_that_leaves_others_poses_leaves_their_curve(noise: Noise) -> None:
    dataset = noise([1, 1])
    first = estimate(dataset.limit(1))
    estimate(dataset.skip(1))
    store_calibration(dataset, PoseFields("poses"), Calibration((0.0, 1.0), (0.2, 0.9), "isotonic"), {})
    fop.undo_run(dataset, first.run_id)
    assert "poses_probability" in dataset.list_runs()


def test_views_that_someone_changed_stay(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset)
    dataset.delete_saved_view("all points")
    dataset.save_view("all points", dataset.limit(1))
    assert fop.delete_poses(dataset).saved_views == ("confident points",)
    assert dataset.list_saved_views() == ["all points"]


def test_files_that_a_clone_names_stay(noise: Noise) -> None:
    dataset = noise([1, 1])
    estimate(dataset)
    clone = dataset.clone(f"{dataset.name}-clone", persistent=True)
    try:
        clone.delete_samples(clone.last().id)
        report = fop.delete_poses(dataset)
        assert (report.files, report.shared_files) == (2, 2)
        assert len(fop.load_heatmaps(clone.first())) == 1
        # The files stand in the first dataset's folder; the clone's own deletion takes them along.
        assert fop.delete_poses(clone).files == 2
        assert files_of(dataset) == []
    finally:
        clone.delete()


def test_corrections_and_their_skeleton_stay(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset)
    dataset.add_sample_field("poses_corrected", fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    fop.delete_poses(dataset)
    assert dataset.has_field("poses_corrected")
    assert "poses" in dataset.skeletons


def test_boxes_go_with_the_detector_that_wrote_them(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset)
    dataset.clone_sample_field("boxes", "poses_boxes")
    assert "poses_boxes" not in fop.delete_poses(dataset).fields
    report = estimate(dataset, pose_field="found")
    config = list_runs(dataset)[report.run_id]
    fiftyone_internals.set_run_config_value(
        dataset, report.run_id, "settings", {**config["settings"], "boxes": "detector"}
    )
    dataset.clone_sample_field("boxes", "found_boxes")
    assert "found_boxes" in fop.delete_poses(dataset, "found").fields
    assert dataset.has_field("boxes")


def test_ground_truth_is_left_alone(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset)
    sample = dataset.first()
    sample["truth"] = fo.Keypoints(keypoints=[fo.Keypoint(points=[(0.5, 0.5)])])
    sample.save()
    with pytest.raises(FieldError, match="ground truth"):
        fop.delete_poses(dataset, "truth")
    with pytest.raises(FieldError, match=r"no field 'absent' with keypoints; it has: .*poses"):
        fop.delete_poses(dataset, "absent")
    with pytest.raises(InputError, match="expected a dataset"):
        fop.delete_poses(dataset.view(), "poses")  # type: ignore[arg-type]
    dataset.get_field("poses").read_only = True
    dataset.get_field("poses").save()
    with pytest.raises(FieldError, match="read-only"):
        fop.delete_poses(dataset)


def test_edits_are_not_lost_in_silence(noise: Noise) -> None:
    dataset = noise([2, 1])
    run_id = estimate(dataset).run_id
    sample = dataset.first()
    sample.poses.keypoints[0].points[3] = (0.25, 0.75)
    sample.save()
    for delete in (
        lambda **o: fop.delete_poses(dataset, **o),
        lambda **o: fop.undo_run(dataset, run_id, **o),
    ):
        with pytest.raises(FieldError, match="1 people in field 'poses' were edited"):
            delete()
    assert len(dataset.exists("poses")) == 2
    assert fop.undo_run(dataset, run_id, discard_edits=True).samples == 2
    assert not dataset.has_field("poses")


def test_a_run_that_goes_on_is_not_disturbed_and_a_dead_one_is_no_hindrance(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset)
    settings = next(iter(list_runs(dataset).values()))["settings"]
    record = RunRecord.start(dataset, "poses", settings, {})
    with pytest.raises(RunError, match=f"run {record.run_id} is writing into field 'poses': wait"):
        fop.delete_poses(dataset)
    fiftyone_internals.set_run_config_value(dataset, record.run_id, "process", {"host": "another"})
    with pytest.raises(RunError, match="on another machine that is gone, wait five minutes"):
        fop.delete_poses(dataset)
    long_ago = (datetime.now(timezone.utc) - timedelta(minutes=6)).isoformat()
    fiftyone_internals.set_run_config_value(dataset, record.run_id, "alive_at", long_ago)
    assert record.run_id in fop.delete_poses(dataset).runs
    assert list_runs(dataset) == {}


def test_a_run_is_undone_and_the_other_runs_stay(noise: Noise) -> None:
    dataset = noise([2, 1, 0, 1])
    first = estimate(dataset.limit(2))
    second = estimate(dataset.skip(2))
    assert list(describe_runs(dataset)) == [second.run_id, first.run_id]
    assert "3 people" in describe_runs(dataset)[first.run_id]

    report = fop.undo_run(dataset, first.run_id)

    assert (report.samples, report.fields, report.runs, report.files) == (2, (), (first.run_id,), 4)
    assert [sample.poses is None for sample in dataset] == [True, True, False, False]
    assert [sample.poses_heatmap is None for sample in dataset] == [True, True, True, False]
    assert list(list_runs(dataset)) == [second.run_id]
    assert len(fop.load_heatmaps(dataset.last())) == 1
    assert "poses" in dataset.skeletons
    estimate(dataset.limit(2))
    assert len(dataset.exists("poses")) == 4


def test_with_the_last_run_the_field_goes(noise: Noise) -> None:
    dataset = noise([1])
    before = set(dataset.get_field_schema())
    run_id = estimate(dataset).run_id
    report = fop.undo_run(dataset, run_id)
    assert report.fields
    assert set(dataset.get_field_schema()) == before
    assert files_of(dataset) == []
    with pytest.raises(RunError, match="no pose run"):
        fop.undo_run(dataset, run_id)


def test_what_a_killed_run_left_unnamed_goes_with_the_field(noise: Noise) -> None:
    dataset = noise([1])
    run_id = estimate(dataset).run_id
    (heatmaps,) = (path for path in files_of(dataset) if path.suffix == ".heatmaps")
    unnamed = heatmaps.with_name(f"{'0' * 24}.heatmaps")
    unnamed.write_bytes(heatmaps.read_bytes())
    leftover = heatmaps.with_name(f".{heatmaps.name}.1234-0123abcd.tmp")
    leftover.write_bytes(b"x")
    assert fop.undo_run(dataset, run_id).files == 4
    assert files_of(dataset) == []


@pytest.mark.parametrize("outside", [True, False])
def test_files_elsewhere_are_never_deleted(noise: Noise, tmp_path: Path, outside: bool) -> None:
    dataset = noise([1])
    estimate(dataset)
    victim = (tmp_path if outside else default_root().parent) / "victim.heatmaps"
    victim.write_bytes(b"mine")
    sample = dataset.first()
    named = str(victim if outside else default_root() / ".." / victim.name)
    sample.poses["heatmaps_path"] = sample.poses_heatmap.map_path = named
    sample.save()
    report = fop.delete_poses(dataset)
    assert victim.exists()
    assert report.samples == 1
    assert bool(report.problems) is not outside

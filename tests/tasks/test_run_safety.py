"""What a run must never lose, and what may happen to its dataset while it goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
from fiftyone.core.odm import get_db_conn

import fo_pose_plugin as fop
from fo_pose_plugin.dataset import fiftyone_internals, writer
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.errors import RunError
from fo_pose_plugin.heatmaps.store import default_root
from fo_pose_plugin.models.pose_network import PoseNetwork
from tests.tiny_models import BODY, OTHER_BODY, register_tiny_models

Noise = Callable[..., fo.Dataset]
Hook = Callable[[int], None]


@pytest.fixture(autouse=True, scope="module")
def tiny_models() -> None:
    register_tiny_models(BODY, OTHER_BODY)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CHUNK_SAMPLES", 4)


@pytest.fixture
def on_forward(monkeypatch: pytest.MonkeyPatch) -> Callable[[Hook], None]:
    """Call a function with the number of the forward pass before each of them."""
    heatmaps = PoseNetwork.heatmaps

    def install(hook: Hook) -> None:
        calls = iter(range(10_000))

        def hooked(self: PoseNetwork, *arguments: Any, **options: Any) -> Any:
            hook(next(calls))
            return heatmaps(self, *arguments, **options)

        monkeypatch.setattr(PoseNetwork, "heatmaps", hooked)

    return install


def estimate(samples: Any, model: str = BODY, **options: Any) -> fop.EstimateReport:
    return fop.estimate_poses(samples, model, boxes="boxes", progress=False, batch_size=1, **options)


def points_of(samples: Any, field: str = "poses") -> list[str]:
    """The points of each sample's people, as text since NaN equals nothing."""
    return [str([k.points for k in s[field].keypoints] if s[field] is not None else None) for s in samples]


def edit(sample: Any) -> None:
    sample.poses.keypoints[0].points[3] = (0.25, 0.75)
    sample.save()


def files_of(dataset: fo.Dataset) -> list[Path]:
    own = fiftyone_internals.dataset_id(dataset)
    found = (*default_root().glob(f"{own}/**/*"), *default_root().glob(f"overlays/{own}/**/*"))
    return [path for path in found if path.is_file() and path.name != "database"]


# ---- edits


def test_edits_of_other_tools_are_never_replaced(noise: Noise) -> None:
    dataset = noise([2, 1, 1])
    first = estimate(dataset)
    edit(dataset.first())
    before = points_of(dataset)
    report = estimate(dataset, OTHER_BODY, overwrite=True)
    after = points_of(dataset)
    assert report.samples == 2
    (message,) = report.failures.values()
    assert "1 person was edited by another tool" in message
    assert dataset.first().poses_error == message
    assert dataset.first().poses.run_id == first.run_id
    assert after[0] == before[0]
    assert all(new != old for new, old in zip(after[1:], before[1:], strict=True))
    assert len(fop.load_heatmaps(dataset.first())) == 2


def test_an_edit_during_the_run_is_not_replaced_either(noise: Noise, on_forward: Any) -> None:
    dataset = noise([1] * 3)
    estimate(dataset)

    def hook(call: int) -> None:
        if call == 2:
            edit(dataset.first())  # estimated, but not written yet

    on_forward(hook)
    report = estimate(dataset, OTHER_BODY, overwrite=True)
    assert dataset.first().poses.keypoints[0].points[3] == [0.25, 0.75]
    assert report.samples == 2
    assert list(report.failures) == [dataset.first().id]
    # What was written of it on disk is gone, and what the edited poses name is there.
    assert len(files_of(dataset)) == 6
    assert len(fop.load_heatmaps(dataset.first())) == 1


def test_a_person_that_was_added_is_an_edit(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset)
    sample = dataset.first()
    sample.poses.keypoints.append(fo.Keypoint(points=[(0.5, 0.5)] * 17))
    sample.save()
    report = estimate(dataset, overwrite=True)
    assert report.samples == 0
    assert len(dataset.first().poses.keypoints) == 2


def test_corrections_are_never_touched(noise: Noise, on_forward: Any) -> None:
    dataset = noise([2, 1, 1])
    estimate(dataset)
    for sample in dataset:
        found = sample.poses.keypoints[0]
        mine = fo.Keypoint(label="person", points=[(0.5, 0.5)] * 17, status="corrected", source_id=found.id)
        sample["poses_corrected"] = fo.Keypoints(keypoints=[mine])
        sample.save()
    before = [sample.poses_corrected.to_dict() for sample in dataset]

    def hook(call: int) -> None:
        if call == 2:
            raise ZeroDivisionError

    on_forward(hook)
    with pytest.raises(ZeroDivisionError):
        estimate(dataset, OTHER_BODY, overwrite=True)
    report = estimate(dataset, OTHER_BODY, resume=True)
    assert report.failures == {}
    assert set(dataset.values("poses.run_id")) == {report.run_id}
    assert [sample.poses_corrected.to_dict() for sample in dataset] == before
    # What was corrected is still the same person's: a replaced prediction keeps its id.
    sources = [sample.poses_corrected.keypoints[0].source_id for sample in dataset]
    assert sources == [sample.poses.keypoints[0].id for sample in dataset]


# ---- what an overwrite replaces


def test_what_is_replaced_stays_until_the_run_has_ended(noise: Noise, on_forward: Any) -> None:
    dataset = noise([1] * 10)
    first = estimate(dataset)
    before = points_of(dataset)
    seen = []

    def hook(call: int) -> None:
        if call == 6:
            seen.extend(points_of(dataset, "poses_replaced"))
            raise ZeroDivisionError

    on_forward(hook)
    with pytest.raises(ZeroDivisionError):
        estimate(dataset, OTHER_BODY, overwrite=True)
    assert seen == before
    second = next(reversed(list_runs(dataset)))
    written = dataset.values("poses.run_id").count(second)
    assert 0 < written < 10

    report = fop.undo_run(dataset, second)
    assert (report.samples, report.restored) == (0, written)
    assert "have those back that the run had replaced" in report.describe()
    assert points_of(dataset) == before
    assert set(dataset.values("poses.run_id")) == {first.run_id}
    assert not dataset.has_field("poses_replaced")
    for sample in dataset:
        assert len(fop.load_heatmaps(sample)) == 1
    assert len(files_of(dataset)) == 20


def test_a_run_that_has_ended_frees_what_it_replaced(noise: Noise) -> None:
    dataset = noise([1, 0, 2])
    estimate(dataset)
    estimate(dataset, OTHER_BODY, overwrite=True)
    assert not [name for name in dataset.get_field_schema() if "replaced" in name]
    assert len(files_of(dataset)) == 4
    assert {k.parts[-3] for k in files_of(dataset) if k.suffix == ".heatmaps"} == {
        next(reversed(list_runs(dataset)))
    }


def test_a_clone_keeps_the_files_that_are_replaced(noise: Noise) -> None:
    dataset = noise([1])
    estimate(dataset)
    clone = dataset.clone(f"{dataset.name}-clone", persistent=True)
    try:
        estimate(dataset, OTHER_BODY, overwrite=True)
        assert len(fop.load_heatmaps(clone.first())) == 1
        assert Path(clone.first().poses_heatmap.map_path).is_file()
    finally:
        clone.delete()


def test_no_overlay_stays_beside_poses_that_are_not_its_own(noise: Noise) -> None:
    dataset = noise([1, 1])
    estimate(dataset)
    sample = dataset.first()
    sample.boxes.detections = []
    sample.save()
    estimate(dataset, overwrite=True)
    assert dataset.first().poses_heatmap is None
    estimate(dataset, overwrite=True, keep_heatmaps=False)
    assert dataset.last().poses_heatmap is None


def test_a_resumed_overwrite_leaves_alone_what_it_did_not_set_out_to_replace(
    noise: Noise, on_forward: Any
) -> None:
    dataset = noise([1] * 8)
    first = estimate(dataset)

    def hook(call: int) -> None:
        if call == 2:
            raise ZeroDivisionError

    on_forward(hook)
    with pytest.raises(ZeroDivisionError):
        estimate(dataset.limit(6), OTHER_BODY, overwrite=True)
    on_forward(lambda call: None)
    report = estimate(dataset, OTHER_BODY, resume=True)
    runs = dataset.values("poses.run_id")
    assert runs == [report.run_id] * 6 + [first.run_id] * 2
    assert list_runs(dataset)[report.run_id]["counts"] == {"samples": 6, "people": 6, "failed": 0}
    assert not dataset.has_field("poses_replaced")
    assert len(files_of(dataset)) == 16


def test_people_that_a_view_hides_come_back_too(noise: Noise, on_forward: Any) -> None:
    dataset = noise([2])
    estimate(dataset)
    before = points_of(dataset)
    view = dataset.filter_labels("poses", fo.ViewField("score") > 2, only_matches=False)

    def hook(call: int) -> None:
        assert points_of(dataset, "poses_replaced") == before

    on_forward(hook)
    estimate(view, overwrite=True)


# ---- other runs, other people


def test_two_runs_on_one_field_exclude_each_other(noise: Noise, on_forward: Any) -> None:
    dataset = noise([1] * 6)
    refused: list[str] = []

    def hook(call: int) -> None:
        if call == 3:
            for options in ({}, {"overwrite": True}, {"resume": True}):
                with pytest.raises(RunError, match="is writing into field 'poses'") as caught:
                    estimate(dataset, **options)
                refused.append(str(caught.value))

    on_forward(hook)
    assert estimate(dataset).samples == 6
    assert len(refused) == 3


def test_two_runs_on_two_fields_go_on_side_by_side(noise: Noise) -> None:
    dataset = noise([1] * 12)
    reports: dict[str, Any] = {}

    def run(field: str, model: str) -> None:
        reports[field] = estimate(fo.load_dataset(dataset.name), model, pose_field=field)

    threads = [threading.Thread(target=run, args=pair) for pair in (("one", BODY), ("two", OTHER_BODY))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dataset.reload()
    assert {field: report.samples for field, report in reports.items()} == {"one": 12, "two": 12}
    for field in ("one", "two"):
        assert len(dataset.exists(field)) == 12
        assert field in dataset.skeletons
        assert f"{field}.heatmaps_path" in dataset.app_config.media_fields
        for sample in dataset:
            assert len(fop.load_heatmaps(sample, field)) == 1


def test_samples_that_are_deleted_meanwhile_are_told(noise: Noise, on_forward: Any) -> None:
    dataset = noise([1] * 100)
    gone = [dataset.skip(n).first().id for n in (1, 90)]

    def hook(call: int) -> None:
        if call == 2:
            dataset.delete_samples(gone)

    on_forward(hook)
    report = estimate(dataset, keep_heatmaps=False)
    assert len(dataset.exists("poses")) == 98
    assert list_runs(dataset)[report.run_id]["counts"]["samples"] == 98
    assert "deleted" in report.failures[gone[1]]


def test_a_view_that_changes_meanwhile_does_not_change_what_is_done(noise: Noise, on_forward: Any) -> None:
    dataset = noise([1] * 100)
    dataset.tag_samples("wanted")
    view = dataset.match_tags("wanted")

    def hook(call: int) -> None:
        if call == 2:
            dataset.untag_samples("wanted")

    on_forward(hook)
    assert estimate(view, keep_heatmaps=False).samples == 100


@pytest.mark.parametrize("rename", [True, False])
def test_a_field_that_goes_meanwhile_ends_the_run(noise: Noise, on_forward: Any, rename: bool) -> None:
    dataset = noise([1] * 12)

    def hook(call: int) -> None:
        if call == 6:
            other = fo.load_dataset(dataset.name)
            if rename:
                other.rename_sample_field("poses", "renamed")
            else:
                other.delete_sample_field("poses")

    on_forward(hook)
    with pytest.raises(RunError, match="field poses was renamed or deleted while the run went on"):
        estimate(dataset)
    (run,) = list_runs(dataset).values()
    assert run["status"] == "failed"
    assert "renamed or deleted" in run["message"]


def test_boxes_that_go_meanwhile_end_the_run_and_nobody_is_lost(noise: Noise, on_forward: Any) -> None:
    dataset = noise([1] * 100)
    samples = fiftyone_internals.all_samples(dataset)

    def hook(call: int) -> None:
        if call == 12:  # as another process does it: this one does not see it
            documents = get_db_conn()
            documents.datasets.update_one(
                {"_id": dataset._doc.id, "sample_fields.name": "boxes"},
                {"$set": {"sample_fields.$.name": "renamed"}},
            )
            documents[dataset._sample_collection_name].update_many({}, {"$rename": {"boxes": "renamed"}})

    on_forward(hook)
    with pytest.raises(RunError, match=r"boxes.* was renamed or deleted while the run went on"):
        estimate(dataset, keep_heatmaps=False)
    done = samples.match(fo.ViewField("poses.run_id").exists())
    assert 0 < len(done) < 100
    assert all(len(sample.poses.keypoints) == 1 for sample in done.select_fields("poses"))


def test_a_dataset_that_is_deleted_meanwhile_ends_the_run(noise: Noise, on_forward: Any) -> None:
    dataset = noise([1] * 12)

    def hook(call: int) -> None:
        if call == 6:
            fo.delete_dataset(dataset.name)

    on_forward(hook)
    with pytest.raises(RunError, match="was deleted while the run went on"):
        estimate(dataset)

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.dataset import fiftyone_internals
from fo_pose_plugin.dataset.runs import RunRecord, list_runs
from fo_pose_plugin.heatmaps.store import HeatmapStore
from tests.tiny_models import BODY, register_tiny_models

Noise = Callable[..., fo.Dataset]
LONG_AGO = time.time() - 7200


@pytest.fixture(autouse=True, scope="module")
def tiny_body() -> None:
    register_tiny_models(BODY)


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of this test's own."""
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(tmp_path / "store"))
    return tmp_path / "store"


def estimate(samples: Any, **options: Any) -> fop.EstimateReport:
    return fop.estimate_poses(samples, BODY, boxes="boxes", progress=False, **options)


def kept(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name != "database")


def age(root: Path) -> None:
    for path in kept(root):
        os.utime(path, (LONG_AGO, LONG_AGO))


def test_what_is_in_use_stays(noise: Noise, root: Path) -> None:
    dataset = noise([1, 2, 0])
    estimate(dataset)
    age(root)
    before = kept(root)
    report = fop.clean_up(dry_run=False)
    assert (report.orphans, report.files, report.freed_bytes, report.used_files) == ((), 0, 0, 4)
    assert report.used_bytes == sum(path.stat().st_size for path in before)
    assert kept(root) == before


def test_files_of_deleted_datasets_are_found_first_and_deleted_when_asked(noise: Noise, root: Path) -> None:
    dataset, other = noise([1, 1]), noise([1])
    estimate(dataset)
    estimate(other)
    lost = fiftyone_internals.dataset_id(dataset)
    size = sum(path.stat().st_size for path in kept(root) if lost in path.parts)
    dataset.delete()
    before = kept(root)

    found = fop.clean_up()
    assert found.dry_run
    assert kept(root) == before
    (orphans,) = found.orphans
    assert (orphans.dataset, orphans.dataset_id, orphans.files, orphans.size) == (None, lost, 4, size)
    assert f"a deleted dataset ({lost}): 4 files" in orphans.describe()
    assert "4 files" in found.describe()

    report = fop.clean_up(dry_run=False)
    assert (report.files, report.freed_bytes, report.problems) == (4, size, ())
    assert [path for path in root.rglob("*") if lost in path.parts] == []
    assert len(fop.load_heatmaps(other.first())) == 1
    assert fop.clean_up().orphans == ()


def test_files_of_a_clones_lost_original_stay(noise: Noise, root: Path) -> None:
    dataset = noise([1])
    estimate(dataset)
    clone = dataset.clone(f"{dataset.name}-clone", persistent=True)
    dataset.delete()
    try:
        assert fop.clean_up(dry_run=False).files == 0
        assert len(fop.load_heatmaps(clone.first())) == 1
    finally:
        clone.delete()
    assert fop.clean_up(dry_run=False).files == 2


def test_overwritten_runs_and_deleted_samples_leave_files_that_go(noise: Noise, root: Path) -> None:
    dataset = noise([1, 1])
    estimate(dataset)
    estimate(dataset, overwrite=True)
    dataset.delete_samples(dataset.last().id)
    age(root)
    report = fop.clean_up(dry_run=False)
    assert [orphans.dataset for orphans in report.orphans] == [dataset.name]
    assert len(kept(root)) == report.used_files == 2
    assert len(fop.load_heatmaps(dataset.first())) == 1


def test_files_of_a_run_that_goes_on_wait(noise: Noise, root: Path) -> None:
    dataset = noise([1])
    run_id = estimate(dataset).run_id
    settings = list_runs(dataset)[run_id]["settings"]
    record = RunRecord.start(dataset, "poses", settings, {})
    files = HeatmapStore(root)
    sample_id = dataset.first().id
    own = fiftyone_internals.dataset_id(dataset)
    heatmaps = fop.load_heatmaps(dataset.first())
    files.save(files.path_for(own, record.run_id, sample_id), heatmaps)
    age(root)
    report = fop.clean_up(dry_run=False)
    assert (report.waiting_files, report.files) == (1, 0)
    record.finish("failed", {}, {})
    assert fop.clean_up(dry_run=False).files == 1


def test_what_was_just_written_waits(noise: Noise, root: Path) -> None:
    dataset = noise([1])
    estimate(dataset)
    dataset.delete_sample_field("poses_heatmap")
    report = fop.clean_up(dry_run=False)
    assert (report.waiting_files, report.files) == (1, 0)
    age(root)
    assert fop.clean_up(dry_run=False).files == 1


def test_other_databases_files_are_left_alone(noise: Noise, root: Path) -> None:
    dataset = noise([1])
    estimate(dataset)
    files = HeatmapStore(root)
    own = fiftyone_internals.dataset_id(dataset)
    assert files.owner(own) == fiftyone_internals.database_id()
    dataset.delete()
    age(root)
    files.claim(own, "0" * 24)
    assert fop.clean_up(dry_run=False).foreign_files == 2
    (root / own / "database").unlink()
    report = fop.clean_up(dry_run=False)
    assert (report.foreign_files, report.files) == (2, 0)
    assert "belong to another database" in report.describe()
    assert len(kept(root)) == 2


def test_a_store_behind_a_symlink_keeps_what_is_used(
    noise: Noise, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = noise([1])
    estimate(dataset)
    age(root)
    (tmp_path / "link").symlink_to(root)
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(tmp_path / "link"))
    assert fop.clean_up(dry_run=False).files == 0
    assert len(kept(root)) == 2


def test_half_written_leftovers_and_foreign_things(noise: Noise, root: Path) -> None:
    dataset = noise([1])
    estimate(dataset)
    (heatmaps, _) = (path for path in kept(root))
    leftover = heatmaps.with_name(f".{heatmaps.name}.1234-0123abcd.tmp")
    leftover.write_bytes(b"x" * 10)
    own_notes = root / "notes.txt"
    own_notes.write_text("the user's")
    age(root)
    report = fop.clean_up(dry_run=False)
    assert report.freed_bytes == 10
    assert not leftover.exists()
    assert own_notes.exists()


def test_an_empty_store_is_no_error(root: Path) -> None:
    report = fop.clean_up()
    assert (report.orphans, report.used_files) == ((), 0)

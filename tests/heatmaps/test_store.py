"""That heatmaps are found again, and that files which are not what they should be are refused."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fo_pose_plugin.errors import HeatmapError
from fo_pose_plugin.heatmaps import store as store_module
from fo_pose_plugin.heatmaps.overlay import write_overlay
from fo_pose_plugin.heatmaps.store import HeatmapStore, default_root, delete, load, read

DATASET = "64b7f00d64b7f00d64b7f00d"
SAMPLE = "64b7f00d64b7f00d64b7f0a1"
OTHER = "64b7f00d64b7f00d64b7f0a2"
RUN = "poses_20260101_120000"


@pytest.fixture
def store(tmp_path: Path) -> HeatmapStore:
    return HeatmapStore(tmp_path / "heatmaps")


def heatmaps(seed: int = 0, people: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).random((people, 3, 8, 6), dtype=np.float32)


def save(store: HeatmapStore, sample_id: str = SAMPLE, run_id: str = RUN, seed: int = 0) -> Path:
    path = store.path_for(DATASET, run_id, sample_id)
    store.save(path, heatmaps(seed))
    return path


def test_what_was_saved_is_loaded(store: HeatmapStore) -> None:
    path = store.path_for(DATASET, RUN, SAMPLE)
    assert path == store.root / DATASET / RUN / "a1" / f"{SAMPLE}.heatmaps"
    size = store.save(path, heatmaps(), scale_max=255.0)
    assert size == path.stat().st_size
    header, loaded = read(str(path), roots=[store.root], run_id=RUN)
    assert header.scale_max == 255.0
    assert np.abs(loaded - heatmaps()).max() < 0.021
    np.testing.assert_array_equal(load(path, roots=[store.root], people=[1]), loaded[1:])
    store.save(path, heatmaps(1)[:0])
    assert load(path, roots=[store.root]).shape == (0, 3, 8, 6)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("ids", "match"),
    [
        (("../../etc", RUN, SAMPLE), "dataset id"),
        (("my/dataset", RUN, SAMPLE), "dataset id"),
        (("", RUN, SAMPLE), "dataset id"),
        ((DATASET.upper(), RUN, SAMPLE), "dataset id"),
        ((DATASET + "\n", RUN, SAMPLE), "dataset id"),
        ((DATASET, "..", SAMPLE), "run id"),
        ((DATASET, "a/b", SAMPLE), "run id"),
        ((DATASET, "", SAMPLE), "run id"),
        ((DATASET, "x" * 65, SAMPLE), "run id"),
        ((DATASET, RUN, SAMPLE[:-1]), "sample id"),
        ((DATASET, RUN, "../" + SAMPLE[3:]), "sample id"),
    ],
)
def test_ids_cannot_leave_the_root(store: HeatmapStore, ids: tuple[str, str, str], match: str) -> None:
    with pytest.raises(HeatmapError, match=match):
        store.path_for(*ids)


def test_only_the_stores_own_paths_are_saved_to(store: HeatmapStore, tmp_path: Path) -> None:
    place = store.path_for(DATASET, RUN, SAMPLE)
    for path in (
        tmp_path / "x.heatmaps",
        store.root / "x.heatmaps",
        place.with_name("x.heatmaps"),
        place.with_suffix(".png"),
        place.parent.parent / "a2" / place.name,
        place.parent / ".." / "a1" / place.name,
    ):
        with pytest.raises(HeatmapError, match=r"path_for|sample id"):
            store.save(path, heatmaps())
    assert not store.root.exists()


def test_what_cannot_be_kept_leaves_no_trace(store: HeatmapStore) -> None:
    path = save(store)
    before = path.read_bytes()
    broken = heatmaps(1)
    broken[1, 2, 3, 4] = np.nan
    with pytest.raises(HeatmapError, match="keypoint 2 of person 1"):
        store.save(path, broken)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


def test_a_store_below_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = HeatmapStore(tmp_path / "file" / "heatmaps")
    with pytest.raises(HeatmapError, match="file"):
        save(store)


def test_a_file_that_is_too_large_is_neither_written_nor_read(
    store: HeatmapStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(store)
    monkeypatch.setattr(store_module, "MAX_FILE_BYTES", 100)
    with pytest.raises(HeatmapError, match="larger than the 100 bytes"):
        load(path, roots=[store.root])
    with pytest.raises(HeatmapError, match="keep_heatmaps=False"):
        store.save(store.path_for(DATASET, RUN, OTHER), heatmaps())
    assert not store.path_for(DATASET, RUN, OTHER).exists()


def test_missing_damaged_and_foreign_files_say_what_to_do(store: HeatmapStore) -> None:
    path = save(store)
    damaged = bytearray(path.read_bytes())
    damaged[-10] ^= 1
    for content, match in (
        (bytes(damaged), "damaged"),
        (path.read_bytes()[:-5], "damaged"),
        (b"", "no file of heatmaps"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no file of heatmaps"),
    ):
        path.write_bytes(content)
        with pytest.raises(HeatmapError, match=f"{SAMPLE}.*{match}.*estimate_poses again with overwrite"):
            load(path, roots=[store.root])
    path.unlink()
    with pytest.raises(HeatmapError, match=f"{SAMPLE}.*does not exist.*estimate_poses again with overwrite"):
        load(path, roots=[store.root])


def test_exchanged_files_are_noticed(store: HeatmapStore) -> None:
    first, second, later = save(store), save(store, OTHER, seed=1), save(store, run_id="later", seed=2)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    with pytest.raises(HeatmapError, match=f"of sample {OTHER}"):
        load(first, roots=[store.root])
    first.write_bytes(later.read_bytes())
    assert load(first, roots=[store.root]).shape == (2, 3, 8, 6)
    with pytest.raises(HeatmapError, match=f"of run later, expected run {RUN}"):
        load(first, roots=[store.root], run_id=RUN)
    first.write_bytes(content)
    load(first, roots=[store.root], run_id=RUN)


def test_an_imported_file_is_loaded_from_its_own_folder(store: HeatmapStore, tmp_path: Path) -> None:
    path = save(store)
    imported = tmp_path / "imported" / "fields" / "poses.heatmaps_path"
    imported.mkdir(parents=True)
    for name in (path.name, f"{SAMPLE}-2.heatmaps"):
        (imported / name).write_bytes(path.read_bytes())
        with pytest.raises(HeatmapError, match="outside the folders"):
            load(imported / name, roots=[store.root])
        np.testing.assert_array_equal(
            load(imported / name, roots=[store.root, tmp_path / "imported"], run_id=RUN),
            load(path, roots=[store.root]),
        )


def test_delete_says_what_it_freed(store: HeatmapStore, tmp_path: Path) -> None:
    path = save(store)
    size = path.stat().st_size
    assert delete(str(path), [store.root]) == size
    assert delete(path, [store.root]) == 0
    photo = store.root / "photo.jpg"
    photo.write_bytes(b"photo")
    elsewhere = tmp_path / "x.heatmaps"
    elsewhere.write_bytes(b"x")
    for foreign in (photo, elsewhere, store.root / DATASET):
        with pytest.raises(HeatmapError):
            delete(foreign, [store.root])
        assert foreign.exists()


def test_files_lists_what_is_there(store: HeatmapStore) -> None:
    assert list(store.files()) == []
    paths = [save(store), save(store, OTHER), save(store, run_id="later")]
    overlay = write_overlay(
        store.overlay_directory(DATASET, SAMPLE), SAMPLE, np.zeros((2, 2), np.uint8), root=store.root
    )
    (store.root / "notes.txt").write_text("mine")
    (paths[0].parent / "notes.heatmaps").write_text("mine")
    found = {file.path: file for file in store.files()}
    assert set(found) == {*paths, overlay}
    first = found[paths[0]]
    assert (first.dataset_id, first.run_id, first.sample_id) == (DATASET, RUN, SAMPLE)
    assert first.size == paths[0].stat().st_size
    assert (found[overlay].dataset_id, found[overlay].run_id, found[overlay].sample_id) == (
        DATASET,
        None,
        SAMPLE,
    )


def test_leftovers_of_killed_processes_are_removed(store: HeatmapStore) -> None:
    """One process is killed while it writes; another that still writes is left alone."""
    path = save(store)
    code = """
import os, sys
import numpy as np
from fo_pose_plugin.heatmaps.store import HeatmapStore
os.replace = lambda *a, **k: os.kill(os.getpid(), 9)
store = HeatmapStore(sys.argv[1])
store.save(store.path_for(*sys.argv[2:]), np.zeros((1, 1, 2, 2), np.float32))
"""
    arguments = [sys.executable, "-c", code, str(store.root), DATASET, RUN, OTHER[:-2] + "a1"]
    assert subprocess.run(arguments, check=False).returncode == -9
    (leftover,) = [p for p in path.parent.iterdir() if p.name.endswith(".tmp")]
    assert [file.path for file in store.files()] == [path]
    foreign = path.parent / ".mine.tmp"
    foreign.write_bytes(b"mine")
    os.utime(foreign, (0, 0))
    assert store.remove_leftovers() == 0
    size = leftover.stat().st_size
    then = time.time() - 7200
    os.utime(leftover, (then, then))
    assert store.remove_leftovers() == size
    assert sorted(path.parent.iterdir()) == sorted([foreign, path])


def test_empty_folders_go_with_the_leftovers(store: HeatmapStore) -> None:
    first, second = save(store), save(store, run_id="later")
    delete(first, [store.root])
    store.remove_leftovers()
    assert [p.name for p in (store.root / DATASET).iterdir()] == ["later"]
    delete(second, [store.root])
    store.remove_leftovers()
    assert list(store.root.iterdir()) == []


def test_the_default_root_can_be_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FO_POSE_HEATMAPS", raising=False)
    monkeypatch.setenv("FO_POSE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "heatmaps"
    monkeypatch.setenv("FO_POSE_HOME", "")
    assert default_root() == Path.home() / ".fo_pose" / "heatmaps"
    monkeypatch.setenv("FO_POSE_HEATMAPS", "~/large disk")
    assert default_root() == Path.home() / "large disk"
    assert HeatmapStore(Path("relative")).root.is_absolute()

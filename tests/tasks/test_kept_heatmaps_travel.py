"""Kept heatmaps go where their dataset goes: exports, imports, clones, other names, moved photos."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import fiftyone as fo
import numpy as np
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.errors import HeatmapError
from tests.kept_datasets import KeptModel, fill_with_photos, keep_poses

MakeDataset = Callable[..., fo.Dataset]
PEOPLE = [2, 1, 0]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own."""
    root = tmp_path / "kept"
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(root))
    return root


@pytest.fixture
def dataset(make_dataset: MakeDataset, tmp_path: Path, root: Path) -> fo.Dataset:
    """Three photos, under a name with slashes, with heatmaps of UDP's codec."""
    dataset = make_dataset("clients/acme/walk")
    fill_with_photos(dataset, tmp_path / "photos" / "may", 3)
    keep_poses(dataset, PEOPLE, KeptModel("udp"))
    return dataset


@pytest.fixture
def imported() -> Iterator[Callable[..., fo.Dataset]]:
    """Import FiftyOne's own format, and delete the datasets after the test."""
    made: list[fo.Dataset] = []

    def load(folder: Path, kind: Any = fo.types.FiftyOneDataset, **options: Any) -> fo.Dataset:
        dataset = fo.Dataset.from_dir(
            dataset_dir=str(folder),
            dataset_type=kind,
            name=f"imported/{uuid4().hex[:8]}",
            persistent=True,
            progress=False,
            **options,
        )
        made.append(dataset)
        return dataset

    yield load
    for dataset in made:
        dataset.delete()


def check(samples: fo.Dataset | fo.DatasetView, before: list[Any], field: str = "poses") -> None:
    """That heatmaps load, the overlay is there, and can be painted anew."""
    for sample, heatmaps, count in zip(samples, before, PEOPLE, strict=True):
        found = fop.load_heatmaps(sample, field)
        assert len(found) == count
        for one, other in zip(found, heatmaps, strict=True):
            np.testing.assert_array_equal(one, other)
    report = fop.show_heatmaps(samples, field, "left_knee", progress=False)
    assert (report.failures, report.samples, report.skipped) == ({}, 2, 1)
    samples.reload()
    for sample, count in zip(samples, PEOPLE, strict=True):
        overlay = sample[f"{field}_heatmap"]
        assert (overlay is not None) == bool(count)
        if overlay is not None:
            pixels = cv2.imread(overlay.map_path, cv2.IMREAD_UNCHANGED)
            assert pixels is not None
            assert pixels.any()
            assert overlay.keypoints == "left_knee"


def loaded(samples: fo.Dataset | fo.DatasetView) -> list[Any]:
    return [fop.load_heatmaps(sample) for sample in samples]


def painted(samples: fo.Dataset | fo.DatasetView) -> list[bytes | None]:
    """The pixels of the overlays as the App shows them."""
    labels = [sample.poses_heatmap for sample in samples]
    return [None if label is None else label.get_map().tobytes() for label in labels]


EXPORTS = [
    pytest.param({}, id="plain"),
    pytest.param({"chunk_size": 2}, id="in chunks", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("options", EXPORTS)
def test_an_import_elsewhere_has_them_when_the_original_is_gone(
    dataset: fo.Dataset,
    imported: Callable[..., fo.Dataset],
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
) -> None:
    before, pictures = loaded(dataset), painted(dataset)
    dataset.export(
        export_dir=str(tmp_path / "exported"),
        dataset_type=fo.types.FiftyOneDataset,
        export_media=True,
        progress=False,
        **options,
    )
    dataset.delete()
    shutil.rmtree(root)
    shutil.rmtree(tmp_path / "photos")
    shutil.move(tmp_path / "exported", tmp_path / "another" / "machine")
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(tmp_path / "another root"))
    found = imported(tmp_path / "another" / "machine")
    assert painted(found) == pictures
    check(found, before)
    assert (tmp_path / "another root").is_dir()
    assert not root.exists()


def test_an_import_of_a_view_has_them_too(
    dataset: fo.Dataset, imported: Callable[..., fo.Dataset], root: Path, tmp_path: Path
) -> None:
    """FiftyOne leaves the runs' records out of it."""
    before = loaded(dataset)
    dataset.sort_by("filepath").export(
        export_dir=str(tmp_path / "exported"), dataset_type=fo.types.FiftyOneDataset, progress=False
    )
    dataset.delete()
    shutil.rmtree(root)
    found = imported(tmp_path / "exported")
    assert found.list_runs() == []
    check(found, before)


def test_the_photos_of_an_import_move_on(
    dataset: fo.Dataset, imported: Callable[..., fo.Dataset], root: Path, tmp_path: Path
) -> None:
    before = loaded(dataset)
    dataset.export(
        export_dir=str(tmp_path / "exported"), dataset_type=fo.types.FiftyOneDataset, progress=False
    )
    dataset.delete()
    shutil.rmtree(root)
    found = imported(tmp_path / "exported")
    shutil.move(tmp_path / "exported" / "data", tmp_path / "moved")
    paths = [str(tmp_path / "moved" / Path(path).name) for path in found.values("filepath")]
    found.set_values("filepath", paths)
    check(found, before)


def test_moved_photos_a_new_name_and_a_new_field_name(
    dataset: fo.Dataset, tmp_path: Path, root: Path
) -> None:
    before = loaded(dataset)
    shutil.move(tmp_path / "photos", tmp_path / "elsewhere")
    dataset.set_values(
        "filepath", [path.replace("/photos/", "/elsewhere/") for path in dataset.values("filepath")]
    )
    check(dataset, before)
    dataset.name = f"clients/acme/walk 2/{uuid4().hex[:6]}"
    check(dataset, before)
    dataset.rename_sample_field("poses", "first_poses")
    assert "first_poses" not in dataset.skeletons
    check(dataset, before, "first_poses")
    assert dataset.get_field("first_poses_heatmap") is not None


def test_a_clone_has_them_when_the_original_is_gone(dataset: fo.Dataset) -> None:
    before, pictures = loaded(dataset), painted(dataset)
    clone = dataset.clone(f"{dataset.name}/clone", persistent=True)
    try:
        dataset.delete()
        assert painted(clone) == pictures
        check(clone, before)
    finally:
        clone.delete()


def test_samples_copied_into_another_dataset_have_them(
    dataset: fo.Dataset, make_dataset: MakeDataset, root: Path
) -> None:
    """They get new ids, which their files do not know of; nor does the dataset know of the run."""
    before = loaded(dataset)
    copy = make_dataset("copy")
    copy.add_samples(
        [fo.Sample.from_dict(sample.to_dict()) for sample in dataset], dynamic=True, progress=False
    )
    copy.skeletons = dict(dataset.skeletons)
    copy.save()
    assert set(copy.values("id")).isdisjoint(dataset.values("id"))
    check(copy, before)


@pytest.mark.parametrize("away", [False, True], ids=["in the store", "in an import"])
def test_a_path_that_was_swapped_is_noticed(
    dataset: fo.Dataset,
    imported: Callable[..., fo.Dataset],
    root: Path,
    tmp_path: Path,
    away: bool,
) -> None:
    if away:
        dataset.export(
            export_dir=str(tmp_path / "exported"), dataset_type=fo.types.FiftyOneDataset, progress=False
        )
        dataset.delete()
        dataset = imported(tmp_path / "exported")
    first, second, _ = dataset
    first.poses["heatmaps_path"] = second.poses.heatmaps_path
    first.save()
    with pytest.raises(HeatmapError, match=f"holds the heatmaps of sample {second.id}, not of {first.id}"):
        fop.load_heatmaps(first)
    # Neither may it be when the other sample is gone, as long as the file lies in this dataset's folder.
    if not away:
        dataset.delete_samples(second.id)
        with pytest.raises(HeatmapError, match=f"not of {first.id}"):
            fop.load_heatmaps(first)


@pytest.mark.parametrize(
    "place", ["photos/x/{name}", "fields/{name}", "fields/poses.heatmaps_path/link/{name}"]
)
def test_only_an_imports_own_folder_is_read(dataset: fo.Dataset, tmp_path: Path, place: str) -> None:
    sample = dataset.first()
    kept = Path(sample.poses.heatmaps_path)
    path = tmp_path / place.format(name=kept.name)
    if "link" in place:
        path.parent.parent.mkdir(parents=True)
        path.parent.symlink_to(kept.parent)
    else:
        path.parent.mkdir(parents=True)
        shutil.copy(kept, path)
    sample.poses["heatmaps_path"] = str(path)
    sample.save()
    with pytest.raises(HeatmapError, match="symlink" if "link" in place else "outside the folders"):
        fop.load_heatmaps(sample)

"""The overlay painted anew: what is painted, what is said of it, and whatever can be wrong with a sample."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import fiftyone as fo
import numpy as np
import numpy.typing as npt
import pytest
from fiftyone import ViewField as F

import fo_pose_plugin as fop
from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.skeleton import Skeleton, mirrored_indices
from fo_pose_plugin.errors import FieldError, KeypointNameError, MediaTypeError
from fo_pose_plugin.heatmaps import overlay, store
from fo_pose_plugin.tasks import heatmap_painter
from fo_pose_plugin.tasks.show_heatmaps import heatmap_choices, paint_samples
from tests.kept_datasets import COCO, KeptModel, fill_with_photos, keep_poses

Kept = Callable[..., fo.Dataset]
MakeDataset = Callable[..., fo.Dataset]
UInt8 = npt.NDArray[np.uint8]
SIZE_WH = (640, 480)
# Levels of 255 by which a repaint is paler: what is below 2 % of a peak is not kept.
FADED = 6
HANDS = [f"{side}_hand_{k}" for side in ("left", "right") for k in range(4)]
FACE = [f"face-{k}" for k in range(5)]
WHOLE_NAMES = (*COCO.keypoint_names, "left_big_toe", "right_big_toe", *FACE, *HANDS)
WHOLEBODY = KeptModel(skeleton=Skeleton("whole", WHOLE_NAMES, (), mirrored_indices(WHOLE_NAMES)))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own."""
    root = tmp_path / "kept"
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(root))
    return root


@pytest.fixture
def kept(make_dataset: MakeDataset, tmp_path: Path, root: Path) -> Kept:
    """Make a dataset with so many people per photo, and their kept heatmaps."""

    def make(people: list[int], model: KeptModel | None = None, **options: Any) -> fo.Dataset:
        dataset = make_dataset("kept")
        fill_with_photos(dataset, tmp_path / dataset.name, len(people))
        keep_poses(dataset, people, model, **options)
        return dataset

    return make


def show(samples: fo.Dataset | fo.DatasetView, *arguments: Any) -> fop.ShowHeatmapsReport:
    report = fop.show_heatmaps(samples, *arguments, progress=False)
    samples.reload()
    return report


def picture(sample: fo.Sample, field: str = "poses_heatmap") -> UInt8:
    pixels = cv2.imread(sample[field].map_path, cv2.IMREAD_UNCHANGED)
    assert pixels is not None, sample[field].map_path
    return pixels.astype(np.uint8)


def expected(sample: fo.Sample, keypoints: Sequence[int] | None, people: Sequence[int] = ()) -> UInt8:
    """What should be painted, by way of `load_heatmaps`, for a model with MSRA's codec."""
    chosen = [sample.poses.keypoints[n] for n in people] if people else sample.poses.keypoints
    heatmaps = fop.load_heatmaps(sample)
    maps = np.stack([heatmaps[n] for n in people] if people else heatmaps)
    crops = [Crop(tuple(k.crop[:2]), tuple(k.crop[2:])) for k in chosen]
    return overlay.paint_overlay(maps, crops, SIZE_WH, keypoints=keypoints, udp=False)


def overlays_of(root: Path, dataset: fo.Dataset) -> set[str]:
    folder = root / store.OVERLAYS / str(dataset._doc.id)
    return {str(path) for path in folder.rglob("*") if path.is_file()}


# ---- what is painted


def test_named_keypoints_are_painted_and_named(kept: Kept) -> None:
    dataset = kept([2, 1])
    before = [picture(sample) for sample in dataset]
    report = show(dataset, "poses", ["left_ankle", "nose"])
    assert (report.samples, report.skipped, report.failures) == (2, 0, {})
    assert (report.shown, report.heatmap_field) == ("nose, left_ankle", "poses_heatmap")
    assert 0 < report.seconds < 60
    for sample, everything in zip(dataset, before, strict=True):
        now = picture(sample)
        np.testing.assert_array_equal(now, expected(sample, [0, 15]))
        assert (now != everything).any()
        assert sample.poses_heatmap.keypoints == "nose, left_ankle"
        assert sample.poses_heatmap.range == [0, 255]
    assert show(dataset).shown == "all 17 keypoints"
    for sample, everything in zip(dataset, before, strict=True):
        np.testing.assert_array_equal(picture(sample), expected(sample, None))
        # What is kept has 256 levels.
        assert np.abs(picture(sample).astype(int) - everything).max() <= FADED


@pytest.mark.parametrize(
    ("keypoints", "indices", "shown"),
    [
        ("hands", [*range(24, 32)], "hands (8 keypoints)"),
        (["feet", "face"], [*range(17, 24)], "feet (2 keypoints), face (5 keypoints)"),
        (["nose", "feet"], [0, 17, 18], "feet (2 keypoints), nose"),
        ("right_hand_2", [30], "right_hand_2"),
        ([*WHOLE_NAMES], None, "all 32 keypoints"),
        (None, None, "all 32 keypoints"),
    ],
    ids=str,
)
def test_groups_of_a_whole_body(kept: Kept, keypoints: Any, indices: list[int] | None, shown: str) -> None:
    dataset = kept([2], WHOLEBODY)
    assert show(dataset, "poses", keypoints).shown == shown
    np.testing.assert_array_equal(picture(dataset.first()), expected(dataset.first(), indices))
    assert dataset.first().poses_heatmap.keypoints == shown


@pytest.mark.parametrize("kind", ["msra", "dark", "udp", "megvii"])
def test_the_scale_is_the_codecs_and_zero_is_transparent(kept: Kept, kind: Any) -> None:
    """And all keypoints painted anew lie where the run has painted them."""
    dataset = kept([1, 1], KeptModel(kind, peaks=(0.8,)))
    before = picture(dataset.first())
    show(dataset)
    assert np.abs(picture(dataset.first()).astype(int) - before).max() <= FADED
    for keypoints in (None, "nose"):
        show(dataset, "poses", keypoints)
        for sample in dataset:
            # Overlay pixels lie between those of the heatmap: the highest of them is a little lower.
            assert 0.8 * 255 * 0.93 < picture(sample).max() <= 0.8 * 255 + 1
            assert (picture(sample) == 0).mean() > 0.3


def test_people_and_samples_share_one_scale(kept: Kept) -> None:
    dataset = kept([1], KeptModel(peaks=(0.25,)))
    show(dataset, "poses", "nose")
    assert 0.25 * 255 * 0.93 < picture(dataset.first()).max() <= 0.25 * 255 + 1


def test_everyone_of_the_views_samples_is_painted(kept: Kept) -> None:
    dataset = kept([3, 2, 1])
    before = dataset.values("poses_heatmap.map_path")
    first = dataset.first()
    first.poses.keypoints[0].score = 0.99
    first.save()
    view = dataset[:2].filter_labels("poses", F("score") > 0.98)
    assert len(view) == 1
    assert show(view, "poses", "nose").samples == 1
    assert dataset.values("poses_heatmap.map_path")[1:] == before[1:]
    np.testing.assert_array_equal(picture(dataset.first()), expected(dataset.first(), [0]))
    assert dataset.first().poses_heatmap.keypoints == "nose"
    # Nor does it matter which fields, or which points, a view shows.
    assert show(dataset.select_fields(), "poses").samples == 3
    assert show(fop.show_keypoints(dataset, keypoints="nose"), "poses", "left_eye").samples == 3
    np.testing.assert_array_equal(picture(dataset.last()), expected(dataset.last(), [1]))


def test_patches_are_refused(kept: Kept) -> None:
    dataset = kept([1])
    dataset.set_values("boxes", [fo.Detections(detections=[fo.Detection(bounding_box=[0, 0, 1, 1])])])
    with pytest.raises(MediaTypeError, match="patches"):
        show(dataset.to_patches("boxes"))


def test_samples_without_people_are_skipped(kept: Kept, tmp_path: Path) -> None:
    dataset = kept([1, 0])
    fill_with_photos(dataset, tmp_path / "later", 1)
    report = show(dataset, "poses", "nose")
    assert (report.samples, report.skipped, report.failures) == (1, 2, {})
    assert dataset.values("poses_heatmap.map_path")[1:] == [None, None]
    assert show(dataset[1:]).samples == 0
    assert show(dataset.limit(0)).failures == {}


def test_fifty_samples_take_less_than_two_seconds(kept: Kept) -> None:
    """17 keypoints, 64x48, two people on each photo of 640x480.

    On a machine that is busy with other tests the processor's time counts: what one idle core would need.
    """
    dataset = kept([2] * 50)
    seconds = []
    for keypoints in (["left_wrist", "right_wrist"], None):
        used = time.process_time()
        report = show(dataset, "poses", keypoints)
        assert report.samples == 50
        seconds.append(min(report.seconds, time.process_time() - used))
    assert min(seconds) < 2, seconds


def test_the_progress_is_told(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heatmap_painter, "SECONDS_BETWEEN_REPORTS", 0.0)
    monkeypatch.setattr(heatmap_painter, "CHUNK_SAMPLES", 2)
    dataset = kept([1] * 5)
    Path(dataset.first().poses.heatmaps_path).unlink()
    steps = list(paint_samples(dataset, "poses", "nose"))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert (steps[0].fraction, steps[-1].fraction) == (0.0, 1.0)
    assert len(steps) > 5
    assert steps[-1].describe() == "painting heatmaps: 5 of 5 images, 1 failed"


# ---- what cannot be asked for


def test_an_unknown_keypoint_lists_those_there_are(kept: Kept) -> None:
    dataset = kept([1])
    before = dataset.values("poses_heatmap.map_path")
    with pytest.raises(KeypointNameError, match=r"'tail' .*groups: body; keypoints: nose, left_eye"):
        show(dataset, "poses", ["nose", "tail"])
    with pytest.raises(KeypointNameError, match="'face'"):
        show(dataset, "poses", "face")
    with pytest.raises(FieldError, match="no keypoint was named"):
        show(dataset, "poses", [])
    assert dataset.values("poses_heatmap.map_path") == before


def test_fields_without_kept_heatmaps_are_refused(kept: Kept) -> None:
    dataset = kept([1])
    dataset.add_sample_field("truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    for field, words in (
        ("nothing", "'nothing' is not there.*fields with poses of a run: poses"),
        ("truth", "'truth' holds no poses of a run"),
        ("filepath", "'filepath' holds no poses"),
        ("../x", "no field name"),
    ):
        with pytest.raises(FieldError, match=words):
            show(dataset, field)


def test_an_overlay_field_that_is_something_else_is_refused(kept: Kept) -> None:
    dataset = kept([1])
    dataset.rename_sample_field("poses", "mine")
    dataset.add_sample_field("mine_heatmap", fo.StringField)
    with pytest.raises(FieldError, match=r"'mine_heatmap' of type StringField.*rename"):
        show(dataset, "mine")
    dataset.delete_sample_field("mine_heatmap")
    show(dataset, "mine")
    field = dataset.get_field("mine_heatmap")
    field.read_only = True
    field.save()
    with pytest.raises(FieldError, match="'mine_heatmap' is read-only"):
        show(dataset, "mine")


def test_a_heatmap_of_the_users_own_is_left_alone(kept: Kept) -> None:
    dataset = kept([1, 1, 1])
    own = fo.Heatmap(map=np.ones((4, 4), np.uint8))
    elsewhere = fo.Heatmap(map_path="/photos/depth.png")
    first, second = dataset[:2]
    first["poses_heatmap"], second["poses_heatmap"] = own, elsewhere
    first.save()
    second.save()
    report = show(dataset)
    assert report.samples == 1
    assert set(report.failures) == set(dataset.values("id")[:2])
    assert all("has not painted" in message for message in report.failures.values())
    assert dataset.first().poses_heatmap.map is not None


# ---- what can be wrong with a sample


def not_kept(sample: fo.Sample) -> None:
    sample.poses["heatmaps_path"] = None
    sample.save()


def gone(sample: fo.Sample) -> None:
    Path(sample.poses.heatmaps_path).unlink()


def damaged(sample: fo.Sample) -> None:
    path = Path(sample.poses.heatmaps_path)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(bytes(content))


def another_samples_content(sample: fo.Sample) -> None:
    other = sample.dataset.last()
    shutil.copy(other.poses.heatmaps_path, sample.poses.heatmaps_path)


def another_samples_path(sample: fo.Sample) -> None:
    sample.poses["heatmaps_path"] = sample.dataset.last().poses.heatmaps_path
    sample.save()


def another_runs_content(sample: fo.Sample) -> None:
    sample.poses["run_id"] = "pose_run_of_another_day"
    sample.save()


def a_symlink(sample: fo.Sample) -> None:
    path = Path(sample.poses.heatmaps_path)
    path.rename(path.with_name("real"))
    path.symlink_to(path.with_name("real"))


def outside(sample: fo.Sample) -> None:
    path = Path(sample.poses.heatmaps_path)
    moved = Path(sample.filepath).parent / path.name
    path.rename(moved)
    sample.poses["heatmaps_path"] = str(moved)
    sample.save()


def up_and_out(sample: fo.Sample) -> None:
    path = Path(sample.poses.heatmaps_path)
    sample.poses["heatmaps_path"] = str(path.parent / ".." / path.parent.name / path.name)
    sample.save()


def a_folder(sample: fo.Sample) -> None:
    path = Path(sample.poses.heatmaps_path)
    path.unlink()
    path.mkdir()


def nobody_of_that_number(sample: fo.Sample) -> None:
    sample.poses.keypoints[0]["heatmap_index"] = 7
    sample.save()


def no_crop(sample: fo.Sample) -> None:
    sample.poses.keypoints[0]["crop"] = None
    sample.save()


def an_empty_crop(sample: fo.Sample) -> None:
    sample.poses.keypoints[0]["crop"] = [10.0, 10.0, 0.0, 5.0]
    sample.save()


WRONGS: list[tuple[Callable[[fo.Sample], None], str]] = [
    (not_kept, "were not kept: run estimate_poses with keep_heatmaps=True"),
    (gone, "does not exist: bring the folder back, or run estimate_poses again"),
    (damaged, "damaged"),
    (another_samples_content, "holds the heatmaps of sample"),
    (another_samples_path, "holds the heatmaps of sample .*, not of"),
    (another_runs_content, "expected run pose_run_of_another_day"),
    (a_symlink, "symlink"),
    (outside, "lies outside the folders for heatmaps"),
    (up_and_out, "without '..'"),
    (a_folder, "Is a directory"),
    (nobody_of_that_number, "there is no person 7"),
    (no_crop, "crop is None"),
    (an_empty_crop, "crop needs"),
]


def test_what_is_wrong_with_a_sample_is_said_and_stays_with_it(kept: Kept, root: Path) -> None:
    dataset = kept([1, 2] * (len(WRONGS) // 2) + [1, 1])
    spoilt = dict(zip(dataset.values("id"), WRONGS, strict=False))
    before = dict(zip(*dataset.values(["id", "poses_heatmap.map_path"]), strict=True))
    for sample_id, (spoil, _) in spoilt.items():
        spoil(dataset[sample_id])
    dataset.reload()
    report = show(dataset, "poses", "nose")
    assert list(report.failures) == list(spoilt)
    for sample_id, (spoil, words) in spoilt.items():
        assert re.search(words, report.failures[sample_id]), (spoil.__name__, report.failures[sample_id])
    assert (report.samples, report.skipped) == (len(dataset) - len(WRONGS), 0)
    for sample in dataset:
        spoilt_one = sample.id in spoilt
        assert (sample.poses_heatmap.map_path == before[sample.id]) is spoilt_one
        assert sample.poses_heatmap.keypoints == ("all 17 keypoints" if spoilt_one else "nose")
        assert Path(sample.poses_heatmap.map_path).is_file()


def test_a_file_that_is_too_large_is_said(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = kept([1, 3])
    sizes = [Path(path).stat().st_size for path in dataset.values("poses.heatmaps_path")]
    monkeypatch.setattr(store, "MAX_FILE_BYTES", sum(sizes) // 2)
    report = show(dataset)
    assert report.samples == 1
    assert "is larger than the" in report.failures[dataset.last().id]


def test_a_skeleton_of_another_size_is_said(kept: Kept) -> None:
    dataset = kept([1])
    dataset.skeletons["poses"] = fo.KeypointSkeleton(labels=["a", "b"], edges=[])
    dataset.save()
    (message,) = show(dataset).failures.values()
    assert "holds 17 keypoints a person, but field 'poses' has 2" in message


def test_people_whom_other_tools_add_or_remove(kept: Kept) -> None:
    dataset = kept([3])
    sample = dataset.first()
    last = sample.poses.keypoints[2].copy()
    del sample.poses.keypoints[1]
    sample.poses.keypoints.append(fo.Keypoint(label="person", points=[[0.5, 0.5]] * 17))
    sample.save()
    assert show(dataset).samples == 1
    sample.reload()
    assert sample.poses_heatmap.keypoints == "all 17 keypoints (2 of 3 people)"
    now = picture(sample)
    sample.poses.keypoints.pop()
    sample.save()
    assert [k.heatmap_index for k in sample.poses.keypoints] == [0, 2]
    assert last.heatmap_index == 2
    np.testing.assert_array_equal(now, expected(sample, None))
    # Only strangers are left.
    sample.poses.keypoints = [fo.Keypoint(label="person", points=[[0.5, 0.5]] * 17)]
    sample.save()
    (message,) = show(dataset).failures.values()
    assert "no run made the people" in message


def test_an_overlay_of_people_who_are_gone_is_cleared(kept: Kept, root: Path) -> None:
    dataset = kept([1, 1])
    sample = dataset.first()
    sample.poses.keypoints = []
    sample.save()
    report = show(dataset, "poses", "nose")
    assert (report.samples, report.skipped) == (2, 0)
    assert dataset.values("poses_heatmap.map_path")[0] is None
    assert len(overlays_of(root, dataset)) == 1
    assert show(dataset).skipped == 1


def test_the_photos_are_not_needed(kept: Kept) -> None:
    dataset = kept([1])
    before = picture(dataset.first())
    Path(dataset.first().filepath).unlink()
    assert show(dataset).failures == {}
    assert picture(dataset.first()).shape == before.shape


def test_the_photo_is_read_where_boxes_do_not_tell_its_size(kept: Kept) -> None:
    dataset = kept([1])
    sample = dataset.first()
    right = picture(sample)
    for box in (None, [], [-0.2, 0.1, 0.4, 0.5], [0.3, 0.3, 0.123, 0.456]):
        sample.poses.keypoints[0]["bounding_box"] = box
        sample.save()
        assert show(dataset).failures == {}
        sample.reload()
        assert picture(sample).shape == right.shape
        assert np.abs(picture(sample).astype(int) - right).max() <= FADED
    Path(sample.filepath).unlink()
    (message,) = show(dataset).failures.values()
    assert "does not exist; was it moved or deleted?" in message


def test_without_the_runs_record_the_overlay_tells_the_codec(kept: Kept) -> None:
    dataset = kept([1, 1], KeptModel("udp"))
    before = picture(dataset.first())
    dataset.delete_runs()
    second = dataset.last()
    second["poses_heatmap"] = None
    second.save()
    report = show(dataset)
    assert report.samples == 1
    assert np.abs(picture(dataset.first()).astype(int) - before).max() <= FADED
    (message,) = report.failures.values()
    assert "the record of run pose_run_" in message
    assert "is gone" in message


# ---- files


def test_old_pictures_go_and_those_in_use_stay(kept: Kept, root: Path) -> None:
    dataset = kept([1, 2])
    before = dataset.values("poses_heatmap.map_path")
    show(dataset, "poses", "nose")
    now = dataset.values("poses_heatmap.map_path")
    assert set(now).isdisjoint(before)
    assert overlays_of(root, dataset) == set(now)
    # The same again has the same name.
    show(dataset, "poses", "nose")
    assert dataset.values("poses_heatmap.map_path") == now
    assert overlays_of(root, dataset) == set(now)


def test_what_a_clone_or_another_field_uses_stays(kept: Kept, root: Path) -> None:
    dataset = kept([1])
    clone = dataset.clone(f"{dataset.name}-clone", persistent=True)
    try:
        first = picture(clone.first())
        show(dataset, "poses", "nose")
        np.testing.assert_array_equal(picture(clone.first()), first)
        # The clone's own repaint leaves the original's files alone.
        nose = picture(dataset.first())
        show(clone, "poses", "left_eye")
        np.testing.assert_array_equal(picture(dataset.first()), nose)
        assert str(clone._doc.id) in clone.first().poses_heatmap.map_path
    finally:
        clone.delete()
    dataset.clone_sample_field("poses_heatmap", "noses")
    show(dataset, "poses", "right_eye")
    np.testing.assert_array_equal(picture(dataset.first(), "noses"), nose)


def test_paths_that_lead_elsewhere_are_not_removed(kept: Kept, root: Path, tmp_path: Path) -> None:
    dataset = kept([1, 1])
    elsewhere = tmp_path / f"{dataset.first().id}-x.png"
    shutil.copy(dataset.first().poses_heatmap.map_path, elsewhere)
    others = root / store.OVERLAYS / ("0" * 24) / "00" / elsewhere.name
    others.parent.mkdir(parents=True)
    shutil.copy(elsewhere, others)
    for sample, path in zip(dataset, (elsewhere, others), strict=True):
        sample.poses_heatmap.map_path = str(path)
        sample.save()
    assert show(dataset, "poses", "nose").samples == 2
    assert elsewhere.exists()
    assert others.exists()


def test_the_old_picture_stays_until_the_new_one_is_named(
    kept: Kept, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = kept([1])
    before = dataset.first().poses_heatmap.map_path
    seen: list[set[str]] = []

    def fail(*_arguments: Any, **_options: Any) -> None:
        seen.append(overlays_of(root, dataset))
        raise ConnectionError("the database is gone")

    monkeypatch.setattr(heatmap_painter, "write_overlays", fail)
    with pytest.raises(ConnectionError):
        show(dataset, "poses", "nose")
    assert len(seen[0]) == 2
    dataset.reload()
    assert dataset.first().poses_heatmap.map_path == before
    assert Path(before).is_file()


def test_a_disk_that_takes_no_more_leaves_everything_as_it_was(
    kept: Kept, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = kept([1, 1])
    before = dataset.values("poses_heatmap.map_path")

    def full(*_arguments: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    report = show(dataset, "poses", "nose")
    monkeypatch.undo()
    assert report.samples == 0
    assert all("the disk is full" in message for message in report.failures.values())
    assert len(report.failures) == 2
    dataset.reload()
    assert dataset.values("poses_heatmap.map_path") == before
    assert all(Path(path).is_file() for path in before)
    assert not list(root.rglob("*.tmp"))


# ---- what a form may offer


def test_choices_are_those_of_fields_with_kept_heatmaps(kept: Kept) -> None:
    dataset = kept([1], WHOLEBODY)
    dataset.skeletons["truth"] = dataset.skeletons["poses"]
    dataset.add_sample_field("truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    choices = heatmap_choices(dataset)
    assert list(choices) == ["poses"]
    assert choices["poses"][:5] == ["body", "feet", "face", "hands", "nose"]

"""One sample's people and their heatmaps, read for the panel."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

import fo_pose_plugin as fop
from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.errors import FieldError, ImageReadError, InputError
from fo_pose_plugin.heatmaps.store import default_root
from fo_pose_plugin.tasks import browse_heatmaps
from fo_pose_plugin.tasks.browse_heatmaps import list_people, read_person
from tests.real_models import WHOLEBODY as REAL_WHOLEBODY
from tests.real_models import register_real_models
from tests.tiny_models import BODY, CROWDPOSE, WHOLEBODY, register_tiny_models

Noise = Callable[..., fo.Dataset]


@pytest.fixture(autouse=True, scope="module")
def models() -> None:
    register_tiny_models(BODY, CROWDPOSE, WHOLEBODY)


def estimated(dataset: fo.Dataset, model: str = BODY, **options: Any) -> fo.Dataset:
    fop.estimate_poses(dataset, model, boxes="boxes", progress=False, **options)
    dataset.reload()
    return dataset


def picture(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_people_are_listed_in_the_fields_order(noise: Noise) -> None:
    dataset = estimated(noise([3, 0]))
    sample = dataset.first()
    found = list_people(dataset, sample.id)
    assert (found.pose_fields, found.pose_field) == (("poses",), "poses")
    assert [person.label_id for person in found.people] == [k.id for k in sample.poses.keypoints]
    assert [person.score for person in found.people] == [k.score for k in sample.poses.keypoints]
    assert found.skeleton.keypoint_names[:2] == ("nose", "left_eye")
    for person in found.people:
        assert person.thumbnail is not None
        assert len(picture(person.thumbnail)) == browse_heatmaps.THUMBNAIL_HEIGHT_PX
    assert list_people(dataset, dataset.last().id).people == ()


def test_the_field_of_the_newest_run_comes_first_and_one_with_people_is_taken(noise: Noise) -> None:
    dataset = estimated(noise([1, 1]))
    estimated(dataset[:1], pose_field="later", model=CROWDPOSE)
    first, last = dataset.values("id")
    found = list_people(dataset, first)
    assert (found.pose_fields, found.pose_field) == (("later", "poses"), "later")
    assert len(found.skeleton) == 14
    assert list_people(dataset, last).pose_field == "poses"
    assert list_people(dataset, first, "poses").pose_field == "poses"


def test_a_person_has_a_picture_points_and_every_map(noise: Noise) -> None:
    dataset = estimated(noise([2]), WHOLEBODY)
    sample = dataset.first()
    keypoint = sample.poses.keypoints[1]
    person = read_person(dataset, sample.id, "poses", keypoint.id)
    assert picture(person.jpeg).shape[1::-1] == person.size_wh
    assert person.problem is None
    assert person.heatmaps is not None
    assert len(person.heatmaps.atlas.peaks) == len(person.points) == len(person.confidence) == 133
    kept = fop.load_heatmaps(sample)[1]
    np.testing.assert_allclose(person.heatmaps.atlas.peaks, kept.max(axis=(1, 2)).clip(0), rtol=1e-6)
    assert list(person.confidence) == pytest.approx(keypoint.confidence)
    # The model knows no keypoint where its map has no peak.
    missing = [index for index, point in enumerate(keypoint.points) if math.isnan(point[0])]
    assert missing
    assert [index for index, point in enumerate(person.points) if point is None] == missing


def test_a_maps_peak_lies_on_its_keypoint(
    shared_data: Path, coco_test_dataset: Callable[..., fo.Dataset]
) -> None:
    register_real_models(shared_data)
    dataset = coco_test_dataset(2)
    fop.estimate_poses(dataset, REAL_WHOLEBODY, boxes="ground_truth_boxes", progress=False)
    dataset.reload()
    for sample in dataset:
        for keypoint, maps in zip(sample.poses.keypoints, fop.load_heatmaps(sample), strict=True):
            person = read_person(dataset, sample.id, "poses", keypoint.id)
            assert person.heatmaps is not None
            affine = person.heatmaps.heatmap_to_picture
            heatmap_px = affine[0, 0]  # in picture_px
            for point, score, one in zip(person.points, person.confidence, maps, strict=True):
                if point is None or score is None or score < 0.3:
                    continue
                y, x = np.unravel_index(one.argmax(), one.shape)
                distance = np.abs(affine @ (x, y, 1) - point).max()
                assert distance <= 0.3 * heatmap_px  # MSRA moves the peak by a quarter of a pixel
    # Neither the model nor another person's maps are needed: that is what makes it quick.
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        read_person(dataset, sample.id, "poses", keypoint.id)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.15


def test_the_picture_shows_what_the_model_saw() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    image[28:32, 38:42] = 255  # a white square about (39.5, 29.5)
    cut, affine = browse_heatmaps._cut_picture(image, Crop((30.0, 30.0), (60.0, 80.0)), 384)
    assert cut.shape == (96, 72, 3)  # no taller than the crop, but for the least height
    weights = cut[..., 0].astype(float)
    ys, xs = np.mgrid[:96, :72]
    centre = np.array([(xs * weights).sum(), (ys * weights).sum()]) / weights.sum()
    np.testing.assert_allclose(affine @ (39.5, 29.5, 1), centre, atol=0.05)
    assert not cut[:10].any()  # the crop reaches beyond the image


def test_a_large_crop_is_averaged_and_stays_in_place() -> None:
    image = np.zeros((2400, 1800, 3), np.uint8)
    image[1000:1100, 700:900] = 255
    cut, affine = browse_heatmaps._cut_picture(image, Crop((900.0, 1200.0), (1500.0, 2000.0)), 384)
    assert cut.shape == (384, 288, 3)
    weights = cut[..., 0].astype(float)
    ys, xs = np.mgrid[:384, :288]
    centre = np.array([(xs * weights).sum(), (ys * weights).sum()]) / weights.sum()
    np.testing.assert_allclose(affine @ (799.5, 1049.5, 1), centre, atol=0.05)


def test_the_truth_is_read_whatever_a_view_or_an_old_sample_shows(noise: Noise) -> None:
    dataset = estimated(noise([2]))
    sample = dataset.first()
    old = sample.poses.keypoints[0].id
    dataset.save_view("nobody", dataset.filter_labels("poses", F("label") == "nobody", only_matches=False))
    assert not dataset.load_saved_view("nobody").first().poses.keypoints
    assert len(list_people(dataset, sample.id).people) == 2
    # Another process replaced a person since the sample was read.
    labels = {"_id": 1, "poses.keypoints": 1}
    collection = dataset._sample_collection
    document = collection.find_one({}, labels)
    collection.update_one(
        {"_id": document["_id"]}, {"$set": {"poses.keypoints": document["poses"]["keypoints"][1:]}}
    )
    assert len(list_people(dataset, sample.id).people) == 1
    with pytest.raises(InputError, match="were the poses replaced"):
        read_person(dataset, sample.id, "poses", old)


# ---- what cannot be shown


def test_who_and_what_is_not_there_is_said(noise: Noise) -> None:
    dataset = noise([1])
    nobody = "0" * 24
    with pytest.raises(FieldError, match="no poses with heatmaps: run estimate_poses"):
        list_people(dataset, dataset.first().id)
    estimated(dataset)
    with pytest.raises(InputError, match="no sample 0000"):
        list_people(dataset, nobody)
    with pytest.raises(InputError, match="no person 0000"):
        read_person(dataset, dataset.first().id, "poses", nobody)
    with pytest.raises(FieldError, match="no field 'tail'"):
        list_people(dataset, dataset.first().id, "tail")
    with pytest.raises(FieldError, match="no field 'boxes' with poses"):
        read_person(dataset, dataset.first().id, "boxes", nobody)


def test_an_image_that_is_gone_is_said_of_the_person(noise: Noise) -> None:
    dataset = estimated(noise([1]))
    sample = dataset.first()
    Path(sample.filepath).unlink()
    (person,) = list_people(dataset, sample.id).people
    assert person.thumbnail is None
    with pytest.raises(ImageReadError, match="does not exist"):
        read_person(dataset, sample.id, "poses", person.label_id)


def test_people_that_no_run_made_have_no_crop(noise: Noise) -> None:
    dataset = estimated(noise([1]))
    sample = dataset.first()
    sample.poses.keypoints.append(fo.Keypoint(label="person", points=[[0.5, 0.5]] * 17))
    sample.poses.keypoints.append(fo.Keypoint(points=[[0.5, 0.5]] * 17, crop=[1.0, 2.0, float("nan"), -1.0]))
    sample.save()
    _, *others = list_people(dataset, sample.id).people
    assert [(person.score, person.thumbnail) for person in others] == [(None, None)] * 2
    for person in others:
        with pytest.raises(FieldError, match="made by no run"):
            read_person(dataset, sample.id, "poses", person.label_id)


def read_problem(dataset: fo.Dataset) -> str:
    sample = dataset.first()
    person = read_person(dataset, sample.id, "poses", sample.poses.keypoints[0].id)
    assert person.heatmaps is None
    assert len(person.jpeg) > 100  # the crop and the keypoints are shown all the same
    assert any(person.points)
    assert person.problem is not None
    return person.problem


def test_heatmaps_that_were_not_kept(noise: Noise) -> None:
    assert "not kept" in read_problem(estimated(noise([1]), keep_heatmaps=False))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path, other: path.unlink(), "does not exist"),
        (lambda path, other: path.write_bytes(path.read_bytes()[:-20]), "damaged|shorter|broken|bytes"),
        (lambda path, other: shutil.copy(other, path), "of sample"),
        (lambda path, other: (path.unlink(), path.symlink_to(other)), "symlink"),
    ],
    ids=["gone", "cut off", "swapped", "a symlink"],
)
def test_files_that_are_gone_or_changed(
    noise: Noise, damage: Callable[[Path, Path], object], words: str
) -> None:
    import re

    dataset = estimated(noise([1, 1]))
    path, other = map(Path, dataset.values("poses.heatmaps_path"))
    damage(path, other)
    assert re.search(words, read_problem(dataset))


def test_a_path_outside_the_root_is_not_read(noise: Noise, tmp_path: Path) -> None:
    dataset = estimated(noise([1]))
    sample = dataset.first()
    elsewhere = tmp_path / "elsewhere" / "deeper" / Path(sample.poses.heatmaps_path).name
    elsewhere.parent.mkdir(parents=True)
    shutil.copy(sample.poses.heatmaps_path, elsewhere)
    assert not elsewhere.is_relative_to(default_root())
    # Files may lie where an import of the photos would have put them too; this is elsewhere.
    sample.poses.heatmaps_path = str(elsewhere)
    (tmp_path / "photos" / "data").mkdir(parents=True)
    sample.filepath = str(shutil.copy(sample.filepath, tmp_path / "photos" / "data" / "photo.png"))
    sample.save()
    assert "outside" in read_problem(dataset)


def test_a_run_whose_record_is_gone_is_noted(noise: Noise) -> None:
    dataset = estimated(noise([1]))
    for run in dataset.list_runs():
        dataset.delete_run(run)
    sample = dataset.first()
    person = read_person(dataset, sample.id, "poses", sample.poses.keypoints[0].id)
    assert person.heatmaps is not None
    assert "record is gone" in str(person.heatmaps.note)

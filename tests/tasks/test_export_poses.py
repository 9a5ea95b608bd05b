"""Poses out of a dataset: what the files hold, read by pycocotools, and that what comes back is the same."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

import fo_pose_plugin as fop
from fo_pose_plugin.core.annotation import PARTS
from fo_pose_plugin.errors import ExportError, FieldError, InputError
from fo_pose_plugin.tasks import export_run
from tests.coco_files import coco_file, entries_by_id, person, pictures
from tests.tiny_models import BODY, WHOLEBODY, noise_dataset, register_tiny_models

MakeDataset = Callable[..., fo.Dataset]
NAN = math.nan


def write(samples: Any, path: Path, field: str = "poses", **options: Any) -> fop.ExportReport:
    return fop.export_poses(samples, path, field, **{"progress": False, **options})


def load(dataset: fo.Dataset, path: Path, field: str = "gt", **options: Any) -> fop.ImportReport:
    return fop.import_poses(dataset, path, field, progress=False, **options)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.json"


@pytest.fixture
def poses(make_dataset: MakeDataset, tmp_path: Path) -> fo.Dataset:
    """Predictions of a small model: 2 people, nobody, 1 person."""
    register_tiny_models(BODY)
    dataset = noise_dataset(make_dataset("exported"), tmp_path, [2, 0, 1])
    fop.estimate_poses(dataset, BODY, boxes="boxes", keep_heatmaps=False, progress=False)
    return dataset


# ---- ground truth comes back


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("coco_mini/person_keypoints.json", "coco"),
        ("coco_test/test_coco.json", "coco"),
        ("coco_test/test_coco_wholebody.json", "coco_wholebody"),
        ("coco_test/test_keypoint_partition_metric.json", "coco"),
    ],
)
def test_ground_truth_comes_back_number_by_number(
    shared_data: Path, make_dataset: MakeDataset, out: Path, name: str, form: str
) -> None:
    source = shared_data / name
    dataset = make_dataset("coco")
    load(dataset, source, images=source.parent)
    report = write(dataset, out, "gt", format=form)
    assert (report.left_out, report.unlabelled, report.failures) == (0, 0, {})
    for part, left in (("annotations", {"segmentation"}), ("images", None)):
        wanted, found = entries_by_id(source, part), entries_by_id(out, part)
        assert set(found) == set(wanted)
        for key, entry in wanted.items():
            names = {"file_name", "width", "height"} if left is None else set(entry) - left
            assert {n: found[key].get(n) for n in names} == {n: entry[n] for n in names}
    (category,) = json.loads(out.read_text())["categories"]
    wanted_category = json.loads(source.read_text())["categories"][0]
    if len(category["keypoints"]) == 17:
        assert category == wanted_category
    else:  # the flat file names 17 of its 133 keypoints; ours names all
        assert category["keypoints"][:17] == wanted_category["keypoints"]
        assert len(category["keypoints"]) == 133


def test_what_was_exported_is_imported_equal(shared_data: Path, make_dataset: MakeDataset, out: Path) -> None:
    """Labels, not files: also with random relative positions that no pixel gives."""
    source = shared_data / "coco_test" / "test_coco_wholebody.json"
    dataset = make_dataset("coco")
    load(dataset, source, images=source.parent)
    rng = np.random.default_rng(0)
    for sample in dataset:
        for keypoint in sample.gt.keypoints:
            moved = [
                [NAN, NAN] if math.isnan(p[0]) else rng.uniform(-0.1, 1.1, 2).tolist()
                for p in keypoint.points
            ]
            keypoint.points = moved
            keypoint.bounding_box = rng.uniform(0, 0.7, 4).tolist()
        sample.save()
    write(dataset, out, "gt", format="coco_wholebody")
    load(dataset, out, "back")
    names = [n for n in dataset.first().gt.keypoints[0].field_names if n not in {"id", "instance", "box_id"}]
    names = [n for n in names if not n.endswith("_px") or n.endswith(("_box_px", "area_px"))]
    count = 0
    for sample in dataset:
        for one, other in zip(sample.gt.keypoints, sample.back.keypoints, strict=True):
            count += 1
            for name in names:
                assert str(one[name]) == str(other[name]), name
    assert count == 14


def test_numbers_of_other_programs_come_back(make_dataset: MakeDataset, tmp_path: Path, out: Path) -> None:
    rng = np.random.default_rng(0)
    dataset = make_dataset("numbers")
    dataset.add_samples([fo.Sample(filepath=p) for p in pictures(tmp_path, ["a.png"])], progress=False)
    people = []
    for number in range(1, 41):
        points = rng.uniform(0, 64, (17, 2))
        if number % 2:
            points = points.astype(np.float32).astype(float)
        flat = [value for x, y in points.tolist() for value in (x, y, 2)]
        box = rng.uniform(0, 40, 4).tolist()
        people.append(person(number, 1, keypoints=flat, bbox=box, area=float(rng.uniform(0, 1e4))))
    source = coco_file(tmp_path / "in.json", ["a.png"], people)
    load(dataset, source)
    write(dataset, out, "gt")
    assert entries_by_id(out, "annotations") == entries_by_id(source, "annotations")
    kept = [k for k in dataset.first().gt.keypoints if k.has_field("x_px")]
    assert kept  # else the test would say nothing of them
    results = [
        {"image_id": 1, "category_id": 1, "keypoints": [*p["keypoints"][:-1], 0.3], "score": p["area"] / 1e4}
        for p in people
    ]
    source.write_text(json.dumps(results))
    load(dataset, source, "predicted")
    write(dataset, out, "predicted", format="coco_results", overwrite=True)
    assert json.loads(out.read_text()) == results


# ---- read by pycocotools


def test_pycocotools_reads_annotations_and_results(
    shared_data: Path, make_dataset: MakeDataset, tmp_path: Path, out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """And gives a perfect score to ground truth that is exported as a prediction."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    source = shared_data / "coco_mini" / "person_keypoints.json"
    dataset = make_dataset("coco")
    load(dataset, source, images=source.parent)
    write(dataset, out, "gt")
    view = dataset.filter_labels("gt", (F("num_keypoints") > 0) & ~F("iscrowd"))
    results = tmp_path / "results.json"
    report = write(view, results, "gt", format="coco_results")
    assert report.people == len(json.loads(results.read_text())) == 86
    truth = COCO(str(out))
    evaluation = COCOeval(truth, truth.loadRes(str(results)), "keypoints")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)
    assert len(truth.getAnnIds(iscrowd=True)) == 5
    assert "warning" not in "".join(capfd.readouterr()).lower()


# ---- predictions


def test_predictions_are_written_with_their_scores(poses: fo.Dataset, out: Path) -> None:
    report = write(poses, out)
    assert (report.samples, report.people, report.left_out, report.unlabelled) == (3, 3, 0, 0)
    assert report.size_bytes == out.stat().st_size
    content = json.loads(out.read_text())
    assert [image["file_name"] for image in content["images"]] == ["00000.png", "00001.png", "00002.png"]
    first, last = poses.first(), poses.last()
    labels = [*first.poses.keypoints, *last.poses.keypoints]
    for entry, label in zip(content["annotations"], labels, strict=True):
        assert entry["score"] == label.score
        assert entry["keypoint_scores"] == label.confidence
        assert entry["area"] == pytest.approx(0.53 * entry["bbox"][2] * entry["bbox"][3])
        visible = [0 if math.isnan(x) else 2 for x, _ in label.points]
        assert entry["keypoints"][2::3] == visible
        assert entry["num_keypoints"] == sum(v > 0 for v in visible)
    load(poses, out, "back")
    for sample in poses:
        for one, other in zip(sample.poses.keypoints, sample.back.keypoints, strict=True):
            for name in ("points", "confidence", "score", "bounding_box"):
                assert str(one[name]) == str(other[name])


def test_results_are_what_coco_takes(poses: fo.Dataset, out: Path) -> None:
    write(poses, out, format="coco_results")
    results = json.loads(out.read_text())
    assert [set(entry) for entry in results] == [{"image_id", "category_id", "keypoints", "score"}] * 3
    label = poses.first().poses.keypoints[0]
    assert results[0]["keypoints"][2::3] == label.confidence
    assert results[0]["score"] == label.score
    load(poses, out, "back")
    for one, other in zip(poses.first().poses.keypoints, poses.first().back.keypoints, strict=True):
        assert str(one.points) == str(other.points)
        assert one.confidence == other.confidence


def test_whole_body_parts_are_spread(make_dataset: MakeDataset, tmp_path: Path, out: Path) -> None:
    register_tiny_models(WHOLEBODY)
    dataset = noise_dataset(make_dataset("whole"), tmp_path, [1])
    fop.estimate_poses(dataset, WHOLEBODY, boxes="boxes", keep_heatmaps=False, progress=False)
    write(dataset, out, format="coco_wholebody_results")
    (entry,) = json.loads(out.read_text())
    fields = {
        "keypoints": "body",
        **{f"{part}_kpts": part for part in ("foot", "face", "lefthand", "righthand")},
    }
    assert {name: len(entry[name]) // 3 for name in fields} == {
        name: PARTS[part][1] - PARTS[part][0] for name, part in fields.items()
    }
    label = dataset.first().poses.keypoints[0]
    assert entry["righthand_kpts"][-1] == label.confidence[-1]
    write(dataset, out, format="coco_wholebody", overwrite=True)
    (entry,) = json.loads(out.read_text())["annotations"]
    assert entry["face_valid"] is True
    assert len(entry["face_box"]) == 4
    load(dataset, out, "back")
    assert str(dataset.first().back.keypoints[0].points) == str(label.points)
    write(dataset, out, overwrite=True)  # flat
    assert len(json.loads(out.read_text())["annotations"][0]["keypoints"]) == 3 * 133


def test_a_threshold_leaves_out_keypoints_and_people(poses: fo.Dataset, out: Path) -> None:
    confidences = [c for people in poses.values("poses.keypoints.confidence") for c in people or []]
    best = sorted(max(one) for one in confidences)
    report = write(poses, out, min_confidence=(best[0] + best[1]) / 2)
    assert (report.people, report.left_out, report.samples) == (2, 1, 3)
    for entry in json.loads(out.read_text())["annotations"]:
        assert 0 < entry["num_keypoints"] <= 17
        assert entry["num_keypoints"] == sum(v == 2 for v in entry["keypoints"][2::3])


# ---- corrections


@pytest.fixture
def corrected(poses: fo.Dataset) -> fo.Dataset:
    """Of three predictions one is corrected, one rejected, one untouched; one person is added."""
    first, second, third = poses.skip(1).first(), poses.first(), poses.last()
    one, two = second.poses.keypoints
    moved = fo.Keypoint(
        label="person",
        points=[[0.25, 0.5]] * 16 + [[NAN, NAN]],
        visible=[1] + [2] * 15 + [0],
        status="corrected",
        source_id=one.id,
    )
    rejected = fo.Keypoint(label="person", points=two.points, status="rejected", source_id=two.id)
    added = fo.Keypoint(label="person", points=[[0.75, 0.75]] * 17, visible=[2] * 17, status="added")
    second["poses_corrected"] = fo.Keypoints(keypoints=[moved, rejected])
    first["poses_corrected"] = fo.Keypoints(keypoints=[added])
    for sample in (first, second, third):
        sample.save()
    poses.add_dynamic_sample_fields()
    return poses


def test_corrections_are_written_without_what_was_rejected(corrected: fo.Dataset, out: Path) -> None:
    report = write(corrected, out, what="corrections")
    assert (report.samples, report.people, report.left_out, report.unlabelled) == (2, 2, 1, 1)
    moved, added = json.loads(out.read_text())["annotations"]
    size = entries_by_id(out, "images")[1]
    w, h = size["width"], size["height"]
    assert moved["keypoints"][:6] == [w / 4, h / 2, 1, w / 4, h / 2, 2]
    assert moved["keypoints"][-3:] == [0, 0, 0]
    assert (moved["num_keypoints"], added["num_keypoints"]) == (16, 17)


def test_the_best_of_both_is_the_correction_where_there_is_one(corrected: fo.Dataset, out: Path) -> None:
    report = write(corrected, out, what="best")
    assert (report.samples, report.people, report.left_out) == (3, 3, 1)
    moved, added, predicted = json.loads(out.read_text())["annotations"]
    assert (moved["num_keypoints"], added["num_keypoints"]) == (16, 17)
    assert predicted["score"] == corrected.last().poses.keypoints[0].score
    report = write(corrected, out, what="best", min_confidence=1e6, overwrite=True)
    assert (report.people, report.left_out) == (2, 2)  # people's own are taken as they are
    write(corrected, out, overwrite=True)
    assert len(json.loads(out.read_text())["annotations"]) == 3


def test_without_corrections_the_best_is_the_prediction(poses: fo.Dataset, out: Path) -> None:
    assert write(poses, out, what="best").people == 3
    with pytest.raises(FieldError, match="nothing in 'poses' was corrected or accepted yet"):
        write(poses, out, what="corrections", overwrite=True)


# ---- ids and names


def test_ids_are_kept_and_new_ones_are_found(make_dataset: MakeDataset, tmp_path: Path, out: Path) -> None:
    dataset = make_dataset("ids")
    dataset.add_samples(
        [fo.Sample(filepath=p) for p in pictures(tmp_path, ["x/a.png", "b.png", "c.png"])], progress=False
    )
    load(dataset, coco_file(tmp_path / "in.json", ["x/a.png", "b.png"], [person(7, 1), person(9, 2)]))
    for sample in dataset:
        found = sample.gt.keypoints if sample.gt else []
        extra = fo.Keypoint(label="athlete", points=[[0.5, 0.5]] * 17)
        sample["gt"] = fo.Keypoints(keypoints=[*found, extra])
        sample.save()
    write(dataset, out, "gt")
    assert list(entries_by_id(out, "annotations")) == [7, 10, 9, 11, 12]
    images = entries_by_id(out, "images")
    assert {key: image["file_name"] for key, image in images.items()} == {
        1: "x/a.png",
        2: "b.png",
        3: "c.png",
    }
    categories = json.loads(out.read_text())["categories"]
    assert [(c["id"], c["name"]) for c in categories] == [(1, "person"), (2, "athlete")]
    write(dataset, out, "gt", images_root=tmp_path.parent, overwrite=True)
    assert entries_by_id(out, "images")[1]["file_name"] == f"{tmp_path.name}/x/a.png"
    with pytest.raises(InputError, match="does not lie below images_root"):
        write(dataset, out, "gt", images_root=tmp_path / "x", overwrite=True)
    twice = dataset.last()
    twice["coco_id"] = 1
    twice.save()
    write(dataset, out, "gt", overwrite=True)
    assert list(entries_by_id(out, "images")) == [1, 2, 3]


def test_images_that_are_numbers_are_called_so(make_dataset: MakeDataset, tmp_path: Path, out: Path) -> None:
    register_tiny_models(BODY)
    dataset = make_dataset("numbered")
    names = ["000000000785.png", "000000000012.png"]
    dataset.add_samples([fo.Sample(filepath=p) for p in pictures(tmp_path, names)], progress=False)
    fop.estimate_poses(dataset, BODY, whole_image=True, keep_heatmaps=False, progress=False)
    write(dataset, out, format="coco_results")
    assert [entry["image_id"] for entry in json.loads(out.read_text())] == [785, 12]


def test_a_view_is_exported_as_it_shows(poses: fo.Dataset, out: Path) -> None:
    shown = fop.show_keypoints(poses.limit(2), keypoints=["nose", "left_eye"])
    report = write(shown, out)
    assert (report.samples, report.people) == (2, 2)
    for entry in json.loads(out.read_text())["annotations"]:
        assert entry["keypoints"][6:] == [0] * 45
    assert write(poses[:0], out, overwrite=True).samples == 0
    assert json.loads(out.read_text())["annotations"] == []
    write(poses[:0], out, overwrite=True, format="coco_results")
    assert json.loads(out.read_text()) == []


def test_the_size_comes_from_the_labels_where_metadata_are_wrong(poses: fo.Dataset, out: Path) -> None:
    expected = write(poses, out).people
    before = entries_by_id(out, "annotations")
    sizes = entries_by_id(out, "images")
    poses.set_values("metadata", [fo.ImageMetadata(width=3, height=7)] * 3)
    write(poses, out, overwrite=True)
    assert expected == 3
    assert entries_by_id(out, "annotations") == before
    assert entries_by_id(out, "images") == sizes


def test_images_that_are_gone_are_listed(make_dataset: MakeDataset, tmp_path: Path, out: Path) -> None:
    dataset = make_dataset("gone")
    paths = pictures(tmp_path, ["a.png", "b.png"])
    dataset.add_samples([fo.Sample(filepath=p) for p in paths], progress=False)
    load(dataset, coco_file(tmp_path / "in.json", ["a.png", "b.png"], [person(1, 1), person(2, 2)]))
    Path(paths[0]).unlink()
    report = write(dataset, out, "gt")
    assert (report.samples, report.people) == (1, 1)
    assert list(report.failures) == [dataset.first().id]
    assert "does not exist" in report.failures[dataset.first().id]


def test_an_empty_view_makes_a_file_that_lists_nobody(poses: fo.Dataset, out: Path) -> None:
    assert write(poses.limit(0), out).samples == 0
    content = json.loads(out.read_text())
    assert (content["images"], content["annotations"]) == ([], [])
    assert write(poses.limit(0), out, format="coco_results", overwrite=True).people == 0
    assert json.loads(out.read_text()) == []


# ---- refused


def test_what_cannot_be_meant_is_refused(poses: fo.Dataset, out: Path) -> None:
    with pytest.raises(InputError, match="format='yolo' is none of coco, coco_wholebody"):
        write(poses, out, format="yolo")
    with pytest.raises(InputError, match="what='all' is none of poses, corrections, best"):
        write(poses, out, what="all")
    with pytest.raises(InputError, match="min_confidence is nan"):
        write(poses, out, min_confidence=NAN)
    with pytest.raises(FieldError, match="there is no field 'other' with poses"):
        write(poses, out, "other")
    with pytest.raises(FieldError, match="17 keypoints that are not COCO-WholeBody's 133"):
        write(poses, out, format="coco_wholebody")
    poses.skeletons = {}
    poses.save()
    with pytest.raises(FieldError, match="no skeleton with names"):
        write(poses, out)
    assert not out.exists()


def test_a_file_is_replaced_only_when_asked(poses: fo.Dataset, out: Path) -> None:
    out.write_text("mine")
    with pytest.raises(ExportError, match="is there already"):
        write(poses, out)
    assert out.read_text() == "mine"
    with pytest.raises(ExportError, match="there is no folder"):
        write(poses, out.parent / "none" / "a.json")
    with pytest.raises(ExportError, match="cannot be written"):
        write(poses, Path("/proc/a.json"))


def test_an_error_on_the_way_leaves_what_was_there(
    poses: fo.Dataset, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out.write_text("mine")

    def pressed(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    monkeypatch.setattr(export_run.coco_entries, "annotation_of", pressed)
    with pytest.raises(KeyboardInterrupt):
        write(poses, out, overwrite=True)
    assert out.read_text() == "mine"
    assert [p.name for p in out.parent.glob("*out*")] == ["out.json"]
    assert [p.name for p in out.parent.glob(".*")] == []

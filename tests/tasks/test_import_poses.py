"""COCO files into a dataset: what the labels hold, and what is said of a file that is not as it should be."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.errors import FieldError, FormatError, InputError, MediaTypeError
from fo_pose_plugin.tasks.import_poses import ImportRequest, begin_import
from tests.coco_files import SIZE_WH, coco_file, person, pictures

MakeDataset = Callable[..., fo.Dataset]


def load(dataset: fo.Dataset, path: Path, field: str = "gt", **options: Any) -> fop.ImportReport:
    return fop.import_poses(dataset, path, field, progress=False, **options)


def kinds(report: fop.ImportReport) -> dict[str, int]:
    return {problem.kind: problem.count for problem in report.problems}


@pytest.fixture
def dataset(make_dataset: MakeDataset, tmp_path: Path) -> fo.Dataset:
    dataset = make_dataset("imported")
    paths = pictures(tmp_path / "photos", ["a.png", "b.png", "c.png"])
    dataset.add_samples([fo.Sample(filepath=path) for path in paths], progress=False)
    return dataset


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.json"


# ---- what the labels hold


def test_labels_hold_what_the_file_says(dataset: fo.Dataset, path: Path) -> None:
    hidden = person(7, 2, keypoints=[0, 0, 0] * 16 + [32, 12, 1], num_keypoints=1)
    crowd = person(8, 2, keypoints=[0, 0, 0] * 17, num_keypoints=0, iscrowd=1, category_id=1)
    report = load(dataset, coco_file(path, ["a.png", "b.png"], [person(5, 1), hidden, crowd]))
    assert (report.samples, report.people, report.added, report.left_out) == (2, 3, 0, 0)
    assert report.problems == ()
    (one,) = dataset.first().gt.keypoints
    assert one.label == "person"
    assert one.points[0] == [10.25 / 64, 10.5 / 48]
    assert one.visible == [1, 2, 2, 2, 2, 1, 2, 2, 2, 2, 1, 2, 2, 2, 2, 1, 2]
    assert one.bounding_box == [8.125 / 64, 4.5 / 48, 22 / 64, 30.75 / 48]
    assert (one.area_px, one.num_keypoints, one.iscrowd, one.coco_id) == (321.5, 17, False, 5)
    two, three = dataset.skip(1).first().gt.keypoints
    assert math.isnan(two.points[0][0])
    assert two.points[16] == [0.5, 0.25]
    assert (two.visible[16], two.visible[0]) == (1, 0)
    assert (three.iscrowd, three.num_keypoints) == (True, 0)
    assert dataset.values("coco_id") == [1, 2, None]
    assert dataset.last().gt is None
    skeleton = dataset.skeletons["gt"]
    assert (skeleton.labels[0], skeleton.labels[16], skeleton.edges[0]) == ("nose", "right_ankle", [15, 13])


def test_an_image_with_nobody_says_so(dataset: fo.Dataset, path: Path) -> None:
    report = load(dataset, coco_file(path, ["a.png", "b.png"], [person(1, 1)]))
    assert report.samples == 2
    assert [None if label is None else len(label.keypoints) for label in dataset.values("gt")] == [1, 0, None]


def test_everything_is_declared(dataset: fo.Dataset, path: Path) -> None:
    extra = {"score": 0.5, "keypoint_scores": [0.5] * 17}
    load(
        dataset,
        coco_file(path, ["a.png"], [person(1, 1, **extra), person(2, 1, keypoints=[1, 2.5, 0.3] * 17)]),
    )
    for sample in dataset.exists("gt"):
        for keypoint in sample.gt.keypoints:
            for name, value in keypoint.iter_fields():
                if value is not None:
                    assert dataset.get_field(f"gt.keypoints.{name}") is not None, name
        for detection in sample.gt_boxes.detections:
            for name, value in detection.iter_fields():
                if value is not None:
                    assert dataset.get_field(f"gt_boxes.detections.{name}") is not None, name
    assert dataset.values("gt.keypoints[].visible")[0][0] == 1
    assert dataset.bounds("gt.keypoints.area_px") == (321.5, 321.5)


def test_boxes_are_linked_and_can_be_estimated_on(dataset: fo.Dataset, path: Path) -> None:
    from tests.tiny_models import BODY, register_tiny_models

    register_tiny_models(BODY)
    crowd = person(3, 1, iscrowd=1)
    report = load(dataset, coco_file(path, ["a.png"], [person(1, 1), person(2, 1), crowd]))
    assert report.boxes_field == "gt_boxes"
    label = dataset.first()
    for keypoint, box in zip(label.gt.keypoints, label.gt_boxes.detections, strict=True):
        assert (keypoint.instance.id, keypoint.box_id) == (box.instance.id, box.id)
        assert box.bounding_box == keypoint.bounding_box
    estimated = fop.estimate_poses(dataset, BODY, boxes="gt_boxes", keep_heatmaps=False, progress=False)
    assert estimated.people == 2  # not the crowd
    first = dataset.first()
    assert [p.box_id for p in first.poses.keypoints] == [k.box_id for k in first.gt.keypoints[:2]]
    dataset.reload()
    assert load(dataset, path, "bare", boxes=False).boxes_field is None
    assert not dataset.has_field("bare_boxes")


def test_images_are_added_from_a_folder(make_dataset: MakeDataset, tmp_path: Path, path: Path) -> None:
    pictures(tmp_path / "photos", ["x/a.png", "b.png"])
    dataset = make_dataset("filled")
    names = ["x/a.png", "b.png", "gone.png", "../secret.png", "/etc/passwd"]
    report = load(
        dataset, coco_file(path, names, [person(i, i) for i in range(1, 6)]), images=tmp_path / "photos"
    )
    assert (report.samples, report.people, report.added) == (2, 2, 2)
    assert kinds(report) == {
        "images missing on disk: left out": 1,
        "images whose names lead out of the images' folder: left out": 2,
        "people on images that are left out: left out": 3,
    }
    assert report.problems[0].examples == ("gone.png",)
    assert [Path(p).relative_to(tmp_path).as_posix() for p in dataset.values("filepath")] == [
        "photos/x/a.png",
        "photos/b.png",
    ]
    assert dataset.first().metadata.width == SIZE_WH[0]
    assert load(dataset, path, "again", images=tmp_path / "photos").added == 0
    assert len(dataset) == 2


# ---- finding images


def test_folders_tell_images_of_one_name_apart(make_dataset: MakeDataset, tmp_path: Path, path: Path) -> None:
    dataset = make_dataset("folders")
    paths = pictures(tmp_path, ["x/1.png", "y/1.png", "z/2.png"])
    dataset.add_samples([fo.Sample(filepath=p) for p in paths], progress=False)
    names = ["y/1.png", "train/2.png", "1.png", "w/1.png", "x\\1.png"]
    report = load(dataset, coco_file(path, names, [person(i, i) for i in range(1, 6)]))
    assert [len(label.keypoints) for label in dataset.values("gt")] == [1, 1, 1]
    assert dataset.values("coco_id") == [5, 1, 2]
    assert kinds(report) == {
        "images that several samples may be: left out": 1,
        "images that the dataset does not have: left out": 1,
        "people on images that are left out: left out": 2,
    }


def test_people_lie_relative_to_the_files_size(dataset: fo.Dataset, path: Path) -> None:
    """A dataset may hold smaller copies."""
    dataset.compute_metadata(progress=False)
    images = [{"id": 1, "file_name": "a.png", "width": 640, "height": 480}, {"id": 2, "file_name": "b.png"}]
    report = load(dataset, coco_file(path, images, [person(1, 1), person(2, 2)]))
    assert dataset.first().gt.keypoints[0].points[0][0] == 10.25 / 640
    assert dataset.skip(1).first().gt.keypoints[0].points[0][0] == 10.25 / 64
    assert list(kinds(report).values()) == [1]
    assert report.problems[0].examples == ("a.png: 640x480, not 64x48",)
    assert report.left_out == 0


# ---- what is wrong in a file


def test_what_cannot_be_used_is_listed_and_the_rest_imported(dataset: fo.Dataset, path: Path) -> None:
    short = person(2, 1, keypoints=[1, 2, 2] * 16)
    people = [
        person(1, 1),
        short,
        person(1, 1),
        person(4, 99),
        person(5, 1, category_id=9),
        person(6, 1, category_id=2),
        person(7, 1, keypoints=["x"] * 51),
        person(8, 1, keypoints=[1e9, 2, 2] * 17),
        person(9, 1, keypoints=[1, 2, -1] * 17),
        person(10, 1, bbox=[1, 2, 3]),
        person(11, 1, area=-3),
        person(12, 1, keypoints=None),
        {"id": 13, "image_id": 1, "category_id": 1},
        person(14, 1, keypoints=[1, 2, True] * 17),
        {**person(15, 1), "image_id": "1"},
        person(16, 2, segmentation=[[1, 2, 3]], attributes={}),
    ]
    content = json.loads(coco_file(path, ["a.png", "b.png", "b.png", "none.png"], people).read_text())
    content["images"] += [{"id": 1, "file_name": "c.png"}, {"file_name": "c.png"}, "c.png"]
    content["categories"] += [{"id": 2, "name": "dog"}, {"id": 3, "name": "cat", "keypoints": ["a", "a"]}, 4]
    path.write_text(json.dumps(content))
    report = load(dataset, path)
    assert (report.samples, report.people) == (2, 2)
    assert kinds(report) == {
        "image ids that come twice: the first is taken": 1,
        "images without an id or a file name": 2,
        "categories with unusable keypoints": 1,
        "categories without an id or a name": 1,
        "images that the file lists twice: the first is taken": 1,
        "images that the dataset does not have: left out": 1,
        "keypoints of the wrong length: left out": 1,
        "annotation ids that come twice, of which the first is taken: left out": 1,
        "people on images that the file does not list: left out": 2,
        "annotations of unknown categories: left out": 1,
        "annotations of categories with other keypoints, or none: left out": 1,
        "values that are no numbers: left out": 4,
        "keypoints with a v below 0: left out": 1,
        "boxes that are not four numbers: left out": 1,
        "annotations without keypoints: left out": 2,
    }
    wrong = next(p for p in report.problems if p.kind.startswith("keypoints of the wrong length"))
    assert wrong.examples == ("annotation 2, image 1: keypoints has 48 numbers, expected 51",)
    assert report.left_out == sum(kinds(report).values())
    assert report.not_kept == {"segmentation": 1, "attributes": 1}


def test_keypoints_outside_the_image_are_kept_and_said(dataset: fo.Dataset, path: Path) -> None:
    outside = person(1, 1, keypoints=[-5, 100, 2] + [1, 1, 2] * 16)
    report = load(dataset, coco_file(path, ["a.png"], [outside, person(2, 1, num_keypoints=3)]))
    assert dataset.first().gt.keypoints[0].points[0] == [-5 / 64, 100 / 48]
    assert kinds(report) == {
        "people with keypoints outside the image: kept": 1,
        "people whose num_keypoints is not the number of labelled keypoints: kept": 1,
    }
    assert (report.left_out, report.people) == (0, 2)
    assert dataset.first().gt.keypoints[1].num_keypoints == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"images": [\n{"id": 1,}]}', "is malformed JSON, at line 2, column 10"),
        ('"text"', "neither a COCO file of annotations"),
        ("{}", "lists no 'images'"),
        ('{"images": {"id": 1}}', "lists no 'images'"),
        ('{"images": [{"id": 1, "file_name": "a.png"}]}', "no category with keypoints"),
        ("[]", "empty list"),
        ('[{"image_id": 1}]', "first result has no keypoints"),
        ('[{"image_id": 1, "keypoints": [1, 2, 3]}]', "have 1 keypoints, and nothing says which"),
    ],
)
def test_a_file_that_is_none_changes_nothing(
    dataset: fo.Dataset, path: Path, content: str, words: str
) -> None:
    path.write_text(content)
    with pytest.raises(FormatError, match=words):
        load(dataset, path)
    assert set(dataset.get_field_schema()) == {
        *("id", "filepath", "tags", "metadata", "created_at", "last_modified_at")
    }


def test_a_file_that_breaks_off_changes_nothing(dataset: fo.Dataset, path: Path) -> None:
    """Also where the people before the break would do."""
    whole = coco_file(path, ["a.png"], [person(i, 1) for i in range(1, 500)]).read_text()
    start = whole.index('"annotations"')
    head = json.loads(whole)
    del head["annotations"]
    broken = json.dumps(head)[:-1] + ", " + whole[start : start + 9000]
    path.write_text(broken)
    with pytest.raises(FormatError, match="ends before its JSON is complete, at line 1, column"):
        load(dataset, path)
    assert not dataset.has_field("gt")


# ---- fields that may not be written


def test_a_filled_field_is_replaced_only_when_asked(dataset: fo.Dataset, path: Path, tmp_path: Path) -> None:
    load(dataset, coco_file(path, ["a.png", "b.png"], [person(1, 1), person(2, 2)]))
    other = coco_file(tmp_path / "other.json", ["a.png"], [person(3, 1), person(4, 1)])
    with pytest.raises(FieldError, match="field 'gt' is filled already"):
        load(dataset, other)
    load(dataset, other, overwrite=True)
    dataset.reload()
    assert [[k.coco_id for k in label.keypoints] for label in dataset.values("gt")[:2]] == [[3, 4], [2]]
    assert dataset.count("gt_boxes.detections") == 3


def test_a_field_of_something_else_is_left_alone(dataset: fo.Dataset, path: Path) -> None:
    coco_file(path, ["a.png"], [person(1, 1)])
    dataset.add_sample_field("text", fo.StringField)
    with pytest.raises(FieldError, match="'text' of type StringField, but it is needed as Keypoints"):
        load(dataset, path, "text", overwrite=True)
    with pytest.raises(FieldError, match="no field name"):
        load(dataset, path, "a.b")
    with pytest.raises(FieldError, match=r"FiftyOne needs the name 'tags'|of type ListField"):
        load(dataset, path, "tags")
    dataset.add_sample_field("coco_id", fo.StringField)
    with pytest.raises(FieldError, match="'coco_id' that holds no whole numbers"):
        load(dataset, path)


def test_another_skeleton_and_poses_of_a_run_are_never_replaced(dataset: fo.Dataset, path: Path) -> None:
    from tests.tiny_models import BODY, register_tiny_models

    register_tiny_models(BODY)
    fop.estimate_poses(dataset, BODY, whole_image=True, keep_heatmaps=False, progress=False)
    coco_file(path, ["a.png"], [person(1, 1)])
    with pytest.raises(FieldError, match="holds poses of a run"):
        load(dataset, path, "poses", overwrite=True)
    load(dataset, path)
    category = {"id": 1, "name": "person", "keypoints": ["x"], "skeleton": []}
    one = coco_file(path, ["a.png"], [person(1, 1, keypoints=[1, 2, 2])], categories=[category])
    with pytest.raises(FieldError, match=r"another skeleton \(17 keypoints\), the file has 1"):
        load(dataset, one, overwrite=True)


def test_a_read_only_field_is_left_alone(dataset: fo.Dataset, path: Path) -> None:
    load(dataset, coco_file(path, ["a.png"], [person(1, 1)]))
    field = dataset.get_field("gt")
    field.read_only = True
    field.save()
    with pytest.raises(FieldError, match="read-only"):
        load(dataset, path, overwrite=True)


def test_what_is_no_plain_image_is_refused(make_dataset: MakeDataset, path: Path, tmp_path: Path) -> None:
    coco_file(path, ["a.png"], [person(1, 1)])
    videos = make_dataset("videos")
    videos.add_sample(fo.Sample(filepath=str(tmp_path / "a.mp4")))
    with pytest.raises(MediaTypeError):
        load(videos, path)
    with pytest.raises(InputError, match="is no folder"):
        load(make_dataset("empty"), path, images=path)


# ---- results


def result(image_id: int, score: float, **changes: Any) -> dict[str, Any]:
    points = [v for k in range(17) for v in (10.0 + k / 3, 5.0, 0.1 + k / 40)]
    return {"image_id": image_id, "category_id": 1, "keypoints": points, "score": score, **changes}


def test_results_become_predictions(make_dataset: MakeDataset, tmp_path: Path, path: Path) -> None:
    dataset = make_dataset("results")
    paths = pictures(tmp_path, ["000000000785.png", "000000000012.png"])
    dataset.add_samples([fo.Sample(filepath=p) for p in paths], progress=False)
    missing = result(12, 0.25, keypoints=[0, 0, 0] * 16 + [5, 5, 0.5])
    path.write_text(json.dumps([result(785, 0.75), missing, result(7, 0.5)]))
    report = load(dataset, path, "other_model")
    assert (report.samples, report.people, report.boxes_field) == (2, 2, None)
    assert kinds(report) == {"people on images that the dataset does not have: left out": 1}
    (one,) = dataset.first().other_model.keypoints
    assert one.points[1] == [(10 + 1 / 3) / 64, 5 / 48]
    assert (one.confidence[4], one.score) == (0.1 + 4 / 40, 0.75)
    assert not one.has_field("visible")
    (two,) = dataset.last().other_model.keypoints
    assert math.isnan(two.points[0][0])
    assert two.confidence[15:] == [0, 0.5]
    assert dataset.skeletons["other_model"].labels[0] == "nose"
    assert not dataset.has_field("coco_id") or dataset.values("coco_id") == [None, None]


def test_results_find_images_by_the_ids_of_an_earlier_import(dataset: fo.Dataset, path: Path) -> None:
    load(dataset, coco_file(path, ["c.png", "a.png"], [person(1, 1)]))
    path.write_text(json.dumps([result(1, 0.5), result(2, 0.5), result(2, 0.25)]))
    load(dataset, path, "predicted")
    assert [len(label.keypoints) if label else 0 for label in dataset.values("predicted")] == [2, 0, 1]


# ---- size and interruption


def test_an_interruption_before_writing_changes_nothing(dataset: fo.Dataset, path: Path) -> None:
    coco_file(path, ["a.png"], [person(i, 1) for i in range(1, 2000)])
    steps = begin_import(dataset, path, ImportRequest("gt"))
    for step in steps:
        if step.stage == "reading people" and step.detail != "0":
            break
    steps.close()
    assert not dataset.has_field("gt")


MEASURE = """
import re, sys, time
from pathlib import Path
import fiftyone as fo
from fo_pose_plugin.tasks.import_poses import import_poses
from fo_pose_plugin.tasks.export_poses import export_poses
dataset = fo.load_dataset(sys.argv[1])
def used():
    # What getrusage says of a process may be its parent's.
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
before = used()
began = time.monotonic()
report = import_poses(dataset, sys.argv[2], "gt", boxes=False, progress=False)
imported, seconds = used() - before, time.monotonic() - began
began = time.monotonic()
exported = export_poses(dataset, sys.argv[2] + ".out", "gt", progress=False)
exporting = time.monotonic() - began
print(report.people, exported.people, *map(round, (imported, used() - before, seconds, exporting)))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_thousand_people_take_little_memory(make_dataset: MakeDataset, path: Path) -> None:
    images, per_image = int(os.environ.get("N_IMAGES", 4000)), 5
    dataset = make_dataset("many")
    dataset.add_samples(
        [
            fo.Sample(filepath=f"/no/{i:06}.jpg", metadata=fo.ImageMetadata(width=64, height=48))
            for i in range(1, images + 1)
        ],
        progress=False,
    )
    names = [f"{i:06}.jpg" for i in range(1, images + 1)]
    # By turns, so that a person's image has to be looked for.
    people = (person(i + 1, 1 + i % images, area=i / 7) for i in range(images * per_image))
    coco_file(path, names, list(people))
    command = [sys.executable, "-W", "ignore", "-c", MEASURE, dataset.name, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    sys.stdout.write(f"people in and out, MB of the import and of both, seconds of each: {done.stdout}")
    people_in, people_out, imported_mb, total_mb, *_ = map(int, done.stdout.split()[-6:])
    assert people_in == people_out == images * per_image
    assert imported_mb < 300, done.stdout
    assert total_mb < 400, done.stdout

"""Poses exported and imported by the forms, as a person does it in the App and sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fo_pose_plugin.tasks.exchange_folders import exports_folder, imports_folder
from tests.app.driver import AppPage
from tests.coco_files import coco_file, person
from tests.kept_datasets import fill_with_photos, keep_poses

if TYPE_CHECKING:
    import fiftyone as fo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def dataset(make_dataset: Callable[..., fo.Dataset], tmp_path: Path) -> fo.Dataset:
    dataset = make_dataset("exchanged")
    fill_with_photos(dataset, tmp_path / "photos", 3)
    keep_poses(dataset, [1, 2, 1])
    return dataset


def test_a_person_exports_and_imports(app: AppPage, dataset: fo.Dataset) -> None:
    app.open(dataset.name, samples=3)
    form = app.open_operator("Export poses")
    form.settle()
    assert form.options("Format") == [
        "COCO keypoints\nAnnotations: images, people with x, y, v, boxes and areas, the skeleton",
        "COCO results\nA list of predictions with scores, as COCO's evaluation takes it",
    ]
    form.fill("File name", "../escape")
    assert "is no plain file name" in form.text()
    assert not form.can_run()
    form.fill("File name", "from_the_app")
    assert "'poses' holds 4 people on 3 images, exported to from_the_app.json" in form.text()
    app.screenshot("export_poses_form")
    form.execute()
    assert "4 people on 3 images exported" in app.wait_for_output(60)
    app.screenshot("export_poses_done")
    app.close_dialogs()
    written = exports_folder() / "from_the_app.json"
    content = json.loads(written.read_text())
    assert len(content["annotations"]) == dataset.count("poses.keypoints")

    form = app.open_operator("Export poses")
    form.fill("File name", "from_the_app")
    assert "from_the_app.json is there already" in form.text()
    assert not form.can_run()
    app.screenshot("export_poses_there_already")
    form.tick("Replace the file that is there")
    assert form.can_run()
    form.cancel()

    imports_folder().mkdir(exist_ok=True)
    content["images"].append({"id": 99, "file_name": "elsewhere.png", "width": 9, "height": 9})
    for index, entry in enumerate(content["annotations"]):
        entry["segmentation"] = []
        if index == 3:
            entry["keypoints"] = [1, 2, 2]
    (imports_folder() / "exported.json").write_text(json.dumps(content))
    (imports_folder() / "broken.json").write_text('{"images": [\n{"id": 1},,]}')
    form = app.open_operator("Import poses")
    form.choose("File", "exported.json")
    form.fill("Into the field", "imported")
    assert "Into 'imported' of" in form.text()
    app.screenshot("import_poses_form")
    form.execute()
    said = app.wait_for_output(60)
    assert "3 people on 3 images imported" in said
    assert "Images that the dataset does not have: left out (1)" in said
    assert "Keypoints of the wrong length: left out (1)" in said
    app.screenshot("import_poses_done")
    app.close_dialogs()
    app.wait_for_grid(3)
    assert app.field_shown("imported")
    app.show_field("poses", shown=False)
    app.screenshot("import_poses_grid")
    dataset.reload()
    assert str(dataset.first().imported.keypoints[0].points) == str(dataset.first().poses.keypoints[0].points)
    assert dataset.count("imported_boxes.detections") == 3

    form = app.open_operator("Import poses")
    form.choose("File", "broken.json")
    form.fill("Into the field", "broken")
    form.execute()
    assert "is malformed JSON, at line 2, column 11" in app.wait_for_output(60)
    app.screenshot("import_poses_broken")
    app.close_dialogs()
    dataset.reload()
    assert not dataset.has_field("broken")


def test_corrections_are_offered_where_there_are_some(app: AppPage, dataset: fo.Dataset) -> None:
    import fiftyone as fo

    first = dataset.first()
    one = first.poses.keypoints[0]
    first["poses_corrected"] = fo.Keypoints(
        keypoints=[fo.Keypoint(label="person", points=one.points, status="rejected", source_id=one.id)]
    )
    first.save()
    app.open(dataset.name, samples=3)
    form = app.open_operator("Export poses")
    form.settle()
    assert form.value("People") == "The best of both"
    form.fill("Least confidence", 0.1)
    form.fill("File name", "best")
    app.screenshot("export_poses_best_form")
    form.execute()
    said = app.wait_for_output(60)
    assert "3 people on 3 images exported" in said
    assert "Left out: 1 person, rejected or not confident enough" in said
    assert len(json.loads((exports_folder() / "best.json").read_text())["annotations"]) == 3


def test_without_files_the_form_says_where_to_put_them(app: AppPage, dataset: fo.Dataset) -> None:
    for path in imports_folder().glob("*.json"):
        path.unlink()
    (imports_folder() / "link.json").symlink_to(
        coco_file(imports_folder().parent / "x.json", [], [person(1, 1)])
    )
    app.open(dataset.name, samples=3)
    form = app.open_operator("Import poses")
    form.settle()
    assert "There is no file to import" in form.text()
    assert str(imports_folder()) in form.text()
    assert not form.can_run()
    app.screenshot("import_poses_no_files")
    (imports_folder() / "link.json").unlink()

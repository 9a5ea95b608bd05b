"""Each example runs as its README says, on the real photos and weights."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real_models import BODY, DETECTOR, WHOLEBODY, register_real_models

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytestmark = pytest.mark.slow  # a process each, that imports everything


@pytest.fixture(scope="module")
def photos(shared_data):
    register_real_models(shared_data)
    return shared_data / "coco_test"


def run_example(name: str, *arguments: str | Path) -> str:
    command = [sys.executable, EXAMPLES / name / "main.py", *arguments]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tested_and_described():
    names = {path.parent.name for path in EXAMPLES.glob("*/main.py")}
    assert names == {"correct_poses", "exchange", "own_boxes", "photos_with_detector", "whole_body"}
    for name in names:
        assert f"examples/{name}/main.py" in (EXAMPLES / name / "README.md").read_text()


def test_photos_with_detector_go_on_where_they_were_stopped(photos):
    arguments = ("--images", photos, "--model", BODY, "--detector", DETECTOR, "--box-threshold", "0.05")
    first = run_example("photos_with_detector", *arguments)
    assert re.search(r"\b19 people in 4 photos, 0 photos done before", first)
    assert re.search(r"323 keypoints, of which \d+ have", first)  # 19 people of 17
    shown = int(re.search(r"of which (\d+)", first)[1])
    assert 100 < shown < 323
    assert "0 people in 0 photos, 4 photos done before" in run_example("photos_with_detector", *arguments)


def test_own_boxes_are_linked_to_their_poses(photos):
    out = run_example(
        "own_boxes", "--images", photos, "--annotations", photos / "test_coco.json", "--model", BODY
    )
    assert "14 people in 4 photos" in out
    assert "14 of 14 poses are linked" in out
    assert out.count("score ") == 5


def test_whole_body_shows_each_group(photos):
    out = run_example(
        "whole_body", "--images", photos, "--model", WHOLEBODY, "--detector", DETECTOR, "--dataset", "wb"
    )
    people = int(re.search(r"(\d+) people", out)[1])
    for group, count in (("body", 17), ("feet", 6), ("face", 68), ("hands", 42)):
        shown, of = map(int, re.search(rf"{group}: (\d+) of (\d+) points", out).groups())
        assert of == people * count
        assert 0 < shown <= of
    assert "(133, 64, 48)" in out


def test_coco_files_go_in_and_out(photos, tmp_path):
    annotations = photos / "test_coco.json"
    out = run_example(
        "exchange", "--images", photos, "--annotations", annotations, "--model", BODY, "--output", tmp_path
    )
    assert "14 people on 4 images imported" in out
    assert f"14 predictions in {tmp_path / 'results.json'}" in out
    assert re.search(r"(\d+) people in .*labels.json, (\d+) left out", out)
    assert f"14 people in {tmp_path / 'ground_truth.json'}" in out
    wanted = {a["id"]: a["keypoints"] for a in json.loads(annotations.read_text())["annotations"]}
    found = json.loads((tmp_path / "ground_truth.json").read_text())["annotations"]
    assert {a["id"]: a["keypoints"] for a in found} == wanted


def test_poses_are_corrected_accepted_exported_and_taken_back(photos, tmp_path):
    file = tmp_path / "corrected.json"
    out = run_example("correct_poses", "--images", photos, "--model", BODY, "--export", file)
    assert "revision 2 by ann: corrected" in out
    assert "7 of 17 keypoints by a human" in out
    assert "2 people on 2 images accepted" in out
    assert "4 people on 4 images (2 accepted, 1 corrected, 1 rejected)" in out
    assert "saved views: poses to review, corrected poses, accepted poses" in out
    assert "3 people exported, 1 left out" in out
    assert "2 people on 2 images as they were before" in out
    people = json.loads(file.read_text())["annotations"]
    assert len(people) == 3
    assert sorted({v for person in people for v in person["keypoints"][2::3]}) == [1, 2]

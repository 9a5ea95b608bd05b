"""`fo-pose estimate` in this process: the database is the tests' own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fo_pose_plugin import cli
from fo_pose_plugin.commands.estimate import resume_command
from tests.real_models import BODY as REAL_BODY
from tests.real_models import DETECTOR, register_real_models
from tests.tiny_models import BODY, OTHER_BODY, noise_dataset, register_tiny_models


@pytest.fixture
def dataset(make_dataset, tmp_path):
    register_tiny_models(BODY, OTHER_BODY)
    return noise_dataset(make_dataset(), tmp_path, [1, 0, 2])


def estimate(*words: str) -> int:
    return cli.main(["estimate", *words])


def test_real_photos_from_end_to_end(shared_data, coco_test_dataset, capsys):
    register_real_models(shared_data)
    dataset = coco_test_dataset()
    words = (dataset.name, REAL_BODY, "--detector", DETECTOR, "--box-threshold", "0.05", "--no-heatmaps")
    assert estimate(*words) == 0
    captured = capsys.readouterr()
    assert re.search(r"^19 people in 4 images, [\d.]+ images/s, [\d.]+ people/s; \d+ s with", captured.out)
    assert f"poses are in field 'poses' of dataset '{dataset.name}', the boxes in poses_boxes" in captured.out
    assert "new saved views: confident points, all points" in captured.out
    stages = [line.split(":")[0] for line in captured.err.splitlines()]
    assert stages[:4] == [
        "starting FiftyOne",
        "loading the model",
        "loading the detector",
        "estimating poses",
    ]
    assert captured.err.splitlines()[-1].startswith("done: [####################] 100%, 4 of 4 images (")
    dataset.reload()
    assert dataset.count("poses.keypoints") == dataset.count("poses_boxes.detections") == 19
    assert not dataset.has_field("poses_heatmap")


def test_boxes_of_a_saved_view_into_another_field(dataset, capsys):
    dataset.save_view("first", dataset.limit(1))
    words = (dataset.name, BODY, "--boxes", "boxes", "--view", "first", "--pose-field", "tiny", "--flip-test")
    assert estimate(*words, "--batch-size", "1", "--device", "cpu") == 0
    assert "1 person in 1 image," in capsys.readouterr().out
    dataset.reload()
    assert dataset.values("tiny.keypoints.label") == [["person"], None, None]


def test_poses_are_replaced_or_completed_only_when_asked_for(dataset, capsys):
    words = (dataset.name, BODY, "--whole-image")
    assert estimate(*words) == 0
    assert estimate(*words) == 2
    assert "resume" in capsys.readouterr().err
    assert estimate(*words, "--resume") == 0
    assert "done before: 3 images" in capsys.readouterr().out
    assert estimate(dataset.name, OTHER_BODY, "--whole-image", "--resume") == 1
    assert "cannot be resumed with other settings" in capsys.readouterr().err
    assert estimate(dataset.name, OTHER_BODY, "--whole-image", "--overwrite") == 0


def test_images_that_fail_are_listed_and_the_others_are_done(dataset, capsys):
    lost = Path(dataset.last().filepath)
    lost.unlink()
    assert estimate(dataset.name, BODY, "--whole-image") == 3
    out = capsys.readouterr().out
    assert "2 people in 2 images" in out
    assert "errors in 1 image:\n  00002.png: " in out
    assert "errors in poses_error" in out


def test_of_many_failures_the_first_are_listed(make_dataset, tmp_path, capsys):
    register_tiny_models(BODY)
    dataset = noise_dataset(make_dataset(), tmp_path, [0] * 25)
    for path in dataset.values("filepath"):
        Path(path).unlink()
    assert estimate(dataset.name, BODY, "--whole-image") == 3
    out = capsys.readouterr().out
    assert "errors in 25 images:" in out
    assert out.count("\n  000") == 20
    assert "  and 5 more\n" in out


def test_unknown_names_come_with_those_that_are_known(dataset, capsys):
    assert estimate(f"{dataset.name}x", BODY, "--whole-image") == 2
    err = capsys.readouterr().err
    assert f"there is no dataset '{dataset.name}x'; datasets: {dataset.name}" in err  # the likeliest first
    dataset.save_view("first", dataset.limit(1))
    assert estimate(dataset.name, BODY, "--whole-image", "--view", "fist") == 2
    assert "has no saved view 'fist'; saved views: first" in capsys.readouterr().err
    assert estimate(dataset.name, "no-such", "--whole-image") == 1
    assert BODY in capsys.readouterr().err
    assert estimate(dataset.name, BODY, "--boxes", "people") == 2
    assert "fields with boxes: boxes" in capsys.readouterr().err


def test_the_command_to_go_on_is_the_one_that_was_typed():
    words = ["estimate", "my data", "m", "--whole-image", "--overwrite"]
    assert resume_command(words).endswith(" estimate 'my data' m --whole-image --resume")


def test_what_is_missing_is_named_with_the_command_that_brings_it(dataset, monkeypatch, capsys):
    monkeypatch.setattr("fo_pose_plugin.tasks.install.missing_openmmlab", lambda: ["mmpose"])
    assert estimate(dataset.name, BODY, "--whole-image") == 1
    assert re.search(r"mmpose is missing; this brings it: .*fo-pose.* install", capsys.readouterr().err)


def wait_for_poses(dataset, process) -> None:
    """Wait until another process has written the first of them."""
    while process.poll() is None:
        dataset.reload()
        if dataset.has_field("poses") and len(dataset.exists("poses")):
            return
        time.sleep(0.1)
    pytest.fail(process.stderr.read())


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_tells_how_to_go_on(make_dataset, tmp_path):
    register_tiny_models(BODY)
    dataset = noise_dataset(make_dataset(), tmp_path, [2] * 600)
    command = [sys.executable, "-m", "fo_pose_plugin.cli", "estimate", dataset.name, BODY, "--no-heatmaps"]
    command += ["--boxes", "boxes"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_poses(dataset, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "stopped; what was estimated is kept. Go on with:" in out
    assert out.splitlines()[-1].endswith(
        f" estimate {dataset.name} {BODY} --no-heatmaps --boxes boxes --resume"
    )
    dataset.reload()
    done = len(dataset.exists("poses"))
    assert 0 < done < len(dataset)
    kept = dataset.exists("poses").values("poses.keypoints.id")
    resumed = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=True)
    assert f"done before: {done} images" in resumed.stdout.replace(",", "")
    dataset.reload()
    assert len(dataset.exists("poses")) == len(dataset)
    assert dataset.limit(done).values("poses.keypoints.id") == kept


@pytest.mark.slow
def test_a_database_that_is_away_is_an_error_in_words():
    command = [sys.executable, "-m", "fo_pose_plugin.cli", "estimate", "d", "m", "--whole-image"]
    environment = {
        **os.environ,
        "FIFTYONE_DATABASE_URI": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500",
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert "fo-pose: FiftyOne has no database" in done.stderr
    assert "Traceback" not in done.stderr

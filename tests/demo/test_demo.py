"""The demo as a process of its own, with the user's database, registry and home out of its reach."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from fo_pose_plugin.demo.viewing import choose_port

SCRIPTS = Path(sys.executable).parent

pytestmark = pytest.mark.slow  # each demo imports everything anew


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A current directory with a home in it, and nothing registered."""
    place = tmp_path_factory.mktemp("demo")
    (place / "home").mkdir()
    return place


def environment(place: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HOME": str(place / "home"),
        "FO_POSE_HOME": str(place / "home" / ".fo_pose"),
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
    }


def demo(place: Path, *words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = ["fo-pose", "demo", *map(str, words)]
    done = subprocess.run(
        command, cwd=place, env=environment(place), capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.timeout(900)
def test_drawn_people_from_first_demo_to_ones_own_fiftyone(place):
    first = demo(place, "--no-app")
    assert "registered demo-wholebody: wholebody: 133 keypoints" in first.stdout
    assert "dataset drawn-people: 24 drawings, 55 people, with the truth" in first.stdout
    assert re.search(r"importing PyTorch and OpenMMLab +\d+\.\d s", first.stdout)
    assert re.search(r"estimated: 55 people in 24 images in .*s per image, .*people/s", first.stdout)
    body, wholebody = re.findall(r"against the truth: AP (\d+\.\d) of 100; (\d+) % of the key", first.stdout)
    assert float(body[0]) > 60
    assert float(wholebody[0]) > 15
    assert "done: [####################] 100%, 24 of 24 images" in first.stderr

    second = demo(place, "--no-app")
    assert second.stdout.count("nothing was estimated") == 2
    assert f"AP {body[0]} of 100;" in second.stdout
    assert "PyTorch" not in second.stdout  # nor is it imported: the second demo opens at once
    assert "registered" not in second.stdout
    assert not (place / "home" / ".fo_pose").exists()

    export, bring_in = re.findall(
        r"^  (fo-pose demo --export .*|fiftyone datasets create .*)$", second.stdout, re.M
    )
    for command in (export, bring_in):
        subprocess.run(
            shlex.split(command), cwd=place, env=environment(place), check=True, capture_output=True
        )
    check_ones_own_dataset(place)
    assert "not empty" in demo(place, *shlex.split(export)[2:], code=2).stderr


def check_ones_own_dataset(place: Path) -> None:
    """The tests' database stands for the user's own."""
    import fiftyone as fo

    import fo_pose_plugin as fop

    dataset = fo.load_dataset("drawn-people")
    try:
        assert dataset.persistent
        assert len(dataset) == 24
        assert dataset.count("poses.keypoints.points[]") == 55 * 17
        assert dataset.count("poses_wholebody.keypoints.points[]") == 55 * 133
        for field in ("poses", "true_poses", "poses_wholebody", "true_poses_wholebody"):
            assert dataset.skeletons[field].labels[0] == "nose"
        assert {"doubtful first", "confident points"} <= set(dataset.list_saved_views())
        assert dataset.values("poses.run_id")[0] in dataset.list_runs()
        exported = place / "home" / "drawn-people"
        paths = (
            dataset.values(path) for path in ("filepath", "poses.heatmaps_path", "poses_heatmap.map_path")
        )
        for path in itertools.chain(*paths):
            assert Path(path).is_file()
            assert Path(path).is_relative_to(exported)
        assert len(fop.show_keypoints(dataset, min_confidence=0.5)) == 24
        assert fop.load_heatmaps(dataset.first())[0].shape == (17, 48, 40)
    finally:
        dataset.delete()


def test_photos_and_nothing_but_the_bundled_model(place, shared_data, tmp_path):
    (tmp_path / "photos").mkdir()
    photo = sorted((shared_data / "coco_test").glob("*.jpg"))[0]
    (tmp_path / "photos" / photo.name).write_bytes(photo.read_bytes())
    done = demo(place, "--folder", tmp_path / "demo", "--images", tmp_path / "photos", "--no-app")
    assert "poses by demo-body" in done.stdout
    assert "note: demo-body was trained on drawn people alone: nothing is claimed about photos" in done.stdout


def test_the_bundled_models_come_into_the_users_registry_when_asked_for(place):
    assert "registered demo-body: body: 17 keypoints" in demo(place, "--add-models").stdout
    assert "demo-wholebody is registered already" in demo(place, "--add-models").stdout
    home = place / "home" / ".fo_pose" / "registry" / "models"
    assert {path.stem for path in home.iterdir()} == {"demo-body", "demo-wholebody"}


def test_ones_own_photos_without_a_detector(place, shared_data, tmp_path):
    models, photos = tmp_path / "models", tmp_path / "my photos"
    models.mkdir()
    photos.mkdir()
    for name in ("td-hm_tinypose_coco-256x192.py", "tinypose_coco_256x192.pth"):
        (models / name).symlink_to(shared_data / "models" / name)
    for path in sorted((shared_data / "coco_test").glob("*.jpg"))[:2]:
        (photos / path.name).write_bytes(path.read_bytes())
    (photos / "broken.jpg").write_bytes(b"no photo")
    words = ("--folder", tmp_path / "demo", "--images", photos, "--models-from", models, "--no-app")
    done = demo(place, *words)
    assert "no detector: each photo is taken as one person" in done.stdout
    assert re.search(r"dataset fo-pose-demo-my-photos-[0-9a-f]{6}: 3 photos", done.stdout)
    assert "estimated: 2 people in 2 images" in done.stdout
    assert "errors in 1 image:\n  broken.jpg: " in done.stdout
    assert f"--images '{photos}' --folder {tmp_path / 'demo'}" in done.stdout  # of the command that exports


def test_the_app_opens_and_a_second_demo_is_told_so(place):
    port = choose_port(None)
    process = subprocess.Popen(
        [
            "fo-pose",
            "demo",
            "--no-browser",
            "--port",
            str(port),
        ],
        cwd=place,
        env=environment(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = next(m[0] for line in process.stdout if (m := re.search(r"http://\S+", line)))
        assert url.endswith("/datasets/drawn-people?view=doubtful-first")
        with urllib.request.urlopen(url, timeout=180) as answer:
            assert b"FiftyOne" in answer.read()
        assert f"port {port} is in use" in demo(place, "--port", port, code=1).stderr
        assert "another demo is running" in demo(place, "--no-app", code=1).stderr
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=180)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "the demo has ended" in out
    assert "Traceback" not in err
    assert choose_port(port) == port  # nothing listens there any more

"""A run that is killed, and a database that goes away, with real processes."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.dataset import fiftyone_internals
from fo_pose_plugin.dataset.mongo_server import find_mongod
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.heatmaps.store import default_root
from tests.tiny_models import BODY, register_tiny_models

Noise = Callable[..., fo.Dataset]

REPOSITORY = Path(__file__).resolve().parents[2]
KILLS = 20
SEED = 20261122


@pytest.fixture
def start_run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Start a run in a process that begins with everything imported."""
    # By itself, since other packages bring a module called `tests` too; Python 3.11's fork server does not
    # look at sys.path.
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent}{os.pathsep}{REPOSITORY}")
    module = importlib.import_module("killed_run")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed_run"])

    def start(*arguments: Any) -> Any:
        process = context.Process(target=module.resume, args=arguments)
        process.start()
        return process

    return start


def people_of(dataset: fo.Dataset, field: str) -> dict[str, str]:
    """Everything about each sample's people but ids that are made anew for each run; NaN as text."""
    names = ("points", "confidence", "score", "bounding_box", "box_id", "crop", "digest", "heatmap_index")
    return {
        sample.id: json.dumps([{name: k[name] for name in names} for k in sample[field].keypoints])
        for sample in dataset
        if sample[field] is not None
    }


def files_of(dataset: fo.Dataset, run_id: str) -> set[str]:
    own = fiftyone_internals.dataset_id(dataset)
    found = (
        *default_root().glob(f"{own}/{run_id}/**/*"),
        *default_root().glob(f"overlays/{own}/**/*{run_id}*"),
    )
    return {str(path) for path in found if path.is_file()}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_that_is_killed_twenty_times_ends_as_if_nothing_had_happened(
    noise: Noise, start_run: Callable[..., Any]
) -> None:
    register_tiny_models(BODY)
    dataset = noise([3, 0, 2, 1, 4] * 31)  # 155 images, 310 people
    reference = fop.estimate_poses(
        dataset, BODY, boxes="boxes", pose_field="reference", batch_size=1, progress=False
    )
    choose = random.Random(SEED)
    moments = sorted(choose.sample(range(len(dataset) - 8), KILLS))
    seen = []
    for moment in moments:
        process = start_run(dataset.name, BODY, "poses", 0.01)
        try:
            while process.is_alive():
                dataset.reload()
                done = len(dataset.exists("poses")) if dataset.has_field("poses") else -1
                if done >= moment:
                    break
                time.sleep(0.03)
            time.sleep(choose.random() * 0.05)
        finally:
            process.kill()
            process.join(60)
        assert process.exitcode == -signal.SIGKILL
        seen.append(len(dataset.exists("poses")) if dataset.has_field("poses") else 0)
    assert seen == sorted(seen)
    assert len(set(seen)) > KILLS / 2  # the kills really lie along the way

    process = start_run(dataset.name, BODY, "poses", 0.0)
    process.join(300)
    assert process.exitcode == 0
    dataset.reload()
    assert people_of(dataset, "poses") == people_of(dataset, "reference")
    runs = list_runs(dataset, "poses")
    ((run_id, config),) = runs.items()
    assert set(dataset.values("poses.run_id")) == {run_id}
    assert (config["status"], config["failures"]) == ("completed", {})
    assert config["counts"] == list_runs(dataset)[reference.run_id]["counts"]
    assert config["counts"] == {"samples": 155, "people": 310, "failed": 0}
    for sample in dataset:
        maps, expected = (fop.load_heatmaps(sample, field) for field in ("poses", "reference"))
        assert len(maps) == len(expected)
        assert all((one == other).all() for one, other in zip(maps, expected, strict=True))
    named = {path for path in (*dataset.values("poses.heatmaps_path"), *overlays(dataset)) if path}
    assert files_of(dataset, run_id) == named


def overlays(dataset: fo.Dataset) -> list[Any]:
    paths: list[Any] = dataset.values("poses_heatmap.map_path")
    return paths


# ---- the database

OUTAGE_RUN = """
import runpy, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import fiftyone as fo
import fo_pose_plugin as fop
from fo_pose_plugin.dataset import patience, writer
from fo_pose_plugin.models.pose_network import PoseNetwork

noise_dataset = runpy.run_path(f"{sys.argv[1]}/tests/tiny_models.py")["noise_dataset"]
writer.CHUNK_SAMPLES = 4
patience.PATIENCE_S = float(sys.argv[4])
dataset = noise_dataset(fo.Dataset("outage", persistent=True), Path(sys.argv[2]), [1] * 200)
heatmaps = PoseNetwork.heatmaps

def slowly(self, *arguments, **options):
    time.sleep(0.05)
    return heatmaps(self, *arguments, **options)

PoseNetwork.heatmaps = slowly

def tell(state):
    sys.stdout.write(f"{state.done}\\n")
    sys.stdout.flush()

report = fop.estimate_poses(dataset, sys.argv[3], boxes="boxes", batch_size=1, progress=tell)
found = len(fo.load_dataset("outage").exists("poses"))
status = [fo.load_dataset("outage").get_run_info(key).config.status for key in dataset.list_runs()]
sys.stdout.write(f"done {report.samples} {found} {status}\\n")
"""


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[bytes], str]]]:
    """Start a database of its own, again and again on the same port and files."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "db").mkdir()
    started: list[subprocess.Popen[bytes]] = []

    def start_it() -> tuple[subprocess.Popen[bytes], str]:
        command = [str(find_mongod()), "--dbpath", str(tmp_path / "db"), "--port", str(port)]
        command += ["--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]
        with (tmp_path / "db.log").open("ab") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log))
        return started[-1], f"mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS=20000"

    yield start_it
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("comes_back", [True, False])
def test_a_database_that_goes_away(mongod: Any, tmp_path: Path, comes_back: bool) -> None:
    register_tiny_models(BODY)
    (tmp_path / "photos").mkdir()
    database, uri = mongod()
    if not comes_back:
        uri = uri.replace("20000", "1000")
    patience_s = "60" if comes_back else "3"
    command = [sys.executable, "-W", "ignore", "-c", OUTAGE_RUN, str(REPOSITORY), str(tmp_path / "photos")]
    process = subprocess.Popen(
        [*command, BODY, patience_s],
        env={**os.environ, "FIFTYONE_DATABASE_URI": uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip().isdigit() and int(line) >= 20:
                break
        database.kill()
        database.wait()
        if comes_back:
            time.sleep(5)
            mongod()
        stdout, stderr = process.communicate(timeout=200)
    finally:
        process.kill()
    if comes_back:
        assert process.returncode == 0, stderr
        assert "done 200 200 ['completed']" in stdout
    else:
        assert process.returncode == 1
        assert "FiftyOne's database has not answered for" in stderr
        assert "then resume" in stderr

"""What another web page can make a browser send to the App's server changes nothing; a person's form does."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest
import yaml
from fiftyone.operators.delegated import DelegatedOperationService

import fo_pose_plugin as fop
from fo_pose_plugin.dataset import fiftyone_internals
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.heatmaps.store import default_root
from fo_pose_plugin.tasks.exchange_folders import exports_folder, imports_folder
from tests.app.driver import AppPage
from tests.app.server import AppServer
from tests.shared_data import REPOSITORY
from tests.tiny_models import BODY, noise_dataset, register_tiny_models

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PLUGIN = "@fo-pose/fo_pose_plugin"
CHANGE_NOTHING = (
    "show_keypoints",
    "read_heatmaps",
    "read_pose_editor",
    "read_pose_evidence",
    "read_review_progress",
)
IMPORTED = "forged.json"


@pytest.fixture(autouse=True, scope="module")
def tiny_body() -> None:
    register_tiny_models(BODY)


@pytest.fixture
def dataset(make_dataset: Callable[..., fo.Dataset], tmp_path: Path) -> fo.Dataset:
    dataset = noise_dataset(make_dataset("forged"), tmp_path, [1, 2, 1])
    fop.estimate_poses(dataset, BODY, boxes="boxes", progress=False)
    return dataset


def post(server: AppServer, path: str, body: dict[str, Any]) -> str:
    """Send what a form of another origin can send: no headers of its own, but any body."""
    request = urllib.request.Request(
        f"{server.url}{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "text/plain", "Origin": "http://evil.example"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers  # the page cannot read it
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.read().decode())


def state_of(dataset: fo.Dataset) -> dict[str, Any]:
    """All that an operator of the plugin might change."""
    dataset.reload()
    folders = (default_root(), exports_folder())
    files = {p: p.stat().st_mtime_ns for folder in folders for p in folder.rglob("*") if p.is_file()}
    return {
        "fields": sorted(dataset.get_field_schema(flat=True)),
        "evaluations": dataset.list_evaluations(),
        "poses": str(dataset.values("poses.keypoints.points")),
        "corrections": str(list(dataset._sample_collection.find({}, {"poses_corrected": 1}))),
        "history": list(fop.corrections_history(dataset)),
        "overlays": dataset.values("poses_heatmap.map_path"),
        "views": dataset.list_saved_views(),
        "runs": {key: (run["status"], run["stop_requested"]) for key, run in list_runs(dataset).items()},
        "files": files,
        "queue": len(DelegatedOperationService().list_operations(dataset_name=dataset.name)),
    }


@pytest.mark.parametrize("path", ["/operators/execute", "/operators/execute/generator"])
@pytest.mark.parametrize("delegated", [False, True], ids=["now", "scheduled"])
def test_a_forged_request_changes_nothing(
    app_server: AppServer, dataset: fo.Dataset, path: str, delegated: bool
) -> None:
    (run_id,) = list_runs(dataset)
    dataset.clone_sample_field("poses", "truth")
    imports_folder().mkdir(exist_ok=True)
    fop.export_poses(dataset, imports_folder() / IMPORTED, overwrite=True, progress=False)
    first, second = dataset.first(), dataset.skip(1).first().poses.keypoints[0]
    fop.correct_pose(first, first.poses.keypoints[0].id, visible={"nose": 0})
    ids = {"source_id": second.id, "label_id": None, "base_revision": 0, "status": "rejected"}
    forged: dict[str, dict[str, Any]] = {
        "estimate_poses": {
            "model": BODY,
            "box_source": "boxes",
            "boxes": "boxes",
            "pose_field": "poses",
            "held_poses": "overwrite",
            "overwrite": True,
        },
        "show_heatmaps": {"pose_field": "poses", "keypoints": ["nose"]},
        "delete_poses": {"pose_field": "poses"},
        "undo_run": {"run_id": run_id},
        "clean_up": {},
        "review_queue": {"pose_field": "poses", "n": 5, "view_name": "forged"},
        "fit_confidence": {"pose_field": "poses", "gt_field": "poses"},
        "preview_auto_accept": {"pose_field": "poses", "p": 0.0, "view_name": "forged"},
        "find_label_errors": {"gt_field": "truth", "pose_field": "poses", "min_strength": 0},
        "evaluate_poses": {"pred_field": "poses", "gt_field": "truth", "eval_key": "forged"},
        "stop_estimate_poses": {"run_id": run_id},
        "save_pose_edits": {
            "sample_id": dataset.skip(1).first().id,
            "pose_field": "poses",
            "edits": [{"key": second.id, **ids}],
        },
        "reestimate_pose": {"sample_id": first.id, "pose_field": "poses", "bbox_px": [0, 0, 40, 40]},
        "accept_poses": {"pose_field": "poses"},
        "discard_corrections": {"pose_field": "poses"},
        "restore_corrections": {"pose_field": "poses"},
        "export_poses": {"pose_field": "poses", "format": "coco", "file_name": "forged"},
        "import_poses": {"file_name": IMPORTED, "pose_field": "imported", "overwrite": True},
    }
    declared = yaml.safe_load((REPOSITORY / "fiftyone.yml").read_text())["operators"]
    assert {*forged, *CHANGE_NOTHING} == set(declared)
    before = state_of(dataset)
    for token in (None, "1.2", "", {"$ne": 1}):
        for name, params in forged.items():
            body = {
                "operator_uri": f"{PLUGIN}/{name}",
                "dataset_name": dataset.name,
                "dataset_id": str(dataset._doc.id),
                "view": [],
                "request_delegation": delegated,
                "params": params if token is None else {**params, "form_token": token},
            }
            said = post(app_server, path, body)
            time.sleep(0.2)
            assert state_of(dataset) == before, (name, token, said)


def test_a_person_deletes_by_the_form(app: AppPage, dataset: fo.Dataset) -> None:
    app.open(dataset.name, samples=3)
    form = app.open_operator("Delete poses")
    form.settle()
    assert "The poses in 'poses' are deleted from the whole dataset" in form.text()
    app.screenshot("delete_poses_form")
    form.execute()
    app.page.get_by_text("3 images lost their poses").wait_for(timeout=60_000)
    app.screenshot("delete_poses_done")
    dataset.reload()
    assert not dataset.has_field("poses")


def test_a_person_cleans_up_by_the_form(app: AppPage, dataset: fo.Dataset, tmp_path: Path) -> None:
    lost = noise_dataset(fo.Dataset(f"{dataset.name}-lost", persistent=True), tmp_path, [1])
    fop.estimate_poses(lost, BODY, boxes="boxes", progress=False)
    lost_id = fiftyone_internals.dataset_id(lost)
    lost.delete()
    app.open(dataset.name, samples=3)
    form = app.open_operator("Clean up kept heatmaps")
    form.settle()
    assert "a deleted dataset" in form.text()
    app.screenshot("clean_up_form")
    form.execute()
    app.page.get_by_text(re.compile(r"deleted [\d,]+ files")).wait_for(timeout=60_000)
    assert not [path for path in default_root().rglob("*") if lost_id in path.parts]
    assert len(fop.load_heatmaps(dataset.first())) == 1

"""COCO-WholeBody files as xtcocotools, built from source, reads them: without a word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import fiftyone as fo
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.models.known_skeletons import known_skeletons
from tests.packaging.conftest import Environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KINDS = {
    "keypoints_body": (0, 17),
    "keypoints_foot": (17, 23),
    "keypoints_face": (23, 91),
    "keypoints_lefthand": (91, 112),
    "keypoints_righthand": (112, 133),
    "keypoints_wholebody": (0, 133),
}
EVALUATE = """
import json, sys
import numpy as np
from xtcocotools.coco import COCO
from xtcocotools.cocoeval import COCOeval
truth_path, results_path, kinds, sigmas = sys.argv[1:]
truth, found = COCO(truth_path), {}
results = truth.loadRes(results_path)
for kind, (begin, end) in json.loads(kinds).items():
    evaluation = COCOeval(truth, results, kind, np.array(json.loads(sigmas)[begin:end]), use_area=True)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    found[kind] = evaluation.stats[0]
print(json.dumps(found))
"""


def test_ground_truth_and_results_are_read_without_a_word(
    xtcocotools: Environment,
    shared_data: Path,
    make_dataset: Callable[..., fo.Dataset],
    tmp_path: Path,
) -> None:
    """Ground truth that is exported as a prediction is perfect, also when it was imported in between."""
    source = shared_data / "coco_test" / "test_coco_wholebody.json"
    dataset = make_dataset("whole")
    fop.import_poses(dataset, source, "gt", images=source.parent, progress=False)
    truth, results, again = (tmp_path / name for name in ("truth.json", "results.json", "again.json"))
    fop.export_poses(dataset, truth, "gt", "coco_wholebody", progress=False)
    fop.export_poses(dataset, results, "gt", "coco_wholebody_results", progress=False)
    fop.import_poses(dataset, results, "predicted", progress=False)
    fop.export_poses(dataset, again, "predicted", "coco_wholebody_results", progress=False)
    assert json.loads(again.read_text()) == json.loads(results.read_text())
    sigmas = json.dumps(known_skeletons()["coco_wholebody"].oks_sigmas)
    arguments = (truth, again, json.dumps(KINDS), sigmas)
    said = xtcocotools.run(xtcocotools.python, "-W", "error::UserWarning", "-c", EVALUATE, *arguments)
    assert "warning" not in said.lower()
    assert json.loads(said.splitlines()[-1]) == {kind: pytest.approx(1.0) for kind in KINDS}

"""AP and AR equal those of pycocotools run on JSON files, and xtcocotools' frozen ones, to 1e-6."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin.core.annotation import SCORED_PARTS
from tests.coco_fields import fill_with_coco, read_coco
from tests.coco_results import disturbed_results
from tests.mmpose_skeletons import mmpose_skeleton
from tests.tasks.evaluation import whole_body_cases

if TYPE_CHECKING:
    import fiftyone as fo

Make = Callable[..., "fo.Dataset"]
FILES = ("coco_test/test_coco.json", "coco_mini/person_keypoints.json")


def pycocotools_stats(annotations: Path, results: Path) -> list[float]:
    """Run pycocotools as its own documentation does, on files."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(annotations))
        summing = COCOeval(truth, truth.loadRes(str(results)), "keypoints")
        summing.evaluate()
        summing.accumulate()
        summing.summarize()
    return [float(value) for value in summing.stats]


def digits(part: Any) -> list[float]:
    """Give our ten metrics in pycocotools' order, and -1 for what is not defined, as it does."""
    return [-1.0 if value is None else value for value in astuple(part)]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(("seed", "ties"), [(0, False), (1, True), (2, False)], ids=str)
def test_digits_are_those_of_pycocotools(
    shared_data: Path, make_dataset: Make, tmp_path: Path, file: str, ties: bool, seed: int
) -> None:
    content = read_coco(shared_data / file)
    results = disturbed_results(content, seed, ties=ties)
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    expected = pycocotools_stats(shared_data / file, path)

    dataset = make_dataset("digits")
    fill_with_coco(dataset, content, (shared_data / file).parent, {"poses": results})
    report = fop.evaluate_poses(dataset, "poses", "ground_truth", None, progress=False)
    assert list(report.parts) == ["all"]
    np.testing.assert_allclose(digits(report.main), expected, rtol=0, atol=1e-6)
    assert 0.05 < report.ap < 0.95


@pytest.mark.parametrize("case", [*whole_body_cases.CASES, whole_body_cases.PART_SCORES])
def test_digits_are_those_of_xtcocotools(shared_data: Path, make_dataset: Make, case: str) -> None:
    content, results = whole_body_cases.case(shared_data, case)
    skeleton = mmpose_skeleton("coco_wholebody")
    dataset = make_dataset("whole-body")
    folder = shared_data / "coco_test"
    fill_with_coco(dataset, content, folder, {"poses": results}, skeleton.keypoint_names)
    report = fop.evaluate_poses(dataset, "poses", "ground_truth", None, progress=False)
    expected = whole_body_cases.frozen_digits()[case]
    assert list(report.parts) == list(expected)
    for part, values in expected.items():
        np.testing.assert_allclose(digits(report.parts[part]), values, rtol=0, atol=1e-6, err_msg=part)


def test_results_that_rank_parts_apart_are_imported_and_exported_with_their_ranks(
    shared_data: Path, make_dataset: Make, tmp_path: Path
) -> None:
    _, results = whole_body_cases.case(shared_data, whole_body_cases.PART_SCORES)
    source = shared_data / whole_body_cases.FILE
    given, exported = tmp_path / "given.json", tmp_path / "exported.json"
    given.write_text(json.dumps(results))
    dataset = make_dataset("ranked")
    fop.import_poses(dataset, source, "truth", images=source.parent, progress=False)
    imported = fop.import_poses(dataset, given, "poses", progress=False)
    assert not imported.not_kept
    report = fop.evaluate_poses(dataset, "poses", "truth", None, progress=False)
    for part, values in whole_body_cases.frozen_digits()[whole_body_cases.PART_SCORES].items():
        np.testing.assert_allclose(digits(report.parts[part]), values, rtol=0, atol=1e-6, err_msg=part)
    fop.export_poses(dataset, exported, "poses", "coco_wholebody_results", progress=False)
    by_image = {image: [r for r in results if r["image_id"] == image] for image in dataset.values("coco_id")}
    names = ["score", *(f"{part}_score" for part in SCORED_PARTS)]
    written = [[result[name] for name in names] for result in json.loads(exported.read_text())]
    assert written == [
        [result.get(name, result["score"]) for name in names]
        for people in by_image.values()
        for result in people
    ]


@pytest.mark.parametrize(("run", "ap"), [("mmpose_flip", 0.835), ("mmpose_noflip", 0.819)])
def test_the_reference_models_ap_is_what_the_readme_states(
    shared_data: Path, make_dataset: Make, run: str, ap: float
) -> None:
    """MMPose's own keypoints of 12 people."""
    content = read_coco(shared_data / "coco_test" / "test_coco.json")
    reference = json.loads((shared_data / "reference" / "tinypose_256x192_coco_test.json").read_text())
    results = []
    for person in reference:
        found = person[run]
        scores = np.array(found["scores"]).ravel()
        points = np.array(found["keypoints"]).reshape(-1, 2)
        results.append(
            {
                "image_id": person["image_id"],
                "keypoints": np.column_stack([points, scores]).ravel().tolist(),
                "score": float(scores[scores > 0.2].mean()),
            }
        )
    dataset = make_dataset("reference")
    fill_with_coco(dataset, content, shared_data / "coco_test", {"poses": results})
    report = fop.evaluate_poses(dataset, "poses", "ground_truth", progress=False)
    assert report.ap == pytest.approx(ap, abs=5e-4)
    assert report.people == 12

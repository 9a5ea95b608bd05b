"""Measure COCO's average precision on the shared photos: `make accuracy`.

Imports COCO's annotations, runs `estimate_poses` with the models of ../shared/data, evaluates with
`evaluate_poses` and prints a Markdown table. Needs ../shared/data; takes some minutes on a CPU. The user's
database and registry are not touched.

With boxes of the ground truth only people with annotated keypoints are scored, as MMPose does it: poses of
the others could only count as wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin import EvaluationReport

__all__ = ["BOXES", "TRUTH", "accuracy", "import_photos", "own_environment"]

TRUTH = "truth"
BOXES = f"{TRUTH}_boxes"


def import_photos(dataset: fo.Dataset, annotations: Path) -> None:
    """Add the photos beside a COCO file with their people and these people's boxes, crowds too."""
    import fo_pose_plugin as fop

    fop.import_poses(dataset, annotations, TRUTH, images=annotations.parent, progress=False)


def accuracy(dataset: fo.Dataset, *, annotated_only: bool) -> tuple[EvaluationReport, int]:
    """Evaluate the poses on imported photos.

    Args:
        dataset: What `import_photos` has filled, with poses in the field ``poses``.
        annotated_only: Only poses in the boxes of people whose keypoints are annotated.

    Returns:
        The evaluation, and how many people were scored.
    """
    from fiftyone import ViewField as F

    import fo_pose_plugin as fop

    scored: fo.Dataset | fo.DatasetView = dataset
    if annotated_only:
        annotated = dataset.filter_labels(TRUTH, F("num_keypoints") > 0)
        boxes = annotated.values(f"{TRUTH}.keypoints.box_id", unwind=True)
        scored = dataset.filter_labels("poses", F("box_id").is_in(boxes), only_matches=False)
    report = fop.evaluate_poses(scored, "poses", TRUTH, None, progress=False)
    return report, scored.count("poses.keypoints")


@dataclass(frozen=True, slots=True)
class _Case:
    photos: str
    annotations: str
    boxes: str
    flip_test: bool


CASES = tuple(
    _Case(photos, annotations, boxes, flip_test)
    for photos, annotations in (
        ("coco_test", "test_coco.json"),
        ("coco_mini", "person_keypoints.json"),
    )
    for boxes in ("ground truth", "detector")
    for flip_test in (False, True)
)
BOX_THRESHOLD = 0.05
BODY, DETECTOR = "tinypose", "yolox-nano"


@contextlib.contextmanager
def own_environment() -> Iterator[None]:
    """A database, home and registry of this process's own."""
    from fo_pose_plugin.dataset.mongo_server import MongoServer

    with tempfile.TemporaryDirectory(prefix="fo_pose_accuracy_") as folder:
        home = Path(folder)
        os.environ.update(
            HOME=folder,
            FO_POSE_HOME=str(home / "fo_pose"),
            FIFTYONE_DO_NOT_TRACK="true",
            FIFTYONE_LOGGING_LEVEL="ERROR",  # its messages would stand between the rows
        )
        with MongoServer(home / "db") as server:
            os.environ["FIFTYONE_DATABASE_URI"] = server.uri
            yield


def _measure(shared_data: Path, case: _Case) -> tuple[EvaluationReport, int]:
    import fiftyone as fo

    import fo_pose_plugin as fop

    dataset = fo.Dataset()
    import_photos(dataset, shared_data / case.photos / case.annotations)
    source: dict[str, Any] = {"boxes": BOXES}
    if case.boxes == "detector":
        source = {"detector": DETECTOR, "box_threshold": BOX_THRESHOLD}
    fop.estimate_poses(dataset, BODY, flip_test=case.flip_test, keep_heatmaps=False, progress=False, **source)
    return accuracy(dataset, annotated_only=case.boxes == "ground truth")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    shared_data = parser.parse_args().data.resolve()
    if not shared_data.is_dir():
        parser.error(f"there is no folder {shared_data}: state the shared data with --data")
    with own_environment():
        import fo_pose_plugin as fop

        models = shared_data / "models"
        fop.add_model(BODY, models / "td-hm_tinypose_coco-256x192.py", models / "tinypose_coco_256x192.pth")
        fop.add_detector(DETECTOR, models / "yolox_nano_coco.py", models / "yolox_nano_coco.pth")
        _say(f"{BODY}, detector {DETECTOR} (boxes from {BOX_THRESHOLD} on)\n")
        _say("| photos | boxes | flip test | people | AP | AP50 | AP75 | AR |")
        _say("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |")
        for case in CASES:
            report, people = _measure(shared_data, case)
            found = report.main
            _say(
                f"| {case.photos} | {case.boxes} | {'on' if case.flip_test else 'off'} | {people} "
                f"| {found.ap:.3f} | {found.ap50:.3f} | {found.ap75:.3f} | {found.ar:.3f} |"
            )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

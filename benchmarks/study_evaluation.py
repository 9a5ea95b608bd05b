"""Hold `evaluate_poses` against pycocotools and xtcocotools on the shared photos: `make study-evaluation`.

Estimates with the small models of ../shared/data, evaluates, and has `export_poses` write the same poses as
results. pycocotools reads these and COCO's own file of annotations; so does xtcocotools for whole-body, in
an environment where it is built (`--xtcocotools PYTHON`). Then times evaluations of people at random places.
Prints docs/evaluation-figures.md. The whole-body model is a fixture: its figures say nothing of accuracy.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.accuracy import BOXES, TRUTH, import_photos, own_environment  # noqa: E402
from benchmarks.evaluation_speed import fill_with_crowds, seconds_of  # noqa: E402

if TYPE_CHECKING:
    from fo_pose_plugin.core.evaluation_report import KeypointAP

SHARED_DATA = REPOSITORY.parent / "shared" / "data"
XTCOCOTOOLS = REPOSITORY / "tests" / "tasks" / "evaluation" / "xtcocotools_stats.py"
BODY, WHOLEBODY = "tinypose", "tinypose-wholebody-fixture"
PHOTOS = {"coco_test": "coco_test/test_coco.json", "coco_mini": "coco_mini/person_keypoints.json"}
WHOLEBODY_PHOTOS = "coco_test/test_coco_wholebody.json"
METRICS = ("AP", "AP50", "AP75", "AP M", "AP L", "AR", "AR50", "AR75", "AR M", "AR L")
PEOPLE = 10_000
DIGITS_TEXT = f"""
## The same digits

In percent: poses in the boxes of the ground truth, without flip test, of {BODY} and, for the parts of the
body, of a whole-body fixture, whose figures say nothing of accuracy. The last column is the largest
difference, of values from 0 to 1, to what pycocotools, and for the parts xtcocotools 1.14.3, gives for the
exported results and the original annotations.

"""
SPEED_TEXT = f"""
## How long it takes

{PEOPLE:,} people on {PEOPLE // 4:,} images, read, evaluated and written on both fields: seconds of processor
time of this process (the database's share is small), and on the clock, with whatever else the machine did.

| keypoints | processor | clock |
| --: | --: | --: |
"""


def own_digits(part: KeypointAP) -> list[float]:
    """Give the ten metrics in pycocotools' order, with its -1 for what is not defined."""
    return [-1.0 if value is None else value for value in astuple(part)]


def pycocotools_digits(annotations: Path, results: Path) -> list[float]:
    """Run pycocotools as its documentation does."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(annotations))
        summing = COCOeval(truth, truth.loadRes(str(results)), "keypoints")
        summing.evaluate()
        summing.accumulate()
        summing.summarize()
    return [float(value) for value in summing.stats]


def xtcocotools_digits(python: Path, annotations: Path, results: Path) -> dict[str, list[float]]:
    """Run xtcocotools where it is built."""
    from fo_pose_plugin.models.known_skeletons import known_skeletons

    sigmas = results.with_name("sigmas.json")
    sigmas.write_text(json.dumps(known_skeletons()["coco_wholebody"].oks_sigmas))
    command = [str(python), str(XTCOCOTOOLS), str(annotations), str(results), str(sigmas)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, list[float]] = json.loads(said.splitlines()[-1])
    return found


def estimated(
    model: str, annotations: Path, folder: Path, form: str
) -> tuple[Mapping[str, KeypointAP], Path]:
    """Estimate, evaluate and export; give the metrics by part, and the file."""
    import fiftyone as fo

    import fo_pose_plugin as fop

    dataset, results = fo.Dataset(), folder / f"{model}-{annotations.stem}.json"
    import_photos(dataset, annotations)
    fop.estimate_poses(dataset, model, boxes=BOXES, keep_heatmaps=False, progress=False)
    report = fop.evaluate_poses(dataset, "poses", TRUTH, None, progress=False)
    fop.export_poses(dataset, results, "poses", form, progress=False)
    return report.parts, results


def row(name: str, own: Sequence[float], theirs: Sequence[float]) -> str:
    """Give our ten metrics, and how far the other's are from them at most."""
    apart = max(abs(a - b) for a, b in zip(own, theirs, strict=True))
    values = " | ".join("-" if value < 0 else f"{100 * value:.2f}" for value in own)
    return f"| {name} | {values} | {'0' if apart == 0 else f'{apart:.1e}'} |\n"


def digits(folder: Path, xtcocotools: Path | None) -> Iterator[str]:
    """Give the tables of metrics."""
    import fo_pose_plugin as fop

    models = SHARED_DATA / "models"
    fop.add_model(BODY, models / "td-hm_tinypose_coco-256x192.py", models / "tinypose_coco_256x192.pth")
    fop.add_model(
        WHOLEBODY,
        models / "td-hm_tinypose_coco-wholebody-256x192.py",
        models / "tinypose_wholebody_FIXTURE_256x192.pth",
    )
    yield DIGITS_TEXT
    yield f"| photos, part | {' | '.join(METRICS)} | differs by |\n| --- |{' --: |' * 11}\n"
    for name, file in PHOTOS.items():
        parts, results = estimated(BODY, SHARED_DATA / file, folder, "coco_results")
        yield row(name, own_digits(parts["all"]), pycocotools_digits(SHARED_DATA / file, results))
    if xtcocotools is not None:
        annotations = SHARED_DATA / WHOLEBODY_PHOTOS
        parts, results = estimated(WHOLEBODY, annotations, folder, "coco_wholebody_results")
        for part, theirs in xtcocotools_digits(xtcocotools, annotations, results).items():
            yield row(f"coco_test, {part}", own_digits(parts[part]), theirs)


def speed() -> Iterator[str]:
    """Give the table of seconds."""
    import fiftyone as fo

    from fo_pose_plugin.models.known_skeletons import known_skeletons

    yield SPEED_TEXT
    for name in ("coco", "coco_wholebody"):
        names = list(known_skeletons()[name].keypoint_names)
        dataset = fo.Dataset()
        fill_with_crowds(dataset, PEOPLE, names)
        began = time.process_time()
        clock = seconds_of(dataset, "eval")
        yield f"| {len(names)} | {time.process_time() - began:.1f} s | {clock:.1f} s |\n"
        dataset.delete()


def main() -> int:
    """Read the command line and print the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--xtcocotools", type=Path, help="a Python that has xtcocotools built from source")
    chosen: Any = parser.parse_args()
    if not SHARED_DATA.is_dir():
        parser.error(f"there is no folder {SHARED_DATA}")
    sys.stdout.write("# Evaluation: figures\n\nMade by `make study-evaluation`.\n")
    with own_environment(), tempfile.TemporaryDirectory() as folder:
        for piece in itertools.chain(digits(Path(folder), chosen.xtcocotools), speed()):
            sys.stdout.write(piece)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

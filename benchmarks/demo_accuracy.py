"""Measure the demo's two models on drawings that they were not trained on: `make demo-accuracy`.

Runs `estimate_poses` with the true boxes and evaluates with `evaluate_poses`: a person's area is that of the
drawn mask, as much as is seen of it; keypoints that are hidden count like those that are seen. "Body part"
and "whole" are the parts "body" and "wholebody" of COCO-WholeBody. Needs nothing but this repository; the
user's database and registry are not touched.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.accuracy import own_environment  # noqa: E402

__all__: list[str] = []

# The rows' names, by the number of keypoints and the evaluation's part.
PARTS = {17: {"all": "body, 17"}, 133: {"body": "body part, 17", "wholebody": "whole, 133"}}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--drawings", type=int, default=250, help="how many (%(default)s)")
    parser.add_argument("--weights", type=Path, help="a folder with other weights (demo_body.pth ...)")
    arguments = parser.parse_args()
    with own_environment(), tempfile.TemporaryDirectory() as folder:
        import fiftyone as fo

        import fo_pose_plugin as fop
        from fo_pose_plugin.demo.bundled_models import bundled_pairs
        from fo_pose_plugin.demo.drawings import BOXES, TRUTH, drawing_seeds, fill_with_drawings
        from fo_pose_plugin.models.catalog import find_model

        dataset = fo.Dataset()
        fill_with_drawings(dataset, Path(folder), drawing_seeds(arguments.drawings))
        visible = np.concatenate(dataset.values(f"{TRUTH[17]}.keypoints[].visible"))
        hidden = 100 * (visible == 1).sum() / (visible > 0).sum()
        people = len(visible) // 17
        _say(f"{arguments.drawings} drawings, {people} people, {hidden:.0f} % of the keypoints hidden\n")
        _say("| model | keypoints | flip test | AP | AP50 | AP75 | AR | people/s |")
        _say("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |")
        for pair in bundled_pairs():
            weights = (
                pair.checkpoint if arguments.weights is None else arguments.weights / pair.checkpoint.name
            )
            fop.add_model(pair.name, pair.config, weights)
            size = len(find_model(pair.name).network.skeleton)
            for flip_test in (False, True):
                field = f"poses_{size}_{flip_test}"
                started = time.perf_counter()
                fop.estimate_poses(
                    dataset,
                    pair.name,
                    boxes=BOXES,
                    pose_field=field,
                    flip_test=flip_test,
                    keep_heatmaps=False,
                    progress=False,
                )
                rate = people / (time.perf_counter() - started)
                report = fop.evaluate_poses(dataset, field, TRUTH[size], None, progress=False)
                for part, what in PARTS[size].items():
                    ap = report.parts[part]
                    flipped = "on" if flip_test else "off"
                    values = f"{ap.ap:.3f} | {ap.ap50:.3f} | {ap.ap75:.3f} | {ap.ar:.3f} | {rate:.0f}"
                    _say(f"| {pair.name} | {what} | {flipped} | {values} |")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

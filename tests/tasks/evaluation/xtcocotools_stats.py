"""Run xtcocotools as MMPose's CocoWholeBodyMetric does; in an environment of its own, where it is built.

    python xtcocotools_stats.py ANNOTATIONS RESULTS SIGMAS

prints JSON: the ten metrics of each part.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings

import numpy as np

PARTS = {"body": 17, "foot": 6, "face": 68, "lefthand": 21, "righthand": 21, "wholebody": 133}


def main(annotations: str, results: str, sigmas_path: str) -> None:
    from xtcocotools.coco import COCO
    from xtcocotools.cocoeval import COCOeval

    warnings.simplefilter("ignore")
    with open(sigmas_path) as file:  # noqa: PTH123 - runs outside the repository's environment
        sigmas = np.array(json.load(file))
    stats, start = {}, 0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(annotations)
        predicted = truth.loadRes(results)
        for part, count in PARTS.items():
            own = sigmas if part == "wholebody" else sigmas[start : start + count]
            start += count
            summing = COCOeval(truth, predicted, f"keypoints_{part}", own, use_area=True)
            summing.evaluate()
            summing.accumulate()
            summing.summarize()
            stats[part] = [float(value) for value in summing.stats]
    sys.stdout.write(json.dumps(stats))


if __name__ == "__main__":
    main(*sys.argv[1:4])

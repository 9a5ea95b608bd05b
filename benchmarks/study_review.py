"""What `doubt` is worth, measured: `make study-review` writes docs/review.md. Needs ../shared/data.

Estimates the people of coco_mini and coco_test in true, jittered and detector boxes, with and without flip
test, and asks which keypoints are off by more than their OKS tolerance and which people have an OKS below
0.5. The formula is fitted and tested on different photos (folds over images); the frozen one is then held to
a second model and to the demo's drawings, of which it has seen nothing.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.accuracy import own_environment  # noqa: E402
from benchmarks.review_fit import cross_validated_cases, features, fit, frozen_cases  # noqa: E402
from benchmarks.review_people import Estimates, coco_people, drawn_people, estimate  # noqa: E402
from benchmarks.review_signals import signals_table  # noqa: E402
from benchmarks.review_statistics import auroc, found_first  # noqa: E402
from benchmarks.review_tables import calibration, gains_table  # noqa: E402
from fo_pose_plugin.core.doubt import FROZEN_FORMULA  # noqa: E402
from fo_pose_plugin.core.verdicts import judge  # noqa: E402
from fo_pose_plugin.inference.evidence import read_evidence  # noqa: E402
from fo_pose_plugin.models.catalog import find_detector, find_model, load_detector, load_network  # noqa: E402
from fo_pose_plugin.models.pose_network import PoseNetwork  # noqa: E402

DRAWINGS = 150
TEXT = Path(__file__).with_name("review_text.md")
MODEL, SMALL, DETECTOR, DEMO = "tinypose 256x192", "tinypose 128x96", "yolox-nano", "demo-body"


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    shared_data = parser.parse_args().data.resolve()
    if not shared_data.is_dir():
        parser.error(f"there is no folder {shared_data}: state the shared data with --data")
    with own_environment():
        register(shared_data / "models")
        networks = {name: load_network(find_model(key), device="cpu") for name, key in KEYS.items()}
        detector = load_detector(find_detector("detector"), device="cpu")
        photos = [
            shared_data / "coco_test" / "test_coco.json",
            shared_data / "coco_mini" / "person_keypoints.json",
        ]
        people, small = (
            estimate(itertools.chain(*map(coco_people, photos)), networks[name], detector)
            for name in (MODEL, SMALL)
        )
        drawn = estimate(drawn_people(DRAWINGS), networks[DEMO])
        sys.stdout.write(page(people, small, drawn, cost(people, networks[MODEL])))


KEYS = {MODEL: "model", SMALL: "small", DEMO: "demo"}


def register(models: Path) -> None:
    """Register the models under names of this study, in its own registry."""
    import fo_pose_plugin as fop
    from fo_pose_plugin.demo.bundled_models import BODY, bundled_pairs

    for key, size in (("model", "256x192"), ("small", "128x96")):
        fop.add_model(key, models / f"td-hm_tinypose_coco-{size}.py", models / f"tinypose_coco_{size}.pth")
    fop.add_detector("detector", models / "yolox_nano_coco.py", models / "yolox_nano_coco.pth")
    (pair,) = (pair for pair in bundled_pairs() if pair.name == BODY)
    fop.add_model("demo", pair.config, pair.checkpoint)


def page(people: Estimates, small: Estimates, drawn: Estimates, costs: dict[str, str]) -> str:
    """Fill the tables into the text."""
    own = cross_validated_cases(MODEL, people)
    others = [*frozen_cases(SMALL, small), *frozen_cases(f"{DEMO}, drawings", drawn)]
    values = [features(people, flip) for flip in (False, True)]
    refit = fit(people, values, np.ones(len(people.image), dtype=bool))
    frozen = (FROZEN_FORMULA.intercept, *FROZEN_FORMULA.weights)
    names = ("intercept", "peak", "log mean peak", "log tolerance", "second ratio")
    tables = {
        "keypoints": gains_table(own, "keypoints", auroc),
        "keypoints_first": gains_table(own, "keypoints", found_first),
        "people": gains_table(own, "people", auroc),
        "people_first": gains_table(own, "people", found_first),
        "others": gains_table(others, "keypoints", auroc),
        "others_people": gains_table(others, "people", auroc),
        "calibration": calibration([*own, *others]),
        "signals": signals_table(people, drawn),
        "formula": [
            "| | " + " | ".join(names) + " |",
            "| --- |" + " ---: |" * len(names),
            "| frozen | " + " | ".join(f"{value:.3f}" for value in frozen) + " |",
            "| fitted again now | " + " | ".join(f"{value:.3f}" for value in refit) + " |",
        ],
    }
    counts = {
        "photos": str(len(np.unique(people.image))),
        "boxes": f"{len(people.image):,}",
        "drawn": f"{(drawn.kind == 'true').sum():,}",
        "drawings": str(DRAWINGS),
    }
    text = TEXT.read_text(encoding="utf-8")
    for name, value in {**counts, **costs, **{key: "\n".join(t) for key, t in tables.items()}}.items():
        text = text.replace(f"<<{name}>>", value)
    return text


def cost(people: Estimates, network: PoseNetwork) -> dict[str, str]:
    """Time the signals against the network alone, one person after another in batches of eight."""
    width, height = network.spec.input_size_wh
    crops = np.random.default_rng(0).integers(0, 255, (8, height, width, 3), dtype=np.uint8)
    forward = statistics.median(_seconds(lambda: network.heatmaps(crops, flip_test=False)) for _ in range(9))
    maps, size_wh = people.maps[0][:8], people.spec.codec.heatmap_size_wh
    boxes_wh = people.boxes[:8, 2:] - people.boxes[:8, :2]

    def signals() -> None:
        evidence = read_evidence(maps, people.spec.codec.kind)
        judge(evidence, people.spec.skeleton, boxes_wh, people.crops[:8], size_wh)

    own = statistics.median(_seconds(signals) for _ in range(9))
    return {
        "signals_ms": f"{own / 8 * 1e3:.1f}",
        "forward_ms": f"{forward / 8 * 1e3:.0f}",
        "share": f"{100 * own / (own + forward):.1f}",
    }


def _seconds(call: object) -> float:
    started = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

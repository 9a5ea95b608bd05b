"""Plant errors in human labels and see whether they are found: `make study-label-errors`.

Runs the small model of ../shared/data once over its photos, on the boxes of the ground truth, and the demo's
model over drawings. Then, for each of 50 seeds, spoils a third of the people - one error each - and holds all
labels against the heatmaps. Prints docs/label-errors.md. A person that was not spoilt and is found counts as
a false alarm, although some of them are errors of the data set: label_errors_verdicts.json says which, by
someone who looked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.heatmap_sizes import DEMO_MODELS, SHARED_DATA  # noqa: E402
from benchmarks.label_errors_images import Photo, drawings, network_of, photos, witnessed  # noqa: E402
from benchmarks.label_errors_planted import BETWEEN, KINDS, MISSING, spoil  # noqa: E402
from benchmarks.label_errors_verdicts import (  # noqa: E402
    UNSEEN,
    VERDICTS,
    Finding,
    read_verdicts,
    verdict_counts,
    verdict_rows,
)
from fo_pose_plugin.core.label_errors import LabelError, find_image_errors  # noqa: E402
from fo_pose_plugin.core.skeleton import Skeleton  # noqa: E402

SEEDS = 50
LOCATED = ("swapped_person", "swapped_arms", "swapped_legs", "swapped_between_people", "wrong_position")
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
SHOWN = 20
LOOKED_AT = """
Without anything planted: {} findings. Someone has looked at them, the photo beside the labels and the
heatmap. A *real label error* is one that the photo shows. *Debatable* is what data sets differ in, such
as an ear under a hat, and what cannot be told. A *false alarm* is a label that is right: most are eyes
and ears on the far side of a head, of which the model is as sure as of seen ones. `kinds=` leaves
`missing_keypoint` out where that is not wanted.

"""


def findings(photo: Photo, skeleton: Skeleton, sigmas: np.ndarray) -> list[LabelError]:
    """Hold one image's labels against the heatmaps."""
    return find_image_errors(
        photo.truths, photo.people, skeleton, sigmas.tolist(), photo.size_wh, least_strength=THRESHOLDS[0]
    )


def one_seed(images: Sequence[Photo], seed: int, skeleton: Skeleton, sigmas: np.ndarray) -> dict[str, float]:
    """Spoil, find, and count; shares by name."""
    chosen = np.random.default_rng(seed)
    found_by_kind: dict[str, list[bool]] = {}
    named_by_kind: dict[str, list[bool]] = {}
    hits: dict[float, int] = dict.fromkeys(THRESHOLDS, 0)
    alarms: dict[float, int] = dict.fromkeys(THRESHOLDS, 0)
    located = 0
    for image in images:
        spoilt, planted = spoil(image, chosen, skeleton, sigmas)
        errors = findings(spoilt, skeleton, sigmas)
        by_label = {p.label_id: p for p in planted}
        for p in planted:
            if p.kind == MISSING:
                own = [e for e in errors if e.kind == MISSING and e.prediction_id == f"found {p.label_id}"]
            else:
                own = [
                    e
                    for e in errors
                    if p.label_id in (e.truth_id, e.other_id) and set(e.keypoints) & set(p.keypoints)
                ]
            if p.kind in LOCATED:
                located += 1
                own = [e for e in own if e.kind in LOCATED]
                strongest = max((e.strength for e in own), default=0.0)
                for thr in THRESHOLDS:
                    hits[thr] += strongest >= thr
            found_by_kind.setdefault(p.kind, []).append(bool(own))
            named_by_kind.setdefault(p.kind, []).append(any(e.kind == p.kind for e in own))
        labels = {t.label_id for t in spoilt.truths} - set(by_label)
        for label in labels:
            own = [e for e in errors if label in (e.truth_id, e.other_id) and e.kind in LOCATED]
            strongest = max((e.strength for e in own), default=0.0)
            for thr in THRESHOLDS:
                alarms[thr] += strongest >= thr
    result = {f"found {kind}": float(np.mean(values)) for kind, values in found_by_kind.items()}
    result |= {f"named {kind}": float(np.mean(values)) for kind, values in named_by_kind.items()}
    for thr in THRESHOLDS:
        result[f"recall {thr}"] = hits[thr] / max(located, 1)
        result[f"precision {thr}"] = hits[thr] / max(hits[thr] + alarms[thr], 1)
    return result


def mean_and_interval(values: Sequence[float]) -> str:
    """Give a mean with the 95 % interval of the mean over seeds."""
    mean = float(np.mean(values))
    half = 1.96 * float(np.std(values, ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{mean:.3f} ({mean - half:.3f} to {mean + half:.3f})"


def study(
    title: str, images: Sequence[Photo], skeleton: Skeleton, seeds: int, *, looked_at: bool = False
) -> Iterator[str]:
    """Give the tables of one set of images."""
    sigmas = np.array(skeleton.oks_sigmas, np.float64)
    results = [one_seed(images, seed, skeleton, sigmas) for seed in range(seeds)]

    def row(name: str) -> str:
        return mean_and_interval([r[name] for r in results if name in r])

    people = sum(len(image.people) for image in images)
    yield f"\n## {title}: {len(images)} images, {people} people, {seeds} seeds\n\n"
    yield "Swaps, and positions off by more than 1.5 tolerances:\n\n"
    yield "| strength at least | precision | recall |\n| --- | --- | --- |\n"
    for thr in THRESHOLDS:
        yield f"| {thr} | {row(f'precision {thr}')} | {row(f'recall {thr}')} |\n"
    yield "\n| planted | found | found and named so |\n| --- | --- | --- |\n"
    for kind in [*KINDS, BETWEEN, MISSING]:
        if any(f"found {kind}" in r for r in results):
            yield f"| {kind} | {row(f'found {kind}')} | {row(f'named {kind}')} |\n"
    yield from unplanted(images, skeleton, sigmas, looked_at=looked_at)


def unplanted(
    images: Sequence[Photo], skeleton: Skeleton, sigmas: np.ndarray, *, looked_at: bool
) -> Iterator[str]:
    """Give what is found where nothing was planted, with what someone saw there."""
    found = []
    for image in images:
        for error in findings(image, skeleton, sigmas):
            names = ", ".join(skeleton.keypoint_names[k] for k in error.keypoints)
            found.append((image.name, str(error.truth_id), error.kind, names, error.strength))
    found.sort(key=lambda one: -one[-1])
    if not looked_at:
        yield f"\nWithout anything planted: {len(found)} findings. The strongest:\n\n"
        yield "| image | label | kind | keypoints | strength |\n| --- | --- | --- | --- | --- |\n"
        for name, label, kind, names, strength in found[:SHOWN]:
            yield f"| {name} | {label} | {kind} | {names} | {strength:.2f} |\n"
        return
    yield from judged(found, read_verdicts())


def judged(found: Sequence[Finding], verdicts: dict[tuple[str, str, str], tuple[str, str]]) -> Iterator[str]:
    """Give the findings with what someone saw who looked at them."""
    yield LOOKED_AT.format(len(found))
    yield f"| kind | {' | '.join((*VERDICTS, UNSEEN))} |\n| --- |{' --: |' * (len(VERDICTS) + 1)}\n"
    yield from verdict_counts(found, verdicts)
    yield "\n| image | annotation | kind | keypoints | strength | verdict | what is seen |\n"
    yield "| --- | --- | --- | --- | --- | --- | --- |\n"
    yield from verdict_rows(found, verdicts)


def main() -> int:
    """Read the command line and print the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--photos", type=int, default=sys.maxsize)
    chosen = parser.parse_args()
    models = SHARED_DATA / "models"
    sys.stdout.write("# Errors in labels, planted and found\n\nMade by `make study-label-errors`.\n")
    network, skeleton = network_of(
        models / "td-hm_tinypose_coco-256x192.py", models / "tinypose_coco_256x192.pth"
    )
    images = witnessed(network, photos(chosen.photos))
    for piece in study("Photos of COCO", images, skeleton, chosen.seeds, looked_at=True):
        sys.stdout.write(piece)
    network, skeleton = network_of(DEMO_MODELS / "demo_body.py", DEMO_MODELS / "demo_body.pth")
    for piece in study("Drawn people", witnessed(network, drawings(chosen.photos)), skeleton, chosen.seeds):
        sys.stdout.write(piece)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

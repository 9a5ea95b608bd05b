"""What correcting a person takes, by dragging and in this plugin's editor: `make study-editor`.

Runs the small model of ../shared/data over its photos, on the boxes of the ground truth, and lets a scripted
user correct everyone to the ground truth: by dragging each wrong point, and with what the editor offers. A
point is wrong where it is off by more than its OKS tolerance, 2 x sigma x sqrt(area). Prints docs/editor.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.editor_user import (  # noqa: E402
    Actions,
    ShownPerson,
    by_dragging,
    with_fewest_actions,
    with_least_aiming,
)
from benchmarks.heatmap_sizes import SHARED_DATA  # noqa: E402
from benchmarks.label_errors_images import Photo, network_of, photos, witnessed  # noqa: E402
from fo_pose_plugin.core.skeleton import Skeleton  # noqa: E402
from fo_pose_plugin.tasks.pose_evidence import evidence_of  # noqa: E402

RESAMPLES = 2000
WAYS: dict[str, Callable[[ShownPerson, Skeleton], Actions]] = {
    "dragging each wrong point": lambda person, _: by_dragging(person),
    "editor, fewest actions": with_fewest_actions,
    "editor, least aiming": with_least_aiming,
}
COUNTS: dict[str, Callable[[Actions, ShownPerson], int]] = {
    "to put points right": lambda actions, _: actions.moving,
    "of them drags and clicks": lambda actions, _: actions.aimed,
    "to set visibility": lambda actions, person: actions.visibility(person),
    "all": lambda actions, person: actions.moving + actions.visibility(person),
}


def shown_people(photo: Photo, codec: str, sigmas: np.ndarray) -> Iterator[ShownPerson]:
    """Give everyone on an image who has keypoints, as the editor shows them."""
    people = {person.label_id: person for person in photo.people}
    for truth in photo.truths:
        person = people.get(f"found {truth.label_id}")
        if person is None or not (truth.visible > 0).any():
            continue
        points = person.points_px
        seen = [(x, y) if np.isfinite((x, y)).all() else None for x, y in points.tolist()]
        evidence = evidence_of(person.heatmaps, person.crop, codec, seen)
        yield ShownPerson(
            points=np.where(np.isfinite(points).all(axis=1)[:, None], points, np.nan),
            truth=truth.points_px,
            visible=tuple(int(level) for level in truth.visible),
            tolerance=2 * sigmas * np.sqrt(truth.area_px),
            confidence=person.peaks,
            candidates=tuple(
                np.array([one.xy for one in found], np.float64).reshape(-1, 2)
                for found in evidence.candidates
            ),
        )


def interval(images: Sequence[Sequence[float]], others: Sequence[Sequence[float]] | None = None) -> str:
    """Give a mean over people, or the ratio of two, with a 95 % bootstrap interval over images."""
    chosen = np.random.default_rng(0)
    sums = np.array([[sum(own), len(own)] for own in images], np.float64)
    below = sums[:, 1] if others is None else np.array([sum(own) for own in others], np.float64)
    value = sums[:, 0].sum() / below.sum()
    draws = chosen.integers(0, len(images), (RESAMPLES, len(images)))
    spread = sums[draws, 0].sum(axis=1) / np.maximum(below[draws].sum(axis=1), 1e-9)
    low, high = np.percentile(spread, (2.5, 97.5))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def tables(images: Sequence[Sequence[ShownPerson]], skeleton: Skeleton) -> Iterator[str]:
    """Give the tables."""
    done = {name: [[way(p, skeleton) for p in people] for people in images] for name, way in WAYS.items()}
    first = next(iter(WAYS))

    def counted(name: str, count: Callable[[Actions, ShownPerson], int]) -> list[list[float]]:
        return [
            [float(count(actions, person)) for actions, person in zip(row, people, strict=True)]
            for row, people in zip(done[name], images, strict=True)
        ]

    yield f"| actions per person | {' | '.join(WAYS)} |\n| --- |{' --- |' * len(WAYS)}\n"
    for what, count in COUNTS.items():
        cells = " | ".join(interval(counted(name, count)) for name in WAYS)
        yield f"| {what} | {cells} |\n"
    yield f"\n| of dragging's actions | {' | '.join(list(WAYS)[1:])} |\n| --- |{' --- |' * (len(WAYS) - 1)}\n"
    for what, count in COUNTS.items():
        base = counted(first, count)
        cells = " | ".join(interval(counted(name, count), base) for name in list(WAYS)[1:])
        yield f"| {what} | {cells} |\n"
    yield from candidates(images)


def candidates(images: Sequence[Sequence[ShownPerson]]) -> Iterator[str]:
    """Say what candidates are worth: how often one of them is right where the point is wrong."""
    everyone = [person for people in images for person in people]
    wrong = [(person, k) for person in everyone for k in person.wrong(person.points)]
    places = dict.fromkeys((2, 3, 5), 0)
    for person, k in wrong:
        off = [np.hypot(*(xy - person.truth[k])) for xy in person.candidates[k]]
        for number in places:
            places[number] += any(one <= person.tolerance[k] for one in off[:number])
    annotated = sum(level > 0 for person in everyone for level in person.visible)
    yield (
        f"\n{len(wrong)} of {annotated} annotated keypoints are wrong. One of the first two candidates is "
        f"right for {places[2] / len(wrong):.0%} of them, of the first three for "
        f"{places[3] / len(wrong):.0%}, of five for {places[5] / len(wrong):.0%}.\n"
    )


def text(limit: int) -> Iterator[str]:
    """Give the page."""
    models = SHARED_DATA / "models"
    network, skeleton = network_of(
        models / "td-hm_tinypose_coco-256x192.py", models / "tinypose_coco_256x192.pth"
    )
    sigmas = np.array(skeleton.oks_sigmas, np.float64)
    found = witnessed(network, photos(limit))
    images = [list(shown_people(photo, network.spec.codec.kind, sigmas)) for photo in found]
    images = [people for people in images if people]
    yield (REPOSITORY / "benchmarks" / "editor_text.md").read_text(encoding="utf-8")
    yield f"\n{len(images)} photos, {sum(map(len, images))} people.\n\n"
    yield from tables(images, skeleton)
    yield "\nBoth ways, Enter accepts the person: one more action.\n"


def main() -> int:
    """Read the command line and print the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=sys.maxsize)
    for part in text(parser.parse_args().photos):
        sys.stdout.write(part)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

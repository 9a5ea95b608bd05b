"""Measure how long an evaluation takes: `python benchmarks/evaluation_speed.py --people 10000`.

Makes a dataset of people at random places, with predictions near them, evaluates it with and without
writing, and prints seconds. The user's database is not touched. Images are not read.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["fill_with_crowds", "seconds_of"]

PEOPLE_PER_IMAGE = 4
SIZE_WH = (640, 480)
CHUNK = 500


def fill_with_crowds(dataset: fo.Dataset, people: int, keypoint_names: list[str]) -> None:
    """Add so many people, four on an image, with ``truth`` and ``poses``."""
    import fiftyone as fo

    rng = np.random.default_rng(0)
    for begin in range(0, people // PEOPLE_PER_IMAGE, CHUNK):
        samples = []
        for index in range(begin, min(begin + CHUNK, people // PEOPLE_PER_IMAGE)):
            sample = fo.Sample(
                filepath=f"/nowhere/{index}.jpg",
                metadata=fo.ImageMetadata(width=SIZE_WH[0], height=SIZE_WH[1]),
            )
            pairs = [_person(rng, len(keypoint_names)) for _ in range(PEOPLE_PER_IMAGE)]
            sample["truth"] = fo.Keypoints(keypoints=[truth for truth, _ in pairs])
            sample["poses"] = fo.Keypoints(keypoints=[predicted for _, predicted in pairs])
            samples.append(sample)
        dataset.add_samples(samples, dynamic=True, progress=False)
    for field in ("truth", "poses"):
        dataset.skeletons[field] = fo.KeypointSkeleton(labels=keypoint_names, edges=[])
    dataset.save()


def _person(rng: np.random.Generator, keypoints: int) -> tuple[fo.Keypoint, fo.Keypoint]:
    import fiftyone as fo

    corner, size = rng.uniform(0, 0.7, 2), rng.uniform(0.1, 0.3, 2)
    points = corner + rng.random((keypoints, 2)) * size
    visible = rng.integers(0, 3, keypoints)
    truth = fo.Keypoint(
        label="person",
        points=np.where(visible[:, None] > 0, points, np.nan).tolist(),
        visible=visible.tolist(),
        bounding_box=[*corner.tolist(), *size.tolist()],
        area_px=float(0.6 * np.prod(size * SIZE_WH)),
        iscrowd=False,
    )
    predicted = fo.Keypoint(
        label="person",
        points=(points + rng.normal(0, rng.choice([0.002, 0.01, 0.03]), points.shape)).tolist(),
        confidence=rng.random(keypoints).tolist(),
        score=float(rng.random()),
    )
    return truth, predicted


def seconds_of(dataset: fo.Dataset, eval_key: str | None) -> float:
    """Evaluate, and give the seconds that it took."""
    import fo_pose_plugin as fop

    began = time.perf_counter()
    fop.evaluate_poses(dataset, "poses", "truth", eval_key, overwrite=True, progress=False)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=10_000)
    arguments = parser.parse_args()
    from benchmarks.accuracy import own_environment

    with own_environment():
        import fiftyone as fo

        from fo_pose_plugin.models.mmpose_models import all_cards

        skeletons = {
            card.network.skeleton.name: card.network.skeleton for card in all_cards().values() if card.network
        }
        sys.stdout.write("| keypoints | people | computed only | with writing |\n| --: | --: | --: | --: |\n")
        for name in ("coco", "coco_wholebody"):
            names = list(skeletons[name].keypoint_names)
            dataset = fo.Dataset(f"speed-{name}")
            fill_with_crowds(dataset, arguments.people, names)
            computed, written = seconds_of(dataset, None), seconds_of(dataset, "eval")
            sys.stdout.write(
                f"| {len(names)} | {arguments.people:,} | {computed:.1f} s | {written:.1f} s |\n"
            )


if __name__ == "__main__":
    main()

"""Drawn people with predictions made of their truth: near, off, missing and made up, without any model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fo_pose_plugin.demo.drawings import drawing_seeds, fill_with_drawings
from tests.mmpose_skeletons import mmpose_skeleton

if TYPE_CHECKING:
    import fiftyone as fo

TRUTH = "true_poses"


def fill_with_drawn_poses(
    dataset: fo.Dataset, folder: Path, images: int = 6, fields: tuple[str, ...] = ("poses",), seed: int = 0
) -> None:
    """Add drawings with ``true_poses`` (17 keypoints) and a field of predictions per name, each its own."""
    import fiftyone as fo

    fill_with_drawings(dataset, folder, drawing_seeds(images))
    skeleton = mmpose_skeleton("coco")
    edges = [list(edge) for edge in skeleton.edges]
    for index, field in enumerate(fields):
        rng = np.random.default_rng(seed + index)
        for sample in dataset:
            people = [_predicted(person, rng) for person in sample[TRUTH].keypoints if rng.random() > 0.15]
            if people and rng.random() < 0.4:
                points = (np.array(people[0].points) * 0.5 + 0.01).tolist()  # of nobody
                people.append(fo.Keypoint(label="person", points=points, score=float(rng.uniform(0.1, 0.6))))
            sample[field] = fo.Keypoints(keypoints=people)
            sample.save()
    dataset.add_dynamic_sample_fields()
    for field in (TRUTH, *fields):
        dataset.skeletons[field] = fo.KeypointSkeleton(labels=list(skeleton.keypoint_names), edges=edges)
    dataset.save()


def _predicted(person: fo.Keypoint, rng: np.random.Generator) -> fo.Keypoint:
    import fiftyone as fo

    points = np.array(person.points)
    away = rng.normal(0, rng.choice([0.002, 0.006, 0.02]), points.shape)
    away[9] *= 8  # left wrists are hard
    return fo.Keypoint(
        label="person",
        points=(points + away).tolist(),
        confidence=np.where(np.isnan(points[:, 0]), 0.1, rng.uniform(0.4, 1, len(points))).tolist(),
        score=float(rng.uniform(0.4, 1)),
    )

"""COCO results made of ground truth by disturbing it: every kind of mistake, the same for the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fo_pose_plugin.core.annotation import SCORED_PARTS
from tests.coco_fields import PARTS


def disturbed_results(
    content: Mapping[str, Any], seed: int = 0, *, ties: bool = False
) -> list[dict[str, Any]]:
    """Give people that are near, off, doubled, missed, made up, or have keypoints that were not found."""
    rng = np.random.default_rng(seed)
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    results = []
    for annotation in content["annotations"]:
        times = int(rng.choice([0, 1, 1, 1, 1, 2]))
        results += [_disturbed(annotation, sizes[annotation["image_id"]], rng) for _ in range(times)]
    for image_id, (w, h) in sizes.items():
        for _ in range(int(rng.choice([0, 0, 1]))):
            like = content["annotations"][int(rng.integers(len(content["annotations"])))]
            moved = {**like, "image_id": image_id, "bbox": [0, 0, w / 2, h / 2]}
            results.append(_disturbed(moved, (w, h), rng))
    if ties:
        for result in results:
            result["score"] = round(result["score"], 1)
    return results


def with_part_scores(results: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Rank parts otherwise than people; some have no score of their own."""
    rng = np.random.default_rng(seed)
    scored = []
    for result in results:
        own = {f"{part}_score": float(rng.random()) for part in SCORED_PARTS if rng.random() < 0.8}
        scored.append({**result, **own})
    return scored


def _disturbed(
    annotation: Mapping[str, Any], size_wh: tuple[int, int], rng: np.random.Generator
) -> dict[str, Any]:
    x, y, w, h = annotation["bbox"]
    noise = np.sqrt(max(annotation["area"], 1)) * float(rng.choice([0.005, 0.02, 0.05, 0.15]))
    result = {
        "image_id": annotation["image_id"],
        "category_id": 1,
        "score": float(np.clip(rng.normal(1 - 3 * noise / (1 + np.sqrt(w * h)), 0.2), 0.01, 1)),
    }
    for part in PARTS:
        if part not in annotation:
            continue
        flat = np.array(annotation[part], np.float64).reshape(-1, 3)
        unknown = flat[:, 2] == 0
        flat[unknown, 0] = x + rng.random(unknown.sum()) * w
        flat[unknown, 1] = y + rng.random(unknown.sum()) * h
        flat[:, :2] += rng.normal(0, noise, (len(flat), 2))
        flat[:, 2] = rng.random(len(flat))
        flat[rng.random(len(flat)) < 0.05] = 0
        if part != "keypoints" and rng.random() < 0.1:
            flat[:] = 0
        result[part] = flat.ravel().tolist()
    return result

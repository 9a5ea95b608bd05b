"""Images with labels, and what a model's heatmaps say of the people on them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.heatmap_sizes import ANNOTATIONS, SHARED_DATA  # noqa: E402
from fo_pose_plugin.core.evaluated_people import Truth  # noqa: E402
from fo_pose_plugin.core.label_evidence import PersonEvidence  # noqa: E402
from fo_pose_plugin.core.skeleton import Skeleton  # noqa: E402
from fo_pose_plugin.demo.drawn_people import draw_scene  # noqa: E402
from fo_pose_plugin.inference.estimator import PoseEstimator, cut_people  # noqa: E402
from fo_pose_plugin.inference.images import read_image  # noqa: E402
from fo_pose_plugin.models.configs import pose_metainfo, read_config  # noqa: E402
from fo_pose_plugin.models.pose_network import build_pose_network  # noqa: E402

__all__ = ["Photo", "drawings", "network_of", "photos", "witnessed"]

DRAWINGS = range(800_000, 800_060)


@dataclass(frozen=True, slots=True)
class Photo:
    """One image's labels and evidence."""

    name: str
    size_wh: tuple[int, int]
    truths: tuple[Truth, ...]
    people: tuple[PersonEvidence, ...]


def network_of(config: Path, weights: Path) -> tuple[Any, Skeleton]:
    """Build a model and its skeleton."""
    read = read_config(config)
    info = pose_metainfo(read)
    return build_pose_network(read, info, str(weights), device="cpu"), Skeleton.from_metainfo(info)


def photos(limit: int) -> Iterator[tuple[str, np.ndarray, list[Truth]]]:
    """Give each photo with its labels; people without keypoints too."""
    for name in ANNOTATIONS:
        file = SHARED_DATA / name
        content = json.loads(file.read_text())
        for image in content["images"][:limit]:
            truths = []
            for person in content["annotations"]:
                if person["image_id"] == image["id"]:
                    triplets = np.array(person["keypoints"], np.float64).reshape(-1, 3)
                    truths.append(
                        Truth(
                            label_id=str(person["id"]),
                            points_px=triplets[:, :2],
                            visible=triplets[:, 2].astype(np.int64),
                            area_px=float(person["area"]),
                            bbox_xywh=tuple(person["bbox"]),
                            crowd=bool(person.get("iscrowd")),
                            has_box=True,
                            head_px=float("nan"),
                        )
                    )
            yield image["file_name"], read_image(file.parent / image["file_name"]), truths


def drawings(limit: int) -> Iterator[tuple[str, np.ndarray, list[Truth]]]:
    """Give each drawing with its truth, body keypoints."""
    for seed in DRAWINGS[:limit]:
        scene = draw_scene(seed)
        truths = []
        for number, person in enumerate(scene.people):
            x1, y1, x2, y2 = map(float, person.bbox_xyxy)
            truths.append(
                Truth(
                    label_id=f"{seed}-{number}",
                    points_px=np.asarray(person.points[:17], np.float64),
                    visible=np.asarray(person.visible[:17], np.int64),
                    area_px=float(person.area),
                    bbox_xywh=(x1, y1, x2 - x1, y2 - y1),
                    crowd=False,
                    has_box=True,
                    head_px=float("nan"),
                )
            )
        yield f"drawing {seed}", scene.image_bgr, truths


def witnessed(network: Any, images: Iterator[tuple[str, np.ndarray, list[Truth]]]) -> list[Photo]:
    """Run the model on the labels' boxes."""
    spec = network.spec
    estimator = PoseEstimator(network, flip_test=True, keep_heatmaps=True)
    known: dict[str, tuple[tuple[int, int], list[Truth]]] = {}

    def cut() -> Iterator[Any]:
        for name, pixels, truths in images:
            boxed = [t for t in truths if not t.crowd and t.bbox_xywh[2] > 1 and t.bbox_xywh[3] > 1]
            known[name] = ((pixels.shape[1], pixels.shape[0]), truths)
            boxes = [[x, y, x + w, y + h] for x, y, w, h in (t.bbox_xywh for t in boxed)]
            yield cut_people(name, pixels, boxes, spec)

    found = []
    for name, poses in estimator.estimate(cut()):
        heatmaps = poses.heatmaps if poses.heatmaps is not None else np.zeros((0, 0, 0, 0), np.float32)
        size_wh, truths = known[name]
        boxed = [t for t in truths if not t.crowd and t.bbox_xywh[2] > 1 and t.bbox_xywh[3] > 1]
        people = [
            PersonEvidence(
                label_id=f"found {truth.label_id}",
                bbox_xywh=truth.bbox_xywh,
                points_px=np.asarray(poses.keypoints_px[i], np.float64),
                heatmaps=heatmaps[i],
                crop=poses.crops[i],
                score=float(poses.keypoint_scores[i].mean()),
            )
            for i, truth in enumerate(boxed)
        ]
        found.append(Photo(name, size_wh, tuple(truths), tuple(people)))
    return found

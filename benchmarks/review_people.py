"""The people of `make study-review`: cut out, estimated with and without flip test, and held to the truth.

Coordinate space: image_px, but for heatmaps (heatmap_px).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import Crop, input_to_image
from fo_pose_plugin.core.pose import person_scores
from fo_pose_plugin.core.signals import HeatmapSignals
from fo_pose_plugin.inference.decoding import decode_heatmaps
from fo_pose_plugin.inference.estimator import cut_people
from fo_pose_plugin.inference.evidence import read_evidence
from fo_pose_plugin.models.person_detector import PersonDetector
from fo_pose_plugin.models.pose_network import NetworkSpec, PoseNetwork

__all__ = ["KINDS", "Estimates", "TruePerson", "coco_people", "drawn_people", "estimate"]

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]
Bool: TypeAlias = npt.NDArray[np.bool_]

KINDS = ("true", "jittered", "detector")
JITTERS = 2
SHIFT, LOG_SCALE = 0.15, 0.25
BOX_THRESHOLD, LEAST_IOU = 0.05, 0.5
BATCH = 8
BODY = 17


@dataclass(frozen=True, slots=True)
class TruePerson:
    """One annotated person.

    Args:
        bbox_xyxy: Their box.
        keypoints: (17, 3) x, y, visible; visible is COCO's.
        area: COCO's, px^2.
    """

    bbox_xyxy: Float64
    keypoints: Float64
    area: float


@dataclass(frozen=True, slots=True)
class TrueImage:
    """An image and who is on it."""

    name: str
    pixels_bgr: npt.NDArray[np.uint8]
    people: tuple[TruePerson, ...]


@dataclass(slots=True)
class Estimates:
    """N people as one model estimates them, all kinds of boxes together.

    Args:
        image, kind: (N,) text.
        box_scores: (N,).
        boxes: (N, 4) image_px.
        crops: N.
        truth: (N, 17, 3).
        area: (N,).
        maps: Plain heatmaps and those averaged with the mirrored pass, (N, K, h, w) each.
        spec: The network's.
    """

    image: npt.NDArray[np.str_]
    kind: npt.NDArray[np.str_]
    box_scores: Float64
    boxes: Float64
    crops: list[Crop]
    truth: Float64
    area: Float64
    maps: tuple[Float32, Float32]
    spec: NetworkSpec
    _decoded: dict[bool, tuple[Float64, Float64]] = field(default_factory=dict)

    @property
    def labelled(self) -> Bool:
        """(N, 17) which keypoints the truth has, hidden ones too."""
        return self.truth[..., 2] > 0

    def points(self, flip: bool) -> tuple[Float64, Float64]:
        """Decode: (N, 17, 2) image_px and (N, 17) scores."""
        if flip not in self._decoded:
            decoded = decode_heatmaps(self.maps[flip], self.spec.codec)
            points = input_to_image(decoded.keypoints_input_px, self.crops, self.spec.input_size_wh)
            self._decoded[flip] = points.astype(np.float64), decoded.keypoint_scores.astype(np.float64)
        return self._decoded[flip]

    def errors(self, flip: bool) -> Float64:
        """Give distances from the truth in units of 2 x sigma x sqrt(area), (N, 17); inf without a peak."""
        points, _ = self.points(flip)
        apart = np.hypot(*(points - self.truth[..., :2]).transpose(2, 0, 1))
        unit = 2 * np.array(self.spec.skeleton.oks_sigmas) * np.sqrt(self.area)[:, None]
        return np.nan_to_num(apart / unit, nan=np.inf)

    def oks(self, flip: bool) -> Float64:
        """(N,) over the labelled keypoints."""
        similar = np.where(self.labelled, np.exp(-(self.errors(flip) ** 2) / 2), 0)
        return similar.sum(axis=1) / self.labelled.sum(axis=1)

    def scores(self, flip: bool) -> Float64:
        """(N,) as labels have them."""
        return person_scores(self.points(flip)[1], self.box_scores)

    def signals(self, flip: bool) -> HeatmapSignals:
        """The evidence."""
        return read_evidence(self.maps[flip], self.spec.codec.kind)


def coco_people(annotations: Path) -> Iterable[TrueImage]:
    """Read the photos of a COCO file, and the people on them whose keypoints are annotated."""
    from fo_pose_plugin.inference.images import read_image

    content = json.loads(annotations.read_text())
    for image in content["images"]:
        people = [
            TruePerson(
                np.add(a["bbox"], (0, 0, *a["bbox"][:2])).astype(np.float64),
                np.reshape(a["keypoints"], (-1, 3)).astype(np.float64)[:BODY],
                float(a["area"]),
            )
            for a in content["annotations"]
            if a["image_id"] == image["id"] and a["num_keypoints"] and not a["iscrowd"]
        ]
        yield TrueImage(
            image["file_name"], read_image(str(annotations.parent / image["file_name"])), tuple(people)
        )


def drawn_people(count: int) -> Iterable[TrueImage]:
    """Draw people that the demo's models were not trained on; their truth is exact."""
    from fo_pose_plugin.demo.drawings import drawing_seeds
    from fo_pose_plugin.demo.drawn_people import draw_scene

    for seed in drawing_seeds(count):
        scene = draw_scene(seed)
        people = [
            TruePerson(
                np.asarray(person.bbox_xyxy, np.float64),
                np.column_stack([person.points, person.visible])[:BODY].astype(np.float64),
                float(person.area),
            )
            for person in scene.people
        ]
        yield TrueImage(f"drawing {seed}", scene.image_bgr, tuple(people))


def estimate(
    images: Iterable[TrueImage], network: PoseNetwork, detector: PersonDetector | None = None
) -> Estimates:
    """Estimate everyone in their true box, in jittered ones, and in the detector's that fits theirs best."""
    rng = np.random.default_rng(0)
    rows: list[tuple[Any, ...]] = []
    crops: list[Crop] = []
    plain, averaged = [], []
    for image in images:
        todo = list(_boxes(image, detector, rng))
        if not todo:
            continue
        cut = cut_people(image.name, image.pixels_bgr, [box for _, box, _, _ in todo], network.spec)
        rows += [
            (image.name, kind, score, box, person.keypoints, person.area) for kind, box, score, person in todo
        ]
        crops += cut.crops
        for maps, flip in ((plain, False), (averaged, True)):
            for start in range(0, len(todo), BATCH):
                found = network.heatmaps(cut.pixels_bgr[start : start + BATCH], flip_test=flip)
                maps.append(found[:, network.spec.codec.likelihood_channels])
    names, kinds, scores, boxes, truth, area = (np.array(column) for column in zip(*rows, strict=True))
    both = (np.concatenate(plain), np.concatenate(averaged))
    return Estimates(names, kinds, scores, boxes, crops, truth, area, both, network.spec)


def _boxes(
    image: TrueImage, detector: PersonDetector | None, rng: np.random.Generator
) -> Iterable[tuple[str, Float64, float, TruePerson]]:
    for person in image.people:
        box = person.bbox_xyxy
        yield "true", box, 1.0, person
        size = box[2:] - box[:2]
        for _ in range(JITTERS):
            center = (box[:2] + box[2:]) / 2 + rng.uniform(-SHIFT, SHIFT, 2) * size
            half = size * np.exp(rng.uniform(-LOG_SCALE, LOG_SCALE, 2)) / 2
            yield "jittered", np.concatenate([center - half, center + half]), 1.0, person
    if detector is None or not image.people:
        return
    (found,) = detector.detect([image.pixels_bgr], min_score=BOX_THRESHOLD)
    for row, person in _matches(found.bbox_xyxy.astype(np.float64), image.people):
        box = found.bbox_xyxy[row].astype(np.float64)
        yield "detector", box, float(found.scores[row]), image.people[person]


def _matches(boxes: Float64, people: Sequence[TruePerson]) -> Iterable[tuple[int, int]]:
    """Pair boxes and people, the largest overlap first; what overlaps by less than half stays alone."""
    if not len(boxes):
        return
    truth = np.stack([person.bbox_xyxy for person in people])
    low = np.maximum(boxes[:, None, :2], truth[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], truth[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    areas = [(b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes, truth)]
    iou = shared / (areas[0][:, None] + areas[1][None] - shared)
    while iou.max() >= LEAST_IOU:
        row, person = np.unravel_index(iou.argmax(), iou.shape)
        iou[row], iou[:, person] = -1, -1
        yield int(row), int(person)

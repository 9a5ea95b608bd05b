"""Datasets with poses and kept heatmaps, made without a model: one Gaussian per keypoint.

They go through everything behind the network: the codec's decoder, the store, the overlay, the labels and
the run's record.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import Crop, crop_from_box, input_to_image, xywh_rel_to_xyxy_px
from fo_pose_plugin.core.pose import ImagePoses
from fo_pose_plugin.core.skeleton import Skeleton, mirrored_indices
from fo_pose_plugin.dataset.boxes import PersonBox
from fo_pose_plugin.dataset.labels import PoseFields, declare_fields, make_poses, set_skeleton
from fo_pose_plugin.dataset.overlays import make_overlay
from fo_pose_plugin.dataset.runs import RunRecord
from fo_pose_plugin.dataset.writer import ChunkWriter, SampleResult
from fo_pose_plugin.inference.decoding import decode_heatmaps
from fo_pose_plugin.models.codecs import CodecKind, CodecSpec
from fo_pose_plugin.tasks.kept_heatmaps import HeatmapKeeper
from fo_pose_plugin.tasks.painted_overlays import legend

if TYPE_CHECKING:
    import fiftyone as fo

Float32 = npt.NDArray[np.float32]

COCO = Skeleton(
    "coco",
    names := (
        "nose",
        *(f"{side}_{part}" for part in ("eye", "ear") for side in ("left", "right")),
        *(
            f"{side}_{part}"
            for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
            for side in ("left", "right")
        ),
    ),
    ((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 6), (5, 7), (6, 8), (7, 9), (8, 10)),
    mirrored_indices(names),
)


@dataclass(frozen=True, slots=True)
class KeptModel:
    """What the heatmaps look like.

    Args:
        kind: The codec; its combined kind has no offset maps here.
        skeleton: The keypoints.
        input_size_wh: The network's input.
        heatmap_size_wh: Its output.
        peaks: How high the peaks of each person in turn are, of the codec's scale.
    """

    kind: CodecKind = "msra"
    skeleton: Skeleton = COCO
    input_size_wh: tuple[int, int] = (192, 256)
    heatmap_size_wh: tuple[int, int] = (48, 64)
    peaks: tuple[float, ...] = (0.9,)

    @property
    def codec(self) -> CodecSpec:
        return CodecSpec(self.kind, self.input_size_wh, self.heatmap_size_wh)


def keep_poses(
    dataset: fo.Dataset,
    people: list[int],
    model: KeptModel | None = None,
    *,
    image_size_wh: tuple[int, int] = (640, 480),
    field: str = "poses",
    seed: int = 0,
) -> str:
    """Give each sample of a dataset so many people, with kept heatmaps and overlay.

    Returns:
        The run's id.
    """
    model = model or KeptModel()
    rng = np.random.default_rng(seed)
    fields = PoseFields(field)
    declare_fields(dataset, fields, detector=False, heatmaps=True)
    set_skeleton(dataset, field, model.skeleton)
    details = {"codec": model.kind, "keypoints": list(model.skeleton.keypoint_names)}
    record = RunRecord.start(dataset, field, {}, details)
    keeper = HeatmapKeeper.for_run(dataset, record.run_id, model.codec)
    writer = ChunkWriter(dataset, fields)
    for sample_id, count in zip(dataset.values("id"), people, strict=True):
        boxes = [PersonBox(tuple(box)) for box in _boxes(rng, count)]
        poses = _poses(rng, boxes, model, image_size_wh)
        path, heatmap = None, None
        if count:
            kept = keeper.keep(sample_id, poses, image_size_wh)
            path = str(kept.heatmaps)
            heatmap = make_overlay(kept.overlay, legend(len(model.skeleton)), model.kind)
        label = make_poses(poses, boxes, image_size_wh, record.run_id, heatmaps_path=path)
        writer.add(SampleResult(sample_id, label, heatmap=heatmap))
    writer.flush()
    record.finish("completed", {}, {})
    dataset.reload()
    return record.run_id


def fill_with_photos(
    dataset: fo.Dataset, folder: Path, count: int, size_wh: tuple[int, int] = (640, 480)
) -> None:
    """Add grey pictures to a dataset."""
    import fiftyone as fo

    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for index in range(count):
        path = folder / f"{index:04}.jpg"
        cv2.imwrite(str(path), np.full((size_wh[1], size_wh[0], 3), 90 + index % 90, np.uint8))
        samples.append(fo.Sample(filepath=str(path)))
    dataset.add_samples(samples, progress=False)


def _boxes(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    corners = rng.uniform(-0.1, 0.6, (count, 2))
    return np.hstack([corners, rng.uniform(0.3, 0.5, (count, 2))])


def _poses(
    rng: np.random.Generator, boxes: list[PersonBox], model: KeptModel, image_size_wh: tuple[int, int]
) -> ImagePoses:
    keypoints, (w, h) = len(model.skeleton), model.heatmap_size_wh
    crops: list[Crop] = [
        crop_from_box(xywh_rel_to_xyxy_px(box.bbox_rel, image_size_wh), model.input_size_wh) for box in boxes
    ]
    if not crops:
        nothing = np.zeros((0, keypoints, h, w), np.float32)
        return ImagePoses(nothing[:, :, 0, :2], nothing[:, :, 0, 0], (), nothing)
    heatmaps = np.stack(
        [model.peaks[n % len(model.peaks)] * _gaussians(rng, keypoints, (w, h)) for n, _ in enumerate(crops)]
    )
    if model.kind == "megvii":
        heatmaps *= 255
    decoded = decode_heatmaps(heatmaps, model.codec) if model.kind != "udp_combined" else None
    if decoded is None:
        raise ValueError("combined heatmaps need their offsets: estimate with a network")
    points = input_to_image(decoded.keypoints_input_px, crops, model.input_size_wh)
    return ImagePoses(points, decoded.keypoint_scores, tuple(crops), heatmaps)


def _gaussians(rng: np.random.Generator, keypoints: int, size_wh: tuple[int, int]) -> Float32:
    """Peaks of 1 over a little noise, as a network gives them; values below 0.01 are 0 or less."""
    w, h = size_wh
    y, x = np.mgrid[:h, :w]
    centers = rng.uniform((4, 4), (w - 5, h - 5), (keypoints, 2)).round()
    maps = np.exp(-((x - centers[:, :1, None]) ** 2 + (y - centers[:, 1:, None]) ** 2) / 8)
    maps[maps < 0.01] = 0
    maps -= (maps == 0) * rng.uniform(0, 0.02, maps.shape)
    return maps.astype(np.float32)

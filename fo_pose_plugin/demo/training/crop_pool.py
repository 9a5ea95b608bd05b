"""Crops of drawn people on disk, so that each is drawn once and seen many times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.demo.drawn_people import DrawnPerson, Scene, draw_scene

__all__ = ["CropPool", "draw_pool"]

PATCH_WH = (260, 312)
# A patch shows this much more than the padded box that the network sees, for shifts and turns.
MARGIN, PADDING = 1.35, 1.25
JPEG_QUALITY = 93


@dataclass(frozen=True, slots=True)
class CropPool:
    """Patches around people.

    Args:
        images: N JPEG files.
        points: (N, 133, 2) patch px.
        visible: (N, 133): 0 not labelled, 1 hidden, 2 seen.
        boxes: (N, 4) xyxy, patch px.
    """

    images: list[npt.NDArray[np.uint8]]
    points: npt.NDArray[np.float32]
    visible: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"CropPool({len(self)} crops)"

    def save(self, path: Path) -> None:
        """Write the pool to one file."""
        lengths = np.array([len(image) for image in self.images])
        with path.open("wb") as file:
            np.savez(
                file,
                bytes=np.concatenate(self.images),
                lengths=lengths,
                points=self.points,
                visible=self.visible,
                boxes=self.boxes,
            )

    @classmethod
    def load(cls, path: Path) -> CropPool:
        """Read what `save` wrote."""
        with np.load(path) as content:
            ends = np.cumsum(content["lengths"])[:-1]
            images = np.split(content["bytes"], ends)
            return cls(images, content["points"], content["visible"], content["boxes"])

    def sample(self, index: int, skeleton: Skeleton, rng: np.random.Generator) -> dict[str, Any]:
        """Give a crop as MMPose's transforms expect one, with its light and colours changed.

        Args:
            index: Which.
            skeleton: Of the model; its first keypoints are taken.
            rng: For light and colours.
        """
        count = len(skeleton)
        image: Any = cv2.imdecode(self.images[index], cv2.IMREAD_COLOR)
        return {
            "img": _relit(image, rng),
            "img_id": index,
            "img_path": "",
            "id": index,
            "bbox": self.boxes[index][None],
            "bbox_score": np.ones(1, np.float32),
            "keypoints": self.points[index, :count][None],
            "keypoints_visible": np.minimum(self.visible[index, :count], 1).astype(np.float32)[None],
            "flip_indices": list(skeleton.flip_indices),
            "flip_pairs": [],
            "dataset_name": skeleton.name,
            "img_shape": image.shape[:2],
            "ori_shape": image.shape[:2],
        }


def draw_pool(first_seed: int, crops: int) -> CropPool:
    """Draw scenes from a seed on until there are so many crops."""
    images: list[npt.NDArray[np.uint8]] = []
    points, visible, boxes = [], [], []
    seed = first_seed
    while len(images) < crops:
        scene = draw_scene(seed)
        seed += 1
        for person in scene.people:
            patch, matrix = _patch(scene, person)
            images.append(cv2.imencode(".jpg", patch, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].ravel())
            points.append(_moved(person.points, matrix))
            visible.append(person.visible)
            boxes.append(_moved(person.bbox_xyxy.reshape(2, 2), matrix).ravel())
    return CropPool(
        images[:crops],
        np.array(points[:crops], np.float32),
        np.array(visible[:crops], np.uint8),
        np.array(boxes[:crops], np.float32),
    )


def _patch(scene: Scene, person: DrawnPerson) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Cut a person out; gives the patch and the matrix (2, 3) from image_px to patch px."""
    left, top, right, bottom = person.bbox_xyxy
    width, height = PATCH_WH
    scale = min(width / (right - left), height / (bottom - top)) / (MARGIN * PADDING)
    matrix = np.array(
        [
            [scale, 0, width / 2 - scale * (left + right) / 2],
            [0, scale, height / 2 - scale * (top + bottom) / 2],
        ]
    )
    how = cv2.INTER_LINEAR if scale > 0.6 else cv2.INTER_AREA
    patch = cv2.warpAffine(scene.image_bgr, matrix, PATCH_WH, flags=how)
    return patch.astype(np.uint8, copy=False), matrix


def _moved(points: npt.NDArray[np.float64], matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    moved: npt.NDArray[np.float64] = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def _relit(image: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Change light, colours and contrast, by a table per channel."""
    contrast, light = rng.uniform(0.75, 1.25), rng.uniform(-25, 25)
    ramp = np.arange(256)[:, None] * (contrast * rng.uniform(0.88, 1.12, 3)) + light
    table = np.clip(ramp, 0, 255).astype(np.uint8).reshape(1, 256, 3)
    relit: npt.NDArray[np.uint8] = cv2.LUT(image, table)
    return relit

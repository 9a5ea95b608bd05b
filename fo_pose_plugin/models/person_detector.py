"""An MMDetection detector that finds people."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import ConfigError, ShapeError
from fo_pose_plugin.models import openmmlab
from fo_pose_plugin.models.building import assembling, build_network

if TYPE_CHECKING:
    import torch

__all__ = ["DetectedPeople", "PersonDetector", "build_person_detector", "detector_classes"]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Float32: TypeAlias = npt.NDArray[np.float32]

PERSON = "person"


@dataclass(frozen=True, slots=True, repr=False)
class DetectedPeople:
    """N people in one image, best first.

    Args:
        bbox_xyxy: (N, 4) float32, image_px, within the image.
        scores: (N,) float32.
    """

    bbox_xyxy: Float32
    scores: Float32

    def __post_init__(self) -> None:
        if self.bbox_xyxy.shape != (len(self.scores), 4):
            raise ShapeError("bbox_xyxy", self.bbox_xyxy.shape, f"({len(self.scores)}, 4)")

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        return f"DetectedPeople(bbox_xyxy={self.bbox_xyxy.shape})"


class PersonDetector:
    """A built detector on one device."""

    def __init__(self, model: torch.nn.Module, pipeline: Any, person_class: int, device: str) -> None:
        self.device = device
        self._model: Any = model
        self._pipeline = pipeline
        self._person_class = person_class

    def __repr__(self) -> str:
        return f"PersonDetector({type(self._model).__name__}, device={self.device!r})"

    def detect(self, images_bgr: Sequence[UInt8], *, min_score: float) -> list[DetectedPeople]:
        """Find the people in several images.

        Args:
            images_bgr: Each (H, W, 3) uint8.
            min_score: Boxes below it are left out.

        Returns:
            One result per image, in order. It does not depend on which images share the call: only images
            that become equally large inputs share a batch, since padding would change the output.
        """
        import torch

        batches: dict[tuple[int, ...], list[int]] = {}
        prepared = [self._pipeline({"img": image, "img_id": 0}) for image in images_bgr]
        for index, item in enumerate(prepared):
            batches.setdefault(tuple(item["inputs"].shape), []).append(index)
        found: dict[int, DetectedPeople] = {}
        for indices in batches.values():
            batch = {key: [prepared[i][key] for i in indices] for key in ("inputs", "data_samples")}
            with torch.inference_mode():
                outputs = self._model.test_step(batch)
            for index, output in zip(indices, outputs, strict=True):
                found[index] = self._people(output.pred_instances, images_bgr[index].shape, min_score)
        return [found[index] for index in range(len(images_bgr))]

    def _people(self, instances: Any, image_shape: tuple[int, ...], min_score: float) -> DetectedPeople:
        scores = instances.scores.float().cpu().numpy()
        boxes = instances.bboxes.float().cpu().numpy().reshape(-1, 4)
        kept = (instances.labels.cpu().numpy() == self._person_class) & (scores >= min_score)
        boxes, scores = boxes[kept], scores[kept]
        height, width = image_shape[:2]
        boxes = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
        # A box that lies outside the image is no person; clipping has left it without area.
        visible = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
        order = np.argsort(-scores[visible], kind="stable")
        return DetectedPeople(boxes[visible][order], scores[visible][order].astype(np.float32))


def detector_classes(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the class names a resolved MMDetection config was trained on.

    Raises:
        ConfigError: If there are none, or none is "person".
    """
    dataset: Mapping[str, Any] = (config.get("test_dataloader") or {}).get("dataset") or {}
    while "dataset" in dataset:  # wrappers such as MultiImageMixDataset
        dataset = dataset["dataset"]
    classes = (dataset.get("metainfo") or {}).get("classes")
    if classes is None and dataset.get("type"):
        openmmlab.prepare()
        from mmdet.registry import DATASETS

        dataset_class = DATASETS.get(str(dataset["type"]))
        classes = getattr(dataset_class, "METAINFO", {}).get("classes")
    names = (classes,) if isinstance(classes, str) else tuple(map(str, classes or ()))
    if PERSON not in names:
        raise ConfigError(
            f"the detector's config names the classes {names[:5]}, but none is 'person'; "
            "state them as test_dataloader.dataset.metainfo.classes"
        )
    return names


def build_person_detector(
    config: Mapping[str, Any],
    classes: Sequence[str],
    checkpoint: str | None,
    *,
    sha256: str | None = None,
    device: str | None = None,
) -> PersonDetector:
    """Build a detector from its resolved config and load its weights.

    Args:
        config: What ``models.configs.read_config`` gave.
        classes: What `detector_classes` gave.
        checkpoint: The weights' file, or None for random weights.
        sha256: What the file must hash to.
        device: See ``models.building.choose_device``.

    Raises:
        InstallationError: If OpenMMLab, or a package that this one model needs, is missing.
        ConfigError: If the config is no detector.
        CheckpointError: If the weights do not fit or are not the expected ones.
    """
    if not config.get("model"):
        raise ConfigError("the detector's config has no model: give a config of MMDetection 3.x")
    model, chosen = build_network(config, "mmdet", checkpoint, sha256=sha256, device=device)
    with assembling(config, "mmdet"):
        pipeline = _inference_pipeline(config)
    return PersonDetector(model, pipeline, tuple(classes).index(PERSON), chosen)


def _inference_pipeline(config: Mapping[str, Any]) -> Any:
    """Build the test pipeline for images in memory, without the loading of annotations."""
    from mmengine.dataset import Compose

    dataset: Mapping[str, Any] = (config.get("test_dataloader") or {}).get("dataset") or {}
    while "dataset" in dataset:
        dataset = dataset["dataset"]
    steps = copy.deepcopy(list(dataset.get("pipeline") or config.get("test_pipeline") or ()))
    if not steps:
        raise ConfigError("the detector's config has no test pipeline (test_dataloader.dataset.pipeline)")
    kept = [s for s in steps if not str(s.get("type", "")).split(".")[-1].startswith("LoadAnnotations")]
    kept[0] = {"type": "mmdet.LoadImageFromNDArray"}
    return Compose(kept)

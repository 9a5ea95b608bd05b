"""Crops in, poses out: batched across images and people.

Coordinate space: everything that leaves this module is image_px.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import Crop, crop_from_box, input_to_image
from fo_pose_plugin.core.pose import ImagePoses
from fo_pose_plugin.core.signals import HeatmapSignals, join_signals
from fo_pose_plugin.errors import ModelError, ShapeError
from fo_pose_plugin.inference.crops import cut_crops
from fo_pose_plugin.inference.decoding import decode_heatmaps
from fo_pose_plugin.inference.evidence import read_evidence
from fo_pose_plugin.models.device_memory import free_memory, lacks_memory, way_out
from fo_pose_plugin.models.pose_network import NetworkSpec, PoseNetwork

__all__ = ["ImageCrops", "PoseEstimator", "cut_people", "default_batch_size"]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Float32: TypeAlias = npt.NDArray[np.float32]
Key = TypeVar("Key")

CPU_BATCH_SIZE = 8
GPU_BATCH_SIZE = 64


def default_batch_size(device: str) -> int:
    """Give the number of people per forward pass: small on a CPU, where larger batches only cost memory."""
    return GPU_BATCH_SIZE if device.startswith("cuda") else CPU_BATCH_SIZE


@dataclass(frozen=True, slots=True, repr=False)
class ImageCrops(Generic[Key]):
    """The people cut out of one image.

    Args:
        key: Whatever tells the caller which image it is.
        crops: N crops.
        pixels_bgr: (N, h, w, 3) uint8, input_px.
    """

    key: Key
    crops: tuple[Crop, ...]
    pixels_bgr: UInt8

    def __post_init__(self) -> None:
        if len(self.crops) != len(self.pixels_bgr):
            raise ShapeError("pixels_bgr", self.pixels_bgr.shape, f"({len(self.crops)}, h, w, 3)")

    def __repr__(self) -> str:
        return f"ImageCrops({self.key!r}, pixels_bgr={self.pixels_bgr.shape})"


def cut_people(
    key: Key, image_bgr: UInt8, boxes_xyxy: Sequence[npt.ArrayLike], spec: NetworkSpec
) -> ImageCrops[Key]:
    """Cut the people out of an image as the network expects them.

    Args:
        key: Kept on the result.
        image_bgr: (H, W, 3) uint8.
        boxes_xyxy: N boxes of (4,), image_px.
        spec: The network's.

    Raises:
        BoxError: If a box is empty or not finite.
    """
    crops = tuple(crop_from_box(box, spec.input_size_wh, spec.padding) for box in boxes_xyxy)
    return ImageCrops(key, crops, cut_crops(image_bgr, crops, spec.input_size_wh, udp=spec.udp_affine))


@dataclass(slots=True)
class _Pending(Generic[Key]):
    """An image whose people are partly estimated."""

    image: ImageCrops[Key]
    heatmaps: list[Float32] = field(default_factory=list)
    keypoints_input_px: list[Float32] = field(default_factory=list)
    keypoint_scores: list[Float32] = field(default_factory=list)
    signals: list[HeatmapSignals] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.keypoints_input_px) == len(self.image.crops)


class PoseEstimator:
    """Runs one network over many images.

    Args:
        network: The network.
        flip_test: Whether to average with the mirrored crop.
        batch_size: People per forward pass; None for `default_batch_size`. It is halved when the device's
            memory does not suffice.
        keep_heatmaps: Whether results carry their heatmaps.
        signals: Whether results carry the evidence in them.
    """

    def __init__(
        self,
        network: PoseNetwork,
        *,
        flip_test: bool = False,
        batch_size: int | None = None,
        keep_heatmaps: bool = False,
        signals: bool = False,
    ) -> None:
        if batch_size is not None and batch_size < 1:
            raise ModelError(f"batch_size is {batch_size}, expected 1 or more people per forward pass")
        self._network = network
        self._flip_test = flip_test
        self._batch_size = batch_size or default_batch_size(network.device)
        self._keep_heatmaps = keep_heatmaps
        self._signals = signals

    @property
    def batch_size(self) -> int:
        """People per forward pass, as it stands now."""
        return self._batch_size

    def estimate(self, images: Iterable[ImageCrops[Key]]) -> Iterator[tuple[Key, ImagePoses]]:
        """Estimate all people, one result per image, in order; an image without people gives an empty one.

        Batches reach across images, so a result comes once the batch with its last person has run. The
        result of a person does not depend on the batch it ran in, beyond float rounding.
        """
        pending: deque[_Pending[Key]] = deque()
        waiting: deque[tuple[_Pending[Key], int]] = deque()
        for image in images:
            entry = _Pending(image)
            pending.append(entry)
            waiting.extend((entry, person) for person in range(len(image.crops)))
            while len(waiting) >= self._batch_size:
                self._run_batch(waiting)
            yield from self._completed(pending)
        while waiting:
            self._run_batch(waiting)
        yield from self._completed(pending)

    def _completed(self, pending: deque[_Pending[Key]]) -> Iterator[tuple[Key, ImagePoses]]:
        while pending and pending[0].complete:
            entry = pending.popleft()
            yield entry.image.key, self._to_poses(entry)

    def _run_batch(self, waiting: deque[tuple[_Pending[Key], int]]) -> None:
        people = [waiting.popleft() for _ in range(min(self._batch_size, len(waiting)))]
        heatmaps = self._forward(np.stack([entry.image.pixels_bgr[person] for entry, person in people]))
        codec = self._network.spec.codec
        decoded = decode_heatmaps(heatmaps, codec)
        likelihoods = heatmaps[:, codec.likelihood_channels]
        evidence = read_evidence(likelihoods, codec.kind) if self._signals else None
        for row, (entry, _) in enumerate(people):
            entry.keypoints_input_px.append(decoded.keypoints_input_px[row])
            entry.keypoint_scores.append(decoded.keypoint_scores[row])
            if self._keep_heatmaps:
                entry.heatmaps.append(likelihoods[row])
            if evidence is not None:
                entry.signals.append(evidence[row : row + 1])

    def _forward(self, pixels_bgr: UInt8) -> Float32:
        """Run the network, in halves where the device's memory does not suffice."""
        try:
            return self._network.heatmaps(pixels_bgr, flip_test=self._flip_test)
        except (RuntimeError, MemoryError) as error:
            if not lacks_memory(error):
                raise
            if len(pixels_bgr) == 1:
                raise ModelError(
                    f"{self._network.device} has too little memory for one person; close what else uses it, "
                    f"or {way_out(self._network.device)}"
                ) from error
        free_memory()
        half = (len(pixels_bgr) + 1) // 2
        self._batch_size = min(self._batch_size, half)
        return np.concatenate([self._forward(pixels_bgr[:half]), self._forward(pixels_bgr[half:])])

    def _to_poses(self, entry: _Pending[Key]) -> ImagePoses:
        spec = self._network.spec
        crops = entry.image.crops
        shape = (len(crops), len(spec.skeleton))
        heatmaps = None
        if self._keep_heatmaps:
            w, h = spec.codec.heatmap_size_wh
            heatmaps = np.stack(entry.heatmaps) if crops else np.zeros((*shape, h, w), np.float32)
        signals = join_signals(entry.signals, len(spec.skeleton)) if self._signals else None
        if not crops:
            points, scores = np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
            return ImagePoses(points, scores, (), heatmaps, signals)
        points = input_to_image(np.stack(entry.keypoints_input_px), list(crops), spec.input_size_wh)
        return ImagePoses(points, np.stack(entry.keypoint_scores), crops, heatmaps, signals)

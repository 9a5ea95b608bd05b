"""Run a field's model on one box, for a person whom the detector missed or cut off.

Coordinate space: image_px, as the editor has it (relative times the image's size).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fo_pose_plugin.core.pose import ImagePoses, person_scores
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.corrections import read_people
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.errors import BoxError, FieldError, ModelError
from fo_pose_plugin.inference.estimator import PoseEstimator, cut_people
from fo_pose_plugin.inference.images import read_image
from fo_pose_plugin.models import catalog
from fo_pose_plugin.models.pose_network import PoseNetwork
from fo_pose_plugin.tasks.browse_heatmaps import fields_with_heatmaps
from fo_pose_plugin.tasks.pose_evidence import PoseEvidence, evidence_of

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["EstimatedPerson", "Reestimator", "WarmNetwork", "find_reestimator", "reestimate_pose"]

BoxPx: TypeAlias = tuple[float, float, float, float]

IDLE_S = 600.0


@dataclass(frozen=True, slots=True)
class Reestimator:
    """The model that runs again.

    Args:
        name: Its name in the registry.
        model: The model, with weights on this machine.
        flip_test: Whether its run averaged with the mirrored crop.
    """

    name: str
    model: catalog.KnownModel
    flip_test: bool


@dataclass(frozen=True, slots=True)
class EstimatedPerson:
    """What the model says of a box; nothing of it is kept.

    Args:
        points: K; None where there is none.
        confidence: K.
        score: The person's, with a box score of 1.
        bbox: The box, ``x, y, width, height``.
        evidence: The heatmaps and their peaks.
        seconds: How long it took, with the loading of the model where it was not held.
    """

    points: tuple[tuple[float, float] | None, ...]
    confidence: tuple[float, ...]
    score: float
    bbox: BoxPx
    evidence: PoseEvidence
    seconds: float


def find_reestimator(dataset: fo.Dataset, pose_field: str, skeleton: Skeleton) -> Reestimator:
    """Find the registered model of the newest run that filled the field; else of one with the same keypoints.

    Nothing is downloaded or loaded for this.

    Raises:
        FieldError: If no run with these keypoints is known.
        ModelError: If its model is not registered on this machine.
    """
    problem: ModelError | None = None
    for field in dict.fromkeys([pose_field, *fields_with_heatmaps(dataset)]):
        for config in reversed(list_runs(dataset, field).values()):
            settings = config.get("settings") or {}
            name = str(settings.get("model"))
            try:
                model = catalog.find_model(name)
                if model.network.skeleton.keypoint_names != skeleton.keypoint_names:
                    continue
                model.require_entry()
            except ModelError as error:
                problem = problem or error
                continue
            return Reestimator(name, model, settings.get("flip_test") is True)
    if problem is not None:
        raise problem
    raise FieldError(
        f"no run with the keypoints of {pose_field!r} is known in this dataset, so that there is no model to "
        "run again: run estimate_poses"
    )


class WarmNetwork:
    """Holds the network that was used last, for as long as it is used: loading takes seconds, a pose none.

    One request runs at a time; a second one waits for the first, and finds the network loaded.

    Args:
        idle_s: How long it is held after its last use.
    """

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._held: tuple[tuple[str, str], PoseNetwork] | None = None
        self._timer: threading.Timer | None = None
        self.loads = 0

    @property
    def is_loaded(self) -> bool:
        """Whether a network is held now."""
        return self._held is not None

    @contextmanager
    def use(self, model: catalog.KnownModel) -> Iterator[PoseNetwork]:
        """Give a model's network, loaded where it is not held yet."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            try:
                yield self._load(model)
            finally:
                self._timer = threading.Timer(self._idle_s, self.unload)
                self._timer.daemon = True
                self._timer.start()

    def unload(self) -> None:
        """Let go of what is held; a request that goes on is waited for."""
        with self._lock:
            self._held = None

    def _load(self, model: catalog.KnownModel) -> PoseNetwork:
        # Weights or config that were registered anew under the name are other weights.
        entry = model.require_entry()
        key = (entry.checkpoint_sha256, entry.config_sha256)
        if self._held is None or self._held[0] != key:
            self._held = None  # two networks need twice the memory
            self._held = (key, catalog.load_network(model))
            self.loads += 1
        return self._held[1]


def reestimate_pose(
    dataset: fo.Dataset, sample_id: str, pose_field: str, bbox_px: BoxPx, warm: WarmNetwork
) -> EstimatedPerson:
    """Run the field's model on one box of a sample's image; nothing is written.

    Args:
        dataset: The dataset.
        sample_id: The sample.
        pose_field: The field whose run says which model.
        bbox_px: ``x, y, width, height``; it may reach beyond the image.
        warm: Where the network is held.

    Raises:
        InputError: If there is no such sample, or the image cannot be read.
        FieldError: If no run is known.
        ModelError: If its model is not registered, or cannot be loaded.
        BoxError: If the box is empty, or nothing of the image is in it.
    """
    began = time.monotonic()
    found = find_reestimator(dataset, pose_field, read_skeleton(dataset, pose_field))
    people = read_people(dataset, PoseFields(pose_field), sample_id)
    image = read_image(str(people.values.get("filepath")))
    x, y, w, h = bbox_px
    height, width = image.shape[:2]
    if min(x + w, width) - max(x, 0) < 1 or min(y + h, height) - max(y, 0) < 1:
        raise BoxError(f"the box shows less than one pixel of the {width}x{height} image: draw it anew")
    with warm.use(found.model) as network:
        cut = cut_people(sample_id, image, [np.array((x, y, x + w, y + h))], network.spec)
        estimator = PoseEstimator(network, flip_test=found.flip_test, batch_size=1, keep_heatmaps=True)
        ((_, poses),) = estimator.estimate([cut])
    points = _points(poses)
    heatmaps = np.zeros((0,)) if poses.heatmaps is None else poses.heatmaps[0]
    confidence = tuple(float(score) for score in poses.keypoint_scores[0])
    evidence = evidence_of(
        heatmaps.astype(np.float32), poses.crops[0], found.model.network.codec.kind, points
    )
    return EstimatedPerson(
        points,
        confidence,
        float(person_scores(poses.keypoint_scores, [1.0])[0]),
        bbox_px,
        evidence,
        time.monotonic() - began,
    )


def _points(poses: ImagePoses) -> tuple[tuple[float, float] | None, ...]:
    found = poses.keypoints_px[0].astype(np.float64)
    return tuple(
        (x, y) if seen else None
        for (x, y), seen in zip(found.tolist(), np.isfinite(found).all(axis=1).tolist(), strict=True)
    )

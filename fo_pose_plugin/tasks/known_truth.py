"""Keypoints whose truth is known: which predicted person is which true one, and which keypoints are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.evaluated_people import ImagePeople, Truth
from fo_pose_plugin.dataset.evaluated_people import read_people
from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.shared_keypoints import SharedKeypoints, share_keypoints
from fo_pose_plugin.tasks.evaluation.coco_oks import prepare_oks
from fo_pose_plugin.tasks.evaluation.coco_sums import sum_part
from fo_pose_plugin.tasks.evaluation.oks_constants import find_oks_sigmas
from fo_pose_plugin.tasks.evaluation.pairs import ImageVerdicts, judge

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["KnownPerson", "known_people"]

Float64: TypeAlias = npt.NDArray[np.float64]
OKS_THRESHOLD = 0.5
# People in boxes that overlap so much are the same, however wrong the pose is.
LEAST_IOU = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class KnownPerson:
    """A predicted person whose truth is known.

    Args:
        sample_id: Their image.
        label_id: Of the prediction.
        keypoints: (m,) indices of the labelled keypoints, in the prediction's order.
        right: (m,) whether each is within 2 x sigma x sqrt(area) of the truth.
    """

    sample_id: str
    label_id: str
    keypoints: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]


def known_people(
    samples: fo.Dataset | fo.DatasetView, pose_field: str, gt_field: str
) -> tuple[KnownPerson, ...]:
    """Find the predictions whose truth is known, and which of their keypoints are right.

    People are paired as `evaluate_poses` does it, by OKS. Who is then left alone is paired by boxes: a pose
    that is wholly wrong has no OKS to speak of, and without it the model would look better than it is.

    Raises:
        FieldError: If the fields do not hold keypoints with names in common.
        InputError: If no OKS constants are known for them.
    """
    shared = share_keypoints(samples, pose_field, gt_field)
    sigmas = find_oks_sigmas(root_dataset(samples), pose_field, shared.skeleton, None)
    images, _ = read_people(samples, pose_field, gt_field, shared)
    images = [image for image in images if image.truths and image.predictions]
    if not images:
        return ()
    everything = tuple(range(len(sigmas)))
    prepared = prepare_oks(images, sigmas, everything)
    matches = sum_part(prepared, everything, oks_threshold=OKS_THRESHOLD).matches
    verdicts = judge(images, matches)
    boxes = _boxes(samples, pose_field, [v.sample_id for v in verdicts if v.lonely])
    found = []
    for image, verdict in zip(images, verdicts, strict=True):
        pairs = [*verdict.pairs, *_by_boxes(image, verdict, boxes.get(image.sample_id, {}))]
        found += [_known(image, i, j, shared, np.array(sigmas)) for i, j in pairs]
    return tuple(found)


def _known(image: ImagePeople, i: int, j: int, shared: SharedKeypoints, sigmas: Float64) -> KnownPerson:
    truth, prediction = image.truths[i], image.predictions[j]
    labelled = truth.visible > 0
    apart = np.hypot(*(prediction.points_px - truth.points_px).T)
    allowed = 2 * sigmas * np.sqrt(truth.area_px)
    right = np.nan_to_num(apart, nan=np.inf) <= allowed
    places = np.array(shared.in_predictions, dtype=np.int64)
    return KnownPerson(image.sample_id, prediction.label_id, places[labelled], right[labelled])


def _by_boxes(
    image: ImagePeople, verdict: ImageVerdicts, boxes: dict[str, Float64]
) -> Iterator[tuple[int, int]]:
    """Pair who has no partner by their boxes, the largest overlap first."""
    taken = {j for _, j in verdict.pairs}
    free = [j for j in range(len(image.predictions)) if j not in taken]
    overlaps = [
        (_iou(image.truths[i], boxes[label_id]), i, j)
        for i in verdict.lonely
        for j in free
        if (label_id := image.predictions[j].label_id) in boxes
    ]
    used: set[tuple[str, int]] = set()
    for iou, i, j in sorted(overlaps, reverse=True):
        if iou >= LEAST_IOU and not used & {("truth", i), ("prediction", j)}:
            used |= {("truth", i), ("prediction", j)}
            yield i, j


def _boxes(
    samples: fo.Dataset | fo.DatasetView, pose_field: str, sample_ids: Sequence[str]
) -> dict[str, dict[str, Float64]]:
    """Give the boxes of the predictions, x, y, width, height in image px, by sample id and label id."""
    path = f"{pose_field}.keypoints"
    if not sample_ids or samples.get_field(f"{path}.bounding_box") is None:
        return {}
    chosen = samples.select(list(sample_ids))
    columns = chosen.values(["id", "metadata.width", "metadata.height", f"{path}.id", f"{path}.bounding_box"])
    found: dict[str, dict[str, Float64]] = {}
    for sample_id, width, height, ids, boxes in zip(*columns, strict=True):
        if width and height:
            found[sample_id] = {
                str(label_id): np.multiply(box, (width, height, width, height))
                for label_id, box in zip(ids or (), boxes or (), strict=True)
                if _is_box(box)
            }
    return found


def _is_box(box: Any) -> bool:
    return isinstance(box, list) and len(box) == 4


def _iou(truth: Truth, box: Float64) -> float:
    x, y, w, h = truth.bbox_xywh
    shared_w = min(x + w, box[0] + box[2]) - max(x, box[0])
    shared_h = min(y + h, box[1] + box[3]) - max(y, box[1])
    shared = max(shared_w, 0.0) * max(shared_h, 0.0)
    return float(shared / max(w * h + box[2] * box[3] - shared, 1e-9))

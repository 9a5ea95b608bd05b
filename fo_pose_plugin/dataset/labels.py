"""Poses as FiftyOne labels, and the fields that hold them.

Coordinate space: points on labels are relative to the image; ``crop`` is image_px.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from fo_pose_plugin.core.pose import ImagePoses, person_scores
from fo_pose_plugin.core.skeleton import Skeleton, mirrored_indices
from fo_pose_plugin.dataset.boxes import PERSON, PersonBox
from fo_pose_plugin.dataset.fiftyone_internals import add_media_field
from fo_pose_plugin.dataset.overlays import declare_overlay
from fo_pose_plugin.errors import ConfigError, FieldError

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.models.person_detector import DetectedPeople

__all__ = [
    "PoseFields",
    "declare_fields",
    "is_edited",
    "make_boxes",
    "make_poses",
    "points_digest",
    "read_skeleton",
    "set_skeleton",
    "subfield_types",
]


REPLACED = "_replaced"


@dataclass(frozen=True, slots=True)
class PoseFields:
    """The names of a pose field and its companions, so that two models' fields never collide.

    Raises:
        FieldError: If the name is no valid field name.
    """

    poses: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", self.poses.removesuffix(REPLACED)):
            raise FieldError(
                f"pose_field={self.poses!r} is no field name: use at most 64 letters, digits and "
                "underscores, such as 'poses'"
            )

    @property
    def boxes(self) -> str:
        """What the detector found."""
        return f"{self.poses}_boxes"

    @property
    def heatmap(self) -> str:
        """The overlay that the App paints."""
        return f"{self.poses}_heatmap"

    @property
    def corrected(self) -> str:
        """What people made or accepted."""
        return f"{self.poses}_corrected"

    @property
    def replaced(self) -> PoseFields:
        """What an overwriting run has replaced, for as long as it has not come to its end."""
        return PoseFields(f"{self.poses}{REPLACED}")

    @property
    def error(self) -> str:
        """Why a sample failed."""
        return f"{self.poses}_error"


def points_digest(points_rel: Sequence[Sequence[float]], confidence: Sequence[float] | None) -> str:
    """Fingerprint what the model wrote, so that an edit by any other tool is recognised.

    Args:
        points_rel: K pairs; NaN allowed.
        confidence: K numbers, or None.

    Returns:
        16 hex digits; the same for values that went through the database.
    """
    values = np.array([*(v for point in points_rel for v in point), *(confidence or ())], dtype="<f8")
    values[np.isnan(values)] = np.nan  # one bit pattern for NaN
    return hashlib.blake2b(values.tobytes(), digest_size=8).hexdigest()


def is_edited(keypoint: fo.Keypoint) -> bool:
    """Whether someone else than a run has moved the points of a person, or added the person."""
    digest = keypoint["digest"] if keypoint.has_field("digest") else None
    return digest is None or digest != points_digest(keypoint.points, keypoint.confidence)


def make_poses(
    poses: ImagePoses,
    boxes: Sequence[PersonBox],
    image_size_wh: tuple[int, int],
    run_id: str,
    *,
    known_ids: Mapping[str, str] | None = None,
    heatmaps_path: str | None = None,
) -> fo.Keypoints:
    """Turn the poses of one image into its label.

    Args:
        poses: N people.
        boxes: Their N boxes.
        image_size_wh: The image as it is shown.
        run_id: Kept on the list, also when nobody is there.
        known_ids: The ids that poses of an earlier run had, by ``box_id``: they are kept.
        heatmaps_path: The sample's file of kept heatmaps, or None.
    """
    import fiftyone as fo

    points_rel = poses.keypoints_px.astype(np.float64) / np.asarray(image_size_wh, np.float64)
    scores = person_scores(poses.keypoint_scores, [box.score for box in boxes]) if boxes else ()
    keypoints = []
    for index, box in enumerate(boxes):
        points = points_rel[index].tolist()
        confidence = [float(score) for score in poses.keypoint_scores[index]]
        keypoint = fo.Keypoint(
            label=PERSON,
            points=points,
            confidence=confidence,
            score=float(scores[index]),
            bounding_box=[float(v) for v in box.bbox_rel],
            box_id=box.box_id,
            crop=poses.crops[index].as_list(),
            digest=points_digest(points, confidence),
            instance=fo.Instance(id=box.instance_id) if box.instance_id else None,
        )
        if heatmaps_path is not None:
            keypoint["heatmap_index"] = index
        if known_ids and box.box_id is not None and box.box_id in known_ids:
            keypoint.id = known_ids[box.box_id]
        keypoints.append(keypoint)
    label = fo.Keypoints(keypoints=keypoints, run_id=run_id)
    if heatmaps_path is not None:
        label["heatmaps_path"] = heatmaps_path
    return label


def make_boxes(
    people: DetectedPeople, image_size_wh: tuple[int, int]
) -> tuple[fo.Detections, list[PersonBox]]:
    """Turn what a detector found into a label, and into the boxes that the poses are linked to."""
    import fiftyone as fo

    width, height = image_size_wh
    detections, boxes = [], []
    for (x1, y1, x2, y2), score in zip(people.bbox_xyxy.tolist(), people.scores.tolist(), strict=True):
        bbox_rel = (x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height)
        instance = fo.Instance()
        detection = fo.Detection(
            label=PERSON, bounding_box=list(bbox_rel), confidence=score, instance=instance
        )
        detections.append(detection)
        boxes.append(PersonBox(bbox_rel, score, detection.id, instance.id))
    return fo.Detections(detections=detections), boxes


def subfield_types(fields: PoseFields) -> dict[str, tuple[type[fo.Field], type[fo.Field] | None]]:
    """Give the type of every subfield that FiftyOne does not declare itself, and a list's of its items."""
    import fiftyone as fo

    keypoints = f"{fields.poses}.keypoints"
    return {
        f"{fields.poses}.run_id": (fo.StringField, None),
        f"{fields.poses}.heatmaps_path": (fo.StringField, None),
        f"{keypoints}.score": (fo.FloatField, None),
        f"{keypoints}.box_id": (fo.StringField, None),
        f"{keypoints}.heatmap_index": (fo.IntField, None),
        f"{keypoints}.digest": (fo.StringField, None),
        f"{keypoints}.bounding_box": (fo.ListField, fo.FloatField),
        f"{keypoints}.crop": (fo.ListField, fo.FloatField),
    }


def declare_fields(dataset: fo.Dataset, fields: PoseFields, *, detector: bool, heatmaps: bool) -> None:
    """Add the fields and every subfield to the schema: undeclared ones would be half invisible in the App."""
    import fiftyone as fo

    dataset.add_sample_field(fields.error, fo.StringField, description="Why no pose could be estimated")
    if detector:
        dataset.add_sample_field(fields.boxes, fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
        _declare_instance(dataset, f"{fields.boxes}.detections")
    if heatmaps:
        declare_overlay(dataset, fields)
    dataset.add_sample_field(fields.poses, fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    for path, (kind, subkind) in subfield_types(fields).items():
        dataset.add_sample_field(path, kind, subfield=subkind)
    _declare_instance(dataset, f"{fields.poses}.keypoints")
    if heatmaps:
        add_media_field(dataset, f"{fields.poses}.heatmaps_path")


def _declare_instance(dataset: fo.Dataset, path: str) -> None:
    import fiftyone as fo

    dataset.add_sample_field(f"{path}.instance", fo.EmbeddedDocumentField, embedded_doc_type=fo.Instance)


def set_skeleton(dataset: fo.Dataset, field: str, skeleton: Skeleton) -> None:
    """Give a field its keypoint names and edges; one that is there already stays."""
    import fiftyone as fo

    known = dataset.skeletons.get(field)
    if known is not None and list(known.labels or ()) == list(skeleton.keypoint_names):
        return
    dataset.skeletons[field] = fo.KeypointSkeleton(
        labels=list(skeleton.keypoint_names), edges=[list(edge) for edge in skeleton.edges]
    )
    dataset.save()


def read_skeleton(samples: fo.Dataset | fo.DatasetView, field: str) -> Skeleton:
    """Read a field's skeleton back: names and edges, with left and right told by the names.

    Raises:
        FieldError: If there is no such field, it holds no keypoints, or it has no skeleton with names and
            edges that fit.
    """
    import fiftyone as fo

    schema = samples.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    if field not in schema:
        raise FieldError(
            f"there is no field {field!r} with poses; fields with keypoints: {', '.join(schema) or 'none'}"
        )
    known = samples.skeletons.get(field) or samples.default_skeleton
    if known is None or not known.labels:
        raise FieldError(
            f"field {field!r} has no skeleton with names: set dataset.skeletons[{field!r}] = "
            "fo.KeypointSkeleton(labels=[...], edges=[...])"
        )
    edges = tuple((int(a), int(b)) for line in known.edges or () for a, b in pairwise(line))
    names = tuple(known.labels)
    try:
        return Skeleton(field, names, edges, mirrored_indices(names))
    except ConfigError as error:
        raise FieldError(f"the skeleton of field {field!r} cannot be used: {error}") from error

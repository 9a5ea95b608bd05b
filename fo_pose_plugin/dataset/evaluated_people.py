"""People read for an evaluation: labels of any origin become values in image pixels.

Read from the database's own documents: a label made into an object costs half a millisecond, and
attributes that no schema declares, as ``visible`` often is, would be overlooked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.annotation import SCORED_PARTS
from fo_pose_plugin.core.evaluated_people import ImagePeople, Prediction, Truth
from fo_pose_plugin.dataset.fiftyone_internals import raw_documents
from fo_pose_plugin.dataset.shared_keypoints import SharedKeypoints
from fo_pose_plugin.errors import FieldError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["AREA_OF_BOX", "Oddities", "read_people"]

# What xtcocotools and MMPose take for data sets without areas (``use_area=False``).
AREA_OF_BOX = 0.53
# The two ends of a head by their names in MMPose's data sets.
HEAD_ENDS = (("head_top", "top_head"), ("neck", "upper_neck", "head_bottom"))
ORDER_FIELDS = ("coco_id", "coco_image_id")
LEAST_CENTER_REL = 0.05
SIZE_TOLERANCE_PX = 0.2


@dataclass(slots=True)
class Oddities:
    """What was met on the way and a reader of the report must know: counts of images and people."""

    without_truth: int = 0
    without_predictions: int = 0
    with_both: int = 0
    without_size: list[str] = field(default_factory=list)
    area_of_box: int = 0
    area_of_points: int = 0
    unmeasurable: int = 0


def read_people(
    samples: fo.Dataset | fo.DatasetView, pred_field: str, gt_field: str, shared: SharedKeypoints
) -> tuple[list[ImagePeople], Oddities]:
    """Read the people of every image whose truth is known.

    An image whose truth is None was not annotated and is left out; one whose predictions are None has
    none. Where every sample has an own COCO id, images come in the order of these ids.

    Raises:
        FieldError: If a person has another number of keypoints than the field's skeleton.
    """
    order_fields = [name for name in ORDER_FIELDS if samples.has_field(name)]
    oddities, images = Oddities(), []
    for document in raw_documents(samples, [pred_field, gt_field, *order_fields]):
        truth, predicted = document.get(gt_field), document.get(pred_field)
        if truth is None:
            oddities.without_truth += 1
            continue
        size_wh = _size(document.get("metadata"), predicted)
        if size_wh is None:
            oddities.without_size.append(str(document["_id"]))
            continue
        if predicted is None:
            oddities.without_predictions += 1
        else:
            oddities.with_both += 1
        reader = _Reader(str(document["_id"]), np.array(size_wh, np.float64), shared, oddities)
        people = ImagePeople(
            str(document["_id"]),
            tuple(t for t in map(reader.truth, _people(truth, gt_field, shared.truth_count)) if t),
            tuple(map(reader.prediction, _people(predicted, pred_field, shared.prediction_count))),
        )
        images.append((tuple(document.get(name) for name in order_fields), people))
    for index in range(len(order_fields)):
        ids: dict[int, ImagePeople] = {}
        for key, people in images:
            if isinstance(one := key[index], int):
                ids[one] = people
        if len(ids) == len(images):
            return [ids[one] for one in sorted(ids)], oddities
    return [people for _, people in images], oddities


def _people(label: Mapping[str, Any] | None, field_name: str, count: int) -> Iterator[Mapping[str, Any]]:
    for person in (label or {}).get("keypoints") or ():
        if person.get("status") == "rejected":  # a person has taken this prediction out
            continue
        points = person.get("points") or ()
        if len(points) != count:
            raise FieldError(
                f"person {person['_id']} in field {field_name!r} has {len(points)} keypoints, expected "
                f"{count}: correct the label, or name the keypoints in dataset.skeletons[{field_name!r}]"
            )
        yield person


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the people of one image."""

    sample_id: str
    size_wh: npt.NDArray[np.float64]
    shared: SharedKeypoints
    oddities: Oddities

    def truth(self, person: Mapping[str, Any]) -> Truth | None:
        """Read one person of the truth; None where there is neither keypoint nor box."""
        kept = list(self.shared.in_truth)
        points = _points(person, self.size_wh)[kept]
        visible = _visible(person, self.shared.truth_count)[kept]
        visible[~np.isfinite(points).all(axis=1)] = 0
        labelled = points[visible > 0]
        box = _box(person, self.size_wh)
        if box is None and not len(labelled):
            return None
        spanned = box is None
        if box is None:
            low, high = labelled.min(axis=0), labelled.max(axis=0)
            box = (*low.tolist(), *(high - low).tolist())
        area = self._area(person, box, spanned, len(labelled))
        if not area:  # COCO would call every prediction wrong; as one without keypoints it does not count
            self.oddities.unmeasurable += bool(len(labelled))
            visible[:] = 0
        return Truth(
            label_id=str(person["_id"]),
            points_px=np.where(visible[:, None] > 0, points, 0.0),
            visible=visible,
            area_px=area,
            bbox_xywh=box,
            crowd=bool(person.get("iscrowd")),
            has_box=not spanned,
            head_px=self._head(person, points, visible),
        )

    def _area(self, person: Mapping[str, Any], box: Sequence[float], spanned: bool, labelled: int) -> float:
        for name in ("area_px", "area"):
            area = _number(person.get(name))
            if area is not None and area > 0:
                return area
        area = AREA_OF_BOX * box[2] * box[3]
        if labelled and area:
            if spanned:
                self.oddities.area_of_points += 1
            else:
                self.oddities.area_of_box += 1
        return area

    def _head(
        self, person: Mapping[str, Any], points: npt.NDArray[np.float64], visible: npt.NDArray[np.int64]
    ) -> float:
        stated = _number(person.get("head_size_px"))
        if stated is not None and stated > 0:
            return stated
        names = self.shared.skeleton.keypoint_names
        ends = [next((names.index(n) for n in end if n in names), None) for end in HEAD_ENDS]
        if ends[0] is None or ends[1] is None or not visible[ends[0]] or not visible[ends[1]]:
            return math.nan
        return float(np.linalg.norm(points[ends[0]] - points[ends[1]])) or math.nan

    def prediction(self, person: Mapping[str, Any]) -> Prediction:
        """Read one predicted person."""
        kept = list(self.shared.in_predictions)
        points = _points(person, self.size_wh)[kept]
        points[~np.isfinite(points).all(axis=1)] = np.nan
        confidence = person.get("confidence")
        scores = np.ones(self.shared.prediction_count)
        if isinstance(confidence, list) and len(confidence) == len(scores):
            scores = np.array([_number(value) or 0.0 for value in confidence])
        score = _number(person.get("score"))
        crop = person.get("crop")
        return Prediction(
            label_id=str(person["_id"]),
            points_px=points,
            keypoint_scores=scores[kept],
            score=float(scores.mean()) if score is None else score,
            crop_area_px=float(crop[2] * crop[3]) if isinstance(crop, list) and len(crop) == 4 else None,
            part_scores={
                part: own
                for part in SCORED_PARTS
                if (own := _number(person.get(f"{part}_score"))) is not None
            },
        )


def _points(person: Mapping[str, Any], size_wh: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    points: npt.NDArray[np.float64] = np.array(person["points"], np.float64).reshape(-1, 2) * size_wh
    return points


def _visible(person: Mapping[str, Any], count: int) -> npt.NDArray[np.int64]:
    """Read COCO's 0, 1, 2; without it whatever has a place counts as visible."""
    values = person.get("visible")
    if not isinstance(values, list) or len(values) != count:
        return np.full(count, 2, np.int64)
    # COCO-WholeBody has parts of a v in between: labelled, as xtcocotools counts it.
    return np.array([2 if value is None else math.ceil(value) for value in values], np.int64)


def _box(
    person: Mapping[str, Any], size_wh: npt.NDArray[np.float64]
) -> tuple[float, float, float, float] | None:
    values = person.get("bounding_box")
    if not isinstance(values, list) or len(values) != 4 or None in map(_number, values):
        return None
    x, y, w, h = (np.array(values, np.float64).reshape(2, 2) * size_wh).ravel().tolist()
    return (x, y, w, h) if w > 0 and h > 0 else None


def _number(value: Any) -> float | None:
    """Read a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _size(
    metadata: Mapping[str, Any] | None, predicted: Mapping[str, Any] | None
) -> tuple[float, float] | None:
    """Tell the image's size by a crop, relative and in pixels, else by the metadata, which may be wrong."""
    sizes: list[float | None] = [None, None]
    for person in (predicted or {}).get("keypoints") or ():
        box, crop = person.get("bounding_box"), person.get("crop")
        if not isinstance(box, list) or not isinstance(crop, list) or len(box) != 4 or len(crop) != 4:
            continue
        for axis in (0, 1):
            center = box[axis] + box[axis + 2] / 2
            size = crop[axis] / center if center > LEAST_CENTER_REL else 0
            if size >= 1 and abs(size - round(size)) <= SIZE_TOLERANCE_PX:
                sizes[axis] = float(round(size))
        if sizes[0] and sizes[1]:
            return sizes[0], sizes[1]
    width, height = _number((metadata or {}).get("width")), _number((metadata or {}).get("height"))
    return (width, height) if width and height else None

"""Write people of annotation files into a dataset: check the fields, declare them, set labels in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.dataset.fiftyone_internals import all_samples, is_fiftyones_name
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.dataset.patience import patiently
from fo_pose_plugin.dataset.pose_records import value_types
from fo_pose_plugin.errors import FieldError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["IMAGE_ID", "AnnotationWriter", "check_import_fields"]

IMAGE_ID = "coco_id"
CHUNK_SAMPLES = 64
# What of a person's values its box has too.
_BOX_VALUES = ("bounding_box", "iscrowd", "coco_id", "area_px")


def check_import_fields(
    dataset: fo.Dataset, fields: PoseFields, keypoint_names: Sequence[str], *, boxes: bool, overwrite: bool
) -> None:
    """Check that people of a skeleton may be written into a field, and their boxes beside it.

    Raises:
        FieldError: If a field is something else, is read-only, holds poses of a run or of another skeleton,
            or
            holds anything and may not be overwritten.
    """
    import fiftyone as fo

    wanted: dict[str, type] = {fields.poses: fo.Keypoints}
    if boxes:
        wanted[fields.boxes] = fo.Detections
    for name, kind in wanted.items():
        _check_kind(dataset, name, kind)
        held = dataset.has_field(name) and bool(all_samples(dataset).exists(name).limit(1))
        if held and name == fields.poses:
            _check_no_run(dataset, name)
            _check_skeleton(dataset, name, keypoint_names)
        if held and not overwrite:
            raise FieldError(
                f"field {name!r} is filled already: choose another pose_field, or ask to overwrite what it "
                "holds for "
                "the images of the file"
            )
    field = dataset.get_field(IMAGE_ID)
    if field is not None and not isinstance(field, fo.IntField):
        raise FieldError(f"the dataset has a field {IMAGE_ID!r} that holds no whole numbers: rename it first")


def _check_kind(dataset: fo.Dataset, name: str, kind: type) -> None:
    field = dataset.get_field(name)
    if field is None:
        if is_fiftyones_name(dataset, name):
            raise FieldError(f"FiftyOne needs the name {name!r} for itself; choose another pose_field")
        return
    found = getattr(field, "document_type", None) or type(field)
    if found is not kind:
        raise FieldError(
            f"the dataset has a field {name!r} of type {found.__name__}, but it is needed as "
            f"{kind.__name__}; "
            "choose another pose_field"
        )
    if field.read_only:
        raise FieldError(f"field {name!r} is read-only; make it writable or choose another pose_field")


def _check_no_run(dataset: fo.Dataset, name: str) -> None:
    from fiftyone import ViewField as F

    declared = dataset.get_field(f"{name}.run_id") is not None
    if declared and all_samples(dataset).match(F(f"{name}.run_id").exists()).limit(1):
        raise FieldError(
            f"field {name!r} holds poses of a run, whose heatmaps belong to it: choose another pose_field, "
            "or "
            "delete them with delete_poses"
        )


def _check_skeleton(dataset: fo.Dataset, name: str, keypoint_names: Sequence[str]) -> None:
    known = dataset.skeletons.get(name)
    if known is not None and list(known.labels or ()) != list(keypoint_names):
        raise FieldError(
            f"field {name!r} holds poses of another skeleton ({len(known.labels or ())} keypoints), the "
            "file has "
            f"{len(keypoint_names)}; choose another pose_field, or delete the field first"
        )


class AnnotationWriter:
    """Writes people in chunks: image ids and boxes first, poses last.

    Args:
        dataset: The dataset; `check_import_fields` has said that it may be written.
        fields: The pose field and its companions.
        boxes: Whether to write the people's boxes too, each linked to its person.
    """

    def __init__(self, dataset: fo.Dataset, fields: PoseFields, *, boxes: bool) -> None:
        self._dataset = dataset
        self._fields = fields
        self._boxes = boxes
        self._declared: set[str] = set()
        self._waiting: dict[str, tuple[int | None, list[dict[str, Any]]]] = {}
        self._declare_fields()

    def add(self, sample_id: str, image_id: int | None, people: list[dict[str, Any]]) -> None:
        """Take a sample's people, as `keypoint_values` gives them; write when a chunk is full."""
        self._waiting[sample_id] = (image_id, people)
        if len(self._waiting) >= CHUNK_SAMPLES:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if self._waiting:
            patiently(self._write)
            self._waiting = {}

    def _write(self) -> None:
        import fiftyone as fo

        self._declare_values(values for _, people in self._waiting.values() for values in people)
        poses, boxes = {}, {}
        for sample_id, (_, people) in self._waiting.items():
            keypoints, detections = [], []
            for values in people:
                keypoint = fo.Keypoint(**values)
                if self._boxes and "bounding_box" in values:
                    detections.append(_link_box(keypoint, values))
                keypoints.append(keypoint)
            poses[sample_id] = fo.Keypoints(keypoints=keypoints)
            boxes[sample_id] = fo.Detections(detections=detections)
        ids = {sample: image_id for sample, (image_id, _) in self._waiting.items() if image_id is not None}
        self._set(IMAGE_ID, ids)
        if self._boxes:
            self._set(self._fields.boxes, boxes)
        self._set(self._fields.poses, poses)

    def _set(self, name: str, values: Mapping[str, Any]) -> None:
        if values:
            self._dataset.set_values(name, dict(values), key_field="id", validate=False, expand_schema=False)

    def _declare_fields(self) -> None:
        import fiftyone as fo

        add, document = self._dataset.add_sample_field, fo.EmbeddedDocumentField
        add(IMAGE_ID, fo.IntField, description="The image's id in COCO files")
        add(self._fields.poses, document, embedded_doc_type=fo.Keypoints)
        add(f"{self._fields.poses}.keypoints.instance", document, embedded_doc_type=fo.Instance)
        if self._boxes:
            add(self._fields.boxes, document, embedded_doc_type=fo.Detections)
            path = f"{self._fields.boxes}.detections"
            add(f"{path}.instance", document, embedded_doc_type=fo.Instance)
            types = value_types()
            for name in _BOX_VALUES[1:]:
                add(f"{path}.{name}", types[name][0])

    def _declare_values(self, people: Iterable[Mapping[str, Any]]) -> None:
        """Declare what people have: FiftyOne half hides the rest, and what nobody has would be clutter."""
        types = value_types()
        found = {name for values in people for name in values if name in types} | {"box_id"}
        for name in sorted(found - self._declared):
            kind, subkind = types[name]
            self._dataset.add_sample_field(f"{self._fields.poses}.keypoints.{name}", kind, subfield=subkind)
        self._declared |= found


def _link_box(keypoint: fo.Keypoint, values: Mapping[str, Any]) -> fo.Detection:
    """Make the box of a person: both are one instance, as poses of a run and their boxes are."""
    import fiftyone as fo

    known = {name: values[name] for name in _BOX_VALUES if name in values}
    keypoint.instance = fo.Instance()
    detection = fo.Detection(label=keypoint.label, instance=keypoint.instance, **known)
    keypoint["box_id"] = detection.id
    return detection

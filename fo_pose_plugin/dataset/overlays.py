"""The overlay field: which picture of a sample's heatmaps the App paints, and what it shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.dataset.fiftyone_internals import all_samples
from fo_pose_plugin.errors import FieldError

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.dataset.labels import PoseFields

__all__ = [
    "KeptPerson",
    "KeptPoses",
    "check_overlay_field",
    "declare_overlay",
    "make_overlay",
    "read_kept_poses",
    "write_overlays",
]

# The attributes of the label, beside FiftyOne's own: what the picture shows, and how it lies on the image.
SHOWN = "keypoints"
CODEC = "codec"
_OVERLAY_NAME = re.compile(r"[0-9a-f]{24}-.*\.png")


@dataclass(frozen=True, slots=True)
class KeptPerson:
    """What a label says of one person's heatmaps; as the database has it, unchecked.

    Args:
        heatmap_index: Their place in the sample's file; None for people that no run made.
        crop: ``[centre_x, centre_y, width, height]``, image_px.
        bounding_box: ``[x, y, width, height]``, relative.
        label_id: Of the label.
        edited: Whether another tool has moved the points since, or added the person.
    """

    heatmap_index: int | None
    crop: Sequence[float] | None
    bounding_box: Sequence[float] | None
    label_id: str = ""
    edited: bool = False


@dataclass(frozen=True, slots=True)
class KeptPoses:
    """What a sample's labels say of its heatmaps and their overlay.

    Args:
        sample_id: The sample's.
        filepath: Its photo.
        people: Everyone in the pose field; None where it is empty.
        run_id: The run that the poses come from.
        heatmaps_path: The file of heatmaps.
        overlay_path: The picture that is painted now.
        codec: The codec that the overlay's label names.
        foreign_overlay: Whether the overlay field holds what this plugin has not painted.
    """

    sample_id: str
    filepath: str
    people: tuple[KeptPerson, ...] | None
    run_id: str | None
    heatmaps_path: str | None
    overlay_path: str | None = None
    codec: str | None = None
    foreign_overlay: bool = False


def make_overlay(path: Path, shown: str, codec: str) -> fo.Heatmap:
    """Make the label of a painted overlay.

    Args:
        path: The picture.
        shown: What it shows, in words: this is the legend that the App gives in tooltip and sidebar.
        codec: The codec of the heatmaps, by which they can be painted again when their run's record is gone.
    """
    import fiftyone as fo

    return fo.Heatmap(map_path=str(path), range=[0, 255], **{SHOWN: shown, CODEC: codec})


def declare_overlay(dataset: fo.Dataset, fields: PoseFields) -> None:
    """Add the overlay field and its attributes to the schema; a description that is there already stays."""
    import fiftyone as fo

    name = fields.heatmap
    if not dataset.has_field(name):
        dataset.add_sample_field(
            name,
            fo.EmbeddedDocumentField,
            embedded_doc_type=fo.Heatmap,
            description=f"Heatmaps of '{fields.poses}'. Which keypoints it shows stands in {name}.{SHOWN}; "
            "'Show heatmaps' paints others",
        )
    dataset.add_sample_field(f"{name}.{SHOWN}", fo.StringField, description="What the overlay shows")
    dataset.add_sample_field(f"{name}.{CODEC}", fo.StringField, description="The codec of the heatmaps")


def check_overlay_field(dataset: fo.Dataset, fields: PoseFields) -> None:
    """Check that a field may hold kept heatmaps, and that their overlay may be written.

    Raises:
        FieldError: If there is no such field, no run made what it holds, or the overlay field is of
            another type or read-only.
    """
    import fiftyone as fo

    poses = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    kept = [name for name in poses if dataset.get_field(f"{name}.heatmaps_path") is not None]
    if fields.poses not in kept:
        what = "holds no poses of a run" if dataset.has_field(fields.poses) else "is not there"
        raise FieldError(
            f"field {fields.poses!r} {what}, so that there are no heatmaps to show; fields with poses of a "
            f"run: {', '.join(kept) or 'none, run estimate_poses first'}"
        )
    field = dataset.get_field(fields.heatmap)
    if field is None:
        return
    if getattr(field, "document_type", None) is not fo.Heatmap:
        raise FieldError(
            f"the dataset has a field {fields.heatmap!r} of type {type(field).__name__}, but the overlay "
            "needs it as Heatmap: rename that field first"
        )
    if field.read_only:
        raise FieldError(f"field {fields.heatmap!r} is read-only: make it writable first")


def read_kept_poses(
    samples: fo.Dataset | fo.DatasetView, fields: PoseFields, sample_ids: Sequence[str]
) -> list[KeptPoses]:
    """Read what the dataset says of some samples, whatever the view they come from shows of them."""
    whole = all_samples(samples)
    names = [name for name in (fields.poses, fields.heatmap) if whole.has_field(name)]
    found = []
    for sample in whole.select(list(sample_ids)).select_fields(names):
        poses = sample[fields.poses]
        overlay = sample[fields.heatmap] if fields.heatmap in names else None
        path = _value(overlay, "map_path")
        found.append(
            KeptPoses(
                sample.id,
                sample.filepath,
                None if poses is None else tuple(map(_person, poses.keypoints)),
                _value(poses, "run_id"),
                _value(poses, "heatmaps_path"),
                path,
                _value(overlay, CODEC),
                foreign_overlay=overlay is not None and not _is_painted(overlay, path),
            )
        )
    return found


def write_overlays(
    dataset: fo.Dataset, fields: PoseFields, overlays: Mapping[str, fo.Heatmap | None]
) -> None:
    """Write the overlays of a chunk of samples, by sample id; None clears the field."""
    if overlays:
        dataset.set_values(
            fields.heatmap, dict(overlays), key_field="id", validate=False, expand_schema=False
        )


def _person(keypoint: fo.Keypoint) -> KeptPerson:
    from fo_pose_plugin.dataset.labels import is_edited  # which declares this module's field

    index, crop, box = (_value(keypoint, name) for name in ("heatmap_index", "crop", "bounding_box"))
    return KeptPerson(index, crop, box, keypoint.id, is_edited(keypoint))


def _value(label: fo.Label | None, name: str) -> Any:
    """Give an attribute that other tools may have left out."""
    return label[name] if label is not None and label.has_field(name) else None


def _is_painted(overlay: fo.Heatmap, path: str | None) -> bool:
    return overlay.map is None and path is not None and bool(_OVERLAY_NAME.fullmatch(PurePath(path).name))

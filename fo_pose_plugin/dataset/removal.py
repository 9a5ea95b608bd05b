"""Take poses out of a dataset again: what one run wrote, or a whole field with its companions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.dataset.fiftyone_internals import all_samples, drop_media_fields
from fo_pose_plugin.dataset.labels import PoseFields, points_digest
from fo_pose_plugin.dataset.probabilities import forget_calibration
from fo_pose_plugin.errors import FieldError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["check_made_by_runs", "clear_run", "count_edited", "pose_fields_of", "remove_fields"]


def check_made_by_runs(dataset: fo.Dataset, fields: PoseFields) -> None:
    """Check that a field holds nothing but what runs of this plugin wrote.

    Raises:
        FieldError: If there is no such field, it is read-only, or some of it was made by someone else.
    """
    import fiftyone as fo
    from fiftyone import ViewField as F

    name = fields.poses
    schema = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    if name not in schema:
        raise FieldError(
            f"dataset {dataset.name!r} has no field {name!r} with keypoints; it has: "
            f"{', '.join(schema) or 'none'}"
        )
    if schema[name].read_only:
        raise FieldError(f"field {name!r} is read-only: make it writable first")
    held = all_samples(dataset).exists(name)
    declared = dataset.get_field(f"{name}.run_id") is not None
    if not declared or held.match(F(f"{name}.run_id").exists(bool=False)).limit(1):
        raise FieldError(
            f"field {name!r} holds keypoints that no run of this plugin made (ground truth?), so it is left "
            f"alone: dataset.delete_sample_field({name!r}) deletes it nevertheless"
        )


def pose_fields_of(dataset: fo.Dataset) -> list[str]:
    """List the fields that hold poses of runs."""
    import fiftyone as fo

    schema = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    return [name for name in schema if dataset.get_field(f"{name}.run_id") is not None]


def count_edited(samples: fo.Dataset | fo.DatasetView, pose_field: str) -> int:
    """Count the people that someone edited, added or whose origin cannot be told, by their digests."""
    people = f"{pose_field}.keypoints"
    lists = zip(
        *samples.values([f"{people}.digest", f"{people}.points", f"{people}.confidence"]), strict=True
    )
    return sum(
        digest is None or digest != points_digest(points or (), confidence)
        for digests, *values in lists
        for digest, points, confidence in zip(digests or (), *(value or () for value in values), strict=True)
    )


def clear_run(dataset: fo.Dataset, fields: PoseFields, run_id: str, *, boxes: bool) -> int:
    """Take out what a run wrote; the poses last, so that an interruption can be made good by a repetition.

    Args:
        dataset: The dataset.
        fields: The pose field and its companions.
        run_id: The run.
        boxes: Whether the run's detector wrote the field with boxes.

    Returns:
        How many samples that changed.
    """
    from fiftyone import ViewField as F

    view = all_samples(dataset).match(F(f"{fields.poses}.run_id") == run_id)
    changed = len(view)
    companions = [fields.heatmap, fields.error, *([fields.boxes] if boxes else [])]
    for name in (*companions, fields.poses):
        if dataset.has_field(name):
            view.clear_sample_field(name)
    return changed


def remove_fields(dataset: fo.Dataset, fields: PoseFields, *, boxes: bool) -> list[str]:
    """Delete a pose field, its companions, its skeleton and what `fit_confidence` kept; corrections stay.

    Args:
        dataset: The dataset.
        fields: The pose field and its companions.
        boxes: Whether a run's detector wrote the field with boxes.

    Returns:
        The names of the fields that are gone.
    """
    companions = [fields.heatmap, fields.error, *([fields.boxes] if boxes else [])]
    gone = [name for name in (*companions, fields.poses) if dataset.has_field(name)]
    for name in gone:
        drop_media_fields(dataset, name)
        dataset.delete_sample_field(name)
    forget_calibration(dataset, fields)
    # Corrections are drawn with the same keypoints.
    if not dataset.has_field(fields.corrected):
        skeletons: Mapping[str, Any] = dataset.skeletons
        dataset.skeletons = {name: value for name, value in skeletons.items() if name != fields.poses}
    dataset.save()
    return gone

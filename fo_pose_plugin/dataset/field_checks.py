"""Whether a run may write into a field: what it holds, what its companions hold, and whose that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.fiftyone_internals import all_samples, is_fiftyones_name, root_dataset
from fo_pose_plugin.dataset.labels import PoseFields, subfield_types
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.dataset.signal_labels import signal_types
from fo_pose_plugin.errors import FieldError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["check_pose_field"]


def check_pose_field(samples: fo.Dataset | fo.DatasetView, fields: PoseFields, skeleton: Skeleton) -> bool:
    """Check that a field is free, or holds poses of the same skeleton.

    Returns:
        Whether some sample of the whole dataset holds poses there already.

    Raises:
        FieldError: If the field, or a companion, is something else, is read-only, holds another skeleton,
            or holds what no run of this plugin wrote.
    """
    dataset = root_dataset(samples)
    _check_types(dataset, fields)
    if dataset.has_field(fields.poses):
        if not samples.has_field(fields.poses):
            raise FieldError(
                f"the view leaves out field {fields.poses!r}, so that it cannot be told which samples hold "
                "poses: use a view that has it"
            )
        held = all_samples(samples).exists(fields.poses)
        if held.limit(1):
            _check_owner(dataset, held, fields.poses)
            _check_skeleton(dataset, held, fields.poses, skeleton)
            return True
    _check_companions(samples, fields)
    return False


def _check_types(dataset: fo.Dataset, fields: PoseFields) -> None:
    import fiftyone as fo

    schema = dataset.get_field_schema()
    expected = {
        fields.poses: fo.Keypoints,
        fields.boxes: fo.Detections,
        fields.heatmap: fo.Heatmap,
        fields.error: fo.StringField,
    }
    for name, kind in expected.items():
        field = schema.get(name)
        if field is None:
            if is_fiftyones_name(dataset, name):
                raise FieldError(f"FiftyOne needs the name {name!r} for itself; choose another pose_field")
            continue
        found = _kind_of(field)
        if found is not kind:
            raise FieldError(
                f"the dataset has a field {name!r} of type {found.__name__}, but poses need it as "
                f"{kind.__name__}; choose another pose_field"
            )
        _check_writable(name, field)
    for path, (kind, subkind) in {**subfield_types(fields), **signal_types(fields)}.items():
        field = dataset.get_field(path) if fields.poses in schema else None
        if field is None:
            continue
        inner = getattr(field, "field", None)
        if not isinstance(field, kind) or (inner is not None and not isinstance(inner, subkind or object)):
            raise FieldError(
                f"the dataset has a field {path!r} of type {_name_of(field)}, but poses need it as "
                f"{kind.__name__}; choose another pose_field"
            )
        _check_writable(path, field)


def _check_writable(path: str, field: Any) -> None:
    if field.read_only:
        raise FieldError(f"field {path!r} is read-only; make it writable or choose another pose_field")


def _kind_of(field: Any) -> type:
    return getattr(field, "document_type", None) or type(field)


def _name_of(field: Any) -> str:
    inner = getattr(field, "field", None)
    name = _kind_of(field).__name__
    return name if inner is None else f"{name} of {_kind_of(inner).__name__}"


def _check_owner(dataset: fo.Dataset, held: Any, field: str) -> None:
    """Ground truth, and whatever else people made, bears no run's id."""
    from fiftyone import ViewField as F

    declared = dataset.get_field(f"{field}.run_id") is not None
    if not declared or held.match(F(f"{field}.run_id").exists(bool=False)).limit(1):
        raise FieldError(
            f"field {field!r} holds keypoints that no run of this plugin made (ground truth?); they are "
            "never replaced: choose another pose_field"
        )


def _check_skeleton(dataset: fo.Dataset, held: Any, field: str, skeleton: Skeleton) -> None:
    from fiftyone import ViewField as F

    known = dataset.skeletons.get(field)
    names = list(known.labels or ()) if known is not None else []
    if names:
        if names == list(skeleton.keypoint_names):
            return
        count, which = len(names), f": {', '.join(names[:4])} ..."
    else:  # the skeleton was removed, or stayed behind when the field was renamed
        people = held.match(F(f"{field}.keypoints").length() > 0).limit(1)
        counts = [len(sample[field].keypoints[0].points) for sample in people.select_fields(field)]
        count, which = max(counts, default=0), ""
        if count in {0, len(skeleton)}:
            return
    raise FieldError(
        f"field {field!r} holds poses of another skeleton ({count} keypoints{which}), this model gives "
        f"{len(skeleton)}; choose another pose_field, or delete the field first"
    )


def _check_companions(samples: fo.Dataset | fo.DatasetView, fields: PoseFields) -> None:
    """Before the first run on a field, what stands under its companions' names is the user's own."""
    dataset = root_dataset(samples)
    if list_runs(dataset, fields.poses):
        return
    for name in (fields.boxes, fields.heatmap, fields.error):
        if dataset.has_field(name) and all_samples(samples).exists(name).limit(1):
            raise FieldError(
                f"field {name!r} is filled, but no run wrote it, and a run into {fields.poses!r} would "
                "replace it: choose another pose_field, or rename that field first"
            )

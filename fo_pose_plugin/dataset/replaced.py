"""What an overwriting run replaces, kept beside it until it has come to its end.

A run that is stopped, fails or is killed half-way leaves a field half new and half old; with the old poses
beside it nothing is lost, and undoing the run brings them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fo_pose_plugin.dataset.fiftyone_internals import all_samples, root_dataset
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.dataset.references import named_files

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["forget_replaced", "keep_replaced", "restore_replaced"]


def keep_replaced(samples: fo.Dataset | fo.DatasetView, fields: PoseFields) -> None:
    """Copy what a run is about to replace; the copies share the files of heatmaps.

    Args:
        samples: What the run will go through.
        fields: The pose field and its companions.
    """
    import fiftyone as fo

    dataset = root_dataset(samples)
    forget_replaced(dataset, fields)
    everything = all_samples(dataset)
    # A view may hide some people or fields; they are replaced all the same.
    chosen = everything if isinstance(samples, fo.Dataset) else everything.select(samples.values("id"))
    chosen.clone_sample_fields(
        {old: new for old, new in _pairs(fields, fields.replaced) if dataset.has_field(old)}
    )


def restore_replaced(dataset: fo.Dataset, fields: PoseFields, run_id: str) -> int:
    """Put back what a run has replaced, and forget the copies.

    Returns:
        How many samples have their poses back.
    """
    from fiftyone import ViewField as F

    if not dataset.has_field(fields.replaced.poses):
        return 0
    own = F(f"{fields.poses}.run_id") == run_id
    view = all_samples(dataset).match(own).exists(fields.replaced.poses)
    restored = len(view)
    ids = view.values("id")
    # The poses last: until then the samples bear the run's id, so that a repetition finds them.
    for old, new in _pairs(fields, fields.replaced):
        if dataset.has_field(new):
            values = dict(zip(ids, view.select(ids, ordered=True).values(new), strict=True))
            dataset.set_values(old, values, key_field="id", validate=False, expand_schema=False)
    forget_replaced(dataset, fields)
    return restored


def forget_replaced(dataset: fo.Dataset, fields: PoseFields) -> list[str]:
    """Delete the copies.

    Returns:
        The files that they named; what nobody else names can go.
    """
    there = [name for _, name in _pairs(fields, fields.replaced) if dataset.has_field(name)]
    if not there:
        return []
    files = named_files(all_samples(dataset), fields.replaced.poses, fields.replaced.heatmap)
    dataset.delete_sample_fields(there)
    return files


def _pairs(fields: PoseFields, others: PoseFields) -> list[tuple[str, str]]:
    """Pair the companions of two pose fields, the poses last."""
    return [(getattr(fields, name), getattr(others, name)) for name in ("boxes", "heatmap", "error", "poses")]

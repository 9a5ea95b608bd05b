"""Saved views of a review: what is still to be reviewed, what was corrected, what was accepted.

They ask the database each time they are opened, by expression: they stay right while people work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.labels import PoseFields

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["add_correction_views", "to_review"]


def to_review(samples: fo.Dataset | fo.DatasetView, fields: PoseFields) -> fo.DatasetView:
    """Give the samples with people whom nobody has accepted, corrected or rejected yet."""
    from fiftyone import ViewField as F

    ids = F(f"{fields.poses}.keypoints").if_null([]).map(F("_id").to_string())
    done = F(f"{fields.corrected}.keypoints.source_id").if_null([])
    return samples.match(~ids.is_subset(done))


def with_status(samples: fo.Dataset | fo.DatasetView, fields: PoseFields, *statuses: str) -> fo.DatasetView:
    """Give the samples on which a correction has one of some statuses."""
    from fiftyone import ViewField as F

    people = F(f"{fields.corrected}.keypoints").if_null([])
    return samples.match(people.filter(F("status").is_in(list(statuses))).length() > 0)


def add_correction_views(dataset: fo.Dataset, fields: PoseFields) -> tuple[str, ...]:
    """Save the three views, where no view of that name is.

    Returns:
        The names of those that were added.
    """
    from fiftyone.core.utils import to_slug

    dataset = root_dataset(dataset)
    dataset.reload()  # views that another process has saved
    taken = {to_slug(name) for name in dataset.list_saved_views()}
    added = []
    for name, (view, description) in _wanted_views(dataset, fields).items():
        if to_slug(name) not in taken:
            dataset.save_view(name, view, description=description)
            added.append(name)
    return tuple(added)


def _wanted_views(dataset: fo.Dataset, fields: PoseFields) -> dict[str, tuple[Any, str]]:
    suffix = "" if fields.poses == PoseFields("poses").poses else f" ({fields.poses})"
    return {
        f"poses to review{suffix}": (
            to_review(dataset, fields),
            f"Images with people of {fields.poses} whom nobody has accepted, corrected or rejected",
        ),
        f"corrected poses{suffix}": (
            with_status(dataset, fields, "corrected", "added", "rejected"),
            f"Images on which people of {fields.poses} were corrected, added or rejected",
        ),
        f"accepted poses{suffix}": (
            with_status(dataset, fields, "accepted"),
            f"Images on which people of {fields.poses} were accepted as they are",
        ),
    }

"""How far a review is: counted by the database, so that it can be asked after every person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.dataset.review_people import count_reviewed
from fo_pose_plugin.tasks.estimate_poses import check_media

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["ReviewProgress", "review_progress"]


@dataclass(frozen=True, slots=True)
class ReviewProgress:
    """Counts of a view.

    Args:
        reviewed: People that someone has accepted, corrected or rejected.
        people: All predicted people.
        samples_reviewed: Samples with people, all of whom are reviewed.
        samples: Samples with people.
    """

    reviewed: int
    people: int
    samples_reviewed: int
    samples: int


def review_progress(samples: fo.Dataset | fo.DatasetView, pose_field: str = "poses") -> ReviewProgress:
    """Count the people that are reviewed; of a view that hides people only those that it shows.

    Raises:
        FieldError: If there is no such field with poses, or it has no skeleton.
        MediaTypeError: If the samples are no plain images, such as patches.
    """
    check_media(samples)
    read_skeleton(root_dataset(samples), pose_field)
    return ReviewProgress(*count_reviewed(samples, PoseFields(pose_field)))

"""Which poses to look at first: a queue, worst first or varied, with the reason for each in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fo_pose_plugin.core.diversity import diverse_order
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.dataset.review_people import JudgedPerson, read_judged_people
from fo_pose_plugin.dataset.saved_views import save_own_view
from fo_pose_plugin.dataset.signal_labels import DOUBT
from fo_pose_plugin.errors import FieldError, InputError
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.show_keypoints import keypoint_choices

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "QueueEntry",
    "ReviewQueue",
    "people_judged",
    "plan_queue",
    "queue_choices",
    "review_queue",
    "save_queue",
    "without_doubt",
]

# By its description a queue that was saved before is known.
QUEUE_VIEW = "Poses to review, in the order of 'Review queue'"


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One image of a queue, by its most doubtful person.

    Args:
        sample_id: The image.
        label_id: The person.
        doubt: From 0 to 1; where keypoints were chosen, that of the most doubtful of them.
        why: In words.
        people: How many people of the image are still to be reviewed.
    """

    sample_id: str
    label_id: str
    doubt: float
    why: str
    people: int


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """What to review, in order.

    Args:
        entries: One per image.
        people: People that are still to be reviewed, on all images.
        reviewed: People that someone has accepted, corrected or rejected already: left out.
        unjudged: People without doubt, because another tool moved or added them, or because their heatmaps
            could not be read: left out.
    """

    entries: tuple[QueueEntry, ...]
    people: int
    reviewed: int
    unjudged: int

    def view(self, samples: fo.Dataset | fo.DatasetView) -> fo.DatasetView:
        """Give the images in the queue's order. It names them by id, so that a saved view stays as it is."""
        return samples.select([entry.sample_id for entry in self.entries], ordered=True)


def review_queue(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str = "poses",
    n: int | None = None,
    *,
    diverse: bool = False,
    keypoints: str | Iterable[str] | None = None,
) -> fo.DatasetView:
    """Give the images to review, worst first.

    An image counts by its most doubtful person; people who are in ``<pose_field>_corrected`` by their
    ``source_id`` are left out, and images on which nobody else is. ``why`` on each person says what is
    doubtful. The view names its images by id: saved, it stays the same while people work through it.

    Args:
        samples: A dataset or view; of a view that hides people only those that it shows count.
        pose_field: The field with the poses.
        n: How many images; None for all.
        diverse: Choose n images that differ in pose and in what is doubtful, instead of the n worst.
        keypoints: Names of keypoints or groups; only their doubt counts then.

    Raises:
        FieldError: If the field holds no poses, or nobody's doubt is known: `compute_signals` finds it.
        KeypointNameError: If the skeleton has no such keypoint or group.
        InputError: If n is below 1, or diverse was asked for without n.
        MediaTypeError: If the samples are no plain images.
    """
    queue = plan_queue(samples, pose_field, n, diverse=diverse, keypoints=keypoints)
    return queue.view(samples)


def plan_queue(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str = "poses",
    n: int | None = None,
    *,
    diverse: bool = False,
    keypoints: str | Iterable[str] | None = None,
) -> ReviewQueue:
    """Do what `review_queue` says, and give the reasons too."""
    check_media(samples)
    _check_count(n, diverse=diverse)
    fields = PoseFields(pose_field)
    skeleton = read_skeleton(root_dataset(samples), pose_field)
    chosen = None if keypoints is None else skeleton.resolve(keypoints)
    if chosen is not None and not chosen:
        raise InputError("no keypoint was named: name at least one, or None for all")
    found = read_judged_people(samples, fields)
    if not found.people and found.unjudged:
        raise FieldError(
            f"it is not known how doubtful the poses in {pose_field!r} are: run compute_signals on them "
            f"(from kept heatmaps, without the model), or estimate_poses with signals=True"
        )
    ranked = [(_doubt_of(person, chosen), person) for person in found.people]
    ranked.sort(key=lambda pair: -pair[0])
    worst: dict[str, tuple[float, JudgedPerson]] = {}
    people: dict[str, int] = {}
    for doubt, person in ranked:
        worst.setdefault(person.sample_id, (doubt, person))
        people[person.sample_id] = people.get(person.sample_id, 0) + 1
    images = list(worst.values())
    if diverse and n is not None:
        images = [images[index] for index in _diverse(images, n, chosen, len(skeleton))]
    entries = tuple(
        QueueEntry(
            person.sample_id,
            person.label_id,
            doubt,
            _why(person, chosen, skeleton),
            people[person.sample_id],
        )
        for doubt, person in images[:n]
    )
    return ReviewQueue(entries, len(found.people), found.reviewed, found.unjudged)


def queue_choices(dataset: fo.Dataset) -> dict[str, list[str]]:
    """Give each field that a queue can be made of its groups and keypoints."""
    return {
        name: choices
        for name, choices in keypoint_choices(dataset).items()
        if dataset.get_field(f"{name}.heatmaps_path") is not None
        or dataset.get_field(f"{name}.keypoints.{DOUBT}") is not None
    }


def people_judged(samples: fo.Dataset | fo.DatasetView, pose_field: str) -> tuple[int, int]:
    """Count the people of a field, and those whose doubt is known; fast enough for a form.

    Raises:
        FieldError: If there is no such field.
    """
    _check_there(samples, pose_field)
    path = f"{pose_field}.keypoints"
    known = samples.get_field(f"{path}.{DOUBT}") is not None
    return samples.count(path), samples.count(f"{path}.{DOUBT}") if known else 0


def without_doubt(samples: fo.Dataset | fo.DatasetView, pose_field: str) -> fo.DatasetView:
    """Give the samples on which somebody's doubt is unknown, and whose heatmaps were kept.

    Raises:
        FieldError: If there is no such field.
    """
    from fiftyone import ViewField as F

    _check_there(samples, pose_field)
    kept = samples.exists(f"{pose_field}.heatmaps_path")
    if samples.get_field(f"{pose_field}.keypoints.{DOUBT}") is None:
        return kept
    unknown = F(f"{pose_field}.keypoints").filter(F(DOUBT) == None)  # noqa: E711 - a query, not a comparison
    return kept.match(unknown.length() > 0)


def _check_there(samples: fo.Dataset | fo.DatasetView, pose_field: str) -> None:
    if samples.get_field(pose_field) is None:
        raise FieldError(f"there is no field {pose_field!r}; run estimate_poses first, or choose another")


def save_queue(samples: fo.Dataset | fo.DatasetView, queue: ReviewQueue, name: str) -> str:
    """Save a queue as a view of the dataset, in the place of a queue of that name; see `save_own_view`."""
    return save_own_view(root_dataset(samples), name, queue.view(samples), QUEUE_VIEW)


def _check_count(n: int | None, *, diverse: bool) -> None:
    if n is not None and (isinstance(n, bool) or n != int(n) or n < 1):
        raise InputError(f"n is {n!r}, expected a whole number of at least 1 image, or None for all")
    if diverse and n is None:
        raise InputError("a diverse queue needs its length: say how many images with n")


def _doubt_of(person: JudgedPerson, chosen: Sequence[int] | None) -> float:
    if chosen is None:
        return person.doubt
    return max((person.keypoint_doubts[k] for k in chosen if k < len(person.keypoint_doubts)), default=0.0)


def _why(person: JudgedPerson, chosen: Sequence[int] | None, skeleton: Skeleton) -> str:
    """Give the reasons; where keypoints were chosen, those that speak of them, or else the worst of them."""
    if chosen is None:
        return person.why
    names = [skeleton.keypoint_names[k].replace("_", " ") for k in chosen]
    told = [text for text in person.why.split("; ") if any(name in text for name in names)]
    if told:
        return "; ".join(told)
    worst = max(chosen, key=lambda k: person.keypoint_doubts[k])
    name = skeleton.keypoint_names[worst].replace("_", " ")
    return f"{name}: doubt {person.keypoint_doubts[worst]:.2f}"


def _diverse(
    images: Sequence[tuple[float, JudgedPerson]], n: int, chosen: Sequence[int] | None, keypoints: int
) -> list[int]:
    """Order images by doubt and variety; people without box are compared by what is doubtful alone."""
    if not images:
        return []
    poses = np.stack([_in_box(person, keypoints) for _, person in images])
    profiles = np.zeros((len(images), keypoints))
    for row, (_, person) in enumerate(images):
        which: Any = slice(None) if chosen is None else list(chosen)
        profiles[row, which] = np.asarray(person.keypoint_doubts)[which]
    order: list[int] = diverse_order([doubt for doubt, _ in images], poses, profiles, n).tolist()
    return order


def _in_box(person: JudgedPerson, keypoints: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    points = np.array(person.points, dtype=np.float64).reshape(-1, 2)
    box = person.bounding_box
    if box is None or len(points) != keypoints or min(box[2:]) <= 0:
        return np.full((keypoints, 2), np.nan)
    return (points - box[:2]) / box[2:]

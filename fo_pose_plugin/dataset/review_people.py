"""Read who is still to be reviewed, and how doubtful they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.dataset.fiftyone_internals import (
    aggregate_samples,
    all_samples,
    raw_documents,
    root_dataset,
    sample_collection,
    shows_parts,
)
from fo_pose_plugin.dataset.signal_labels import DOUBT, KEYPOINT_DOUBT, WHY

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.dataset.labels import PoseFields

__all__ = ["JudgedPeople", "JudgedPerson", "count_reviewed", "read_judged_people", "reviewed_ids"]


@dataclass(frozen=True, slots=True)
class JudgedPerson:
    """One person as the labels have them.

    Args:
        sample_id: Their image.
        label_id: Their label.
        doubt: From 0 to 1.
        keypoint_doubts: K, from 0 to 1.
        why: In words.
        points: K pairs, relative; NaN where there is none.
        bounding_box: ``[x, y, width, height]``, relative.
    """

    sample_id: str
    label_id: str
    doubt: float
    keypoint_doubts: Sequence[float]
    why: str
    points: Sequence[Sequence[float]]
    bounding_box: Sequence[float] | None


@dataclass(frozen=True, slots=True)
class JudgedPeople:
    """Everyone that a collection shows.

    Args:
        people: Who is still to be reviewed and whose doubt is known.
        reviewed: How many someone has accepted, corrected or rejected.
        unjudged: How many have no doubt.
    """

    people: tuple[JudgedPerson, ...]
    reviewed: int
    unjudged: int


def reviewed_ids(dataset: fo.Dataset, fields: PoseFields) -> set[str]:
    """Give the ids of the predictions that someone has accepted, corrected or rejected."""
    if dataset.get_field(f"{fields.corrected}.keypoints.source_id") is None:
        return set()
    found = all_samples(dataset).distinct(f"{fields.corrected}.keypoints.source_id")
    return {str(source_id) for source_id in found if source_id is not None}


def read_judged_people(samples: fo.Dataset | fo.DatasetView, fields: PoseFields) -> JudgedPeople:
    """Read the people of a pose field, as a view shows them."""
    done = reviewed_ids(root_dataset(samples), fields)
    people, reviewed, unjudged = [], 0, 0
    for document in raw_documents(samples, [fields.poses]):
        for person in (document.get(fields.poses) or {}).get("keypoints") or ():
            label_id, doubt, doubts = str(person["_id"]), person.get(DOUBT), person.get(KEYPOINT_DOUBT)
            if label_id in done:
                reviewed += 1
            elif doubt is None or not doubts:
                unjudged += 1
            else:
                people.append(
                    JudgedPerson(
                        str(document["_id"]),
                        label_id,
                        float(doubt),
                        doubts,
                        person.get(WHY) or "",
                        person.get("points") or (),
                        person.get("bounding_box"),
                    )
                )
    return JudgedPeople(tuple(people), reviewed, unjudged)


def count_reviewed(samples: fo.Dataset | fo.DatasetView, fields: PoseFields) -> tuple[int, int, int, int]:
    """Count reviewed people, people, samples all of whose people are reviewed, and samples with people.

    Args:
        samples: Of a view that hides people only those that it shows count.
        fields: The pose field and its companions.
    """
    poses = {"$ifNull": [f"${fields.poses}.keypoints._id", []]}
    ids = {"$map": {"input": poses, "in": {"$toString": "$$this"}}}
    corrected = f"${fields.corrected}.keypoints.source_id"
    stages: list[dict[str, Any]] = [{"$project": {"ids": ids, "done": corrected}}]
    if shows_parts(samples):
        # A view that hides people of one field hides those of all others.
        own = {
            "from": sample_collection(samples),
            "localField": "_id",
            "foreignField": "_id",
            "pipeline": [{"$project": {"done": corrected}}],
            "as": "own",
        }
        stages += [{"$lookup": own}, {"$set": {"done": {"$first": "$own.done"}}}]
    both = {"$setIntersection": ["$ids", {"$ifNull": ["$done", []]}]}
    stages += [
        {"$project": {"people": {"$size": "$ids"}, "reviewed": {"$size": both}}},
        {"$match": {"people": {"$gt": 0}}},
        {
            "$group": {
                "_id": None,
                "reviewed": {"$sum": "$reviewed"},
                "people": {"$sum": "$people"},
                "whole": {"$sum": {"$cond": [{"$eq": ["$people", "$reviewed"]}, 1, 0]}},
                "samples": {"$sum": 1},
            }
        },
    ]
    for found in aggregate_samples(samples, stages):
        return found["reviewed"], found["people"], found["whole"], found["samples"]
    return 0, 0, 0, 0

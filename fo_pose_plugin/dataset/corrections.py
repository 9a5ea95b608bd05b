"""Write corrections person by person, so that two people who edit at once never undo each other's work.

Each change is one update of MongoDB that finds the person by id, and only at the revision that it was based
on: whoever comes second is told. Nothing is addressed by its place in a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from fo_pose_plugin.dataset.fiftyone_internals import read_sample_values, read_samples_values, update_samples
from fo_pose_plugin.dataset.patience import patiently
from fo_pose_plugin.errors import FieldError, InputError

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.dataset.labels import PoseFields

__all__ = [
    "PersonUpdate",
    "SamplePeople",
    "apply_updates",
    "change_of",
    "insertion_of",
    "keypoints_of",
    "new_label_id",
    "read_documents",
    "read_people",
    "removal_of",
    "revision_of",
]

# MongoDB's filter and update of one sample.
PersonUpdate: TypeAlias = tuple[Mapping[str, Any], Any]

CHUNK_SAMPLES = 64
SAMPLE_PATHS = ("filepath", "metadata.width", "metadata.height")


@dataclass(frozen=True, slots=True)
class SamplePeople:
    """A sample's people as the database has them now.

    Args:
        sample_id: The sample.
        values: ``filepath`` and what is known of the image's size.
        run_id: The run that the poses come from.
        heatmaps_path: The file of kept heatmaps.
        sources: The people of the pose field, in its order.
        corrections: Those of the corrected field.
    """

    sample_id: str
    values: Mapping[str, Any]
    run_id: str | None
    heatmaps_path: str | None
    sources: tuple[Mapping[str, Any], ...]
    corrections: tuple[Mapping[str, Any], ...]

    def source(self, label_id: str | None) -> Mapping[str, Any] | None:
        """Give a prediction by its id."""
        return next((one for one in self.sources if str(one.get("_id")) == label_id), None)

    def correction(self, label_id: str | None, source_id: str | None) -> Mapping[str, Any] | None:
        """Give a correction by its own id, else by its prediction's."""
        for one in self.corrections:
            if label_id is not None and str(one.get("_id")) == label_id:
                return one
        if source_id is None:
            return None
        return next((one for one in self.corrections if one.get("source_id") == source_id), None)


def read_people(dataset: fo.Dataset, fields: PoseFields, sample_id: str) -> SamplePeople:
    """Read a sample's people, whatever a view or this process's memory shows of them.

    Raises:
        InputError: If there is no such sample.
    """
    paths = [*SAMPLE_PATHS, fields.poses, fields.corrected]
    found = patiently(lambda: read_sample_values(dataset, sample_id, paths))
    if found is None:
        raise InputError(f"dataset {dataset.name!r} has no sample {sample_id}; was it deleted?")
    poses, corrected = found.get(fields.poses) or {}, found.get(fields.corrected) or {}
    return SamplePeople(
        sample_id,
        found,
        poses.get("run_id"),
        poses.get("heatmaps_path"),
        tuple(poses.get("keypoints") or ()),
        tuple(corrected.get("keypoints") or ()),
    )


def revision_of(correction: Mapping[str, Any] | None) -> int:
    """Give a correction's revision; 0 for none, and for one that another tool has made."""
    revision = None if correction is None else correction.get("revision")
    return revision if isinstance(revision, int) else 0


def insertion_of(
    fields: PoseFields, sample_id: str, document: Mapping[str, Any], *, source_must_be: bool = True
) -> PersonUpdate:
    """Add a person's first correction, unless the person or the prediction has one.

    Args:
        fields: The pose field and its companions.
        sample_id: The sample.
        document: As `make_correction` gives it.
        source_must_be: Whether its prediction must still be there.
    """
    from bson import ObjectId

    people = f"{fields.corrected}.keypoints"
    source_id = document.get("source_id")
    same: list[dict[str, Any]] = [{"_id": document["_id"]}]
    where: dict[str, Any] = {"_id": ObjectId(sample_id)}
    if source_id is not None:
        same.append({"source_id": source_id})
        if source_must_be:
            where[f"{fields.poses}.keypoints._id"] = ObjectId(source_id)
    where[people] = {"$not": {"$elemMatch": {"$or": same}}}
    # As a pipeline, since a field that holds null cannot be pushed into.
    appended = {"$concatArrays": [{"$ifNull": [f"${people}", []]}, [{"$literal": dict(document)}]]}
    values = {f"{fields.corrected}._cls": "Keypoints", people: appended, "last_modified_at": "$$NOW"}
    return where, [{"$set": values}]


def change_of(
    fields: PoseFields, sample_id: str, label_id: str, revision: int, values: Mapping[str, Any]
) -> PersonUpdate:
    """Change a person's correction if it still is at a revision; the revision goes up by one."""
    people = f"{fields.corrected}.keypoints"
    wanted = {**values, "revision": revision + 1}
    changes = {f"{people}.$.{name}": value for name, value in wanted.items()}
    where = _at_revision(fields, sample_id, label_id, revision)
    return where, {"$set": changes, "$currentDate": {"last_modified_at": True}}


def removal_of(fields: PoseFields, sample_id: str, label_id: str, revision: int) -> PersonUpdate:
    """Take a person's correction away if it still is at a revision."""
    where = _at_revision(fields, sample_id, label_id, revision)
    people = f"{fields.corrected}.keypoints"
    return where, {
        "$pull": {people: where[people]["$elemMatch"]},
        "$currentDate": {"last_modified_at": True},
    }


def _at_revision(fields: PoseFields, sample_id: str, label_id: str, revision: int) -> dict[str, Any]:
    from bson import ObjectId

    # None matches also where there is none: labels that another tool has made.
    person = {"_id": ObjectId(label_id), "revision": revision or None}
    return {"_id": ObjectId(sample_id), f"{fields.corrected}.keypoints": {"$elemMatch": person}}


def apply_updates(dataset: fo.Dataset, updates: Sequence[PersonUpdate]) -> list[bool]:
    """Carry updates out, each atomically.

    Returns:
        Whether each was done; False where the person was not as it was based on. After a broken connection
        False may also mean that it was done already.

    Raises:
        FieldError: If the database refuses to write.
        RunError: If it is away for longer than a minute.
    """
    from pymongo.errors import OperationFailure

    try:
        return patiently(lambda: update_samples(dataset, updates))
    except OperationFailure as error:
        raise FieldError(
            f"the database refuses to change dataset {dataset.name!r}; may you write to it? "
            f"({str(error)[:200]})"
        ) from error


def read_documents(
    dataset: fo.Dataset, sample_ids: Sequence[str], paths: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give samples' values by id as the database has them now; those that were deleted are left out."""
    ids = list(dict.fromkeys(sample_ids))
    for start in range(0, len(ids), CHUNK_SAMPLES):
        chunk = ids[start : start + CHUNK_SAMPLES]
        for values in patiently(partial(read_samples_values, dataset, chunk, paths)):
            yield str(values["_id"]), values


def new_label_id() -> str:
    """Make an id for a label that is still to be written."""
    from bson import ObjectId

    return str(ObjectId())


def keypoints_of(values: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    """Give the people of a field of a sample, as the database has them."""
    return list((values.get(field) or {}).get("keypoints") or ())

"""Whatever FiftyOne does not offer as public API, in one place.

Written against FiftyOne 1.22. Each function says which private name it touches, so that a new version
of FiftyOne is met here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.errors import RunError

if TYPE_CHECKING:
    import fiftyone as fo

UPDATE_CHUNK = 1000
MEDIA_FIELDS = "app_config.media_fields"

__all__ = [
    "add_media_field",
    "aggregate_samples",
    "all_samples",
    "app_sample",
    "database_id",
    "dataset_id",
    "datasets_by_id",
    "drop_media_fields",
    "field_names",
    "filters_labels",
    "is_fiftyones_name",
    "is_generated_view",
    "raw_samples",
    "read_run_config",
    "read_run_configs",
    "read_sample_values",
    "read_samples_values",
    "replace_run_config_values",
    "root_dataset",
    "sample_collection",
    "set_run_config_value",
    "shows_parts",
    "update_label_lists",
    "update_samples",
    "view_stages",
]


def root_dataset(samples: fo.Dataset | fo.DatasetView) -> fo.Dataset:
    """Give the dataset that a collection reads from (``_root_dataset``)."""
    return samples._root_dataset


def all_samples(samples: fo.Dataset | fo.DatasetView) -> fo.Dataset | fo.DatasetView:
    """Give every sample of the dataset that a collection reads from.

    A grouped dataset answers for its active slice alone; ``_allow_mixed`` takes slices of all media types.
    """
    dataset = root_dataset(samples)
    if dataset.media_type != "group":
        return dataset
    return dataset.select_group_slices(_allow_mixed=True)


def add_media_field(dataset: fo.Dataset, path: str) -> None:
    """Let FiftyOne's exporters, importers and relocation carry the files that a field names."""
    _change_media_fields(dataset, {"$addToSet": {MEDIA_FIELDS: path}})


def drop_media_fields(dataset: fo.Dataset, field: str) -> None:
    """Take a field out of the list, where FiftyOne's exporters would look for its files."""
    _change_media_fields(dataset, {"$pull": {MEDIA_FIELDS: {"$regex": rf"^{re.escape(field)}(\.|$)"}}})


def _change_media_fields(dataset: fo.Dataset, change: Mapping[str, Any]) -> None:
    """Change the list in the database itself (collection ``datasets``).

    Saving the list that this process knows would undo what another run has done to it meanwhile.
    """
    from fiftyone.core.odm import get_db_conn

    get_db_conn().datasets.update_one({"_id": dataset._doc.id}, change)
    dataset._doc.reload("app_config")


def field_names(dataset: fo.Dataset) -> set[str]:
    """List a dataset's fields as the database has them now (collection ``datasets``).

    A dataset in memory does not see what another process renames or deletes.

    Raises:
        RunError: If the dataset was deleted.
    """
    from fiftyone.core.odm import get_db_conn

    found = None
    if not dataset.deleted:  # in this process; then its document cannot be asked for
        found = get_db_conn().datasets.find_one({"_id": dataset._doc.id}, {"sample_fields.name": 1})
    if found is None:
        raise RunError(f"dataset {dataset.name!r} was deleted while the run went on")
    return {field["name"] for field in found["sample_fields"]}


def filters_labels(samples: fo.Dataset | fo.DatasetView, field: str) -> bool:
    """Whether a view shows only some labels of a label list field (``_get_filtered_fields``)."""
    import fiftyone as fo

    if not isinstance(samples, fo.DatasetView):
        return False
    return any(path.split(".")[0] == field for path in samples._get_filtered_fields() or ())


def shows_parts(samples: fo.Dataset | fo.DatasetView) -> bool:
    """Whether a collection may show parts of samples: a view does that not only chooses samples."""
    whole = {
        "Exclude", "ExcludeBy", "Exists", "Limit", "Match", "MatchFrames", "MatchTags", "Select", "SelectBy",
        "Shuffle", "Skip", "SortBy", "SortBySimilarity", "Take",
    }  # fmt: skip
    if samples is root_dataset(samples):
        return False
    return any(str(stage["_cls"]).rsplit(".", 1)[-1] not in whole for stage in samples._serialize())


def sample_collection(samples: fo.Dataset | fo.DatasetView) -> str:
    """Name MongoDB's collection of a dataset's samples (``_sample_collection_name``)."""
    return str(root_dataset(samples)._sample_collection_name)


def is_fiftyones_name(dataset: fo.Dataset, name: str) -> bool:
    """Whether a new field of that name would hide what FiftyOne's samples are made of (``_sample_doc_cls``).

    FiftyOne adds such a field without a word, and after one named ``dataset_id`` no sample can be read.
    """
    import fiftyone as fo

    return name == "frames" or hasattr(fo.Sample, name) or hasattr(dataset._sample_doc_cls, name)


def dataset_id(dataset: fo.Dataset) -> str:
    """Give the dataset's id as 24 hex digits (``_doc.id``)."""
    return str(dataset._doc.id)


def database_id() -> str:
    """Tell the database that FiftyOne is connected to from any other, as 24 hex digits.

    FiftyOne keeps its version in one document of the collection ``config``; its id stays for good.
    """
    from fiftyone.core.odm import get_db_conn

    return str(get_db_conn().config.find_one({}, {"_id": 1})["_id"])


def view_stages(view: fo.DatasetView) -> list[dict[str, Any]]:
    """Describe what a view does, the same for equal views (``_serialize`` without its random ids)."""
    return [{key: stage[key] for key in stage if key != "_uuid"} for stage in view._serialize()]


def datasets_by_id() -> dict[str, fo.Dataset]:
    """Load every dataset of the database, by its id (``_doc.id``)."""
    import fiftyone as fo

    found = {}
    for name in fo.list_datasets():
        with suppress(fo.DatasetNotFoundError):  # deleted meanwhile
            dataset = fo.load_dataset(name)
            found[dataset_id(dataset)] = dataset
    return found


def is_generated_view(samples: fo.Dataset | fo.DatasetView) -> bool:
    """Whether the samples are patches, clips or frames made from others (``_is_generated``)."""
    return bool(samples._is_generated)


def raw_samples(samples: fo.Dataset | fo.DatasetView, paths: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Give each sample's values as the database has them, with its ``_id`` (``_aggregate``).

    Measured: ten times faster than samples, and it sees what the schema does not declare.
    """
    projection = {"$project": dict.fromkeys(paths, 1)}
    yield from samples._aggregate(post_pipeline=[projection])


def read_run_config(dataset: fo.Dataset, run_key: str) -> dict[str, Any] | None:
    """Read a run's config from the database as it stands now (``_doc.runs``, collection ``runs``).

    FiftyOne's own `get_run_info` answers from memory, so that one process would never see what another
    wrote, such as the wish to stop.
    """
    from fiftyone.core.odm import get_db_conn

    run = get_db_conn().runs.find_one({"_dataset_id": dataset._doc.id, "key": run_key}, {"config": 1})
    return None if run is None else dict(run["config"])


def read_run_configs(dataset: fo.Dataset, method: str) -> dict[str, dict[str, Any]]:
    """Read the configs of a method's runs by run key, as the database has them now (collection ``runs``).

    `dataset.list_runs` answers from memory too.
    """
    from fiftyone.core.odm import get_db_conn

    query = {"_dataset_id": dataset._doc.id, "config.method": method}
    found = get_db_conn().runs.find(query, {"key": 1, "config": 1})
    return {run["key"]: dict(run["config"]) for run in found}


def replace_run_config_values(
    dataset: fo.Dataset, run_key: str, name: str, expected: Any, changes: dict[str, Any]
) -> bool:
    """Change values of a run's config if one of them still is what it was; False where it is not."""
    from fiftyone.core.odm import get_db_conn

    query = {"_dataset_id": dataset._doc.id, "key": run_key, f"config.{name}": expected}
    values = {f"config.{key}": value for key, value in changes.items()}
    return bool(get_db_conn().runs.update_one(query, {"$set": values}).matched_count)


def set_run_config_value(dataset: fo.Dataset, run_key: str, name: str, value: Any) -> None:
    """Change one value of a run's config and nothing else, whatever other processes write beside it."""
    from fiftyone.core.odm import get_db_conn

    get_db_conn().runs.update_one(
        {"_dataset_id": dataset._doc.id, "key": run_key}, {"$set": {f"config.{name}": value}}
    )


def raw_documents(samples: fo.Dataset | fo.DatasetView, fields: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Give samples as the database has them, with some fields (``_aggregate``).

    Many times faster than making label objects, and attributes that no schema declares are there too.
    """
    return iter(samples.select_fields(list(fields))._aggregate())


def update_label_lists(
    dataset: fo.Dataset,
    field: str,
    changes: Mapping[str, Mapping[int, tuple[str, Mapping[str, Any]]]],
) -> int:
    """Set attributes of some keypoints in a field, many at once (``_sample_collection``, ``_reload_docs``).

    Twenty times faster than `set_values`, which sends one update per label and attribute.

    Args:
        dataset: The dataset; its schema must declare the attributes.
        field: A field of ``fo.Keypoints``.
        changes: By sample id and position in the list: the label's id, and values by attribute.

    Returns:
        How many samples were left alone, since a label does not stand there any more.
    """
    import fiftyone as fo
    from bson import ObjectId
    from pymongo import UpdateOne

    matched, ids = 0, list(changes)
    for begin in range(0, len(ids), UPDATE_CHUNK):
        updates = []
        for sample_id in ids[begin : begin + UPDATE_CHUNK]:
            where: dict[str, Any] = {"_id": ObjectId(sample_id)}
            values: dict[str, Any] = {}
            for position, (label_id, attributes) in changes[sample_id].items():
                path = f"{field}.keypoints.{position}"
                where[f"{path}._id"] = ObjectId(label_id)
                values |= {f"{path}.{name}": value for name, value in attributes.items()}
            updates.append(UpdateOne(where, {"$set": values, "$currentDate": {"last_modified_at": True}}))
        matched += dataset._sample_collection.bulk_write(updates, ordered=False).matched_count
    fo.Sample._reload_docs(dataset._sample_collection_name, sample_ids=ids)
    return len(ids) - matched


def read_sample_values(dataset: fo.Dataset, sample_id: str, paths: Sequence[str]) -> dict[str, Any] | None:
    """Read some values of one sample as the database has them now; None where it was deleted.

    A view's filters do not matter, nor does what this process has in memory (``_sample_collection``).
    """
    from bson import ObjectId

    found = dataset._sample_collection.find_one({"_id": ObjectId(sample_id)}, dict.fromkeys(paths, 1))
    return None if found is None else dict(found)


def read_samples_values(
    dataset: fo.Dataset, sample_ids: Sequence[str], paths: Sequence[str]
) -> list[dict[str, Any]]:
    """Do what `read_sample_values` does for several samples; those that were deleted are left out."""
    from bson import ObjectId

    where = {"_id": {"$in": [ObjectId(sample_id) for sample_id in sample_ids]}}
    return list(dataset._sample_collection.find(where, dict.fromkeys(paths, 1)))


def update_samples(dataset: fo.Dataset, updates: Sequence[tuple[Mapping[str, Any], Any]]) -> list[bool]:
    """Change samples where a condition holds, each atomically (``_sample_collection``, ``_reload_docs``).

    Args:
        dataset: The dataset; its schema must declare what is written.
        updates: MongoDB's filter, with an ``_id``, and update, for each.

    Returns:
        Whether each found its condition true.
    """
    import fiftyone as fo

    collection = dataset._sample_collection
    matched = [bool(collection.update_one(where, change).matched_count) for where, change in updates]
    ids = {str(where["_id"]) for (where, _), done in zip(updates, matched, strict=True) if done}
    fo.Sample._reload_docs(dataset._sample_collection_name, sample_ids=list(ids))
    return matched


def aggregate_samples(
    samples: fo.Dataset | fo.DatasetView, stages: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Give what MongoDB makes of a collection's samples (``_aggregate``)."""
    yield from samples._aggregate(post_pipeline=[dict(stage) for stage in stages])


def app_sample(dataset: fo.Dataset, sample_id: str) -> dict[str, Any] | None:
    """Give a sample as the App's server gives it to pages (``fiftyone.core.json.stringify``)."""
    from bson import ObjectId
    from fiftyone.core.json import stringify

    found = dataset._sample_collection.find_one({"_id": ObjectId(sample_id)})
    return None if found is None else dict(stringify(found))

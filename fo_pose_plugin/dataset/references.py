"""Which kept files datasets name: a file may go only when no dataset of the database names it.

A clone of a dataset shares its files, so that what one dataset gives up another may still need.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias

from fo_pose_plugin.dataset.fiftyone_internals import all_samples

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["FileKey", "file_key", "named_files", "referenced_files"]

FileKey: TypeAlias = tuple[str, ...]

KEY_PARTS = 4


def file_key(path: str | PurePath) -> FileKey:
    """Give the part of a kept file's path that stays when its folder is moved, or reached by a symlink.

    These are the last four: of dataset, run, shard and file for heatmaps (see ``heatmaps.store``).
    """
    return PurePath(path).parts[-KEY_PARTS:]


def named_files(
    samples: fo.Dataset | fo.DatasetView, pose_field: str | None = None, heatmap_field: str | None = None
) -> list[str]:
    """List the paths of heatmaps and overlays that samples name.

    Args:
        samples: A dataset or view.
        pose_field: Only this field's heatmaps; None, with ``heatmap_field``, for all fields.
        heatmap_field: Only this field's overlays.
    """
    wanted = {pose_field, heatmap_field} - {None}
    found: list[str] = []
    for field, path in _path_fields(samples):
        if not wanted or field in wanted:
            found += [value for value in samples.values(path) if value]
    return found


def referenced_files() -> set[FileKey]:
    """Collect what every dataset of this database names."""
    import fiftyone as fo

    found: set[FileKey] = set()
    for name in fo.list_datasets():
        try:
            dataset = fo.load_dataset(name)
        except fo.DatasetNotFoundError:
            continue  # deleted meanwhile
        # Another process may have added fields since this one last looked.
        dataset.reload()
        found.update(map(file_key, named_files(all_samples(dataset))))
    return found


def _path_fields(samples: fo.Dataset | fo.DatasetView) -> Iterator[tuple[str, str]]:
    """Give each field that may name kept files, with the path of the name in it."""
    import fiftyone as fo

    documents = fo.EmbeddedDocumentField
    for field in samples.get_field_schema(ftype=documents, embedded_doc_type=fo.Heatmap):
        yield field, f"{field}.map_path"
    for field in samples.get_field_schema(ftype=documents, embedded_doc_type=fo.Keypoints):
        if samples.get_field(f"{field}.heatmaps_path") is not None:
            yield field, f"{field}.heatmaps_path"

"""Take poses back: the whole field, or what one run wrote, with the files that nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.core.wording import n_images, n_people
from fo_pose_plugin.dataset.fiftyone_internals import all_samples, dataset_id
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.dataset.references import named_files
from fo_pose_plugin.dataset.removal import (
    check_made_by_runs,
    clear_run,
    count_edited,
    pose_fields_of,
    remove_fields,
)
from fo_pose_plugin.dataset.replaced import forget_replaced, restore_replaced
from fo_pose_plugin.dataset.runs import check_idle, find_run, forget_run, list_runs
from fo_pose_plugin.errors import FieldError, InputError
from fo_pose_plugin.heatmaps import store
from fo_pose_plugin.tasks.kept_files import remove_unreferenced
from fo_pose_plugin.tasks.show_keypoints import remove_saved_views

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "DeleteReport",
    "delete_poses",
    "describe_runs",
    "pose_fields_of",
    "undo_run",
]


@dataclass(frozen=True, slots=True)
class DeleteReport:
    """What was deleted.

    Args:
        samples: Samples that lost their poses.
        restored: Samples that have the poses back that the undone run had replaced.
        fields: Fields that are gone.
        runs: Runs whose records are gone.
        saved_views: Saved views that are gone.
        files: Files that were deleted: heatmaps and overlays.
        freed_bytes: What they took on disk.
        shared_files: Files that stay, because another dataset or field names them.
        problems: Files that could not be deleted, and why; at most 20.
    """

    samples: int
    restored: int = 0
    fields: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    saved_views: tuple[str, ...] = ()
    files: int = 0
    freed_bytes: int = 0
    shared_files: int = 0
    problems: tuple[str, ...] = ()

    def describe(self) -> str:
        """Say it in one line."""
        words = [f"{n_images(self.samples)} lost their poses"]
        if self.restored:
            words.append(f"{self.restored:,} have those back that the run had replaced")
        if self.fields:
            words.append(f"deleted fields: {', '.join(self.fields)}")
        words.append(f"freed {self.freed_bytes / 1e6:,.1f} MB in {self.files:,} files")
        if self.shared_files:
            words.append(f"{self.shared_files:,} files stay, because other datasets or fields use them")
        if self.problems:
            words.append(f"could not be deleted: {'; '.join(self.problems)}")
        return "; ".join(words)


def delete_poses(
    dataset: fo.Dataset, pose_field: str = "poses", *, discard_edits: bool = False
) -> DeleteReport:
    """Delete a pose field: its boxes, overlays, errors, runs, saved views, probabilities, kept heatmaps.

    Corrections (``<pose_field>_corrected``) stay, and so do files that another dataset, such as a clone,
    still names, saved views that someone changed, and boxes that no detector of a run wrote.

    Args:
        dataset: A dataset; for some of its poses see `undo_run`.
        pose_field: The field.
        discard_edits: Delete it also where another tool edited poses in it.

    Raises:
        InputError: If it is a view.
        FieldError: If there is no such field, no run made it, or it holds edits.
        RunError: If a run into the field goes on.
    """
    _check_dataset(dataset)
    fields = PoseFields(pose_field)
    check_made_by_runs(dataset, fields)
    runs = list_runs(dataset, pose_field)
    check_idle(dataset, pose_field)
    held = all_samples(dataset).exists(pose_field)
    if not discard_edits:
        _check_unedited(held, pose_field)
    samples = len(held)
    named = named_files(all_samples(dataset), fields.poses, fields.heatmap)
    files: list[str | Path] = [*named, *_files_of_runs(dataset, runs), *forget_replaced(dataset, fields)]
    views = remove_saved_views(dataset, pose_field)
    gone = remove_fields(dataset, fields, boxes=_wrote_boxes(runs.values()))
    for run_id in runs:
        forget_run(dataset, run_id)
    return _report(files, samples, tuple(gone), tuple(runs), views)


def undo_run(dataset: fo.Dataset, run_id: str, *, discard_edits: bool = False) -> DeleteReport:
    """Take out what one run wrote: poses, overlays, errors, its detector's boxes, files and record.

    What it had replaced comes back if it did not come to its end; a run that did has deleted that. Where
    nothing is left in the field, the field goes too.

    Args:
        dataset: A dataset.
        run_id: The run (``EstimateReport.run_id``, ``dataset.list_runs()``).
        discard_edits: Do it also where another tool edited the run's poses.

    Raises:
        InputError: If it is a view.
        RunError: If there is no such run, or it goes on.
        FieldError: If its field is gone, read-only, or holds edits.
    """
    from fiftyone import ViewField as F

    _check_dataset(dataset)
    config = find_run(dataset, run_id)
    pose_field = str(config["pose_field"])
    fields = PoseFields(pose_field)
    check_idle(dataset, pose_field)
    if not dataset.has_field(pose_field):
        forget_run(dataset, run_id)
        return _report(_files_of_runs(dataset, [run_id]), 0, (), (run_id,), ())
    check_made_by_runs(dataset, fields)
    own = all_samples(dataset).match(F(f"{pose_field}.run_id") == run_id)
    if not discard_edits:
        _check_unedited(own, pose_field)
    named = named_files(own, fields.poses, fields.heatmap)
    files: list[str | Path] = [*named, *_files_of_runs(dataset, [run_id])]
    restored = restore_replaced(dataset, fields, run_id) if config["details"].get("replaces") else 0
    samples = clear_run(dataset, fields, run_id, boxes=_wrote_boxes([config]))
    if not all_samples(dataset).exists(pose_field).limit(1):
        views = remove_saved_views(dataset, pose_field)
        runs = list_runs(dataset, pose_field)
        gone = remove_fields(dataset, fields, boxes=_wrote_boxes(runs.values()))
    else:
        views, gone = (), []
    forget_run(dataset, run_id)
    return _report(files, samples, tuple(gone), (run_id,), views, restored)


def describe_runs(dataset: fo.Dataset) -> dict[str, str]:
    """Describe the runs that can be undone, the newest first."""
    described = {}
    for run_id, config in reversed(list_runs(dataset).items()):
        counts = config.get("counts") or {}
        people = f", {n_people(counts['people'])}" if "people" in counts else ""
        replaced = ", replaced what was there" if config["details"].get("overwrite") else ""
        described[run_id] = (
            f"{config['settings']['model']} into {config['pose_field']!r}, {config['started_at'][:16]} UTC, "
            f"{config['status']}{people}{replaced}"
        )
    return described


def _report(
    paths: Iterable[str | Path],
    samples: int,
    fields: tuple[str, ...],
    runs: tuple[str, ...],
    views: tuple[str, ...],
    restored: int = 0,
) -> DeleteReport:
    """Delete the files that nobody names now, and report all of it."""
    removed = remove_unreferenced(paths)
    return DeleteReport(
        samples,
        restored,
        fields,
        runs,
        views,
        removed.files,
        removed.freed_bytes,
        removed.shared_files,
        removed.problems,
    )


def _check_dataset(dataset: Any) -> None:
    import fiftyone as fo

    if not isinstance(dataset, fo.Dataset):
        raise InputError(
            f"expected a dataset, not a {type(dataset).__name__}: poses are deleted in all of it"
        )


def _check_unedited(samples: fo.DatasetView, pose_field: str) -> None:
    edited = count_edited(samples, pose_field)
    if edited:
        raise FieldError(
            f"{edited:,} people in field {pose_field!r} were edited by another tool, and the edits would be "
            "lost: keep a copy (dataset.clone_sample_field), or ask to discard the edits"
        )


def _named(samples: fo.Dataset | fo.DatasetView, fields: PoseFields) -> list[str]:
    return named_files(
        all_samples(samples) if _is_dataset(samples) else samples, fields.poses, fields.heatmap
    )


def _is_dataset(samples: Any) -> bool:
    import fiftyone as fo

    return isinstance(samples, fo.Dataset)


def _files_of_runs(dataset: fo.Dataset, run_ids: Iterable[str]) -> list[Path]:
    """Find what runs wrote, also what an interruption left unnamed."""
    files, own = store.HeatmapStore(store.default_root()), dataset_id(dataset)
    return [path for run_id in run_ids for path in files.files_of_run(own, run_id)]


def _wrote_boxes(runs: Iterable[dict[str, Any]]) -> bool:
    return any((config.get("settings") or {}).get("boxes") == "detector" for config in runs)

"""Find kept files that no dataset needs any more, and delete them when asked to."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fo_pose_plugin.dataset.fiftyone_internals import database_id, datasets_by_id
from fo_pose_plugin.dataset.references import file_key, referenced_files
from fo_pose_plugin.dataset.runs import live_runs
from fo_pose_plugin.heatmaps.store import HeatmapStore, StoredFile, default_root
from fo_pose_plugin.tasks.kept_files import RemovedFiles, remove_unreferenced

__all__ = ["CleanUpReport", "Orphans", "clean_up"]

# Files are written before the labels that name them.
JUST_WRITTEN_S = 60.0


@dataclass(frozen=True, slots=True)
class Orphans:
    """Files of one dataset that no dataset names.

    Args:
        dataset: Its name, or None where it was deleted.
        dataset_id: Its id.
        files: How many.
        size: In bytes.
    """

    dataset: str | None
    dataset_id: str
    files: int
    size: int

    def describe(self) -> str:
        """Say it in one line."""
        whose = f"a deleted dataset ({self.dataset_id})" if self.dataset is None else f"{self.dataset!r}"
        return f"{whose}: {self.files:,} files, {self.size / 1e6:,.1f} MB"


@dataclass(frozen=True, slots=True)
class CleanUpReport:
    """What was found, and what was deleted.

    Args:
        root: The folder that was looked through.
        dry_run: Whether nothing was deleted.
        orphans: What nobody names, by dataset, the largest first.
        used_files: Files that datasets name.
        used_bytes: Their size.
        waiting_files: Files that are not named yet, because a run that goes on has just written them.
        foreign_files: Files of other databases, or of ones that cannot be told: they are left alone.
        files: How many were deleted.
        freed_bytes: What that freed, half-written leftovers of killed processes included.
        problems: What could not be deleted, and why; at most 20.
    """

    root: Path
    dry_run: bool
    orphans: tuple[Orphans, ...]
    used_files: int
    used_bytes: int
    waiting_files: int = 0
    foreign_files: int = 0
    files: int = 0
    freed_bytes: int = 0
    problems: tuple[str, ...] = ()

    def describe(self) -> str:
        """Say it in one line."""
        found = sum(group.files for group in self.orphans)
        size = sum(group.size for group in self.orphans)
        if self.dry_run:
            words = [f"{found:,} files ({size / 1e6:,.1f} MB) are not needed any more"]
        else:
            words = [f"deleted {self.files:,} files, freed {self.freed_bytes / 1e6:,.1f} MB"]
        words.append(f"{self.used_files:,} files ({self.used_bytes / 1e6:,.1f} MB) are in use")
        if self.waiting_files:
            words.append(f"{self.waiting_files:,} belong to runs that go on")
        if self.foreign_files:
            words.append(f"{self.foreign_files:,} belong to another database and are left alone")
        if self.problems:
            words.append(f"could not be deleted: {'; '.join(self.problems)}")
        return "; ".join(words)


def clean_up(dry_run: bool = True) -> CleanUpReport:
    """Find the files of heatmaps and overlays that no dataset of this database names, and delete them.

    These are the files of deleted datasets, fields and samples, of runs that were overwritten or killed, and
    of overlays that were repainted. A file that any dataset names stays, also when it was another's (clones
    share files). So do the files of other databases that use the same folder.

    Args:
        dry_run: Only say what would be deleted.

    Returns:
        What was found and deleted.
    """
    files = HeatmapStore(default_root())
    # Files first: what is written meanwhile is not looked at, and what is named meanwhile is not deleted.
    found = list(files.files())
    datasets = datasets_by_id()
    named = referenced_files()
    live = {run_id for dataset in datasets.values() for run_id in live_runs(dataset)}
    owners = {name: files.owner(name) for name in {file.dataset_id for file in found}}
    own = database_id()
    used: list[StoredFile] = []
    waiting = foreign = 0
    orphans: dict[str, list[StoredFile]] = {}
    for file in found:
        if file_key(file.path) in named:
            used.append(file)
        elif owners[file.dataset_id] != own:
            foreign += 1
        elif file.dataset_id in datasets and _may_be_named_soon(file, live):
            waiting += 1
        else:
            orphans.setdefault(file.dataset_id, []).append(file)
    groups = [
        Orphans(
            datasets[key].name if key in datasets else None, key, len(group), sum(file.size for file in group)
        )
        for key, group in orphans.items()
    ]
    removed, leftovers = RemovedFiles(), 0
    if not dry_run:
        removed = remove_unreferenced(file.path for group in orphans.values() for file in group)
        for key in orphans:
            if key not in datasets:
                files.disown(key)
        leftovers = files.remove_leftovers()
    return CleanUpReport(
        files.root,
        dry_run,
        tuple(sorted(groups, key=lambda group: -group.size)),
        len(used),
        sum(file.size for file in used),
        waiting,
        foreign,
        removed.files,
        removed.freed_bytes + leftovers,
        removed.problems,
    )


def _may_be_named_soon(file: StoredFile, live_run_ids: set[str]) -> bool:
    """Whether whoever wrote a file may still be about to name it."""
    # An overlay's name holds its run, a file of heatmaps lies in its run's folder.
    if file.run_id in live_run_ids or any(run_id in file.path.name for run_id in live_run_ids):
        return True
    with suppress(FileNotFoundError):
        return time.time() - file.path.lstat().st_mtime < JUST_WRITTEN_S
    return False

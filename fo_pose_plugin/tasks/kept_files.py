"""Delete kept files that no dataset names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fo_pose_plugin.dataset.references import file_key, referenced_files
from fo_pose_plugin.errors import HeatmapError
from fo_pose_plugin.heatmaps import store

__all__ = ["RemovedFiles", "remove_unreferenced"]

MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class RemovedFiles:
    """What was deleted.

    Args:
        files: How many files.
        freed_bytes: Their size.
        shared_files: Files that stay, because a dataset names them.
        problems: What could not be deleted, and why; at most 20.
    """

    files: int = 0
    freed_bytes: int = 0
    shared_files: int = 0
    problems: tuple[str, ...] = ()


def remove_unreferenced(paths: Iterable[str | Path]) -> RemovedFiles:
    """Delete heatmaps and overlays of the store that no dataset of the database names.

    Args:
        paths: Candidates; those outside the store (an import's own files) are passed over.
    """
    root = store.default_root()
    candidates = [path for path in sorted({str(path) for path in paths}) if Path(path).is_relative_to(root)]
    if not candidates:
        return RemovedFiles()
    named = referenced_files()
    unnamed = [path for path in candidates if file_key(path) not in named]
    files = freed = 0
    problems: list[str] = []
    for path in unnamed:
        try:
            size = store.delete(path, [root])
        except HeatmapError as error:
            problems.append(str(error))
            continue
        files += bool(size)
        freed += size
    shared = len(candidates) - len(unnamed)
    return RemovedFiles(files, freed, shared, tuple(problems[:MAX_PROBLEMS]))

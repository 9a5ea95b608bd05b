"""Where heatmaps lie: one file per sample, in a directory named by dataset and run.

    <root>/<dataset id>/<run id>/<last two digits of the sample id>/<sample id>.heatmaps
    <root>/overlays/<dataset id>/<last two digits>/<sample id>-<content>.png
    <root>/<dataset id>/database    which database the dataset is in

A run that replaces another writes beside it. A file says which run and sample it belongs to, so that files
which were exchanged are noticed. After an export the same file lies in the import's folder, under the same
name. Several databases may share a root: what is in none of them can only be told for the files of one's own.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import HeatmapError
from fo_pose_plugin.heatmaps import confined_files, encoding
from fo_pose_plugin.heatmaps.encoding import HeatmapHeader

__all__ = ["SUFFIX", "HeatmapStore", "StoredFile", "default_root", "delete", "load", "read"]

Float32: TypeAlias = npt.NDArray[np.float32]

SUFFIX = ".heatmaps"
MAX_FILE_BYTES = 2**28
OVERLAYS = "overlays"
LEFTOVER_AGE_S = 3600.0
OWNER = "database"

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_RUN_ID = re.compile(r"[a-z0-9_]{1,64}")
# A leftover of this package and nothing else: .<name>.<process>-<8 hex>.tmp
_LEFTOVER = re.compile(r"\.[0-9a-f]{24}[^/]*\.\d+-[0-9a-f]{8}\.tmp")


def default_root() -> Path:
    """Give the folder for heatmaps: FO_POSE_HEATMAPS, or heatmaps/ in FO_POSE_HOME or ~/.fo_pose."""
    chosen = os.environ.get("FO_POSE_HEATMAPS")
    if chosen:
        return Path(chosen).expanduser().absolute()
    home = os.environ.get("FO_POSE_HOME") or "~/.fo_pose"
    return Path(home).expanduser().absolute() / "heatmaps"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was found in a store.

    Args:
        path: Where it lies.
        dataset_id: Whose dataset.
        run_id: Of which run; None for an overlay.
        sample_id: Of which sample.
        size: In bytes.
    """

    path: Path
    dataset_id: str
    run_id: str | None
    sample_id: str
    size: int


@dataclass(frozen=True, slots=True)
class HeatmapStore:
    """A folder of heatmaps.

    Args:
        root: The folder; it is made when something is saved.
    """

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root).absolute())

    def path_for(self, dataset_id: str, run_id: str, sample_id: str) -> Path:
        """Say where a sample's heatmaps of a run lie, or would lie.

        Raises:
            HeatmapError: If an id is none: ids become names of directories.
        """
        _check_object_id("dataset", dataset_id)
        _check_object_id("sample", sample_id)
        if not _RUN_ID.fullmatch(run_id):
            raise HeatmapError(f"run id {run_id!r}: expected 1 to 64 small letters, digits and underscores")
        return self.root / dataset_id / run_id / sample_id[-2:] / f"{sample_id}{SUFFIX}"

    def overlay_directory(self, dataset_id: str, sample_id: str) -> Path:
        """Say where a sample's overlays lie, or would lie.

        Raises:
            HeatmapError: If an id is none.
        """
        _check_object_id("dataset", dataset_id)
        _check_object_id("sample", sample_id)
        return self.root / OVERLAYS / dataset_id / sample_id[-2:]

    def claim(self, dataset_id: str, database_id: str) -> None:
        """Note which database a dataset is in, before its first file is written.

        Raises:
            HeatmapError: If an id is none, or the note cannot be written.
        """
        _check_object_id("dataset", dataset_id)
        _check_object_id("database", database_id)
        if self.owner(dataset_id) != database_id:
            path = self.root / dataset_id / OWNER
            confined_files.write_file(path, self.root, database_id.encode("ascii"))

    def owner(self, dataset_id: str) -> str | None:
        """Give the id of the database that a dataset is in; None where nothing is noted."""
        _check_object_id("dataset", dataset_id)
        try:
            noted = confined_files.read_file(self.root / dataset_id / OWNER, [self.root], 100)
        except HeatmapError:
            return None
        found = noted.decode("ascii", "replace")
        return found if _OBJECT_ID.fullmatch(found) else None

    def disown(self, dataset_id: str) -> None:
        """Forget which database a dataset is in, where no file of it is left."""
        if not any(file.dataset_id == dataset_id for file in self.files()):
            confined_files.remove_file(self.root / dataset_id / OWNER, [self.root])

    def save(self, path: Path, heatmaps: npt.ArrayLike, *, scale_max: float = 1.0) -> int:
        """Write a sample's heatmaps; a file that is there is replaced when the new one is complete.

        Args:
            path: From `path_for`.
            heatmaps: (N, K, h, w) floating point; N may be 0.
            scale_max: The codec's scale, 255 for Megvii.

        Returns:
            The file's size in bytes.

        Raises:
            ShapeError: If it is no (N, K, h, w) array.
            HeatmapError: If a value is not finite, there are too many, or the file cannot be written.
        """
        dataset_id, run_id, sample_id = self._ids(path)
        content = encoding.encode_heatmaps(heatmaps, scale_max=scale_max, origin=f"{run_id}/{sample_id}")
        if len(content) > MAX_FILE_BYTES:
            raise HeatmapError(
                f"the heatmaps of sample {sample_id} take {len(content):,} bytes, more than the "
                f"{MAX_FILE_BYTES:,} that are read back: run with keep_heatmaps=False"
            )
        confined_files.write_file(self.path_for(dataset_id, run_id, sample_id), self.root, content)
        return len(content)

    def files(self) -> Iterator[StoredFile]:
        """Find every file of heatmaps and every overlay, in no order; what else lies there is passed over."""
        for path in self._walk():
            parts = path.relative_to(self.root).parts
            sample_id = path.name[:24]
            if len(parts) != 4 or not _OBJECT_ID.fullmatch(sample_id):
                continue
            is_overlay = parts[0] == OVERLAYS
            dataset_id = parts[1] if is_overlay else parts[0]
            if path.suffix == (".png" if is_overlay else SUFFIX) and _OBJECT_ID.fullmatch(dataset_id):
                with suppress(FileNotFoundError):
                    size = path.lstat().st_size
                    yield StoredFile(path, dataset_id, None if is_overlay else parts[1], sample_id, size)

    def files_of_run(self, dataset_id: str, run_id: str) -> list[Path]:
        """Find all that a run wrote, half-written files too: whoever asks knows that it writes no more."""
        heatmaps = self.path_for(dataset_id, run_id, "0" * 24).parents[1]
        found = [path for path in heatmaps.rglob("*") if path.is_file()]
        overlays = self.root / OVERLAYS / dataset_id
        return found + [path for path in overlays.rglob(f"*-{run_id}-*") if path.is_file()]

    def remove_leftovers(self, older_than_s: float = LEFTOVER_AGE_S) -> int:
        """Remove what killed processes left half-written, and directories that are empty.

        Returns:
            How many bytes that freed.
        """
        freed = 0
        for path in list(self._walk()):
            if _LEFTOVER.fullmatch(path.name) and time.time() - path.lstat().st_mtime > older_than_s:
                freed += confined_files.remove_file(path, [self.root])
        for directory, _, _ in os.walk(self.root, topdown=False):
            if directory != str(self.root):
                with suppress(OSError):  # not empty
                    Path(directory).rmdir()
        return freed

    def _walk(self) -> Iterator[Path]:
        for directory, _, names in os.walk(self.root):
            for name in names:
                yield Path(directory, name)

    def _ids(self, path: Path) -> tuple[str, str, str]:
        """Read dataset, run and sample id from a path of this store."""
        parts = path.relative_to(self.root).parts if path.is_relative_to(self.root) else ()
        ids = (parts[0], parts[1], path.stem) if len(parts) == 4 else None
        if ids is None or self.path_for(*ids) != path:
            raise HeatmapError(f"{path} is no place in {self.root}: expected what path_for gives")
        return ids


def read(
    path: str | Path,
    *,
    roots: Sequence[Path],
    run_id: str | None = None,
    people: Sequence[int] | None = None,
) -> tuple[HeatmapHeader, Float32]:
    """Read a sample's heatmaps, with what their file says of itself.

    Args:
        path: As the database has it; it is not trusted.
        roots: Where files may lie: the store's root, and the folder the dataset was imported from.
        run_id: The run that the labels come from; None leaves it unchecked.
        people: Whose heatmaps, by index; None for all.

    Returns:
        The header and (N, K, h, w) float32.

    Raises:
        HeatmapError: If the file is missing, outside the roots, behind a symlink, too large, damaged,
            or of another run or sample.
    """
    content = confined_files.read_file(path, roots, MAX_FILE_BYTES)
    try:
        header = encoding.read_header(content)
        _check_origin(Path(path), header.origin, run_id)
        return header, encoding.decode_heatmaps(content, people)
    except HeatmapError as error:
        raise HeatmapError(f"{path}: {error}. Or run estimate_poses again with overwrite") from error


def load(
    path: str | Path,
    *,
    roots: Sequence[Path],
    run_id: str | None = None,
    people: Sequence[int] | None = None,
) -> Float32:
    """Give a sample's heatmaps, (N, K, h, w) float32; see `read`."""
    return read(path, roots=roots, run_id=run_id, people=people)[1]


def delete(path: str | Path, roots: Sequence[Path]) -> int:
    """Delete a sample's heatmaps, an overlay, or what a killed process left half-written of either.

    Returns:
        How many bytes that freed; 0 where there is no such file.

    Raises:
        HeatmapError: If the path is no such file below one of the roots, or cannot be removed.
    """
    name = Path(path).name
    if not name.endswith((SUFFIX, ".png")) and not _LEFTOVER.fullmatch(name):
        raise HeatmapError(f"{path} is no file of heatmaps ({SUFFIX}) or overlay (.png), it is left alone")
    return confined_files.remove_file(path, roots)


def _check_object_id(kind: str, value: str) -> None:
    if not _OBJECT_ID.fullmatch(value):
        raise HeatmapError(f"{kind} id {value!r}: expected 24 hexadecimal digits")


def _check_origin(path: Path, origin: str, run_id: str | None) -> None:
    """Notice exchanged files. FiftyOne's exporter appends ``-2`` and so on to names that are taken."""
    found_run, _, sample_id = origin.partition("/")
    if path.stem != sample_id and not re.fullmatch(rf"{re.escape(sample_id)}-\d+", path.stem):
        raise HeatmapError(f"the file holds the heatmaps of sample {sample_id}: bring the right one back")
    if run_id is not None and found_run != run_id:
        raise HeatmapError(f"the file holds the heatmaps of run {found_run}, expected run {run_id}")

"""Find the samples that a file of annotations means by its images' names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import final

__all__ = ["ImageIndex", "path_below"]


@final
class ImageIndex:
    """A dataset's samples by the names of their files.

    A name with folders is looked up with as many of the path's last folders. Where that finds none, and only
    one sample and one image of the file are called so, folders do not count: datasets are moved.

    Args:
        samples: Ids and file paths.
        file_names: All names that the file lists.
    """

    def __init__(self, samples: Iterable[tuple[str, str]], file_names: Iterable[str]) -> None:
        self._samples: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for sample_id, path in samples:
            parts = PurePosixPath(path).parts
            self._samples.setdefault(parts[-1] if parts else "", []).append((sample_id, parts))
        self._listed: dict[str, int] = {}
        for name in file_names:
            base = _parts_of(name)[-1]
            self._listed[base] = self._listed.get(base, 0) + 1

    def find(self, file_name: str) -> list[str]:
        """Give the ids of the samples that a name may mean: one where it is clear."""
        wanted = _parts_of(file_name)
        called_so = self._samples.get(wanted[-1], [])
        exact = [sample_id for sample_id, parts in called_so if parts[-len(wanted) :] == wanted]
        if exact:
            return exact
        alone = len(called_so) == 1 and self._listed.get(wanted[-1]) == 1
        return [called_so[0][0]] if alone else []


def _parts_of(file_name: str) -> tuple[str, ...]:
    """Take a name apart; files made on Windows have backslashes."""
    parts = tuple(part for part in file_name.replace("\\", "/").split("/") if part not in {"", "."})
    return parts or ("",)


def path_below(folder: Path, file_name: str) -> Path | None:
    """Give the path of a name below a folder; None where it would lead out of it."""
    parts = _parts_of(file_name)
    if ".." in parts or PurePosixPath(file_name).is_absolute():
        return None
    return folder.joinpath(*parts)

"""Photos for the demo: a folder of the user's."""

from __future__ import annotations

from pathlib import Path

from fo_pose_plugin.errors import ImageReadError

__all__ = ["photos_in"]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


def photos_in(folder: Path) -> list[Path]:
    """List the photos in a folder and those below it, by path.

    Raises:
        ImageReadError: If there is no such folder, or no photo in it.
    """
    if not folder.is_dir():
        raise ImageReadError(f"{folder} is no folder: name one that holds photos")
    photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not photos:
        raise ImageReadError(f"there is no photo in {folder}: expected {', '.join(sorted(SUFFIXES))}")
    return [path.absolute() for path in photos]

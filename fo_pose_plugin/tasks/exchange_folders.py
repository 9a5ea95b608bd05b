"""The folders that exports and imports from the App are confined to.

An operator's parameters come from whoever reaches the App's port: they name a file in one of two folders,
never a path. From Python and the terminal any path does.

    FO_POSE_EXPORTS, or exports/ in FO_POSE_HOME or ~/.fo_pose     what the App exports
    FO_POSE_IMPORTS, or imports/ there                             what the App may import: put files there
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from fo_pose_plugin.errors import ExportError, InputError
from fo_pose_plugin.models.registry import registry_home

__all__ = [
    "export_path",
    "exports_folder",
    "import_path",
    "imports_folder",
    "list_imports",
    "make_exports_folder",
    "plain_name",
    "shown_size",
]

SUFFIX = ".json"
MAX_LISTED = 1000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")


def exports_folder() -> Path:
    """Give the folder that the App exports into; it need not be there yet."""
    return _folder("FO_POSE_EXPORTS", "exports")


def imports_folder() -> Path:
    """Give the folder that the App imports from; it need not be there yet."""
    return _folder("FO_POSE_IMPORTS", "imports")


def _folder(variable: str, name: str) -> Path:
    chosen = os.environ.get(variable)
    return Path(chosen).expanduser().absolute() if chosen else registry_home() / name


def plain_name(text: str) -> str:
    """Make a file's name of any text."""
    return (re.sub(r"[^A-Za-z0-9_.+-]+", "_", text).lstrip(".+-")[:90] or "poses") + SUFFIX


def shown_size(size_bytes: int) -> str:
    """Say how large a file is."""
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:,.1f} kB"


def export_path(name: str) -> Path:
    """Give the file in the exports' folder that a name stands for.

    Raises:
        InputError: If it is no plain name.
    """
    stem = name.removesuffix(SUFFIX)
    if not _NAME.fullmatch(stem):
        raise InputError(
            f"{name[:100]!r} is no plain file name: use at most 100 letters, digits and _ . + -, beginning "
            "with a "
            "letter, digit or underscore"
        )
    return exports_folder() / f"{stem}{SUFFIX}"


def make_exports_folder() -> None:
    """Make the folder that the App exports into, where there is none.

    Raises:
        ExportError: If it cannot be made.
    """
    folder = exports_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"the folder {folder} cannot be made: {error.strerror or error}. Name another in FO_POSE_EXPORTS"
        ) from error


def list_imports() -> dict[str, int]:
    """List the JSON files in the imports' folder with their sizes in bytes; links and folders are none."""
    found = {}
    try:
        with os.scandir(imports_folder()) as entries:
            for entry in entries:
                information = entry.stat(follow_symlinks=False)
                plain = entry.name.isprintable() and entry.name.lower().endswith(SUFFIX)
                if plain and stat.S_ISREG(information.st_mode):
                    found[entry.name] = information.st_size
    except OSError:  # there is no such folder, or it cannot be read: nothing to offer
        return {}
    return dict(sorted(found.items())[:MAX_LISTED])


def import_path(name: str) -> Path:
    """Give the file in the imports' folder that bears a name.

    Raises:
        InputError: If none of those that `list_imports` gives does.
    """
    offered = list_imports()
    if name not in offered:
        raise InputError(
            f"{name[:100]!r} is none of the JSON files in {imports_folder()}: "
            f"{', '.join(list(offered)[:20]) or 'there are none'}"
        )
    return imports_folder() / name

"""How the demo's dataset gets into the user's own FiftyOne: exported to a folder, imported from there."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from fo_pose_plugin.errors import InputError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["export_dataset", "import_command"]


def export_dataset(name: str, folder: Path) -> None:
    """Write a dataset with its photos, labels, runs, views and heatmaps to a folder that does not exist yet.

    Raises:
        InputError: If there is no such dataset, or something is at that place.
    """
    import fiftyone as fo

    if not fo.dataset_exists(name):
        raise InputError(f"there is no demo dataset {name!r} yet: run the demo first, on the same photos")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already and not empty: name a folder that does not exist yet")
    dataset: fo.Dataset = fo.load_dataset(name)
    dataset.export(
        export_dir=str(folder), dataset_type=fo.types.FiftyOneDataset, export_media=True, progress=False
    )


def import_command(name: str, folder: Path) -> str:
    """Give the command that brings an exported dataset into the FiftyOne of whoever runs it."""
    words = ["fiftyone", "datasets", "create", "--name", name, "--dataset-dir", str(folder)]
    return shlex.join([*words, "--type", "fiftyone.types.FiftyOneDataset"])

"""What a command needs before it can begin."""

from __future__ import annotations

import difflib
import importlib.util
import sys
import warnings
from types import ModuleType
from typing import TYPE_CHECKING, cast

from fo_pose_plugin.commands.terminal import own_command
from fo_pose_plugin.errors import InputError, InstallationError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["import_fiftyone", "open_samples", "require_installed"]

MAX_NAMES = 20


def require_installed() -> None:
    """Check that all packages are there, and keep OpenMMLab's warnings, which help no user, off the screen.

    Raises:
        InstallationError: If one is missing; it tells the one command that brings it.
    """
    from fo_pose_plugin.tasks.install import install_command, missing_openmmlab

    missing = [name for name in ("fiftyone", "torch") if importlib.util.find_spec(name) is None]
    missing += missing_openmmlab()
    if missing:
        raise InstallationError(f"{', '.join(missing)} is missing; this brings it: {install_command()}")
    if not sys.warnoptions:
        warnings.filterwarnings("ignore", module=r"(torch|mmcv|mmdet|mmengine|mmpose)(\.|$)")


def open_samples(name: str, saved_view: str | None) -> fo.Dataset | fo.DatasetView:
    """Open a dataset, or one of its saved views.

    Raises:
        InputError: If there is none of that name; it says which there are.
        InstallationError: If FiftyOne cannot reach its database.
    """
    fo = import_fiftyone()
    if not fo.dataset_exists(name):
        raise InputError(f"there is no dataset {name!r}; {_offer('datasets', name, fo.list_datasets())}")
    dataset = fo.load_dataset(name)
    if saved_view is None:
        return dataset
    if not dataset.has_saved_view(saved_view):
        views = _offer("saved views", saved_view, dataset.list_saved_views())
        raise InputError(f"dataset {name!r} has no saved view {saved_view!r}; {views}")
    return dataset.load_saved_view(saved_view)


def _offer(what: str, wanted: str, names: list[str]) -> str:
    """Name what there is, the likely ones first."""
    if not names:
        return f"there are no {what} yet"
    close = difflib.get_close_matches(wanted, names, n=MAX_NAMES)
    ordered = [*close, *(name for name in names if name not in close)]
    more = len(ordered) - MAX_NAMES
    return f"{what}: {', '.join(ordered[:MAX_NAMES])}" + (f" and {more:,} more" if more > 0 else "")


def import_fiftyone() -> ModuleType:
    """Import FiftyOne and connect to its database.

    Raises:
        InstallationError: If its database cannot be reached.
    """
    from eta.core.config import EnvConfigError  # what FiftyOne raises where there is no mongod

    try:
        import fiftyone

        fiftyone.list_datasets()  # connects, where the import has not
    except (EnvConfigError, OSError, RuntimeError) as error:
        raise InstallationError(
            f"FiftyOne has no database ({str(error).strip()}); `{own_command()} doctor` looks for the reason"
        ) from error
    return cast("ModuleType", fiftyone)

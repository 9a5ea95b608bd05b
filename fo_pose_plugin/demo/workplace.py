"""The folder in which the demo keeps everything, and how a process is pointed at it.

<folder>/db          its MongoDB
<folder>/home        FO_POSE_HOME: the registry with the demo's models, and the heatmaps
<folder>/plugins     a link to this plugin, which is all that the demo's App loads
<folder>/fiftyone    FiftyOne's settings and its folder for data
<folder>/drawings    the drawings that are shown when no photos are named
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fo_pose_plugin.dataset.mongo_server import MongoServer
from fo_pose_plugin.errors import InstallationError
from fo_pose_plugin.tasks.environment.plugin_directory import plugin_source

__all__ = ["Workplace"]

PLUGIN_LINK = "fo_pose_plugin"


@dataclass(frozen=True, slots=True)
class Workplace:
    """A demo's folder.

    Args:
        folder: Where; it is made when it is entered.
    """

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder).absolute())

    @property
    def home(self) -> Path:
        """Where this package keeps its registry and its heatmaps."""
        return self.folder / "home"

    @property
    def drawings(self) -> Path:
        """Where the drawings are written."""
        return self.folder / "drawings"

    def enter(self) -> None:
        """Point this process, and those it starts, at the folder, and start its database.

        To be called before FiftyOne is imported. Both end with the process.

        Raises:
            InstallationError: If the folder cannot be written to, another demo runs in it, FiftyOne is
                imported already, or the database does not start.
        """
        plugins, settings = self.folder / "plugins", self.folder / "settings"
        try:
            for path in (self.home, plugins, settings):
                path.mkdir(parents=True, exist_ok=True)
            _link(plugins / PLUGIN_LINK, plugin_source())
        except OSError as error:
            raise InstallationError(
                f"the demo cannot use {self.folder}: {error}. Choose another with --folder"
            ) from error
        # None of the user's settings: a database, port or plugins folder of theirs must not take part.
        for name in [name for name in os.environ if name.startswith("FIFTYONE_")]:
            del os.environ[name]
        os.environ.update(
            FO_POSE_HOME=str(self.home),
            FIFTYONE_CONFIG_PATH=str(settings / "config.json"),
            FIFTYONE_APP_CONFIG_PATH=str(settings / "app_config.json"),
            FIFTYONE_ANNOTATION_CONFIG_PATH=str(settings / "annotation_config.json"),
            FIFTYONE_EVALUATION_CONFIG_PATH=str(settings / "evaluation_config.json"),
            FIFTYONE_DEFAULT_DATASET_DIR=str(settings / "datasets"),
            FIFTYONE_DATASET_ZOO_DIR=str(settings / "datasets"),
            FIFTYONE_MODEL_ZOO_DIR=str(settings / "models"),
            FIFTYONE_PLUGINS_DIR=str(plugins),
            # Else FiftyOne reads all plugins anew whenever the page asks for anything of them.
            FIFTYONE_PLUGINS_CACHE_ENABLED="true",
            FIFTYONE_DO_NOT_TRACK="true",
            FIFTYONE_LOGGING_LEVEL="WARNING",
            FIFTYONE_DATABASE_VALIDATION="false",  # the server is ours: no advice about its version
        )
        MongoServer(self.folder / "db").use_for_fiftyone()


def _link(link: Path, target: Path) -> None:
    """Make a symbolic link, or turn it where it leads elsewhere, such as to a checkout that was moved."""
    if link.is_symlink() and link.resolve() != target.resolve():
        link.unlink()
    if not link.is_symlink():
        link.symlink_to(target, target_is_directory=True)

"""Where FiftyOne looks for plugins, and how this one gets there.

FiftyOne's own settings are read here as it reads them, because importing FiftyOne starts a database.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from fo_pose_plugin.errors import InstallationError

__all__ = ["fiftyone_setting", "link_plugin", "plugin_copies", "plugin_source", "plugins_dir"]

METADATA_NAMES = ("fiftyone.yml", "fiftyone.yaml")
PACKAGE = Path(__file__).resolve().parents[2]


def fiftyone_setting(name: str) -> str | None:
    """Give one of FiftyOne's settings from its environment variable or its configuration file.

    Args:
        name: Its name in the file; in the environment it is in capitals, after ``FIFTYONE_``.

    Raises:
        InstallationError: If the file cannot be read.
    """
    value = os.environ.get(f"FIFTYONE_{name.upper()}")
    path = Path(os.environ.get("FIFTYONE_CONFIG_PATH") or Path.home() / ".fiftyone" / "config.json")
    if value or not path.is_file():
        return value
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InstallationError(
            f"FiftyOne's settings {path} cannot be read: {error}. Mend or remove it"
        ) from error
    found = content.get(name) if isinstance(content, dict) else None
    return str(found) if found else None


def plugins_dir() -> Path:
    """Give the directory in which FiftyOne looks for plugins."""
    set_dir = fiftyone_setting("plugins_dir")
    if set_dir:
        return Path(set_dir)
    datasets = fiftyone_setting("default_dataset_dir") or "~/fiftyone"
    return Path(datasets).expanduser().absolute() / "__plugins__"


def plugin_source() -> Path:
    """Give this plugin's directory: the one that holds fiftyone.yml.

    It is the repository, or what pyproject.toml puts into a wheel in its likeness.

    Raises:
        InstallationError: If the file is in neither place.
    """
    for directory in (PACKAGE.parent, PACKAGE / "_fiftyone_plugin"):
        if (directory / METADATA_NAMES[0]).is_file():
            return directory
    raise InstallationError(f"there is no fiftyone.yml beside or in {PACKAGE}. Install this package anew")


def plugin_copies() -> list[Path]:
    """Give every directory below `plugins_dir` in which FiftyOne finds a plugin of this one's name."""
    name = _plugin_name(plugin_source())
    return [directory for directory in _plugins_below(plugins_dir()) if _plugin_name(directory) == name]


def link_plugin(say: Callable[[str], None], *, dry_run: bool = False) -> None:
    """Make this plugin known to FiftyOne by a symbolic link, if it is not known yet.

    Raises:
        InstallationError: If another copy of it, or something else of its name, is there already.
    """
    source, copies = plugin_source(), plugin_copies()
    if any(copy.resolve() == source for copy in copies):
        say(f"FiftyOne knows the plugin already: {copies[0]}")
        return
    if copies:
        raise InstallationError(
            f"FiftyOne already has another copy of this plugin, {copies[0]}; this one is {source}. "
            "Remove that one, or run its own install, or add --no-link"
        )
    link = plugins_dir() / _plugin_name(source).rpartition("/")[2]
    leads_nowhere = link.is_symlink() and not link.exists()  # to an environment that has been removed
    if link.exists():
        raise InstallationError(
            f"{link} is there already and is not this plugin. Move it away, or add --no-link"
        )
    say(f"linking {link} to {source}")
    if dry_run:
        return
    try:
        if leads_nowhere:
            link.unlink()
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source, target_is_directory=True)
    except OSError as error:
        raise InstallationError(f"cannot link {link} to {source}: {error}. Copy it there instead") from error


def _plugins_below(directory: Path) -> Iterator[Path]:
    """Walk as FiftyOne does: through links, past hidden directories, not into a plugin.

    Source: fiftyone.plugins.core ``_iter_plugin_metadata_files``.
    """
    seen: set[Path] = set()
    for root, folders, files in os.walk(directory, followlinks=True):
        here = Path(root)
        is_plugin = any(name in files for name in METADATA_NAMES)
        if is_plugin:
            yield here
        folders[:] = (
            [] if is_plugin or here.resolve() in seen else [f for f in folders if not f.startswith(".")]
        )
        seen.add(here.resolve())


def _plugin_name(directory: Path) -> str:
    """Read the name from a plugin's metadata without a YAML reader, which may not be installed."""
    for name in METADATA_NAMES:
        path = directory / name
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            found = re.search(r"""^name:[ \t]*["']?([^"'\n#]+)""", text, flags=re.MULTILINE)
            return found[1].strip() if found else ""
    return ""

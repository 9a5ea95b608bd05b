"""What FiftyOne loads: makes the package importable, then registers its operators.

FiftyOne executes this file anew at each look at its plugins, and does not put its directory on sys.path.
"""

import importlib.util
import logging
import sys
from pathlib import Path
from typing import Any


def register(plugin: Any) -> None:
    """Register every operator and panel with FiftyOne's plugin context."""
    here = Path(__file__).resolve().parent
    if importlib.util.find_spec("fo_pose_plugin") is None:
        if not (here / "__init__.py").is_file():
            raise ImportError(
                f"{here} belongs to a wheel of another environment; `pip install` it in this one"
            )
        sys.path.append(str(here.parent))
    import fo_pose_plugin
    from fo_pose_plugin.app import register as register_all

    # In a wheel this file is a copy, two directories below the package (see pyproject.toml).
    imported = Path(str(fo_pose_plugin.__file__)).resolve().parent
    if imported not in (here, here.parent.parent):
        logging.getLogger("fo_pose_plugin").warning("the plugin is at %s, but %s is imported", here, imported)
    register_all(plugin)

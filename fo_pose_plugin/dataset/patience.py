"""Wait for a database that is away for a moment: a restart must not end a run of hours."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from fo_pose_plugin.errors import RunError

__all__ = ["patiently"]

Result = TypeVar("Result")

PATIENCE_S = 60.0
PAUSE_S = 0.5


def patiently(action: Callable[[], Result]) -> Result:
    """Do something with the database, and again while it cannot be reached, for a minute.

    Args:
        action: It may be carried out twice, since the connection may break after the work is done.

    Raises:
        RunError: If the database is away for longer.
    """
    from pymongo.errors import ConnectionFailure, CursorNotFound

    began = time.monotonic()
    while True:
        try:
            return action()
        except (ConnectionFailure, CursorNotFound) as error:
            away_s = time.monotonic() - began
            if away_s > PATIENCE_S:
                raise RunError(
                    f"FiftyOne's database has not answered for {away_s:.0f} s: start it again, then resume "
                    f"the run, which goes on where it was ({str(error)[:200]})"
                ) from error
            time.sleep(PAUSE_S)

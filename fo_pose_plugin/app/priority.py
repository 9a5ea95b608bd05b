"""Let a run in the background go behind what people wait for, on the processors that both share."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["behind_the_app"]

logger = logging.getLogger(__name__)

NICENESS = 15
WAIT_POLICY = "OMP_WAIT_POLICY"
# Linux's "autogroup" (man 7 sched): "/autogroup-7 nice 0".
SESSION_GROUP = Path("/proc/self/autogroup")
# Linux takes a new value from users ten times per second, of all of them together, and says EAGAIN else.
SESSION_TRIES = 20
SESSION_PAUSE_S = 0.1


@contextmanager
def behind_the_app() -> Iterator[None]:
    """Lower the priority of this thread, of the threads it starts meanwhile, and of the session's programs.

    The App's server, its database and the browser then get a processor when they want one, and the run gets
    what is left, which is nearly everything. Where only an administrator may raise a priority again, it
    stays lowered: a process that carries out delegated runs has nothing else to do.

    A thread's priority alone is not enough: most Linux systems share processors fairly among login sessions
    first, and a thread's priority is worth something among those of its own session only. A worker that was
    started in another terminal than the App is in a session of its own, whose share is lowered too.

    torch's threads are made to sleep where they wait for each other, unless torch is loaded already. Their
    default is to spin, for as long as the one that they wait for has to wait for a processor: beside others
    that work, two threads on two processors took 17 times the time of one.
    """
    os.environ.setdefault(WAIT_POLICY, "passive")  # OpenMP reads it once, when torch loads it
    before = os.getpriority(os.PRIO_PROCESS, 0)
    session_before = _session_niceness()
    os.setpriority(os.PRIO_PROCESS, 0, max(before, NICENESS))
    if session_before is not None:
        _set_session_niceness(max(session_before, NICENESS))
    try:
        yield
    finally:
        if session_before is not None:
            _set_session_niceness(session_before)
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, before)


def _session_niceness() -> int | None:
    """Give the niceness of this process's session, None where the system groups nothing by sessions."""
    try:
        found = re.search(r"nice (-?\d+)", SESSION_GROUP.read_text())
    except OSError:
        return None
    return None if found is None else int(found.group(1))


def _set_session_niceness(niceness: int) -> None:
    for _ in range(SESSION_TRIES):
        try:
            SESSION_GROUP.write_text(str(niceness))
        except BlockingIOError:
            time.sleep(SESSION_PAUSE_S)
        except OSError as error:  # a run is worth more than its place in the queue
            logger.debug("the priority of this session stays as it is: %s", error)
            return
        else:
            return

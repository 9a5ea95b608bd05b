"""Stop a run, in whatever process it goes on; what it has done is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fo_pose_plugin.dataset.runs import request_stop, running_runs

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["list_running", "stop_run"]


def list_running(dataset: fo.Dataset) -> dict[str, str]:
    """Describe the runs that are marked as running, by run id.

    A run whose process was killed stays marked until it is resumed.
    """
    return {
        run_id: (
            f"{config['settings']['model']} into {config['pose_field']}, "
            f"since {config['started_at'][:19]} UTC"
        )
        for run_id, config in running_runs(dataset).items()
    }


def stop_run(dataset: fo.Dataset, run_id: str) -> None:
    """Ask a run to stop; it does so within seconds, and ``resume`` can take it up.

    Raises:
        RunError: If there is no such run or it is not running.
    """
    request_stop(dataset, run_id)

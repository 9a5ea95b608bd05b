"""The record of a run: a FiftyOne custom run that says what was done, with what, and how it ended."""

from __future__ import annotations

import platform
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from fo_pose_plugin.dataset.fiftyone_internals import (
    read_run_config,
    read_run_configs,
    replace_run_config_values,
    set_run_config_value,
)
from fo_pose_plugin.dataset.patience import patiently
from fo_pose_plugin.errors import RunError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "RunRecord",
    "RunStatus",
    "check_idle",
    "find_resumable",
    "find_run",
    "forget_run",
    "list_runs",
    "live_runs",
    "request_stop",
    "running_runs",
]

RunStatus: TypeAlias = Literal["running", "completed", "stopped", "failed"]

METHOD = "fo_pose_plugin/estimate_poses"
STORED = frozenset(
    [
        "method",
        "pose_field",
        "settings",
        "details",
        "status",
        "stop_requested",
        "started_at",
        "alive_at",
        "process",
        "ended_at",
        "counts",
        "failures",
        "message",
    ]
)
MAX_FAILURES = 100
MAX_FAILURE_CHARS = 300
# A run says every few seconds that it goes on; one image of a large crowd may take minutes.
SILENCE_OF_THE_DEAD = timedelta(minutes=5)


@dataclass(slots=True)
class RunRecord:
    """One run in a dataset. Make it with `start` or `take_up`.

    Args:
        dataset: The dataset.
        run_id: Its key among the dataset's runs.
        config: What is stored: ``settings`` (what a resumed run must share), ``details``, ``status``,
            ``counts``, ``failures`` (at most 100) and times.
    """

    dataset: fo.Dataset
    run_id: str
    config: dict[str, Any]

    @classmethod
    def start(
        cls, dataset: fo.Dataset, pose_field: str, settings: Mapping[str, Any], details: Mapping[str, Any]
    ) -> RunRecord:
        """Register a run as running, before the first sample is written."""
        now = datetime.now(timezone.utc)
        run_id = f"pose_run_{now:%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
        config = {
            "method": METHOD,
            "pose_field": pose_field,
            "settings": dict(settings),
            "details": dict(details),
            "status": "running",
            "stop_requested": False,
            "started_at": now.isoformat(),
            "alive_at": now.isoformat(),
            "process": _this_process(),
            "ended_at": None,
            "counts": {},
            "failures": {},
            "message": None,
        }
        dataset.register_run(run_id, dataset.init_run(**config))
        return cls(dataset, run_id, config)

    @classmethod
    def take_up(cls, dataset: fo.Dataset, run_id: str) -> RunRecord:
        """Continue a run that was interrupted or had failures.

        Raises:
            RunError: If there is no such run, or it goes on.
        """
        config = _load(dataset, run_id)
        if config.get("status") == "running" and _is_alive(config):
            raise _goes_on(run_id, str(config.get("pose_field")))
        changes = {
            "status": "running",
            "stop_requested": False,
            "ended_at": None,
            "alive_at": _now(),
            "process": {**_this_process(), "turn": secrets.token_hex(4)},
        }
        # Of two that take it up at once, one finds the process changed.
        if not replace_run_config_values(dataset, run_id, "process", config.get("process"), changes):
            raise _goes_on(run_id, str(config.get("pose_field")))
        return cls(dataset, run_id, {**config, **changes})

    def check_alone(self) -> None:
        """Give way to another run that began on the same field at the same moment, a little earlier.

        Raises:
            RunError: If there is one; this run is then marked as failed.
        """
        others = live_runs(self.dataset, self.config["pose_field"])
        own = (self.config["started_at"], self.run_id)
        earlier = [key for key, other in others.items() if (other["started_at"], key) < own]
        if earlier:
            error = _goes_on(earlier[0], self.config["pose_field"])
            self.finish("failed", {}, {}, str(error))
            raise error

    def note(self, **details: Any) -> None:
        """Add to the details."""
        self._save(details={**self.config["details"], **details})

    def stop_requested(self) -> bool:
        """Say that this run goes on, and see whether anyone, in any process, asked it to stop.

        A run that was deleted stops too.
        """
        self.config["alive_at"] = now = _now()
        patiently(lambda: set_run_config_value(self.dataset, self.run_id, "alive_at", now))
        config = patiently(lambda: read_run_config(self.dataset, self.run_id))
        return config is None or bool(config.get("stop_requested"))

    def finish(
        self,
        status: RunStatus,
        counts: Mapping[str, Any],
        failures: Mapping[str, str],
        message: str | None = None,
    ) -> None:
        """Store how the run ended.

        A MongoDB document ends at 16 MB, so of the failures only the first hundred are kept; each
        sample's own error field holds its message.
        """
        kept = {key: text[:MAX_FAILURE_CHARS] for key, text in list(failures.items())[:MAX_FAILURES]}
        self._save(
            status=status,
            counts=dict(counts),
            failures=kept,
            message=message,
            ended_at=_now(),
        )

    def _save(self, **changes: Any) -> None:
        self.config.update(changes)
        if patiently(lambda: read_run_config(self.dataset, self.run_id)) is None:
            return  # someone deleted the record while the run went on; the labels bear its id all the same
        run = self.dataset.init_run(**self.config)
        patiently(lambda: self.dataset.update_run_config(self.run_id, run))


def list_runs(dataset: fo.Dataset, pose_field: str | None = None) -> dict[str, dict[str, Any]]:
    """Give the configs of this plugin's runs by run id, the newest last."""
    found = {
        run_id: config
        for run_id, config in read_run_configs(dataset, METHOD).items()
        if pose_field is None or config.get("pose_field") == pose_field
    }
    return dict(sorted(found.items(), key=lambda item: str(item[1].get("started_at"))))


def running_runs(dataset: fo.Dataset, pose_field: str | None = None) -> dict[str, dict[str, Any]]:
    """Give the runs that are marked as running; one that was killed stays marked until it is taken up."""
    return {k: v for k, v in list_runs(dataset, pose_field).items() if v.get("status") == "running"}


def live_runs(dataset: fo.Dataset, pose_field: str | None = None) -> dict[str, dict[str, Any]]:
    """Give the runs that go on now.

    One that was not heard of for five minutes does not, and one whose process on this machine has ended.
    """
    return {k: v for k, v in running_runs(dataset, pose_field).items() if _is_alive(v)}


def _is_alive(config: Mapping[str, Any]) -> bool:
    import psutil

    heard_of = datetime.fromisoformat(config.get("alive_at") or config["started_at"])
    if datetime.now(timezone.utc) - heard_of > SILENCE_OF_THE_DEAD:
        return False
    process = config.get("process") or {}
    if process.get("host") != platform.node():
        return True
    try:
        # A number may have been given to another process since.
        return bool(psutil.Process(process["pid"]).create_time() == process["started"])
    except psutil.NoSuchProcess:
        return False


def _this_process() -> dict[str, Any]:
    import psutil

    own = psutil.Process()
    return {"host": platform.node(), "pid": own.pid, "started": own.create_time()}


def check_idle(dataset: fo.Dataset, pose_field: str) -> None:
    """Check that no run goes on in a field.

    Raises:
        RunError: If one does.
    """
    for run_id in live_runs(dataset, pose_field):
        raise _goes_on(run_id, pose_field)


def find_run(dataset: fo.Dataset, run_id: str) -> dict[str, Any]:
    """Give a run's config.

    Raises:
        RunError: If there is no such run; it says which there are.
    """
    return _load(dataset, run_id)


def forget_run(dataset: fo.Dataset, run_id: str) -> None:
    """Delete a run's record, whoever made it in whatever process; labels are not touched."""
    dataset.reload()  # FiftyOne answers from memory, and would not know another process's run
    if run_id in dataset.list_runs():
        dataset.delete_run(run_id)


def find_resumable(dataset: fo.Dataset, pose_field: str, settings: Mapping[str, Any]) -> str | None:
    """Find the run to resume: the newest on this field.

    Returns:
        Its id, or None where no run has been made.

    Raises:
        RunError: If the newest run used other settings; it says which.
    """
    runs = list_runs(dataset, pose_field)
    if not runs:
        return None
    run_id, config = next(reversed(runs.items()))
    before = config.get("settings") or {}
    differing = sorted(key for key in {*before, *settings} if before.get(key) != settings.get(key))
    if differing:
        changes = "; ".join(
            f"{key} was {before.get(key)!r} and is {settings.get(key)!r}" for key in differing
        )
        raise RunError(
            f"run {run_id} on field {pose_field!r} cannot be resumed with other settings: {changes}; use the "
            "same, choose another pose_field, or overwrite"
        )
    return run_id


def request_stop(dataset: fo.Dataset, run_id: str) -> None:
    """Ask a run to stop after what it is doing; what it has done is kept.

    Raises:
        RunError: If there is no such run or it is not running.
    """
    config = _load(dataset, run_id)
    if config.get("status") != "running":
        raise RunError(f"run {run_id} is not running: it is {config.get('status')}")
    set_run_config_value(dataset, run_id, "stop_requested", True)


def _goes_on(run_id: str, pose_field: str) -> RunError:
    return RunError(
        f"run {run_id} is writing into field {pose_field!r}: wait for its end or stop it "
        "(stop_estimate_poses), or choose another field. If it ran on another machine that is gone, wait "
        "five minutes"
    )


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()


def _load(dataset: fo.Dataset, run_id: str) -> dict[str, Any]:
    config = read_run_config(dataset, run_id)
    if config is None or config.get("method") != METHOD:
        known = ", ".join(list_runs(dataset)) or "none"
        raise RunError(f"there is no pose run {run_id!r} in dataset {dataset.name!r}; runs: {known}")
    return {key: value for key, value in config.items() if key in STORED}

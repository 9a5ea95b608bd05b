from __future__ import annotations

from collections.abc import Callable

import fiftyone as fo
import pytest

from fo_pose_plugin.dataset.runs import RunRecord
from fo_pose_plugin.errors import RunError
from fo_pose_plugin.tasks.stop_run import list_running, stop_run

MakeDataset = Callable[..., fo.Dataset]


def start(dataset: fo.Dataset, pose_field: str, model: str) -> RunRecord:
    return RunRecord.start(dataset, pose_field, {"model": model}, {})


def test_runs_that_go_on_are_described(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    assert list_running(dataset) == {}
    first, second = start(dataset, "poses", "tiny"), start(dataset, "whole", "large")
    started = first.config["started_at"][:19]
    assert list_running(dataset) == {
        first.run_id: f"tiny into poses, since {started} UTC",
        second.run_id: f"large into whole, since {second.config['started_at'][:19]} UTC",
    }
    first.finish("completed", {}, {})
    assert list(list_running(dataset)) == [second.run_id]


def test_a_run_is_asked_to_stop_once_it_is_found(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    record = start(dataset, "poses", "tiny")
    stop_run(dataset, record.run_id)
    assert record.stop_requested()
    assert list(list_running(dataset)) == [record.run_id]  # until it has noticed
    with pytest.raises(RunError, match=f"no pose run 'x' in dataset '{dataset.name}'; runs: {record.run_id}"):
        stop_run(dataset, "x")
    record.finish("stopped", {}, {})
    with pytest.raises(RunError, match="is not running: it is stopped"):
        stop_run(dataset, record.run_id)

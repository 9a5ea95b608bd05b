from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import fiftyone as fo
import pytest

from fo_pose_plugin.dataset import runs
from fo_pose_plugin.dataset.fiftyone_internals import read_run_config
from fo_pose_plugin.dataset.runs import (
    RunRecord,
    check_idle,
    find_resumable,
    list_runs,
    live_runs,
    request_stop,
    running_runs,
)
from fo_pose_plugin.errors import RunError

MakeDataset = Callable[..., fo.Dataset]
SETTINGS = {"model": "tiny", "flip_test": False, "box_threshold": 0.3, "box_labels": ["person"]}
DETAILS = {"versions": {"torch": "2.6", "fo-pose.plugin": "0.1"}, "input_size_wh": [64, 64], "x": None}
COUNTS = {"samples": 3, "people": 5, "skipped": 0, "failed": 0}


def start(dataset: fo.Dataset, pose_field: str = "poses", **settings: Any) -> RunRecord:
    return RunRecord.start(dataset, pose_field, {**SETTINGS, **settings}, DETAILS)


def in_another_process(code: str, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", f"import sys, fiftyone as fo\n{code}", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_run_is_known_to_fiftyone_as_running(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    record = start(dataset)
    assert dataset.list_runs() == [record.run_id]
    assert re.fullmatch(r"pose_run_\d{8}_\d{6}_[0-9a-f]{6}", record.run_id)
    assert record.run_id.isidentifier()
    config = dataset.get_run_info(record.run_id).config
    assert (config.status, config.ended_at, config.pose_field) == ("running", None, "poses")
    assert config.method == "fo_pose_plugin/estimate_poses"
    assert list(running_runs(dataset)) == [record.run_id]


def test_ids_do_not_repeat(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    assert len({start(dataset).run_id for _ in range(5)}) == 5


def test_what_is_stored_is_plain_json(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    record = start(dataset)
    dataset.reload()
    config = dataset.get_run_info(record.run_id).config
    assert json.loads(config.to_str())["settings"] == SETTINGS
    assert (config.settings, config.details) == (SETTINGS, DETAILS)
    stored = list_runs(dataset)[record.run_id]
    assert {key: stored[key] for key in ("settings", "details")} == {"settings": SETTINGS, "details": DETAILS}


@pytest.mark.parametrize("status", ["completed", "stopped", "failed"])
def test_how_it_ended_is_stored(make_dataset: MakeDataset, status: runs.RunStatus) -> None:
    dataset = make_dataset()
    record = start(dataset)
    record.finish(
        status, COUNTS, {"6b03": "image is empty"}, "ValueError: no" if status == "failed" else None
    )
    for source in (dataset.get_run_info(record.run_id).config.serialize(), list_runs(dataset)[record.run_id]):
        assert (source["status"], source["counts"]) == (status, COUNTS)
        assert source["failures"] == {"6b03": "image is empty"}
        assert source["message"] == ("ValueError: no" if status == "failed" else None)
        assert source["started_at"] < source["ended_at"]
    assert running_runs(dataset) == {}


def test_of_many_failures_a_hundred_are_kept_and_short(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    record = start(dataset)
    record.finish("completed", COUNTS, {f"{index:024x}": "x" * 100_000 for index in range(5_000)})
    failures = list_runs(dataset)[record.run_id]["failures"]
    assert len(failures) == 100
    assert max(map(len, failures.values())) <= 300


def test_other_runs_are_not_ours(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    dataset.register_run("theirs", dataset.init_run(method="someone/else", pose_field="poses"))
    assert list_runs(dataset) == {}
    assert find_resumable(dataset, "poses", SETTINGS) is None
    with pytest.raises(RunError, match=r"no pose run 'theirs' .*runs: none"):
        request_stop(dataset, "theirs")


def test_runs_are_listed_by_field_the_newest_last(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    first, other, second = start(dataset), start(dataset, "other"), start(dataset)
    assert list(list_runs(dataset)) == [first.run_id, other.run_id, second.run_id]
    assert list(list_runs(dataset, "poses")) == [first.run_id, second.run_id]
    assert list(list_runs(dataset, "nothing")) == []


def test_runs_of_another_dataset_are_not_listed(make_dataset: MakeDataset) -> None:
    start(make_dataset())
    assert list_runs(make_dataset()) == {}


def test_the_newest_run_is_resumed(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    assert find_resumable(dataset, "poses", SETTINGS) is None
    start(dataset, model="another").finish("completed", COUNTS, {})
    second = start(dataset)
    start(dataset, "other", model="another")
    assert find_resumable(dataset, "poses", SETTINGS) == second.run_id


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "huge"}, "model was 'tiny' and is 'huge'"),
        ({"flip_test": True}, "flip_test was False and is True"),
        ({"box_threshold": None}, "box_threshold was 0.3 and is None"),
        ({"box_labels": None, "model": "m"}, r"box_labels was \['person'\] and is None; model was 'tiny'"),
        ({"new": 1}, "new was None and is 1"),
    ],
)
def test_other_settings_are_named(make_dataset: MakeDataset, changes: dict[str, Any], words: str) -> None:
    dataset = make_dataset()
    run_id = start(dataset).run_id
    with pytest.raises(RunError, match=words) as caught:
        find_resumable(dataset, "poses", {**SETTINGS, **changes})
    assert run_id in str(caught.value)
    assert "choose another pose_field, or overwrite" in str(caught.value)


def start_and_die(dataset: fo.Dataset) -> str:
    """Start a run in a process that ends without a word."""
    code = (
        "import os\n"
        "from fo_pose_plugin.dataset.runs import RunRecord\n"
        f"record = RunRecord.start(fo.load_dataset(sys.argv[1]), 'poses', {SETTINGS!r}, {DETAILS!r})\n"
        "sys.stdout.write(record.run_id); sys.stdout.flush(); os._exit(0)"
    )
    run_id = in_another_process(code, dataset.name).split()[-1]
    dataset.reload()
    return run_id


def test_a_run_that_is_taken_up_runs_again(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    run_id = start_and_die(dataset)
    request_stop(dataset, run_id)
    RunRecord.take_up(dataset, run_id).finish("stopped", COUNTS, {})
    record = RunRecord.take_up(dataset, run_id)
    assert not record.stop_requested()
    stored = list_runs(dataset)[run_id]
    assert (stored["status"], stored["ended_at"], stored["settings"]) == ("running", None, SETTINGS)
    assert dataset.list_runs() == [run_id]


def test_it_is_known_which_runs_live(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    dead = start_and_die(dataset)
    assert list(running_runs(dataset)) == [dead]
    assert live_runs(dataset) == {}
    check_idle(dataset, "poses")
    record = start(dataset)
    assert list(live_runs(dataset)) == list(live_runs(dataset, "poses")) == [record.run_id]
    check_idle(dataset, "other")
    for refused in (lambda: check_idle(dataset, "poses"), lambda: RunRecord.take_up(dataset, record.run_id)):
        with pytest.raises(RunError, match=f"run {record.run_id} is writing into field 'poses'"):
            refused()
    record.stop_requested()
    before = read_run_config(dataset, record.run_id)["alive_at"]
    record.stop_requested()
    assert read_run_config(dataset, record.run_id)["alive_at"] > before
    record.finish("completed", COUNTS, {})
    check_idle(dataset, "poses")


def test_of_two_that_begin_at_once_the_later_gives_way(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    first, second, elsewhere = start(dataset), start(dataset), start(dataset, "other")
    first.check_alone()
    elsewhere.check_alone()
    with pytest.raises(RunError, match=f"run {first.run_id} is writing"):
        second.check_alone()
    assert list_runs(dataset)[second.run_id]["status"] == "failed"


def test_of_two_that_take_up_a_run_at_once_one_gets_it(
    make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_dataset()
    run_id = start_and_die(dataset)
    # Both have seen that it is dead before either takes it up.
    monkeypatch.setattr(runs, "_is_alive", lambda config: False)
    load = runs._load
    seen = load(dataset, run_id)
    monkeypatch.setattr(runs, "_load", lambda *_: dict(seen))
    RunRecord.take_up(dataset, run_id)
    with pytest.raises(RunError, match="is writing"):
        RunRecord.take_up(dataset, run_id)


def test_only_a_run_of_ours_can_be_taken_up(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    known = start(dataset).run_id
    with pytest.raises(RunError, match=f"no pose run 'pose_run_x' .*runs: {known}"):
        RunRecord.take_up(dataset, "pose_run_x")


def test_a_stop_is_seen_and_nothing_else_changes(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    record = start(dataset)
    assert not record.stop_requested()
    request_stop(dataset, record.run_id)
    assert record.stop_requested()
    stored = list_runs(dataset)[record.run_id]
    assert stored == {**stored, **record.config, "stop_requested": True}


def test_only_what_runs_can_be_stopped(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    record = start(dataset)
    record.finish("completed", COUNTS, {})
    with pytest.raises(RunError, match=f"{record.run_id} is not running: it is completed"):
        request_stop(dataset, record.run_id)


def test_a_record_that_is_deleted_stops_the_run_and_stays_deleted(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    record = start(dataset)
    dataset.delete_run(record.run_id)
    assert record.stop_requested()
    record.finish("stopped", COUNTS, {})
    assert dataset.list_runs() == []
    assert list_runs(dataset) == {}


def test_processes_see_what_others_do(make_dataset: MakeDataset) -> None:
    stopped, deleted, begun = (make_dataset() for _ in range(3))
    to_stop, to_delete = start(stopped), start(deleted)
    assert list_runs(begun) == {}
    code = """
from fo_pose_plugin.dataset.runs import RunRecord, request_stop, running_runs
stopped, deleted, begun = map(fo.load_dataset, sys.argv[1:])
(run_id,) = running_runs(stopped)
request_stop(stopped, run_id)
(run_id,) = deleted.list_runs()
deleted.delete_run(run_id)
print("run", RunRecord.start(begun, "poses", {}, {}).run_id)
"""
    new_run = in_another_process(code, stopped.name, deleted.name, begun.name).split()[-1]
    assert to_stop.stop_requested()

    assert to_delete.stop_requested()
    to_delete.finish("stopped", COUNTS, {})
    assert list_runs(deleted) == {}  # it does not come back
    deleted.reload()
    assert deleted.list_runs() == []

    assert list(running_runs(begun)) == [new_run]
    request_stop(begun, new_run)
    config = read_run_config(begun, new_run)
    assert config is not None
    assert config["stop_requested"] is True

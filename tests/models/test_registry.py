from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from fo_pose_plugin.errors import ConfigError, ModelError, UnknownModelError
from fo_pose_plugin.models import registry
from fo_pose_plugin.models.registry import (
    RegistryEntry,
    check_name_is_free,
    list_entries,
    list_names,
    load_entry,
    new_entry,
    registry_home,
    remove_entry,
    save_entry,
)

REPOSITORY = Path(__file__).resolve().parents[2]
SHA256 = "0123456789abcdef" * 4
CONFIG = {
    "model": {"type": "TopdownPoseEstimator", "head": {"deconv": (256, 256), "loss": None, "beta": 0.1}},
    "info": {0: {"name": "nose", "swap": ""}, 1: {"name": "Ellbögen", "link": ("a", "b")}},
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FO_POSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def entry(name: str = "tinypose", kind: Any = "model", **changes: Any) -> RegistryEntry:
    content = {"checkpoint": "/weights/tiny.pth", "checkpoint_sha256": SHA256, **changes}
    config = content.pop("config", CONFIG)
    return new_entry(kind, name, config, {"name": "coco", "edges": [[0, 1]]}, **content)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def file_of(home: Path, name: str, folder: str = "models") -> Path:
    return home / "registry" / folder / f"{name}.json"


def test_what_was_saved_is_loaded_with_types_and_all(home: Path) -> None:
    saved = entry()
    path = save_entry(saved)
    assert path == file_of(home, "tinypose")
    loaded = load_entry("model", "tinypose")
    assert loaded == saved
    assert type(loaded.config["model"]["head"]["deconv"]) is tuple
    assert list(loaded.config["info"]) == [0, 1]
    assert names_in(path.parent) == ["tinypose.json"]


def test_the_file_says_what_it_is(home: Path) -> None:
    saved = entry("yolo", "detector")
    content = json.loads(save_entry(saved).read_text())
    assert content.keys() == {
        "schema_version", "kind", "name", "added_at", "checkpoint", "checkpoint_sha256", "config_sha256",
        "metainfo", "config",
    }  # fmt: skip
    assert file_of(home, "yolo", "detectors").is_file()
    assert content["config_sha256"] == saved.config_sha256
    added = datetime.fromisoformat(content["added_at"])
    assert abs((datetime.now(timezone.utc) - added).total_seconds()) < 60


def test_home_is_the_variable_or_in_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FO_POSE_HOME", "~/mine")
    assert registry_home() == tmp_path / "mine"
    monkeypatch.setenv("FO_POSE_HOME", "")
    assert registry_home() == tmp_path / ".fo_pose"
    monkeypatch.delenv("FO_POSE_HOME")
    assert registry_home() == tmp_path / ".fo_pose"


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "-x", "a/b", "../a", "a\\b", "a b", "ä", "a\n", "a\0", "x" * 101]
)
def test_a_name_that_could_leave_the_folder_is_refused(home: Path, name: str) -> None:
    with pytest.raises(ModelError, match="cannot be a model's name: at most 100 letters"):
        entry(name)
    with pytest.raises(ModelError, match="cannot be a model's name"):
        check_name_is_free("model", name)
    with pytest.raises(UnknownModelError):
        load_entry("model", name)
    with pytest.raises(UnknownModelError):
        remove_entry("model", name)
    assert not home.exists()


@pytest.mark.parametrize(
    "name", ["a", "_x", "td-hm_hrnet-w32_8xb64-210e_coco-256x192", "v1.0", "x" * 100, "a.json"]
)
def test_usual_names_will_do(name: str) -> None:
    save_entry(entry(name))
    assert list_names("model") == [name]
    assert load_entry("model", name).name == name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpoint": "weights/tiny.pth"}, "'weights/tiny.pth' is no absolute path"),
        ({"checkpoint_sha256": "abc"}, "'abc' is no sha256"),
        ({"kind": "network"}, "'network' is no kind of entry: expected one of model, detector"),
    ],
)
def test_an_entry_is_checked_when_made(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        entry(**changes)


def test_a_config_that_is_no_data_leaves_nothing_behind(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.model\.type is a type"):
        save_entry(entry(config={"model": {"type": dict}}))
    assert list_names("model") == []
    assert not list(home.rglob("*.json*"))


def test_a_taken_name_says_what_is_there() -> None:
    first = entry()
    save_entry(first)
    other = entry(checkpoint="/weights/other.pth")
    for attempt in (lambda: save_entry(other), lambda: check_name_is_free("model", "tinypose")):
        with pytest.raises(
            ModelError, match=r"a model 'tinypose' already, with the weights /weights/tiny\.pth"
        ):
            attempt()
    assert load_entry("model", "tinypose") == first
    check_name_is_free("model", "tinypose", overwrite=True)
    check_name_is_free("detector", "tinypose")
    save_entry(other, overwrite=True)
    assert load_entry("model", "tinypose") == other


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(
        UnknownModelError, match=r"no model 'x'\. Registered models: none yet\. .*add_model\("
    ):
        load_entry("model", "x")
    for name in ("b", "a"):
        save_entry(entry(name))
    save_entry(entry("d", "detector"))
    with pytest.raises(UnknownModelError, match=r"Registered models: a, b\. Add one with"):
        load_entry("model", "d")
    with pytest.raises(UnknownModelError, match=r"Registered detectors: d\. Add one with .*add_detector\("):
        remove_entry("detector", "a")


def test_a_removed_entry_is_gone_and_another_may_take_its_name() -> None:
    save_entry(entry())
    remove_entry("model", "tinypose")
    assert list_names("model") == []
    with pytest.raises(UnknownModelError):
        remove_entry("model", "tinypose")
    save_entry(entry())


def changed(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, **changes}))


DAMAGE: dict[str, tuple[Any, str]] = {
    "truncated": (lambda path: path.write_text(path.read_text()[:200]), "is damaged"),
    "empty": (lambda path: path.write_text(""), "is damaged"),
    "binary": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is damaged"),
    "a list": (lambda path: path.write_text("[]"), "is damaged"),
    "nested too deep": (lambda path: path.write_text("[" * 100_000), "is damaged"),
    "a part is missing": (
        lambda path: path.write_text('{"schema_version": 1}'),
        r"is damaged \(KeyError: 'kind'",
    ),
    "a part of another type": (lambda path: changed(path, config=[1]), "expected a dict, got list"),
    "a text is a number": (lambda path: changed(path, checkpoint=5), "is damaged"),
    "the config was edited": (lambda path: changed(path, config={"model": {}}), "was changed after"),
    "the hash was edited": (lambda path: changed(path, config_sha256=SHA256), "was changed after"),
    "another name": (lambda path: changed(path, name="other"), "holds the model 'other'"),
    "another kind": (lambda path: changed(path, kind="detector"), "holds the detector 'tinypose'"),
    "a relative checkpoint": (lambda path: changed(path, checkpoint="tiny.pth"), "no absolute path"),
    "a later version": (lambda path: changed(path, schema_version=2), "schema version is 2, expected 1"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_entry_is_named_when_used_and_hides_no_other(home: Path, what: str) -> None:
    for name in ("another", "tinypose"):
        save_entry(entry(name))
    damage, message = DAMAGE[what]
    path = file_of(home, "tinypose")
    damage(path)
    with pytest.raises(ConfigError, match=message) as caught:
        load_entry("model", "tinypose")
    assert str(path) in str(caught.value)
    assert "Remove the model and add it again" in str(caught.value)
    listing = list_entries("model")
    assert [found.name for found in listing.entries] == ["another"]
    assert dict(listing.damaged) == {"tinypose": str(caught.value)}
    assert list_names("model") == ["another", "tinypose"]
    with pytest.raises(ModelError, match="there is a model 'tinypose' already, but cannot be used"):
        save_entry(entry())
    remove_entry("model", "tinypose")
    save_entry(entry())


def test_files_that_are_no_entries_are_passed_over(home: Path) -> None:
    save_entry(entry())
    for name in (".tinypose.json.0123.tmp", ".hidden.json", "notes.txt", "two words.json"):
        (home / "registry" / "models" / name).write_text("{}")
    assert list_names("model") == ["tinypose"]
    assert not list_entries("model").damaged


def test_a_folder_that_cannot_be_written_is_said_in_words(home: Path) -> None:
    home.write_text("a file in the folder's place")
    with pytest.raises(ModelError, match=r"cannot be kept in .*Not a directory.*FO_POSE_HOME"):
        save_entry(entry())
    assert list_names("model") == []


def test_a_full_disk_leaves_nothing_half_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_entry(entry("another"))

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ModelError, match=r"cannot be kept in .*No space left on device"):
        save_entry(entry())
    assert names_in(home / "registry" / "models") == ["another.json"]


def test_a_file_system_without_links_will_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    save_entry(entry())
    with pytest.raises(ModelError, match="there is a model 'tinypose' already"):
        save_entry(entry())
    assert names_in(home / "registry" / "models") == ["tinypose.json"]


ADD = """
import sys, time
from fo_pose_plugin.errors import ModelError
from fo_pose_plugin.models.registry import new_entry, save_entry, load_entry
worker, overwrite, start = sys.argv[1], sys.argv[2] == "overwrite", float(sys.argv[3])
config = {"model": {"worker": worker, "filling": list(range(5000))}}
time.sleep(max(0, start - time.time()))
added = 0
for turn in range(40):
    name = f"name{turn}"
    entry = new_entry("model", name, config, {}, checkpoint=f"/{worker}", checkpoint_sha256="0" * 64)
    try:
        save_entry(entry, overwrite=overwrite)
        added += 1
    except ModelError as error:
        assert "already, with the weights /" in str(error), error
    load_entry("model", name)
print(added)
"""


@pytest.mark.parametrize("mode", ["overwrite", "new"])
def test_processes_that_add_at_once_leave_whole_files(home: Path, mode: str) -> None:
    start = str(time.time() + 2)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", ADD, str(number), mode, start],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    outputs = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4, outputs
    added = sum(int(out) for out, _ in outputs)
    assert added == (160 if mode == "overwrite" else 40)
    assert not list_entries("model").damaged
    assert len(names_in(home / "registry" / "models")) == 40


def test_it_can_be_read_without_torch() -> None:
    code = """
import sys
from fo_pose_plugin.models import registry
registry.list_entries("model")
print("torch" in sys.modules)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert process.stdout == "False\n"


def test_entries_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry().name = "other"  # type: ignore[misc]
    assert "deconv" not in repr(entry())
    assert set(registry.__all__) <= set(vars(registry))

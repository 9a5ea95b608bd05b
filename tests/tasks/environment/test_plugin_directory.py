from __future__ import annotations

import json
from pathlib import Path

import pytest

from fo_pose_plugin.errors import InstallationError
from fo_pose_plugin.tasks.environment import plugin_directory

REPOSITORY = Path(__file__).resolve().parents[3]
NAME = "@fo-pose/fo_pose_plugin"


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """An empty plugins directory; it does not exist yet, as on a new machine."""
    monkeypatch.setenv("FIFTYONE_PLUGINS_DIR", str(tmp_path / "plugins"))
    return tmp_path / "plugins"


def make_plugin(directory: Path, name: str) -> Path:
    directory.mkdir(parents=True)
    (directory / "fiftyone.yml").write_text(f'name: "{name}"\n', encoding="utf-8")
    return directory


def ignore(_text: str) -> None:
    pass


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({}, {}),
        ({"FIFTYONE_PLUGINS_DIR": "/a/b"}, {"plugins_dir": "/c"}),
        ({}, {"plugins_dir": "/c/d"}),
        ({"FIFTYONE_DEFAULT_DATASET_DIR": "~/data"}, {}),
        ({}, {"default_dataset_dir": "~/x", "plugins_dir": None}),
    ],
)
def test_plugins_dir_is_where_fiftyone_itself_looks(variables, settings, tmp_path, monkeypatch):
    from fiftyone.core.config import load_config

    for name in ("FIFTYONE_PLUGINS_DIR", "FIFTYONE_DEFAULT_DATASET_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    monkeypatch.setenv("FIFTYONE_CONFIG_PATH", str(path))
    assert str(plugin_directory.plugins_dir()) == load_config().plugins_dir


def test_settings_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    path = tmp_path / "config.json"
    path.write_text("{", encoding="utf-8")
    monkeypatch.setenv("FIFTYONE_CONFIG_PATH", str(path))
    with pytest.raises(InstallationError, match=r"config\.json cannot be read"):
        plugin_directory.fiftyone_setting("default_dataset_dir")


def test_this_repository_is_the_plugin():
    assert plugin_directory.plugin_source() == REPOSITORY
    assert plugin_directory._plugin_name(REPOSITORY) == NAME


def test_plugins_are_found_as_fiftyone_finds_them(plugins, tmp_path):
    from fiftyone.plugins.core import _iter_plugin_metadata_files

    make_plugin(plugins / "one", "one")
    make_plugin(plugins / "one" / "inside", "not looked for inside a plugin")
    make_plugin(plugins / "group" / "two", "two")
    make_plugin(plugins / ".hidden", "hidden")
    make_plugin(tmp_path / "elsewhere", "linked")
    (plugins / "link").symlink_to(tmp_path / "elsewhere")
    found = set(plugin_directory._plugins_below(plugins))
    assert found == {Path(path).parent for path in _iter_plugin_metadata_files(str(plugins))}
    assert found == {plugins / "one", plugins / "group" / "two", plugins / "link"}


def test_a_link_that_leads_in_a_circle_ends(plugins):
    plugins.mkdir()
    (plugins / "round").symlink_to(plugins)
    assert list(plugin_directory._plugins_below(plugins)) == []


def test_linking_makes_the_plugin_known_and_can_be_repeated(plugins):
    said: list[str] = []
    plugin_directory.link_plugin(said.append)
    link = plugins / "fo_pose_plugin"
    assert link.resolve() == REPOSITORY
    assert plugin_directory.plugin_copies() == [link]
    plugin_directory.link_plugin(said.append)
    assert said[1].startswith("FiftyOne knows the plugin already")
    assert [path.name for path in plugins.iterdir()] == ["fo_pose_plugin"]


def test_a_dry_run_links_nothing(plugins):
    said: list[str] = []
    plugin_directory.link_plugin(said.append, dry_run=True)
    assert said
    assert not plugins.exists()


def test_another_copy_is_not_joined_by_this_one(plugins):
    make_plugin(plugins / "downloaded", NAME)
    with pytest.raises(InstallationError, match="already has another copy of this plugin"):
        plugin_directory.link_plugin(ignore)
    assert [path.name for path in plugins.iterdir()] == ["downloaded"]


def test_something_else_of_that_name_is_not_overwritten(plugins):
    kept = make_plugin(plugins / "fo_pose_plugin", "another plugin") / "fiftyone.yml"
    with pytest.raises(InstallationError, match="is not this plugin"):
        plugin_directory.link_plugin(ignore)
    assert "another plugin" in kept.read_text(encoding="utf-8")


def test_a_link_that_leads_nowhere_is_replaced(plugins, tmp_path):
    plugins.mkdir()
    (plugins / "fo_pose_plugin").symlink_to(tmp_path / "removed environment")
    plugin_directory.link_plugin(ignore, dry_run=True)
    assert not (plugins / "fo_pose_plugin").exists()
    plugin_directory.link_plugin(ignore)
    assert (plugins / "fo_pose_plugin").resolve() == REPOSITORY


def test_a_directory_that_cannot_be_written_is_named(plugins):
    plugins.parent.joinpath("plugins").write_text("a file, not a directory", encoding="utf-8")
    with pytest.raises(InstallationError, match="cannot link"):
        plugin_directory.link_plugin(ignore)

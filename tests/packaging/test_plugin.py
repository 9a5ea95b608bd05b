"""What FiftyOne's own loader makes of the plugin, in this environment."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.test_declarations import PROJECT

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def load():
    """Load a plugin directory with FiftyOne's own loader."""
    from fiftyone.plugins.context import PluginContext
    from fiftyone.plugins.definitions import PluginDefinition

    def load(directory: Path) -> PluginContext:
        context = PluginContext(PluginDefinition.from_disk(str(directory / "fiftyone.yml")))
        context.register_all()
        return context

    return load


def test_names_in_fiftyone_yml_are_the_registered_operators(load):
    context = load(REPOSITORY)
    assert context.errors == []
    assert sorted(operator.name for operator in context.instances) == sorted(
        context.plugin_definition.operators
    )


def test_registering_offers_nothing_that_fiftyone_yml_does_not_name():
    """FiftyOne skips what is not listed without a word."""
    from fiftyone.plugins.definitions import PluginDefinition

    from fo_pose_plugin.app import register

    class Recorder:
        def __init__(self):
            self.names = []

        def register(self, operator):
            self.names.append(operator(_builtin=False).name)

    recorder = Recorder()
    register(recorder)
    definition = PluginDefinition.from_disk(str(REPOSITORY / "fiftyone.yml"))
    assert sorted(recorder.names) == sorted(definition.operators)


def test_icons_and_script_are_files_of_the_plugin(load):
    context = load(REPOSITORY)
    for operator in context.instances:
        config = operator.config
        for icon in (config.icon, config.light_icon, config.dark_icon):
            if icon and "/" in icon:
                assert (REPOSITORY / icon.lstrip("/")).is_file(), f"{operator.name}: {icon}"
    declared = context.plugin_definition._metadata.get("js_bundle")
    assert declared is None or (REPOSITORY / declared).is_file()


def test_version_is_the_same_everywhere():
    import fo_pose_plugin

    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{fo_pose_plugin.__version__}"' in text
    from fiftyone.plugins.definitions import PluginDefinition

    assert PluginDefinition.from_disk(str(REPOSITORY / "fiftyone.yml")).version == fo_pose_plugin.__version__


def test_a_copy_warns_when_another_version_is_imported(load, tmp_path, caplog):
    copy = tmp_path / "copy"
    (copy / "fo_pose_plugin").mkdir(parents=True)
    for name in ("fiftyone.yml", "fo_pose_plugin/plugin.py", "fo_pose_plugin/__init__.py"):
        shutil.copy(REPOSITORY / name, copy / name)
    with caplog.at_level(logging.WARNING, logger="fo_pose_plugin"):
        load(REPOSITORY)
        assert not caplog.records
        assert load(copy).errors == []
    (record,) = caplog.records
    assert str(copy) in record.getMessage()
    assert str(REPOSITORY / "fo_pose_plugin") in record.getMessage()


def test_the_plugin_of_another_environments_wheel_says_so(tmp_path):
    nested = tmp_path / "fo_pose_plugin"
    nested.mkdir()
    shutil.copy(REPOSITORY / "fo_pose_plugin" / "plugin.py", nested)
    code = "import runpy, sys; runpy.run_path(sys.argv[1])['register'](None)"
    # Without site-packages, that is, where this package is not installed.
    command = [sys.executable, "-I", "-S", "-c", code, str(nested / "plugin.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "wheel of another environment" in done.stderr


def test_plugin_file_is_small():
    assert len((REPOSITORY / "fo_pose_plugin" / "plugin.py").read_text(encoding="utf-8").splitlines()) < 30


REGISTER_WITHOUT = """
import sys
import importlib.abc

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from fo_pose_plugin.app import register

class Context:
    registered = 0

    def register(self, operator):
        self.registered += 1

context = Context()
register(context)
print(context.registered)
"""


def test_operators_register_where_only_fiftyone_and_torch_are_installed():
    """A plugin that was only downloaded lacks the rest; FiftyOne would not say that operators are gone."""
    brought = _with_all_they_require(["fiftyone", "torch", "torchvision"])
    declared = PROJECT["project"]["dependencies"]
    ours = {canonicalize_name(Requirement(line).name) for line in declared} - brought
    ours |= {"mmengine", "mmcv-lite", "mmdet", "mmpose"}
    modules = {
        module
        for module, distributions in importlib.metadata.packages_distributions().items()
        if ours & set(map(canonicalize_name, distributions))
    }
    assert {"ijson", "mmpose", "pycocotools"} <= modules
    command = [sys.executable, "-W", "ignore", "-c", REGISTER_WITHOUT, ",".join(sorted(modules))]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 20


def _with_all_they_require(names):
    waiting, seen = list(names), set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            for line in importlib.metadata.requires(name) or []:
                required = Requirement(line)
                if required.marker is None or required.marker.evaluate({"extra": ""}):
                    waiting.append(required.name)
    return seen

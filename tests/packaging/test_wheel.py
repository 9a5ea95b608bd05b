"""The wheel in an empty environment, by plain pip."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def wheel(repository_copy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = repository_copy(folder / "repository")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(make_environment, wheel):
    made = make_environment("empty_environment")
    made.pip_install(wheel)
    return made


@pytest.fixture(scope="module")
def doctor_before(environment):
    script = environment.folder / "bin" / "fo-pose"
    return environment.run(script, "doctor", fails=True, FIFTYONE_DATABASE_URI="")


@pytest.fixture(scope="module")
def installed(environment, doctor_before):
    return environment.run(environment.folder / "bin" / "fo-pose", "install", FIFTYONE_DATABASE_URI="")


def test_it_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"fo_pose_plugin"}
    assert "fo_pose_plugin/py.typed" in names
    assert "fo_pose_plugin/models/mmpose_models.json" in names


def test_the_doctor_says_what_pip_did_not_bring(doctor_before):
    rows = {
        line.split()[1]: line.split()[0] for line in doctor_before.splitlines() if not line.startswith(" ")
    }
    assert {rows[name] for name in ("mmengine", "mmcv-lite", "mmdet", "mmpose")} == {"error"}
    assert {rows[name] for name in ("python", "fiftyone", "torch", "torchvision", "cv2")} == {"ok"}
    assert "to do: run `fo-pose install`" in doctor_before


def test_fo_pose_install_completes(installed, environment):
    assert installed.splitlines()[-1] == "everything that poses need is installed"
    doctor = environment.run(environment.folder / "bin" / "fo-pose", "doctor", FIFTYONE_DATABASE_URI="")
    assert {line.split()[0] for line in doctor.splitlines()} == {"ok"}


def test_the_linked_plugin_is_all_there(installed, environment):
    plugin = environment.loaded_plugin()
    assert plugin["errors"] == []
    assert plugin["operators"] == plugin["declared"] != []
    directory = Path(plugin["directory"])
    assert directory.is_symlink()
    assert directory.resolve().is_relative_to(environment.site_packages())
    assert plugin["icons"]
    for icon in plugin["icons"]:
        assert "/" not in icon or (directory / icon.lstrip("/")).is_file(), icon


def test_the_command_has_nothing_left_to_do(installed, environment):
    script = environment.folder / "bin" / "fo-pose"
    (said,) = environment.run(script, "install", "--dry-run", FIFTYONE_DATABASE_URI="").splitlines()
    assert said.startswith("FiftyOne knows the plugin already: ")


def test_the_sdk_works(installed, environment):
    code = (
        "import sys, fo_pose_plugin as fop; heavy = {'torch', 'fiftyone', 'cv2'} & set(sys.modules); "
        "from fo_pose_plugin.models.openmmlab import prepare; prepare(); import mmpose; "
        "print(heavy, len(fop.list_models()), mmpose.__version__, fop.__file__)"
    )
    said = environment.run(environment.python, "-c", code, FO_POSE_HOME=str(environment.folder / "fo_pose"))
    assert said.splitlines()[-1].startswith("set() 265 1.3.2 ")
    assert Path(said.split()[-1]).is_relative_to(environment.site_packages())

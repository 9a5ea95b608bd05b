from __future__ import annotations

import importlib.metadata

import pytest

from fo_pose_plugin.tasks.environment import requirements

ALL = tuple(requirements.OPENMMLAB)


@pytest.mark.parametrize("requirement", ["torch>=2.6", "torch", "torch==2.6", "torch<3,>=2", "torch ; x"])
def test_package_name_is_what_stands_before_the_condition(requirement):
    assert requirements.package_name(requirement) == "torch"


def test_what_is_installed_here_is_read_from_metadata():
    assert requirements.installed_version("fiftyone") == importlib.metadata.version("fiftyone")
    assert requirements.installed_version("no-such-package") is None
    assert requirements.installed_packages()["fiftyone"] == importlib.metadata.version("fiftyone")
    assert requirements.satisfies("fiftyone>=1.22,<1.23")
    assert not requirements.satisfies("fiftyone<1.22")
    assert not requirements.satisfies("no-such-package")


def test_everything_is_missing_where_nothing_is_installed(only_installed):
    only_installed()
    assert requirements.missing_openmmlab() == list(ALL)
    assert requirements.openmmlab_to_install() == list(ALL)
    assert requirements.missing_harmless() == list(requirements.HARMLESS)


def test_nothing_is_missing_here():
    assert requirements.missing_openmmlab() == []
    assert requirements.openmmlab_to_install() == []
    assert requirements.missing_harmless() == []


def test_another_version_of_openmmlab_is_replaced_but_is_not_missing(only_installed):
    only_installed("mmengine==0.10.7", "mmcv-lite==2.1.0", "mmdet==3.3.0", "mmpose==1.3.1")
    assert requirements.missing_openmmlab() == []
    assert requirements.openmmlab_to_install() == ["mmpose==1.3.2"]


@pytest.mark.parametrize("version", ["2.1.0", "2.2.0"])
def test_a_full_mmcv_stands_for_mmcv_lite_and_is_never_replaced(only_installed, version):
    only_installed("mmengine==0.10.7", f"mmcv=={version}", "mmdet==3.3.0", "mmpose==1.3.2")
    assert requirements.missing_openmmlab() == []
    assert requirements.openmmlab_to_install() == []


@pytest.mark.parametrize("package", requirements.CV2_PACKAGES)
def test_any_package_with_a_cv2_will_do(only_installed, package):
    only_installed(f"{package}==4.12.0")
    assert "opencv-python-headless>=4.8" not in requirements.missing_harmless()


def test_an_extra_is_missing_where_it_is_not_installed(only_installed):
    assert requirements.missing_extra("vitpose") == []  # here it is
    only_installed()
    assert requirements.missing_extra("vitpose") == ["mmpretrain==1.2.0"]

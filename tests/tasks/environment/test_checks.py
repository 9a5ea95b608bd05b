from __future__ import annotations

import packaging.requirements  # noqa: F401 - before a test takes the standard library off sys.path
import pytest

from fo_pose_plugin.tasks.environment import checks

BRING = "fo-pose install"


@pytest.fixture
def looked(only_installed):
    """Look at an environment in which only the packages named are installed; give the rows by name."""

    def look(*packages):
        only_installed(*packages)
        return {check.name: check for check in checks.check_environment(BRING)}

    return look


def test_empty_environment_says_what_brings_everything(looked):
    rows = looked("packaging==26.0")
    for name in (
        "fiftyone",
        "torch",
        "torchvision",
        "mmpose",
        "mmdet",
        "mmengine",
        "mmcv-lite",
        "cv2",
        "shapely",
    ):
        assert rows[name].status == "error", name
        assert rows[name].found == "missing"
        assert BRING in rows[name].todo


def test_without_packaging_there_is_still_an_answer(looked):
    assert looked()["packaging"].status == "error"


def test_versions_that_cannot_work_are_named_with_the_one_expected(looked):
    rows = looked("packaging==26.0", "fiftyone==1.21.0", "torch==2.5.1", "mmpose==1.3.1")
    assert (rows["fiftyone"].status, rows["fiftyone"].found) == ("error", "1.21.0")
    assert "install 'fiftyone>=1.22,<1.23'" in rows["fiftyone"].todo  # never done by itself
    assert (rows["torch"].status, rows["torch"].expected) == ("error", ">=2.6")
    assert (rows["mmpose"].status, rows["mmpose"].expected) == ("error", "1.3.2")


@pytest.mark.parametrize("local", ["", "+cpu", "+cu130"])
def test_local_versions_of_torch_satisfy(only_installed, local):
    only_installed("packaging==26.0", f"torch==2.13.0{local}")
    rows = {check.name: check for check in checks._check_harmless(BRING)}
    assert rows["torch"].status == "ok"


def test_two_packages_with_a_cv2_are_a_warning_with_the_remedy(looked):
    row = looked("packaging==26.0", "opencv-python==4.12.0", "opencv-python-headless==4.12.0")["cv2"]
    assert row.status == "warn"
    assert "uninstall opencv-python-headless opencv-python" in row.todo
    assert row.todo.endswith("install opencv-python-headless`")


@pytest.mark.parametrize(
    ("packages", "status", "advice"),
    [
        (("mmcv==2.1.0",), "ok", ""),
        (("mmcv==2.1.0+pt2.1cu121",), "ok", ""),
        (("mmcv==2.2.0",), "error", "uninstall mmcv`"),
        (("mmcv==2.1.0", "mmcv-lite==2.1.0"), "error", "uninstall mmcv mmcv-lite`"),
    ],
)
def test_full_mmcv(only_installed, packages, status, advice):
    only_installed(*packages)
    rows = [check for check in checks._check_openmmlab(BRING) if "mmcv" in check.name]
    assert [row.status for row in rows] == [status]
    assert advice in rows[0].todo


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ((), "ok", "only ViTPose needs: `fo-pose install --extra vitpose` brings it"),
        (("mmpretrain==1.2.0",), "ok", "1.2.0"),
        (("mmpretrain==1.1.0",), "warn", "1.1.0"),
    ],
)
def test_what_few_models_need_is_never_an_error(only_installed, packages, status, said):
    only_installed(*packages)
    (row,) = checks._check_extras(BRING)
    assert row.status == status
    assert said in row.found
    assert bool(row.todo) == (status == "warn")


def test_a_build_that_does_not_load_is_found_in_a_process_of_its_own(monkeypatch, tmp_path):
    (tmp_path / "xtcocotools").mkdir()
    (tmp_path / "xtcocotools" / "__init__.py").touch()
    (tmp_path / "xtcocotools" / "mask.py").write_text("raise ValueError('numpy.dtype size changed')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    row = checks._probe_xtcocotools()
    assert row.status == "warn"
    assert "numpy.dtype size changed" in row.found


def test_a_process_that_dies_without_a_word_is_a_problem():
    assert checks._run_python("import os; os.abort()") == ("", "ended with exit code -6")


def test_torch_and_torchvision_of_this_environment_work():
    rows = {row.name: row.status for row in checks._probe_torch()}
    assert rows["torchvision works"] == "ok"
    assert "GPU" in rows


def test_database_of_ones_own_needs_no_mongod(monkeypatch, only_installed):
    only_installed()
    monkeypatch.delenv("FIFTYONE_DATABASE_URI", raising=False)
    assert checks._check_mongod(BRING).status == "error"
    monkeypatch.setenv("FIFTYONE_DATABASE_URI", "mongodb://localhost")
    assert checks._check_mongod(BRING).status == "ok"

"""Each test runs in an interpreter of its own: what is imported first is what is tested."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fo_pose_plugin.errors import InstallationError
from fo_pose_plugin.models import openmmlab

REPOSITORY = Path(__file__).resolve().parents[2]


def run(code: str, *folders: Path, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run Python code with folders in front of everything installed."""
    path = os.pathsep.join([*map(str, folders), str(REPOSITORY)])
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def output_of(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 0, process.stderr
    return process.stdout + process.stderr


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_importing_it_imports_nothing_heavy() -> None:
    code = """
import sys
import fo_pose_plugin.models.openmmlab, fo_pose_plugin.models.weights
import fo_pose_plugin.models.configs, fo_pose_plugin.models.registry
print({"torch", "torchvision", "fiftyone", "mmengine", "mmcv", "numpy"} & set(sys.modules))
"""
    assert output_of(run(code)) == "set()\n"


PREPARE_IN_THREADS = """
import os, sys, threading, warnings
import cv2, torch
from fo_pose_plugin.models import openmmlab

def state():
    return (cv2.getNumThreads(), torch.get_num_threads(), torch.is_grad_enabled(), list(warnings.filters))

before, faults, seen = state(), [], []

def work(scope):
    try:
        openmmlab.prepare()
        with openmmlab.building(scope):
            from mmengine.registry import DefaultScope
            seen.append((scope, DefaultScope.get_current_instance().scope_name))
    except BaseException as error:
        faults.append(error)

threads = [threading.Thread(target=work, args=(("mmpose", "mmdet")[i % 2],)) for i in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
standin = sys.modules["mmcv._ext"]
openmmlab.prepare()

from mmengine.registry import DefaultScope
assert not faults, faults
assert len(seen) == 6 and all(asked == given for asked, given in seen), seen
assert DefaultScope.get_current_instance() is None, "the default scope stayed"
assert sys.modules["mmcv._ext"] is standin, "prepared twice"
assert state() == before, (before, state())
assert "mmpretrain" not in sys.modules, "mmdet has imported what only ViTPose needs"

# Both packages' models in one process, by the same short names.
with openmmlab.building("mmdet"):
    from mmdet.registry import MODELS
    detector = type(MODELS.build(dict(type="ResNet", depth=18)))
with openmmlab.building("mmpose"):
    from mmpose.registry import MODELS
    backbone = type(MODELS.build(dict(type="ResNet", depth=18)))
assert (detector.__module__[:6], backbone.__module__[:7]) == ("mmdet.", "mmpose."), (detector, backbone)

from mmengine.utils import get_installed_path, is_installed
from mmengine.config.config import is_installed as imported_earlier
import mmpose
assert get_installed_path("mmpose") == os.path.dirname(mmpose.__file__)
assert is_installed("mmcv-lite") and imported_earlier("mmpose") and not is_installed("no-such-package")
try:
    get_installed_path("no_such_package")
except ModuleNotFoundError:
    print("done")
"""


def test_threads_prepare_and_build_in_silence_and_leave_no_trace() -> None:
    assert output_of(run(PREPARE_IN_THREADS, options=("-W", "default"))) == "done\n"


REAL = {
    "xtcocotools/__init__.py": "",
    "xtcocotools/coco.py": "class COCO: pass",
    "xtcocotools/cocoeval.py": "class COCOeval: pass",
    "xtcocotools/mask.py": "",
    "pkg_resources.py": "",
    "compiled/_ext.py": "compiled = True",
}
WHICH = """
import logging, sys
logging.basicConfig(format="%(message)s")
import mmcv
mmcv.__path__.append({compiled!r})
from fo_pose_plugin.models import openmmlab
openmmlab.prepare()
import xtcocotools.mask, xtcocotools.coco, mmcv._ext
from mmengine.utils import package_utils
print(
    xtcocotools.coco.COCO.__module__,
    "compiled" if "compiled" in vars(mmcv._ext) else "torchvision",
    "own" if package_utils.is_installed.__code__.co_filename == package_utils.__file__ else "replaced",
)
"""


def test_real_packages_are_used_where_they_import(tmp_path: Path) -> None:
    folder = write(tmp_path, REAL)
    code = WHICH.format(compiled=str(folder / "compiled"))
    assert output_of(run(code, folder)) == "xtcocotools.coco compiled own\n"


def test_real_packages_that_do_not_import_are_replaced_and_named(tmp_path: Path) -> None:
    abi_fault = "raise ValueError('numpy.dtype size changed, may indicate binary incompatibility')"
    broken = {
        "xtcocotools/mask.py": abi_fault,
        "pkg_resources.py": "raise AttributeError(\"module 'pkgutil' has no attribute 'ImpImporter'\")",
        "compiled/_ext.py": "raise ImportError('undefined symbol: _ZN3c10')",
    }
    folder = write(tmp_path, {**REAL, **broken})
    lines = output_of(run(WHICH.format(compiled=str(folder / "compiled")), folder)).splitlines()
    assert lines[0] == "pycocotools.coco torchvision replaced"
    assert any("xtcocotools does not load (numpy.dtype size changed" in line for line in lines[1:])
    assert any("undefined symbol: _ZN3c10" in line for line in lines[1:])


PREPARE = """
from fo_pose_plugin.errors import InstallationError
from fo_pose_plugin.models import openmmlab
try:
    openmmlab.prepare()
except InstallationError as error:
    print(error)
"""


def test_missing_packages_are_named_with_the_command() -> None:
    # -S: without whatever is installed.
    process = run(PREPARE, options=("-S",))
    assert output_of(process) == (
        "OpenMMLab cannot be used: mmengine 0.10 is not installed; mmcv 2.1 is not installed; "
        "mmdet 3.3 is not installed; mmpose 1.3 is not installed. Run `fo-pose install`\n"
    )


@pytest.mark.parametrize(
    ("version_py", "said"),
    [("__version__ = '2.2.0'", "mmcv is 2.2.0, expected 2.1"), ("", "mmcv is of unknown version")],
)
def test_a_wrong_version_is_named_before_anything_is_imported(
    tmp_path: Path, version_py: str, said: str
) -> None:
    write(tmp_path, {"mmcv/__init__.py": "raise SystemExit('imported')", "mmcv/version.py": version_py})
    output = output_of(run(PREPARE, tmp_path))
    assert said in output
    assert "mmpose" not in output


def test_a_package_that_fails_to_import_is_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"mmcv/__init__.py": "import no_such_dependency", "mmcv/version.py": "__version__ = '2.1.0'"},
    )
    output = output_of(run(PREPARE, tmp_path))
    assert output.startswith("OpenMMLab is installed but cannot be imported: No module named 'no_such_dep")
    assert output.endswith("Run `fo-pose install`\n")


def test_what_is_installed_here_will_do() -> None:
    openmmlab.check_installed()


def test_a_package_hidden_by_an_import_hook_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hidden:
        def find_spec(self, name: str, *_args: object) -> None:
            if name == "mmdet":
                raise ModuleNotFoundError(name)

    monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "mmdet", raising=False)
    with pytest.raises(InstallationError, match=r"^OpenMMLab cannot be used: mmdet 3\.3 is not installed\."):
        openmmlab.check_installed()


def test_custom_modules_are_imported_for_the_model_that_needs_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"my_parts.py": "from mmpose.registry import MODELS\n@MODELS.register_module()\nclass Mine: pass\n"},
    )
    code = """
from fo_pose_plugin.errors import ConfigError
from fo_pose_plugin.models import openmmlab
with openmmlab.building("mmpose", ["my_parts"]):
    from mmpose.registry import MODELS
    print(type(MODELS.build(dict(type="Mine"))).__module__)
try:
    with openmmlab.building("mmpose", ["my_other_parts"]):
        pass
except ConfigError as error:
    print(error)
"""
    lines = output_of(run(code, tmp_path)).splitlines()
    assert lines[0] == "my_parts"
    assert "'my_other_parts', one of the config's custom_imports, cannot be imported" in lines[1]

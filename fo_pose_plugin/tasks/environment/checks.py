"""Looks at everything that poses need, and says in words what is wrong and what to do about it.

What has to be imported to be known is imported by a process of its own: a wrong build may end it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fo_pose_plugin.tasks.environment.mongod import OLDEST_MONGOD, mongod_path, mongod_problem
from fo_pose_plugin.tasks.environment.plugin_directory import (
    fiftyone_setting,
    plugin_copies,
    plugin_source,
    plugins_dir,
)
from fo_pose_plugin.tasks.environment.requirements import (
    CV2_PACKAGES,
    EXTRAS,
    HARMLESS,
    OPENMMLAB,
    installed_version,
    package_name,
    pip_command,
    satisfies,
)

__all__ = ["Check", "check_environment"]

PYTHON_RANGE = ((3, 10), (3, 13))
SHOWN = ("fiftyone", "torch", "torchvision")
IMPORT_TIMEOUT_S = 300

# torchvision.ops: a torchvision built for another torch has no operators.
TORCH_PROBE = """
import json, torch, torchvision
torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
print(json.dumps(torch.cuda.get_device_name() if torch.cuda.is_available() else None))
"""
OPENMMLAB_PROBE = """
from fo_pose_plugin.models.openmmlab import building
for scope in ("mmdet", "mmpose"):
    with building(scope):
        pass
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        name: What.
        status: ``ok``; ``warn`` where it works nevertheless; ``error`` where it cannot.
        found: What is there.
        expected: What should be.
        todo: What to do about it; empty where nothing has to be done.
    """

    name: str
    status: Literal["ok", "warn", "error"]
    found: str
    expected: str
    todo: str = ""


def check_environment(install_command: str) -> list[Check]:
    """Look at everything: in seconds where OpenMMLab is missing, in up to a minute where it is not.

    Args:
        install_command: The command that brings what is missing, for the advice.
    """
    bring = f"run `{install_command}`"
    checks = [_check_python(), *_check_harmless(bring), *_check_openmmlab(bring), _check_cv2(bring)]
    checks += _check_extras(install_command)
    torch_is_there = installed_version("torch") and installed_version("torchvision")
    if torch_is_there:
        checks += _probe_torch()
    if installed_version("xtcocotools"):
        checks.append(_probe_xtcocotools())
    if torch_is_there and not any(check.status == "error" for check in checks):
        checks.append(_probe_openmmlab())
    return [*checks, _check_mongod(bring), _check_plugin(bring)]


def _check_python() -> Check:
    (low, high), here = PYTHON_RANGE, sys.version_info[:2]
    expected = f"{low[0]}.{low[1]} to {high[0]}.{high[1]}"
    todo = "" if low <= here <= high else f"make an environment with a Python of {expected}"
    return Check(
        "python", "error" if todo else "ok", ".".join(map(str, sys.version_info[:3])), expected, todo
    )


def _check_harmless(bring: str) -> Iterable[Check]:
    """Give rows for FiftyOne and torch, and for each other package that is missing or too old."""
    if installed_version("packaging") is None:
        yield Check("packaging", "error", "missing", ">=23", bring)
        return
    fine, others = 0, [r for r in HARMLESS if package_name(r) not in CV2_PACKAGES]
    for requirement in others:
        name = package_name(requirement)
        version, wanted = installed_version(name), requirement.removeprefix(name)
        if satisfies(requirement):
            fine += 1
            if name in SHOWN:
                yield Check(name, "ok", str(version), wanted)
        elif version is None:
            yield Check(name, "error", "missing", wanted, bring)
        else:
            # Not replaced by the command: other work in this environment may need that very version.
            yield Check(name, "error", version, wanted, f"run `{pip_command()} install '{requirement}'`")
    yield Check("packages", "ok", f"{fine} of {len(others)} in order", f"{len(others)}")


def _check_openmmlab(bring: str) -> Iterable[Check]:
    for requirement in OPENMMLAB:
        name, _, wanted = requirement.partition("==")
        version = installed_version(name)
        full_mmcv = installed_version("mmcv") if name == "mmcv-lite" else None
        if full_mmcv and version:
            todo = f"run `{pip_command()} uninstall mmcv mmcv-lite`, then {bring}"
            yield Check("mmcv", "error", f"mmcv {full_mmcv} and mmcv-lite {version}", "one of them", todo)
        elif full_mmcv and full_mmcv.split("+")[0] != wanted:
            todo = f"run `{pip_command()} uninstall mmcv`, then {bring}"
            yield Check("mmcv", "error", full_mmcv, wanted, todo)
        elif full_mmcv or version == wanted:
            yield Check(name, "ok", full_mmcv or wanted, wanted)
        else:
            yield Check(name, "error", version or "missing", wanted, bring)


def _check_extras(install_command: str) -> Iterable[Check]:
    """Give a row for each package that only some models need; without it the others run."""
    for extra, requirements in EXTRAS.items():
        for requirement in requirements:
            name, _, wanted = requirement.partition("==")
            version = installed_version(name)
            if version is None:
                found = f"missing, which only ViTPose needs: `{install_command} --extra {extra}` brings it"
                yield Check(name, "ok", found, f"{wanted} or none")
            elif version == wanted:
                yield Check(name, "ok", version, wanted)
            else:
                todo = f"for ViTPose run `{pip_command()} install '{requirement}'`"
                yield Check(name, "warn", version, wanted, todo)


def _check_cv2(bring: str) -> Check:
    found = [name for name in CV2_PACKAGES if installed_version(name)]
    shown, expected = (
        ", ".join(f"{name} {installed_version(name)}" for name in found),
        "one package that has it",
    )
    if not found:
        return Check("cv2", "error", "missing", expected, bring)
    if len(found) == 1:
        return Check("cv2", "ok", shown, expected)
    todo = (
        f"they overwrite each other's files: run `{pip_command()} uninstall {' '.join(found)}`, "
        f"then `{pip_command()} install opencv-python-headless`"
    )
    return Check("cv2", "warn", shown, expected, todo)


def _probe_torch() -> list[Check]:
    printed, problem = _run_python(TORCH_PROBE)
    if problem:
        todo = (
            f"install the torchvision that belongs to torch {installed_version('torch')}, or both anew: they "
            "must be of one release and from one index"
        )
        return [Check("torchvision works", "error", problem, "its operators run", todo)]
    gpu = json.loads(printed.splitlines()[-1])
    works = Check("torchvision works", "ok", "its operators run", "its operators run")
    if gpu is None and shutil.which("nvidia-smi"):
        todo = "everything runs on the CPU; for the GPU install a torch built for this driver's CUDA"
        return [works, Check("GPU", "warn", "there is one, but torch cannot use it", "CUDA is usable", todo)]
    return [works, Check("GPU", "ok", gpu or "none: the CPU is used", "none is needed")]


def _probe_xtcocotools() -> Check:
    _, problem = _run_python("import xtcocotools.mask")
    found, expected = str(installed_version("xtcocotools")), "one built for this numpy, or none"
    if not problem:
        return Check("xtcocotools", "ok", found, expected)
    todo = f"pycocotools is used instead; `{pip_command()} uninstall xtcocotools` ends this line"
    return Check("xtcocotools", "warn", f"{found}: {problem}", expected, todo)


def _probe_openmmlab() -> Check:
    _, problem = _run_python(OPENMMLAB_PROBE)
    expected = "mmdet and mmpose import"
    if not problem:
        return Check("OpenMMLab works", "ok", expected, expected)
    return Check("OpenMMLab works", "error", problem, expected, "the message names the package: install it")


def _run_python(code: str) -> tuple[str, str]:
    """Run code in a fresh interpreter; give what it prints, and the last line it complained with."""
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=IMPORT_TIMEOUT_S,
            env={**os.environ, "PYTHONPATH": path},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {IMPORT_TIMEOUT_S} s"
    if done.returncode == 0:
        return done.stdout, ""
    return "", (done.stderr.strip().splitlines() or [f"ended with exit code {done.returncode}"])[-1]


def _check_mongod(bring: str) -> Check:
    expected = f"a mongod of {OLDEST_MONGOD[0]}.{OLDEST_MONGOD[1]} or newer, or a database_uri"
    if fiftyone_setting("database_uri"):
        return Check("database", "ok", "FiftyOne's database_uri is set", expected)
    mongod = mongod_path()
    problem = "missing, like FiftyOne" if mongod is None else mongod_problem(mongod)
    if not problem:
        return Check("database", "ok", str(mongod), expected)
    todo = f"{bring}; or set FIFTYONE_DATABASE_URI to a server of yours"
    return Check("database", "error", f"{mongod or 'mongod'}: {problem}", expected, todo)


def _check_plugin(bring: str) -> Check:
    copies, source = plugin_copies(), plugin_source()
    expected = f"only {source}"
    others = [copy for copy in copies if copy.resolve() != source]
    if others:
        todo = f"FiftyOne loads one of them only: remove {others[0]}, or work with that one"
        return Check("plugin", "warn", ", ".join(map(str, copies)), expected, todo)
    if not copies:
        return Check("plugin", "warn", f"not in {plugins_dir()}", expected, bring)
    return Check("plugin", "ok", str(copies[0]), expected)

"""Who may import whom: the table of ARCHITECTURE.md, held by reading every import of the package.

Imports inside functions count as much as those at the top of a file; imports for annotations alone (under
``TYPE_CHECKING``) do not, since nothing runs them.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "fo_pose_plugin"
NAME = PACKAGE.name

BELOW_TASKS = frozenset({"inference", "models", "heatmaps", "formats", "dataset", "core", "errors"})
OPENMMLAB = frozenset({"mmcv", "mmdet", "mmengine", "mmpose"})
OPENMMLABS_GAPS = frozenset({"pkg_resources", "pycocotools", "xtcocotools"})
TORCH = frozenset({"torch", "torchvision"})
# What brings weights; without it the files can be put there by hand.
WEB = frozenset({"filelock", "requests", "urllib3"})
# What costs seconds to import, and is imported where it is used.
HEAVY = OPENMMLAB | TORCH | {"fiftyone", "eta", "openvino"}


@dataclass(frozen=True, slots=True)
class Room:
    """What one room, a folder or file of the package, may import.

    Args:
        inside: Other rooms.
        outside: Packages that are not Python's own.
        heavy_on_top: Heavy packages that may be imported at the top of a file.
    """

    inside: frozenset[str]
    outside: frozenset[str] = frozenset()
    heavy_on_top: frozenset[str] = frozenset()


def room(inside: str, outside: str = "", heavy_on_top: str = "") -> Room:
    return Room(frozenset(inside.split()), frozenset(outside.split()), frozenset(heavy_on_top.split()))


ROOMS = {
    # Names only; what they stand for is imported on first use.
    "__init__": room("models tasks core"),
    "errors": room(""),
    "core": room("errors", "numpy"),
    "models": Room(
        frozenset({"core", "errors"}),
        OPENMMLAB | TORCH | OPENMMLABS_GAPS | WEB | {"numpy", "openvino", "yaml"},
    ),
    "heatmaps": room("core errors", "numpy cv2"),
    # Files of annotations, which know nothing of FiftyOne.
    "formats": room("core errors", "ijson"),
    # FiftyOne brings both: pymongo waits for the mongod that was started, psutil knows which runs live.
    "dataset": room("core errors", "bson fiftyone numpy psutil pymongo"),
    "inference": room("models core errors", "numpy torch cv2 PIL"),
    # pycocotools sums what evaluate_poses reports.
    "tasks": Room(BELOW_TASKS, frozenset({"fiftyone", "numpy", "packaging", "pycocotools", "tqdm"})),
    # Drawings are made with cv2; OpenMMLab and torch train the bundled models, which users need not.
    "demo": Room(
        BELOW_TASKS | {"tasks"}, TORCH | frozenset({"cv2", "fiftyone", "mmengine", "mmpose", "numpy"})
    ),
    "app": room("tasks core errors", "fiftyone.operators", "fiftyone.operators"),
    # The terminal opens datasets by name; without a mongod FiftyOne raises an error of eta's.
    "commands": room("tasks demo core errors", "fiftyone eta"),
    "cli": room("commands errors"),
    "plugin": room("app"),
}


@dataclass(frozen=True, slots=True)
class Import:
    """One import of a file: a room (``inside``) or a package, and where it stands."""

    file: Path
    line: int
    target: str
    inside: bool
    on_top: bool

    @property
    def room(self) -> str:
        return room_of(self.file)

    def __str__(self) -> str:
        return f"{self.file.relative_to(REPOSITORY)}:{self.line} imports {self.target}"


def room_of(file: Path) -> str:
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports_of(file: Path, source: str | None = None) -> Iterator[Import]:
    """Find what a file imports when it runs, wherever the statement stands."""
    tree = ast.parse(file.read_text(encoding="utf-8") if source is None else source)
    waiting: list[tuple[ast.AST, bool]] = [(tree, True)]
    while waiting:
        node, on_top = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend((child, on_top) for child in node.orelse)
            continue
        for name in modules_in(node):
            parts = name.split(".")
            inside = parts[0] == NAME
            if inside and len(parts) == 1:
                continue  # the package itself: no room
            target = parts[1] if inside else parts[0]
            if parts[:2] == ["fiftyone", "operators"]:
                target = "fiftyone.operators"
            if inside or target not in sys.stdlib_module_names:
                yield Import(file, getattr(node, "lineno", 0), target, inside, on_top)
        below = on_top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        waiting.extend((child, below) for child in ast.iter_child_nodes(node))


def modules_in(node: ast.AST) -> list[str]:
    """Give the full names of the modules that one statement, or ``import_module("...")``, imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports hide the room: write them in full"
        if node.module in (NAME, "fiftyone"):  # `from fo_pose_plugin import core` names rooms
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            return [name for name in names if name != f"{NAME}.__version__"]
        return [node.module or ""]
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in (
        "import_module",
        "__import__",
    ):
        named = node.args[0] if node.args else None
        return [named.value] if isinstance(named, ast.Constant) and isinstance(named.value, str) else []
    return []


@cache
def all_imports() -> tuple[Import, ...]:
    files = [file for file in sorted(PACKAGE.rglob("*.py")) if "_fiftyone_plugin" not in file.parts]
    assert len(files) > 40
    return tuple(found for file in files for found in imports_of(file))


def test_every_room_is_in_the_table() -> None:
    rooms = {file.stem for file in PACKAGE.glob("*.py")}
    rooms |= {folder.name for folder in PACKAGE.iterdir() if any(folder.glob("*.py"))}
    assert rooms == set(ROOMS)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_only_the_rooms_it_may(name: str) -> None:
    allowed = ROOMS[name].inside | {name}
    wrong = [str(i) for i in all_imports() if i.room == name and i.inside and i.target not in allowed]
    assert wrong == []


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_uses_only_the_packages_it_may(name: str) -> None:
    allowed = ROOMS[name].outside
    wrong = [str(i) for i in all_imports() if i.room == name and not i.inside and i.target not in allowed]
    assert wrong == []


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    heavy = HEAVY | {"fiftyone.operators"}
    wrong = [
        str(i)
        for i in all_imports()
        if i.on_top and not i.inside and i.target in heavy and i.target not in ROOMS[i.room].heavy_on_top
    ]
    # OpenMMLab's missing operators are imported by models/openmmlab.py once torch is there, and classes that
    # FiftyOne looks up by name by dataset/evaluations.py once FiftyOne is there.
    files = ("models/openmmlab_ops", "models/openmmlab_convs", "dataset/evaluation_method")
    allowed = tuple(f"{NAME}/{file}.py:" for file in files)
    assert [found for found in wrong if not found.startswith(allowed)] == []


def test_the_rooms_are_those_of_the_architecture() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and line.count("|") == 4
    ]
    stated = {}
    for names, may_import, *_ in rows:
        for name in names.split(", "):
            if name in ROOMS:
                stated[name] = set(
                    may_import.replace("tasks and below", ", ".join(["tasks", *BELOW_TASKS])).split(", ")
                )
    assert set(stated) == set(ROOMS) - {"__init__", "errors"}
    # `cli` and `commands` share a row; cli imports commands, which stands in the same row.
    assert stated.pop("cli") >= ROOMS["cli"].inside - {"commands"}
    assert stated == {name: set(ROOMS[name].inside) for name in stated}


def test_the_reader_of_imports_sees_them_wherever_they_stand() -> None:
    source = """
import os, torch
from fo_pose_plugin import tasks, __version__
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import mmpose
else:
    import mmdet
def function():
    from fo_pose_plugin.app.forms import read
    import fiftyone.operators as foo
    from fiftyone import operators
    importlib.import_module("fo_pose_plugin.demo.photos")
class Inner:
    import mmcv
"""
    found = {(i.target, i.on_top) for i in imports_of(PACKAGE / "core" / "x.py", source)}
    assert found == {
        ("torch", True),
        ("tasks", True),
        ("mmdet", True),
        ("app", False),
        ("fiftyone.operators", False),
        ("demo", False),
        ("mmcv", True),
    }


def run_fresh(code: str) -> dict[str, object]:
    """Run code in an interpreter that has imported nothing yet, and read the JSON it prints."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_importing_the_package_is_instant_and_loads_nothing() -> None:
    answer = run_fresh(
        "import json, sys, time\n"
        "before, start = set(sys.modules), time.process_time()\n"
        f"import {NAME}\n"
        "seconds = time.process_time() - start\n"
        f"names = dir({NAME})\n"
        "top = sorted({m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names))\n"
        "print(json.dumps({'seconds': seconds, 'packages': top, 'names': names}))\n"
    )
    assert answer["packages"] == [NAME]
    assert "estimate_poses" in answer["names"]  # type: ignore[operator]
    assert answer["seconds"] < 0.5  # type: ignore[operator]


def test_the_face_of_the_package_names_what_it_has_without_loading_it() -> None:
    """A task may be looked up without torch, FiftyOne or OpenMMLab: its errors and help come first."""
    answer = run_fresh(
        "import json, sys\n"
        f"import {NAME} as fop\n"
        "for name in fop.__all__: getattr(fop, name)\n"
        f"heavy = {sorted(HEAVY)!r}\n"
        "print(json.dumps({'loaded': [name for name in heavy if name in sys.modules]}))\n"
    )
    assert answer["loaded"] == []


BLOCKED = """
import importlib, json, pkgutil, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        room = name.split(".")[1] if name.startswith("fo_pose_plugin.") else None
        if room is not None and room not in {rooms!r}:
            raise ImportError(f"blocked: {{name}}")
        if room is None and top != "fo_pose_plugin" and top not in sys.stdlib_module_names | {packages!r}:
            raise ImportError(f"blocked: {{name}}")

sys.meta_path.insert(0, Blocker())
room = importlib.import_module("fo_pose_plugin.{room}")
names = [info.name for info in pkgutil.walk_packages(room.__path__, room.__name__ + ".")]
for name in names:
    importlib.import_module(name)
print(json.dumps({{"modules": names}}))
"""


def test_core_runs_where_only_numpy_is() -> None:
    answer = run_fresh(
        BLOCKED.format(
            room="core", rooms={"core", "errors"}, packages={"numpy", "_numpy_random_bit_generator"}
        )
    )
    assert set(answer["modules"]) >= {f"{NAME}.core.{name}" for name in ("crop", "pose", "skeleton")}  # type: ignore[call-overload]


def test_whatever_stands_below_the_app_imports_without_heavy_packages() -> None:
    code = (
        "import importlib, json, pkgutil, sys\n"
        f"import {NAME}\n"
        f"skipped = ('{NAME}.app', '{NAME}.plugin', '{NAME}.models.openmmlab_', '{NAME}._fiftyone', "
        f"'{NAME}.dataset.evaluation_method')\n"
        f"for info in pkgutil.walk_packages({NAME}.__path__, '{NAME}.', onerror=lambda name: None):\n"
        "    if not info.name.startswith(skipped):\n"
        "        importlib.import_module(info.name)\n"
        f"heavy = {sorted(HEAVY)!r}\n"
        "ours = [name for name in sys.modules if name.startswith('fo_pose_plugin.')]\n"
        "print(json.dumps({'loaded': [n for n in heavy if n in sys.modules], 'count': len(ours)}))\n"
    )
    answer = run_fresh(code)
    assert answer["loaded"] == []
    assert answer["count"] > 40  # type: ignore[operator]

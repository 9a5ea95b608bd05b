"""Reads a config's Python before it is executed, and refuses what is more than data.

MMPose's configs are Python files that mmengine executes. All of those in the wheels do no more than
build dictionaries; a config that calls or imports anything else is refused unless the caller allows it.
This guards against accidents and careless downloads. It is no sandbox: who allows it, trusts the file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from fo_pose_plugin.errors import ConfigError

__all__ = ["OPENMMLAB_PACKAGES", "check_source", "is_openmmlab"]

OPENMMLAB_PACKAGES = frozenset({"mmcv", "mmdet", "mmengine", "mmpose", "mmpretrain"})

# mmengine turns imports from outside the standard library into names and does not execute them.
_NAMED_ONLY = OPENMMLAB_PACKAGES | {"torch"}
_FUNCTIONS = frozenset(
    {"abs", "bool", "dict", "enumerate", "float", "int", "len", "list", "max", "min", "range", "read_base"}
    | {"round", "set", "sorted", "str", "sum", "tuple", "zip"}
)
_METHODS = frozenset(
    {"append", "copy", "extend", "format", "get", "insert", "items", "join", "keys", "pop", "setdefault"}
    | {"update", "values"}
)


def is_openmmlab(module: str) -> bool:
    """Tell whether a module's dotted name lies in one of OpenMMLab's packages."""
    return module.partition(".")[0] in OPENMMLAB_PACKAGES


def check_source(path: Path) -> None:
    """Check a config file, and the files of the user's that it builds on.

    Raises:
        ConfigError: If one cannot be read, is no Python, or does more than build data; it names the line.
    """
    _check_file(path, ())


def _check_file(path: Path, chain: tuple[Path, ...]) -> None:
    path = path.resolve()
    if path in chain:
        raise ConfigError(f"the config {path} is based on itself: remove it from its own _base_")
    tree = _parsed(path)
    for node in ast.walk(tree):
        forbidden = _forbidden(node)
        if forbidden:
            raise ConfigError(
                f"{path}:{getattr(node, 'lineno', '?')} {forbidden}. Reading a config executes it, so one "
                "that does more than build data is refused. Where you trust the file, say so: "
                "`--allow-custom-imports` at the command line"
            )
    for base in _bases(tree, path):
        _check_file(base, (*chain, path))


def _parsed(path: Path) -> ast.Module:
    if path.suffix != ".py":
        raise ConfigError(f"the config {path} is no .py file: MMPose's and MMDetection's configs are")
    try:
        return ast.parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no config {path}") from error
    except OSError as error:
        raise ConfigError(f"the config {path} cannot be read: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"the config {path} is not valid Python: {error}") from error


def _forbidden(node: ast.AST) -> str | None:
    """Say what a node does that building data does not need."""
    if isinstance(node, ast.Import):
        outside = [alias.name for alias in node.names if alias.name.partition(".")[0] not in _NAMED_ONLY]
        return f"imports {', '.join(outside)}" if outside else None
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        inside = node.level > 0 or module.partition(".")[0] in _NAMED_ONLY
        return None if inside else f"imports from {module}"
    if isinstance(node, ast.Call) and not _is_harmless(node.func):
        return f"calls {ast.unparse(node.func)}()"
    if isinstance(node, ast.Attribute) and node.attr.startswith("_") and node.attr != "_base_":
        return f"reaches for .{node.attr}"
    if isinstance(node, ast.Name) and node.id.startswith("__") and node.id != "__file__":
        return f"reaches for {node.id}"
    return None


def _is_harmless(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in _FUNCTIONS
    return isinstance(function, ast.Attribute) and function.attr in _METHODS


def _bases(tree: ast.Module, path: Path) -> Iterator[Path]:
    """Find the files that a config builds on, other than those of OpenMMLab's own packages."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "_base_" for target in node.targets
        ):
            for name in _base_names(node.value, path):
                scope, external, _ = name.partition("::")
                if not external:
                    yield path.parent / name
                elif not is_openmmlab(scope):
                    raise ConfigError(
                        f"{path}:{node.lineno} builds on a config of the package {scope!r}, which is none of "
                        f"OpenMMLab's ({', '.join(sorted(OPENMMLAB_PACKAGES))})"
                    )
        elif isinstance(node, ast.ImportFrom) and node.level:
            module = re.sub(r"\.", "/", node.module or "")
            yield path.parent.joinpath(*[".."] * (node.level - 1), f"{module}.py")


def _base_names(value: ast.expr, path: Path) -> list[str]:
    try:
        names = ast.literal_eval(value)
    except ValueError as error:
        raise ConfigError(f"{path}:{value.lineno} computes _base_: write the paths out") from error
    listed = list(names) if isinstance(names, list | tuple) else [names]
    if not all(isinstance(name, str) for name in listed):
        raise ConfigError(f"{path}:{value.lineno} has a _base_ that is no path: {names!r}")
    return listed

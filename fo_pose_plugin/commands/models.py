"""`fo-pose models` and `fo-pose detectors`: what can be used by name, and bringing it here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fo_pose_plugin.commands.terminal import own_command, say

if TYPE_CHECKING:
    from fo_pose_plugin.tasks.models import DetectorSpec, ModelSpec

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add"]

KINDS = {
    "models": ("pose model", "an MMPose config of a top-down heatmap model"),
    "detectors": ("person detector", 'an MMDetection config of a detector that knows the class "person"'),
}
COLUMNS = {
    "models": ("name", "task", "keypoints", "input", "published AP", "speed", "weights"),
    "detectors": ("name", "classes", "box AP", "speed", "weights"),
}
TASKS = ("body", "wholebody", "hand", "face", "animal", "other")


def add(commands: Subparsers) -> None:
    """Add `fo-pose models` and `fo-pose detectors`."""
    for kind, (what, config) in KINDS.items():
        parser = commands.add_parser(kind, help=f"list, download, add or remove {what}s")
        actions = parser.add_subparsers(title="what to do", metavar="ACTION", required=True)
        _add_list(actions, kind, what)
        _add_download(actions, kind, what)
        _add_add(actions, kind, what, config)
        _add_remove(actions, kind, what)


def _add_list(actions: Subparsers, kind: str, what: str) -> None:
    parser = actions.add_parser(
        "list",
        help=f"list the {what}s that are here, or all",
        description=f"List the {what}s whose weights are on this machine, the most precise first.",
    )
    if kind == "models":
        parser.add_argument("--task", choices=TASKS, help="only those of one task")
    parser.add_argument("--all", action="store_true", help="those that can be downloaded too")
    parser.set_defaults(run=run_list, kind=kind, task=None)


def _add_download(actions: Subparsers, kind: str, what: str) -> None:
    parser = actions.add_parser(
        "download",
        help=f"download the weights of {what}s",
        description="Download weights once, check and register them; a run does so by itself where they are "
        "missing. FO_POSE_WEIGHTS names the folder, which can also be filled by hand; FO_POSE_MIRRORS names "
        "base addresses that are tried before the original.",
    )
    parser.add_argument("names", metavar="NAME", nargs="+", help=f"the {what}s, as `list --all` names them")
    parser.set_defaults(run=run_download, kind=kind)


def _add_remove(actions: Subparsers, kind: str, what: str) -> None:
    parser = actions.add_parser("remove", help=f"forget a {what}; its weights stay unless told otherwise")
    parser.add_argument("name", metavar="NAME", help=f"the {what}")
    parser.add_argument(
        "--weights", action="store_true", help="delete its weights too, if they were downloaded"
    )
    parser.set_defaults(run=run_remove, kind=kind)


def _add_add(actions: Subparsers, kind: str, what: str, config: str) -> None:
    parser = actions.add_parser(
        "add",
        help=f"register a {what}",
        description=f"Register a {what}. The config is a Python program: it is run once, here, and kept as "
        "data. The weights stay where they are. Both are loaded once before anything is registered.",
    )
    parser.add_argument(
        "name", metavar="NAME", help="what it is to be called: letters, digits, dots, dashes, underscores"
    )
    parser.add_argument("config", metavar="CONFIG", help=config)
    parser.add_argument("checkpoint", metavar="CHECKPOINT", type=Path, help="its weights, a .pth file")
    parser.add_argument("--overwrite", action="store_true", help=f"replace a {what} of that name")
    parser.add_argument(
        "--allow-custom-imports",
        action="store_true",
        help="let the config import modules of its own, now and whenever it is built; only for configs "
        "that you trust as you trust a program",
    )
    parser.set_defaults(run=run_add, kind=kind)


def run_list(arguments: argparse.Namespace) -> int:
    """List what is here, or all there is."""
    from fo_pose_plugin.tasks.models import (
        best_first,
        damaged_entries,
        list_detectors,
        list_models,
        unusable_models,
    )

    if arguments.kind == "models":
        specs: Sequence[ModelSpec | DetectorSpec] = best_first(list_models(arguments.task))
    else:
        specs = best_first(list_detectors())
    # A registered one is listed even where its weights are lost.
    shown = [spec for spec in specs if arguments.all or spec.is_here or spec.registered]
    for line in _table([COLUMNS[arguments.kind], *map(_row, shown)] if shown else []):
        say(line)
    left_out = unusable_models(arguments.task) if arguments.all and arguments.kind == "models" else {}
    for name, reason in {**damaged_entries(), **left_out}.items():
        say(f"{name}  cannot be used: {reason}")
    command = f"{own_command()} {arguments.kind}"
    if not shown:
        say(
            f"no weights of {KINDS[arguments.kind][0]}s are here yet. "
            f"Your own: {command} add NAME CONFIG CHECKPOINT"
        )
    if len(shown) < len(specs):
        task = f" --task {arguments.task}" if arguments.task else ""
        say(
            f"{len(specs) - len(shown):,} more are known: {command} list{task} --all. "
            f"{command} download NAME brings one"
        )
    return 0


def _row(spec: ModelSpec | DetectorSpec) -> tuple[str, ...]:
    from fo_pose_plugin.tasks.models import ModelSpec

    if isinstance(spec, ModelSpec):
        ap = "" if spec.ap is None else f"{spec.ap:.3f} {spec.dataset or ''}".rstrip()
        size = "x".join(map(str, spec.input_size_wh))
        return (spec.name, spec.task, str(spec.keypoints), size, ap, spec.speed or "", _where(spec))
    ap = "" if spec.box_ap is None else f"{spec.box_ap:.1f}"
    return (
        spec.name,
        "people" if spec.classes == 1 else str(spec.classes),
        ap,
        spec.speed or "",
        _where(spec),
    )


def _where(spec: ModelSpec | DetectorSpec) -> str:
    """Say where the weights are, or what stands in their way."""
    from fo_pose_plugin.tasks.models import ModelSpec, obstacle

    if spec.weights is not None:
        return spec.weights if spec.is_here else f"{spec.weights} (not there any more)"
    if isinstance(spec, ModelSpec) and spec.problem is not None:
        return f"cannot be used: {spec.problem}"
    found = "here" if spec.is_here else f"{spec.size_mb or 0:,.0f} MB to download"
    hindered = obstacle(spec)
    return f"{found}; {hindered}" if hindered else found


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Align columns; the last may be of any length."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)), row[-1]])
        for row in rows
    ]


def describe(spec: ModelSpec | DetectorSpec) -> str:
    """Say in one line what it does."""
    from fo_pose_plugin.tasks.models import ModelSpec

    return spec.describe() if isinstance(spec, ModelSpec) else f"detects people ({spec.classes} classes)"


def run_download(arguments: argparse.Namespace) -> int:
    """Download weights, one after the other; the first that fails ends it."""
    from fo_pose_plugin.commands.requirements import require_installed
    from fo_pose_plugin.tasks.models import download_detector, download_model

    require_installed()
    for name in arguments.names:
        spec: ModelSpec | DetectorSpec = (
            download_model(name) if arguments.kind == "models" else download_detector(name)
        )
        say(f"{spec.name}: {describe(spec)}; {spec.weights}")
    return 0


def run_add(arguments: argparse.Namespace) -> int:
    """Register a model or detector."""
    from fo_pose_plugin.commands.requirements import require_installed
    from fo_pose_plugin.tasks.models import add_detector, add_model

    require_installed()
    add_one = add_model if arguments.kind == "models" else add_detector
    spec: ModelSpec | DetectorSpec = add_one(
        arguments.name,
        arguments.config,
        arguments.checkpoint,
        overwrite=arguments.overwrite,
        allow_custom_imports=arguments.allow_custom_imports,
    )
    say(f"added {spec.name}: {describe(spec)}")
    return 0


def run_remove(arguments: argparse.Namespace) -> int:
    """Forget a model or detector."""
    from fo_pose_plugin.tasks.models import Kind, forget

    left = forget(cast("Kind", arguments.kind.removesuffix("s")), arguments.name, weights=arguments.weights)
    if left.freed_bytes:
        say(f"removed {arguments.name}, and its weights {left.weights} ({left.freed_bytes / 1e6:,.0f} MB)")
    elif left.kept_because:
        say(f"removed {arguments.name}; its weights {left.weights} were kept: {left.kept_because}")
    else:
        where = "" if left.weights is None else f"; its weights are where they were: {left.weights}"
        say(f"removed {arguments.name}{where}")
    return 0

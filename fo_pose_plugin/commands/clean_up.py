"""`fo-pose clean-up`: find kept heatmaps that nobody needs any more, and delete them when asked to."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fo_pose_plugin.commands.terminal import own_command, say

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add"]


def add(commands: Subparsers) -> None:
    """Add `fo-pose clean-up`."""
    parser = commands.add_parser(
        "clean-up",
        help="find kept heatmaps that no dataset needs any more, and delete them",
        description="Find the files of heatmaps and overlays that no dataset of FiftyOne's database names: "
        "those of deleted datasets, fields and samples, and of runs that were overwritten or killed. "
        "Nothing is deleted without --delete.",
    )
    parser.add_argument("--delete", action="store_true", help="delete them; they do not come back")
    parser.set_defaults(run=run_clean_up)


def run_clean_up(arguments: argparse.Namespace) -> int:
    """Find, tell and delete."""
    from fo_pose_plugin.commands.requirements import import_fiftyone

    import_fiftyone()
    from fo_pose_plugin.tasks.clean_up import clean_up

    report = clean_up(dry_run=not arguments.delete)
    say(f"in {report.root}:")
    for group in report.orphans:
        say(f"  {group.describe()}")
    say(report.describe())
    if report.dry_run and report.orphans:
        say(f"to delete them: {own_command()} clean-up --delete")
    return int(bool(report.problems))

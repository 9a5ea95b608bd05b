"""`fo-pose install` and `fo-pose doctor`: the environment. Needs only the standard library."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fo_pose_plugin.commands.terminal import say

if TYPE_CHECKING:
    from fo_pose_plugin.tasks.install import Check

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add", "show_checks"]


def add(commands: Subparsers) -> None:
    """Add `fo-pose install` and `fo-pose doctor`."""
    add_install(commands)
    add_doctor(commands)


def add_install(commands: Subparsers) -> None:
    """Add `fo-pose install`."""
    from fo_pose_plugin.tasks.environment.requirements import EXTRAS

    parser = commands.add_parser(
        "install",
        help="bring what is missing, and make the plugin known to FiftyOne",
        description="Link the plugin into FiftyOne's plugins directory, install OpenMMLab and whatever else "
        "is missing into this Python's environment, and check the result. Of what is there, only other "
        "versions of OpenMMLab are replaced.",
    )
    parser.add_argument("--no-link", action="store_true", help="leave FiftyOne's plugins directory alone")
    parser.add_argument(
        "--extra",
        action="append",
        default=[],
        choices=sorted(EXTRAS),
        help="bring what some models need besides: vitpose",
    )
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    parser.set_defaults(run=run_install)


def run_install(arguments: argparse.Namespace) -> int:
    """Install, then tell what is still wrong."""
    from fo_pose_plugin.tasks.install import install

    link = not arguments.no_link
    checks = install(say, link=link, dry_run=arguments.dry_run, extras=arguments.extra)
    if arguments.dry_run:
        return 0
    wrong = [
        check
        for check in checks
        if check.status != "ok" and not (arguments.no_link and check.name == "plugin")
    ]
    show_checks(wrong)
    failed = any(check.status == "error" for check in wrong)
    say("not everything is in order yet: see above" if failed else "everything that poses need is installed")
    return int(failed)


def add_doctor(commands: Subparsers) -> None:
    """Add `fo-pose doctor`."""
    parser = commands.add_parser("doctor", help="check the installation and say what is wrong")
    parser.set_defaults(run=run_doctor)


def run_doctor(_arguments: argparse.Namespace) -> int:
    """Check, and tell everything that was found."""
    from fo_pose_plugin.tasks.install import check_environment

    checks = check_environment()
    show_checks(checks)
    return int(any(check.status == "error" for check in checks))


def show_checks(checks: Iterable[Check]) -> None:
    """Write one line per check, and what to do below those that need it."""
    for check in checks:
        say(f"{check.status:<6}{check.name:<20}{check.found}")
        if check.todo:
            say(f"{'':<26}expected: {check.expected}")
            say(f"{'':<26}to do: {check.todo}")

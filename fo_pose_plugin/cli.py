"""The command `fo-pose`, which can also be run by path: ``python <plugin directory>/fo_pose_plugin/cli.py``.

What it can do is in ``fo_pose_plugin.commands``, one file per command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

EPILOG = (
    "exit codes: 0 done, 1 it could not be done, 2 something in the command is wrong, 130 stopped by Ctrl-C"
)


def make_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands; each sets ``run``, the function that carries it out."""
    from fo_pose_plugin import __version__
    from fo_pose_plugin.commands import clean_up, demo, environment, estimate, evaluate, exchange, models

    parser = argparse.ArgumentParser(
        prog="fo-pose", description="Poses in FiftyOne, by MMPose.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (estimate, evaluate, exchange, models, clean_up, demo, environment):
        command.add(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; an error of ours becomes one line and exit code 1 (2 for what was typed wrongly)."""
    from fo_pose_plugin.commands.terminal import readable
    from fo_pose_plugin.errors import InputError, PoseError

    typed = sys.argv[1:] if arguments is None else list(arguments)
    parsed = make_parser().parse_args(typed)
    parsed.typed = typed
    try:
        return int(parsed.run(parsed))
    except PoseError as error:
        sys.stderr.write(f"fo-pose: {readable(str(error))}\n")
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        sys.stderr.write("fo-pose: stopped\n")
        return 130


if __name__ == "__main__":
    # Run by path, Python puts this directory on sys.path, where `core`, `models` and `app` would be found
    # by anyone who imports such a name; what belongs there is the directory above it.
    here = Path(__file__).resolve().parent
    sys.path[:] = [str(here.parent), *(path for path in sys.path if Path(path or ".").resolve() != here)]
    sys.exit(main())

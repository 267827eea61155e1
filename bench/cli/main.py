"""The ``contourbench`` command: parse, call one function, print. Data on stdout, messages on stderr.

Only the standard library is imported up here, so that ``--help`` is instant.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ..errors import RunFailed, UserError
from ..runs.guards import orderly_end
from . import checking, completing, data, detecting, looking, making
from .messages import as_options, show_messages
from .options import SharedOptions
from .parsing import Commands, InGroups, Parser

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 some images failed, 2 a user's mistake, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our dashes is no reason to fail
    options = new_parser().parse_args(arguments)
    show_messages()
    try:
        with orderly_end():
            options.action(options)
        sys.stdout.flush()
    except BrokenPipeError:  # as in `contourbench table | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UserError as error:
        return _complain(error, 2)
    except (RunFailed, OSError) as error:
        return _complain(error, 1)
    except KeyboardInterrupt as stop:
        kept = str(stop) or "finished images are kept, the same command goes on from there"
        print(f"\ninterrupted; {kept}", file=sys.stderr)
        return INTERRUPTED
    return 0


def entry() -> NoReturn:
    """Run the command and end the process; when interrupted, without waiting for what a pool in the middle holds."""
    code = main()
    if code == INTERRUPTED:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _complain(error: Exception, code: int) -> int:
    for line in as_options(str(error)).splitlines():
        print(f"contourbench: {line}", file=sys.stderr)
    return code


def new_parser() -> Parser:
    """Return the parser of the whole command."""
    parser = Parser(
        prog="contourbench",
        description="Contour-detection benchmark: BSDS scores (ODS, OIS, AP, R50), tables and precision-recall curves.",
        formatter_class=InGroups,
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    make, look, check = (Commands(commands, heading) for heading in ("make results", "look at them", "check, and get"))
    shared = SharedOptions.new()
    detecting.add_commands(make)
    making.add_commands(make, shared)
    looking.add_commands(look, shared)
    checking.add_commands(check, shared)
    data.add_commands(check, shared)
    completing.add_commands(check, new_parser)
    return parser


class _Version(argparse.Action):
    """Look the version up only when it is asked for: that takes as long as all the rest of the help."""

    def __init__(self, option_strings: list[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from ... import __version__

        print(f"contourbench {__version__}")
        parser.exit()

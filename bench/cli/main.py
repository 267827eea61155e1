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
from . import checking, data, looking, making
from .messages import as_options, show_messages
from .options import SharedOptions

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 some images failed, 2 a user's mistake, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our dashes is no reason to fail
    options = _parser().parse_args(arguments)
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
    except KeyboardInterrupt:
        print("\ninterrupted; finished images are kept, the same command goes on from there", file=sys.stderr)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="contourbench",
        description="Contour-detection benchmark: BSDS scores (ODS, OIS, AP, R50), tables and precision-recall curves.",
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    shared = SharedOptions.new()
    for group in (making, looking, checking, data):
        group.add_commands(commands, shared)
    return parser


class _Version(argparse.Action):
    """Look the version up only when it is asked for: that takes as long as all the rest of the help."""

    def __init__(self, option_strings: list[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from ... import __version__

        print(f"contourbench {__version__}")
        parser.exit()

"""The command ``completion``: the script by which a shell completes commands, options and file names."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from .parsing import Commands, Parser

SHELLS = ("bash", "zsh", "fish")


def add_commands(commands: Commands, new_parser: Callable[[], Parser]) -> None:
    """Add the parser of this command; ``new_parser`` makes the one that is to be completed."""
    completion = commands.add_parser("completion", help="print what makes a shell complete this command")
    completion.add_argument("shell", choices=SHELLS)
    completion.set_defaults(action=lambda options: _completion(options, new_parser()))


def _completion(options: argparse.Namespace, parser: Parser) -> None:
    import shtab

    from ...eval.suppression import SUPPRESSION_PRESETS

    for action in _actions(parser):
        if action.type is Path or action.dest == "data":
            action.complete = shtab.FILE
        if action.dest == "nms":  # imported only now: a help text must not wait for it
            action.choices = ("none", *SUPPRESSION_PRESETS)
    print(shtab.complete(parser, options.shell))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield every option and argument of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)

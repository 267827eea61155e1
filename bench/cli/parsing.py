"""The parser of the command: its commands in groups, and a hint where an option is misspelt."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from ..errors import nearest_hint


class Parser(argparse.ArgumentParser):
    """A parser whose commands say themselves what they do not know, and what is near."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> argparse.Namespace:
        """Parse, or end with the usage of the command that was named."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            getattr(options, "parser", self).refuse(unknown)
        return options

    def refuse(self, unknown: list[str]) -> NoReturn:
        """End with the usage, saying what is unknown and which option is near."""
        known = [name for name in self._option_string_actions if name.startswith("--")]
        wrong = next((text.partition("=")[0] for text in unknown if text.startswith("--")), "")
        self.error(f"unrecognized arguments: {' '.join(unknown)}{nearest_hint(wrong, known) if wrong else ''}")


class Commands:
    """A group of commands under a heading; each is a parser that knows itself as ``options.parser``."""

    def __init__(self, commands: "argparse._SubParsersAction[Parser]", heading: str) -> None:
        self._commands, self._heading = commands, heading
        self._lines: list[tuple[str, str]] = []
        commands.groups = [*getattr(commands, "groups", []), self]  # for InGroups

    def add_parser(self, name: str, help: str, **options: Any) -> Parser:
        """Add a command; ``help`` is its line in the list of all, and the head of its own help."""
        parser = self._commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.", **options)
        parser.set_defaults(parser=parser)
        self._lines.append((name, help))
        return parser

    def text(self) -> str:
        """Return the heading and a line for each command."""
        return "\n".join([f"  {self._heading}:", *(f"    {name:<12}{line}" for name, line in self._lines), ""])


class InGroups(argparse.HelpFormatter):
    """Shows commands in the groups that they were added in."""

    def _format_action(self, action: argparse.Action) -> str:
        groups = getattr(action, "groups", None)
        return "\n".join(group.text() for group in groups) if groups else super()._format_action(action)

"""The two ways a command can fail; `cli` turns them into one line and an exit code."""

import sys
import zipfile


class UserError(Exception):
    """A user's mistake: a line for each, naming the file or argument, what was found and expected. Exit code 2."""


class RunFailed(Exception):
    """Some images failed though the command was right; the others are safe. Exit code 1."""


def nearest_hint(name: str, known: list[str]) -> str:
    """Return ``; did you mean X?`` if something known is close to ``name``, else an empty string."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def listing(items: list[str], most: int = 8) -> str:
    """Return the items separated by commas, cut after ``most``."""
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def note(message: str) -> None:
    """Print a line on stderr."""
    print(message, file=sys.stderr, flush=True)


def first_line(error: Exception) -> str:
    """First line of an error, short."""
    if isinstance(error, zipfile.BadZipFile | EOFError):
        return "unexpected end of file"
    return (str(error) or type(error).__name__).splitlines()[0][:120]

"""The two ways a call can fail; the command turns them into one line and an exit code.

Messages speak of a function's parameters, in backticks as one would pass them: `` `data='nosuch'` ``, or `` `out=` ``
where the value does not matter. The command spells them as its options: ``--data nosuch``, ``--out``.
"""

import logging
import re
import zipfile

logger = logging.getLogger(__name__)


class UserError(Exception):
    """A user's mistake: a line for each, naming the file or argument, what was found and expected. Exit code 2.

    Parameters
    ----------
    message : str
        What is wrong.
    parameter : str, optional
        The parameter that has a wrong value; the message then begins with it.
    value : object, optional
        That value; a path counts as text.

    Examples
    --------
    >>> print(UserError("no such folder", parameter="data", value="nosuch"))
    `data='nosuch'`: no such folder
    """

    def __init__(self, message: str, parameter: str = "", value: object = "") -> None:
        named = f"{argument(parameter, value)}: " if parameter else ""
        super().__init__(named + message)


class RunFailed(Exception):
    """Some images failed though the command was right; the others are safe. Exit code 1."""


def argument(parameter: str, value: object = "") -> str:
    """Return a parameter and its value as messages have them; without value, it is spoken of as such.

    >>> argument("split", "train"), argument("limit", 0), argument("out")
    ("`split='train'`", '`limit=0`', '`out=`')
    """
    shown = value if isinstance(value, bool | int | float | tuple | list) else str(value)
    return f"`{parameter}={'' if shown == '' else repr(shown)}`"


def nearest_hint(name: str, known: list[str]) -> str:
    """Return ``; did you mean X?`` if something known is close to ``name``, else an empty string."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def listing(items: list[str], most: int = 8) -> str:
    """Return the items separated by commas, cut after ``most``."""
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def told_briefly(lines: list[str], most: int = 3) -> str:
    """Return a line for each fault; where many files have the same one, of the first ``most`` alone.

    >>> print(told_briefly([f"{name}.png: 7 levels" for name in "abcde"]))
    a.png: 7 levels
    b.png: 7 levels
    c.png: 7 levels
    and 2 more files of which the same is to be said
    """
    told: list[str] = []
    same: dict[str, int] = {}
    for line in lines:
        reason = re.sub(r"\d+", "#", line.partition(": ")[2])
        same[reason] = same.get(reason, 0) + 1
        if same[reason] <= most:
            told.append(line)
    left_out = len(lines) - len(told)
    return "\n".join([*told, *([f"and {left_out} more files of which the same is to be said"] if left_out else [])])


def note(message: str) -> None:
    """Tell a line to whoever listens: the command shows it on stderr."""
    logger.info(message)


def first_line(error: Exception) -> str:
    """First line of an error, short."""
    if isinstance(error, zipfile.BadZipFile | EOFError):
        return "unexpected end of file"
    return (str(error) or type(error).__name__).splitlines()[0][:120]

"""How the library's messages look in the command: bare lines on stderr, with options in place of parameters."""

import ast
import logging
import re
import sys
from typing import TextIO

ARGUMENT = re.compile(r"`([a-z]\w*)=(.*?)`")


def as_options(text: str) -> str:
    """Return a message with the parameters in it spelt as options.

    >>> as_options("`max_dist=0.5`: too much; leave out `invert=True` or choose another `out=`")
    '--max-dist 0.5: too much; leave out --invert or choose another --out'
    """
    return ARGUMENT.sub(lambda found: _option(found[1], found[2]), text)


def _option(parameter: str, shown: str) -> str:
    try:
        value = ast.literal_eval(shown) if shown else True
    except (SyntaxError, ValueError):
        value = shown
    name = "--" + parameter.replace("_", "-")
    return name if value is True else f"{name} {value}"


def show_messages() -> None:
    """Show on stderr, from now on, what the library logs in this process; a second call changes nothing."""
    logger = logging.getLogger(__package__.partition(".")[0])
    if not any(isinstance(handler, _OnStderr) for handler in logger.handlers):
        logger.addHandler(_OnStderr())
        logger.setLevel(logging.INFO)


class _OnStderr(logging.StreamHandler):
    """Writes to what is ``sys.stderr`` at the moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    def format(self, record: logging.LogRecord) -> str:
        said = as_options(record.getMessage())
        return f"warning: {said}" if record.levelno >= logging.WARNING else said

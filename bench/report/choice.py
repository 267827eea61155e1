"""Which rows stand in a table or a figure, in what order, and under what names."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple, TypeVar

from ..errors import UserError, listing, nearest_hint

Item = TypeVar("Item")


class Choice(NamedTuple):
    """What to show.

    ``only`` are names or globs of rows that were not published, all if empty; ``top`` keeps the N strongest of them.
    ``published`` are names or globs of published rows, none of them if None, the label-free ones and people's if empty.
    ``measured`` adds the rows that are shipped. ``labels`` stand in place of the names, one for each of one's own rows.
    ``sort`` is a column, ``detector``, or ``given``; from weak to strong, unless ``best_first``. ``mean`` makes one row
    of those that are called the same, such as of runs on several random splits.
    """

    only: Sequence[str] = ()
    top: int | None = None
    published: Sequence[str] | None = None
    measured: bool = False
    labels: Sequence[str] | None = None
    sort: str = ""
    best_first: bool = False
    mean: bool = False


def fitting(
    items: Sequence[Item], patterns: Sequence[str], parameter: str, name: Callable[[Item], str] = str
) -> list[Item]:
    """Return the items whose name fits one of the patterns, in either case.

    Raises
    ------
    UserError
        If a pattern fits none.

    Examples
    --------
    >>> fitting(["canny", "sobel(sigma=2)", "sobel"], ["SOBEL*"], "only")
    ['sobel(sigma=2)', 'sobel']
    """
    names = [name(item) for item in items]
    for pattern in patterns:
        if not any(_fits(each, pattern) for each in names):
            hint = nearest_hint(pattern, names) or f" (there are: {listing(names, 20)})"
            raise UserError(f"no such row{hint}", parameter=parameter, value=pattern)
    return [item for item, each in zip(items, names, strict=True) if any(_fits(each, p) for p in patterns)]


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name.lower(), pattern.lower())

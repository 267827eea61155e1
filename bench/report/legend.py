"""Room for a legend: beside wide axes or in columns below, in the largest type that leaves two thirds to the curves."""

import re
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import argument, note

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TYPE_SIZES = (8, 7.5, 7, 6.5, 6, 5.5, 5, 4.8)  # points
SMALLEST_BESIDE = 6.5
LONGEST = 28  # letters of a line, where long labels are broken
WIDE = 5.5  # inches from which a legend may stand beside the axes
SHARE = 1 / 3  # of the figure's height, or width, at most
# What axis labels, numerals and margins take beyond the square of the axes.
BESIDE_MARGIN, BELOW_MARGIN, HEIGHT_MARGIN = 0.95, -0.1, 0.45


class Fit(NamedTuple):
    """Where a legend stands and how: the figure's size in inches, matplotlib's place, columns, points, labels."""

    size: tuple[float, float]
    place: str
    columns: int
    points: float
    labels: list[str]


def fit_legend(handles: Sequence[Any], labels: Sequence[str], width: float, columns: int | None = None) -> Fit:
    """Return how a legend fits a figure of ``width`` inches; below, if its ``columns`` are given.

    Labels are broken where they make the type smaller. If the legend takes more than a third however it is set, that
    is noted.
    """
    whole, broken = list(labels), [_broken(label) for label in labels]
    ways = (whole,) if broken == whole else (whole, broken)
    if width >= WIDE and columns is None:
        for points, texts in product(TYPE_SIZES, ways):
            if points >= SMALLEST_BESIDE and (fit := _beside(handles, texts, width, points)):
                return fit
    for points in TYPE_SIZES:
        tried = [_below(handles, texts, width, points, columns) for texts in ways]
        share, fit = min(tried, key=lambda found: found[0])
        if share <= SHARE:
            return fit
    note(
        f"note: the legend takes {share:.0%} of the figure; choose fewer curves by {argument('only')} or"
        f" {argument('top')}, or shorter {argument('labels')}"
    )
    return fit


def add_legend(figure: "Figure", handles: Sequence[Any], fit: Fit) -> None:
    """Add a legend as it was fitted."""
    figure.legend(handles, fit.labels, loc=fit.place, ncols=fit.columns, fontsize=fit.points, **_spacing())


def _beside(handles: Sequence[Any], labels: list[str], width: float, points: float) -> Fit | None:
    """Return how a legend stands beside the axes, None if it is too wide or too high."""
    legend = _size(handles, labels, 1, points)
    side = width - legend[0] - BESIDE_MARGIN
    if legend[0] > width * SHARE or legend[1] > side + HEIGHT_MARGIN:
        return None
    return Fit((width, side + HEIGHT_MARGIN), "outside right center", 1, points, labels)


def _below(
    handles: Sequence[Any], labels: list[str], width: float, points: float, columns: int | None
) -> tuple[float, Fit]:
    """Return the legend's share of the height and how it stands below, in as many columns as there is width for."""
    wanted = (columns,) if columns else (4, 3, 2, 1)
    for number in wanted:
        legend = _size(handles, labels, number, points)
        if legend[0] <= width or number == wanted[-1]:
            break
    height = width + BELOW_MARGIN + legend[1]
    too_wide = legend[0] > width
    return legend[1] / height + too_wide, Fit((width, height), "outside lower center", number, points, labels)


def _size(handles: Sequence[Any], labels: Sequence[str], columns: int, points: float) -> tuple[float, float]:
    """Return width and height of a legend in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1), dpi=200)
    renderer = FigureCanvasAgg(figure).get_renderer()
    legend = figure.legend(handles, labels, loc="center", ncols=columns, fontsize=points, **_spacing())
    box = legend.get_window_extent(renderer)
    return box.width / figure.dpi, box.height / figure.dpi


def _broken(label: str) -> str:
    """Return a long label in lines, broken before its parameters, between words, or after a hyphen."""
    lines = [""]
    for piece in re.split(r"(?<= )|(?<=-)|(?=\()", label):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > LONGEST:
            lines.append("    ")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _spacing() -> dict[str, Any]:
    return {
        "frameon": False,
        "labelspacing": 0.2,
        "handlelength": 2.8,
        "handletextpad": 0.5,
        "columnspacing": 1.0,
        "borderaxespad": 0.3,
    }

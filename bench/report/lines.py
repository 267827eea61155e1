"""The lines of a precision–recall figure: points, best point, and by what colour and stroke each is told apart.

What is measured is solid, then dash-dotted when the colours come round; what others published is dotted, thinner, its
best point hollow, and in the colour of the same method measured here. Evenly dashed is what the caller says.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...eval.metrics import Curve, best_point
from .figures import COLOURS, plain_label

# In units of the line's width, short enough to be seen whole in a legend.
MEASURED_STROKES = ("-", (0, (4.5, 1.2, 1, 1.2)), (0, (4.5, 1, 1, 1, 1, 1)), (0, (9, 1.2)))
PUBLISHED_STROKES = (":", (0, (1, 3)))
DAGGER = "†"


class Line(NamedTuple):
    """A curve to draw.

    ``precision`` and ``recall`` are its points by ascending threshold, ``dot`` the best one as (recall, precision),
    ``f`` the F to print. ``twin`` is the detector that a published row is also measured as.
    """

    label: str
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    dot: tuple[float, float]
    f: float
    detector: str
    is_published: bool = False
    twin: str = ""
    is_dashed: bool = False

    @property
    def legend(self) -> str:
        """What stands in the legend: F with three digits, as in the tables, and the label."""
        return f"[F={f'{self.f:.3f}'.removeprefix('0')}] {plain_label(self.label)}{DAGGER * self.is_published}"


class Stroke(NamedTuple):
    """How a line is drawn, and its dot."""

    colour: str
    style: Any
    width: float
    dot_face: str


def curve_line(detector: str, curve: Curve, label: str = "", is_dashed: bool = False) -> Line:
    """Return a curve as it is drawn: without the thresholds above every response, which are no points of it."""
    seen = curve.recall + curve.precision > 0
    best = best_point(curve).score
    dot = (best.recall, best.precision)
    return Line(
        label or detector, curve.precision[seen], curve.recall[seen], dot, best.f, detector, is_dashed=is_dashed
    )


def strokes(lines: Sequence[Line], width: float = 1.5) -> list[Stroke]:
    """Return how to draw each line, in their order; the strongest measured ones get the plainest strokes.

    ``width`` is that of a measured line in points.
    """
    found: dict[int, Stroke] = {}
    measured = sorted((i for i, line in enumerate(lines) if not line.is_published), key=lambda i: -lines[i].f)
    for place, i in enumerate(measured):
        colour, style = _turn(place, MEASURED_STROKES)
        found[i] = Stroke(colour, "--" if lines[i].is_dashed else style, width, colour)
    colour_of = {_base(lines[i].detector): found[i].colour for i in reversed(measured)}
    colour_of |= {lines[i].detector: found[i].colour for i in measured}
    place = len(measured)
    for i, line in enumerate(lines):
        if line.is_published:
            colour, _ = _turn(place, PUBLISHED_STROKES)
            has_twin = line.twin in colour_of
            style = PUBLISHED_STROKES[0 if has_twin else (1 + (place - len(measured)) // len(COLOURS)) % 2]
            found[i] = Stroke(colour_of[line.twin] if has_twin else colour, style, 0.75 * width, "white")
            place += not has_twin
    return [found[i] for i in range(len(lines))]


def _turn(place: int, styles: Sequence[Any]) -> tuple[str, Any]:
    """Return colour and style of the ``place``-th line: all colours in one style, then in the next."""
    return COLOURS[place % len(COLOURS)], styles[place // len(COLOURS) % len(styles)]


def _base(name: str) -> str:
    """Return a detector's name without its parameters."""
    return name.partition("(")[0]

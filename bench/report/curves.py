"""The precision–recall figure of the field: iso-F contours, each detector's curve with its best-F dot, people's dot."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...eval.counting import pool
from ...eval.metrics import Curve, best_point, f_measure, pr_curve
from .figures import COLOURS, figure_style, new_figure, plain_label, save_figure
from .frames import Runs, runs_of
from .published import HUMAN_PRECISION, HUMAN_RECALL, published_curves, published_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

ROUNDS = ("-", "-.", (0, (6, 1.5, 1, 1.5, 1, 1.5)), (0, (1, 1.5)))  # solid, then each with more gaps than the last


class Line(NamedTuple):
    """A curve to draw: its points by ascending threshold, its best point, and the F to print."""

    name: str
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    dot: tuple[float, float]
    f: float
    style: str


def draw_curves(
    runs: "Runs | DataFrame",
    ax: "Axes | None" = None,
    published: bool = False,
    human: bool = False,
    labels: Sequence[str] | None = None,
    dashed: Collection[str] = (),
    legend: bool = True,
) -> "Axes":
    """Draw the precision–recall figure of some runs, and return its axes.

    Parameters
    ----------
    runs : Run, str or Path, several of these, or DataFrame
        Runs, folders with finished ones, or a frame as `curves_frame` returns it: a line for each ``detector`` (and
        ``folder``, if there is such a column) through its ``precision`` and ``recall`` by ``threshold``.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if None.
    published : bool
        Whether to draw published BSDS500 curves, too: dotted without labels, dashed if supervised. They belong beside
        runs on all of BSDS500 test by its own protocol only.
    human : bool
        Whether to draw the dot of human agreement on BSDS500 test.
    labels : sequence of str, optional
        What stands in the legend for each run, in place of its name.
    dashed : collection of str
        Labels of runs to draw dashed, such as the parts beside their mean.
    legend : bool
        Whether to add the legend, sorted by F: below a new figure, inside axes that were given.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    UserError
        If there is no finished run, or one is damaged.
    ValueError
        If a frame lacks a column, or the labels are not one for each run.

    Examples
    --------
    >>> import tempfile
    >>> from contourbench.bench import draw_curves, open_dataset, run
    >>> from matplotlib.figure import Figure
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     runs = run(["sobel", "canny"], open_dataset("scenes").limit(2), folder)
    >>> ax = draw_curves(runs, ax=Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['[F=0.77] canny', '[F=0.72] sobel']
    """
    lines = _lines(runs, labels, dashed, published)
    if ax is not None:
        _draw(ax, lines, human)
        if legend:
            ax.legend(loc="lower left", fontsize="small")
        return ax
    from matplotlib import pyplot

    with figure_style():
        size, columns = _layout(lines, human)
        _, ax = pyplot.subplots(figsize=size, layout="constrained")
        _draw(ax, lines, human)
        if legend:
            _add_legend(ax, columns)
    return ax


def write_curves(
    runs: Runs,
    path: Path,
    published: bool = False,
    human: bool = False,
    width: float = 4.8,
    labels: Sequence[str] | None = None,
    dashed: Collection[str] = (),
) -> None:
    """Write the precision–recall figure of some runs as png, pdf or svg, by the suffix of ``path``.

    ``width`` is in inches; 3.3 is a column of most papers. The others are as for `draw_curves`.
    """
    lines = _lines(runs, labels, dashed, published)
    with figure_style():
        size, columns = _layout(lines, human, width)
        figure, (ax,) = new_figure(size)
        _draw(ax, lines, human)
        _add_legend(ax, columns)
        save_figure(figure, path)


def _lines(
    runs: "Runs | DataFrame", labels: Sequence[str] | None, dashed: Collection[str], published: bool
) -> list[Line]:
    """Return the lines to draw, by descending F."""
    found = _curves(runs)
    labels = [name for name, _ in found] if labels is None else labels
    if len(labels) != len(found):
        raise ValueError(f"labels: {len(labels)} for {len(found)} runs ({', '.join(name for name, _ in found)})")
    lines = [
        curve_line(label, curve, "--" if label in dashed else "-")
        for label, (_, curve) in zip(labels, found, strict=True)
    ]
    lines += published_lines() if published else []
    return sorted(lines, key=lambda line: -line.f)


def _curves(runs: "Runs | DataFrame") -> list[tuple[str, Curve]]:
    """Return name and curve of each run or, of a frame, of each detector."""
    if not hasattr(runs, "columns"):
        return [(run.name, pr_curve(pool(run.counts.values()))) for run in runs_of(runs)]
    lacking = [name for name in ("detector", "threshold", "precision", "recall") if name not in runs.columns]
    if lacking:
        raise ValueError(f"runs: a frame without {', '.join(lacking)}, expected one as curves_frame returns it")
    keys = [name for name in ("detector", "folder") if name in runs.columns]
    found = []
    for (name, *_), points in runs.groupby(keys, sort=False, dropna=False):
        points = points.sort_values("threshold")
        threshold, precision, recall = (points[key].to_numpy() for key in ("threshold", "precision", "recall"))
        found.append((name, Curve(threshold, precision, recall, f_measure(precision, recall))))
    return found


def curve_line(label: str, curve: Curve, style: str = "-") -> Line:
    """Return a curve as it is drawn: without the thresholds above every response, which are no points of it."""
    seen = curve.recall + curve.precision > 0
    best = best_point(curve).score
    return Line(label, curve.precision[seen], curve.recall[seen], (best.recall, best.precision), best.f, style)


def published_lines() -> list[Line]:
    """Return the published curves as they are drawn, in the order of their rows."""
    rows = {row.method: row for row in published_scores()}
    lines = []
    for curve in published_curves():
        best = int(np.argmax(f_measure(curve.precision, curve.recall)))
        row = rows[curve.method]
        style = ":" if row.supervision == "none" else "--"
        dot = (float(curve.recall[best]), float(curve.precision[best]))
        lines.append(Line(f"{curve.method} (published)", curve.precision, curve.recall, dot, row.ods, style))
    return lines


def _layout(lines: list[Line], human: bool, width: float = 4.8) -> tuple[tuple[float, float], int]:
    """Return the size of a figure in inches, and in how many columns its legend stands below the axes."""
    columns = 1 if width < 4 or max(len(line.name) for line in lines) > 26 else 2
    rows = -(-(len(lines) + human) // columns)
    return (width, width - 0.1 + 0.17 * rows), columns


def _draw(ax: "Axes", lines: list[Line], human: bool) -> None:
    _draw_iso_f(ax)
    if human:
        f = float(f_measure(HUMAN_PRECISION, HUMAN_RECALL))
        ax.plot(HUMAN_RECALL, HUMAN_PRECISION, "o", color="#2ca02c", ms=7, label=f"[F={f:.2f}] human", zorder=5)
    for i, line in enumerate(lines):
        colour, label = COLOURS[i % len(COLOURS)], f"[F={line.f:.2f}] {plain_label(line.name)}"
        # The colours come round: another kind of line then, as a solid one would be taken for the first.
        style = ROUNDS[i // len(COLOURS) % len(ROUNDS)] if line.style == "-" else line.style
        ax.plot(line.recall, line.precision, linestyle=style, color=colour, lw=1.5, label=label)
        ax.plot(*line.dot, "o", color=colour, ms=5, zorder=4)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="Recall", ylabel="Precision", aspect="equal")
    ax.set_xticks(np.linspace(0, 1, 11))
    ax.set_yticks(np.linspace(0, 1, 11))
    ax.grid(color="0.92", lw=0.5)


def _add_legend(ax: "Axes", columns: int) -> None:
    handles, labels = ax.get_legend_handles_labels()
    ax.figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def _draw_iso_f(ax: "Axes") -> None:
    """Green lines of equal F, each marked on the right."""
    for f in np.arange(0.1, 0.91, 0.1):
        recall = np.linspace(f / (2 - f) + 1e-9, 1, 200)
        ax.plot(recall, f * recall / (2 * recall - f), color="#b8dfb8", lw=0.7, zorder=1)
        ax.annotate(
            f"{f:.1f}", (1, f / (2 - f)), xytext=(2, 0), textcoords="offset points", color="#6aa86a", va="center"
        )

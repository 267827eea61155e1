"""The precision–recall figure of the field: iso-F contours, each detector's curve with its best-F dot, people's dot."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...eval.counting import pool
from ...eval.metrics import Curve, f_measure, pr_curve
from ..errors import note
from .entries import Entry, published_entries
from .figures import DPI, figure_style, new_figure, save_figure
from .frames import Runs, runs_of
from .legend import add_legend, fit_legend
from .lines import DAGGER, Line, curve_line, strokes
from .published import HUMAN_PRECISION, HUMAN_RECALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

WIDTH, NARROW = 4.8, 4.0  # inches; lines are thinner up to the second
EXPLAINED = f"{DAGGER} as published"


def draw_curves(
    runs: "Runs | DataFrame",
    ax: "Axes | None" = None,
    published: bool | Sequence[str] = False,
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
    published : bool or sequence of str
        Whether to draw published BSDS500 curves, too, dotted: those without labels, or those whose names fit one of
        these. They belong beside runs on all of BSDS500 test by its own protocol only.
    human : bool
        Whether to draw the dot of human agreement on BSDS500 test.
    labels : sequence of str, optional
        What stands in the legend for each run, in place of its name.
    dashed : collection of str
        Labels of runs to draw dashed, such as the parts beside their mean.
    legend : bool
        Whether to add the legend, weak to strong as in the table: below a new figure, inside axes that were given.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    UserError
        If there is no finished run, or one is damaged, or no published curve has such a name.
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
    ['[F=.718] sobel', '[F=.775] canny']
    """
    lines = _lines(runs, labels, dashed)
    if published is not False:
        lines += entry_lines(published_entries(() if published is True else published))
    if ax is not None:
        _draw(ax, lines, human)
        if legend:
            ax.legend(loc="lower left", fontsize="small")
        return ax
    from matplotlib import pyplot

    with figure_style():
        fit = fit_legend(*_legend(lines, human), WIDTH)
        _, ax = pyplot.subplots(figsize=fit.size, layout="constrained")
        _draw(ax, lines, human)
        if legend:
            add_legend(ax.figure, _legend(lines, human)[0], fit)
    return ax


def write_curves(
    runs: "Runs | list[Line]",
    path: Path,
    human: bool = False,
    width: float = WIDTH,
    dpi: int = DPI,
    columns: int | None = None,
) -> None:
    """Write the precision–recall figure of some runs, or of lines as they are, as png, pdf or svg.

    ``width`` is in inches, 3.3 is a column of most papers and 6.9 a page; ``columns`` are those of a legend below, as
    many as there is room for if None.
    """
    lines = runs if _are_lines(runs) else _lines(runs)
    with figure_style():
        handles, labels = _legend(lines, human, width)
        fit = fit_legend(handles, labels, width, columns)
        figure, (ax,) = new_figure(fit.size)
        _draw(ax, lines, human, width)
        add_legend(figure, handles, fit)
        save_figure(figure, path, dpi)


def entry_lines(entries: Sequence[Entry], dashed: Collection[str] = ()) -> list[Line]:
    """Return the lines of some rows, in their order; rows that have no curve are left out, and noted."""
    lines, without = [], []
    for entry in entries:
        curve = entry.read_curve()
        if curve is not None:
            line = curve_line(entry.name, curve, entry.shown, entry.shown in dashed)
            lines.append(line._replace(f=entry.score("ods"), is_published=entry.is_published, twin=entry.twin))
        elif entry.supervision != "annotator":  # people are a dot
            without.append(entry.shown)
    if without:
        note(f"note: no curve is known of {', '.join(without)}, only scores")
    return lines


def _are_lines(runs: Any) -> bool:
    return isinstance(runs, list) and bool(runs) and all(isinstance(each, Line) for each in runs)


def _lines(runs: "Runs | DataFrame", labels: Sequence[str] | None = None, dashed: Collection[str] = ()) -> list[Line]:
    """Return the lines of runs, weak to strong."""
    found = _curves(runs)
    labels = [name for name, _ in found] if labels is None else labels
    if len(labels) != len(found):
        raise ValueError(f"labels: {len(labels)} for {len(found)} runs ({', '.join(name for name, _ in found)})")
    lines = [
        curve_line(name, curve, label, label in dashed) for label, (name, curve) in zip(labels, found, strict=True)
    ]
    return sorted(lines, key=lambda line: line.f)


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


def _draw(ax: "Axes", lines: list[Line], human: bool, width: float = WIDTH) -> None:
    _draw_iso_f(ax)
    for artist in _artists(lines, human, width):
        ax.add_line(artist)
    thick = _thickness(width)
    for line, stroke in zip(lines, strokes(lines, thick), strict=True):
        face = {"markerfacecolor": stroke.dot_face, "markeredgecolor": stroke.colour, "markeredgewidth": 0.7 * thick}
        ax.plot(*line.dot, "o", ms=3.2 * thick if stroke.dot_face == stroke.colour else 2.6 * thick, zorder=4, **face)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="Recall", ylabel="Precision", aspect="equal")
    ax.set_xticks(np.linspace(0, 1, 11))
    ax.set_yticks(np.linspace(0, 1, 11))
    ax.grid(color="0.92", lw=0.5)


def _artists(lines: list[Line], human: bool, width: float) -> list[Any]:
    """Return what the legend names, in its order: the lines, and people's dot."""
    from matplotlib.lines import Line2D

    found = []
    for line, stroke in zip(lines, strokes(lines, _thickness(width)), strict=True):
        look = {"linestyle": stroke.style, "color": stroke.colour, "linewidth": stroke.width}
        found.append(Line2D(line.recall, line.precision, label=line.legend, **look))
    if human:
        f = f"{float(f_measure(HUMAN_PRECISION, HUMAN_RECALL)):.3f}".removeprefix("0")
        look = {"linestyle": "none", "marker": "o", "markersize": 4.5 * _thickness(width), "color": "#2ca02c"}
        found.append(Line2D([HUMAN_RECALL], [HUMAN_PRECISION], label=f"[F={f}] human", zorder=5, **look))
    return found


def _legend(lines: list[Line], human: bool, width: float = WIDTH) -> tuple[list[Any], list[str]]:
    """Return handles and labels; the last one explains the dagger, where there is one."""
    from matplotlib.lines import Line2D

    handles, thick = _artists(lines, human, width), _thickness(width)
    if any(line.is_published for line in lines):
        look = {"linestyle": ":", "color": "0.4", "linewidth": 0.75 * thick, "markerfacecolor": "white"}
        handles.append(Line2D([], [], marker="o", markersize=2.6 * thick, label=EXPLAINED, **look))
    return handles, [handle.get_label() for handle in handles]


def _thickness(width: float) -> float:
    """Return the width of a line, in points, in a figure of ``width`` inches."""
    return 1.5 if width > NARROW else 1.1


def _draw_iso_f(ax: "Axes") -> None:
    """Green lines of equal F, each marked on the right."""
    for f in np.arange(0.1, 0.91, 0.1):
        recall = np.linspace(f / (2 - f) + 1e-9, 1, 200)
        ax.plot(recall, f * recall / (2 * recall - f), color="#b8dfb8", lw=0.7, zorder=1)
        ax.annotate(
            f"{f:.1f}", (1, f / (2 - f)), xytext=(2, 0), textcoords="offset points", color="#6aa86a", va="center"
        )

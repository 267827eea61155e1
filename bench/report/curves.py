"""The precision–recall figure of the field: iso-F contours, each detector's curve with its best-F dot, people's dot."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...eval.counting import pool
from ...eval.metrics import best_point, f_measure, pr_curve, summarize
from ..runs.results import Run
from .figures import COLOURS, figure_style, new_figure, plain_label, save_figure
from .published import HUMAN_PRECISION, HUMAN_RECALL, published_curves, published_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    runs: list[Run],
    path: Path,
    published: bool = False,
    human: bool = False,
    width: float = 4.8,
    labels: list[str] | None = None,
    dashed: Collection[str] = (),
) -> None:
    """Write the figure of some runs as png, pdf or svg.

    Parameters
    ----------
    runs : list of Run
        Their pooled curves are drawn solid, the legend sorted by F.
    path : Path
        The suffix decides the format.
    published : bool
        Whether to draw published BSDS500 curves, too: dotted without labels, dashed if supervised.
    human : bool
        Whether to draw the dot of human agreement on BSDS500 test.
    width : float
        Of the figure in inches; 3.3 is a column of most papers.
    labels : list of str, optional
        What stands in the legend for each run, in place of its name.
    dashed : collection of str
        Labels of runs to draw dashed, such as the parts beside their mean.
    """
    with figure_style():
        lines = [
            _measured(run, label, dashed) for run, label in zip(runs, labels or [r.name for r in runs], strict=True)
        ]
        lines += _published() if published else []
        columns = 1 if width < 4 or max(len(line.name) for line in lines) > 26 else 2
        legend_rows = -(-(len(lines) + human) // columns)
        figure, (axes,) = new_figure((width, width - 0.1 + 0.17 * legend_rows))
        _draw_iso_f(axes)
        if human:
            f = float(f_measure(HUMAN_PRECISION, HUMAN_RECALL))
            axes.plot(HUMAN_RECALL, HUMAN_PRECISION, "o", color="#2ca02c", ms=7, label=f"[F={f:.2f}] human", zorder=5)
        for i, line in enumerate(sorted(lines, key=lambda line: -line.f)):
            colour, label = COLOURS[i % len(COLOURS)], f"[F={line.f:.2f}] {plain_label(line.name)}"
            # The colours come round: another kind of line then, as a solid one would be taken for the first.
            style = ROUNDS[i // len(COLOURS) % len(ROUNDS)] if line.style == "-" else line.style
            axes.plot(line.recall, line.precision, linestyle=style, color=colour, lw=1.5, label=label)
            axes.plot(*line.dot, "o", color=colour, ms=5, zorder=4)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="Recall", ylabel="Precision", aspect="equal")
        axes.set_xticks(np.linspace(0, 1, 11))
        axes.set_yticks(np.linspace(0, 1, 11))
        axes.grid(color="0.92", lw=0.5)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=columns, frameon=False)
        save_figure(figure, path)


def _measured(run: Run, label: str, dashed: Collection[str]) -> Line:
    curve = pr_curve(pool(run.counts.values()))
    seen = curve.recall + curve.precision > 0  # thresholds above every response are no points of the curve
    best = best_point(curve).score
    f = summarize(run.counts).ods.f
    style = "--" if label in dashed else "-"
    return Line(label, curve.precision[seen], curve.recall[seen], (best.recall, best.precision), f, style)


def _published() -> list[Line]:
    rows = {row.method: row for row in published_scores()}
    lines = []
    for curve in published_curves():
        best = int(np.argmax(f_measure(curve.precision, curve.recall)))
        row = rows[curve.method]
        style = ":" if row.supervision == "none" else "--"
        dot = (float(curve.recall[best]), float(curve.precision[best]))
        lines.append(Line(f"{curve.method} (published)", curve.precision, curve.recall, dot, row.ods, style))
    return lines


def _draw_iso_f(axes: "Axes") -> None:
    """Green lines of equal F, each marked on the right."""
    for f in np.arange(0.1, 0.91, 0.1):
        recall = np.linspace(f / (2 - f) + 1e-9, 1, 200)
        axes.plot(recall, f * recall / (2 * recall - f), color="#b8dfb8", lw=0.7, zorder=1)
        axes.annotate(
            f"{f:.1f}", (1, f / (2 - f)), xytext=(2, 0), textcoords="offset points", color="#6aa86a", va="center"
        )

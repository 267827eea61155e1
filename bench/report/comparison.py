"""Two runs side by side: is the difference real, and on which images do they differ most."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...eval.counting import BoundaryCounts
from ...eval.metrics import best_point, pr_curve
from ...eval.uncertainty import Difference, Interval, bootstrap, compare
from ..errors import UserError, listing, note
from ..runs.evaluation_files import Evaluation, find_evaluations
from ..runs.results import Run, load_run
from .entries import missing_hint
from .figures import figure_style, new_figure, plain_label, save_figure

SHOWN_IMAGES = 10


class Comparison(NamedTuple):
    """Scores of both with intervals, their differences (first minus second), and each image's best F (n, 2)."""

    names: tuple[str, str]
    scores: tuple[dict[str, Interval], dict[str, Interval]]
    differences: dict[str, Difference]
    ids: tuple[str, ...]
    best_f: NDArray[np.float64]

    def __repr__(self) -> str:
        return comparison_text(self)


def load_compared(place: Path) -> Run | Evaluation:
    """Return the finished run in a folder, or the counts per image of others in it.

    Raises
    ------
    UserError
        If there is neither, or more than one.
    """
    if not place.exists():
        raise UserError(f"{place}: no such folder{missing_hint(place)}")
    if place.is_dir() and ((place / "run.json").exists() or (place / "scores.json").exists()):
        return load_run(place)
    found = find_evaluations(place)
    if len(found) == 1:
        if found[0].counts is None:
            raise UserError(f"{place}: scores without counts per image; only <id>_ev1.txt files can be compared")
        return found[0]
    inside = [str(path.parent) for path in sorted(place.rglob("run.json"))]
    hint = f"; name one of those in it: {listing(inside)}" if inside else ", nor a folder of <id>_ev1.txt files"
    raise UserError(f"{place}: not a finished run{hint}")


def compare_runs(first: Run | Evaluation, second: Run | Evaluation, samples: int, seed: int) -> Comparison:
    """Compare two runs, or counts of others, on the same images.

    Raises
    ------
    UserError
        If the images, their ground truth, the tolerance or the thinning differ. Counts of others do not say by which
        protocol they are; of their ground truth, the number of true pixels of each image is compared.
    """
    if isinstance(first, Run) and isinstance(second, Run):
        _require_same_protocol(first, second)
    else:
        note("note: counts of others do not say of their tolerance and thinning; expected to be those of the other run")
    try:
        differences = compare(first.counts, second.counts, samples, seed)
    except ValueError as error:
        raise UserError(f"{first.folder} and {second.folder}: {error}") from None
    scores = bootstrap(first.counts, samples, seed), bootstrap(second.counts, samples, seed)
    ids = tuple(first.counts)
    best_f = np.array([[_best_f(run.counts[i]) for run in (first, second)] for i in ids])
    return Comparison((first.name, second.name), scores, differences, ids, best_f)


def _require_same_protocol(first: Run, second: Run) -> None:
    held, others = first.meta["protocol"], second.meta["protocol"]
    differing = [key for key in ("max_dist", "thin", "definition") if held.get(key) != others.get(key)]
    if differing:
        raise UserError(f"{second.folder}: another {', '.join(differing)} than {first.folder}; they cannot be compared")
    for image_id in set(first.records) & set(second.records):
        if first.records[image_id].truth != second.records[image_id].truth:
            raise UserError(f"{second.folder}: {image_id} was counted with another ground truth than in {first.folder}")


def comparison_text(found: Comparison) -> str:
    """Return the comparison as text: a line per score, then the images that differ most."""
    a, b = found.names
    lines = [f"A  {a}", f"B  {b}", "", "      A                  B                  A - B                    p"]
    for name, difference in found.differences.items():
        cells = [interval_text(scores[name]) for scores in found.scores]
        p = "–" if np.isnan(difference.p) else f"{difference.p:.3f}"
        lines.append(f"{name.upper():<4}  {cells[0]}  {cells[1]}  {interval_text(difference, '+')}  {p}")
    better = int(np.sum(found.best_f[:, 0] > found.best_f[:, 1]))
    lines += ["", f"best F is higher with A on {better} of {len(found.ids)} images; they differ most on"]
    apart = found.best_f[:, 0] - found.best_f[:, 1]
    for i in np.argsort(-np.abs(apart), kind="stable")[:SHOWN_IMAGES]:
        lines.append(f"  {found.ids[i]:<12}  A {found.best_f[i, 0]:.3f}  B {found.best_f[i, 1]:.3f}  {apart[i]:+.3f}")
    return "\n".join(lines) + "\n"


def draw_comparison(found: Comparison, path: Path) -> None:
    """Write the scatter of the images' best F as png, pdf or svg."""
    with figure_style():
        figure, (axes,) = new_figure((3.6, 3.6))
        axes.plot([0, 1], [0, 1], color="0.6", lw=0.8)
        axes.plot(found.best_f[:, 1], found.best_f[:, 0], "o", ms=3, mew=0, alpha=0.6, color="#0072B2")
        axes.set(
            xlabel=f"best F of {plain_label(found.names[1])}",
            ylabel=f"best F of {plain_label(found.names[0])}",
            xlim=(0, 1),
            ylim=(0, 1),
        )
        axes.set_aspect("equal")
        save_figure(figure, path)


def _best_f(counts: BoundaryCounts) -> float:
    return best_point(pr_curve(counts)).score.f


def interval_text(found: Interval | Difference, sign: str = "") -> str:
    """Return a value and its interval with three decimals; dashes where they are undefined, ``+`` as ``sign`` if so."""
    value, low, high = ("–" if np.isnan(x) else f"{x:{sign}.3f}" for x in found[:3])
    return f"{value} [{low}, {high}]"

"""The curves of the page: their numbers, names, colours and dashes, for the script to draw."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...eval.metrics import Curve
from ..runs.results import Run
from .entries import Entry
from .figures import COLOURS
from .lines import curve_line

DASHES = ("none", "7 3", "2 3", "10 3 2 3")


def page_curves(entries: Sequence[Entry], runs: list[Run]) -> list[dict[str, Any]]:
    """Return measured curves by descending F, then published ones; a colour each, dashed from the second round on."""
    run_of = {str(run.folder): run for run in runs}
    drawn = [entry for entry in entries if entry.read_curve() is not None]
    drawn.sort(key=lambda entry: (entry.is_published, -entry.score("ods")))
    curves = [_curve(entry, run_of.get(entry.scores.get("folder", ""))) for entry in drawn]
    for i, curve in enumerate(curves):
        curve["colour"] = COLOURS[i % len(COLOURS)]
        curve["dash"] = DASHES[i // len(COLOURS) % len(DASHES)]
    return curves


def stop_names(run: Run) -> list[str]:
    """Name each point of a run's curve: its threshold, or its setting."""
    thresholds = next(iter(run.counts.values())).thresholds
    if run.settings:
        return [f"setting {name}" for name in run.settings]
    if is_sweep(run):
        return [f"setting {k:.0f}" for k in thresholds]
    return [f"threshold {t:.4g}" for t in thresholds]


def is_sweep(run: Run) -> bool:
    """Whether a run is of sweeps: their settings are numbered from 1 up; thresholds are below 1."""
    return bool(next(iter(run.counts.values())).thresholds[0] >= 1)


def rounded(values: ArrayLike) -> Any:
    """Return numbers with the five decimals that the page keeps."""
    return np.round(np.asarray(values, np.float64), 5).tolist()


def _curve(entry: Entry, run: Run | None) -> dict[str, Any]:
    """Return the numbers of a curve, and what each of its points is called where that is known."""
    curve = entry.read_curve()
    seen = curve.recall + curve.precision > 0  # as `curve_line` leaves them out
    line = curve_line(entry.name, curve)
    names = stop_names(run) if run else _threshold_names(curve)
    at = [name for name, keep in zip(names, seen, strict=True) if keep] if names else []
    points = {"precision": rounded(line.precision), "recall": rounded(line.recall), "at": at}
    best = {"f": rounded(entry.score("ods")), "best": rounded(line.dot)}
    name = f"{entry.name} (published)" if entry.is_published else entry.name
    return {"name": name, **points, **best, "published": entry.is_published}


def _threshold_names(curve: Curve) -> list[str]:
    if np.isnan(curve.thresholds).any():
        return []
    return [f"setting {t:.0f}" if curve.thresholds[0] >= 1 else f"threshold {t:.4g}" for t in curve.thresholds]

"""The curves of the page: their numbers, names, colours and dashes, for the script to draw."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...eval.counting import pool
from ...eval.metrics import pr_curve
from ..runs.results import Run
from .curves import Line, curve_line, published_lines
from .figures import COLOURS

DASHES = ("none", "7 3", "2 3", "10 3 2 3")


def page_curves(runs: list[Run], published: bool) -> list[dict[str, Any]]:
    """Return measured curves by descending F, then published ones; a colour each, dashed from the second round on."""
    curves = sorted(map(_measured, runs), key=lambda curve: -curve["f"])
    if published:
        lines = sorted(published_lines(), key=lambda line: -line.f)
        curves += [_values(line, []) | {"published": True} for line in lines]
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


def _measured(run: Run) -> dict[str, Any]:
    curve = pr_curve(pool(run.counts.values()))
    seen = curve.recall + curve.precision > 0  # as `curve_line` leaves them out
    at = [name for name, keep in zip(stop_names(run), seen, strict=True) if keep]
    return _values(curve_line(run.name, curve), at) | {"published": False}


def _values(line: Line, at: list[str]) -> dict[str, Any]:
    points = {"precision": rounded(line.precision), "recall": rounded(line.recall), "at": at}
    return {"name": line.name, **points, "f": rounded(line.f), "best": rounded(line.dot)}

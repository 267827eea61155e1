"""Rows of tables, lines of figures: one detector with its scores and its curve, wherever they come from.

A finished run, evaluation files of others, the rows that are shipped, and the published ones are all an `Entry`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...eval.counting import BoundaryCounts, pool
from ...eval.metrics import Curve, f_measure, pr_curve
from ..errors import UserError, nearest_hint
from ..runs.evaluation_files import Evaluation, find_evaluations
from ..runs.results import load_run
from .choice import fitting
from .published import published_curves, published_scores

MEASURED = "measured"
FROM_FILES = "evaluation files"
SHIPPED = "measured by contourbench"
OURS = (MEASURED, FROM_FILES, SHIPPED)  # sources of what was not published by others
SUPERVISION = {"none": 0, "supervised": 1, "masks": 1, "annotator": 2}  # groups of published rows, in order
EVALUATION_HINT = "eval_bdry.txt, NAME_bdry_thr.txt or <id>_ev1.txt"


class Pooled(NamedTuple):
    """Counts summed over the images, and matched and all pixels of the full map (None if not known)."""

    counts: BoundaryCounts
    full_map: tuple[int, int] | None


@dataclass(frozen=True)
class Entry:
    """A detector's scores and curve.

    ``scores`` are named as the columns of `load_results`; those that are not known are NaN or not there. ``images`` is
    None where their number is not known. ``supervision`` is none, supervised or annotator, ``twin`` the detector that a
    published row is also measured as. ``read_curve`` and ``read_pooled`` return None where there is no curve, or where
    there are no counts.
    """

    name: str
    scores: dict[str, Any]
    images: int | None = None
    source: str = MEASURED
    supervision: str = "none"
    twin: str = ""
    label: str = ""
    read_curve: Callable[[], Curve | None] = lambda: None
    read_pooled: Callable[[], Pooled | None] = lambda: None

    @property
    def is_published(self) -> bool:
        """Whether others published it."""
        return self.source not in OURS

    @property
    def shown(self) -> str:
        """What to call it in a table or figure."""
        return self.label or self.name

    @property
    def group(self) -> int:
        """Its place among the groups of rows: what was measured, then by supervision what was published."""
        return 1 + SUPERVISION[self.supervision] if self.is_published else 0

    def score(self, key: str) -> float:
        """Return a score, NaN if it is not known."""
        return float(self.scores.get(key, np.nan))


class Found(NamedTuple):
    """What some places hold: folders of runs, finished or not, and evaluation files of others."""

    runs: list[Path]
    evaluations: list[Evaluation]


def find_results(places: Iterable[Path]) -> Found:
    """Return the runs and the evaluation files at or below some folders, or in some files, each once.

    Raises
    ------
    UserError
        If there is none at one of the places, or a file is none of its kind.
    """
    runs: list[Path] = []
    evaluations: dict[tuple[Path, str], Evaluation] = {}
    for place in places:
        its_runs = sorted(path.parent for path in place.rglob("run.json"))
        folders = sorted({path.parent for path in place.rglob("*.txt")} - set(its_runs))
        its_files = [found for each in ([place] if place.is_file() else folders) for found in find_evaluations(each)]
        if not its_runs and not its_files:
            raise UserError(_nothing_found(place))
        runs += its_runs
        evaluations |= {(found.folder, found.name): found for found in its_files}
    return Found(list(dict.fromkeys(runs)), list(evaluations.values()))


def run_entries(rows: Iterable[dict[str, Any]]) -> list[Entry]:
    """Return the entries of finished runs, given as rows of `load_results`; their counts are read when asked for."""
    found = []
    for row in rows:
        pooled = partial(_pooled_of, Path(row["folder"]))
        found.append(Entry(row["detector"], row, row["images"], read_pooled=pooled, read_curve=_curve_of(pooled)))
    return found


def evaluation_entry(found: Evaluation) -> Entry:
    """Return the entry of others' evaluation files."""
    pooled = Pooled(pool(found.counts.values()), None) if found.counts else None
    read = {"read_curve": lambda: found.curve, "read_pooled": lambda: pooled}
    return Entry(found.name, found.scores, found.images, FROM_FILES, **read)


def published_entries(patterns: Sequence[str] = ()) -> list[Entry]:
    """Return published rows, weak to strong: the label-free ones and people's, or those whose names fit a pattern."""
    rows = published_scores()
    if patterns:
        rows = fitting(rows, patterns, "published", lambda row: row.method)
    else:
        rows = [row for row in rows if row.supervision in ("none", "annotator")]
    curves = {name: Curve(np.full(len(p), np.nan), p, r, f_measure(p, r)) for name, p, r in published_curves()}
    found = []
    for row in sorted(rows, key=lambda row: (SUPERVISION[row.supervision], row.ods)):
        scores = {key: getattr(row, key) for key in ("ods", "ois", "ap", "r50") if getattr(row, key) is not None}
        curve = partial(curves.get, row.method)
        found.append(Entry(row.method, scores, None, row.source, row.supervision, row.twin, read_curve=curve))
    return found


def missing_hint(place: Path) -> str:
    """Return ``; did you mean X?`` if a folder of results beside one that is not there has a similar name."""
    beside = {path.parent for pattern in ("*/run.json", "*/*/run.json") for path in place.parent.glob(pattern)}
    names = {folder.relative_to(place.parent).parts[0] for folder in beside}
    return nearest_hint(place.name, sorted(names))


def _nothing_found(place: Path) -> str:
    if not place.exists():
        return f"{place}: no such results folder{missing_hint(place)}"
    return (
        f"{place}: no runs in it (no run.json), nor evaluation files ({EVALUATION_HINT}); make a run with"
        " `contourbench run` or `score`"
    )


def _pooled_of(folder: Path) -> Pooled:
    run = load_run(folder)
    return Pooled(pool(run.counts.values()), run.full_map)


def _curve_of(read_pooled: Callable[[], Pooled]) -> Callable[[], Curve]:
    return lambda: pr_curve(read_pooled().counts)

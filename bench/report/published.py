"""Scores and curves that others published for BSDS500 test, each with its source; shipped in ``known/``."""

import csv
from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PublishedScore(NamedTuple):
    """A published row; values that were not published are None. ``supervision`` is none, supervised or annotator.

    ``twin`` is the detector here that is of the same method, empty if there is none.
    """

    method: str
    year: int
    supervision: str
    ods: float | None
    ois: float | None
    ap: float | None
    r50: float | None
    note: str
    source: str
    twin: str


class PublishedCurve(NamedTuple):
    """A published precision–recall curve; (K,) float64 arrays."""

    method: str
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


# Human agreement on BSDS500 test: recall and precision of one annotator against the others
# (Dollar's edgesEvalPlot.m), F = .803: the dot in every precision-recall figure.
HUMAN_RECALL, HUMAN_PRECISION = 0.7235, 0.9014


def published_scores() -> list[PublishedScore]:
    """Return the published rows, weak to strong as in the contour table."""
    rows = []
    for row in known_rows("published_scores.csv"):
        numbers = [float(row[key]) if row[key] else None for key in ("ods", "ois", "ap", "r50")]
        rows.append(
            PublishedScore(
                row["method"], int(row["year"]), row["supervision"], *numbers, row["note"], row["source"], row["twin"]
            )
        )
    return rows


def published_curves() -> list[PublishedCurve]:
    """Return the published curves, in the order of the rows; thresholds above every response, 0 and 0, left out."""
    points: dict[str, list[tuple[float, float]]] = {}
    for row in known_rows("published_curves.csv"):
        precision, recall = float(row["precision"]), float(row["recall"])
        if precision + recall > 0:
            points.setdefault(row["method"], []).append((precision, recall))
    return [PublishedCurve(method, *np.array(values).T) for method, values in points.items()]


def known_rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a csv file that is shipped."""
    yield from csv.DictReader((files(__package__) / "known" / name).read_text(encoding="utf-8").splitlines())

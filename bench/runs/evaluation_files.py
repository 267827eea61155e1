"""Results of others, read from the text files that the official benchmark and its descendants write.

Three kinds, of which any may be missing; what cannot be known from those that are there stays unknown:

- ``<id>_ev1.txt`` for each image: rows of threshold, cntR, sumR, cntP, sumP. All scores follow from them, and the
  images can be compared one by one.
- ``eval_bdry_thr.txt`` or ``NAME_bdry_thr.txt``: the curve, rows of threshold, recall, precision, F; some write them
  without F or without the threshold, some with precision before recall. ODS, AP and R50 follow.
- ``eval_bdry.txt`` or ``NAME_bdry.txt``: one row of eight numbers, with ODS, OIS and AP. ``…_bdry_img.txt`` says how
  many images there were, ``…_cover.txt`` and ``…_RI_VOI.txt`` have the region measures.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...eval.counting import BoundaryCounts, pool
from ...eval.metrics import (
    Curve,
    average_precision,
    best_point,
    f_measure,
    pr_curve,
    recall_at_half_precision,
    summarize,
)
from ..errors import UserError, note

COUNTS = re.compile(r"(?P<id>.+)_ev1\.txt")
SUMMARY = re.compile(r"(?P<name>.+)_(?P<kind>bdry_thr|bdry_img|bdry|cover|RI_VOI)\.txt")
COUNT_COLUMNS = "threshold, cntR, sumR, cntP, sumP"
CURVE_COLUMNS = "threshold, recall, precision, F"
TOTAL_COLUMNS = "threshold, R, P and F of ODS, R, P and F of OIS, AP"
PRINTED = 2e-3  # F may have been printed with three digits, from ratios of three digits


@dataclass(frozen=True, eq=False)  # nor a hash: arrays have none
class Evaluation:
    """What evaluation files say of one detector.

    ``counts`` by image id and ``curve`` are None where no file tells; ``scores`` has those that are known, named as the
    columns of `load_results`.
    """

    folder: Path
    name: str
    scores: dict[str, float]
    curve: Curve | None = None
    images: int | None = None
    counts: dict[str, BoundaryCounts] | None = field(default=None, repr=False)


def find_evaluations(place: Path) -> list[Evaluation]:
    """Return what the evaluation files in a folder, or one such file and those beside it of its name, tell.

    Raises
    ------
    UserError
        If a file has other numbers than such a file has, or two of them contradict each other.
    """
    if place.is_file():
        match = SUMMARY.fullmatch(place.name) or COUNTS.fullmatch(place.name)
        if not match:
            raise UserError(f"{place}: expected a folder of results, or a file such as eval_bdry_thr.txt")
        own = match.groupdict().get("name", "eval")
        return [_evaluation(place.parent, own, files) for name, files in _files(place.parent).items() if name == own]
    return [_evaluation(place, name, files) for name, files in sorted(_files(place).items())]


def _files(folder: Path) -> dict[str, dict[str, Path]]:
    """Return the files of each detector by kind, counts as ``ev1 <id>``; those are of what ``eval_bdry`` is of."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.glob("*.txt")):
        if counts := COUNTS.fullmatch(path.name):
            found.setdefault("eval", {})[f"ev1 {counts['id']}"] = path
        elif summary := SUMMARY.fullmatch(path.name):
            found.setdefault(summary["name"], {})[summary["kind"]] = path
    known = ("bdry", "bdry_thr")
    return {name: files for name, files in found.items() if any(kind in known or "ev1 " in kind for kind in files)}


def _evaluation(folder: Path, stem: str, files: dict[str, Path]) -> Evaluation:
    counted = {kind[4:]: path for kind, path in files.items() if kind.startswith("ev1 ")}
    counts = _counts(counted) if counted else None
    total = _total(files["bdry"]) if "bdry" in files else {}
    curve = _curve(files["bdry_thr"], total) if "bdry_thr" in files else None
    if counts is not None:
        curve, scores = pr_curve(pool(counts.values())), _scores_of_counts(counts)
    else:
        scores = _scores_of_curve(curve) if curve is not None else {}
    if scores and total and abs(scores["ods"] - total["ods"]) > PRINTED:
        other = "the counts" if counts else files["bdry_thr"].name
        raise UserError(
            f"{files['bdry']}: ODS {total['ods']:.4f}, but {other} beside it give {scores['ods']:.4f};"
            " are they of the same detector, thresholds and images?"
        )
    scores = {**scores, **({} if counts else total), **_region_scores(files)}
    known = {key: value for key, value in scores.items() if not np.isnan(value)}
    return Evaluation(folder, _name(folder, stem), known, curve, _images(counts, files), counts)


def _name(folder: Path, stem: str) -> str:
    """Return a detector's name: the files' own, or for ``eval_bdry.txt`` the folder's, less ``-eval`` at its end."""
    if stem != "eval":
        return stem
    parts = [re.sub(r"[-_]?eval$", "", part) for part in folder.resolve().parts[::-1]]
    return next((part for part in parts if part), folder.name)


def _images(counts: dict[str, BoundaryCounts] | None, files: dict[str, Path]) -> int | None:
    if counts is not None:
        return len(counts)
    if "bdry_img" in files:
        return len(_rows(files["bdry_img"], (5,), "number, threshold, recall, precision, F"))
    return None


def _counts(paths: dict[str, Path]) -> dict[str, BoundaryCounts]:
    found: dict[str, BoundaryCounts] = {}
    for image_id, path in paths.items():
        thresholds, *numbers = _rows(path, (5,), COUNT_COLUMNS).T
        whole = np.rint(numbers)
        if not np.array_equal(whole, numbers):
            raise UserError(f"{path}: counts that are no whole numbers; expected {COUNT_COLUMNS}")
        try:
            found[image_id] = BoundaryCounts(*whole.astype(np.int64), thresholds)
        except ValueError as error:
            raise UserError(f"{path}: {error}; expected {COUNT_COLUMNS}") from None
        first = next(iter(found.values())).thresholds
        if not np.array_equal(thresholds, first):
            raise UserError(f"{path}: {len(thresholds)} thresholds, other ones than the {len(first)} of the first file")
    return found


def _total(path: Path) -> dict[str, float]:
    rows = _rows(path, (8,), TOTAL_COLUMNS)
    if len(rows) != 1:
        raise UserError(f"{path}: {len(rows)} rows, expected one: {TOTAL_COLUMNS}")
    threshold, recall, precision, ods, _, _, ois, ap = map(float, rows[0])
    _require_shares(path, rows[0, 1:], TOTAL_COLUMNS)
    found = {"ods": ods, "ods_threshold": threshold, "precision": precision, "recall": recall}
    return found | {"ois": ois, "ap": ap}


def _curve(path: Path, total: dict[str, float]) -> Curve:
    """Return the curve of a file, by ascending threshold (by falling recall if the file has none).

    Which column is precision is told by the ``total`` beside the file, if there is one.
    """
    thresholds, recall, precision = _told_apart(path, _rows(path, (2, 3, 4), CURVE_COLUMNS).T)
    _require_shares(path, [recall, precision], CURVE_COLUMNS)
    if thresholds is None:
        order = slice(None, None, 1 if recall[-1] <= recall[0] else -1)
        thresholds = np.full(len(recall), np.nan)
    else:
        order = np.argsort(thresholds, kind="stable")
    curve = Curve(thresholds[order], precision[order], recall[order], f_measure(precision, recall)[order])
    if not (_contradicts(curve, total) if total else _rises(curve)):
        return curve
    note(f"note: {path}: precision stands before recall in it, and is read so; expected {CURVE_COLUMNS}")
    return curve._replace(precision=curve.recall, recall=curve.precision)


def _contradicts(curve: Curve, total: dict[str, float]) -> bool:
    """Whether the best point of a curve is that of the total with precision and recall in each other's place."""
    _, best = best_point(curve)
    as_is = abs(best.recall - total["recall"]) + abs(best.precision - total["precision"])
    swapped = abs(best.recall - total["precision"]) + abs(best.precision - total["recall"])
    return swapped + PRINTED < as_is


def _rises(curve: Curve) -> bool:
    """Whether what should be recall rises with the threshold of a map while what should be precision falls.

    Settings of a sweep, 1 and up, are no thresholds: the more regions, the more recall.
    """
    seen = np.flatnonzero(curve.recall + curve.precision > 0)
    if len(seen) < 2 or not curve.thresholds[-1] < 1:
        return False
    first, last = seen[[0, -1]]
    return bool(curve.recall[last] > curve.recall[first] and curve.precision[last] < curve.precision[first])


def _told_apart(
    path: Path, columns: NDArray[np.float64]
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64], NDArray[np.float64]]:
    """Return thresholds, None if there are none, and the next two columns; F is known by being their harmonic mean."""
    if len(columns) == 2:
        return None, columns[0], columns[1]
    if len(columns) == 3 and _is_f(*columns):
        return None, columns[0], columns[1]
    if len(columns) == 4 and not _is_f(*columns[1:]):
        raise UserError(f"{path}: the last column is not F of the two before; expected {CURVE_COLUMNS}")
    return columns[0], columns[1], columns[2]


def _is_f(a: NDArray[np.float64], b: NDArray[np.float64], f: NDArray[np.float64]) -> bool:
    return bool(np.abs(f - f_measure(a, b)).max() <= PRINTED)


def _scores_of_counts(counts: dict[str, BoundaryCounts]) -> dict[str, float]:
    found = summarize(counts)
    best = {"ods": found.ods.f, "precision": found.ods.precision, "recall": found.ods.recall}
    return best | {"ods_threshold": found.ods_threshold, "ois": found.ois.f, "ap": found.ap, "r50": found.r50}


def _scores_of_curve(curve: Curve) -> dict[str, float]:
    threshold, best = best_point(curve)
    found = {"ods": best.f, "precision": best.precision, "recall": best.recall, "ods_threshold": threshold}
    ap, r50 = (fold(curve.precision, curve.recall) for fold in (average_precision, recall_at_half_precision))
    return found | {"ap": ap, "r50": r50}


def _region_scores(files: dict[str, Path]) -> dict[str, float]:
    found = {}
    if "cover" in files:
        what = "threshold, ODS, OIS and best covering"
        names = ("covering_ods", "covering_ois", "covering_best")
        found |= dict(zip(names, _rows(files["cover"], (4,), what)[0, 1:].tolist(), strict=True))
    if "RI_VOI" in files:
        what = "threshold, ODS and OIS of PRI, then of VI"
        row = _rows(files["RI_VOI"], (6,), what)[0].tolist()
        found |= dict(zip(("pri_ods", "pri_ois", "vi_ods", "vi_ois"), row[1:3] + row[4:6], strict=True))
    return found


def _require_shares(path: Path, values: object, what: str) -> None:
    array = np.asarray(values)
    if array.min() < 0 or array.max() > 1:
        worst = array.min() if array.min() < 0 else array.max()
        raise UserError(f"{path}: {worst:g}, expected recall, precision and F from 0 to 1 ({what})")


def _rows(path: Path, columns: tuple[int, ...], what: str) -> NDArray[np.float64]:
    """Return the numbers of a text file as rows; a first line that is but their number is left out."""
    expected = f"expected {' or '.join(map(str, columns))} numbers a line ({what})"
    rows: list[list[float]] = []
    lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip()[0] in "%#":
            continue
        try:
            row = [float(cell) for cell in line.replace(",", " ").split()]
        except ValueError:
            raise UserError(f"{path}: line {number} is {line.strip()[:40]!r}, {expected}") from None
        if not np.isfinite(row).all():
            raise UserError(f"{path}: line {number} has a number that is not finite, {expected}")
        is_length = not rows and len(row) == 1 and row[0] == len([x for x in lines if x.strip()]) - 1
        if is_length:
            continue
        if len(row) not in columns or (rows and len(row) != len(rows[0])):
            raise UserError(f"{path}: line {number} has {len(row)} numbers, {expected}")
        rows.append(row)
    if not rows:
        raise UserError(f"{path}: empty, {expected}")
    return np.array(rows, np.float64)

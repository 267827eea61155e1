"""What we measured on BSDS500 test, small enough to be shipped: pooled counts, and the scores that need single images.

``python -m contourbench.bench.report.measured results/bsds500-test bench/report/known`` makes the two files of
``known/`` from the runs.
"""

import csv
import io
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...eval.counting import BoundaryCounts, pool
from ...eval.metrics import at_best_threshold, pr_curve, summarize_pooled
from ..files.atomic import write_text
from ..runs.records import COUNT_FIELDS
from ..runs.results import find_runs, load_run
from .entries import SHIPPED, Entry, Pooled
from .frames import results_frame
from .published import known_rows

COUNTS_FILE, SCORES_FILE = "measured_counts.csv", "measured_scores.csv"
REGION_KEYS = ("covering_ods", "covering_ois", "covering_best", "pri_ods", "pri_ois", "vi_ods", "vi_ois")
KEPT_KEYS = (*REGION_KEYS, "detect_seconds")
BEST_KEYS = ("cnt_r", "sum_r", "cnt_p", "sum_p")
IMAGES = 200


def measured_entries() -> list[Entry]:
    """Return the shipped rows, in the order of their names."""
    table: dict[str, list[dict[str, str]]] = {}
    for row in known_rows(COUNTS_FILE):
        table.setdefault(row["detector"], []).append(row)
    return [_entry(row, table[row["detector"]]) for row in known_rows(SCORES_FILE)]


def is_test_truth(counts: Mapping[str, BoundaryCounts]) -> bool:
    """Whether counts of others have the images and true pixels of all of BSDS500 test, at 99 thresholds."""
    if len(counts) != IMAGES:
        return False
    pooled, known = pool(counts.values()), next(known_rows(COUNTS_FILE))
    return len(pooled.thresholds) == 99 and bool(np.all(pooled.sum_r == int(known["sum_r"])))


def measured_files(results: Path) -> dict[str, str]:
    """Return the text of the shipped files by name, made from the runs in a results folder.

    Raises
    ------
    UserError
        If there is no run, or one is damaged.
    """
    folders = find_runs(results)
    rows = {row["folder"]: row for row in results_frame(folders).to_dict("records")}
    counts, scores = [], []
    for folder in folders:
        run, row = load_run(folder), rows[str(folder)]
        pooled, best = pool(run.counts.values()), pool(map(at_best_threshold, run.counts.values()))
        for values in zip(*(getattr(pooled, name).tolist() for name in COUNT_FIELDS), strict=True):
            counts.append({"detector": run.name, **dict(zip(COUNT_FIELDS, values, strict=True))})
        full = dict(zip(("full_matched", "full_pixels"), run.full_map or ("", ""), strict=True))
        at_best = {f"best_{name}": int(getattr(best, name)[0]) for name in BEST_KEYS}
        kept = {key: "" if row[key] != row[key] else row[key] for key in KEPT_KEYS}
        scores.append({"detector": run.name, "images": len(run.records), **at_best, **full, **kept})
    return {COUNTS_FILE: _csv(counts), SCORES_FILE: _csv(scores)}


def _entry(row: dict[str, str], points: list[dict[str, str]]) -> Entry:
    thresholds = [float(point["thresholds"]) for point in points]
    pooled = BoundaryCounts(*([int(point[name]) for point in points] for name in BEST_KEYS), thresholds)
    best = BoundaryCounts(*([int(row[f"best_{name}"])] for name in BEST_KEYS), [0.0])
    found = summarize_pooled(pooled, best)
    scores: dict[str, Any] = {"ods": found.ods.f, "ois": found.ois.f, "ap": found.ap, "r50": found.r50}
    scores |= {"precision": found.ods.precision, "recall": found.ods.recall, "ods_threshold": found.ods_threshold}
    scores |= {key: float(row[key]) for key in KEPT_KEYS if row[key]}
    full = (int(row["full_matched"]), int(row["full_pixels"])) if row["full_pixels"] else None
    return Entry(
        row["detector"],
        scores,
        int(row["images"]),
        SHIPPED,
        read_curve=partial(pr_curve, pooled),
        read_pooled=lambda: Pooled(pooled, full),
    )


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def main(results: str, folder: str) -> None:
    """Write the shipped files of the runs in ``results`` to ``folder``."""
    for name, text in measured_files(Path(results)).items():
        write_text(Path(folder) / name, text)


if __name__ == "__main__":
    main(*sys.argv[1:])

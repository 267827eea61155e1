"""Tables of scores: the rows and columns that the runs of a results folder make."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ...eval.counting import pool
from ...eval.metrics import ap_variants
from ...eval.protocol import BoundaryProtocol
from ..runs.results import finished, load_meta, load_run, load_scores
from .published import published_scores

BOUNDARY_COLUMNS = {"ods": "ODS", "ois": "OIS", "ap": "AP", "r50": "R50"}
REGION_COLUMNS = {
    "covering_ods": "covering ODS",
    "covering_ois": "OIS",
    "covering_best": "best",
    "pri_ods": "PRI ODS",
    "pri_ois": "OIS",
    "vi_ods": "VI ODS",
    "vi_ois": "OIS",
}

AP_COLUMNS = {"ap": "AP (official)", "ap_left": "AP (left end extended)", "ap_zero": "AP (with threshold 0)"}


class Row(NamedTuple):
    """One line of a table: a value per column of its section, None where it is unknown or undefined.

    ``source`` is ``measured`` or where the row was published; ``supervision`` as in `published`.
    """

    detector: str
    values: tuple[float | None, ...]
    images: int | None
    source: str
    supervision: str = "none"


class Section(NamedTuple):
    """The rows of one data set, split and protocol, and lines on what is not there.

    ``columns`` are the values' keys and headings. ``is_bsds500_test`` says that published BSDS500 figures may stand
    beside these: all images, the same protocol.
    """

    title: str
    columns: dict[str, str]
    rows: list[Row]
    notes: list[str]
    is_bsds500_test: bool


def sections(folders: list[Path], published: bool = False, measure: str = "contours") -> list[Section]:
    """Group run folders by data set, split and protocol; rows from weak to strong, published ones after.

    ``measure`` is ``contours`` for the usual table, ``regions`` for covering, PRI and VI of the runs that have regions,
    or ``ap`` for the variants of AP.
    """
    groups: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
    for folder in folders:
        meta = load_meta(folder)
        groups.setdefault(_title(meta), []).append((folder, meta))
    if measure == "regions":
        return [_region_section(f"{title}, regions", runs) for title, runs in groups.items()]
    if measure == "ap":
        return [_ap_section(f"{title}, variants of AP", runs) for title, runs in groups.items()]
    return [_section(title, runs, published) for title, runs in groups.items()]


def _section(title: str, runs: list[tuple[Path, dict[str, Any]]], published: bool) -> Section:
    scored, notes = _scored(runs)
    rows = [Row(name, (v["ods"]["f"], v["ois"]["f"], v["ap"], v["r50"]), v["images"], "measured") for name, v in scored]
    rows.sort(key=lambda row: row.values[0])
    is_bsds500_test = all(_is_bsds500_test(meta) for _, meta in runs)
    if published and is_bsds500_test:
        rows.extend(
            Row(s.method, (s.ods, s.ois, s.ap, s.r50), None, s.source, s.supervision) for s in published_scores()
        )
    elif published:
        notes.append("published rows are of all of BSDS500 test by its own protocol; none stand here")
    return Section(title, BOUNDARY_COLUMNS, rows, notes, is_bsds500_test)


def _region_section(title: str, runs: list[tuple[Path, dict[str, Any]]]) -> Section:
    scored, notes = _scored(runs)
    rows = []
    for name, values in scored:
        if "regions" in values:
            covering, pri, vi = (values["regions"][measure] for measure in ("covering", "pri", "vi"))
            numbers = (covering["ods"], covering["ois"], covering["best"], pri["ods"], pri["ois"], vi["ods"], vi["ois"])
            rows.append(Row(name, numbers, values["images"], "measured"))
        else:
            notes.append(f"{name}: contours alone, no regions to measure")
    rows.sort(key=lambda row: row.values[0])
    return Section(title, REGION_COLUMNS, rows, notes, False)


def _ap_section(title: str, runs: list[tuple[Path, dict[str, Any]]]) -> Section:
    rows, notes = [], []
    for folder in finished([folder for folder, _ in runs]):
        run = load_run(folder)
        variants = ap_variants(pool(run.counts.values()), run.full_map)
        rows.append(Row(run.name, tuple(variants), len(run.records), "measured"))
        if variants.threshold_zero is None:
            notes.append(f"{run.name}: counted by an older version; run it with --fresh for the third column")
    rows.sort(key=lambda row: row.values[0])
    return Section(title, AP_COLUMNS, rows, notes, False)


def _scored(runs: list[tuple[Path, dict[str, Any]]]) -> tuple[list[tuple[str, dict[str, Any]]], list[str]]:
    """Return name and scores of the finished runs, and a note on each that is not, or that cannot be compared."""
    scored, notes = [], []
    for folder, meta in runs:
        values = load_scores(folder)
        if values is None:
            failed = len(meta.get("failed", {}))
            notes.append(f"{meta['detector']}: not finished ({failed} images failed); run it again")
        else:
            scored.append((meta["detector"], values))
    if len({values["images"] for _, values in scored}) > 1:
        notes.append("the rows are of different numbers of images and cannot be compared")
    return scored, notes


def _title(meta: dict[str, Any]) -> str:
    dataset, protocol = meta["dataset"], meta["protocol"]
    title = f"{dataset['name']} {dataset['split']}"
    title += f", {protocol['thresholds']} thresholds, max_dist {protocol['max_dist']:g}"
    title += "" if protocol["thin"] else ", not thinned"
    return title + (f", nms {protocol['nms']}" if protocol.get("nms") else "")


def _is_bsds500_test(meta: dict[str, Any]) -> bool:
    dataset, protocol = meta["dataset"], meta["protocol"]
    whole = dataset["name"] == "BSDS500" and dataset["split"] == "test" and len(dataset["ids"]) == 200
    return whole and all(protocol.get(key) == value for key, value in asdict(BoundaryProtocol()).items())


def short(value: float | None) -> str:
    """Return a score with three decimals and without the leading zero; a dash for None."""
    if value is None:
        return "–"
    return f"{value:.3f}".removeprefix("0")

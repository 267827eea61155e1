"""Tables of scores: text, markdown, csv and LaTeX from the runs of a results folder."""

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ..eval.protocol import BoundaryProtocol
from .published import published_scores
from .store import load_meta, load_scores

COLUMNS = ("detector", "ods", "ois", "ap", "r50")


class Row(NamedTuple):
    """One line of the contour table; a score that is unknown or undefined is None."""

    detector: str
    ods: float | None
    ois: float | None
    ap: float | None
    r50: float | None
    images: int | None
    source: str


class Section(NamedTuple):
    """The rows of one data set, split and protocol, and lines on what is not there.

    ``is_bsds500_test`` says that published BSDS500 figures may stand beside these: all images, the same protocol.
    """

    title: str
    rows: list[Row]
    notes: list[str]
    is_bsds500_test: bool


def sections(folders: list[Path], published: bool = False) -> list[Section]:
    """Group run folders by data set, split and protocol; rows from weak to strong, published ones after."""
    groups: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
    for folder in folders:
        meta = load_meta(folder)
        groups.setdefault(_title(meta), []).append((folder, meta))
    return [_section(title, runs, published) for title, runs in groups.items()]


def _section(title: str, runs: list[tuple[Path, dict[str, Any]]], published: bool) -> Section:
    rows, notes = [], []
    for folder, meta in runs:
        values = load_scores(folder)
        if values is None:
            failed = len(meta.get("failed", {}))
            notes.append(f"{meta['detector']}: not finished ({failed} images failed); run it again")
        else:
            rows.append(_measured(meta["detector"], values))
    rows.sort(key=lambda row: row.ods)
    if len({row.images for row in rows}) > 1:
        notes.append("the rows are of different numbers of images and cannot be compared")
    is_bsds500_test = all(_is_bsds500_test(meta) for _, meta in runs)
    if published and is_bsds500_test:
        rows.extend(_published_rows())
    elif published:
        notes.append("published rows are of all of BSDS500 test by its own protocol; none stand here")
    return Section(title, rows, notes, is_bsds500_test)


def render(section: Section, style: str) -> str:
    """Return a section as ``text``, ``md``, ``csv`` or ``latex``."""
    return {"text": _text, "md": _markdown, "csv": _csv, "latex": _latex}[style](section)


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


def _measured(name: str, values: dict[str, Any]) -> Row:
    return Row(name, values["ods"]["f"], values["ois"]["f"], values["ap"], values["r50"], values["images"], "measured")


def _published_rows() -> list[Row]:
    return [Row(s.method, s.ods, s.ois, s.ap, s.r50, None, s.source) for s in published_scores()]


def _cells(section: Section) -> list[list[str]]:
    """Header and rows as short text: three decimals without the leading zero."""
    with_source = any(row.source != "measured" for row in section.rows)
    header = ["detector", "ODS", "OIS", "AP", "R50", "images"] + (["source"] if with_source else [])
    rows = []
    for row in section.rows:
        numbers = [_short(value) for value in (row.ods, row.ois, row.ap, row.r50)]
        rows.append([row.detector, *numbers, str(row.images or "–")] + ([row.source] if with_source else []))
    return [header, *rows]


def _short(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}".removeprefix("0")


def _text(section: Section) -> str:
    cells = _cells(section)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [section.title]
    for row in cells:
        aligned = [
            cell.ljust(w) if i in (0, 6) else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(aligned).rstrip())
    lines.insert(2, "─" * max(map(len, lines[1:])))
    return "\n".join(lines) + "\n"


def _markdown(section: Section) -> str:
    header, *rows = _cells(section)
    lines = [header, ["---" if i in (0, 6) else "---:" for i in range(len(header))], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _csv(section: Section) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*COLUMNS, "images", "source"])
    for row in section.rows:
        numbers = ["" if value is None else f"{value:.6f}" for value in row[1:5]]
        writer.writerow([row.detector, *numbers, "" if row.images is None else row.images, row.source])
    return file.getvalue()


def _latex(section: Section) -> str:
    header, *rows = _cells(section)
    lines = [r"\begin{tabular}{l" + "r" * 5 + "l" * (len(header) - 6) + "}", r"\toprule"]
    lines += [" & ".join(map(_escaped, header)) + r" \\", r"\midrule"]
    lines += [" & ".join(map(_escaped, row)) + r" \\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _escaped(cell: str) -> str:
    special = {"\\": r"\textbackslash{}", "–": "--", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, "\\" + c if c in "&%$#_{}" else c) for c in cell)

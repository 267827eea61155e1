"""Tables as text, markdown, csv and LaTeX."""

import csv
import io

from .latex import latex_table
from .tables import Section, short


def render(section: Section, style: str) -> str:
    """Return a section as ``text``, ``md``, ``csv`` or ``latex``."""
    return {"text": _text, "md": _markdown, "csv": _csv, "latex": latex_table}[style](section)


def _cells(section: Section) -> list[list[str]]:
    """Header and rows as short text: three decimals without the leading zero."""
    with_source = any(row.source != "measured" for row in section.rows)
    header = ["detector", *section.columns.values(), "images"] + (["source"] if with_source else [])
    rows = []
    for row in section.rows:
        numbers = [short(value) for value in row.values]
        rows.append([row.detector, *numbers, str(row.images or "–")] + ([row.source] if with_source else []))
    return [header, *rows]


def _is_text(column: int, section: Section) -> bool:
    """Whether a column of `_cells` is text, and so set to the left."""
    return column == 0 or column > len(section.columns) + 1


def _text(section: Section) -> str:
    cells = _cells(section)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [section.title]
    for row in cells:
        aligned = [
            cell.ljust(w) if _is_text(i, section) else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(aligned).rstrip())
    lines.insert(2, "─" * max(map(len, lines[1:])))
    return "\n".join(lines) + "\n"


def _markdown(section: Section) -> str:
    header, *rows = _cells(section)
    lines = [header, ["---" if _is_text(i, section) else "---:" for i in range(len(header))], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _csv(section: Section) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["detector", *section.columns, "images", "source"])
    for row in section.rows:
        numbers = ["" if value is None else f"{value:.6f}" for value in row.values]
        writer.writerow([row.detector, *numbers, "" if row.images is None else row.images, row.source])
    return file.getvalue()

"""A table as text, markdown, csv or LaTeX."""

from typing import TYPE_CHECKING

from .latex import latex_table
from .tables import Table, cells

if TYPE_CHECKING:
    from pandas import DataFrame


def render(table: Table, style: str) -> str:
    """Return a table as ``text``, ``md``, ``csv`` or ``latex``."""
    return {"text": _text, "md": _markdown, "csv": _csv, "latex": latex_table}[style](table)


def markdown(cells: "DataFrame", numbers: int = 0) -> str:
    """Return a frame of text as a markdown table; ``numbers`` columns from the second on are set to the right."""
    escaped = cells.map(lambda cell: cell.replace("|", "\\|"))
    return escaped.to_markdown(index=False, disable_numparse=True, colalign=_alignment(cells, numbers)) + "\n"


def _text(table: Table) -> str:
    shown = _cells(table)
    adjust = [{"left": str.ljust, "right": str.rjust}[side] for side in _alignment(shown, len(table.columns) + 1)]
    rows = [list(shown), *shown.to_numpy()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f(c, w) for f, c, w in zip(adjust, row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "─" * max(map(len, lines)))
    return "\n".join([table.title, *lines]) + "\n"


def _markdown(table: Table) -> str:
    return markdown(_cells(table), len(table.columns) + 1)


def _csv(table: Table) -> str:
    spread = [f"{name}_sd" for name in table.columns if f"{name}_sd" in table.frame]
    shown = ["detector", *table.columns, *spread, "images", "source"]
    return table.frame.to_csv(columns=shown, index=False, float_format="%.6f", lineterminator="\n")


def _cells(table: Table) -> "DataFrame":
    """The table as short text under its headings; sources only where there are others."""
    frame = table.frame
    shown = frame[["detector", *table.columns]].astype("object")
    for column in table.columns:
        shown[column] = cells(frame, column)
    shown = shown.rename(columns=table.columns)
    shown["images"] = frame["images"].astype("string").fillna("–")
    return shown.assign(source=frame["source"]) if table.has_sources else shown


def _alignment(cells: "DataFrame", numbers: int) -> list[str]:
    return ["left", *["right"] * numbers, *["left"] * (cells.shape[1] - numbers - 1)]

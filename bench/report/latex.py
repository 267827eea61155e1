"""Tables for papers: booktabs, best of each column bold, second underlined, a dashed rule before what learns."""

from typing import TYPE_CHECKING

from .tables import MEASURED, Table, short

if TYPE_CHECKING:
    from pandas import DataFrame, Series
    from pandas.io.formats.style import Styler

LOWER_IS_BETTER = ("vi_ods", "vi_ois")
# Label-free rows come first, supervised ones below a dashed rule, people last and without marks.
GROUPS = {"none": 0, "supervised": 1, "masks": 1, "annotator": 2}
MARKS = {1: "textbf: --rwrap;", 2: "underline: --rwrap;"}  # by rank, in Styler's words for \textbf{…}


def latex_table(table: Table) -> str:
    r"""Return a table as a LaTeX tabular, for a document with ``\usepackage{booktabs, arydshln}``.

    Best and second are marked in each group but people's. Rows that others published have a dagger, and their sources
    stand in comments below.
    """
    frame = table.frame.assign(group=table.frame["supervision"].map(GROUPS))
    frame = frame.sort_values("group", kind="stable", ignore_index=True)
    widths = "l" + "r" * len(table.columns)
    lines = _styled(frame, table.columns).to_latex(hrules=True, column_format=widths).splitlines()
    first = lines.index(r"\midrule") + 1
    for row in reversed(frame.index[frame["group"].diff() > 0]):
        lines.insert(first + row, r"\hdashline")
    published = table.frame[table.frame["source"] != MEASURED]
    sources = [rf"% {row.detector}$^\dagger$ {row.source}" for row in published.itertuples()]
    return "\n".join([r"% \usepackage{booktabs, arydshln}", *lines, *sources]) + "\n"


def _styled(frame: "DataFrame", columns: dict[str, str]) -> "Styler":
    keys, published = list(columns), frame.index[frame["source"] != MEASURED]
    style = frame[["detector", *keys]].style.hide(axis="index").relabel_index(["detector", *columns.values()], axis=1)
    style.format(short, subset=keys, na_rep="--")
    style.format(str, subset="detector", escape="latex")
    style.format(r"{}$^\dagger$", subset=(published, "detector"), escape="latex")
    for group in set(frame["group"]) - {GROUPS["annotator"]}:
        style.apply(_marks, subset=(frame.index[frame["group"] == group], keys))
    return style


def _marks(column: "Series") -> "Series":
    """The best and the second of a column as they are printed: equal ones share a place."""
    printed = column.map("{:.3f}".format).astype(float)
    return printed.rank(method="dense", ascending=column.name in LOWER_IS_BETTER).map(MARKS).fillna("")

"""Tables for papers: booktabs, best of each column bold, second underlined, rules between what was measured and not."""

from functools import partial
from typing import TYPE_CHECKING

from .entries import OURS, SUPERVISION
from .groups import LOWER_IS_BETTER
from .tables import SECONDS, Table, cells

if TYPE_CHECKING:
    from pandas import DataFrame, Series
    from pandas.io.formats.style import Styler

# Best and second are told among the label-free rows, and among the supervised ones, not among people.
PEOPLE = SUPERVISION["annotator"]
MARKS = {1: "textbf: --rwrap;", 2: "underline: --rwrap;"}  # by rank, in Styler's words for \textbf{…}
PUBLISHED = r"as published; all other rows measured by one protocol"


def latex_table(table: Table) -> str:
    r"""Return a table as a LaTeX tabular, for a document with ``\usepackage{booktabs, arydshln}``.

    Rows that others published stand below a rule, supervised ones and people below dashed ones; they have a dagger,
    which the last line explains, and their sources stand in comments. Best and second are marked in each group but
    people's. The numbers of images have a column where they differ.
    """
    frame = table.frame.assign(group=table.frame["supervision"].map(SUPERVISION))
    frame["published"] = ~frame["source"].isin(OURS)
    frame = frame.sort_values(["group", "published"], kind="stable", ignore_index=True)
    columns = dict(table.columns) | ({"images": "images"} if frame["images"].nunique() > 1 else {})
    lines = _styled(frame, columns).to_latex(hrules=True, column_format="l" + "r" * len(columns)).splitlines()
    first = lines.index(r"\midrule") + 1
    for row in range(len(frame) - 1, 0, -1):
        if frame["group"][row] != frame["group"][row - 1]:
            lines.insert(first + row, r"\hdashline")
        elif frame["published"][row] != frame["published"][row - 1]:
            lines.insert(first + row, r"\midrule")
    published = frame[frame["published"]]
    if len(published):
        lines.insert(-1, rf"\multicolumn{{{1 + len(columns)}}}{{l}}{{\footnotesize $^\dagger$ {PUBLISHED}}} \\")
    sources = [rf"% {row.detector}$^\dagger$ {row.source}" for row in published.itertuples()]
    return "\n".join([r"% \usepackage{booktabs, arydshln}", *lines, *sources]) + "\n"


def _styled(frame: "DataFrame", columns: dict[str, str]) -> "Styler":
    keys, published = list(columns), frame.index[frame["published"]]
    style = frame[["detector", *keys]].style.hide(axis="index").relabel_index(["detector", *columns.values()], axis=1)
    for key in keys:
        texts = frame["images"].astype("string").fillna("–") if key == "images" else cells(frame, key, r" $\pm$ ")
        for row, text in enumerate(texts):
            style.format(partial(_as_is, text.replace("–", "--")), subset=([row], [key]), na_rep="--")
    style.format(str, subset="detector", escape="latex")
    style.format(r"{}$^\dagger$", subset=(published, "detector"), escape="latex")
    marked = [key for key in keys if key not in ("images", "ods_threshold")]
    for group in set(frame["group"]) - {PEOPLE}:
        style.apply(_marks, subset=(frame.index[frame["group"] == group], marked))
    return style


def _as_is(text: str, _: float) -> str:
    return text


def _marks(column: "Series") -> "Series":
    """The best and the second of a column as they are printed: equal ones share a place."""
    printed = column.map(("{:.3g}" if column.name in SECONDS else "{:.3f}").format).astype(float)
    return printed.rank(method="dense", ascending=column.name in LOWER_IS_BETTER).map(MARKS).fillna("")

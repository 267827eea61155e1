"""Tables for papers: booktabs, best of each column bold, second underlined, a dashed rule before what learns."""

from .tables import Row, Section, short

LOWER_IS_BETTER = ("vi_ods", "vi_ois")


def latex_table(section: Section) -> str:
    """Return a section as a LaTeX tabular.

    Label-free rows come first, supervised ones below a dashed rule, people last; best and second are marked in each of
    the first two groups. Rows that others published have a dagger, and their sources stand in comments below.
    """
    label_free = [row for row in section.rows if row.supervision == "none"]
    supervised = [row for row in section.rows if row.supervision in ("supervised", "masks")]
    people = [row for row in section.rows if row.supervision == "annotator"]
    header = ["detector", *section.columns.values()]
    lines = [r"% \usepackage{booktabs, arydshln}", r"\begin{tabular}{l" + "r" * len(section.columns) + "}", r"\toprule"]
    lines += [" & ".join(map(_escaped, header)) + r" \\", r"\midrule"]
    bodies = [_body(group, list(section.columns)) for group in (label_free, supervised) if group]
    bodies += [_plain(people)] if people else []
    for i, body in enumerate(bodies):
        lines += [r"\hdashline"] * (i > 0) + body
    lines += [r"\bottomrule", r"\end{tabular}"]
    sources = [f"% {_name(row)} {row.source}" for row in section.rows if row.source != "measured"]
    return "\n".join(lines + sources) + "\n"


def _body(rows: list[Row], columns: list[str]) -> list[str]:
    """Lines of one group, with its best and second of each column marked."""
    ranks = [_ranks([row.values[i] for row in rows], column) for i, column in enumerate(columns)]
    lines = []
    for r, row in enumerate(rows):
        cells = [_marked(_escaped(short(value)), ranks[i][r]) for i, value in enumerate(row.values)]
        lines.append(" & ".join([_name(row), *cells]) + r" \\")
    return lines


def _plain(rows: list[Row]) -> list[str]:
    return [" & ".join([_name(row), *(_escaped(short(value)) for value in row.values)]) + r" \\" for row in rows]


def _ranks(values: list[float | None], column: str) -> list[int | None]:
    """Rank of each value as printed, 0 the best; None for those without value."""
    sign = 1 if column in LOWER_IS_BETTER else -1
    order = sorted({sign * round(value, 3) for value in values if value is not None})
    return [None if value is None else order.index(sign * round(value, 3)) for value in values]


def _marked(cell: str, rank: int | None) -> str:
    return {0: r"\textbf{%s}", 1: r"\underline{%s}"}.get(rank, "%s") % cell


def _name(row: Row) -> str:
    return _escaped(row.detector) + ("" if row.source == "measured" else r"$^\dagger$")


def _escaped(cell: str) -> str:
    special = {"\\": r"\textbackslash{}", "–": "--", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, "\\" + c if c in "&%$#_{}" else c) for c in cell)

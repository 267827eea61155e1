"""Tables as text, markdown, csv and LaTeX: what stands in them, to the character."""

import pytest
from contourbench.bench.report.latex import latex_table
from contourbench.bench.report.rendering import render
from contourbench.bench.report.tables import BOUNDARY_COLUMNS, Table
from pandas import DataFrame

NONE = float("nan")
ROWS = [
    ("a_weak", 0.5, 0.52, 0.4, NONE, 200, "measured", "none"),
    ("b{x}", 0.61234, 0.65, 0.6, 0.7, 200, "measured", "none"),
    ("PMI", 0.74, 0.6501, 0.78, NONE, None, "their paper", "none"),
    ("HED", 0.788, 0.808, 0.84, 0.923, None, "theirs", "supervised"),
    ("Human", 0.803, NONE, NONE, NONE, None, "Dollar", "annotator"),
]


def table(rows, columns=BOUNDARY_COLUMNS):
    frame = DataFrame(rows, columns=["detector", *columns, "images", "source", "supervision"])
    return Table("t", frame.astype({"images": "Int64"}), columns, [])


def test_best_second_and_rules():
    lines = latex_table(table(ROWS)).splitlines()
    assert lines == [
        r"% \usepackage{booktabs, arydshln}",
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        r"detector & ODS & OIS & AP & R50 \\",
        r"\midrule",
        r"a\_weak & .500 & \underline{.520} & .400 & -- \\",
        r"b\{x\} & \underline{.612} & \textbf{.650} & \underline{.600} & \textbf{.700} \\",
        r"\midrule",
        r"PMI$^\dagger$ & \textbf{.740} & \textbf{.650} & \textbf{.780} & -- \\",
        r"\hdashline",
        r"HED$^\dagger$ & \textbf{.788} & \textbf{.808} & \textbf{.840} & \textbf{.923} \\",
        r"\hdashline",
        r"Human$^\dagger$ & .803 & -- & -- & -- \\",
        r"\bottomrule",
        r"\multicolumn{5}{l}{\footnotesize $^\dagger$ as published; all other rows measured by one protocol} \\",
        r"\end{tabular}",
        r"% PMI$^\dagger$ their paper",
        r"% HED$^\dagger$ theirs",
        r"% Human$^\dagger$ Dollar",
    ]


def test_of_variation_of_information_the_lowest_is_best():
    text = latex_table(table([("a", 1.5, 1, "measured", "none"), ("b", 2.0, 1, "measured", "none")], {"vi_ods": "VI"}))
    assert r"a & \textbf{1.500}" in text
    assert r"b & \underline{2.000}" in text


def test_people_come_last_and_groups_keep_their_order():
    lines = latex_table(table(ROWS[::-1])).splitlines()
    assert [line.split("$")[0].split(" &")[0] for line in lines[5:-6]] == [
        r"b\{x\}",
        r"a\_weak",
        r"\midrule",
        "PMI",
        r"\hdashline",
        "HED",
        r"\hdashline",
        "Human",
    ]


def test_text():
    assert render(table(ROWS), "text").splitlines() == [
        "t",
        "detector   ODS   OIS    AP   R50  images  source",
        "─────────────────────────────────────────────────────",
        "a_weak    .500  .520  .400     –     200  measured",
        "b{x}      .612  .650  .600  .700     200  measured",
        "PMI       .740  .650  .780     –       –  their paper",
        "HED       .788  .808  .840  .923       –  theirs",
        "Human     .803     –     –     –       –  Dollar",
    ]


def test_csv_has_all_digits_and_quotes_commas():
    rows = [("sobel(sigma=2, nms=True)", 0.61234567, 0.65, 1 / 3, NONE, 200, "measured", "none"), ROWS[2]]
    assert render(table(rows), "csv").splitlines() == [
        "detector,ods,ois,ap,r50,images,source",
        '"sobel(sigma=2, nms=True)",0.612346,0.650000,0.333333,,200,measured',
        "PMI,0.740000,0.650100,0.780000,,,their paper",
    ]


def test_markdown_is_a_table_whatever_the_name():
    text = render(table([("a|b", 0.5, 0.52, 0.4, NONE, 200, "measured", "none")]), "md")
    assert text.splitlines() == [
        r"| detector   |   ODS |   OIS |   AP |   R50 |   images |",
        r"|:-----------|------:|------:|-----:|------:|---------:|",
        r"| a\|b       |  .500 |  .520 | .400 |     – |      200 |",
    ]


@pytest.mark.parametrize("style", ["text", "md", "csv", "latex"])
def test_a_table_without_rows(style):
    assert render(table([]), style).count("\n") > 0

from contourbench.bench.report.latex import latex_table
from contourbench.bench.report.tables import BOUNDARY_COLUMNS, Row, Section

ROWS = [
    Row("a_weak", (0.5, 0.52, 0.4, None), 200, "measured"),
    Row("b{x}", (0.61234, 0.65, 0.6, 0.7), 200, "measured"),
    Row("PMI", (0.74, 0.6501, 0.78, None), None, "their paper"),
    Row("HED", (0.788, 0.808, 0.84, 0.923), None, "theirs", "supervised"),
    Row("Human", (0.803, None, None, None), None, "Dollar", "annotator"),
]


def test_best_second_and_rules():
    lines = latex_table(Section("t", BOUNDARY_COLUMNS, ROWS, [], True)).splitlines()
    assert lines == [
        r"% \usepackage{booktabs, arydshln}",
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        r"detector & ODS & OIS & AP & R50 \\",
        r"\midrule",
        r"a\_weak & .500 & \underline{.520} & .400 & -- \\",
        r"b\{x\} & \underline{.612} & \textbf{.650} & \underline{.600} & \textbf{.700} \\",
        r"PMI$^\dagger$ & \textbf{.740} & \textbf{.650} & \textbf{.780} & -- \\",
        r"\hdashline",
        r"HED$^\dagger$ & \textbf{.788} & \textbf{.808} & \textbf{.840} & \textbf{.923} \\",
        r"\hdashline",
        r"Human$^\dagger$ & .803 & -- & -- & -- \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"% PMI$^\dagger$ their paper",
        r"% HED$^\dagger$ theirs",
        r"% Human$^\dagger$ Dollar",
    ]


def test_of_variation_of_information_the_lowest_is_best():
    rows = [Row("a", (1.5,), 1, "measured"), Row("b", (2.0,), 1, "measured")]
    text = latex_table(Section("t", {"vi_ods": "VI"}, rows, [], False))
    assert r"a & \textbf{1.500}" in text
    assert r"b & \underline{2.000}" in text

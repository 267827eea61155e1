"""Which rows and columns, in what order, under what names: every option of `table` and `curves` changes something."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import contourbench, fails
from contourbench.bench import load_results
from contourbench.bench.report.measured import COUNTS_FILE, SCORES_FILE, measured_entries, measured_files
from contourbench.bench.report.published import known_rows
from contourbench.bench.runs.results import find_runs, load_scores
from page_parts import embedded

TEST = Path(__file__).resolve().parents[1] / "results" / "bsds500-test"


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A user's own run on all of BSDS500 test."""
    folder = tmp_path_factory.mktemp("own") / "mine"
    shutil.copytree(TEST / "canny", folder)
    meta = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(meta | {"detector": "mine"}))
    return folder


def names(capsys, *arguments):
    """First column of the rows of a csv table."""
    code, out, err = contourbench(capsys, "table", *arguments, "--format", "csv")
    assert code == 0, err
    import csv

    return [row[0] for row in csv.reader(out.splitlines()[1:]) if row]


def test_my_row_among_the_seventeen(capsys, mine):
    found = names(capsys, mine, "--measured")
    assert len(found) == 18
    assert found.index("mine") == found.index("canny") - 1 or found.index("mine") == found.index("canny") + 1
    assert set(found) - {"mine"} == {entry.name for entry in measured_entries()}
    code, _, err = contourbench(capsys, "table", TEST / "canny", "--measured")
    assert (code, "canny: the run given here stands" in err) == (0, True)


def test_shipped_rows_equal_those_of_the_runs():
    folders = {load_results(folder)["detector"][0]: folder for folder in find_runs(TEST)}
    frame = load_results(TEST).set_index("detector")
    shipped = {entry.name: entry for entry in measured_entries()}
    assert set(shipped) == set(folders)
    for name, entry in shipped.items():
        scores = load_scores(folders[name])
        for key in ("ods", "ois"):
            assert entry.scores[key] == scores[key]["f"], name
        assert (entry.scores["ap"], entry.scores["r50"]) == (scores["ap"], scores["r50"])
        for key in ("precision", "recall", "ods_threshold", "covering_ods", "pri_ois", "vi_ods", "detect_seconds"):
            assert entry.score(key) == pytest.approx(frame.loc[name, key], rel=1e-15, nan_ok=True)
    made = measured_files(TEST)
    for name in (COUNTS_FILE, SCORES_FILE):
        assert made[name].splitlines()[1:] == [",".join(_quoted(v) for v in row.values()) for row in known_rows(name)]


def _quoted(value):
    return f'"{value}"' if "," in value else value


def test_the_page_shows_shipped_rows_too(capsys, mine, tmp_path):
    for options, number in (((), 1), (("--measured",), 18)):
        assert contourbench(capsys, "page", mine, "--out", tmp_path / "p.html", *options)[0] == 0
        curves = embedded(tmp_path / "p.html")["curves"]
        assert sum(not curve["published"] for curve in curves) == number
        assert (tmp_path / "p.html").read_text().count('<tr class="measured">') == number


def test_shipped_rows_stand_beside_bsds500_test_alone(capsys, scenes):
    code, out, err = contourbench(capsys, "table", scenes, "--measured")
    assert (code, "consensus" in out) == (0, False)
    assert "the rows shipped with contourbench are of all of BSDS500 test" in err


def test_published_rows_are_chosen(capsys, mine):
    label_free = names(capsys, mine, "--published")
    assert label_free[0] == "mine"
    assert label_free[-1] == "Human"
    assert "Canny" in label_free and "HED" not in label_free
    assert names(capsys, mine, "--published", "hed", "P*") == ["mine", "PMI", "Pb", "HED"]
    assert len(names(capsys, mine, "--published", "*")) == 16
    assert "--published HDE: no such row; did you mean HED?" in fails(capsys, "table", mine, "--published", "HDE")


def test_only_top_and_order(capsys, scenes):
    assert names(capsys, scenes) == ["sobel", "canny", "felzenszwalb"]
    assert names(capsys, scenes, "--best-first") == ["felzenszwalb", "canny", "sobel"]
    assert names(capsys, scenes, "--top", 2) == ["canny", "felzenszwalb"]
    assert names(capsys, scenes, "--only", "SOB*", "canny") == ["sobel", "canny"]
    assert names(capsys, scenes, "--sort", "r50") == ["felzenszwalb", "canny", "sobel"]
    assert names(capsys, scenes, "--sort", "r50", "--top", 1) == ["sobel"]
    assert names(capsys, scenes, "--sort", "detector") == ["canny", "felzenszwalb", "sobel"]
    given = (scenes / "felzenszwalb", scenes / "canny", scenes / "sobel")
    assert names(capsys, *given, "--sort", "given") == ["felzenszwalb", "canny", "sobel"]
    assert "--only cany: no such row; did you mean canny?" in fails(capsys, "table", scenes, "--only", "cany")
    assert "--top 0: expected at least 1" in fails(capsys, "table", scenes, "--top", 0)
    assert "--sort odds: no such column; did you mean ods?" in fails(capsys, "table", scenes, "--sort", "odds")


def test_of_what_should_be_low_the_lowest_is_strongest(capsys):
    found = names(capsys, TEST, "--regions", "--sort", "vi_ods")
    assert (found[0], found[-1]) == ("felzenszwalb", "consensus")
    assert names(capsys, TEST, "--sort", "detect_seconds", "--top", 1) == ["sobel"]


def test_labels(capsys, scenes):
    labels = ("--labels", "A", "B", "C")
    assert names(capsys, scenes, *labels) == ["C", "A", "B"]  # canny, felzenszwalb, sobel by ODS
    assert names(capsys, scenes, "--only", "sobel", "--labels", "ours") == ["ours"]
    assert "--labels: 2 for 3 runs (canny, felzenszwalb, sobel)" in fails(capsys, "table", scenes, *labels[:3])


def test_columns_and_seconds(capsys, scenes):
    out = contourbench(capsys, "table", scenes, "--columns", "recall", "vi_ods", "--seconds", "--format", "csv")[1]
    assert out.splitlines()[0] == "detector,recall,vi_ods,detect_seconds,images,source"
    frame = load_results(scenes).set_index("detector")
    for line in out.splitlines()[1:]:
        name, recall, _, seconds, *_ = line.split(",")
        assert (float(recall), float(seconds)) == pytest.approx(
            (frame.loc[name, "recall"], frame.loc[name, "detect_seconds"]), abs=1e-6
        )
    header = contourbench(capsys, "table", scenes, "--seconds")[1].splitlines()[1]
    assert header.split() == ["detector", "ODS", "OIS", "AP", "R50", "s/image", "images"]
    assert "--columns od: no such column; did you mean ods?" in fails(capsys, "table", scenes, "--columns", "od")


def test_single_images(capsys, scenes):
    from contourbench.bench import per_image

    out = contourbench(capsys, "table", scenes / "canny", "--per-image", "--format", "csv")[1].splitlines()
    frame = per_image(scenes / "canny")
    assert out[0].startswith("detector,id,f,threshold,precision,recall,f_at_ods")
    assert [line.split(",")[:3] for line in out[1:]] == [["canny", i, f"{f:.6f}"] for i, f in frame["f"].items()]
    some = ("--columns", "f", "--sort", "f")
    ranked = contourbench(capsys, "table", scenes / "canny", "--per-image", *some)[1].splitlines()
    assert [line.split()[1] for line in ranked[1:]] == list(frame["f"].sort_values().index)
    assert "--columns g: no such column" in fails(capsys, "table", scenes, "--per-image", "--columns", "g")
    assert "--top: not with --per-image" in fails(capsys, "table", scenes, "--per-image", "--top", 1)
    assert "--format latex: expected text, md or csv" in fails(
        capsys, "table", scenes, "--per-image", "--format", "latex"
    )


def test_mean_over_splits(capsys, tmp_path):
    """Three lists of one data set, here its shards."""
    for i in (1, 2, 3):
        run = ("run", "sobel", "--limit", 3, "--shard", f"{i}/3", "--thresholds", 9, "--out", tmp_path / str(i))
        assert contourbench(capsys, *run)[0] == 0
    ods = load_results(tmp_path)["ods"]
    out = contourbench(capsys, "table", tmp_path, "--mean")[1].splitlines()
    cell = f"{ods.mean():.3f} ± {ods.std():.3f}".replace("0.", ".")
    assert out[3].startswith(f"sobel (3 runs)  {cell}")
    csv = contourbench(capsys, "table", tmp_path, "--mean", "--columns", "ods", "--format", "csv")[1].splitlines()
    assert csv == ["detector,ods,ods_sd,images,source", f"sobel (3 runs),{ods.mean():.6f},{ods.std():.6f},3,measured"]
    latex = contourbench(capsys, "table", tmp_path, "--mean", "--format", "latex")[1]
    assert cell.replace("±", r"$\pm$") in latex
    assert len(contourbench(capsys, "table", tmp_path)[1].splitlines()) == 6


def test_latex_shows_the_images_where_they_differ(capsys, scenes, tmp_path):
    run = ("run", "roberts", "--limit", 2, "--thresholds", 9, "--out", tmp_path)
    assert contourbench(capsys, *run)[0] == 0
    same = contourbench(capsys, "table", scenes, "--format", "latex")[1]
    other = contourbench(capsys, "table", scenes, tmp_path, "--format", "latex")[1]
    assert "images" not in same
    assert r"R50 & images \\" in other
    assert any(line.startswith("roberts & ") and line.endswith(r" & 2 \\") for line in other.splitlines())


def test_published_and_shipped_rows_in_latex(capsys, mine):
    options = ("--measured", "--only", "mine", "pmi*", "--published", "PMI", "HED", "--labels", "ours")
    lines = contourbench(capsys, "table", mine, *options, "--format", "latex")[1].splitlines()
    first = [line.split(" &")[0] for line in lines]
    assert first[5:12] == [
        "ours",
        r"pmi\_ucm",
        r"\midrule",
        r"PMI$^\dagger$",
        r"\hdashline",
        r"HED$^\dagger$",
        r"\bottomrule",
    ]
    assert r"$^\dagger$ as published" in lines[12]


def test_seconds_are_short_and_readable():
    from contourbench.bench.report.tables import cell

    shown = [cell("detect_seconds", value) for value in (0.0104, 0.5, 2.34, 117.3, np.nan)]
    assert shown == ["0.01", "0.5", "2.3", "117", "–"]

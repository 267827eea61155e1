"""Results of others from their text files: what can be known of each kind, beside one's own runs."""

import numpy as np
import pytest
from command import contourbench, fails, rows
from contourbench.bench.errors import UserError
from contourbench.bench.runs.evaluation_files import find_evaluations
from contourbench.bench.runs.results import load_run
from contourbench.eval.metrics import pr_curve, summarize


def write_counts(folder, counts):
    """``<id>_ev1.txt`` for each image, as the official benchmark prints them."""
    folder.mkdir(parents=True)
    for image_id, c in counts.items():
        np.savetxt(folder / f"{image_id}_ev1.txt", np.c_[c.thresholds, c.cnt_r, c.sum_r, c.cnt_p, c.sum_p], "%10g")
    return folder


def write_rows(path, *columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, np.array(columns).T, "%10g")
    return path


@pytest.fixture
def counts(scenes):
    return load_run(scenes / "canny").counts


@pytest.fixture
def curve(counts):
    from contourbench.eval.counting import pool

    return pr_curve(pool(counts.values()))


def csv_rows(capsys, tmp_path, *arguments):
    code, out, err = contourbench(capsys, "table", *arguments, "--format", "csv")
    assert code == 0, err
    (tmp_path / "t.csv").write_text(out)
    return {row["detector"]: row for row in rows(tmp_path / "t.csv")}, err


def test_counts_of_others_give_all_scores_as_ones_own(capsys, scenes, tmp_path, counts):
    theirs = write_counts(tmp_path / "theirs-eval", counts)
    table, err = csv_rows(capsys, tmp_path, scenes / "canny", theirs)
    assert {key: table["theirs"][key] for key in ("ods", "ois", "ap", "r50", "images")} == {
        key: table["canny"][key] for key in ("ods", "ois", "ap", "r50", "images")
    }
    assert (table["theirs"]["source"], table["canny"]["source"]) == ("evaluation files", "measured")
    assert "theirs: from evaluation files, which do not say by which protocol" in err


def test_counts_of_others_are_compared_image_by_image(capsys, scenes, tmp_path, counts):
    theirs = write_counts(tmp_path / "theirs", counts)
    code, out, err = contourbench(capsys, "compare", theirs, scenes / "sobel", "--samples", 20)
    assert code == 0
    own = contourbench(capsys, "compare", scenes / "canny", scenes / "sobel", "--samples", 20)[1]
    assert out == own.replace("A  canny", "A  theirs")
    assert "do not say of their tolerance" in err
    (theirs / "scene003_ev1.txt").unlink()
    assert "of different images" in fails(capsys, "compare", theirs, scenes / "sobel")


@pytest.mark.parametrize("kind", ["trpf", "trp", "rpf", "rp", "tprf", "descending", "counted lines", "commas"])
def test_a_curve_alone_in_every_order_of_columns(tmp_path, counts, curve, kind):
    t, p, r, f = curve
    columns = {"trpf": (t, r, p, f), "trp": (t, r, p), "rpf": (r, p, f), "rp": (r, p), "tprf": (t, p, r, f)}
    path = write_rows(tmp_path / "Theirs_bdry_thr.txt", *columns.get(kind, (t, r, p, f)))
    if kind == "descending":
        write_rows(path, t[::-1], r[::-1], p[::-1], f[::-1])
    if kind == "counted lines":
        path.write_text(f"{len(t)}\n{path.read_text()}")
    if kind == "commas":
        path.write_text("\n".join(",".join(line.split()) for line in path.read_text().splitlines()))
    (found,) = find_evaluations(tmp_path)
    summary = summarize(counts)
    assert (found.name, found.images, found.counts) == ("Theirs", None, None)
    expected = {"ods": summary.ods.f, "ap": summary.ap, "r50": summary.r50, "recall": summary.ods.recall}
    assert {key: found.scores[key] for key in expected} == pytest.approx(expected, abs=1e-5)
    assert "ois" not in found.scores
    np.testing.assert_allclose(found.curve.recall, r, atol=1e-5)
    assert [each.scores for each in find_evaluations(path)] == [found.scores]


def test_recall_may_rise_with_the_settings_of_a_sweep(tmp_path):
    write_rows(tmp_path / "sweep_bdry_thr.txt", [1, 2, 3], [0.2, 0.5, 0.8], [0.9, 0.7, 0.4])
    np.testing.assert_array_equal(find_evaluations(tmp_path)[0].curve.recall, [0.2, 0.5, 0.8])


def test_the_row_of_totals_tells_which_column_is_precision(tmp_path):
    write_rows(tmp_path / "x_bdry_thr.txt", [1, 2], [0.9, 0.7], [0.3, 0.6])
    write_rows(tmp_path / "x_bdry.txt", *[[v] for v in (2, 0.6, 0.7, 0.646154, 0.5, 0.8, 0.65, 0.4)])
    (found,) = find_evaluations(tmp_path)
    np.testing.assert_array_equal(found.curve.recall, [0.3, 0.6])
    assert (found.scores["ois"], found.scores["ap"]) == (0.65, 0.4)


def test_what_cannot_be_known_is_a_dash(capsys, tmp_path, curve):
    t, p, r, f = curve
    write_rows(tmp_path / "A_bdry_thr.txt", t, r, p, f)
    write_rows(tmp_path / "B_bdry.txt", *[[v] for v in (0.5, 0.6, 0.7, 0.646, 0.6, 0.8, 0.66, 0.5)])
    out = contourbench(capsys, "table", tmp_path)[1].splitlines()
    assert [line.split()[:6] for line in out[3:]] == [
        ["B", ".646", ".660", ".500", "–", "–"],
        ["A", f"{f.max():.3f}"[1:], "–", out[4].split()[3], out[4].split()[4], "–"],
    ]
    code, _, err = contourbench(capsys, "curves", tmp_path, "--out", tmp_path / "c.svg")
    assert (code, "no curve is known of B, only scores" in err) == (0, True)
    assert "] A<" in (tmp_path / "c.svg").read_text()
    (tmp_path / "A_bdry_thr.txt").unlink()
    assert "no curve to draw" in fails(capsys, "curves", tmp_path).splitlines()[-1]
    assert "scores without counts per image" in fails(capsys, "compare", tmp_path, tmp_path)


def test_a_page_shows_them_beside_ones_own(capsys, scenes, tmp_path, curve):
    from page_parts import embedded

    t, p, r, f = curve
    path = write_rows(tmp_path / "Theirs_bdry_thr.txt", t, r, p, f)
    assert contourbench(capsys, "page", scenes, path, "--out", tmp_path / "p.html")[0] == 0
    curves = {c["name"]: c for c in embedded(tmp_path / "p.html")["curves"]}
    assert curves["Theirs"]["recall"] == pytest.approx(curves["canny"]["recall"], abs=1e-5)
    assert "beside one's own runs only" in fails(capsys, "page", path)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x_bdry_thr.txt", "0.1 0.9 0.5\n0.2 0.8\n", "line 2 has 2 numbers"),
        ("x_bdry_thr.txt", "threshold recall\n", "line 1 is 'threshold recall'"),
        ("x_bdry_thr.txt", "0.1 0.9 nan 0.5\n", "line 1 has a number that is not finite"),
        ("x_bdry_thr.txt", "0.1 0.9 0.5 0.9\n", "the last column is not F of the two before"),
        ("x_bdry_thr.txt", "0.1 90 50\n", "90, expected recall, precision and F from 0 to 1"),
        ("x_bdry_thr.txt", "", "empty"),
        ("x_bdry_thr.txt", "\x00\xff\n", "line 1 is"),
        ("x_bdry.txt", "0.1 0.5\n", "line 1 has 2 numbers, expected 8"),
        ("x_bdry.txt", "0.1 .5 .5 .5 .5 .5 .5 .5\n" * 2, "2 rows, expected one"),
        ("7_ev1.txt", "0.1 5 10 9 8\n", "more matched than there are"),
        ("7_ev1.txt", "0.1 5.5 10 7 8\n", "no whole numbers"),
        ("7_ev1.txt", "0.1 5 10 7\n", "line 1 has 4 numbers, expected 5"),
    ],
)
def test_malformed_files_are_one_clear_line(capsys, tmp_path, name, text, said):
    (tmp_path / name).write_text(text, encoding="latin-1")
    err = fails(capsys, "table", tmp_path)
    assert said in err
    assert str(tmp_path / name) in err
    assert err.count("\n") == 1


def test_files_that_contradict_each_other(tmp_path, counts):
    folder = write_counts(tmp_path / "e", counts)
    write_rows(folder / "eval_bdry.txt", *[[v] for v in (0.5, 0.6, 0.7, 0.5, 0.6, 0.8, 0.66, 0.5)])
    with pytest.raises(UserError, match="of the same detector"):
        find_evaluations(folder)
    (folder / "eval_bdry.txt").unlink()
    path = folder / "scene001_ev1.txt"
    path.write_text("".join(path.read_text().splitlines(True)[:3]))
    with pytest.raises(UserError, match="9 thresholds, other ones than the 3 of the first file"):
        find_evaluations(folder)


def test_what_is_no_result(capsys, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    assert "no runs in it (no run.json), nor evaluation files" in fails(capsys, "table", tmp_path)
    assert "expected a folder of results, or a file such as" in fails(capsys, "table", tmp_path / "notes.txt")
    assert "no such results folder" in fails(capsys, "table", tmp_path / "nosuch")
    assert "no such folder" in fails(capsys, "compare", tmp_path / "nosuch", tmp_path)


def test_a_mistyped_run_is_guessed(capsys, scenes):
    assert "no such folder; did you mean canny?" in fails(capsys, "compare", scenes / "cany", scenes / "sobel")
    assert "not a finished run; name one of those in it" in fails(capsys, "compare", scenes, scenes / "sobel")


@pytest.mark.parametrize("test", ["test_1", "test_2", "test_3", "test_4"])
def test_official_output_gives_the_official_numbers(bench_sample, tmp_path, test):
    """Each kind of file by itself gives the printed ODS and AP; the region files are read as they are."""
    (whole,) = find_evaluations(bench_sample / test)
    threshold, recall, precision, ods, *_, ois, ap = np.loadtxt(bench_sample / test / "eval_bdry.txt")
    expected = {"ods": ods, "ois": ois, "ap": ap, "ods_threshold": threshold, "recall": recall, "precision": precision}
    assert {key: whole.scores[key] for key in expected} == expected
    assert (whole.name, whole.images) == (test, 5)
    (tmp_path / "eval_bdry_thr.txt").write_bytes((bench_sample / test / "eval_bdry_thr.txt").read_bytes())
    (curve,) = find_evaluations(tmp_path)
    del expected["ois"]
    assert {key: curve.scores[key] for key in expected} == pytest.approx(expected, abs=2e-6)
    if test in ("test_1", "test_4"):
        assert whole.scores["covering_ods"] == np.loadtxt(bench_sample / test / "eval_cover.txt")[1]
        assert whole.scores["vi_ods"] == np.loadtxt(bench_sample / test / "eval_RI_VOI.txt")[4]

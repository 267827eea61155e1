"""Frames: their numbers are those that the command prints and the official files hold, before they are rounded."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command import contourbench, rows
from contourbench.bench import compare_frame, curves_frame, draw_curves, load_results, per_image
from contourbench.bench.errors import UserError
from contourbench.bench.report.comparison import compare_runs
from contourbench.bench.runs.results import load_run
from contourbench.eval.metrics import f_measure, summarize
from contourbench.eval.regions import summarize_regions
from page_parts import load
from pandas import DataFrame, concat

PRINTED = 5.1e-4


def test_a_row_per_detector_weak_to_strong_as_in_the_table(capsys, scenes):
    frame = load_results(scenes)
    table = rows(scenes / "table.csv")
    assert list(frame["detector"]) == [row["detector"] for row in table]
    for name in ("ods", "ois", "ap", "r50", "images"):
        assert [f"{value:.6f}" for value in frame[name]] == [f"{float(row[name]):.6f}" for row in table]
    shown = contourbench(capsys, "table", scenes)[1].splitlines()[3:]
    assert [float(line.split()[1]) for line in shown] == pytest.approx(frame["ods"], abs=PRINTED)
    regions = {row["detector"]: row for row in rows(scenes / "regions.csv")}
    for row in frame.to_dict("records"):
        for name in ("covering_ods", "covering_ois", "covering_best", "pri_ods", "pri_ois", "vi_ods", "vi_ois"):
            known = regions.get(row["detector"], {}).get(name, "nan")
            assert row[name] == pytest.approx(float(known), abs=1e-6, nan_ok=True), (row["detector"], name)


def test_what_a_row_says_of_its_run(scenes):
    frame = load_results(str(scenes)).set_index("detector")
    runs = {run.name: run for run in load(scenes)}
    for name, row in frame.iterrows():
        summary = summarize(runs[name].counts)
        assert (row["precision"], row["recall"], row["ods"]) == summary.ods
        assert row["ods_threshold"] == summary.ods_threshold
        seconds = [steps["detect"] for steps in runs[name].meta["seconds"].values()]
        assert row["detect_seconds"] == pytest.approx(np.mean(seconds))
        assert (row["dataset"], row["split"], row["thresholds"], row["nms"]) == ("scenes", "test", 9, "none")
        assert load_run(Path(row["folder"])).name == name
        assert row["params"] == runs[name].meta["params"]
    assert frame["images"].tolist() == [3, 3, 3]


def test_unlike_protocols_stand_apart_and_unfinished_runs_are_left_out(capsys, scenes, tmp_path):
    run = ("run", "sobel", "--data", "scenes", "--limit", 1, "--no-thin", "--out", tmp_path / "o")
    assert contourbench(capsys, *run)[0] == 0
    frame = load_results([scenes, tmp_path / "o"])
    assert frame["thin"].tolist() == [False, True, True, True] or frame["thin"].tolist() == [True, True, True, False]
    assert frame["thresholds"].is_monotonic_increasing
    (tmp_path / "o" / "sobel" / "scores.json").unlink()
    with pytest.warns(UserWarning, match=r"sobel: not finished \(0 images failed\); run it again"):
        assert load_results(tmp_path / "o").empty
    with pytest.raises(UserError, match="no runs in it"):
        load_results(tmp_path / "o" / "sobel" / "maps")


@pytest.mark.parametrize("name", ["canny", "felzenszwalb"])
def test_a_row_per_image_as_in_the_official_files(scenes, name):
    frame, folder = per_image(scenes / name), scenes / name
    official = np.loadtxt(folder / "eval_bdry_img.txt")  # number, threshold, recall, precision, F
    found = frame[["threshold", "recall", "precision", "f"]].to_numpy()
    np.testing.assert_allclose(found, official[:, 1:], rtol=1e-5)
    run = load_run(folder)
    assert list(frame.index) == list(run.records)
    assert frame.index.name == "id"
    assert frame["detect_seconds"].to_dict() == {i: s["detect"] for i, s in run.meta["seconds"].items()}
    assert frame.equals(per_image(run))


def test_the_data_sets_threshold_on_every_image(scenes):
    run = load_run(scenes / "canny")
    frame, at = per_image(run), summarize(run.counts).ods_threshold
    assert (frame["f_at_ods"] <= frame["f"] + 1e-3).all()  # 100 points between thresholds, and this one
    np.testing.assert_allclose(frame["f_at_ods"], f_measure(frame["precision_at_ods"], frame["recall_at_ods"]))
    for image_id, counts in run.counts.items():
        recall = np.interp(at, counts.thresholds, counts.cnt_r / counts.sum_r)
        assert frame.loc[image_id, "recall_at_ods"] == pytest.approx(recall)


def test_regions_of_every_image_make_those_of_the_data_set(scenes):
    run = load_run(scenes / "felzenszwalb")
    frame, summary = per_image(run), summarize_regions(run.regions)
    row = load_results(scenes).set_index("detector").loc["felzenszwalb"]
    for name in ("pri", "vi"):
        assert frame[name].mean() == pytest.approx(row[f"{name}_ois"])
        assert frame[f"{name}_at_ods"].mean() == pytest.approx(row[f"{name}_ods"])
    areas = np.array([image.area_r for image in run.regions.values()])
    assert areas @ frame["covering"] / areas.sum() == pytest.approx(summary.covering.ois)
    assert areas @ frame["covering_at_ods"] / areas.sum() == pytest.approx(summary.covering.ods)
    official = np.loadtxt(scenes / "felzenszwalb" / "eval_cover_img.txt")
    np.testing.assert_allclose(frame["covering"], official[:, 2], rtol=1e-5)
    assert "covering" not in per_image(scenes / "canny")


def test_curves_in_long_form(scenes):
    frame = curves_frame(scenes)
    assert list(frame)[:5] == ["detector", "threshold", "precision", "recall", "f"]
    for run in load(scenes):
        own = frame[frame["detector"] == run.name]
        official = np.loadtxt(run.folder / "eval_bdry_thr.txt")  # threshold, recall, precision, F
        np.testing.assert_allclose(own[["threshold", "recall", "precision", "f"]], official, rtol=1e-5, atol=1e-9)
    two = curves_frame([scenes / "canny", load_run(scenes / "sobel")])
    assert set(two["detector"]) == {"canny", "sobel"}


def test_comparison_as_it_is_printed(capsys, scenes):
    frame = compare_frame(scenes / "canny", load_run(scenes / "sobel"), samples=50, seed=3)
    command = ("compare", scenes / "canny", scenes / "sobel", "--samples", 50, "--seed", 3)
    printed = contourbench(capsys, *command)[1]
    lines = [line for line in printed.splitlines() if line.split(" ")[0] in ("ODS", "OIS", "AP", "R50")]
    for (score, row), line in zip(frame.iterrows(), lines, strict=True):
        name, *numbers = line.replace("[", "").replace("]", "").replace(",", "").replace("–", "nan").split()
        assert name == score.upper()
        assert row.tolist() == pytest.approx(list(map(float, numbers)), abs=PRINTED, nan_ok=True)
    assert list(frame)[::3] == ["a", "b", "difference", "p"]
    assert repr(load_run(scenes / "sobel")) == f"<Run sobel on 3 images of scenes test: {scenes / 'sobel'}>"
    assert repr(compare_runs(load_run(scenes / "canny"), load_run(scenes / "sobel"), 50, 3)) == printed


def test_what_is_not_a_run_is_named(scenes, tmp_path):
    with pytest.raises(UserError, match="not a finished run"):
        per_image(scenes)
    with pytest.raises(UserError, match="no such results folder"):
        curves_frame(tmp_path / "none")


def lines_of(ax):
    return {line.get_label(): line.get_xydata() for line in ax.lines if line.get_label().startswith("[F=")}


def test_curves_are_drawn_on_axes_that_are_given(scenes):
    from matplotlib.figure import Figure

    figure = Figure()
    ax = figure.subplots()
    assert draw_curves(scenes, ax=ax) is ax
    assert len(ax.get_legend().get_texts()) == 3
    again = draw_curves(curves_frame(scenes), ax=Figure().subplots(), legend=False)
    assert again.get_legend() is None
    of_runs, of_frame = lines_of(ax), lines_of(again)
    assert list(of_runs) == list(of_frame)
    assert [label.split("] ")[1] for label in of_runs] == list(load_results(scenes)["detector"])
    for label, points in of_runs.items():
        np.testing.assert_array_equal(points, of_frame[label])


def test_without_axes_a_figure_is_made_for_the_notebook(scenes):
    from matplotlib import pyplot

    ax = draw_curves([scenes / "canny"])
    assert pyplot.gcf() is ax.figure
    assert [text.get_text()[:3] for text in ax.figure.legends[0].get_texts()] == ["[F="]
    pyplot.close(ax.figure)


def test_ones_own_curve_beside_the_stored_ones(scenes):
    from matplotlib.figure import Figure

    mine = DataFrame({"detector": "mine", "threshold": [0.5, 0.2], "precision": [0.9, 0.5], "recall": [0.3, 0.8]})
    ax = draw_curves(concat([curves_frame(scenes / "canny"), mine]), ax=Figure().subplots())
    (points,) = [points for label, points in lines_of(ax).items() if label.endswith("mine")]
    np.testing.assert_array_equal(points, [[0.8, 0.5], [0.3, 0.9]])  # recall, precision, by ascending threshold
    with pytest.raises(ValueError, match="a frame without precision, recall"):
        draw_curves(mine[["detector", "threshold"]])
    with pytest.raises(ValueError, match="labels: 1 for 3 runs"):
        draw_curves(scenes, labels=["a"])


def test_pandas_is_not_needed_to_start():
    code = "import sys, contourbench.eval, contourbench.bench.report.frames, contourbench.bench.cli.main as m\n"
    code += "assert not {'pandas', 'matplotlib', 'jinja2', 'tabulate'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

"""The command line as a user types it: what it does when all is well."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND, contents, contourbench, edit_record, fails
from contourbench.bench.methods.names import BUILT_IN
from toy import SHAPE, read_picture, toy_truth, write_folder, write_maps


def test_help_imports_nothing_heavy():
    done = subprocess.run([*COMMAND, "run", "--help"], check=True, capture_output=True, text=True)
    assert "DETECTOR" in done.stdout
    heavy = (
        "import sys, contourbench.bench.cli.main as cli; cli.new_parser(); print({'numpy', 'numba'} & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", heavy], check=True, capture_output=True, text=True).stdout == "set()\n"


def test_run_as_a_user_types_it(tmp_path):
    done = subprocess.run(
        [*COMMAND, "run", "roberts", "canny", "--limit", "3", "--workers", "2", "--thresholds", "9"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("scenes test, 9 thresholds")
    out = tmp_path / "results"
    assert (out / "table.csv").read_text().startswith("detector,ods,ois,ap,r50")
    assert read_picture(out / "curves.png").shape[0] > 500
    for name in ("roberts", "canny"):
        assert {p.name for p in (out / name).iterdir()} == {
            *("counts.jsonl", "maps", "run.json", "scores.json"),
            *("eval_bdry.txt", "eval_bdry_thr.txt", "eval_bdry_img.txt"),
        }
    scores = json.loads((out / "canny" / "scores.json").read_text())
    assert set(scores) == {"ods", "ois", "ods_threshold", "ap", "r50", "images"}
    assert set(scores["ods"]) == set(scores["ois"]) == {"precision", "recall", "f"}
    assert scores["images"] == 3
    assert np.loadtxt(out / "canny" / "eval_bdry.txt")[3] == pytest.approx(scores["ods"]["f"], rel=1e-5)


def test_workers_do_not_change_a_byte(capsys, tmp_path):
    for workers in (1, 2):
        code, _, err = contourbench(
            capsys,
            "run",
            "sobel",
            "--limit",
            4,
            "--thresholds",
            9,
            "--workers",
            workers,
            "--out",
            tmp_path / str(workers),
        )
        assert code == 0, err
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_scoring_saved_maps_gives_the_row_of_the_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert contourbench(capsys, "run", "canny", "--limit", 3, "--out", "a")[0] == 0
    assert contourbench(capsys, "score", "a/canny/maps", "--data", "scenes", "--limit", 3)[0] == 0
    for name in ("scores.json", "eval_bdry.txt", "eval_bdry_thr.txt", "eval_bdry_img.txt"):
        assert (tmp_path / "a/canny" / name).read_bytes() == (tmp_path / "results/canny" / name).read_bytes()


@pytest.mark.parametrize("kind", ["npy", "png8", "png16", "mat", "ucm2", "segs"])
def test_score_every_kind(capsys, tmp_path, folder, kind):
    maps = write_maps(tmp_path / "maps_of_mine", kind=kind)
    code, out, err = contourbench(capsys, "score", maps, "--data", folder, "--name", "ours", "--out", "o")
    assert code == 0, err
    assert "ours" in out
    scores = json.loads((tmp_path / "o" / "scores.json").read_text())
    if kind != "segs":
        assert scores["ods"]["precision"] == 1  # the first annotator's outline is the prediction
    assert (tmp_path / "o" / "run.json").exists()


def test_only_what_is_new_or_changed_is_computed(capsys, tmp_path, folder, appended):
    maps = write_maps(tmp_path / "maps")
    score = ("score", maps, "--data", folder, "--out", "o")
    assert contourbench(capsys, *score)[0] == 0
    assert appended == ["a", "b", "c"]
    appended.clear()
    files = contents("o", timeless=False)
    assert contourbench(capsys, *score)[0] == 0
    assert appended == []

    np.save(maps / "b.npy", np.roll(np.load(maps / "b.npy"), 3, axis=1))
    assert contourbench(capsys, *score)[0] == 0
    assert appended == ["b"]
    assert contents("o")["scores.json"] != files["scores.json"]

    appended.clear()
    assert contourbench(capsys, *score, "--thresholds", 9)[0] == 0
    assert appended == ["a", "b", "c"]

    write_folder(tmp_path / "other", truth="npy")
    (folder / "gt" / "c.mat").unlink()
    shutil.copy(tmp_path / "other" / "gt" / "c.npy", folder / "gt" / "c.npy")
    np.save(folder / "gt" / "c.npy", np.stack([toy_truth(0)]))
    appended.clear()
    assert contourbench(capsys, *score, "--thresholds", 9)[0] == 0
    assert appended == ["c"]


def test_a_changed_or_damaged_map_of_a_run_is_made_again(capsys, tmp_path, folder):
    run = ("run", "sobel", "--data", folder, "--out", "o")
    assert contourbench(capsys, *run)[0] == 0
    before = contents("o")
    (tmp_path / "o/sobel/maps/a.npy").write_bytes(b"damaged")
    np.save(tmp_path / "o/sobel/maps/b.npy", np.zeros(SHAPE, np.float32))
    edit_record("o/sobel", "c", lambda record: record.pop("image"))
    assert contourbench(capsys, *run)[0] == 0
    assert contents("o") == before


def test_table_formats(capsys, folder):
    assert contourbench(capsys, "run", "sobel", "sobel(sigma=1)", "--data", folder)[0] == 0
    text = contourbench(capsys, "table")[1]
    assert "sobel(sigma=1)" in text
    markdown = contourbench(capsys, "table", "results", "--format", "md")[1]
    assert " ".join(markdown.split()).startswith("| detector | ODS |")
    csv_rows = list(csv.DictReader(contourbench(capsys, "table", "--format", "csv")[1].splitlines()))
    scores = json.loads(Path("results/sobel/scores.json").read_text())
    (row,) = [row for row in csv_rows if row["detector"] == "sobel"]
    assert float(row["ods"]) == pytest.approx(scores["ods"]["f"], abs=1e-6)
    assert r"\toprule" in contourbench(capsys, "table", "--format", "latex")[1]
    assert "no such results folder" in fails(capsys, "table", "nothing")
    assert "no runs" in fails(capsys, "table", folder)


def test_curves(capsys, folder):
    assert contourbench(capsys, "run", "sobel", "--data", folder)[0] == 0
    for name in ("f.png", "f.pdf", "f.svg"):
        code, out, _ = contourbench(capsys, "curves", "results", "--out", name)
        assert (code, out) == (0, f"{name}\n")
        first = Path(name).read_bytes()
        contourbench(capsys, "curves", "results", "--out", name)
        assert Path(name).read_bytes() == first
    assert "expected a figure ending in .png" in fails(capsys, "curves", "--out", "f.bmp")
    assert contourbench(capsys, "run", "sobel", "--limit", 2, "--out", "results/scenes")[0] == 0
    assert "a figure shows one data set" in fails(capsys, "curves", "results")
    assert "mine test" in contourbench(capsys, "table")[1]
    assert "scenes test" in contourbench(capsys, "table")[1]


def test_damaged_results_are_named(capsys, folder):
    assert contourbench(capsys, "run", "sobel", "--data", folder)[0] == 0
    edit_record("results/sobel", "b", lambda record: record.pop("counts"))
    assert "counts.jsonl: b missing or damaged" in fails(capsys, "curves")
    journal = Path("results/sobel/counts.jsonl")
    journal.write_text(journal.read_text().replace('"id": "b"', '"id": b', 1))
    assert "counts.jsonl: b missing or damaged (line 2 is no record)" in fails(capsys, "curves")
    Path("results/sobel/run.json").write_text("[]")
    assert "not the record of a run" in fails(capsys, "table")


def test_detectors_are_listed(capsys):
    code, out, _ = contourbench(capsys, "detectors")
    assert code == 0
    assert [line.split("(")[0] for line in out.splitlines()] == sorted(BUILT_IN)


def test_the_environment_names_the_data(tmp_path, folder):

    done = subprocess.run(
        [*COMMAND, "run", "roberts", "--workers", "1"],
        env={**os.environ, "CONTOURBENCH_BSDS500": str(folder)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("mine test")


def test_data_check(capsys, tmp_path, folder):
    assert "3 images, 6 annotations" in contourbench(capsys, "data", "check", folder, "--split", "test")[1]
    assert "3 images, 6 annotations, contours 1.1 px thick" in contourbench(capsys, "data", "check", folder)[1]
    assert "no such folder" in fails(capsys, "data", "check", tmp_path / "nowhere")


def test_bsds500_end_to_end(capsys, tmp_path, bsds500):
    """Two real images; the folder is recognised and nothing is said to be missing."""
    out = tmp_path / "o"
    code, table, err = contourbench(
        capsys, "run", "sobel", "--data", bsds500, "--limit", 2, "--thresholds", 9, "--out", out
    )
    assert code == 0
    assert "warning" not in err
    assert table.startswith("BSDS500 test, 9 thresholds")
    code, table, err = contourbench(capsys, "table", out, "--published")
    assert "CNF" not in table  # two images are not the benchmark
    assert "published rows are of all of BSDS500 test" in err


def test_committed_results(capsys, tmp_path):
    """The tables in the READMEs are what the command prints from the committed counts, without data or detectors."""
    root = Path(__file__).resolve().parents[1]
    results = root / "results" / "bsds500-test"
    readmes = [
        path.read_text(encoding="utf-8") for path in sorted(root.glob("README.md")) + sorted(root.glob("*/README.md"))
    ]
    published = contourbench(capsys, "table", results, "--published")[1]
    assert "CNF (thesis)" in published
    assert "yun-liu/plot-edge-pr-curves" in published
    for line in contourbench(capsys, "table", results, "--format", "md")[1].splitlines()[2:]:
        name, *scores = [cell.strip() for cell in line.strip("|").split("|")]
        assert any(f"| `{name}` | {' | '.join(scores[:4])} |" in text for text in readmes)
    assert contourbench(capsys, "curves", results, "--published", "--out", tmp_path / "f.pdf")[0] == 0

"""The command line as a user types it."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from contourbench.bench.cli import main
from scipy.io import savemat
from test_predictions import write_bad
from toy import SHAPE, toy_truth, write_folder, write_maps

COMMAND = [str(Path(sys.executable).with_name("contourbench"))]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A toy data set at ``mine``, with the working directory beside it."""
    monkeypatch.chdir(tmp_path)
    return write_folder(tmp_path / "mine", truth="mat")


def contourbench(capsys, *arguments):
    """Run the command in this process on one core; return exit code, stdout and stderr."""
    spread = [] if arguments[0] not in ("run", "score") or "--workers" in arguments else ["--workers", "1"]
    try:
        code = main([*map(str, arguments), *spread])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def contents(folder, timeless=True):
    """Every file's bytes; times and dates apart."""
    files = {}
    for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.name == "run.json" and timeless:
            meta = json.loads(data)
            del meta["seconds"], meta["finished"]
            data = json.dumps(meta).encode()
        files[str(path.relative_to(folder))] = data
    return files


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_help_is_instant_and_imports_nothing_heavy():
    subprocess.run([*COMMAND, "--help"], check=True, capture_output=True)  # warm the disk
    started = time.perf_counter()
    done = subprocess.run([*COMMAND, "run", "--help"], check=True, capture_output=True, text=True)
    assert time.perf_counter() - started < 0.5
    assert "DETECTOR" in done.stdout
    heavy = (
        "import sys; from contourbench.bench.cli import _parser; _parser(); print({'numpy', 'numba'} & {*sys.modules})"
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
    assert iio.imread(out / "curves.png").shape[0] > 500
    for name in ("roberts", "canny"):
        assert {p.name for p in (out / name).iterdir()} == {
            *("counts", "maps", "run.json", "scores.json"),
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


def changed_records(folder):
    return {p.stem: p.stat().st_mtime_ns for p in (folder / "counts").iterdir()}


def test_only_what_is_new_or_changed_is_computed(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    score = ("score", maps, "--data", folder, "--out", "o")
    assert contourbench(capsys, *score)[0] == 0
    first, files = changed_records(tmp_path / "o"), contents("o", timeless=False)
    assert contourbench(capsys, *score)[0] == 0
    assert changed_records(tmp_path / "o") == first

    np.save(maps / "b.npy", np.roll(np.load(maps / "b.npy"), 3, axis=1))
    assert contourbench(capsys, *score)[0] == 0
    second = changed_records(tmp_path / "o")
    assert {i for i in first if first[i] != second[i]} == {"b"}
    assert contents("o")["scores.json"] != files["scores.json"]

    assert contourbench(capsys, *score, "--thresholds", 9)[0] == 0
    third = changed_records(tmp_path / "o")
    assert all(second[i] != third[i] for i in second)

    write_folder(tmp_path / "other", truth="npy")
    (folder / "gt" / "c.mat").unlink()
    shutil.copy(tmp_path / "other" / "gt" / "c.npy", folder / "gt" / "c.npy")
    np.save(folder / "gt" / "c.npy", np.stack([toy_truth(0)]))
    assert contourbench(capsys, *score, "--thresholds", 9)[0] == 0
    fourth = changed_records(tmp_path / "o")
    assert {i for i in third if third[i] != fourth[i]} == {"c"}


def test_a_changed_or_damaged_map_of_a_run_is_made_again(capsys, tmp_path, folder):
    run = ("run", "sobel", "--data", folder, "--out", "o")
    assert contourbench(capsys, *run)[0] == 0
    before = contents("o")
    (tmp_path / "o/sobel/maps/a.npy").write_bytes(b"damaged")
    np.save(tmp_path / "o/sobel/maps/b.npy", np.zeros(SHAPE, np.float32))
    (tmp_path / "o/sobel/counts/c.json").write_text("{")
    assert contourbench(capsys, *run)[0] == 0
    assert contents("o") == before


FLAKY = """
import numpy as np
from pathlib import Path
def detect(image):
    if image[0, 0, 0] == BAD and not Path("mended").exists():
        raise RuntimeError("no edges today")
    return image[..., 0] / np.float32(255)
"""


def test_one_bad_image_does_not_lose_the_others(capsys, tmp_path, folder, monkeypatch):
    first = iio.imread(folder / "images" / "b.png")[0, 0, 0]
    (tmp_path / "flaky_mod.py").write_text(FLAKY.replace("BAD", str(first)))
    run = ("run", "flaky_mod:detect", "sobel", "--data", folder, "--out", "o")
    code, out, err = contourbench(capsys, *run)
    assert code == 1
    assert "flaky_mod:detect: 1 of 3 images failed" in err
    assert "b: RuntimeError: no edges today (flaky_mod.py:6)" in err
    assert "sobel" in out
    assert "flaky" not in out
    done = changed_records(tmp_path / "o/flaky_mod-detect")
    assert set(done) == {"a", "c"}
    assert "not finished (1 images failed)" in contourbench(capsys, "table", "o")[2]

    (tmp_path / "mended").touch()
    assert contourbench(capsys, *run)[0] == 0
    again = changed_records(tmp_path / "o/flaky_mod-detect")
    assert set(again) == {"a", "b", "c"}
    assert all(again[i] == done[i] for i in done)
    assert {row["detector"] for row in rows(tmp_path / "o/table.csv")} == {"flaky_mod:detect", "sobel"}


def test_a_corrupt_image_does_not_lose_the_others(capsys, tmp_path, folder):
    (folder / "images" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    code, _, err = contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o", "--workers", 2)
    assert code == 1
    assert "a.png: cannot be read as an image" in err
    assert {p.stem for p in (tmp_path / "o/sobel/counts").iterdir()} == {"b", "c"}
    assert not (tmp_path / "o/sobel/scores.json").exists()


BAD_DETECTORS = """
import numpy as np
def shape(image): return np.zeros((3, 3))
def nan(image): return np.full(image.shape[:2], np.nan)
def greedy(image):
    image[:] = 0
    return image[..., 0] / 255.0
def nothing(image): return None
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [("shape", "size 3x3"), ("nan", "NaN"), ("greedy", "changed its input"), ("nothing", "expected")],
)
def test_bad_detectors(capsys, tmp_path, folder, name, message):
    (tmp_path / "bad_mod.py").write_text(BAD_DETECTORS)
    code, _, err = contourbench(capsys, "run", f"bad_mod:{name}", "--data", folder, "--out", "o")
    assert code == 1
    assert f"bad_mod:{name}: 3 of 3 images failed" in err
    assert err.count(message) == 1
    assert "contourbench: a, b, c: " in err
    assert message in err


def fails(capsys, *arguments):
    """The command ends with exit code 2; return what it says."""
    code, out, err = contourbench(capsys, *arguments)
    assert code == 2, (code, err)
    assert out == ""
    assert err.strip()
    return err


def test_users_mistakes_in_run(capsys, folder):
    assert "no such folder" in fails(capsys, "run", "sobel", "--data", "nowhere")
    Path("hollow").mkdir()
    assert "the folder is empty" in fails(capsys, "run", "sobel", "--data", "hollow")
    assert "did you mean sobel?" in fails(capsys, "run", "sobl")
    assert "did you mean sigma?" in fails(capsys, "run", "sobel(sgma=1)")
    assert "--thresholds: 0" in fails(capsys, "run", "sobel", "--data", folder, "--thresholds", 0)
    assert "--max-dist: 4.3" in fails(capsys, "run", "sobel", "--data", folder, "--max-dist", 4.3)
    assert "--limit 0" in fails(capsys, "run", "sobel", "--data", folder, "--limit", 0)
    assert "--workers 0" in fails(capsys, "run", "sobel", "--data", folder, "--workers", 0)
    assert "invalid choice" in fails(capsys, "walk")
    assert not Path("results").exists()


def test_results_of_different_data_are_not_mixed(capsys, folder):
    assert contourbench(capsys, "run", "sobel", "--data", folder)[0] == 0
    assert "holds runs on mine test, not scenes test" in fails(capsys, "run", "canny", "--data", "scenes")
    assert "another protocol" in fails(capsys, "run", "canny", "--data", folder, "--thresholds", 9)


def test_missing_and_extra_predictions(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps", ids=("a", "b", "stray"))
    message = fails(capsys, "score", maps, "--data", folder)
    assert "no prediction for 1 of 3 image(s): c" in message
    assert "1 prediction(s) without image: stray" in message


def test_a_map_of_another_size(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    np.save(maps / "a.npy", np.zeros(SHAPE[::-1]))
    np.save(maps / "c.npy", np.zeros((SHAPE[0] + 8, SHAPE[1])))
    message = fails(capsys, "score", maps, "--data", folder)
    assert "a.npy: size 32x24 (H x W), but its image is 24x32 (H x W) (transposed?)" in message
    assert "c.npy: size 32x32 (H x W), but its image is 24x32 (H x W) (padded?)" in message


def test_bad_prediction_files(capsys, tmp_path, folder):
    (tmp_path / "bad").mkdir()
    for name, _ in write_bad(tmp_path / "bad").items():
        maps = write_maps(tmp_path / f"maps_{name}")
        (maps / "b.npy").unlink()
        shutil.copy(tmp_path / "bad" / name, maps / f"b{Path(name).suffix}")
        message = fails(capsys, "score", maps, "--data", folder, "--out", "o")
        assert len(message.splitlines()) == 1
        assert f"b{Path(name).suffix}: " in message
    assert not Path("o").exists()


def test_ground_truth_without_annotators(capsys, tmp_path, folder):
    from toy import write_bsds_truth

    write_bsds_truth(folder / "gt" / "b.mat", [])
    code, _, err = contourbench(capsys, "run", "sobel", "--data", folder)
    assert code == 1
    assert "b.mat: ground truth without annotators" in err
    maps = write_maps(tmp_path / "maps")
    assert "b.mat: ground truth without annotators" in fails(capsys, "score", maps, "--data", folder)
    assert "b.mat: ground truth without annotators" in fails(capsys, "data", "check", folder, "--split", "test")


def test_inverted_maps_are_noticed_and_can_be_turned(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    upright = contourbench(capsys, "score", maps, "--data", folder, "--out", "upright")[1]
    for path in maps.iterdir():
        np.save(path, 1 - np.load(path))
    code, _, err = contourbench(capsys, "score", maps, "--data", folder, "--out", "o")
    assert code == 0
    assert "inverted? " in err
    assert "--invert" in err
    code, out, err = contourbench(capsys, "score", maps, "--data", folder, "--out", "o", "--invert")
    assert (code, out) == (0, upright)
    assert "inverted?" not in err


def test_options_of_score_reach_the_counts(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    tables = {}
    for option in ((), ("--nms", "teed"), ("--no-thin",), ("--max-dist", "0.2"), ("--thresholds", "9")):
        assert contourbench(capsys, "score", maps, "--data", folder, "--out", "o", *option)[0] == 0
        tables[option] = (tmp_path / "o" / "eval_bdry_thr.txt").read_text()
    assert len(set(tables.values())) == len(tables)


def test_table_formats(capsys, folder):
    assert contourbench(capsys, "run", "sobel", "sobel(sigma=1)", "--data", folder)[0] == 0
    text = contourbench(capsys, "table")[1]
    assert "sobel(sigma=1)" in text
    assert contourbench(capsys, "table", "results", "--format", "md")[1].startswith("| detector | ODS |")
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
    Path("results/sobel/counts/b.json").write_text("{}")
    assert "b.json: missing or damaged" in fails(capsys, "curves")
    Path("results/sobel/run.json").write_text("[]")
    assert "not the record of a run" in fails(capsys, "table")


def test_detectors_are_listed(capsys):
    code, out, _ = contourbench(capsys, "detectors")
    assert code == 0
    assert [line.split("(")[0] for line in out.splitlines()] == ["canny", "roberts", "sobel"]


def test_the_environment_names_the_data(tmp_path, folder):
    import os

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
    assert "not a copy of BSDS500" in fails(capsys, "data", "check", folder)
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
    """The table in the README is what the command prints from the committed counts, without data or detectors."""
    root = Path(__file__).resolve().parents[1]
    results, readme = root / "results" / "bsds500-test", (root / "README.md").read_text()
    published = contourbench(capsys, "table", results, "--published")[1]
    assert "CNF (thesis)" in published
    assert "yun-liu/plot-edge-pr-curves" in published
    for line in contourbench(capsys, "table", results, "--format", "md")[1].splitlines()[2:]:
        name, *scores = [cell.strip() for cell in line.strip("|").split("|")]
        assert f"| `{name}` | {' | '.join(scores[:4])} |" in readme
    assert contourbench(capsys, "curves", results, "--published", "--out", tmp_path / "f.pdf")[0] == 0


def test_integer_masks_are_not_taken_for_faint_maps(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    for i, path in enumerate(sorted(maps.iterdir())):
        np.save(path, toy_truth(i).astype(np.uint8))
    assert "0 and 1 stored as 8 or 16 bits?" in fails(capsys, "score", maps, "--data", folder)
    for i, path in enumerate(sorted(maps.iterdir())):
        savemat(path.with_suffix(".mat"), {"edge": toy_truth(i)})
        path.unlink()
    assert contourbench(capsys, "score", maps, "--data", folder, "--out", "o")[0] == 0
    assert json.loads((tmp_path / "o/scores.json").read_text())["ods"]["precision"] == 1


def test_predictions_of_different_kinds_are_refused(capsys, tmp_path, folder):
    maps, sweeps = write_maps(tmp_path / "maps"), write_maps(tmp_path / "sweeps", kind="segs")
    (maps / "b.npy").unlink()
    shutil.copy(sweeps / "b.mat", maps / "b.mat")
    assert "not all files hold the same: 2 segmentations in b.mat" in fails(capsys, "score", maps, "--data", folder)


def test_ground_truth_of_another_size(capsys, tmp_path, folder):
    (folder / "gt" / "b.mat").unlink()
    np.save(folder / "gt" / "b.npy", np.zeros((30, 40), bool))
    maps = write_maps(tmp_path / "maps")
    message = "ground truth of b: size 30x40 (H x W), but its image is 24x32 (H x W)"
    assert message in fails(capsys, "score", maps, "--data", folder)
    code, _, err = contourbench(capsys, "run", "sobel", "--data", folder)
    assert (code, message in err) == (1, True)


def test_an_unusable_out_is_noticed_before_the_work(capsys, folder):
    Path("file").write_text("mine")
    assert "--out file: cannot be written to" in fails(capsys, "run", "sobel", "--data", folder, "--out", "file")
    assert Path("file").read_text() == "mine"


def test_runs_of_others_are_not_overwritten(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "sobel")
    assert contourbench(capsys, "run", "sobel", "--data", folder)[0] == 0
    before = contents("results")
    assert "holds a run of sobel on mine test" in fails(capsys, "score", maps, "--data", folder)
    assert "expected a name" in fails(capsys, "score", maps, "--data", folder, "--name", "..")
    assert contents("results") == before


HELPED = "from helper_pkg.core import strength\ndef detect(image): return strength(image)\n"


def test_a_changed_helper_is_noticed(capsys, tmp_path, folder):
    """A second command, as a fresh process, sees that a module two imports away has changed."""
    (tmp_path / "helped_mod.py").write_text(HELPED)
    (tmp_path / "helper_pkg").mkdir()
    helper = tmp_path / "helper_pkg" / "core.py"
    command = [*COMMAND, "run", "helped_mod:detect", "--data", folder, "--out", "o", "--workers", "1"]
    maps = []
    for channel in (0, 0, 1):
        helper.write_text(f"def strength(image):\n    print('hello')\n    return image[..., {channel}] / 255.0\n")
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert "hello" not in done.stdout
        maps.append((tmp_path / "o/helped_mod-detect/maps/a.npy").stat().st_mtime_ns)
    assert maps[0] == maps[1] != maps[2]


DYING = """
import os, sys
def crash(image):
    if image[0, 0, 0] == BAD:
        os._exit(3)
    return image[..., 0] / 255.0
def leave(image):
    sys.exit(0)
"""


def test_a_dying_worker_loses_its_image_alone(capsys, tmp_path, folder):
    first = iio.imread(folder / "images" / "b.png")[0, 0, 0]
    (tmp_path / "dying_mod.py").write_text(DYING.replace("BAD", str(first)))
    run = ("run", "dying_mod:crash", "sobel", "--data", folder, "--out", "o", "--workers", 2)
    code, out, err = contourbench(capsys, *run)
    assert code == 1
    assert "b: the worker process died" in err
    assert {p.stem for p in (tmp_path / "o/dying_mod-crash/counts").iterdir()} == {"a", "c"}
    assert "sobel" in out
    code, _, err = contourbench(capsys, "run", "dying_mod:leave", "--data", folder, "--out", "o2")
    assert (code, "SystemExit" in err) == (1, True)


SLOW = "import time\ndef detect(image):\n    time.sleep(5)\n    return image[..., 0] / 255.0\n"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interruption_is_answered_at_once(tmp_path, folder):
    (tmp_path / "slow_mod.py").write_text(SLOW)
    command = [*COMMAND, "run", "slow_mod:detect", "--data", folder, "--out", "o", "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        started = time.perf_counter()
        _, err = process.communicate(timeout=20)
    assert time.perf_counter() - started < 2
    assert process.returncode == 130
    assert "the same command goes on from there" in err
    assert "Traceback" not in err


def test_unusual_signatures(capsys, tmp_path, folder):
    (tmp_path / "odd_mod.py").write_text(
        "import numpy as np\n"
        "def detect(image, scales=[1, 2], weights=np.ones(3), f=np.sqrt, top=float('inf')):\n"
        "    return image[..., 0] / 255.0\n"
        "class Model:\n    def __call__(self, image): return image[..., 0] / 255.0\n"
        "model = Model()\n"
    )
    (tmp_path / "broken_neighbour.py").write_text("def (:\n")
    code, _, err = contourbench(capsys, "run", "odd_mod:detect", "odd_mod:model", "--data", folder, "--out", "o")
    assert code == 0, err

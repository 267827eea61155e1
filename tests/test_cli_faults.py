"""The command line as a user types it: mistakes, bad files, failing detectors, interruptions."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND, contents, contourbench, fails, hear_interrupts, records, rows
from scipy.io import savemat
from test_predictions import write_bad
from toy import SHAPE, read_picture, toy_truth, write_bsds_truth, write_maps

FLAKY = """
import numpy as np
from pathlib import Path
def detect(image):
    if image[0, 0, 0] == BAD and not Path("mended").exists():
        raise RuntimeError("no edges today")
    return image[..., 0] / np.float32(255)
"""


def test_one_bad_image_does_not_lose_the_others(capsys, tmp_path, folder, monkeypatch, appended):
    first = read_picture(folder / "images" / "b.png")[0, 0, 0]
    (tmp_path / "flaky_mod.py").write_text(FLAKY.replace("BAD", str(first)))
    run = ("run", "flaky_mod:detect", "sobel", "--data", folder, "--out", "o")
    code, out, err = contourbench(capsys, *run)
    assert code == 1
    assert "flaky_mod:detect: 1 of 3 images failed" in err
    assert "b: RuntimeError: no edges today (flaky_mod.py:6)" in err
    assert "sobel" in out
    assert "flaky" not in out
    assert set(records("o/flaky_mod-detect")) == {"a", "c"}
    assert "not finished (1 images failed)" in contourbench(capsys, "table", "o")[2]

    (tmp_path / "mended").touch()
    appended.clear()
    assert contourbench(capsys, *run)[0] == 0
    assert appended == ["b"]
    assert set(records("o/flaky_mod-detect")) == {"a", "b", "c"}
    assert {row["detector"] for row in rows(tmp_path / "o/table.csv")} == {"flaky_mod:detect", "sobel"}


def test_a_corrupt_image_does_not_lose_the_others(capsys, tmp_path, folder):
    (folder / "images" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    code, _, err = contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o", "--workers", 2)
    assert code == 1
    assert "a.png: cannot be read as an image" in err
    assert set(records("o/sobel")) == {"b", "c"}
    assert not (tmp_path / "o/sobel/scores.json").exists()


BAD_DETECTORS = """
import numpy as np
def shape(image): return np.zeros((3, 3))
def nan(image): return np.full(image.shape[:2], np.nan)
def infinite(image): return np.full(image.shape[:2], np.inf)
def bytes_(image): return np.full(image.shape[:2], 200.0)
def whole(image): return image[..., 0].astype(int)
def unreal(image): return image[..., 0] / 255.0 + 1j
def words(image): return np.full(image.shape[:2], "edge")
def objects(image): return image[..., 0].astype(object)
def greedy(image):
    image[:] = 0
    return image[..., 0] / 255.0
def nothing(image): return None
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shape", "size 3x3"),
        ("nan", "NaN"),
        ("infinite", "holds"),
        ("bytes_", "divide by 255"),
        ("whole", "dtype int64"),
        ("unreal", "dtype complex128"),
        ("words", "dtype <U4"),
        ("objects", "dtype object"),
        ("greedy", "changed its input"),
        ("nothing", "expected"),
    ],
)
def test_bad_detectors(capsys, tmp_path, folder, name, message):
    (tmp_path / "bad_mod.py").write_text(BAD_DETECTORS)
    code, _, err = contourbench(capsys, "run", f"bad_mod:{name}", "--data", folder, "--out", "o")
    assert code == 1
    assert f"bad_mod:{name}: 3 of 3 images failed" in err
    assert err.count(message) == 1
    assert "contourbench: a, b, c: " in err
    assert message in err


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


def test_maps_of_others_do_not_replace_scores(capsys, tmp_path, folder):
    """Folders are called after who made the maps, and where two are of one name, nothing is replaced."""
    for method in ("one", "two"):
        maps = write_maps(tmp_path / method / "nms" / "test")
        assert contourbench(capsys, "score", maps, "--data", folder)[0] == 0
    assert {path.parent.name for path in Path("results").glob("*/run.json")} == {"one", "two"}
    before = contents("results")
    other = write_maps(tmp_path / "elsewhere" / "one")
    err = fails(capsys, "score", other, "--data", folder)
    assert f"holds the scores of the maps in {tmp_path / 'one/nms/test'}, not of those in {other}" in err
    assert "--out or --name" in err
    assert contents("results") == before
    assert contourbench(capsys, "score", other, "--data", folder, "--name", "three")[0] == 0


def test_a_default_folder_of_other_data_is_not_mixed(capsys, tmp_path, folder):
    assert contourbench(capsys, "run", "sobel", "--limit", 2)[0] == 0
    maps = write_maps(tmp_path / "ours")
    err = fails(capsys, "score", maps, "--data", folder)
    assert (
        "holds runs on scenes test, not mine test; choose another folder, such as --out results/mine-test/ours" in err
    )
    assert contourbench(capsys, "score", maps, "--data", folder, "--out", "results/mine-test/ours")[0] == 0
    err = fails(capsys, "run", "canny", "--data", folder)
    assert "such as --out results/mine-test" in err
    assert contourbench(capsys, "run", "canny", "--data", folder, "--out", "results/mine-test")[0] == 0
    assert "has another protocol (thresholds, thin)" in fails(
        capsys, "run", "canny", "--limit", 2, "--thresholds", 9, "--no-thin"
    )


def test_maps_of_other_names_are_explained(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps", ids=("pred_a", "pred_b", "pred_c"))
    err = fails(capsys, "score", maps, "--data", folder, "--limit", 2)
    assert "no prediction for 2 of 2 image(s): a, b; there is pred_a, pred_b, pred_c" in err
    assert "rename the files: leave out 'pred_'" in err
    assert "the built-in scenes, the default: name your data set with --data" in fails(capsys, "score", maps)


def test_scores_that_look_wrong_are_explained(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    score = ("score", maps, "--data", folder, "--out", "o", "--name", "ours")
    assert "note" not in contourbench(capsys, *score)[2]
    for i, path in enumerate(sorted(maps.iterdir())):
        np.save(path, np.roll(toy_truth(i), 9, 0).astype(np.float64))
    assert "note: ours: AP is 0 by its definition" in contourbench(capsys, *score)[2]


def test_ois_below_ods_is_explained(capsys, tmp_path, folder):
    assert contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o")[0] == 0
    assert "note" not in contourbench(capsys, "table", "o")[2]
    scores = json.loads(Path("o/sobel/scores.json").read_text())
    scores["ois"]["f"] = scores["ods"]["f"] - 0.002
    Path("o/sobel/scores.json").write_text(json.dumps(scores))
    assert "note: sobel: OIS may be below ODS" in contourbench(capsys, "table", "o")[2]


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
    first = read_picture(folder / "images" / "b.png")[0, 0, 0]
    (tmp_path / "dying_mod.py").write_text(DYING.replace("BAD", str(first)))
    run = ("run", "dying_mod:crash", "sobel", "--data", folder, "--out", "o", "--workers", 2)
    code, out, err = contourbench(capsys, *run)
    assert code == 1
    assert "b: the worker process died" in err
    assert set(records("o/dying_mod-crash")) == {"a", "c"}
    assert "sobel" in out
    code, _, err = contourbench(capsys, "run", "dying_mod:leave", "--data", folder, "--out", "o2")
    assert (code, "SystemExit" in err) == (1, True)


SLOW = """
import time
from pathlib import Path
def detect(image):
    Path("started").touch()
    time.sleep(30)
    return image[..., 0] / 255.0
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interruption_is_answered_at_once(tmp_path, folder):
    (tmp_path / "slow_mod.py").write_text(SLOW)
    command = [*COMMAND, "run", "slow_mod:detect", "--data", folder, "--out", "o", "--workers", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_interrupts
    ) as process:
        while not Path("started").exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        started = time.perf_counter()
        _, err = process.communicate(timeout=20)
    assert time.perf_counter() - started < 2  # a second, where the machine has nothing else to do
    assert process.returncode == 130
    assert "slow_mod:detect: interrupted after 0 of 3 images" in err
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

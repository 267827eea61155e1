"""Sweeps and hierarchies through the command, as a user types it."""

import importlib
import json

import numpy as np
import pytest
from command import contents, contourbench, fails, rows
from contourbench.bench.datasets.opening import open_dataset
from contourbench.bench.methods.names import parse_detector
from contourbench.bench.runs.contours import ContourJob
from contourbench.bench.runs.job import Item
from contourbench.bench.runs.source import DetectorSource
from contourbench.eval import BoundaryProtocol
from toy import SHAPE, write_maps

DETECTORS = """
import numpy as np
from contourbench.eval import Hierarchy

def _split(image, column):
    return (np.arange(image.shape[1]) >= column)[None].repeat(len(image), 0).astype(int)

def named(image):
    return {"coarse": _split(image, 8), "fine": _split(image, 8) + 2 * _split(image, 20)}

def listed(image):
    return [_split(image, 8), _split(image, 20)]

def ucm(image):
    ucm2 = np.zeros((2 * image.shape[0] + 1, 2 * image.shape[1] + 1), np.float32)
    ucm2[:, 16], ucm2[:, 40] = 0.9, 0.4
    return Hierarchy(ucm2)

def uneven(image):
    return [_split(image, 8)] * (1 + image[0, 0, 0] % 2)
"""


@pytest.fixture
def mine(folder, tmp_path):
    (tmp_path / "sweeps_of_mine.py").write_text(DETECTORS)
    return folder


def test_run_a_sweep(capsys, tmp_path, mine, appended):
    run = ("run", "sweeps_of_mine:named", "sobel", "--data", mine, "--out", "o")
    code, out, err = contourbench(capsys, *run)
    assert code == 0, err
    assert "sweeps_of_mine:named" in out
    folder = tmp_path / "o" / "sweeps_of_mine-named"
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["settings"] == ["coarse", "fine"]
    assert set(scores["regions"]) == {"covering", "pri", "vi"}
    assert (folder / "maps" / "a.npz").exists()
    assert (folder / "eval_cover.txt").exists() and (folder / "eval_RI_VOI_thr.txt").exists()
    assert not (tmp_path / "o" / "sobel" / "eval_cover.txt").exists()
    assert [row["detector"] for row in rows(tmp_path / "o" / "regions.csv")] == ["sweeps_of_mine:named"]
    before = contents("o")
    appended.clear()
    assert contourbench(capsys, *run)[0] == 0
    assert contents("o") == before
    assert appended == []


@pytest.mark.parametrize("kind", ["named", "ucm"])
@pytest.mark.parametrize("form", ["maps", "mat"])
def test_scoring_what_a_run_saved_gives_its_row(capsys, tmp_path, mine, kind, form):
    assert contourbench(capsys, "run", f"sweeps_of_mine:{kind}", "--data", mine, "--out", "o")[0] == 0
    folder = tmp_path / "o" / f"sweeps_of_mine-{kind}"
    maps = folder / "maps"
    if form == "mat":
        assert contourbench(capsys, "convert", maps, tmp_path / "mat", "--format", "mat")[0] == 0
        maps = tmp_path / "mat"
    code, out, err = contourbench(capsys, "score", maps, "--data", mine, "--out", "s", "--name", "again")
    assert code == 0, err
    assert "covering ODS" in out
    first, second = (json.loads((f / "scores.json").read_text()) for f in (folder, tmp_path / "s"))
    first.pop("settings", None), second.pop("settings", None)  # segs has no names
    assert first == second
    for name in ("eval_cover.txt", "eval_bdry.txt", "eval_RI_VOI.txt"):
        assert (folder / name).read_text() == (tmp_path / "s" / name).read_text()


def test_workers_do_not_change_a_sweep(capsys, tmp_path, mine):
    for workers in (1, 2):
        out = tmp_path / str(workers)
        assert contourbench(capsys, "run", "felzenszwalb", "--data", mine, "--workers", workers, "--out", out)[0] == 0
    assert contents("1") == contents("2")


def test_a_soft_detector_takes_the_sweep_that_stands_beside_it(capsys, tmp_path, mine, monkeypatch):
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    assert contourbench(capsys, "run", "felzenszwalb_soft", "--data", mine, "--out", alone)[0] == 0
    assert contourbench(capsys, "run", "felzenszwalb", "--data", mine, "--out", beside)[0] == 0
    module = importlib.import_module("contourbench.baselines.felzenszwalb")
    soft, dataset = parse_detector("felzenszwalb_soft"), open_dataset(str(mine))
    with monkeypatch.context() as patch:
        patch.setattr(module, "felzenszwalb_soft", None)  # would fail if called
        folder = beside / "felzenszwalb_soft"
        job = ContourJob(source=DetectorSource(soft), dataset=dataset, protocol=BoundaryProtocol(), folder=folder)
        assert [outcome.error for outcome in job.process(tuple(map(Item, dataset.ids)))] == [None] * 3
    assert contourbench(capsys, "run", "felzenszwalb_soft", "--data", mine, "--out", beside)[0] == 0
    for name in ("maps/a.npy", "scores.json", "counts.jsonl"):
        assert (alone / soft.name / name).read_bytes() == (beside / soft.name / name).read_bytes()


def test_table_of_regions(capsys, mine):
    assert contourbench(capsys, "run", "sweeps_of_mine:listed", "sobel", "--data", mine, "--out", "o")[0] == 0
    for style, expected in (
        ("text", "covering ODS"),
        ("md", "| detector | covering ODS | OIS | best | PRI ODS"),
        ("csv", "detector,covering_ods,covering_ois,covering_best,pri_ods,pri_ois,vi_ods,vi_ois,images"),
        ("latex", r"\begin{tabular}{lrrrrrrr}"),
    ):
        code, out, err = contourbench(capsys, "table", "o", "--regions", "--format", style)
        assert code == 0
        assert expected in " ".join(out.split())  # columns are as wide as their text
        assert "note: sobel: contours alone, no regions to measure" in err


def test_truth_without_regions_leaves_them_out(capsys, tmp_path):
    from toy import write_folder

    folder = write_folder(tmp_path / "drawn", truth="png")
    maps = write_maps(tmp_path / "maps", kind="segs")
    assert contourbench(capsys, "score", maps, "--data", folder, "--out", tmp_path / "o")[0] == 0
    assert "regions" not in json.loads((tmp_path / "o" / "scores.json").read_text())


def test_settings_must_be_the_same_for_every_image(capsys, mine):
    code, out, err = contourbench(capsys, "run", "sweeps_of_mine:uneven", "sobel", "--data", mine, "--out", "o")
    assert code == 1
    assert "sobel" in out
    assert "expected the same for every image" in err


def test_options_for_maps_do_not_go_with_segmentations(capsys, tmp_path, mine):
    maps = write_maps(tmp_path / "maps", kind="segs")
    assert "holds segmentations, but --nms" in fails(capsys, "score", maps, "--data", mine, "--nms", "hed")
    assert "holds segmentations, but --invert" in fails(capsys, "score", maps, "--data", mine, "--invert")


def test_convert_refuses_to_overwrite_and_to_lose(capsys, tmp_path):
    maps = write_maps(tmp_path / "maps", kind="segs")
    assert contourbench(capsys, "convert", maps, tmp_path / "c", "--format", "npz")[0] == 0
    assert np.load(tmp_path / "c" / "a.npz")["segmentations"].shape == (2, *SHAPE)
    assert "exists already" in fails(capsys, "convert", maps, tmp_path / "c", "--format", "npz")
    assert ".png cannot hold 2 segmentations" in fails(capsys, "convert", maps, tmp_path / "d", "--format", "png")

"""Suppression is a part of the method: ``sobel`` and ``sobel(nms=hed)`` are two rows of the same maps."""

import json
from pathlib import Path

import numpy as np
import pytest
from command import contents, contourbench, edit_record, fails, records, rows
from contourbench.bench.errors import UserError
from contourbench.bench.methods.names import parse_detector
from contourbench.bench.runs.photo import detect
from contourbench.bench.runs.results import folder_name, load_run
from contourbench.eval import ContourMap
from toy import toy_truth, write_maps

COUNTED = """
def detect(image, level=1.0):
    with open("calls", "a") as file:
        file.write("x")
    return image[..., 0] / 255 * level
def detect_batch(images, level=1.0):
    return [detect(image, level) for image in images]
def regions(image):
    return [image[..., 0] // 100, image[..., 0] // 50]
def own(image, nms="soft"):
    return image[..., 0] / 255
"""


@pytest.fixture
def calls(folder):
    """How often the detector ``counted_mod:detect`` was called."""
    (folder.parent / "counted_mod.py").write_text(COUNTED)
    return lambda: len(Path("calls").read_text())


def test_one_folder_holds_runs_with_and_without(capsys, folder, calls):
    run = ("run", "counted_mod:detect", "--data", folder, "--out", "o")
    assert contourbench(capsys, *run)[0] == 0
    assert contourbench(capsys, *run, "--nms", "hed")[0] == 0
    assert calls() == 3  # the maps of the run beside it
    names = {"counted_mod:detect", "counted_mod:detect(nms=hed)"}
    assert {row["detector"] for row in rows(Path("o/table.csv"))} == names
    raw, suppressed = (load_run(Path("o", folder_name(name))) for name in sorted(names))
    assert raw.counts != suppressed.counts
    for image_id, counts in suppressed.counts.items():
        soft = ContourMap(np.load(f"o/counted_mod-detect(nms=hed)/maps/{image_id}.npy"))
        assert np.array_equal(soft.values, np.load(f"o/counted_mod-detect/maps/{image_id}.npy"))
        truth = np.stack([toy_truth("abc".index(image_id)), np.roll(toy_truth("abc".index(image_id)), 1, 0)])
        assert counts == soft.suppressed("hed").count(truth)
    assert contourbench(capsys, "curves", "o")[0] == 0
    assert contourbench(capsys, "page", "o")[0] == 0
    assert "with nms=… in a name" in Path("o/page.html").read_text(encoding="utf-8")
    assert contourbench(capsys, "table", "o")[1].count("mine test") == 1
    out = contourbench(capsys, "verify", "o", "--data", folder)[1]
    assert out.count("ok, 3 images counted again") == 2


@pytest.mark.parametrize("first", [("counted_mod:detect(nms=rcf)",), ("counted_mod:detect", "--batch", "3")])
def test_maps_of_any_run_beside_are_taken(capsys, folder, calls, first):
    batch = first[1:]
    assert contourbench(capsys, "run", *first, "--data", folder, "--out", "o")[0] == 0
    run = ("run", "counted_mod:detect", *batch, "--data", folder, "--out", "o")
    assert contourbench(capsys, *run, "--nms", "hed")[0] == 0
    assert contourbench(capsys, *run)[0] == 0
    assert calls() == 3
    assert contourbench(capsys, *run, "--nms", "hed", "--fresh")[0] == 0
    assert calls() == 6


def test_maps_of_a_run_beside_keep_the_versions_that_made_them(capsys, folder):
    for detector in ("sobel", "felzenszwalb"):
        assert contourbench(capsys, "run", detector, "--data", folder, "--out", "o")[0] == 0
        edit_record(Path("o", detector), "a", lambda record: record["versions"].update(numpy="1.0"))
    run = ("run", "sobel(nms=hed)", "felzenszwalb_soft", "--data", folder, "--out", "o")
    assert contourbench(capsys, *run)[0] == 0
    for name in ("sobel(nms=hed)", "felzenszwalb_soft"):
        made = records(Path("o", name))
        assert made["a"]["versions"]["numpy"] == "1.0" != made["b"]["versions"]["numpy"]


def test_saved_maps_are_suppressed_by_name(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "ours" / "nms")
    assert contourbench(capsys, "score", maps, "--data", folder)[0] == 0
    code, out, _ = contourbench(capsys, "score", maps, "--data", folder, "--nms", "teed")
    assert (code, "ours(nms=teed)" in out) == (0, True)
    assert {path.parent.name for path in Path("results").glob("*/run.json")} == {"ours", "ours(nms=teed)"}
    meta = json.loads(Path("results/ours(nms=teed)/run.json").read_text())
    assert (meta["detector"], meta["nms"], set(meta["protocol"])) == (
        "ours(nms=teed)",
        "teed",
        {"thresholds", "max_dist", "thin", "definition"},
    )
    assert contourbench(capsys, "run", "sobel", "--data", folder, "--nms", "teed")[0] == 0
    kept = ("score", "results/sobel(nms=teed)/maps", "--data", folder, "--out")
    assert contourbench(capsys, *kept, "raw")[1].splitlines()[3].startswith("sobel ")  # what is kept is not suppressed
    assert "\nsobel(nms=teed) " in contourbench(capsys, *kept, "s", "--nms", "teed")[1]
    assert Path("s/scores.json").read_bytes() == Path("results/sobel(nms=teed)/scores.json").read_bytes()


def test_inverted_maps_stand_beside_runs(capsys, tmp_path, folder):
    """Nor is it a matter of the protocol how maps were stored."""
    maps = write_maps(tmp_path / "maps")
    for path in maps.iterdir():
        np.save(path, 1 - np.load(path))
    assert contourbench(capsys, "score", maps, "--data", folder, "--out", "o/ours", "--invert")[0] == 0
    assert contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o")[0] == 0
    assert "ok, 3 images" in contourbench(capsys, "verify", "o/ours", "--data", folder)[1]


def test_folders_of_older_versions(capsys, tmp_path, folder, appended):
    """They have suppression and inversion in the protocol; their rows get the name, and nothing is counted again."""
    maps = write_maps(tmp_path / "ours")
    score = ("score", maps, "--data", folder, "--out", "o/ours", "--nms", "hed")
    assert contourbench(capsys, *score)[0] == 0
    assert contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o")[0] == 0
    table = contourbench(capsys, "table", "o")[1]
    for name, nms in (("ours", "hed"), ("sobel", None)):
        made = Path("o", name)
        for image_id in "abc":
            edit_record(made, image_id, lambda record, nms=nms: _as_older(record, nms))
        meta = json.loads((made / "run.json").read_text())
        _as_older(meta, nms)
        (made / "run.json").write_text(json.dumps({**meta, "detector": name}))
    assert "nms" in records("o/ours")["a"]["protocol"]
    appended.clear()
    assert contourbench(capsys, "table", "o")[1] == table
    assert "ours(nms=hed)" in table
    assert contourbench(capsys, "verify", "o", "--data", folder)[1].count("ok, 3 images") == 2
    assert contourbench(capsys, *score)[0] == 0
    assert contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o")[0] == 0
    assert appended == []
    assert contourbench(capsys, "table", "o")[1] == table


def _as_older(held, nms):
    held.pop("nms", None)
    held.pop("invert", None)
    held["protocol"] = {**held["protocol"], "nms": nms, "invert": False}


@pytest.mark.parametrize("nms", [["hed"], "hde", 3])
def test_a_run_that_names_no_suppression_of_ours_is_none(capsys, folder, nms):
    assert contourbench(capsys, "run", "sobel", "--data", folder, "--out", "o")[0] == 0
    meta = json.loads(Path("o/sobel/run.json").read_text())
    Path("o/sobel/run.json").write_text(json.dumps({**meta, "nms": nms}))
    assert "run.json: not the record of a run" in fails(capsys, "table", "o")


def test_shards_are_merged_with_their_suppression(capsys, tmp_path):
    run = ("run", "sobel", "--data", "scenes", "--limit", 3, "--thresholds", 9, "--nms", "hed")
    assert contourbench(capsys, *run, "--out", tmp_path / "whole")[0] == 0
    for i in (1, 2):
        assert contourbench(capsys, *run, "--shard", f"{i}/2", "--out", tmp_path / str(i))[0] == 0
    parts = [tmp_path / str(i) / "sobel(nms=hed)" for i in (1, 2)]
    assert contourbench(capsys, "merge", *parts, "--out", tmp_path / "merged")[0] == 0
    assert contents(tmp_path / "merged") == contents(tmp_path / "whole" / "sobel(nms=hed)")


@pytest.mark.parametrize("detector", ["felzenszwalb", "counted_mod:regions"])
def test_segmentations_are_refused_in_one_line(capsys, folder, calls, detector):
    err = fails(capsys, "run", detector, "--nms", "hed", "--data", folder, "--out", "o", "--workers", 2)
    assert err.count("\n") == 1
    assert f"{detector}: " in err
    assert "segmentations, but --nms hed is for contour maps; leave it out" in err
    assert not list(Path().glob("o/*"))


def test_contours_of_a_picture_are_suppressed_too():
    ramp = np.linspace(0, 1, 32)[np.newaxis].repeat(24, 0)
    raw, suppressed = (detect(ramp, name) for name in ("sobel", "sobel(nms=hed)"))
    assert np.array_equal(suppressed, ContourMap(raw).suppressed("hed").contour_map())
    assert not np.array_equal(raw, suppressed)
    with pytest.raises(UserError, match="segmentations, but `nms='hed'` is for contour maps"):
        detect(ramp, "felzenszwalb(nms=hed)")


@pytest.mark.parametrize(
    ("spec", "nms", "name", "params"),
    [
        ("sobel", "hed", "sobel(nms=hed)", {"nms": False}),
        ("sobel(nms=rcf, sigma=2)", None, "sobel(sigma=2, nms=rcf)", {"nms": False, "sigma": 2.0}),
        ("sobel(nms=True)", None, "sobel(nms=True)", {"nms": True}),
        ("canny(nms=none)", None, "canny", {}),
        ("counted_mod:own(nms=hed)", None, "counted_mod:own(nms=hed)", {"nms": "hed"}),
    ],
)
def test_names(folder, calls, spec, nms, name, params):
    detector = parse_detector(spec, nms=nms)
    assert detector.name == name
    assert detector.params | params == detector.params
    assert parse_detector(name) == detector
    assert detector.fingerprint == parse_detector(detector.raw_name).fingerprint


@pytest.mark.parametrize(
    ("spec", "nms", "message"),
    [
        ("canny(nms=hde)", None, "`nms='hde'`: no such preset; did you mean hed\\? \\(known: hed, sed, rcf"),
        ("canny", "hde", "`nms='hde'`: no such preset; did you mean hed"),
        ("canny(nms=rcf)", "hed", "nms is rcf, but `nms='hed'`; leave one out"),
        ("sobel(nms=True)", "hed", "nms=True suppresses non-maxima already; leave out that or `nms='hed'`"),
        ("counted_mod:own", "hed", "has a parameter nms of its own"),
    ],
)
def test_mistakes(folder, calls, spec, nms, message):
    with pytest.raises(UserError, match=message):
        parse_detector(spec, nms=nms)

"""Detectors that fail: told at once, in the user's own words, and stopped where there is no more chance."""

import json
from pathlib import Path

import pytest
from command import contourbench, fails, records
from contourbench.bench.methods.names import parse_detector, require_workable
from contourbench.bench.runs.failures import FEW, is_hopeless
from contourbench.bench.runs.job import Outcome
from toy import read_picture, write_folder

IDS = "abcdefgh"
FAILS = """
import numpy as np
from pathlib import Path
def always(image):
    return np.linalg.inv(np.zeros((2, 2)))
def at_times(image):
    if str(image.sum()) in Path("bad").read_text().split():
        raise RuntimeError(f"no edges today in {image[0, 0, 0]}")
    return image[..., 0] / 255.0
def none(image): return None
def two(image): return image[..., 0] / 255.0, {"seconds": 3}
def soft(image): return image[..., 0] / 255.0, image[..., 1] / 255.0
def mixed(image): return [image[..., 0] / 255.0, 3]
"""


@pytest.fixture
def eight(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_folder(tmp_path / "eight", ids=IDS)


def write_module(folder, bad=()):
    sums = [str(read_picture(folder / "images" / f"{i}.png").sum()) for i in bad]
    (folder.parent / "bad").write_text(" ".join(sums))
    (folder.parent / "fails_mod.py").write_text(FAILS)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_detector_that_fails_on_the_first_images_alike_is_stopped(capsys, eight, workers):
    write_module(eight)
    run = ("run", "fails_mod:always", "sobel", "--data", eight, "--out", "o", "--workers", workers)
    code, out, err = contourbench(capsys, *run)
    assert code == 1
    told, *_ = err.splitlines()
    assert told.startswith("warning: fails_mod:always: ")
    assert told.endswith(" failed: LinAlgError: Singular matrix (fails_mod.py:5)")  # not the frame in NumPy
    assert f"fails_mod:always: 1 of {len(IDS)} images, 1 failed" in err
    if workers == 1:  # of several, each may have done another one meanwhile
        assert "5 of 8 images failed, the first 5 all alike; stopped there, 3 were not tried" in err
    assert "contourbench: tracebacks: o/fails_mod-always/failures.log" in err
    log = Path("o/fails_mod-always/failures.log").read_text()
    assert log.startswith("a, b, c, d, e")
    assert log.count("numpy.linalg.LinAlgError: Singular matrix") == 1
    assert "sobel" in out  # the others go on
    meta = json.loads(Path("o/fails_mod-always/run.json").read_text())
    assert set(meta["failed"]) >= set(IDS[:FEW])


def test_a_detector_that_fails_at_times_goes_on(capsys, eight):
    write_module(eight, "abce")
    run = ("run", "fails_mod:at_times", "--data", eight, "--out", "o")
    code, _, err = contourbench(capsys, *run)
    assert code == 1
    assert "4 of 8 images failed; the others are kept" in err
    assert err.count(" failed: RuntimeError") == 1  # the first one at once
    assert "8 of 8 images, 4 failed" in err
    assert set(records("o/fails_mod-at_times")) == set("dfgh")
    assert Path("o/fails_mod-at_times/failures.log").exists()
    write_module(eight)
    code, _, err = contourbench(capsys, *run)
    assert (code, "failed" in err) == (0, False)
    assert not Path("o/fails_mod-at_times/failures.log").exists()


def test_bad_images_do_not_stop_a_detector(capsys, eight):
    for image_id in IDS[:6]:
        (eight / "images" / f"{image_id}.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    code, _, err = contourbench(capsys, "run", "sobel", "--data", eight, "--out", "o")
    assert (code, "6 of 8 images failed; the others are kept" in err) == (1, True)
    assert set(records("o/sobel")) == set("gh")


def test_when_there_is_no_more_chance():
    """By the first ones in order, whatever came when; numbers apart."""
    failed = {i: Outcome(i, {}, error="e", cause="size #") for i in IDS}
    few = {i: failed[i] for i in "hgedcba"[-FEW:]}
    assert is_hopeless(IDS, few)
    assert not is_hopeless(IDS[:FEW], few)  # nothing would be saved
    assert not is_hopeless(IDS, {i: failed[i] for i in "bcdefgh"})
    assert not is_hopeless(IDS, {**few, "c": Outcome("c", {})})
    assert not is_hopeless(IDS, {**few, "c": Outcome("c", {}, error="e", cause="other")})
    assert not is_hopeless(IDS, {i: Outcome(i, {}, error="e") for i in IDS})  # each image's own fault


@pytest.mark.parametrize(
    ("name", "returned"),
    [
        ("none", "None"),
        ("two", "a tuple of 2 (float64 array (24, 32), dict)"),
        ("soft", "a tuple of 2 (float64 array (24, 32), float64 array (24, 32))"),
        ("mixed", "a list of 2 (float64 array (24, 32), int)"),
    ],
)
def test_what_a_detector_returned_is_said(capsys, folder, name, returned):
    write_module(folder)
    code, _, err = contourbench(capsys, "run", f"fails_mod:{name}", "--data", folder, "--out", "o")
    assert code == 1
    assert f"the detector returned {returned}, expected an (H, W) map of floats" in err


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("canny(sigma=-1)", "detector canny(sigma=-1): parameter sigma: -1.0, expected 0 to 100 pixels"),
        ("sobel(space=LAB)", "parameter space: 'LAB', expected one of grey, lab"),
        ("mean_shift(settings=x)", "parameter settings: 'x', expected"),
        ("cnf(readout=far)", "parameter readout: 'far', expected one of"),
    ],
)
def test_a_wrong_value_of_a_parameter_is_refused_at_once(capsys, folder, spec, message):
    if spec.startswith("cnf"):
        pytest.importorskip("torch")
    err = fails(capsys, "run", "sobel", spec, "--data", folder, "--out", "o")
    assert message in err
    assert err.count("\n") == 1
    assert not Path("o").exists()


@pytest.mark.parametrize("spec", ["canny(sigma=100)", "ncut(sigma=1)", "pmi(seed=1)", "cnf(iterations=100000)"])
def test_a_right_value_is_not_tried_for_long(spec):
    if spec.startswith("cnf"):
        pytest.importorskip("torch")
    require_workable(parse_detector(spec))


def test_foreign_detectors_are_not_called_for_a_try(folder):
    text = "def detect(image, level=1.0):\n    raise ValueError('level: called')\n"
    (folder.parent / "tried_mod.py").write_text(text)
    require_workable(parse_detector("tried_mod:detect(level=2)"))

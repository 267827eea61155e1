"""``run --device`` and ``run --batch``."""

import json
from pathlib import Path

import numpy as np
import pytest
from command import contents, contourbench, edit_record, fails, records
from contourbench.bench.methods.names import batch_form, parse_detector
from toy import read_picture

PLACED = """
def detect(image, device="auto"):
    return image[..., 0] / 255 * {"auto": 1, "cpu": 0.5}[device]
"""
# Says on stderr what it was called with; fails on the image whose first value is BAD.
MANY = """
import os, sys, time
import numpy as np
BAD, HOW = None, None
def detect(image, level=1.0):
    print("alone", file=sys.stderr)
    hurt(image)
    return image[..., 0] / 255 * level
def detect_batch(images, level=1.0, progress=None):
    print("together", len(images), file=sys.stderr)
    for image in images:
        hurt(image)
    return [image[..., 0] / 255 * level for image in images]
def hurt(image):
    if image[0, 0, 0] == BAD:
        if HOW == "raise": raise RuntimeError("no edges today")
        if HOW == "die": os._exit(9)
        if HOW == "sleep": time.sleep(30)
        if HOW == "greedy": image[:] = 0
def few(image):
    return image[..., 0] / 255
def few_batch(images):
    return [few(images[0])]
"""


def write_module(folder, bad=None, how=None, name="many_mod"):
    text = MANY.replace("BAD, HOW = None, None", f"BAD, HOW = {bad!r}, {how!r}")
    (folder.parent / f"{name}.py").write_text(text)
    return f"{name}:detect"


def first_value(folder, image_id):
    return int(read_picture(folder / "images" / f"{image_id}.png")[0, 0, 0])


def test_the_device_is_a_parameter_of_those_who_have_it(capsys, folder):
    (folder.parent / "placed_mod.py").write_text(PLACED)
    run = ("run", "placed_mod:detect", "sobel", "--data", folder, "--out", "o")
    assert contourbench(capsys, *run, "--device", "cpu")[0] == 0
    assert {p.name for p in Path("o").iterdir() if p.is_dir()} == {"placed_mod-detect(device=cpu)", "sobel"}
    meta = json.loads(Path("o/placed_mod-detect(device=cpu)/run.json").read_text())
    assert meta["detector"] == "placed_mod:detect(device=cpu)"
    assert meta["params"] == {"device": "cpu"}
    assert contourbench(capsys, *run, "--device", "auto")[0] == 0  # the default is no part of the name
    assert Path("o/placed_mod-detect/run.json").exists()
    typed = parse_detector("placed_mod:detect(device=cpu)")
    assert parse_detector("placed_mod:detect", {"device": "cpu"}) == typed


FOREIGN = """
def detect(image, device="cpu"):
    return image[..., 0] / 255 * {"cuda": 1, "cpu": 0.5}[device]
"""


@pytest.mark.parametrize("there", [True, False])
def test_auto_is_a_device_for_those_who_do_not_know_the_word(folder, monkeypatch, there):
    pytest.importorskip("torch")
    (folder.parent / "foreign_mod.py").write_text(FOREIGN)
    (folder.parent / "placed_mod.py").write_text(PLACED)
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    name = "foreign_mod:detect(device=cuda)" if there else "foreign_mod:detect"
    assert parse_detector("foreign_mod:detect", {"device": "auto"}).name == name
    assert parse_detector("placed_mod:detect", {"device": "auto"}).params == {"device": "auto"}
    assert parse_detector("cnf", {"device": "auto"}).params["device"] == "auto"


def test_mistakes_with_devices(capsys, folder, monkeypatch):
    (folder.parent / "placed_mod.py").write_text(PLACED)
    run = ("run", "placed_mod:detect", "--data", folder, "--device")
    assert "--device gpu: expected auto, cpu, cuda or cuda:N" in fails(capsys, *run, "gpu")
    assert "no detector named here (sobel, canny) has a parameter device" in fails(
        capsys, "run", "sobel", "canny", "--data", folder, "--device", "cpu"
    )
    assert "device is cpu, but --device auto; leave one out" in fails(
        capsys, "run", "placed_mod:detect(device=cpu)", "--data", folder, "--device", "auto"
    )
    pytest.importorskip("torch")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert "--device cuda:1: torch sees 1 CUDA devices here" in fails(capsys, *run, "cuda:1")
    assert not Path("results").exists()


def test_a_batch_gives_what_one_by_one_gives(capsys, folder):
    spec = write_module(folder)
    run = ("run", spec, "--data", folder, "--workers", 1)
    code, _, err = contourbench(capsys, *run, "--out", "two", "--batch", 2)
    assert code == 0
    assert err.count("together 2") == 1
    assert err.count("alone") == 1  # the third image
    code, _, err = contourbench(capsys, *run, "--out", "one")
    assert "together" not in err
    maps = [contents(Path(out) / "many_mod-detect" / "maps") for out in ("one", "two")]
    assert maps[0] == maps[1]
    meta = json.loads(Path("two/many_mod-detect/run.json").read_text())
    assert meta["batch"] == 2
    assert all("detect" in steps for steps in meta["seconds"].values())
    assert "batch" not in json.loads(Path("one/many_mod-detect/run.json").read_text())
    assert contourbench(capsys, *run, "--out", "three", "--batch", 8, "--workers", 2)[0] == 0
    assert contents("three/many_mod-detect/maps") == maps[0]


def test_a_batch_resumes_and_is_told_from_single_images(capsys, folder, appended):
    spec = write_module(folder)
    run = ("run", spec, "--data", folder, "--out", "o", "--batch", 3)
    assert contourbench(capsys, *run)[0] == 0
    edit_record("o/many_mod-detect", "b", None)
    appended.clear()
    code, _, err = contourbench(capsys, *run)
    assert code == 0
    assert "together" not in err  # but one is missing
    assert err.count("alone") == 1
    assert appended == ["b"]
    assert contourbench(capsys, *run[:-2])[2].count("alone") == 3  # another way of computing: maps may differ
    detector = parse_detector(spec)
    assert batch_form(detector).fingerprint != detector.fingerprint
    assert batch_form(parse_detector("sobel")) is None


@pytest.mark.parametrize(
    ("how", "message"),
    [("raise", "RuntimeError: no edges today"), ("die", "the worker process died"), ("greedy", "changed its input")],
)
def test_one_bad_image_does_not_lose_its_batch(capsys, folder, how, message):
    spec = write_module(folder, first_value(folder, "b"), how, f"many_{how}")
    workers = 2 if how == "die" else 1
    run = ("run", spec, "--data", folder, "--out", "o", "--batch", 3, "--workers", workers)
    code, _, err = contourbench(capsys, *run)
    assert code == 1
    assert "1 of 3 images failed" in err
    assert message in err
    assert set(records(f"o/many_{how}-detect")) == {"a", "c"}
    if how != "die":
        assert "not at once" in err


def test_the_time_limit_is_per_image(capsys, folder):
    spec = write_module(folder, first_value(folder, "b"), "sleep", "many_sleep")
    run = ("run", spec, "--data", folder, "--out", "o", "--batch", 3, "--workers", 1, "--time-limit", 0.3)
    code, _, err = contourbench(capsys, *run)
    assert code == 1
    assert "a, b, c: not at once (not done after 0.9 seconds" in err
    assert "b: TimeoutError: not done after 0.3 seconds" in err
    assert set(records("o/many_sleep-detect")) == {"a", "c"}


def test_too_few_maps_and_no_batch_form(capsys, folder):
    write_module(folder)
    code, _, err = contourbench(capsys, "run", "many_mod:few", "--data", folder, "--out", "o", "--batch", 3)
    assert code == 0
    assert "not at once" in err
    assert "no detector named here (sobel) takes many images at once" in fails(
        capsys, "run", "sobel", "--data", folder, "--batch", 2
    )
    assert "--batch 0: expected at least 1" in fails(capsys, "run", "sobel", "--data", folder, "--batch", 0)


def test_a_corrupt_image_in_a_batch(capsys, folder):
    spec = write_module(folder)
    (folder / "images" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    code, _, err = contourbench(capsys, "run", spec, "--data", folder, "--out", "o", "--batch", 3)
    assert code == 1
    assert "together 2" in err
    assert set(records("o/many_mod-detect")) == {"b", "c"}


def test_fields_in_batches(capsys, folder):
    pytest.importorskip("torch")
    spec = "cnf(iterations=3, filters=8, heads=4, readout=neighbour)"
    run = ("run", spec, "cnf_thesis(iterations=3, filters=8, heads=4)", "sobel", "--data", folder, "--device", "cpu")
    assert contourbench(capsys, *run, "--out", "one")[0] == 0
    assert contourbench(capsys, *run, "--out", "two", "--batch", 2)[0] == 0
    runs = sorted(p.name for p in Path("one").glob("cnf*"))
    assert len(runs) == 2
    for name in runs:
        for image_id in "abc":
            one, two = (np.load(Path(out, name, "maps", f"{image_id}.npy")) for out in ("one", "two"))
            assert np.mean(np.abs(one - two) > 0.02) < 0.03  # sums in another order, and thinning is all or nothing
            assert one.std() > 0.1
    assert contents("one/sobel") == contents("two/sobel")


def test_batch_forms_take_all_parameters_of_theirs():
    pytest.importorskip("torch")
    for name in ("cnf", "cnf_fast", "cnf_thesis"):
        one = parse_detector(name)
        many = parse_detector(batch_form(one).batch)
        assert many.params == one.params, name

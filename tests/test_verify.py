"""verify finds whatever was changed behind the back of a results folder."""

import json
import shutil

import numpy as np
import pytest
from command import contourbench, edit_record, fails
from toy import write_maps


@pytest.fixture
def results(capsys, tmp_path, folder):
    run = ("run", "sobel", "felzenszwalb", "--data", folder, "--out", tmp_path / "o", "--thresholds", 9)
    assert contourbench(capsys, *run)[0] == 0
    return tmp_path / "o"


def edit(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def test_all_is_well(capsys, results, folder):
    code, out, err = contourbench(capsys, "verify", results, "--data", folder)
    lines = [f"{results / name}: ok, 3 images counted again" for name in ("felzenszwalb", "sobel")]
    assert (code, out.splitlines()) == (0, lines), err
    assert contourbench(capsys, "verify", results)[1].count("ok, nothing counted again (no --data)") == 2


def test_what_cannot_be_counted_again_is_said(capsys, results, folder):
    for path in (results / "sobel" / "maps").iterdir():
        path.unlink()
    out = contourbench(capsys, "verify", results / "sobel", "--data", folder)[1]
    assert "ok, nothing counted again (no saved maps)" in out
    (results / "sobel" / "scores.json").unlink()
    assert "no finished run" in fails(capsys, "verify", results / "sobel")


def test_maps_that_score_was_given_are_counted_again(capsys, tmp_path, folder):
    maps = write_maps(tmp_path / "maps")
    for path in maps.iterdir():
        np.save(path, 1 - np.load(path))
    assert contourbench(capsys, "score", maps, "--data", folder, "--out", "s", "--invert")[0] == 0
    assert "ok, 3 images" in contourbench(capsys, "verify", "s", "--data", folder)[1]
    np.save(maps / "b.npy", np.zeros((24, 32)))
    assert "b.npy: not the map that was counted" in contourbench(capsys, "verify", "s", "--data", folder)[2]


def one_more(values):
    values["counts"]["cnt_r"][0] -= 1


def other_region(values):
    values["regions"]["covered_r"][3] += 5


def other_rand(values):
    values["regions"]["rand"][3] = 0.9


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda o: (o / "sobel/eval_bdry.txt").write_text("1 1 1\n"), "eval_bdry.txt: not what the counts add up to"),
        (lambda o: (o / "felzenszwalb/eval_cover.txt").unlink(), "eval_cover.txt: missing"),
        (lambda o: edit_record(o / "sobel", "a", one_more), "a: counts differ when made again"),
        (lambda o: edit_record(o / "felzenszwalb", "b", other_region), "b: region measures differ"),
        (lambda o: edit_record(o / "felzenszwalb", "b", other_rand), "b: region measures differ"),
        (lambda o: edit_record(o / "sobel", "b", lambda record: record.update(id="a")), "b missing or damaged"),
        (lambda o: shutil.copy(o / "felzenszwalb/eval_cover.txt", o / "sobel"), "eval_cover.txt: left over"),
        (
            lambda o: np.save(o / "sobel/maps/c.npy", np.zeros((24, 32), np.float32)),
            "c.npy: not the map that was counted",
        ),
        (lambda o: np.save(o.parent / "mine/gt/a.npy", np.eye(24, 32)), "ground truth"),
        (lambda o: edit(o / "sobel/run.json", lambda v: v["hashes"].update(map="x")), "hashes are not those"),
    ],
)
def test_what_was_changed_is_found(capsys, results, folder, spoil, message):
    if message == "ground truth":
        (folder / "gt" / "a.mat").unlink()
    spoil(results)
    code, _, err = contourbench(capsys, "verify", results, "--data", folder)
    assert code == 1
    assert message in err

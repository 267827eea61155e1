"""verify finds whatever was changed behind the back of a results folder."""

import json

import numpy as np
import pytest
from command import contourbench


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
    assert (code, out) == (0, f"{results / 'felzenszwalb'}: ok\n{results / 'sobel'}: ok\n"), err
    assert contourbench(capsys, "verify", results)[0] == 0


def one_more(values):
    values["counts"]["cnt_r"][0] -= 1


def other_region(values):
    values["regions"]["covered_r"][3] += 5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda o: (o / "sobel/eval_bdry.txt").write_text("1 1 1\n"), "eval_bdry.txt: not what the counts add up to"),
        (lambda o: (o / "felzenszwalb/eval_cover.txt").unlink(), "eval_cover.txt: missing"),
        (lambda o: edit(o / "sobel/counts/a.json", one_more), "a: counts differ when made again"),
        (lambda o: edit(o / "felzenszwalb/counts/b.json", other_region), "b: region measures differ"),
        (lambda o: np.save(o / "sobel/maps/c.npy", np.zeros((24, 32), np.float32)), "c: another map than was counted"),
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

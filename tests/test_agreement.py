import numpy as np
import pytest
from command import contourbench, fails
from contourbench.eval import BoundaryProtocol, count_agreement, count_map, pr_curve
from toy import toy_truth, write_folder


def test_each_against_the_others_by_hand(random):
    truth = np.stack([np.roll(toy_truth(), k, axis=1) for k in (0, 1, 5)])
    protocol = BoundaryProtocol(max_dist=0.05)
    counts = count_agreement(truth, protocol)
    sums = np.zeros(4, int)
    for g in range(3):
        one = count_map(truth[g] * 1.0, np.delete(truth, g, axis=0), protocol).at(0)
        sums += [one.cnt_r[0], one.sum_r[0], one.cnt_p[0], one.sum_p[0]]
    assert [counts.cnt_r[0], counts.sum_r[0], counts.cnt_p[0], counts.sum_p[0]] == sums.tolist()


def test_single_others_have_equal_precision_and_recall(random):
    truth = np.stack([toy_truth(), np.roll(toy_truth(), 2, axis=0), np.roll(toy_truth(), 9, axis=1)])
    curve = pr_curve(count_agreement(truth, BoundaryProtocol(max_dist=0.05, thin=False), single=True))
    assert curve.precision[0] == curve.recall[0]


def test_people_who_draw_the_same_agree():
    assert pr_curve(count_agreement(np.stack([toy_truth()] * 3), BoundaryProtocol(thin=False))).f[0] == 1
    with pytest.raises(ValueError, match="1 annotator, expected at least two"):
        count_agreement(toy_truth())


def test_command(capsys, tmp_path, folder):
    code, out, _ = contourbench(capsys, "human", "--data", folder)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "mine test, 3 of 3 images have several annotators"
    assert lines[1].startswith("one against all others")
    assert lines[3] == "published for BSDS500 test  F 0.803  P 0.901  R 0.724"
    assert contourbench(capsys, "human", "--data", folder, "--workers", 2)[1] == out
    alone = write_folder(tmp_path / "alone", truth="png")
    assert "no image with two annotators" in fails(capsys, "human", "--data", alone)

"""Agreement with the output of the official MATLAB/C++ benchmark.

The official matcher links pixels to random outlier nodes: the same binary on the same input differs from itself by
2-11 matched pixels per image and threshold, and never has more than the optimum; up to 15 fewer were seen
(PROTOCOL.md). Its files print ratios with six digits, from which the integer counts can be recovered, given the totals.
"""

import numpy as np
import pytest
from contourbench.bench.datasets.ground_truth import read_segmentations, read_truth
from contourbench.bench.files.predictions import find_predictions, read_prediction
from contourbench.bench.runs.official_files import BOUNDARY_FILES, boundary_files, region_files
from contourbench.eval import (
    BoundaryProtocol,
    best_point,
    pool,
    pr_curve,
    summarize,
)

PIXELS_PER_IMAGE = 15
SIX_DIGITS = 0.6e-6


INPUTS = {"test_1": "ucm2", "test_2": "png", "test_3": "segs", "test_4": "segs", "test_5": "segs"}
PROTOCOL = BoundaryProtocol(thresholds=5)


@pytest.fixture(scope="module", params=["test_1", "test_2", "test_3", "test_4"])
def official(request, bench_sample):
    """Folder of official output, and our counts by image id in the official (lexicographic) order."""
    counts = {}
    for image_id, path in find_predictions(bench_sample / INPUTS[request.param]).items():
        truth = np.stack(read_truth(bench_sample / "groundTruth" / f"{image_id}.mat"))
        counts[image_id] = read_prediction(path).count(truth, PROTOCOL)
    return bench_sample / request.param, counts


@pytest.mark.parametrize("test", ["test_1", "test_4", "test_5"])
def test_region_files_to_the_printed_digit(test, bench_sample):
    regions = {}
    for image_id, path in find_predictions(bench_sample / INPUTS[test]).items():
        truth = read_segmentations(bench_sample / "groundTruth" / f"{image_id}.mat")
        regions[image_id] = read_prediction(path).regions(truth, PROTOCOL)
    files = region_files(regions)
    assert set(files) == {path.name for path in (bench_sample / test).iterdir()} - set(BOUNDARY_FILES)
    for name, text in files.items():
        assert text == (bench_sample / test / name).read_text(), name


def test_totals_agree_exactly(official):
    """Official ratios times our totals are whole numbers: thinned and true pixels are the same."""
    folder, counts = official
    _, recall, precision, _ = np.loadtxt(folder / "eval_bdry_thr.txt").T
    pooled = pool(counts.values())
    for ratio, total in ((recall, pooled.sum_r), (precision, pooled.sum_p)):
        matched = ratio * total
        assert np.abs(matched - np.rint(matched)).max() < SIX_DIGITS * total.max()


def test_counts_per_threshold(official):
    folder, counts = official
    _, recall, precision, _ = np.loadtxt(folder / "eval_bdry_thr.txt").T
    pooled = pool(counts.values())
    more = pooled.cnt_r - np.rint(recall * pooled.sum_r)
    assert more.min() >= 0
    assert more.max() <= PIXELS_PER_IMAGE * len(counts)
    assert np.abs(pooled.cnt_p - np.rint(precision * pooled.sum_p)).max() <= PIXELS_PER_IMAGE * len(counts)


def test_best_f_per_image(official):
    folder, counts = official
    best = [best_point(pr_curve(image)) for image in counts.values()]
    rows = np.loadtxt(folder / "eval_bdry_img.txt")
    np.testing.assert_allclose([b.score.f for b in best], rows[:, 4], atol=0.0014)
    np.testing.assert_allclose([b.threshold for b in best], rows[:, 1], atol=1e-6)


def test_scores(official):
    folder, counts = official
    threshold, *_, ods, _, _, ois, ap = np.loadtxt(folder / "eval_bdry.txt")
    summary = summarize(counts)
    assert summary.ods_threshold == pytest.approx(threshold, abs=1e-6)
    assert summary.ods.f == pytest.approx(ods, abs=0.0003)
    assert summary.ois.f == pytest.approx(ois, abs=0.0004)  # five images; 0.0003 holds for 200
    assert summary.ap == pytest.approx(ap, abs=0.0003)


def test_files_have_the_official_form(official):
    folder, counts = official
    for name, text in boundary_files(counts).items():
        expected = (folder / name).read_text()
        assert [len(line) for line in text.splitlines()] == [len(line) for line in expected.splitlines()], name
        np.testing.assert_allclose(np.loadtxt(text.splitlines()), np.loadtxt(folder / name), atol=0.004)


@pytest.mark.parametrize(("split", "total"), [("train", 2_978_511), ("val", 1_469_490), ("test", 3_059_750)])
def test_ground_truth_pixels(bsds500, split, total):
    from contourbench.bench.datasets.opening import open_dataset

    dataset = open_dataset(str(bsds500), split)
    assert dataset.name == "BSDS500"
    assert sum(int(dataset.ground_truth(image_id).sum()) for image_id in dataset.ids) == total

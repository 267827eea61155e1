import csv
from fractions import Fraction

import naive
import numpy as np
import pytest
from contourbench.eval import (
    BoundaryCounts,
    BoundaryProtocol,
    ap_variants,
    best_point,
    count_map,
    full_map_counts,
    pool,
    pr_curve,
    summarize,
)
from contourbench.eval.metrics import average_precision, recall_at_half_precision
from hypothesis import given
from hypothesis import strategies as st


def counts(cnt_r, sum_r, cnt_p, sum_p):
    k = len(cnt_r)
    return BoundaryCounts(cnt_r, [sum_r] * k, cnt_p, sum_p, np.arange(1, k + 1) / (k + 1))


def test_by_hand():
    """Two images, two thresholds; fractions written out."""
    first = counts([8, 4], 10, [8, 4], [16, 4])
    second = counts([6, 0], 10, [6, 0], [6, 2])
    summary = summarize({"a": first, "b": second})
    # pooled: recall 14/20, 4/20; precision 14/22, 4/6
    f_low = 2 * Fraction(14, 20) * Fraction(14, 22) / (Fraction(14, 20) + Fraction(14, 22))
    assert summary.ods.f == pytest.approx(float(f_low))
    assert summary.ods_threshold == pytest.approx(1 / 3)
    # image a: F = 8/13 at the low threshold, 4/7 at the high; image b: 6/8 at the low
    assert summary.ois == pytest.approx((14 / 22, 14 / 20, float(f_low)))
    # AP: recalls 0.20 … 0.70 lie on the line from (0.2, 2/3) to (0.7, 7/11)
    line = [Fraction(2, 3) + Fraction(i, 50) * (Fraction(7, 11) - Fraction(2, 3)) for i in range(51)]
    assert summary.ap == pytest.approx(float(sum(line)) / 100)
    assert summary.r50 == pytest.approx(0.7)


def test_ois_takes_the_first_of_equal_thresholds():
    both = counts([5, 5], 10, [5, 5], [10, 10])
    other = counts([0, 0], 0, [0, 0], [0, 30])
    assert summarize([pool([both]), other]).ois.precision == 5 / 10


def test_nothing_predicted_and_nothing_true():
    summary = summarize([counts([0, 0, 0], 0, [0, 0, 0], [0, 0, 0])])
    assert summary.ods == summary.ois == (0, 0, 0)
    assert summary.ap == 0
    assert np.isnan(summary.r50)


def test_one_threshold():
    summary = summarize([counts([5], 10, [4], [8])])
    assert summary.ods == summary.ois == (0.5, 0.5, 0.5)
    assert summary.ap == 0
    assert summary.r50 == 0.5


def test_average_precision_is_zero_outside_the_recalls_reached():
    assert average_precision([1, 1], [0, 1]) == pytest.approx(1.01)
    assert average_precision([1, 1], [0.501, 0.749]) == pytest.approx(0.24)
    assert average_precision([0.5, 0.5], [0.3, 0.3]) == 0


def test_recall_at_half_precision():
    assert recall_at_half_precision([0.4, 0.6], [0.8, 0.6]) == pytest.approx(0.7)
    assert recall_at_half_precision([0.9, 0.7], [0.2, 0.3]) == 0.3
    assert np.isnan(recall_at_half_precision([0.1, 0.4], [0.9, 0.2]))


@given(st.lists(st.tuples(*[st.integers(0, 50)] * 4), min_size=2, max_size=6))
def test_ods_equals_naive_twin(rows):
    cnt_r, extra_r, cnt_p, extra_p = np.array(rows).T
    image = BoundaryCounts(cnt_r, cnt_r + extra_r, cnt_p, cnt_p + extra_p, np.arange(len(rows)))
    curve = pr_curve(image)
    assert summarize([image]).ods.f == pytest.approx(naive.best_f(curve.recall, curve.precision), abs=1e-12)


@given(st.permutations(range(5)), st.integers(0, 4))
def test_order_and_grouping_do_not_matter(order, split):
    images = [counts([i + 1, i], 9, [i + 2, i], [9, i + 1]) for i in range(5)]
    regrouped = [images[i] for i in order]
    assert summarize(images) == summarize(regrouped)
    if split:
        assert pool([pool(images[:split]), pool(images[split:])]) == pool(images)


def test_published_curves_give_their_published_scores():
    """Scores computed by the official code from the same curves: AP and R50 to the printed digits.

    Two do not follow from their curves: of Canny's only 44 points were published, which enclose .542 (table: .520),
    and gPb-UCM's R50 was cut to .890.
    """
    from contourbench.bench.report.published import published_curves, published_scores

    scores = {row.method: row for row in published_scores()}
    for curve in published_curves():
        row = scores[curve.method]
        ap = average_precision(curve.precision, curve.recall)
        assert ap == pytest.approx(0.542 if curve.method == "Canny" else row.ap, abs=6e-4), curve.method
        if row.r50 is not None:
            r50 = recall_at_half_precision(curve.precision, curve.recall)
            assert r50 == pytest.approx(0.892 if curve.method == "gPb-UCM" else row.r50, abs=6e-4), curve.method


def test_best_point_lies_between_thresholds():
    curve = pr_curve(counts([90, 20], 100, [50, 50], [100, 50]))
    best = best_point(curve)
    assert best.score.f > curve.f.max()
    assert 1 / 3 < best.threshold < 2 / 3


def test_no_images():
    with pytest.raises(ValueError, match="no images"):
        summarize([])


def test_official_totals_follow_from_official_curve(bench_sample):
    """ODS from the official per-threshold rows equals the official ODS."""
    for test in ("test_1", "test_2", "test_3", "test_4"):
        t, r, p, _ = np.loadtxt(bench_sample / test / "eval_bdry_thr.txt").T
        total = next(csv.reader([(bench_sample / test / "eval_bdry.txt").read_text()], delimiter=" "))
        best_t, best_r, best_p, best_f, *_, ap = [float(cell) for cell in total if cell]
        from contourbench.eval.metrics import Curve, f_measure

        best = best_point(Curve(t, p, r, f_measure(p, r)))
        assert (best.threshold, best.score.recall, best.score.precision) == pytest.approx((best_t, best_r, best_p))
        assert best.score.f == pytest.approx(best_f, abs=2e-6)
        assert average_precision(p, r) == pytest.approx(ap, abs=2e-6)


def test_ap_variants_by_hand():
    """Precision 1 at recall .5, .5 at recall 1; nothing below .5."""
    counts = BoundaryCounts([10, 5], [10, 10], [10, 5], [20, 5], [0.3, 0.6])
    found = ap_variants(counts, full_map=(10, 100))
    reached = sum(1 - (r - 50) / 100 for r in range(50, 101)) / 100
    assert found.official == pytest.approx(reached)
    assert found.left_extended == pytest.approx(reached + 0.5)
    assert found.threshold_zero == pytest.approx(reached)  # recall 1 is reached already, at a higher precision
    early = BoundaryCounts([5, 1], [10, 10], [5, 1], [5, 1], [0.3, 0.6])
    added = sum(1 - 0.9 * (r - 50) / 50 for r in range(51, 101)) / 100
    assert ap_variants(early, (10, 100)).threshold_zero == pytest.approx(ap_variants(early).official + added)
    assert ap_variants(early).threshold_zero is None


def test_the_full_map_by_the_benchmark(random):
    truth = random.rand(3, 12, 15) > 0.9
    counts = count_map(np.ones(truth.shape[1:]), truth, BoundaryProtocol(thresholds=1, thin=False))
    assert full_map_counts(truth) == (counts.cnt_p[0], counts.sum_p[0])
    assert counts.cnt_r[0] == counts.sum_r[0]

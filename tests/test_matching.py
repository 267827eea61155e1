import naive
import numpy as np
import pytest
from contourbench.baselines import sobel
from contourbench.bench.datasets.opening import open_dataset
from contourbench.eval import BoundaryProtocol, correspond_pixels, count_map, thin
from contourbench.eval.assignment import (
    ABSENT,
    DUAL,
    FAR,
    LABEL,
    LIMIT,
    MATCH,
    START,
    STOP,
    drop_row,
    insert_row,
    offer_col,
)
from contourbench.eval.matching import Neighbourhood
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


@st.composite
def two_masks(draw, max_side=9):
    shape = draw(st.tuples(st.integers(1, max_side), st.integers(1, max_side)))
    masks = arrays(bool, shape, elements=st.booleans())
    return draw(masks), draw(masks), draw(st.sampled_from([0.5, 1.0, np.sqrt(2), 2.0, 2.5, 4.0]))


def match(pred, gt, tolerance):
    return correspond_pixels(pred, gt, min(1.0, tolerance / np.hypot(*pred.shape)))


def total_distance(match_pred):
    pixels = np.argwhere(match_pred >= 0)
    partners = np.stack(np.unravel_index(match_pred[match_pred >= 0], match_pred.shape), axis=1)
    return int(np.rint(100 * np.sqrt(((pixels - partners) ** 2).sum(axis=1))).sum())


def insert(a, row):
    insert_row(row, a.rows, a.cols, a.row_pairs, a.heap, a.unit)


def drop(a, row):
    return drop_row(row, a.rows, a.cols)


def offer(a, col):
    if col >= 0:
        offer_col(col, a.rows, a.cols, a.col_pairs, a.heap, a.unit)


def assert_optimal(a):
    """The certificate: feasible duals, and equality wherever the matching needs it."""
    rows, cols, pairs = a.rows, a.cols, a.row_pairs
    present, matched = rows[:, DUAL] > ABSENT, rows[:, MATCH] >= 0
    row_of_pair = np.repeat(np.arange(len(rows)), rows[:, STOP] - rows[:, START])
    slack = pairs[:, 1] * a.unit - rows[row_of_pair, DUAL] - cols[pairs[:, 0], DUAL]
    assert (slack[present[row_of_pair]] >= 0).all()
    assert (slack[rows[row_of_pair, MATCH] == pairs[:, 0]] == 0).all()
    for nodes, here in ((rows, present), (cols, np.ones(len(cols), bool))):
        assert (nodes[:, DUAL] <= nodes[:, LIMIT])[here].all()
        assert (nodes[:, DUAL] == nodes[:, LIMIT])[here & (nodes[:, MATCH] < 0)].all()
        assert (nodes[:, LABEL] == FAR).all()
    assert not (matched & ~present).any()
    np.testing.assert_array_equal(cols[rows[matched, MATCH], MATCH], np.flatnonzero(matched))
    assert (cols[:, MATCH] >= 0).sum() == matched.sum()


@given(two_masks())
@settings(max_examples=200)
def test_optimum_equals_scipy(masks):
    pred, gt, tolerance = masks
    tolerance = min(tolerance, np.hypot(*pred.shape))
    match_pred, match_gt = match(pred, gt, tolerance)
    assert (match_pred >= 0).sum() == naive.cardinality(pred, gt, tolerance)
    assert total_distance(match_pred) == naive.least_distance(pred, gt, tolerance)
    matched = np.flatnonzero(match_pred.ravel() >= 0)
    np.testing.assert_array_equal(match_gt.ravel()[match_pred.ravel()[matched]], matched)
    assert not (match_pred >= 0)[~pred].any()
    assert not (match_gt >= 0)[~gt].any()


@given(two_masks(max_side=4))
@settings(max_examples=60)
def test_tie_rule(masks):
    """Of the optimal sets of matched predictions, the first in raster order: found by trying all."""
    pred, gt, tolerance = masks
    tolerance = min(tolerance, np.hypot(*pred.shape))
    match_pred, _ = match(pred, gt, tolerance)
    assert np.flatnonzero(match_pred >= 0).tolist() == naive.first_optimal_rows(pred, gt, tolerance)


@given(two_masks(max_side=12), st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_any_history_leads_to_the_same_optimum(masks, seed):
    pred, gt, tolerance = masks
    random = np.random.RandomState(seed)
    pixels = np.flatnonzero(pred)
    a = Neighbourhood.of(pixels, pred.shape, tolerance).assignment(np.flatnonzero(gt))
    n_rows = len(a.rows)
    for _ in range(n_rows):
        changing = random.randint(n_rows, size=random.randint(1, 5))
        present = a.rows[:, DUAL] > ABSENT
        freed = [drop(a, row) for row in np.unique(changing) if present[row]]
        for row in np.unique(changing):
            if not present[row]:
                insert(a, row)
        for col in freed:
            offer(a, col)
    assert_optimal(a)
    for row in random.permutation(n_rows):
        if a.rows[row, DUAL] == ABSENT:
            insert(a, row)
    assert_optimal(a)
    match_pred, _ = match(pred, gt, tolerance)
    matched = pixels[a.row_of >= 0][a.rows[:, MATCH] >= 0]
    np.testing.assert_array_equal(matched, np.flatnonzero(match_pred >= 0))


def test_tolerance_is_inclusive():
    pred, gt = np.zeros((5, 20), bool), np.zeros((5, 20), bool)
    pred[2, 3], gt[2, 8] = True, True
    assert match(pred, gt, 5.0)[0][2, 3] == 2 * 20 + 8
    assert match(pred, gt, 4.999)[0][2, 3] == -1
    gt[2, 8], gt[4, 4] = False, True  # sqrt(1 + 4) away
    assert match(pred, gt, np.sqrt(5))[0][2, 3] == 4 * 20 + 4
    assert match(pred, gt, 2.236)[0][2, 3] == -1


def test_more_pairs_beat_shorter_ones():
    """Both predictions match although the nearer pair alone would be shorter."""
    pred = np.array([[1, 0, 1, 0, 0, 0, 0]], bool)
    gt = np.array([[0, 0, 1, 0, 1, 0, 0]], bool)
    match_pred, _ = match(pred, gt, 2.0)
    assert match_pred.tolist() == [[2, -1, 4, -1, -1, -1, -1]]


def test_identical_and_empty():
    mask = np.random.RandomState(0).rand(20, 20) > 0.6
    match_pred, match_gt = match(mask, mask, 3.0)
    own = np.where(mask, np.arange(400).reshape(20, 20), -1)
    np.testing.assert_array_equal(match_pred, own)
    np.testing.assert_array_equal(match_gt, own)
    nothing = np.zeros((20, 20), bool)
    for pred, gt in ((mask, nothing), (nothing, mask), (nothing, nothing)):
        assert all((m == -1).all() for m in match(pred, gt, 3.0))


def test_inputs_are_unchanged(random):
    pred, gt = random.rand(2, 30, 30) > 0.5
    before = pred.copy(), gt.copy()
    correspond_pixels(pred, gt, 0.1)
    np.testing.assert_array_equal(pred, before[0])
    np.testing.assert_array_equal(gt, before[1])


def test_refusals():
    mask = np.zeros((4, 6), bool)
    with pytest.raises(ValueError, match="transposed"):
        correspond_pixels(mask, mask.T)
    with pytest.raises(ValueError, match=r"max_dist: 4.3"):
        correspond_pixels(mask, mask, 4.3)


@pytest.mark.parametrize("params", [{}, {"sigma": 2.0, "space": "lab", "nms": True}], ids=["dense", "thin"])
def test_certificate_on_real_images_at_every_threshold(bsds500, params):
    """Walk down the thresholds as counting does, and check the proof of the optimum at each, for every annotator."""
    val = open_dataset(str(bsds500), "val")
    contour_map = sobel(val.image(val.ids[3]), **params)
    sets = [np.flatnonzero(thin(contour_map >= t)) for t in BoundaryProtocol().levels()]
    candidates = np.unique(np.concatenate(sets))
    neighbourhood = Neighbourhood.of(candidates, contour_map.shape, BoundaryProtocol().tolerance(contour_map.shape))
    cnt_r = np.zeros(len(sets), int)
    truth = val.ground_truth(val.ids[3])
    for layer in truth:
        a = neighbourhood.assignment(np.flatnonzero(layer))
        for k in reversed(range(len(sets))):
            wanted = np.isin(candidates[a.row_of >= 0], sets[k])
            present = a.rows[:, DUAL] > ABSENT
            freed = [drop(a, row) for row in np.flatnonzero(present & ~wanted)]
            for row in np.flatnonzero(wanted & ~present):
                insert(a, row)
            for col in freed:
                offer(a, col)
            assert_optimal(a)
            cnt_r[k] += (a.cols[:, MATCH] >= 0).sum()
    np.testing.assert_array_equal(cnt_r, count_map(contour_map, truth).cnt_r)

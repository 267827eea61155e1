import naive
import numpy as np
import pytest
from contourbench.eval import correspond_pixels
from contourbench.eval.assignment import insert_row, new_matching, remove_row
from contourbench.eval.matching import pair_graph
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


def assert_optimal(graph, matching):
    """The certificate: feasible duals, and equality wherever the matching needs it."""
    unit, big_unit, n_pixels = matching.scale
    unmatched_cost = big_unit + n_pixels - 1 - graph.row_pixel
    row_of_pair = np.repeat(np.arange(len(graph.row_pixel)), np.diff(graph.row_start))
    slack = graph.row_dist * unit - matching.row_dual[row_of_pair] - matching.col_dual[graph.row_cols]
    assert (slack[matching.present[row_of_pair]] >= 0).all()
    assert (slack[matching.row_match[row_of_pair] == graph.row_cols] == 0).all()
    matched = matching.row_match >= 0
    assert (matching.row_dual <= unmatched_cost)[matching.present].all()
    assert (matching.row_dual == unmatched_cost)[matching.present & ~matched].all()
    assert (matching.col_dual <= 0).all()
    assert (matching.col_dual[matching.col_match < 0] == 0).all()
    assert not (matched & ~matching.present).any()
    np.testing.assert_array_equal(matching.col_match[matching.row_match[matched]], np.flatnonzero(matched))


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
    graph = pair_graph(np.flatnonzero(pred), np.flatnonzero(gt), pred.shape, tolerance)
    n_rows = len(graph.row_pixel)
    matching, search = new_matching(graph, int(gt.sum()), pred.size)
    for _ in range(4 * n_rows):
        row = random.randint(n_rows)
        (remove_row if matching.present[row] else insert_row)(graph, matching, search, row)
    assert_optimal(graph, matching)
    for row in random.permutation(n_rows):
        if not matching.present[row]:
            insert_row(graph, matching, search, row)
    assert_optimal(graph, matching)
    match_pred, _ = match(pred, gt, tolerance)
    np.testing.assert_array_equal(graph.row_pixel[matching.row_match >= 0], np.flatnonzero(match_pred >= 0))


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


def test_certificate_on_a_real_image_at_every_threshold(bsds500):
    """Walk down the thresholds as counting does, and check the proof of the optimum at each."""
    from contourbench.baselines import sobel
    from contourbench.bench.datasets import open_dataset
    from contourbench.eval import BoundaryProtocol, thin

    val = open_dataset(str(bsds500), "val")
    contour_map = sobel(val.image(val.ids[3]))
    layer = val.ground_truth(val.ids[3])[0]
    levels = BoundaryProtocol(thresholds=25).levels()
    sets = [np.flatnonzero(thin(contour_map >= t)) for t in levels]
    graph = pair_graph(np.unique(np.concatenate(sets)), np.flatnonzero(layer), layer.shape, 4.337)
    matching, search = new_matching(graph, int(layer.sum()), layer.size)
    for pixels in sets[::-1]:
        wanted = np.isin(graph.row_pixel, pixels)
        for row in np.flatnonzero(matching.present & ~wanted):
            remove_row(graph, matching, search, row)
        for row in np.flatnonzero(wanted & ~matching.present):
            insert_row(graph, matching, search, row)
        assert_optimal(graph, matching)

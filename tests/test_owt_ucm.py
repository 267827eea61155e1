"""Oriented watershed and ultrametric contour map."""

import numpy as np
import pytest
from contourbench.baselines.owt_ucm import find_edgels, join_regions, owt_ucm, watershed_regions
from contourbench.eval import BoundaryProtocol
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter


def cross(shape=(20, 30), vertical=0.8, horizontal=0.3):
    """Two contours that cross: four regions."""
    ridge = np.zeros(shape)
    ridge[:, 14] = vertical
    ridge[9] = np.maximum(ridge[9], horizontal)
    return gaussian_filter(ridge, 1.0)[np.newaxis] / gaussian_filter(np.eye(1, 21, 10).ravel(), 1.0).max()


def naive_heights(pairs, totals, lengths):
    """Join by the definition: all borders anew after each step."""
    owner = list(range(max(max(pair) for pair in pairs) + 1))
    heights, height = np.full(len(pairs), np.nan), 0.0
    while True:
        borders = {}
        for arc, (a, b) in enumerate(pairs):
            if owner[a] != owner[b]:
                borders.setdefault(tuple(sorted((owner[a], owner[b]))), []).append(arc)
        if not borders:
            return heights
        means = {key: sum(totals[i] for i in arcs) / sum(lengths[i] for i in arcs) for key, arcs in borders.items()}
        weakest = min(means, key=means.get)
        height = max(height, means[weakest])
        heights[borders[weakest]] = height
        owner = [weakest[0] if o == weakest[1] else o for o in owner]


@given(st.integers(0, 10_000))
def test_joining_by_the_definition(seed):
    random = np.random.RandomState(seed)
    n = random.randint(2, 8)
    pairs = [(i, i + 1) for i in range(n - 1)]
    pairs += [(i, j) for i in range(n) for j in range(i + 2, n) if random.rand() < 0.4]
    lengths = random.randint(1, 5, len(pairs)).astype(float)
    totals = random.rand(len(pairs)) * lengths
    ours = join_regions(np.array(pairs), totals, lengths)
    np.testing.assert_allclose(ours, naive_heights(pairs, totals, lengths))


def test_the_stronger_contour_vanishes_last():
    hierarchy = owt_ucm(cross())
    regions = [len(np.unique(labels)) for labels in hierarchy.label_maps([0.1, 0.5, 0.95])]
    assert regions == [4, 2, 1]
    vertical, horizontal = hierarchy.ucm2[11, 28:31].max(), hierarchy.ucm2[18:21, 11].max()
    assert vertical > 2 * horizontal > 0


def test_an_arc_is_measured_along_its_own_direction():
    """A response of the other orientation, as beside a corner, adds nothing."""
    plane = cross(vertical=0.8, horizontal=0.0)[0]
    right = np.stack([plane, 0 * plane])  # normal along the columns
    wrong = np.stack([0 * plane, plane])
    assert owt_ucm(right).ucm2.max() > 0.5
    assert owt_ucm(wrong).ucm2.max() < 0.05


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 12))
def test_contours_are_closed_and_bound_the_regions(seed, height, width):
    oriented = np.random.RandomState(seed).rand(4, height, width)
    hierarchy = owt_ucm(oriented)
    assert hierarchy.shape == (height, width)
    assert (hierarchy.ucm2[1::2, 1::2] == 0).all()
    before = None
    for threshold, labels in zip(
        levels := BoundaryProtocol(thresholds=9).levels(), hierarchy.label_maps(levels), strict=True
    ):
        beside = labels[:, 1:] != labels[:, :-1]
        np.testing.assert_array_equal(beside, hierarchy.ucm2[1::2, 2:-1:2] > threshold)
        if before is not None:  # coarser regions are unions of finer ones
            assert len(np.unique(np.stack([before.ravel(), labels.ravel()]), axis=1)[0]) == len(np.unique(before))
        before = labels


def test_edgels_lie_between_two_regions():
    labels = np.array([[0, 0, 1], [2, 2, 1]])
    edgels = find_edgels(labels)
    found = {
        (int(y), int(x)): {int(labels.flat[a]), int(labels.flat[b])} for y, x, a, b in zip(*edgels[:4], strict=True)
    }
    assert found == {(1, 4): {0, 1}, (3, 4): {1, 2}, (2, 1): {0, 2}, (2, 3): {0, 2}}
    assert edgels.arc.max() == 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 300)])
def test_any_size(shape):
    assert owt_ucm(np.full((8, *shape), 0.5)).ucm2.max() == 0
    assert watershed_regions(np.zeros(shape)).max() == 0


@pytest.mark.parametrize("wrong", [np.zeros((3, 4)), np.zeros((0, 3, 4)), np.full((2, 3, 4), np.nan)])
def test_refuses_what_is_no_contour_signal(wrong):
    with pytest.raises(ValueError, match="oriented: "):
        owt_ucm(wrong)

"""What was found in a reduced picture, at the picture's own size: lines one pixel thin, regions whole."""

import numpy as np
import pytest
from contourbench.baselines.owt_ucm import owt_ucm
from contourbench.bench.runs.enlarging import enlarged, enlarged_labels, enlarged_map, enlarged_regions
from contourbench.eval.contour_map import ContourMap
from contourbench.eval.hierarchy import Hierarchy
from contourbench.eval.sweeps import Sweep
from contourbench.eval.thinning import thin
from scipy.ndimage import label


def blobs(seed, shape=(17, 23), levels=4):
    """Irregular regions, some of them one pixel large."""
    random = np.random.RandomState(seed)
    coarse = random.randint(levels, size=(shape[0] // 3 + 1, shape[1] // 3 + 1)).repeat(3, 0).repeat(3, 1)
    regions = coarse[: shape[0], : shape[1]].copy()
    regions[5, 7] = levels
    return regions


def hierarchy(seed, shape=(17, 23)):
    return owt_ucm(np.random.RandomState(seed).uniform(0, 1, (1, *shape)).astype(np.float32))


@pytest.mark.parametrize("seed", range(5))
def test_at_its_own_size_nothing_changes(seed):
    labels, tree = blobs(seed), hierarchy(seed)
    np.testing.assert_array_equal(enlarged_labels(labels, labels.shape), labels)
    assert enlarged(tree, tree.shape) is tree


@pytest.mark.parametrize(("factor", "smallest"), [(1.3, 9), (2, 9), (2.5, 1), (5, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_no_region_gets_lost(seed, factor, smallest):
    labels = blobs(seed)
    labels[5, 7] = labels.max() if smallest == 1 else labels[5, 6]
    large = enlarged_labels(labels, tuple(int(n * factor) for n in labels.shape))
    assert set(np.unique(large)) == set(np.unique(labels))


def test_labels_weigh_by_the_b_spline():
    """The slow twin: the mean of each label's indicator, weighted by the quadratic B-spline, from its definition."""
    labels, shape = blobs(0, (7, 9)), (19, 20)

    def spline(t):
        t = abs(t)
        return 0.75 - t * t if t <= 0.5 else (1.5 - t) ** 2 / 2 if t < 1.5 else 0.0

    def along(large, small):
        weights = np.zeros((large, small))
        for i in range(large):
            place = (i + 0.5) * small / large - 0.5
            for j in range(-2, small + 2):
                weights[i, min(max(j, 0), small - 1)] += spline(place - j)
        return weights

    values = np.unique(labels)
    rows, columns = along(shape[0], labels.shape[0]), along(shape[1], labels.shape[1])
    share = np.stack([rows @ (labels == value) @ columns.T for value in values])
    found = enlarged_labels(labels, shape)
    own = np.take_along_axis(share, np.searchsorted(values, found)[np.newaxis], axis=0)[0]
    np.testing.assert_allclose(own, share.max(axis=0))


@pytest.mark.parametrize("seed", range(4))
def test_a_larger_hierarchy_has_the_same_regions_at_every_strength(seed):
    tree = hierarchy(seed)
    large = enlarged(tree, (51, 69))
    assert isinstance(large, Hierarchy)
    assert large.contour_map().max() == tree.contour_map().max()
    for threshold in (0.0, 0.4, 0.55, 0.7, 1.0):
        regions = enlarged_regions(tree, threshold, (51, 69))
        assert len(np.unique(regions)) == len(np.unique(tree.labels(threshold)))
        border = (regions[:, 1:] != regions[:, :-1]) == (large.ucm2[1::2, 2:-1:2] > threshold)
        assert border.all()
        assert ((regions[1:] != regions[:-1]) == (large.ucm2[2:-1:2, 1::2] > threshold)).all()


def test_corners_have_the_strongest_of_four_sides():
    ucm2 = enlarged(hierarchy(1), (40, 50)).ucm2
    around = np.pad(ucm2, 1)
    sides = [around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]]
    np.testing.assert_array_equal(ucm2[::2, ::2], np.max(sides, axis=0)[::2, ::2])


def circle(radius, shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return thin(abs(np.hypot(y - shape[0] // 2, x - shape[1] // 2) - radius) < 1)


def test_thin_lines_stay_thin_whole_and_as_strong():
    small = (0.25 * circle(15, (48, 64))).astype(np.float32)
    large = enlarged_map(small, (384, 512))
    assert set(np.unique(large)) == {0, 0.25}
    lines = large > 0
    assert label(lines, np.ones((3, 3)))[1] == 1
    assert np.count_nonzero(thin(lines)) > 0.9 * np.count_nonzero(lines)
    y, x = np.nonzero(lines)
    assert abs(np.hypot(y - 24.5 * 8, x - 32.5 * 8) - 15 * 8).max() < 8, "a small pixel from the circle at most"


def test_ends_crossings_and_single_pixels_are_kept():
    small = np.zeros((9, 13), np.float32)
    small[4, 2:8] = small[2:7, 5] = 0.5
    small[1, 11] = 1.0
    large = enlarged_map(small, (90, 130))
    assert np.argwhere(large == 1).tolist() == [[14, 114]]  # centres lie between two pixels, so the even one
    assert np.flatnonzero(large[44] == 0.5)[[0, -1]].tolist() == [24, 74]
    assert np.flatnonzero(large[:, 54] == 0.5)[[0, -1]].tolist() == [24, 64]


def test_of_two_lines_the_stronger_is_on_top():
    small = np.zeros((9, 9), np.float32)
    small[4], small[:, 4] = 0.2, 0.8
    assert enlarged_map(small, (36, 36))[18, 18] == np.float32(0.8)


def test_magnitudes_are_interpolated():
    smooth = np.linspace(0.1, 0.9, 12, dtype=np.float32)[np.newaxis].repeat(8, 0)
    large = enlarged_map(smooth, (32, 48))
    assert np.all(np.diff(large[10]) >= 0)
    assert (large.min(), large.max()) == (np.float32(0.1), np.float32(0.9))
    assert not enlarged_map(np.zeros((3, 4), np.float32), (6, 8)).any()


def test_sweeps_keep_their_settings():
    sweep = Sweep((blobs(0), blobs(1)), ("fine", "coarse"))
    large = enlarged(sweep, (34, 46))
    assert (large.shape, large.settings) == ((34, 46), sweep.settings)
    assert isinstance(enlarged(ContourMap(np.zeros((3, 4))), (6, 8)), ContourMap)


def test_regions_are_numbered_without_gaps_though_one_gets_lost():
    labels = np.zeros((9, 11), int)
    labels[4, 5], labels[6:] = 1, 2
    ucm2 = np.zeros((19, 23), np.float32)
    for axis in (0, 1):
        there = np.argwhere(np.diff(labels, axis=axis))
        ucm2[tuple((2 * there + (np.arange(2) == axis) + 1).T)] = 0.5
    around = np.pad(ucm2, 1)
    ucm2[::2, ::2] = np.max([around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]], axis=0)[
        ::2, ::2
    ]
    assert np.unique(enlarged_regions(Hierarchy(ucm2), 0.3, (9, 11))).tolist() == [0, 1, 2]
    assert np.unique(enlarged_regions(Hierarchy(ucm2), 0.3, (18, 22))).tolist() == [0, 1]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_the_smallest_pictures(shape):
    tree = owt_ucm(np.zeros((1, *shape), np.float32))
    wide = tuple(3 * n for n in shape)
    assert enlarged(tree, wide).shape == wide
    assert not enlarged_regions(tree, 0.5, wide).any()
    assert enlarged_map(np.ones(shape, np.float32), wide).shape == wide

from itertools import combinations

import numpy as np
import pytest
from contourbench.eval import (
    BoundaryProtocol,
    Hierarchy,
    Sweep,
    label_boundaries,
    mean_boundaries,
    score_hierarchy,
    score_sweep,
    summarize_regions,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import label

MEASURES = ("covered_r", "covered_p", "rand", "information", "best_r")
LABELS = arrays(np.int64, (4, 5), elements=st.integers(0, 3))


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def naive_covering(covering, covered):
    """Sum over the regions of ``covered`` of area times best overlap with a region of any map in ``covering``."""
    masks = [labels == value for labels in covering for value in np.unique(labels)]
    return sum(
        (covered == value).sum() * max(overlap(covered == value, mask) for mask in masks)
        for value in np.unique(covered)
    )


def naive_rand(a, b):
    pairs = list(combinations(range(a.size), 2))
    a, b = a.ravel(), b.ravel()
    return np.mean([(a[i] == a[j]) == (b[i] == b[j]) for i, j in pairs])


def naive_information(a, b):
    def entropy(*labels):
        _, counts = np.unique(np.stack([x.ravel() for x in labels]), axis=1, return_counts=True)
        return -np.sum(counts / a.size * np.log2(counts / a.size))

    return 2 * entropy(a, b) - entropy(a) - entropy(b)


@given(st.lists(LABELS, min_size=1, max_size=3), st.lists(LABELS, min_size=1, max_size=3))
def test_by_the_definitions(sweep, truth):
    scores = score_sweep(sweep, truth)
    for k, labels in enumerate(sweep):
        assert scores.covered_r[k] == pytest.approx(sum(naive_covering([labels], layer) for layer in truth))
        assert scores.covered_p[k] == pytest.approx(naive_covering(truth, labels))
        assert scores.rand[k] == pytest.approx(np.mean([naive_rand(labels, layer) for layer in truth]))
        assert scores.information[k] == pytest.approx(np.mean([naive_information(labels, t) for t in truth]), abs=1e-9)
    assert scores.best_r >= scores.covered_r.max() - 1e-9
    assert (scores.area_r, scores.area_p) == (20 * len(truth), 20)


@given(st.lists(LABELS, min_size=1, max_size=3))
def test_names_of_labels_do_not_matter(truth):
    renamed = [np.array([7, -3, 1000, 5])[labels] for labels in truth]
    ours, theirs = score_sweep(truth, truth), score_sweep(renamed, renamed)
    for name in MEASURES:
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-9)


@given(arrays(np.int64, (7, 9), elements=st.integers(0, 4)), st.integers(1, 6))
def test_hierarchies_are_components_at_every_threshold(levels, n_thresholds):
    hierarchy = Hierarchy(levels / 4)
    thresholds = BoundaryProtocol(thresholds=n_thresholds).levels()
    for threshold, labels in zip(thresholds, hierarchy.label_maps(thresholds), strict=True):
        components = label(hierarchy.ucm2 <= threshold, np.ones((3, 3)))[0]
        alone = components == 0  # cells on a contour are regions of their own
        components[alone] = components.max() + 1 + np.arange(alone.sum())
        components = components[1::2, 1::2]
        pairs = np.unique(np.stack([labels.ravel(), components.ravel()]), axis=1)
        assert pairs.shape[1] == len(np.unique(labels)) == len(np.unique(components))


def test_a_hierarchy_scores_as_the_sweep_of_its_regions(random):
    protocol = BoundaryProtocol(thresholds=7)
    hierarchy = Hierarchy(np.maximum(random.rand(21, 31) - 0.2, 0))
    truth = [random.randint(0, 3, (10, 15)) for _ in range(3)]
    ours = score_hierarchy(hierarchy, truth, protocol)
    sweep = score_sweep(list(hierarchy.label_maps(protocol.levels())), truth)
    for name in MEASURES:
        np.testing.assert_allclose(getattr(ours, name), getattr(sweep, name), err_msg=name)
    np.testing.assert_array_equal(ours.thresholds, protocol.levels())


def test_summary_pools_areas_and_averages_the_rest():
    halves, whole = np.array([[0, 0, 1, 1]]), np.zeros((1, 4), int)
    first, second = score_sweep([halves, whole], [halves]), score_sweep([halves, whole], [whole, whole])
    summary = summarize_regions({"a": first, "b": second})
    assert summary.covering == (pytest.approx((2 + 8) / 12), 2.0, 1.0)  # one setting for both; each image its own
    assert summary.covering_best == 1
    assert summary.pri == (pytest.approx(2 / 3), 1.0, 1.0)
    assert summary.vi == (0.5, 1.0, 0.0)


@pytest.mark.parametrize(
    ("shape", "labels"), [((1, 1), 0), ((1, 6), 3), ((3, 4), 0)], ids=["one pixel", "one row", "one region"]
)
def test_degenerate(shape, labels):
    same = np.full(shape, labels)
    scores = score_sweep([same], [same])
    assert (scores.covered_r[0], scores.rand[0], scores.information[0]) == (same.size, 1, 0)


def test_wrong_input_is_named():
    good = np.zeros((4, 6), int)
    with pytest.raises(ValueError, match=r"segmentations\[0\]: size 6x4 .* ground_truth is 4x6 .*transposed"):
        score_sweep([good.T], [good])
    with pytest.raises(ValueError, match="no annotators"):
        score_sweep([good], [])
    with pytest.raises(ValueError, match="none given"):
        score_sweep([], [good])
    with pytest.raises(ValueError, match=r"ground_truth\[1\]: size"):
        score_sweep([good], [good, good[:2]])
    with pytest.raises(ValueError, match=r"ucm2 \(at image size\): size 4x4"):
        score_hierarchy(Hierarchy(np.zeros((9, 9))), [good])
    with pytest.raises(ValueError, match="thresholds differ"):
        summarize_regions([score_sweep([good], [good]), score_sweep([good, good], [good])])


def test_mean_boundaries(random):
    sweep = Sweep(tuple(random.randint(0, 2, (5, 6)) for _ in range(4)))
    expected = sum(label_boundaries(labels).astype(float) for labels in sweep.segmentations) / 4
    np.testing.assert_allclose(mean_boundaries(sweep), expected)
    with pytest.raises(ValueError, match="no segmentations"):
        mean_boundaries(Sweep(()))

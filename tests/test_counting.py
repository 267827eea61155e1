import naive
import numpy as np
import pytest
from contourbench.eval import (
    BoundaryCounts,
    BoundaryProtocol,
    correspond_pixels,
    count_map,
    count_segmentations,
    label_boundaries,
    thin,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays


def count_by_definition(contour_map, ground_truth, protocol):
    """From scratch at every threshold and for every annotator, with the public functions alone."""
    rows = []
    for level in protocol.levels():
        mask = contour_map >= level
        mask = thin(mask) if protocol.thin else mask
        hit, cnt_r = np.zeros(mask.shape, bool), 0
        for layer in ground_truth:
            match_pred, match_gt = correspond_pixels(mask, layer, protocol.max_dist)
            hit |= match_pred >= 0
            cnt_r += (match_gt >= 0).sum()
        rows.append((cnt_r, ground_truth.sum(), hit.sum(), mask.sum()))
    return BoundaryCounts(*np.array(rows).T, protocol.levels())


@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 16), st.integers(1, 16)),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from([4, 255, 10**6]),
)
@settings(max_examples=60)
def test_walking_down_equals_starting_anew(seed, shape, annotators, thinning, n_values):
    random = np.random.RandomState(seed)
    contour_map = np.rint(random.rand(*shape) * n_values) / n_values
    ground_truth = random.rand(annotators, *shape) > random.rand()
    protocol = BoundaryProtocol(thresholds=9, max_dist=0.12, thin=thinning)
    assert count_map(contour_map, ground_truth, protocol) == count_by_definition(contour_map, ground_truth, protocol)


def test_walking_down_equals_starting_anew_on_a_scene():
    from contourbench.baselines import canny, sobel
    from contourbench.bench.datasets.scenes import render_scene

    scene = render_scene(5)
    for contour_map in (sobel(scene.image), canny(scene.image)):
        counts = count_map(contour_map, scene.ground_truth)
        assert counts == count_by_definition(contour_map, scene.ground_truth, BoundaryProtocol())


def test_eight_bit_levels_are_compared_exactly():
    """51/255 >= 0.2 holds in float64."""
    protocol = BoundaryProtocol(thresholds=4)
    one = np.full((1, 1), 51) / 255
    assert count_map(one, np.ones((1, 1, 1), bool), protocol).sum_p.tolist() == [1, 0, 0, 0]


def test_annotators_add_up():
    """Recall sums over annotators; a prediction counts once however many annotators it matches."""
    contour_map = np.zeros((8, 8))
    contour_map[:, 3] = 0.8
    truth = np.zeros((3, 8, 8), bool)
    truth[0, :, 3] = truth[1, :, 3] = True
    truth[2, :, 7] = True
    counts = count_map(contour_map, truth, BoundaryProtocol(thresholds=1, max_dist=0.01))
    assert counts == BoundaryCounts([16], [24], [8], [8], [0.5])


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (7, 5)])
def test_degenerate_shapes(shape):
    full, empty = np.ones(shape), np.zeros((1, *shape), bool)
    counts = count_map(full, empty)
    assert counts.cnt_r.sum() == counts.sum_r.sum() == counts.cnt_p.sum() == 0
    assert (counts.sum_p >= 1).all()
    counts = count_map(np.zeros(shape), ~empty)
    assert counts.sum_p.sum() == counts.cnt_r.sum() == 0


def test_hostile_maps_are_bounded():
    """All ones, checkerboard and noise, unthinned and thinned, against dense ground truth."""
    random = np.random.RandomState(0)
    truth = random.rand(2, 60, 60) > 0.5
    checkerboard = np.indices((60, 60)).sum(axis=0) % 2
    for contour_map in (np.ones((60, 60)), checkerboard.astype(float), random.rand(60, 60)):
        for thinning in (False, True):
            count_map(contour_map, truth, BoundaryProtocol(thresholds=9, max_dist=0.05, thin=thinning))


def test_a_million_edge_pixels():
    """Half of two million pixels predicted, one per cent true, a tolerance of 17 pixels."""
    random = np.random.RandomState(0)
    contour_map = (random.rand(1000, 2000) < 0.5).astype(float)
    counts = count_map(contour_map, random.rand(1, 1000, 2000) < 0.01, BoundaryProtocol(thin=False))
    assert (counts.sum_p == contour_map.sum()).all()
    assert (counts.cnt_r == counts.sum_r).all()


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(0, 3)))
def test_label_boundaries_equal_naive_twin(labels):
    np.testing.assert_array_equal(label_boundaries(labels), naive.boundaries(labels))


def test_segmentations_are_their_boundaries(random):
    labels = [np.kron(random.randint(0, 3, (4, 6)), np.ones((5, 5), int)) for _ in range(3)]
    truth = np.stack([label_boundaries(labels[0])])
    counts = count_segmentations(labels, truth)
    assert counts.thresholds.tolist() == [1, 2, 3]
    for k, layer in enumerate(labels):
        one = count_map(label_boundaries(layer).astype(float), truth, BoundaryProtocol(thresholds=1))
        assert counts.at(k).cnt_p == one.cnt_p
        assert counts.at(k).cnt_r == one.cnt_r


def test_pooling():
    a = BoundaryCounts([1, 0], [2, 2], [1, 0], [3, 0], [0.3, 0.6])
    assert a + a == BoundaryCounts([2, 0], [4, 4], [2, 0], [6, 0], [0.3, 0.6])
    with pytest.raises(ValueError, match="cannot be pooled"):
        a + BoundaryCounts([1], [2], [1], [3], [0.5])
    with pytest.raises(ValueError, match="more matched than there are"):
        BoundaryCounts([3], [2], [1], [3], [0.5])


def test_input_is_unchanged(random):
    contour_map, truth = random.rand(20, 20), random.rand(2, 20, 20) > 0.7
    before = contour_map.copy(), truth.copy()
    count_map(contour_map, truth)
    np.testing.assert_array_equal(contour_map, before[0])
    np.testing.assert_array_equal(truth, before[1])


@pytest.mark.parametrize(
    ("contour_map", "ground_truth", "message"),
    [
        (np.full((4, 4), np.nan), np.ones((1, 4, 4)), "NaN"),
        (np.full((4, 4), 255.0), np.ones((1, 4, 4)), "divide by 255"),
        (np.full((4, 4), -2.0), np.ones((1, 4, 4)), "sigmoid"),
        (np.full((4, 4), 255, np.uint8), np.ones((1, 4, 4)), "dtype uint8"),
        (np.zeros((4, 6)), np.ones((1, 6, 4)), "transposed"),
        (np.zeros((8, 8)), np.ones((1, 5, 6)), "padded"),
        (np.zeros((50, 50)), np.ones((1, 200, 200)), "resized by 0.25"),
        (np.zeros((4, 4, 3)), np.ones((1, 4, 4)), "colour image"),
        (np.zeros((4, 4)), np.ones((0, 4, 4)), "no annotators"),
        (np.zeros((0, 4)), np.ones((1, 0, 4)), "no pixels"),
        (np.zeros((4, 4)), np.full((1, 4, 4), 255), "values other than 0 and 1"),
    ],
)
def test_refusals(contour_map, ground_truth, message):
    with pytest.raises(ValueError, match=message):
        count_map(contour_map, ground_truth)


@pytest.mark.parametrize("values", [{"thresholds": 0}, {"thresholds": 9.0}, {"max_dist": 0}, {"max_dist": 4.3}])
def test_protocol_refusals(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        BoundaryProtocol(**values)


def test_thresholds_are_the_benchmarks():
    np.testing.assert_allclose(BoundaryProtocol().levels(), np.arange(1, 100) / 100)
    assert BoundaryProtocol().tolerance((321, 481)) == pytest.approx(4.337, abs=5e-4)


@pytest.mark.parametrize("odd", [0.75, np.nan, np.inf, 1e300])
@pytest.mark.parametrize("name", ["cnt_r", "sum_r", "cnt_p", "sum_p"])
def test_fractions_are_no_counts(name, odd):
    given = {"cnt_r": [1.0], "sum_r": [9.0], "cnt_p": [1.0], "sum_p": [9.0], "thresholds": [0.5]}
    assert BoundaryCounts(**given).cnt_r.dtype == np.int64
    with pytest.raises(ValueError, match=f"counts: {name} of .*, expected whole numbers"):
        BoundaryCounts(**{**given, name: [odd]})

"""Hierarchies of regions against higra, an independent library of hierarchical graph analysis.

Perret, Chierchia, Cousty, Guimaraes, Kenmochi & Najman, "Higra: hierarchical graph analysis", SoftwareX 2019.
"""

import numpy as np
import pytest
from contourbench.baselines import owt_ucm
from contourbench.baselines.owt_ucm import edgel_strength, find_edgels, join_regions, watershed_regions
from contourbench.eval import BoundaryProtocol, Hierarchy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

hg = pytest.importorskip("higra", reason="higra is not installed: pip install higra")

LEVELS = BoundaryProtocol(thresholds=19).levels()


def contours(seed, shape=(24, 31), orientations=4):
    """Smooth random contours in [0, 1], so that arcs are longer than a pixel."""
    noise = np.random.RandomState(seed).rand(orientations, *shape)
    smooth = gaussian_filter(noise, (0, 1.5, 1.5))
    return (smooth - smooth.min()) / np.ptp(smooth)


def between_pixels(ucm2):
    """Return the graph of neighbouring pixels, and the contour between every two of them."""
    return hg.khalimsky_2_graph_4_adjacency(ucm2[1:-1, 1:-1].astype(np.float64))


def same_partition(a, b):
    pairs = np.unique(np.stack([np.ravel(a), np.ravel(b)]), axis=1)
    return pairs.shape[1] == len(np.unique(a)) == len(np.unique(b))


@given(st.integers(0, 10_000))
def test_joining_is_average_linkage(seed):
    random = np.random.RandomState(seed)
    n = random.randint(2, 30)
    pairs = [(i, i + 1) for i in range(n - 1)]
    pairs += [(i, j) for i in range(n) for j in range(i + 2, n) if random.rand() < 0.2]
    lengths = random.randint(1, 9, len(pairs)).astype(float)
    means = random.rand(len(pairs))
    graph = hg.UndirectedGraph(n)
    graph.add_edges(*np.array(pairs).T)
    tree, altitudes = hg.binary_partition_tree_average_linkage(graph, means, lengths)
    np.testing.assert_allclose(join_regions(np.array(pairs), means * lengths, lengths), hg.saliency(tree, altitudes))


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_owt_ucm_is_average_linkage_of_the_arcs(seed):
    """From the watershed's regions and the signal at their edgels on, all is higra's."""
    oriented = contours(seed)
    labels = watershed_regions(oriented.max(axis=0))
    edgels = find_edgels(labels)
    signal = np.zeros((2 * labels.shape[0] + 1, 2 * labels.shape[1] + 1))
    signal[edgels.y, edgels.x] = edgel_strength(oriented, edgels)
    graph, weights = between_pixels(signal)
    rag = hg.make_region_adjacency_graph_from_labelisation(graph, labels)
    means = hg.rag_accumulate_on_edges(rag, hg.Accumulators.mean, weights)
    lengths = hg.rag_accumulate_on_edges(rag, hg.Accumulators.sum, np.ones_like(weights))
    expected = hg.saliency(*hg.binary_partition_tree_average_linkage(rag, means, lengths))  # between pixels
    np.testing.assert_allclose(between_pixels(owt_ucm(oriented).ucm2)[1], expected, atol=1e-6)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_the_map_is_an_ultrametric(seed):
    """Equal to what its own flat zones give back: at every threshold all contours are closed."""
    graph, weights = between_pixels(owt_ucm(contours(seed)).ucm2)
    np.testing.assert_array_equal(hg.saliency(*hg.quasi_flat_zone_hierarchy(graph, weights)), weights)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.booleans())
def test_regions_at_every_threshold_are_the_flat_zones(seed, closed):
    """Of ultrametric maps, and of any others, whose open contours bound nothing."""
    random = np.random.RandomState(seed)
    if closed:
        hierarchy = owt_ucm(contours(seed))
    else:  # corners below all edges leak to the diagonal neighbour: they are no lower than the edges around them here
        ucm2 = np.ones((13, 15))
        ucm2[1::2, 1::2] = 0
        ucm2[1::2, 2:-1:2], ucm2[2:-1:2, 1::2] = random.rand(6, 6), random.rand(5, 7)
        hierarchy = Hierarchy(ucm2)
    graph, weights = between_pixels(hierarchy.ucm2)
    tree, altitudes = hg.quasi_flat_zone_hierarchy(graph, weights)
    for level, labels in zip(LEVELS, hierarchy.label_maps(LEVELS), strict=True):
        expected = hg.labelisation_horizontal_cut_from_threshold(tree, altitudes, level)
        assert same_partition(labels, expected)

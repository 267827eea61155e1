import numpy as np
import pytest
from contourbench.baselines import ncut_spectrum
from contourbench.baselines.ncut import REGIONS, contour_graph, ncut, ncut_gradient, ncut_soft
from contourbench.baselines.ncut_discretisation import discretise, enlarged_labels
from contourbench.baselines.ncut_graph import LEAST_LINK, contour_affinity, multiscale_graph
from contourbench.baselines.ncut_spectrum import constrained_problem, constraint_rows, cut_spectrum
from contourbench.eval import mean_boundaries
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence
from skimage.transform import resize

DETECTORS = [ncut_soft, ncut_gradient]
every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda f: f.__name__)


def noise(shape, seed=0):
    return np.random.RandomState(seed).randint(0, 256, (*shape, 3)).astype(np.uint8)


def two_halves():
    image = np.full((20, 30, 3), 60, np.uint8)
    image[:, 15:] = (200, 180, 60)
    return image


@pytest.fixture
def graph(random):
    """17 x 24 nodes: all three grids, the last blocks of either axis incomplete, and enough for ARPACK."""
    return multiscale_graph(random.rand(34, 48) * 0.1, side=24, scale=0.1)


def naive_affinity(edges, rows, cols, radius, scale):
    """Node by node, link by link, pixel by pixel."""
    nodes = [(y, x) for y in range(len(rows)) for x in range(len(cols))]
    weights = np.zeros((len(nodes), len(nodes)))
    for a, (i, j) in enumerate(nodes):
        for b, (k, m) in enumerate(nodes):
            if a < b and np.hypot(i - k, j - m) <= radius:
                d_y, d_x = rows[k] - rows[i], cols[m] - cols[j]
                steps = max(1, int(np.ceil(max(abs(d_y), abs(d_x)))))
                line = [(rows[i] + d_y * t / steps + 0.5, cols[j] + d_x * t / steps + 0.5) for t in range(steps + 1)]
                crossed = max(edges[int(y), int(x)] for y, x in line)
                link = np.exp(-((crossed / scale) ** 2)) + (LEAST_LINK if abs(i - k) + abs(j - m) == 1 else 0)
                weights[a, b] = weights[b, a] = link
    return weights


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 2, 3.5]))
def test_affinity_is_the_definition(seed, h, w, radius):
    random = np.random.RandomState(seed)
    edges = random.rand(13, 11) * (random.rand(13, 11) < 0.3)
    rows, cols = np.sort(random.rand(h)) * 12, np.sort(random.rand(w)) * 10
    fast = contour_affinity(edges, rows, cols, radius, 0.4)
    np.testing.assert_allclose(fast.toarray(), naive_affinity(edges, rows, cols, radius, 0.4), rtol=1e-12)


def test_a_contour_between_two_nodes_weakens_their_link():
    edges = np.zeros((1, 9))
    edges[0, 4] = 0.3
    links = contour_affinity(edges, np.zeros(1), np.array([0.0, 3, 6, 8]), 1, 0.3).toarray()
    assert links[0, 1] == links[2, 3] == 1 + LEAST_LINK
    assert links[1, 2] == pytest.approx(np.exp(-1) + LEAST_LINK)


def test_coarse_variables_are_the_means_of_their_blocks(graph):
    assert [links.shape[0] for links in graph.affinities] == [17 * 24, 6 * 8, 2 * 3]
    x = np.arange(17 * 24.0).reshape(17, 24)
    means = [[x[i : i + 3, j : j + 3].mean() for j in range(0, 24, 3)] for i in range(0, 17, 3)]
    np.testing.assert_allclose(graph.means[0] @ x.ravel(), np.ravel(means))
    for links in graph.affinities:
        assert links.diagonal().sum() == 0
        assert abs(links - links.T).max() == 0


def test_constrained_problem_is_that_of_all_grids_restricted(graph):
    """Against the definition: the cut over all variables, on a dense basis of the null space of the constraint."""
    full = sparse.block_diag(graph.affinities).toarray()
    prolong = np.vstack([np.eye(17 * 24), graph.means[0].toarray(), (graph.means[1] @ graph.means[0]).toarray()])
    affinity, mass = constrained_problem(graph)
    assert abs(constraint_rows(graph) @ prolong).max() < 1e-12
    np.testing.assert_allclose(affinity.toarray(), prolong.T @ full @ prolong, atol=1e-12)
    np.testing.assert_allclose(mass.toarray(), prolong.T @ np.diag(full.sum(1)) @ prolong, atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-6), (np.float32, 1e-4)])
def test_iterated_eigenvectors_solve_the_constrained_problem(graph, dtype, tolerance, monkeypatch):
    monkeypatch.setattr(ncut_spectrum, "TOLERANCE", 0)
    monkeypatch.setattr(ncut_spectrum, "MAX_RESTARTS", 1000)
    monkeypatch.setattr(ncut_spectrum, "_dense", None)
    values, vectors = cut_spectrum(graph, 9, dtype)
    affinity, mass = (m.toarray() for m in constrained_problem(graph))
    np.testing.assert_allclose(values, eigh(affinity, mass, eigvals_only=True)[:-10:-1], atol=tolerance)
    np.testing.assert_allclose(affinity @ vectors, mass @ vectors * values, atol=30 * tolerance)
    np.testing.assert_allclose(vectors.T @ mass @ vectors, np.eye(9), atol=10 * tolerance)
    assert np.ptp(vectors[:, 0]) < 10 * tolerance


def test_dense_and_iterated_eigenvectors_are_the_same(graph, monkeypatch):
    iterated = cut_spectrum(graph, 9, np.float64)
    monkeypatch.setattr(ncut_spectrum, "DENSE_NODES", 10**6)
    dense = cut_spectrum(graph, 9, np.float64)
    np.testing.assert_allclose(iterated.values, dense.values, atol=1e-5)
    np.testing.assert_allclose(iterated.vectors[:, :4], dense.vectors[:, :4], atol=1e-3)


@pytest.mark.parametrize("found", [0, 4])
def test_what_has_converged_serves_when_the_rest_has_not(graph, monkeypatch, found):
    whole = ncut_spectrum.eigsh

    def stopped(operator, k, **options):
        if found == 0:
            raise ArpackError(-9999)
        raise ArpackNoConvergence("%s", *whole(operator, found, **{**options, "ncv": 60}))

    monkeypatch.setattr(ncut_spectrum, "eigsh", stopped)
    values, vectors = cut_spectrum(graph, 9, np.float64)
    assert vectors.shape == (17 * 24, max(found, 1))
    assert values[0] == pytest.approx(1)
    assert np.ptp(vectors[:, 0]) < 1e-6


def test_discretisation_recovers_a_perfect_partition(random):
    labels = random.randint(0, 7, 200)
    rotation = np.linalg.qr(random.randn(7, 7))[0]
    vectors = np.eye(7)[labels] @ rotation * random.uniform(0.1, 9, (200, 1))
    found = discretise(vectors)
    winners = found.argmax(axis=1)
    np.testing.assert_allclose(found.max(axis=1), 1, atol=1e-5)
    assert len(set(zip(winners, labels, strict=True))) == len(set(winners)) == len(set(labels)) == 7


def test_labels_are_enlarged_between_the_nodes():
    scores = np.array([[1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]], np.float32)
    np.testing.assert_array_equal(enlarged_labels(scores, (2, 2), (3, 6)), [[0, 0, 0, 1, 1, 1]] * 3)
    np.testing.assert_array_equal(enlarged_labels(scores, (2, 2), (2, 2)), [[0, 1]] * 2)


def test_enlarged_labels_are_those_of_enlarged_scores(random):
    scores = random.rand(3, 4, 5).astype(np.float32)
    expected = resize(scores, (16, 31, 5), order=1, mode="edge", clip=False).argmax(axis=2)
    found = enlarged_labels(scores.reshape(12, 5), (3, 4), (16, 31))
    np.testing.assert_array_equal(found, expected)


def test_two_halves_are_two_clusters():
    labels = ncut(two_halves()).segmentations[0]
    expected = np.repeat([[False] * 15 + [True] * 15], 20, axis=0)
    assert (labels[:, :14] == labels[0, 0]).all()
    assert (labels[:, 16:] == labels[0, 29]).all()
    assert min(np.mean((labels == 1) != expected), np.mean((labels == 0) != expected)) < 0.04


def test_settings_and_number_of_clusters():
    sweep = ncut(noise((60, 80)), side=36)
    assert sweep.settings == ("2", "3", "5", "10", "15", "20", "25", "30", "35", "40", "50", "65", "90", "200", "300")
    for labels, k in zip(sweep.segmentations, REGIONS, strict=True):
        assert labels.shape == (60, 80)
        assert labels.dtype == np.int32
        assert 0.7 * k <= len(np.unique(labels)) == labels.max() + 1 <= k


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 5), (5, 1), (3, 3), (4, 4), (9, 12), (2, 3000), (17, 23)])
@pytest.mark.parametrize("kind", ["noise", "constant", "grey"])
def test_any_image(shape, kind):
    image = noise(shape)
    if kind == "constant":
        image[:] = 77
    if kind == "grey":
        image[:] = image[:, :, :1]
    before = image.copy()
    sweep = ncut(image)
    for labels, k in zip(sweep.segmentations, REGIONS, strict=True):
        assert labels.shape == shape
        np.testing.assert_array_equal(np.unique(labels), np.arange(labels.max() + 1))
        assert labels.max() < min(k, image[:, :, 0].size)
    gradient = ncut_gradient(image)
    assert gradient.shape == shape
    assert gradient.dtype == np.float32
    assert 0 <= gradient.min() <= gradient.max() <= 1
    np.testing.assert_array_equal(image, before)


def test_the_same_eigenvectors_every_time(graph):
    np.testing.assert_array_equal(cut_spectrum(graph, 9).vectors, cut_spectrum(graph, 9).vectors)


def test_the_same_every_time():
    image = noise((30, 40), seed=3)
    once, again = ncut(image, side=32), ncut(image, side=32)
    for a, b in zip(once.segmentations, again.segmentations, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(ncut_soft(image, side=32), mean_boundaries(once))


def test_gradient_is_strongest_between_the_halves():
    response = ncut_gradient(two_halves(), vectors=1)
    assert (response[:, 13:17].max(axis=1) > 3 * np.delete(response, [12, 13, 14, 15, 16, 17], axis=1).max()).all()
    assert (np.diff(np.sort(response[:, 13:17], axis=0)[[0, -1]], axis=0) < 0.2).all()


@every_detector
def test_refuses_what_is_not_an_rgb_image(detector):
    for wrong in (np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3))):
        with pytest.raises(ValueError, match="expected \\(H, W, 3\\) RGB uint8"):
            detector(wrong)


@pytest.mark.parametrize(
    ("detector", "params", "message"),
    [
        (ncut, {"sigma": -1.0}, "sigma: -1"),
        (ncut_soft, {"scale": 0.0}, "scale: 0"),
        (ncut, {"side": 0}, "side: 0"),
        (ncut_gradient, {"vectors": 0}, "vectors: 0"),
    ],
)
def test_parameter_refusals(detector, params, message):
    with pytest.raises(ValueError, match=message):
        detector(noise((5, 6)), **params)


def test_no_link_slips_through_a_slanted_contour():
    image = np.zeros((45, 45, 3), np.uint8)
    distance = np.subtract.outer(np.arange(45), 0.6 * np.arange(45)) - 9
    image[distance > 0] = 255
    coarse = contour_graph(image, 2.0, 0.08, 45).affinities[1].tocoo()
    distance = distance[1::3, 1::3].ravel()
    across = (distance[coarse.row] > 3) & (distance[coarse.col] < -3)
    assert across.sum() > 20
    assert coarse.data[across].max() < 1e-3

import numpy as np
import pytest
from contourbench.baselines import pmi_spectrum
from contourbench.baselines.grid_graph import half_stencil, link_matrix, starts
from contourbench.baselines.pmi import (
    FULL_RESPONSE,
    PmiConfig,
    fade_border,
    feature_contour,
    pmi,
    pmi_contour,
    pmi_oriented,
    pmi_ucm,
)
from contourbench.baselines.pmi_density import (
    LEAST_DENSITY,
    PairDensity,
    colour_features,
    kernel_density,
    learn_density,
    likeliest_bandwidth,
    log_mutual_information,
    principal_axes,
    sample_pairs,
    unit_range,
    variance_features,
)
from contourbench.baselines.pmi_spectrum import (
    LaplacianSpectrum,
    cut_eigenvectors,
    gaussian_gradient,
    spectral_contour,
)
from contourbench.eval.oriented import thin_oriented
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eigh
from skimage.transform import resize

QUICK = {"vectors": 8, "kernels": 500}
QUICKLY = PmiConfig(**QUICK)


def noise(shape, seed=0):
    return np.random.RandomState(seed).randint(0, 256, (*shape, 3)).astype(np.uint8)


def two_textures(shape=(40, 48), seed=0):
    """Red stripes and specks left, green ones right: within a side, neighbours differ more than across the border."""
    random = np.random.RandomState(seed)
    image = np.zeros((*shape, 3), np.int64)
    left, right = np.s_[:, : shape[1] // 2], np.s_[:, shape[1] // 2 :]
    image[left] = np.where(random.rand(*image[left].shape[:2], 1) < 0.5, (150, 40, 40), (110, 80, 40))
    image[right] = np.where(random.rand(*image[right].shape[:2], 1) < 0.5, (40, 130, 60), (80, 90, 100))
    return np.clip(image + random.randint(-4, 5, image.shape), 0, 255).astype(np.uint8)


def naive_density(query, samples, bandwidth):
    """One query, sample by sample, channel by channel."""
    total = 0.0
    for sample in samples:
        product = 1.0
        for x, s, h in zip(query, sample, bandwidth, strict=True):
            u = (float(x) - float(s)) / float(h)
            product *= 0.75 / float(h) * max(0.0, 1 - u * u)
        total += product
    return total / len(samples)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 90), st.integers(1, 9), st.integers(1, 6))
def test_kernel_density_is_the_definition(seed, n, m, channels):
    random = np.random.RandomState(seed)
    queries, samples = random.rand(n, channels).astype(np.float32), random.rand(m, channels).astype(np.float32)
    bandwidth = (0.2 + 0.5 * random.rand(channels)).astype(np.float32)
    expected = [naive_density(query, samples, bandwidth) for query in queries]
    np.testing.assert_allclose(kernel_density(queries, samples, bandwidth), expected, rtol=1e-4, atol=1e-4)


def naive_information(features, pairs, bandwidth, steps, rho):
    """Pixel by pixel, neighbour by neighbour; every pair is a kernel in both orders."""
    h, w, _ = features.shape
    ordered = [np.concatenate(pair) for pair in pairs] + [np.concatenate(pair[::-1]) for pair in pairs]
    singles = [end for pair in pairs for end in pair]
    out = np.full((len(steps), h, w), -np.inf)
    for i, (down, across) in enumerate(steps):
        for y in range(h):
            for x in range(w):
                if y + down < h and 0 <= x + across < w:
                    a, b = features[y, x], features[y + down, x + across]
                    both = naive_density(np.concatenate([a, b]), ordered, [*bandwidth, *bandwidth])
                    alone = naive_density(a, singles, bandwidth) * naive_density(b, singles, bandwidth)
                    out[i, y, x] = np.log((both + LEAST_DENSITY) ** rho / (alone + LEAST_DENSITY))
    return out


@pytest.mark.parametrize("shape", [(6, 5), (1, 7), (7, 1), (1, 1)])
def test_information_is_the_definition(random, shape):
    features = random.rand(*shape, 2).astype(np.float32)
    density = PairDensity(random.rand(40, 2, 2).astype(np.float32), np.array([0.2, 0.4], np.float32))
    steps = half_stencil(2)
    found = log_mutual_information(features, density, steps, rho=1.25)
    np.testing.assert_allclose(found, naive_information(features, *density, steps, 1.25), rtol=1e-4, atol=1e-5)


def test_what_occurs_together_has_more_information_than_what_does_not():
    halves = np.zeros((20, 20, 1), np.float32)
    halves[:, 10:] = 1
    density = learn_density(halves, 200, 0.05, np.random.RandomState(0))
    assert density.pairs.shape[1:] == (2, 1)
    along = log_mutual_information(halves, density, [(0, 1)])[0]
    assert np.isneginf(along[:, -1]).all()
    assert (along[:, 9] < along[:, :9].min()).all()
    assert (along[:, 9] < along[:, 10:19].min()).all()


def test_pairs_are_opposite_neighbours_within_reach():
    where = np.stack(np.meshgrid(np.arange(30), np.arange(25), indexing="ij"), axis=2).astype(np.float32)
    pairs = sample_pairs(where, 10_000, np.random.RandomState(0))
    assert 400 < len(pairs) < 750  # those at the border are dropped
    distance = np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=1)
    assert distance.min() >= 2
    assert distance.max() <= np.hypot(4, 4) + 2
    assert 2.7 < distance.mean() < 3.9
    middle = pairs.mean(axis=1)
    assert np.abs(middle - np.rint(middle)).max() <= 0.5


def test_where_no_pair_fits_a_pixel_is_its_own_partner():
    features = np.arange(2, dtype=np.float32).reshape(1, 2, 1)
    pairs = sample_pairs(features, 10, np.random.RandomState(0))
    assert sorted(pairs.reshape(2, 2).tolist()) == [[0, 0], [1, 1]]


def test_bandwidth_follows_the_spread(random):
    tight = np.repeat(random.rand(4, 1, 2), 2, axis=1)[random.randint(0, 4, 300)] + 0.004 * random.randn(300, 2, 2)
    broad = random.rand(300, 2, 2)
    fitted = [likeliest_bandwidth(x[:200].astype(np.float32), x[200:].astype(np.float32)) for x in (tight, broad)]
    assert fitted[0].max() < 0.02
    assert fitted[1].min() > 0.05


def test_principal_axes_keep_distances_and_decorrelate(random):
    planes = random.rand(9, 8, 3) @ random.rand(3, 3)
    rotated = principal_axes(planes).reshape(-1, 3)
    covariance = np.cov(rotated.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-12)
    assert np.diag(covariance)[0] >= np.diag(covariance)[1] >= np.diag(covariance)[2]
    flat = planes.reshape(-1, 3)
    np.testing.assert_allclose(np.linalg.norm(rotated[0] - rotated[5]), np.linalg.norm(flat[0] - flat[5]))


def test_features_span_the_unit_range():
    for features in (colour_features(noise((20, 16)), (10, 8)), variance_features(two_textures(), (20, 24))):
        assert features.dtype == np.float32
        assert (features.min(), features.max()) == (0, 1)
    assert colour_features(noise((20, 16)), (10, 8)).shape == (10, 8, 3)
    assert (unit_range(np.full((3, 3, 3), 5.0)) == 0).all()


def test_variance_is_zero_in_flat_parts_and_most_at_a_step():
    image = np.full((21, 21, 3), 90, np.uint8)
    image[:, 10:] = 160
    variation = variance_features(image, (21, 21))[..., 0]
    at_step = np.abs(variation - variation[0, 0])
    assert (at_step[:, [0, 3, 7, 12, 20]] < 1e-3).all()
    assert (at_step[:, 9:11] > 0.9).all()


def test_eigenvectors_are_those_of_the_dense_problem(random, monkeypatch):
    steps, (h, w) = half_stencil(3), (24, 30)
    planes = (0.05 + random.rand(len(steps), h, w)) ** 3
    planes[:, :, 10] *= 0.05
    weights = [plane[starts((h, w), step)] for plane, step in zip(planes, steps, strict=True)]
    matrix = link_matrix(weights, steps, (h, w)).toarray()
    degrees = np.diag(matrix.sum(axis=1))
    values, vectors = eigh(degrees - matrix, degrees, subset_by_index=(0, 9))
    for dense_nodes in (400, 10_000):  # the filter, then all at once
        monkeypatch.setattr(pmi_spectrum, "DENSE_NODES", dense_nodes)
        found = cut_eigenvectors(planes, steps, 10, sweeps=8)
        np.testing.assert_allclose(found.values, values, atol=2e-6)
        flat = found.vectors.reshape(10, -1).astype(np.float64)
        total = np.trace(degrees)
        np.testing.assert_allclose(flat @ degrees @ flat.T / total, np.eye(10), atol=1e-4)
        np.testing.assert_allclose(np.abs(flat @ degrees @ vectors) / np.sqrt(total), np.eye(10), atol=2e-2)
        assert np.ptp(found.vectors[0]) < 1e-3
        assert (flat[np.arange(10), np.abs(flat).argmax(axis=1)] > 0).all()


def test_pixels_without_links_are_cut_off():
    planes = np.ones((1, 1, 4), np.float32)
    planes[0, 0, 1] = 0
    assert cut_eigenvectors(planes, [(0, 1)], 4).values[:3] == pytest.approx([0, 0, 2], abs=1e-6)
    alone = cut_eigenvectors(np.zeros((1, 2, 2)), [(0, 1)], 3)
    assert alone.values.shape == (3,)
    assert alone.vectors.shape == (3, 2, 2)


def naive_gradient(plane, sigma):
    """Correlation with the sampled derivative of a Gaussian, magnitudes summing to 1, mirrored at the border."""
    reach = int(np.ceil(3 * sigma))
    t = np.arange(-reach, reach + 1)
    bell = np.exp(-(t**2) / (2 * sigma**2))
    filter_x = np.outer(bell, bell * t)
    filter_x /= np.abs(filter_x).sum()
    padded = np.pad(plane.astype(np.float64), reach, mode="symmetric")
    d_x, d_y = np.zeros(plane.shape), np.zeros(plane.shape)
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            window = padded[y : y + 2 * reach + 1, x : x + 2 * reach + 1]
            d_x[y, x], d_y[y, x] = (window * filter_x).sum(), (window * filter_x.T).sum()
    return d_y, d_x


def naive_contour(spectrum, sigma):
    out = np.zeros((8, *spectrum.vectors.shape[1:]))
    for value, vector in list(zip(*spectrum, strict=True))[1:]:
        d_y, d_x = naive_gradient(vector / np.ptp(vector), sigma)
        for o in range(8):
            out[o] += np.abs(np.cos(o * np.pi / 8) * d_x + np.sin(o * np.pi / 8) * d_y) / np.sqrt(value)
    return out


@pytest.mark.parametrize("sigma", [1.0, 1.7])
def test_contour_is_the_weighted_sum_of_directional_derivatives(random, sigma):
    spectrum = LaplacianSpectrum(np.array([0, 0.1, 0.5]), random.rand(3, 9, 11).astype(np.float32))
    np.testing.assert_allclose(spectral_contour(spectrum, sigma=sigma), naive_contour(spectrum, sigma), rtol=1e-4)


def test_an_upright_step_has_the_horizontal_gradient_of_half_the_filter():
    step = np.zeros((9, 20), np.float32)
    step[:, 10:] = 1
    d_y, d_x = gaussian_gradient(step, 1.0)
    assert np.abs(d_y).max() < 1e-6
    weights = [1 * np.exp(-1 / 2), 2 * np.exp(-4 / 2), 3 * np.exp(-9 / 2)]
    nearest, next_to_it = sum(weights), sum(weights[1:])
    expected = np.array([next_to_it, nearest, nearest, next_to_it]) / (2 * sum(weights))
    np.testing.assert_allclose(d_x[:, 8:12], np.tile(expected, (9, 1)), rtol=1e-5)


def test_the_range_of_a_vector_does_not_matter_and_small_eigenvalues_are_lifted(random):
    vectors = random.rand(2, 6, 6).astype(np.float32)
    once = spectral_contour(LaplacianSpectrum(np.array([0, 0.04]), vectors))
    np.testing.assert_allclose(spectral_contour(LaplacianSpectrum(np.array([0, 0.04]), vectors * 7)), once, rtol=1e-4)
    lifted = spectral_contour(LaplacianSpectrum(np.array([0, 0.04]), vectors), least=0.16)
    np.testing.assert_allclose(lifted, once / 2, rtol=1e-4)
    assert np.isfinite(spectral_contour(LaplacianSpectrum(np.zeros(2), vectors))).all()


def test_border_fades_only_what_runs_along_it():
    faded = fade_border(np.ones((8, 100, 100), np.float32))
    assert faded[4, 0, 50] == pytest.approx(0, abs=1e-6)  # level, at the top
    assert faded[0, 50, 99] == pytest.approx(0, abs=1e-6)  # upright, at the right
    assert faded[4, 1, 50] == pytest.approx(1 / 9)
    assert faded[0, 0, 50] == faded[4, 50, 0] == pytest.approx(1)
    assert (faded[:, 3:-3, 3:-3] == 1).all()


def test_the_map_is_the_thinned_root_of_the_enlarged_contour():
    image = two_textures((12, 10))
    contour = pmi_contour(image, QUICKLY)
    assert contour.shape == (8, 6, 5)
    full = np.stack([resize(plane, (12, 10), order=1, mode="edge") for plane in contour])
    oriented = np.minimum(np.sqrt(full / FULL_RESPONSE), 1)
    np.testing.assert_allclose(pmi_oriented(image, QUICKLY), oriented, rtol=1e-5)
    np.testing.assert_array_equal(pmi(image, **QUICK), thin_oriented(pmi_oriented(image, QUICKLY)))


def test_boundary_of_two_textures():
    """The specks differ by more than the sides do on the mean: a gradient is strongest within the sides."""
    response = pmi(two_textures(), factor=1, **QUICK)
    inner = response[4:-4, 4:-4]
    peak = inner.argmax(axis=1) + 4
    assert np.mean(np.abs(peak - 23.5) <= 1.5) > 0.9
    assert np.median(inner.max(axis=1)) > 2 * inner[:, :14].max()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 5), (2, 60), (33, 40)])
@pytest.mark.parametrize("factor", [1, 2])
def test_any_size(shape, factor):
    image = noise(shape)
    before = image.copy()
    response = pmi(image, factor=factor, **QUICK)
    assert response.shape == shape
    assert response.dtype == np.float32
    assert 0 <= response.min() <= response.max() <= 1
    np.testing.assert_array_equal(image, before)


def test_constant_image_has_no_contours():
    assert (pmi(np.full((30, 40, 3), 77, np.uint8), **QUICK) == 0).all()


def test_two_colours_have_their_boundary_and_nothing_stronger():
    image = np.full((32, 40, 3), (20, 60, 200), np.uint8)
    image[:, 24:] = (220, 210, 30)
    response = pmi(image, **QUICK)
    assert np.isfinite(response).all()
    assert (np.abs(response[4:-4].argmax(axis=1) - 23.5) <= 1.5).all()


def test_same_seed_same_map_and_another_seed_hardly_another(monkeypatch):
    monkeypatch.setattr(pmi_spectrum, "DENSE_NODES", 100)
    image = two_textures((60, 60))
    once, again, other = (pmi_contour(image, PmiConfig(seed=seed, **QUICK)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)
    assert np.corrcoef(once.ravel(), other.ravel())[0, 1] > 0.8
    np.testing.assert_array_equal(pmi(image, **QUICK), pmi(image, **QUICK))


def test_fitted_bandwidth_is_another_map():
    image = two_textures()
    assert not np.array_equal(pmi(image, bandwidth=None, **QUICK), pmi(image, **QUICK))


def test_a_gate_can_have_any_features(random):
    """Two sets of other numbers of channels, one of them constant: it changes nothing."""
    labels = np.zeros((24, 30, 2), np.float32)
    labels[:, 12:] = 1
    labels += 0.02 * random.rand(24, 30, 2).astype(np.float32)
    contour = feature_contour([labels], QUICKLY)
    assert contour.shape == (8, 24, 30)
    assert (np.abs(contour[0].argmax(axis=1) - 11.5) <= 1).all()
    with_constant = feature_contour([labels, np.ones((24, 30, 5), np.float32)], QUICKLY)
    np.testing.assert_array_equal(with_constant, contour)
    both = feature_contour([labels, labels[..., :1]], QUICKLY)
    assert both.shape == (8, 24, 30)


def test_colour_and_variance_make_the_contour():
    image = two_textures()
    sets = (colour_features(image, (20, 24)), variance_features(image, (20, 24)))
    np.testing.assert_array_equal(pmi_contour(image, QUICKLY), fade_border(feature_contour(sets, QUICKLY)))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"factor": 0}, "factor: 0"),
        ({"vectors": 0}, "vectors: 0"),
        ({"kernels": 0}, "kernels: 0"),
        ({"radius": 0.5}, "radius: 0.5"),
        ({"bandwidth": 0.0}, "bandwidth: 0.0"),
        ({"rho": 0.0}, "rho: 0.0"),
    ],
)
def test_refuses_parameters_out_of_range(params, message):
    with pytest.raises(ValueError, match=message):
        pmi(noise((8, 8)), **params)


def test_refuses_what_is_not_an_rgb_image():
    for wrong in (np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3))):
        with pytest.raises(ValueError, match="expected \\(H, W, 3\\) RGB uint8"):
            pmi(wrong)


def test_pmi_ucm_closes_the_contours_of_pmi():
    image = np.full((40, 60, 3), (40, 90, 60), np.uint8)
    image[:, 30:] = (180, 60, 50)
    found = pmi_ucm(image, vectors=10, kernels=300)
    strongest = found.contour_map() >= 0.9 * found.contour_map().max()
    assert strongest.any(axis=1).all()
    assert found.contour_map().max() > 0.1

import naive
import numpy as np
import pytest
from contourbench.baselines import canny, roberts, sobel
from contourbench.baselines.canny import FULL_RESPONSE, hysteresis_levels
from contourbench.baselines.colour import grey
from contourbench.baselines.gradient import ROBERTS_FULL_RESPONSE, image_gradient
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import correlate

STRONG = {"sigma": 2.0, "space": "lab", "nms": True}
DETECTORS = [(roberts, {}), (sobel, {}), (sobel, STRONG), (canny, {})]
every_detector = pytest.mark.parametrize(("detector", "params"), DETECTORS, ids=lambda x: getattr(x, "__name__", ""))


def step_image(shape=(20, 20), transpose=False):
    image = np.zeros((*shape, 3), np.uint8)
    image[:, shape[1] // 2 :] = 255
    return image.transpose(1, 0, 2) if transpose else image


@every_detector
@pytest.mark.parametrize("transpose", [False, True])
def test_black_white_step_is_one(detector, params, transpose):
    response = detector(step_image(transpose=transpose), **params)
    response = response.T if transpose else response
    assert response.dtype == np.float32
    assert response[5:15, 8:12].max() == pytest.approx(1, abs=1e-3)
    assert (response[5:15, :4] == 0).all()
    assert (response[5:15, 8:12].max(axis=1) > 0.999).all()


@every_detector
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (7, 5), (2, 300)])
def test_any_size(detector, params, shape):
    image = np.random.RandomState(0).randint(0, 256, (*shape, 3)).astype(np.uint8)
    before = image.copy()
    response = detector(image, **params)
    assert response.shape == shape
    assert 0 <= response.min() <= response.max() <= 1
    np.testing.assert_array_equal(image, before)


@every_detector
def test_constant_image_has_no_contours(detector, params):
    assert (detector(np.full((30, 40, 3), 77, np.uint8), **params) < 1e-6).all()


@every_detector
def test_refuses_what_is_not_an_rgb_image(detector, params):
    for wrong in (np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3))):
        with pytest.raises(ValueError, match="expected \\(H, W, 3\\) RGB uint8"):
            detector(wrong, **params)


def test_roberts_is_the_equation(random):
    image = random.randint(0, 256, (9, 11, 3)).astype(np.uint8)
    y = np.sqrt(grey(image))
    response = roberts(image)
    for i in range(8):
        for j in range(10):
            z = np.sqrt((y[i, j] - y[i + 1, j + 1]) ** 2 + (y[i + 1, j] - y[i, j + 1]) ** 2)
            assert response[i, j] == pytest.approx(min(1, z / np.sqrt(2) / ROBERTS_FULL_RESPONSE), rel=1e-6)


def test_sobel_is_the_two_kernels(random):
    image = random.randint(0, 256, (9, 11, 3)).astype(np.uint8)
    kernel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    across, down = (correlate(grey(image), k, mode="nearest") for k in (kernel, kernel.T))
    np.testing.assert_allclose(sobel(image), np.minimum(1, np.hypot(across, down) / 4), rtol=1e-5)


def test_gradient_direction_points_across_the_edge():
    gradient = image_gradient(step_image(transpose=True), 1.0)
    assert np.abs(np.sin(gradient.direction[9:11, 10])) == pytest.approx(1)


@given(st.integers(0, 10**6), st.sampled_from([0.3, 0.4, 0.5, 1.0]), st.floats(0.01, 1))
def test_hysteresis_levels_hold_every_threshold(seed, ratio, threshold):
    random = np.random.RandomState(seed)
    strength = random.rand(8, 9) * (random.rand(8, 9) < 0.5)
    levels = hysteresis_levels(strength, ratio)
    kept = naive.hysteresis(strength, ratio * threshold, threshold)
    np.testing.assert_array_equal(levels >= threshold, kept)


def test_canny_at_every_threshold_is_cannys_result():
    from contourbench.bench.datasets.scenes import render_scene
    from contourbench.eval import suppress

    image = render_scene(3).image
    gradient = image_gradient(image, 1.5)
    thin = suppress(gradient.magnitude, gradient.direction) / FULL_RESPONSE
    response = canny(image, sigma=1.5, ratio=0.5)
    for threshold in (0.055, 0.155, 0.355):
        np.testing.assert_array_equal(response >= threshold, naive.hysteresis(thin, 0.5 * threshold, threshold))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda image: sobel(image, sigma=-1), "sigma: -1"),
        (lambda image: sobel(image, space="rgb"), "space: 'rgb'"),
        (lambda image: canny(image, ratio=0), "ratio: 0"),
    ],
)
def test_parameter_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call(step_image())

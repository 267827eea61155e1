import naive
import numpy as np
import pytest
from contourbench.eval import thin
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import gaussian_filter
from skimage.morphology import thin as skimage_thin

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.booleans())


def ascii_mask(text):
    return np.array([[c == "#" for c in line.strip()] for line in text.strip().splitlines()])


def test_bar():
    bar = ascii_mask("""
        .......
        .#####.
        .#####.
        .#####.
        .......""")
    thinned = ascii_mask("""
        .......
        .......
        ..###..
        .......
        .......""")
    np.testing.assert_array_equal(thin(bar), thinned)


@given(masks)
def test_equals_naive_twin(mask):
    np.testing.assert_array_equal(thin(mask), naive.thin(mask))


@pytest.mark.parametrize("smoothing", [0, 1, 3])
def test_equals_skimage(random, smoothing):
    for _ in range(20):
        noise = random.rand(60, 80)
        noise = gaussian_filter(noise, smoothing) if smoothing else noise
        mask = noise > np.quantile(noise, random.rand())
        np.testing.assert_array_equal(thin(mask), skimage_thin(mask))


def test_equals_skimage_on_real_boundaries(bench_sample):
    from contourbench.bench.files.predictions import read_prediction

    for path in sorted((bench_sample / "png").iterdir()):
        mask = read_prediction(path).mask(1 / 6)
        np.testing.assert_array_equal(thin(mask), skimage_thin(mask))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3)])
def test_tiny(shape):
    np.testing.assert_array_equal(thin(np.ones(shape, bool)), skimage_thin(np.ones(shape, bool)))
    assert not thin(np.zeros(shape, bool)).any()


@pytest.mark.parametrize("order", ["C", "F"])
def test_input_is_unchanged_and_may_have_any_layout(random, order):
    mask = np.array(random.rand(20, 30) > 0.4, order=order)
    before = mask.copy()
    expected = skimage_thin(mask)
    np.testing.assert_array_equal(thin(mask), expected)
    np.testing.assert_array_equal(thin(mask[::-1, ::2]), skimage_thin(mask[::-1, ::2]))
    np.testing.assert_array_equal(mask, before)


def test_idempotent(random):
    once = thin(random.rand(50, 50) > 0.3)
    np.testing.assert_array_equal(thin(once), once)


def test_refuses_what_is_not_a_mask():
    with pytest.raises(ValueError, match="expected \\(H, W\\)"):
        thin(np.zeros((2, 2, 2), bool))
    with pytest.raises(ValueError, match="values other than 0 and 1"):
        thin(np.full((2, 2), 0.5))

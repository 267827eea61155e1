"""The axes of features that hold still within regions."""

import numpy as np
import pytest
from contourbench.cnf_contours.contours.feature_axes import steady_axes


def scene(random):
    """Two regions of two colours; features that tell them apart, hidden under position and mixed."""
    height, width = 24, 40
    y, x = np.mgrid[:height, :width] / 40.0
    region = (x > 0.45).astype(float)
    colours = np.stack([60 * region, 10 * region, 0 * region])
    sources = np.stack([0.3 * region, 3 * x, 3 * y, 2 * np.sin(6 * x + 4 * y)])
    mixed = np.tensordot(random.randn(6, 4), sources, axes=1)
    return mixed + 0.01 * random.randn(*mixed.shape), colours, region


@pytest.mark.parametrize("distance", [2, 8])
def test_the_first_axis_tells_regions_apart_where_the_largest_variance_is_position(random, distance):
    features, colours, region = scene(random)
    first = steady_axes(features, colours, distance, axes=1)[0]
    assert abs(np.corrcoef(first.ravel(), region.ravel())[0, 1]) > 0.95
    rows = features.reshape(6, -1) - features.reshape(6, -1).mean(axis=1, keepdims=True)
    largest = np.linalg.svd(rows, full_matrices=False)[2][0]
    assert abs(np.corrcoef(largest, region.ravel())[0, 1]) < 0.95


def test_mixing_the_features_changes_nothing(random):
    features, colours, _ = scene(random)
    turned = np.tensordot(random.randn(6, 6), features, axes=1)
    first, second = steady_axes(features, colours, axes=2), steady_axes(turned, colours, axes=2)
    for one, other in zip(first, second, strict=True):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) > 0.999


def test_axes_are_uncorrelated_and_of_one_scale_within_regions(random):
    """By the definition: pairs in a loop."""
    features, colours, _ = scene(random)
    found = steady_axes(features, colours, distance=3, axes=3)
    assert found.dtype == np.float32
    pairs = []
    for y in range(24):
        for x in range(40):
            for dy, dx in ((0, 3), (3, 0)):
                if y + dy < 24 and x + dx < 40:
                    apart = np.linalg.norm(colours[:, y, x] - colours[:, y + dy, x + dx])
                    pairs.append((apart, found[:, y, x] - found[:, y + dy, x + dx]))
    limit = np.median([apart for apart, _ in pairs])
    steps = np.array([step for apart, step in pairs if apart <= limit])
    np.testing.assert_allclose(steps.T @ steps / len(steps) / 2, np.eye(3), atol=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 5), (3, 60)])
def test_small_and_constant_images(random, shape):
    assert np.isfinite(steady_axes(random.randn(4, *shape), random.rand(3, *shape))).all()
    np.testing.assert_array_equal(steady_axes(np.ones((4, *shape)), np.ones((3, *shape))), np.zeros((3, *shape)))

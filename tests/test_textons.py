"""Textons, and the read-out without heads, against loops written from their definitions."""

import math

import numpy as np
import pytest

pytest.importorskip("torch")

from contourbench.baselines.half_discs import mean_difference
from contourbench.baselines.textons import CONTRAST, filter_bank, filter_responses, textons


def test_the_filters_see_no_constant_and_have_one_scale():
    for kernel in filter_bank(1.0):
        assert kernel.sum() == pytest.approx(0, abs=1e-12)
        assert np.abs(kernel).sum() == pytest.approx(1)


def test_the_filters_are_turned_by_the_angle_of_their_orientation():
    edges = filter_bank(2.0)[1:16:2]
    upright, level = edges[0], edges[4]
    middle = len(upright) // 2
    assert upright[middle, middle + 2] > 0 > upright[middle, middle - 2]  # changes along the columns
    np.testing.assert_allclose(level, upright.T, atol=1e-12)


def test_responses_are_convolutions_whose_length_is_compressed():
    random = np.random.RandomState(0)
    image = random.rand(6, 7)
    margin = math.ceil(6 * 1.0)
    padded = np.pad(image, margin, mode="symmetric")
    raw = np.zeros((6, 7, 17))
    for c, kernel in enumerate(filter_bank(1.0)):
        for y in range(6):
            for x in range(7):
                raw[y, x, c] = (padded[y : y + 2 * margin + 1, x : x + 2 * margin + 1] * kernel[::-1, ::-1]).sum()
    length = np.linalg.norm(raw, axis=2, keepdims=True)
    np.testing.assert_allclose(filter_responses(image, 1.0), raw * np.log1p(length / CONTRAST) / length, atol=1e-5)


def test_textons_part_stripes_of_two_directions():
    y, x = np.mgrid[:40, :60]
    image = np.where(x < 30, 50 + 20 * np.sin(x * 1.5), 50 + 20 * np.sin(y * 1.5))
    found = textons(image, 8, 1.0, seed=0)
    left, right = (np.bincount(side.ravel(), minlength=8) for side in (found[:, 5:25], found[:, 35:55]))
    assert np.minimum(left, right).sum() == 0


def test_textons_are_the_same_again_and_constant_on_a_constant_image():
    image = np.random.RandomState(1).rand(20, 30) * 100
    np.testing.assert_array_equal(textons(image, 8, 1.0, seed=3), textons(image, 8, 1.0, seed=3))
    assert len(np.unique(textons(np.full((20, 30), 40.0), 8, 1.0, seed=0))) == 1
    assert textons(np.full((1, 1), 40.0), 8, 1.0, seed=0).shape == (1, 1)


def test_the_read_out_without_heads_is_the_distance_of_the_means_of_half_discs():
    random = np.random.RandomState(2)
    channels = random.rand(5, 6, 2).astype(np.float32)
    radius = 3
    padded = np.pad(channels, ((radius, radius), (radius, radius), (0, 0)), mode="symmetric")
    expected = np.zeros((8, 5, 6))
    for k in range(8):
        normal = math.pi * k / 8
        for y in range(5):
            for x in range(6):
                halves = [[], []]
                for dy in range(-radius, radius + 1):
                    for dx in range(-radius, radius + 1):
                        side = dx * math.cos(normal) + dy * math.sin(normal)
                        if 0 < dy * dy + dx * dx <= radius * radius and abs(side) > 1e-9:
                            halves[side > 0].append(padded[y + radius + dy, x + radius + dx])
                expected[k, y, x] = np.linalg.norm(np.mean(halves[1], axis=0) - np.mean(halves[0], axis=0))
    np.testing.assert_allclose(mean_difference(channels, (radius,)), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "count", "sigma", "message"),
    [((3, 4, 3), 2, 1.0, "lightness: shape"), ((3, 4), 0, 1.0, "count: 0"), ((3, 4), 2, 0.0, "sigma: 0.0")],
)
def test_refuses_what_makes_no_textons(shape, count, sigma, message):
    with pytest.raises(ValueError, match=message):
        textons(np.zeros(shape), count, sigma, 0)

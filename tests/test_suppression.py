from pathlib import Path

import naive
import numpy as np
import pytest
from contourbench.eval import suppress, suppress_preset
from contourbench.eval.oriented import thin_oriented
from contourbench.eval.suppression import SUPPRESSION_PRESETS, normal_direction, triangle_filter
from scipy.ndimage import gaussian_filter


@pytest.mark.parametrize(("radius", "tolerance"), [(1, 1.0), (2, 1.01)])
def test_equals_naive_twin(random, radius, tolerance):
    strength, normal = random.rand(17, 23), random.uniform(-4, 4, (17, 23))
    expected = naive.suppress(strength, normal, radius, tolerance)
    np.testing.assert_allclose(suppress(strength, normal, radius, tolerance), expected)


def test_ridge_becomes_a_line():
    x = np.arange(21)
    ridge = np.tile(np.exp(-((x - 10.0) ** 2) / 8), (15, 1))
    thin = suppress(ridge, np.zeros((15, 21)))
    assert (thin[:, 10] == 1).all()
    assert np.count_nonzero(thin) == 15


@pytest.mark.parametrize("angle", [0, 30, 60, 89, 120, 150])
def test_normal_of_a_straight_ridge(angle):
    """The recipe's angle is within the recipe's own error (it takes the arctangent of a squared tangent)."""
    theta = np.radians(angle)
    y, x = np.mgrid[-30:31, -30:31]
    ridge = np.exp(-((x * np.cos(theta) + y * np.sin(theta)) ** 2) / 8)
    found = normal_direction(ridge)[30, 30]
    off = np.abs((np.degrees(found) - angle + 90) % 180 - 90)
    assert off < 16 or np.isclose(off, 180)


@pytest.mark.parametrize("preset", SUPPRESSION_PRESETS)
def test_presets_thin_a_blurred_contour(preset):
    y, x = np.mgrid[:60, :80]
    circle = gaussian_filter((np.abs(np.hypot(y - 30.3, x - 40.2) - 20) < 1).astype(float), 1.5)
    before = circle.copy()
    thin = suppress_preset(circle, preset)
    assert thin.dtype == np.float32
    assert 0 <= thin.min() <= thin.max() <= 1
    assert np.count_nonzero(thin > 0.05) < 0.35 * np.count_nonzero(circle > 0.05)
    kept = np.argwhere(thin > 0.05)
    off = np.abs(np.hypot(kept[:, 0] - 30.3, kept[:, 1] - 40.2) - 20)
    assert np.mean(off < 1.5) > 0.95
    np.testing.assert_array_equal(circle, before)


@pytest.mark.parametrize("preset", ["hed", "rcf", "dexined", "teed"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_equals_the_original(preset, number):
    """Three 8-bit maps as edgesNms thins them (github.com/pdollar/edges, 1396692); sed is as hed, ac as rcf.

    On whole photographs, 0 to 4 of some 15,000 to 40,000 pixels differ, where single precision decides. The original
    fades images smaller than twice the border otherwise.
    """
    stored = np.load(Path(__file__).with_name("known") / "edges_nms.npz")
    ours, original = suppress_preset(stored[f"map_{number}"] / 255, preset), stored[f"{preset}_{number}"]
    np.testing.assert_array_equal(ours > 0, original > 0)
    np.testing.assert_allclose(ours, original, atol=1e-6)
    assert np.count_nonzero(original) > 90
    assert (SUPPRESSION_PRESETS["sed"], SUPPRESSION_PRESETS["ac"]) == (
        SUPPRESSION_PRESETS["hed"],
        SUPPRESSION_PRESETS["rcf"],
    )


def test_border_fades():
    thin = suppress_preset(np.ones((20, 20)), "rcf")
    np.testing.assert_allclose(thin[10, :6], [0, 0.2, 0.4, 0.6, 0.8, 1], rtol=1e-6)


def test_triangle_filter_weights():
    impulse = np.zeros((1, 9), np.float32)
    impulse[0, 4] = 1
    np.testing.assert_allclose(triangle_filter(impulse, 1)[0], [0, 0, 0, 0.25, 0.5, 0.25, 0, 0, 0])
    np.testing.assert_array_equal(triangle_filter(impulse, 0), impulse)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (2, 2), (3, 400)])
def test_small_maps(shape):
    for preset in SUPPRESSION_PRESETS:
        assert suppress_preset(np.full(shape, 0.5), preset).shape == shape


def test_an_infinite_slope_is_no_warning():
    """Somewhere the recipe's denominator is exactly zero: d_xx is -1e-5."""
    from contourbench.eval import ContourMap
    from contourbench.eval.crispness import crispness

    soft = np.zeros((24, 32), np.float32)
    soft[12, 16], soft[5, 9] = 1, 0.5
    soft = soft.astype(np.float64) * 0.0041666664687606296
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        expected = suppress_preset(soft, "ac")
    np.testing.assert_array_equal(ContourMap(soft).suppressed("ac").values, expected)
    assert crispness(soft) == pytest.approx(expected.sum() / soft.sum())


def test_refusals():
    with pytest.raises(ValueError, match="nms preset 'he'"):
        suppress_preset(np.zeros((4, 4)), "he")
    with pytest.raises(ValueError, match="expected the same"):
        suppress(np.zeros((4, 4)), np.zeros((4, 5)))


def test_the_command_offers_every_preset(capsys, tmp_path):
    from command import contourbench, fails

    for preset in ("none", *SUPPRESSION_PRESETS):
        run = ("run", "roberts", "--nms", preset, "--limit", 1, "--thresholds", 3, "--out", tmp_path)
        assert contourbench(capsys, *run)[0] == 0
    found = fails(capsys, "run", "roberts", "--nms", "hedd", "--limit", 1, "--out", tmp_path)
    assert all(preset in found for preset in SUPPRESSION_PRESETS)


def test_each_pixel_is_thinned_in_its_own_orientation():
    """An upright ridge three pixels wide meets a level one: each is thinned across itself, and neither is cut."""
    oriented = np.zeros((8, 9, 9), np.float32)
    oriented[0, :, 3:6] = np.float32([0.5, 0.9, 0.5])
    oriented[4, 3:6, :] = np.float32([0.4, 0.7, 0.4])[:, np.newaxis]
    expected = np.zeros((9, 9), np.float32)
    expected[4] = 0.7
    expected[:, 4] = 0.9
    expected[4, [3, 5]] = 0.7
    np.testing.assert_array_equal(thin_oriented(oriented), expected)


def test_thinning_keeps_both_arms_of_a_crossing():
    """Where two contours meet, each is compared with itself only."""
    oriented = np.zeros((8, 21, 21), np.float32)
    profile = np.exp(-((np.arange(21) - 10.0) ** 2) / 8)
    oriented[0], oriented[4] = 0.9 * profile, profile[:, None]
    thin = thin_oriented(oriented)
    assert (thin[10] > 0).all()
    assert (thin[:, 10] > 0).sum() >= 19
    assert np.count_nonzero(thin) <= 41 + 8

import numpy as np
import pytest
from contourbench.baselines.mean_shift import PUBLISHED, mean_shift, mean_shift_filter, mean_shift_soft, to_luv
from contourbench.baselines.mean_shift_regions import Regions, adjacent, connect, fuse, prune
from contourbench.eval.sweeps import mean_boundaries
from scipy.ndimage import label as components

AREAS = [1, 5, 20, 60, 200, 10**6]
SWEEP = " ".join(f"3_6_{area}" for area in AREAS)


def naive_filter(luv, spatial, colour):
    """Comaniciu & Meer, section 3: from every pixel, move to the mean of the window until it moves by under 0.1."""
    height, width = luv.shape[:2]
    y, x = np.mgrid[:height, :width]
    points = np.column_stack([y.ravel(), x.ravel(), luv.reshape(-1, 3)]).astype(float)
    modes = []
    for start in points:
        centre = start
        for _ in range(100):
            d = points - centre
            double = 2 if centre[2] > 80 else 1
            near = (d[:, 0] ** 2 + d[:, 1] ** 2 < spatial**2) & (
                (double * d[:, 2]) ** 2 + d[:, 3] ** 2 + d[:, 4] ** 2 < colour**2
            )
            previous, centre = centre, points[near].mean(axis=0) if near.any() else centre
            if np.linalg.norm(centre - previous) < 0.1:
                break
        modes.append(centre[2:])
    return np.reshape(modes, luv.shape)


def blobs(seed=0, shape=(40, 50)):
    """Three flat parts, noise of a few grey levels, and a scatter of single odd pixels."""
    random = np.random.RandomState(seed)
    image = np.full((*shape, 3), 90, np.int64)
    image[:, shape[1] // 2 :] = 140, 120, 60
    image[shape[0] // 2 :, : shape[1] // 4] = 220
    image += random.randint(-6, 7, image.shape)
    image[random.rand(*shape) < 0.02] = random.randint(0, 256, 3)
    return np.clip(image, 0, 255).astype(np.uint8)


def counts(sweep):
    return [labels.max() + 1 for labels in sweep.segmentations]


def is_partition_into_connected_regions(labels):
    numbers = np.unique(labels)
    first_seen = numbers[np.argsort(np.unique(labels, return_index=True)[1])]
    return np.array_equal(first_seen, np.arange(len(numbers))) and all(
        components(labels == n, np.ones((3, 3)))[1] == 1 for n in numbers
    )


@pytest.mark.parametrize(("spatial", "colour"), [(2, 5), (3, 9), (4.5, 30)])
@pytest.mark.parametrize("brightest", [60, 256])
def test_filter_equals_its_naive_twin(random, spatial, colour, brightest):
    image = random.randint(brightest // 2, brightest, (7, 9, 3)).astype(np.uint8)
    luv = to_luv(image)
    np.testing.assert_allclose(mean_shift_filter(luv, spatial, colour), naive_filter(luv, spatial, colour), atol=1e-9)


def test_filter_keeps_a_strong_step_and_flattens_weak_noise():
    luv = to_luv(blobs())
    filtered = mean_shift_filter(luv, 5, 12)
    inside = np.s_[24:36, 30:45]
    assert np.median(np.abs(filtered[inside] - np.median(filtered[inside], axis=(0, 1)))) < 1
    assert np.abs(filtered[5:15, 22] - filtered[5:15, 28]).max(axis=1).min() > 15


def test_luv_of_black_white_and_grey():
    luv = to_luv(np.array([[[0] * 3, [255] * 3, [128] * 3]], np.uint8))[0]
    np.testing.assert_allclose(luv[:2], [[0, 0, 0], [100, 0, 0]], atol=0.05)
    np.testing.assert_allclose(luv[2], [116 * np.cbrt(128 / 255) - 16, 0, 0], atol=0.05)


def test_connect_follows_small_steps_over_corners_and_not_round_the_edge():
    grey = np.array([[0.0, 9.0, 0.16], [9.0, 0.08, 9.0], [5.0, 9.0, 9.2]])
    regions = connect(np.repeat(grey[:, :, np.newaxis], 3, axis=2))
    # Nine and nine meet over corners, 9.2 is a step too far; the first pixel gives the colour.
    np.testing.assert_array_equal(regions.labels, [[0, 1, 0], [1, 0, 1], [2, 1, 3]])
    np.testing.assert_array_equal(regions.areas, [3, 4, 1, 1])
    np.testing.assert_array_equal(regions.colours[:, 0], [0, 9, 5, 9.2])
    edges = np.repeat(np.array([[9.0, 5, 0], [0, 5, 9]])[:, :, np.newaxis], 3, axis=2)
    assert len(connect(edges).areas) == 5


def strip(lightness, areas):
    labels = np.repeat(np.arange(len(areas)), areas)[np.newaxis].astype(np.int32)
    colours = np.zeros((len(areas), 3))
    colours[:, 0] = lightness
    return Regions(labels, colours, np.array(areas))


@pytest.mark.parametrize(
    ("lightness", "joined"),
    [
        ([10, 13.9, 17.8, 30], [0, 0, 0, 1]),  # a chain: the ends are 7.8 apart
        ([10, 14, 20, 30], [0, 1, 2, 3]),  # half the bandwidth exactly is too far
        ([10, 12, 16, 30], [0, 0, 1, 2]),  # the mean of the first two is 11, no nearer to 16
        ([79, 82.9, 90, 99], [0, 0, 1, 2]),  # differences count double only if both are light
        ([81, 82.9, 85.5, 99], [0, 0, 1, 2]),
    ],
)
def test_fuse_joins_what_is_nearer_than_half_the_bandwidth(lightness, joined):
    assert fuse(strip(lightness, [1, 1, 1, 1]), 8).labels[0].tolist() == joined


def test_fuse_looks_again_once_at_mean_colours():
    # First 13 and 10 join, 6.6 being too far from 10; their mean by area is 12.7, and 16.6 is within 4 of that.
    assert fuse(strip([13, 10, 16.6], [90, 10, 1]), 8).labels[0, [0, 95, 100]].tolist() == [0, 0, 0]
    # Of all three it is 13.35: to that, unlike to 16.6, a 12 beyond is near enough, but nobody looks a third time.
    assert fuse(strip([13, 10, 16.6, 12], [90, 10, 20, 1]), 8).areas.tolist() == [120, 1]


def test_prune_goes_to_the_nearest_colour_and_pools():
    # From the left: large, small, large, and two small ones that are nearest to each other.
    regions = strip([0, 40, 50, 100, 101], [50, 3, 50, 3, 4])
    assert prune(regions, 3).labels.max() + 1 == 5
    pruned = prune(regions, 5)
    np.testing.assert_array_equal(pruned.areas, [50, 53, 7])
    assert pruned.colours[1, 0] == pytest.approx((3 * 40 + 50 * 50) / 53)
    np.testing.assert_array_equal(prune(regions, 8).areas, [50, 60])
    np.testing.assert_array_equal(prune(regions, 61).areas, [110])


def test_adjacent_is_over_sides_only():
    assert adjacent(np.array([[0, 1], [2, 3]])).tolist() == [[0, 1], [0, 2], [1, 3], [2, 3]]
    assert adjacent(np.array([[0, 0]])).shape == (0, 2)


@pytest.mark.parametrize("seed", [0, 1])
def test_no_region_is_below_the_least_area(seed):
    image = blobs(seed)
    sweep = mean_shift(image, SWEEP)
    for labels, area in zip(sweep.segmentations, AREAS, strict=True):
        assert labels.shape == image.shape[:2]
        assert labels.dtype == np.int32
        assert is_partition_into_connected_regions(labels)
        assert labels.max() == 0 or np.bincount(labels.ravel()).min() >= area
    assert counts(sweep)[0] > counts(sweep)[2] > counts(sweep)[-1] == 1


def test_every_setting_is_made_of_the_fused_regions():
    image = blobs()
    finest, *coarser = mean_shift(image, SWEEP).segmentations
    for labels in coarser:
        assert len(np.unique(np.stack([finest.ravel(), labels.ravel()]), axis=1).T) == finest.max() + 1


def test_three_parts_are_found():
    labels = mean_shift(blobs(), "5_12_30").segmentations[0]
    assert labels.max() + 1 == 3
    assert len({labels[5, 10], labels[5, 40], labels[35, 3]}) == 3


def test_published_settings_in_order():
    sweep = mean_shift(blobs(shape=(12, 15)))
    assert " ".join(sweep.settings) == PUBLISHED
    assert len(sweep.segmentations) == len(set(sweep.settings)) == 28
    areas = [int(name[4:]) for name in sweep.settings if name.startswith("7_9_")]
    assert areas == sorted(areas)
    assert (areas[0], areas[-1], len(areas)) == (100, 50000, 24)
    assert {name for name in sweep.settings if not name.startswith("7_9_")} == {
        "3_3_45",
        "5_5_50",
        "6_6_50",
        "7_11_400",
    }


def test_sweep_is_its_settings_one_by_one():
    image, names = blobs(), ["4_9_10", "3_6_50", "4_9_3"]
    together = mean_shift(image, " ".join(names))
    assert together.settings == tuple(names)
    for name, labels in zip(names, together.segmentations, strict=True):
        np.testing.assert_array_equal(labels, mean_shift(image, name).segmentations[0])


def test_soft_map_is_the_share_of_settings_and_input_is_kept():
    image = blobs()
    before = image.copy()
    soft = mean_shift_soft(image, SWEEP)
    np.testing.assert_array_equal(soft, mean_boundaries(mean_shift(image, SWEEP)))
    assert soft.dtype == np.float32
    assert 0 == soft.min() < soft.max() <= 1
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3000), (3, 3)])
@pytest.mark.parametrize("kind", ["constant", "noise", "grey", "black", "white"])
def test_degenerate_images(shape, kind):
    noise = np.random.RandomState(0).randint(0, 256, (*shape, 3)).astype(np.uint8)
    flat = {"constant": (7, 90, 200), "black": 0, "white": 255}
    image = noise if kind == "noise" else np.repeat(noise[..., :1], 3, axis=2)
    if kind in flat:
        image[:] = flat[kind]
    sweep = mean_shift(image, "3_3_45 7_9_100")
    for labels, area in zip(sweep.segmentations, [45, 100], strict=True):
        assert labels.shape == shape
        assert labels.max() == 0 or np.bincount(labels.ravel()).min() >= area
        assert labels.max() == 0 or kind not in flat


@pytest.mark.parametrize("settings", ["", "7_9", "7_9_0", "7_9_100_1", "7_x_100", "7_9_-1", "7_9_1.5", "all"])
def test_refuses_what_is_not_a_setting(settings):
    with pytest.raises(ValueError, match=r"settings: .*, expected .*such as 7_9_400"):
        mean_shift(blobs(shape=(4, 4)), settings)


@pytest.mark.parametrize("wrong", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)])
def test_refuses_what_is_not_an_rgb_image(wrong):
    with pytest.raises(ValueError, match="expected \\(H, W, 3\\) RGB uint8"):
        mean_shift(wrong)

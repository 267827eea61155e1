"""The read-out and the detectors of the neural field."""

import inspect
import math
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from contourbench.baselines import half_discs as readout
from contourbench.cnf_contours.config import CNF
from contourbench.cnf_contours.contours.detectors import cnf, cnf_fast, cnf_segmentation, cnf_thesis, detect, segment
from contourbench.cnf_contours.contours.heads import contour_transform
from contourbench.cnf_contours.contours.pipeline import scales_of

QUICK = {"iterations": 4, "filters": 8, "heads": 4}


def soft_channels(random, height, width, heads=3, classes=4):
    logits = 3 * random.randn(height, width, heads, classes)
    soft = np.exp(logits) / np.exp(logits).sum(axis=3, keepdims=True)
    return soft.reshape(height, width, -1).astype(np.float32)


def scene(height=41, width=33):
    image = np.full((height, width, 3), 60, np.uint8)
    image[:, width // 2 :] = (200, 120, 40)
    return image


def naive_half_disc(channels, radius, orientation, distance):
    """By the definition: the mean of every pixel strictly on one side of the line through the centre, and its twin."""
    height, width, _ = channels.shape
    padded = np.pad(channels, ((radius, radius), (radius, radius), (0, 0)), mode="symmetric")
    normal = math.pi * orientation / 8
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            sides = {1: [], -1: []}
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    side = round(dx * math.cos(normal) + dy * math.sin(normal), 9)
                    if 0 < dy * dy + dx * dx <= radius * radius and side != 0:
                        sides[int(np.sign(side))].append(padded[y + dy + radius, x + dx + radius].astype(float))
            a, b = (np.mean(sides[s], axis=0) for s in (1, -1))
            if distance == "product":
                out[y, x] = (a - a * b).sum()
            else:
                out[y, x] = ((a - b) ** 2 / np.maximum(a + b, 1e-12)).sum() / 2
    return out


@pytest.mark.parametrize("distance", readout.DISTANCES)
def test_half_disc_equals_naive_twin(random, distance):
    channels = soft_channels(random, 9, 11)
    found = readout.half_disc(channels, (1, 2, 4), distance)
    for k in range(8):
        expected = np.mean([naive_half_disc(channels, r, k, distance) for r in (1, 2, 4)], axis=0)
        np.testing.assert_allclose(found[k], expected, rtol=1e-3, atol=1e-4)


def test_radius_one_is_the_transform_of_the_thesis(random):
    """On the image doubled, the centre beside a border between pixels sees just the two pixels of the pair."""
    channels = soft_channels(random, 6, 7, heads=1)
    doubled = channels.repeat(2, axis=0).repeat(2, axis=1)
    found = readout.half_disc(doubled, (1,), "product")
    right, down = (c.numpy() for c in contour_transform(torch.from_numpy(channels).permute(2, 0, 1)))
    np.testing.assert_allclose(found[0, ::2, 1:-1:2], right, atol=1e-5)
    np.testing.assert_allclose(found[4, 1:-1:2, ::2], down, atol=1e-5)


def test_half_disc_of_a_step_and_a_constant():
    channels = np.zeros((21, 21, 2), np.float32)
    channels[:, :10, 0] = channels[:, 10:, 1] = 1
    found = readout.half_disc(channels, (3,))
    assert found[0, 10, 9:11].min() > 0.6
    assert found[4].max() < 1e-3  # along the step both halves are alike, at the border, too
    assert (found[:, :, :6] < 1e-3).all()
    assert readout.half_disc(np.full((5, 5, 4), 0.25, np.float32), (2, 3)).max() < 1e-3


@pytest.mark.parametrize("orientation", range(8))
def test_strongest_orientation_is_the_normal(orientation):
    y, x = np.mgrid[-15:16, -15:16]
    angle = math.pi * orientation / 8
    side = (x * math.cos(angle) + y * math.sin(angle) > 0).astype(np.float32)
    found = readout.half_disc(np.stack([side, 1 - side], axis=2), (5, 8))
    assert found[:, 15, 15].argmax() == orientation


def test_parabola_keeps_parabolas_along_the_edge():
    y = np.mgrid[:25, :25][0].astype(np.float32)
    z = 1 + 0.1 * y - 0.01 * (y - 12) ** 2
    smooth = readout.smooth_along(np.stack([z] * 8), 5, 0.9)
    np.testing.assert_allclose(smooth[0, 8:17, 8:17], z[8:17, 8:17], atol=1e-4)
    kernel = readout.parabola_kernel(3, 8, 0.9)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-6)


@pytest.mark.parametrize("radii", [(), (0, 2), (3, 2), (2, 2)])
def test_bad_radii(radii):
    with pytest.raises(ValueError, match="radii"):
        readout.half_disc(np.zeros((3, 3, 1), np.float32), radii)


def test_bad_distance():
    with pytest.raises(ValueError, match="distance"):
        readout.half_disc(np.zeros((3, 3, 1), np.float32), (1,), "l2")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"layers": 3},
        {"source": "features"},
        {"source": "pixels", "sharpness": 16.0},
        {"readout": "neighbour"},
        {"output": "final"},
        {"output": "final", "centring": False},
        {"distillation": 0.0, "octaves": 0, "resolution": 1.0},
    ],
    ids=str,
)
def test_settings_give_maps(settings):
    image = scene()
    before = image.copy()
    found = cnf(image, **{**QUICK, **settings})
    assert found.shape == (41, 33)
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
    np.testing.assert_array_equal(image, before)


def test_a_step_is_found_where_it_is():
    found = cnf(scene(), source="pixels", heads=16)
    assert (found.argmax(axis=1)[4:-4] // 2 == 8).all()  # columns 15 | 16, to a working pixel
    assert np.quantile(found[:, :10], 0.9) < 0.2 * found.max()


def test_same_seed_same_map_whatever_the_threads():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = cnf(scene(), **QUICK)
        torch.set_num_threads(2)
        two = cnf(scene(), **QUICK)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(one, two)
    assert (one != cnf(scene(), seed=1, **QUICK)).any()


def test_threads_come_back_after_an_error():
    before = torch.get_num_threads()

    def fail(*_):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        detect(scene(), CNF.changed(**QUICK), progress=fail)
    assert torch.get_num_threads() == before


def test_both_scales_are_averaged_before_thinning():
    """The soft maps' mean, so a map of both is none of the two and not their maximum."""
    both, three, four = (cnf(scene(), layers=n, **QUICK) for n in (0, 3, 4))
    assert both.max() <= max(three.max(), four.max()) + 1e-6
    assert (both != three).any()


def test_progress_counts_over_both_fields():
    seen = []
    detect(scene(), CNF.changed(**QUICK), progress=lambda *call: seen.append(call[:2]))
    assert seen == [(i, 8) for i in range(1, 9)]


@pytest.mark.parametrize("detector", [cnf, cnf_thesis])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (2, 300), (300, 1)])
def test_tiny_and_thin_images(detector, shape, random):
    image = random.randint(0, 256, (*shape, 3)).astype(np.uint8)
    found = detector(image, **QUICK)
    assert found.shape == shape
    assert np.isfinite(found).all()
    assert 0 <= found.min() <= found.max() <= 1


def test_long_image_in_bounded_time(random):
    started = time.process_time()
    found = cnf(random.randint(0, 256, (2, 3000, 3)).astype(np.uint8), **QUICK)
    assert found.shape == (2, 3000)
    assert time.process_time() - started < 20


def test_constant_image_has_no_contours():
    for source in ("pixels", "reconstruction", "features"):
        found = cnf(np.full((20, 30, 3), 128, np.uint8), source=source, **QUICK)
        assert np.isfinite(found).all()
    assert cnf(np.full((20, 30, 3), 128, np.uint8), source="pixels").max() < 1e-3


def test_grey_as_rgb():
    image = np.repeat(scene()[:, :, :1], 3, axis=2)
    found = cnf(image, source="pixels")
    assert (found.argmax(axis=1)[4:-4] // 2 == 8).all()


@pytest.mark.parametrize(
    ("image", "settings", "message"),
    [
        (np.zeros((4, 4), np.uint8), {}, "image: shape"),
        (np.zeros((4, 4, 4), np.uint8), {}, "image: shape"),
        (np.zeros((4, 4, 3)), {}, "float64"),
        (np.zeros((0, 4, 3), np.uint8), {}, "image: shape"),
        (scene(), {"layers": 5}, "layers: 5, expected one of 0, 3, 4"),
        (scene(), {"source": "pixel"}, "source: 'pixel', expected one of .* did you mean 'pixels'"),
        (scene(), {"filters": True}, "filters: True, expected an integer"),
        (scene(), {"readout": "ring"}, "readout"),
        (scene(), {"output": "all"}, "output"),
        (scene(), {"iterations": -1}, "iterations"),
        (scene(), {"iterations": 2.5}, "iterations: 2.5, expected an integer"),
        (scene(), {"heads": 0}, "heads: 0"),
        (scene(), {"sharpness": float("nan")}, "sharpness: nan"),
        (scene(), {"resolution": 0.0}, "resolution"),
        (scene(), {"distillation_start": 2.0}, "distillation_start"),
        (scene(), {"seed": -1}, "seed"),
        (scene(), {"device": "gpu"}, "device: 'gpu'"),
        (scene(), {"device": "cuda:77"}, "device: 'cuda:77'"),
    ],
    ids=str,
)
def test_wrong_input_is_named(image, settings, message):
    with pytest.raises(ValueError, match=message):
        cnf(image, **settings)


def test_fast_is_one_field():
    assert inspect.signature(cnf_fast).parameters["layers"].default == 4
    assert len(scales_of(CNF.changed(layers=4))) == 1
    assert len(scales_of(CNF)) == 2
    assert len(scales_of(CNF.changed(source="pixels"))) == 1


@pytest.mark.parametrize("centring", [True, False])
def test_segment_labels_every_pixel(centring):
    labels = segment(scene(), CNF.changed(**QUICK, layers=4, centring=centring, final_iterations=30))
    assert labels.shape == (41, 33)
    assert 0 <= labels.min() <= labels.max() < 4


def test_a_segmentation_is_that_of_one_field():
    with pytest.raises(ValueError, match="layers: 0, expected 3 or 4"):
        cnf_segmentation(scene(), layers=0, iterations=2)

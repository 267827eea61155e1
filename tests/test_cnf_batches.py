"""Many images at once: maps as of one after the other, portraits on their side, forms of the named detectors."""

import inspect
import pickle
from importlib import import_module

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'contourbench[cnf]'")

from contourbench.bench.methods.names import BATCH_FORMS, BUILT_IN
from contourbench.cnf_contours.config import CNF, CNF_THESIS
from contourbench.cnf_contours.contours import detectors
from contourbench.cnf_contours.contours.batches import detect_batch, groups_of, segment_batch
from contourbench.cnf_contours.contours.detectors import cnf, detect
from toy import toy_image

SMALL = CNF.changed(layers=3, filters=8, octaves=0, iterations=15, bfloat16=False, heads=5, head_iterations=10)


def assert_alike(one, two):
    """Equal to a thousandth, but where thinning tips: rounding decides which of two neighbours is the larger."""
    assert (abs(one - two) > 1e-3).mean() < 0.03
    assert max(one.max(), two.max()) > 0.05


def mixed():
    """Two sizes, the larger one lying and upright."""
    return [toy_image(0), toy_image(1, (40, 30)), toy_image(2), toy_image(3, (30, 40)), toy_image(4)]


@pytest.mark.parametrize(
    "settings",
    [
        {"iterations": 3},
        {"layers": 0, "iterations": 3},
        {"source": "pixels"},
        {"source": "features", "readout": "neighbour", "iterations": 3},
        {"source": "pixels", "output": "final", "final_iterations": 10},
    ],
    ids=str,
)
def test_maps_equal_one_image_after_the_other(settings):
    images = mixed()
    before = [image.copy() for image in images]
    config = SMALL.changed(**settings)
    maps = detect_batch(images, config, "cpu", batch=2)
    assert [found.shape for found in maps] == [image.shape[:2] for image in images]
    assert {found.dtype for found in maps} == {np.dtype(np.float32)}
    for i in (0, 2, 3, 4):
        assert_alike(maps[i], detect(images[i], config, "cpu"))
    np.testing.assert_array_equal(images[1], before[1])


def test_a_batch_of_one_is_the_image_alone_bit_for_bit():
    config = SMALL.changed(bfloat16=True, layers=0)
    (found,) = detect_batch([toy_image()], config, "cpu")
    np.testing.assert_array_equal(found, detect(toy_image(), config, "cpu"))


def test_same_input_same_maps():
    images = [toy_image(0), toy_image(1)]
    one, two = (detect_batch(images, SMALL, "cpu") for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_a_portrait_is_its_landscape_turned():
    lying = toy_image(3, (30, 40))
    upright = np.ascontiguousarray(lying.transpose(1, 0, 2))
    found = dict(segment_batch([lying, upright], SMALL.changed(layers=0, iterations=3), "cpu"))
    for one, two in zip(found[0], found[1], strict=True):
        assert one.shape == (5, 4, 15, 20)
        torch.testing.assert_close(one, two.transpose(2, 3), rtol=1e-3, atol=1e-3)
    (turned,) = detect_batch([upright], SMALL.changed(source="pixels"), "cpu")
    assert turned.shape == (40, 30)
    # The sides of the box, rows 6 to 18 of `toy_image`, are columns here.
    across = turned[14:22].mean(axis=0)
    assert 5 <= across[:12].argmax() <= 6
    assert 17 <= across[12:24].argmax() + 12 <= 18


def test_groups_are_of_one_shape_and_no_larger_than_the_batch():
    shapes = [(3, 5), (5, 3), (4, 4), (3, 5), (5, 3)]
    assert groups_of(shapes, 3) == [[0, 1, 3], [4], [2]]
    assert groups_of(shapes, 1) == [[0], [1], [3], [4], [2]]
    assert detect_batch([], SMALL, "cpu") == []


def test_a_map_does_not_depend_on_its_place():
    images, config = [toy_image(0), toy_image(1), toy_image(2)], SMALL.changed(iterations=3)
    forwards, backwards = (detect_batch(order, config, "cpu", batch=2) for order in (images, images[::-1]))
    for one, two in zip(forwards, backwards[::-1], strict=True):
        assert_alike(one, two)
    assert (abs(forwards[0] - forwards[1]) > 1e-3).mean() > 0.1  # different images are not alike


@pytest.mark.parametrize("shape", [(1, 1), (2, 60), (60, 1)])
def test_any_size(shape):
    images = [np.full((*shape, 3), 80, np.uint8)] * 2
    assert [found.shape for found in detect_batch(images, SMALL.changed(iterations=2), "cpu")] == [shape] * 2


def test_progress_counts_over_batches_and_scales():
    seen = []
    images = [toy_image(0), toy_image(1), toy_image(2)]
    detect_batch(images, SMALL.changed(layers=0), "cpu", 2, progress=lambda *call: seen.append(call[:2]))
    assert seen[-1] == (4 * 15, 4 * 15)  # two batches of two scales
    assert seen == sorted(seen)


def test_a_diverged_fit_names_its_place(monkeypatch):
    def no_number(pixels, resolution):
        return torch.full((3, 12, 16), float("nan") if pixels[0, 0, 0] > 100 else 0.5)

    monkeypatch.setattr("contourbench.cnf_contours.contours.batches.lying", no_number)
    images = [toy_image(0), toy_image(1), np.full_like(toy_image(), 200)]
    with pytest.raises(ArithmeticError, match=r"of images \[2\]: not finite"):
        detect_batch(images, SMALL, "cpu")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: segment_batch([toy_image().astype(float)], SMALL, "cpu"), "image: shape"),
        (lambda: segment_batch([toy_image()], SMALL, "cpu", batch=0), "batch: 0"),
        (lambda: segment_batch([toy_image()], SMALL, "cuda:77"), "device: 'cuda:77'"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- the forms of named detectors


def function(target):
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("name", BATCH_FORMS)
def test_a_batch_form_has_the_parameters_and_defaults_of_its_detector(name):
    one, many = (inspect.signature(function(where[name])) for where in (BUILT_IN, BATCH_FORMS))
    first, *others = many.parameters.values()
    assert first.name == "images"
    assert others == list(one.parameters.values())[1:]
    assert function(BATCH_FORMS[name]).__name__ == f"{name}_batch"
    assert pickle.loads(pickle.dumps(function(BATCH_FORMS[name]))) is function(BATCH_FORMS[name])


def test_a_batch_form_uses_what_its_signature_says(monkeypatch):
    seen = []
    monkeypatch.setattr(detectors, "detect_batch", lambda *given: seen.append(given))
    image = toy_image()
    detectors.cnf_batch([image, image], 3, seed=4, sharpness=2.0)
    detectors.cnf_thesis_batch([image], device="cpu")
    detectors.cnf_fast_batch([image], seed=1)
    assert [given[1] for given in seen] == [
        CNF.changed(layers=3, seed=4, sharpness=2.0),
        CNF_THESIS,
        CNF.changed(layers=4, iterations=200, seed=1),
    ]
    assert [given[2:4] for given in seen] == [("auto", 2), ("cpu", 1), ("auto", 1)]
    with pytest.raises(TypeError, match="octaves"):
        detectors.cnf_fast_batch([image], octaves=0)


def test_a_batch_form_meets_its_detector():
    image, settings = toy_image(), {"iterations": 2, "filters": 8, "heads": 4, "device": "cpu"}
    for name in ("cnf", "cnf_thesis"):
        (found,) = function(BATCH_FORMS[name])([image], **settings)
        np.testing.assert_array_equal(found, function(BUILT_IN[name])(image, **settings))
    np.testing.assert_array_equal(cnf(image, **settings), detect(image, CNF.changed(iterations=2, filters=8, heads=4)))

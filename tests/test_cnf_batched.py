"""Many images in one computation: equal to one after the other, apart from each other, and never waiting."""

from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'contourbench[cnf]'")

from contourbench.cnf_contours import batched, batched_fitting, fitting
from contourbench.cnf_contours.batched import detect_batch, field_flops, measure, segment_batch
from contourbench.cnf_contours.batched_fitting import (
    CONVOLUTIONS,
    clip_each,
    fit_fields,
    fit_heads_batch,
    stack_parameters,
    stacked_forward,
)
from contourbench.cnf_contours.config import CnfConfig
from contourbench.cnf_contours.contours.detectors import cnf, detect
from contourbench.cnf_contours.contours.heads import fit_heads
from contourbench.cnf_contours.field import coordinates, new_field
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode
from toy import toy_image

SMALL = CnfConfig(layers=3, filters=8, octaves=0, iterations=15, bfloat16=False, heads=5, head_iterations=10)
CPU = torch.device("cpu")


def noise(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def targets(count=3, height=24, width=32):
    return torch.rand(count, 3, height, width, generator=noise(9)[0], dtype=torch.float32)


@pytest.fixture(autouse=True)
def _one_thread():
    with fitting.one_thread():
        yield


@pytest.fixture
def double(monkeypatch):
    """Everything in float64: there the order of sums cannot hide a difference, nor make one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    for module in (fitting, batched_fitting):
        monkeypatch.setattr(module, "coordinates", lambda *size: coordinates(*size).double())
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
@pytest.mark.parametrize(("layers", "octaves"), [(3, 0), (4, 3)])
def test_fields_equal_one_image_after_the_other(double, convolution, layers, octaves):
    config, images = replace(SMALL, layers=layers, octaves=octaves), targets(3, 21, 18)
    together = fit_fields(images, config, noise(4, 5, 6), convolution=convolution)
    for b, image in enumerate(images):
        alone = fitting.fit_field(image, config, noise(4 + b)[0])
        torch.testing.assert_close(together.features[b], alone.features, rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(together.reconstruction[b], alone.reconstruction, rtol=1e-8, atol=1e-8)
        assert together.losses[b].item() == pytest.approx(alone.loss, rel=1e-8)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_fields_in_float32_differ_by_rounding(convolution, count):
    images = targets(count)
    together = fit_fields(images, SMALL, noise(*range(count)), convolution=convolution)
    assert together.features.shape == (count, 8, 24, 32)
    assert together.reconstruction.shape == (count, 3, 24, 32)
    assert {value.dtype for value in together} == {torch.float32}
    for b, image in enumerate(images):
        alone = fitting.fit_field(image, SMALL, noise(b)[0])
        torch.testing.assert_close(together.reconstruction[b], alone.reconstruction, rtol=1e-3, atol=1e-3)
        assert together.losses[b].item() == pytest.approx(alone.loss, rel=1e-5)


def test_in_bfloat16_the_losses_are_alike():
    config, images = replace(SMALL, bfloat16=True, octaves=3), targets()
    together = fit_fields(images, config, noise(1, 2, 3))
    alone = [fitting.fit_field(image, config, own) for image, own in zip(images, noise(1, 2, 3), strict=True)]
    np.testing.assert_allclose(together.losses, [one.loss for one in alone], rtol=0.02)
    assert torch.equal(together.features, together.features.bfloat16().float())  # that it was bfloat16


def test_first_weights_are_those_of_new_field():
    """Without an iteration the result is that of the first weights, which are equal bit for bit."""
    fields = [new_field(2, 8, 3, 0.01, own) for own in noise(0, 1)]
    for column, stacked in zip(
        zip(*(f.parameters() for f in fields), strict=True), stack_parameters(fields), strict=True
    ):
        for b, own in enumerate(column):
            assert torch.equal(stacked.unflatten(0, (2, -1))[b], own)
    fresh = fit_fields(targets(2), replace(SMALL, iterations=0), noise(0, 1))
    for b, field in enumerate(fields):
        with torch.no_grad():
            expected, _ = field(coordinates(24, 32, 0, 4, CPU))
        torch.testing.assert_close(fresh.features[b], expected[0])
    assert fresh.losses.tolist() == [0, 0]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"distillation": 0.0},
        {"pairs": 0},
        {"pairs": 40, "distillation_start": 0.3, "sharpness": 4.0},
        {"head_iterations": 0},
        {"distillation_start": 1.0, "classes": 2},
    ],
    ids=str,
)
def test_heads_equal_one_image_after_the_other(settings):
    config = replace(SMALL, **settings)
    features = targets(3, 13, 10)
    together = fit_heads_batch(features, config, noise(0, 1, 2))
    assert together.shape == (3, 5, config.classes, 13, 10)
    for b, own in enumerate(noise(0, 1, 2)):
        torch.testing.assert_close(together[b], fit_heads(features[b], config, own), rtol=1e-4, atol=1e-5)


def test_heads_of_one_pixel():
    features = targets(2, 1, 1)
    assert torch.isfinite(fit_heads_batch(features, SMALL, noise(0, 1))).all()


def test_images_do_not_influence_one_another():
    """The gradient of the second is a thousand times larger: neither its statistics nor its clipping is shared."""
    images = targets()
    other = images.clone()
    other[1] = 1000 * images[1].flip(1)
    for convolution in CONVOLUTIONS:
        one, two = (fit_fields(x, SMALL, noise(0, 1, 2), convolution=convolution) for x in (images, other))
        for b in (0, 2):
            assert torch.equal(one.features[b], two.features[b])
            assert torch.equal(one.reconstruction[b], two.reconstruction[b])
        assert (one.reconstruction[1] != two.reconstruction[1]).any()
    one, two = (fit_heads_batch(x, SMALL, noise(0, 1, 2)) for x in (images, other))
    assert torch.equal(one[[0, 2]], two[[0, 2]])
    assert (one[1] != two[1]).any()


def test_same_input_same_result():
    one, two = (fit_fields(targets(), SMALL, noise(0, 1, 2)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    images = [toy_image(0), toy_image(1)]
    one, two = (detect_batch(images, SMALL, "cpu") for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_clipping_is_that_of_torch_for_each_image():
    parts = [torch.randn(2, 3, 5, generator=noise(0)[0]), torch.randn(2, 4, generator=noise(1)[0])]
    parts = [part * torch.tensor([100.0, 0.01]).view(2, *[1] * (part.ndim - 1)) for part in parts]
    stacked = [part.flatten(0, 1).clone().requires_grad_() for part in parts]
    for own, part in zip(stacked, parts, strict=True):
        own.grad = part.flatten(0, 1).clone()
    clip_each(stacked, 2, 1.0)
    for b in range(2):
        alone = [part[b].clone().requires_grad_() for part in parts]
        for own in alone:
            own.grad = own.detach().clone()
        torch.nn.utils.clip_grad_norm_(alone, 1.0)
        for own, many in zip(alone, stacked, strict=True):
            torch.testing.assert_close(many.grad.unflatten(0, (2, -1))[b], own.grad)


class Waits(TorchDispatchMode):
    """Counts the operations for which the processor would wait for a GPU: a value, or a shape that depends on one."""

    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in ("_local_scalar_dense", "item", "nonzero", "masked_select", "is_nonzero", "equal", "_unique2"):
            self.seen[name] += 1
        return func(*args, **kwargs or {})


def waits(work):
    with Waits() as mode:
        work()
    return sum(mode.seen.values())


def test_nothing_in_the_loops_waits_for_the_device(monkeypatch):
    monkeypatch.setattr(batched_fitting, "PROGRESS_EVERY", 3)

    def field(iterations, **how):
        return waits(lambda: fit_fields(targets(2), replace(SMALL, iterations=iterations), noise(0, 1), **how))

    def heads(iterations):
        config = replace(SMALL, head_iterations=iterations)
        return waits(lambda: fit_heads_batch(targets(2, 8, 8), config, noise(0, 1)))

    assert field(7) == field(1)
    assert heads(7) == heads(1)
    # That it would be seen: a report reads one value, of iterations 3, 6 and 7; the one-image path reads each loss.
    assert field(7, progress=lambda *_: None) == field(1) + 3
    slow = replace(SMALL, head_iterations=7)
    assert waits(lambda: fit_heads(targets(1, 8, 8)[0], slow, noise(0)[0])) >= 7


def test_progress_is_rare_and_ends_at_the_end(monkeypatch):
    monkeypatch.setattr(batched_fitting, "PROGRESS_EVERY", 6)
    seen = []
    last = fit_fields(targets(2), SMALL, noise(0, 1), progress=lambda *call: seen.append(call)).losses
    assert [call[:2] for call in seen] == [(6, 15), (12, 15), (15, 15)]
    assert seen[-1][2] == pytest.approx(last.mean().item())
    seen.clear()
    images = [toy_image(0), toy_image(1), toy_image(2)]
    detect_batch(images, replace(SMALL, layers=0), "cpu", 2, progress=lambda *call: seen.append(call[:2]))
    assert seen[-1] == (4 * 15, 4 * 15)  # two batches of two scales
    assert seen == sorted(seen)


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
    config = replace(SMALL, **settings)
    maps = detect_batch(images, config, "cpu", batch=2)
    assert [found.shape for found in maps] == [image.shape[:2] for image in images]
    assert {found.dtype for found in maps} == {np.dtype(np.float32)}
    for i in (0, 2, 3, 4):
        assert_alike(maps[i], detect(images[i], config, "cpu"))
    np.testing.assert_array_equal(images[1], before[1])


def test_a_portrait_is_its_landscape_turned():
    lying = toy_image(3, (30, 40))
    upright = np.ascontiguousarray(lying.transpose(1, 0, 2))
    found = dict(segment_batch([lying, upright], replace(SMALL, layers=0, iterations=3), "cpu"))
    for one, two in zip(found[0], found[1], strict=True):
        assert one.shape == (5, 4, 15, 20)
        torch.testing.assert_close(one, two.transpose(2, 3), rtol=1e-3, atol=1e-3)
    (turned,) = detect_batch([upright], replace(SMALL, source="pixels"), "cpu")
    assert turned.shape == (40, 30)
    # The sides of the box, rows 6 to 18 of `toy_image`, are columns here.
    across = turned[14:22].mean(axis=0)
    assert 5 <= across[:12].argmax() <= 6
    assert 17 <= across[12:24].argmax() + 12 <= 18


def test_groups_are_of_one_shape_and_no_larger_than_the_batch():
    shapes = [(3, 5), (5, 3), (4, 4), (3, 5), (5, 3)]
    assert batched._groups(shapes, 3) == [[0, 1, 3], [4], [2]]
    assert batched._groups(shapes, 1) == [[0], [1], [3], [4], [2]]
    assert detect_batch([], SMALL, "cpu") == []


def test_a_map_does_not_depend_on_its_place():
    images, config = [toy_image(0), toy_image(1), toy_image(2)], replace(SMALL, iterations=3)
    forwards, backwards = (detect_batch(order, config, "cpu", batch=2) for order in (images, images[::-1]))
    for one, two in zip(forwards, backwards[::-1], strict=True):
        assert_alike(one, two)
    assert (abs(forwards[0] - forwards[1]) > 1e-3).mean() > 0.1  # different images are not alike


@pytest.mark.parametrize("shape", [(1, 1), (2, 60), (60, 1)])
def test_any_size(shape):
    images = [np.full((*shape, 3), 80, np.uint8)] * 2
    assert [found.shape for found in detect_batch(images, replace(SMALL, iterations=2), "cpu")] == [shape] * 2


def test_flops_by_hand():
    """8 x 8 cells, 2 channels of coordinates, 2 filters; 3 layers down to 2 x 2 and up again, then 3 colours."""
    one_cell = 2 * 9 * 2 * 2
    first, down, up, colours = 64 * one_cell, (16 + 4) * one_cell, (16 + 64) * one_cell, 64 * 2 * 2 * 3
    forward = first + down + up + colours
    config = CnfConfig(layers=3, filters=2, octaves=0, iterations=10)
    assert field_flops(config, 8, 7) == 10 * (3 * forward - first) + forward
    assert field_flops(replace(config, source="pixels"), 8, 7) == 0


@pytest.mark.parametrize("layers", [3, 4])
def test_flops_as_torch_counts_them(layers):
    config = CnfConfig(layers=layers, filters=6, octaves=2, iterations=2, bfloat16=False)
    with FlopCounterMode(display=False) as counter:
        fitting.fit_field(targets(1, 21, 18)[0], config, noise(0)[0])
    assert field_flops(config, 21, 18) == counter.get_total_flops()
    both = replace(config, layers=0)
    assert field_flops(both, 21, 18) == sum(field_flops(replace(config, layers=n), 21, 18) for n in (3, 4))


def test_what_the_backward_pass_keeps_is_as_documented():
    """About 9 A values per image, A = F H' W'; `fit_fields`."""
    kept = {}
    stack = [p.requires_grad_() for p in stack_parameters([new_field(30, 16, 4, 0.01, own) for own in noise(0, 1)])]
    own = {p.untyped_storage().data_ptr() for p in stack}

    def keep(value):
        kept[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        return value

    grid = coordinates(96, 128, 7, 8, CPU)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        result = stacked_forward(stack, grid, 2, 0.01, batched_fitting.grouped)
    per_image = sum(size for place, size in kept.items() if place not in own) / 4 / 2 / (16 * 96 * 128)
    assert result[1].shape == (2, 3, 96, 128)
    assert per_image == pytest.approx(9, abs=1.2)


def test_measure_fills_its_record():
    found = measure([toy_image(0), toy_image(1)], replace(SMALL, iterations=2), "cpu", 2, peak=1e9, alone=1)
    assert found.gain == pytest.approx(found.images_per_second / found.images_per_second_alone)
    assert found.flops_per_image == field_flops(replace(SMALL, iterations=2), 12, 16)
    assert found.fraction_of_peak == pytest.approx(found.flops_per_image * found.images_per_second / 1e9)
    assert found.peak_bytes is None
    assert measure([toy_image()], replace(SMALL, iterations=1), "cpu", alone=1).fraction_of_peak is None


def test_compiled_goes_through_torch_compile(monkeypatch):
    calls = []

    def compile_eagerly(function, **options):
        calls.append((function, options))
        return partial(function)

    monkeypatch.setattr(torch, "compile", compile_eagerly)
    config = replace(SMALL, iterations=1)
    one, two = (fit_fields(targets(2), config, noise(0, 1), compiled=how) for how in (True, False))
    assert torch.equal(one.features, two.features)
    assert calls == [(stacked_forward, {"dynamic": False})]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_fields(targets()[0], SMALL, noise(0)), r"targets: shape \(3, 24, 32\)"),
        (lambda: fit_fields(targets().double(), SMALL, noise(0, 1, 2)), "float64"),
        (lambda: fit_fields(targets(), SMALL, noise(0, 1)), "generators: 2, 2 different, expected one for each of 3"),
        (lambda: fit_fields(targets(), SMALL, noise(0) * 3), "generators: 3, 1 different"),
        (lambda: fit_fields(targets(), replace(SMALL, layers=0), noise(0, 1, 2)), "layers 0, expected 3 or 4"),
        (lambda: fit_fields(targets(), SMALL, noise(0, 1, 2), convolution="fft"), "convolution: 'fft', expected one"),
        (lambda: fit_fields(targets().to("meta"), SMALL, noise(0, 1, 2)), "generators: on cpu"),
        (lambda: fit_heads_batch(targets()[0], SMALL, noise(0)), "features: shape"),
        (lambda: fit_heads_batch(targets(), SMALL, noise(0)), "generators: 1"),
        (lambda: segment_batch([toy_image().astype(float)], SMALL, "cpu"), "image: shape"),
        (lambda: segment_batch([toy_image()], SMALL, "cpu", batch=0), "batch: 0"),
        (lambda: segment_batch([toy_image()], SMALL, "cuda:77"), "device: 'cuda:77'"),
        (lambda: measure([], SMALL, "cpu"), "images: 0"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_diverged_fit_names_its_image():
    images = targets()
    images[1, 0, 0, 0] = torch.nan
    with pytest.raises(ArithmeticError, match=r"of images \[1\] not finite"):
        fit_fields(images, SMALL, noise(0, 1, 2))
    with pytest.raises(ArithmeticError, match=r"of images \[12\] not finite"):
        fit_fields(images, SMALL, noise(0, 1, 2), numbers=[11, 12, 13])


def test_no_global_random_state_is_touched():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    detect_batch([toy_image()], replace(SMALL, iterations=2), "cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_defaults_meet_those_of_the_detector():
    image = toy_image()
    (found,) = detect_batch([image], CnfConfig(iterations=2, filters=8, heads=4, source="pixels"))
    np.testing.assert_allclose(found, cnf(image, iterations=2, filters=8, heads=4, source="pixels"), atol=1e-4)

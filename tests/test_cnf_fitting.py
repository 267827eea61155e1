"""The one training loop: equal to a plain fit of every image, apart from the others, and never waiting."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'contourbench[cnf]'")

from contourbench.cnf_contours import field as room
from contourbench.cnf_contours import fitting
from contourbench.cnf_contours.config import FieldConfig, HeadsConfig
from contourbench.cnf_contours.contours.final_head import fit_final_head
from contourbench.cnf_contours.contours.heads import Heads, fit_heads
from contourbench.cnf_contours.devices import one_thread
from contourbench.cnf_contours.field import Field, coordinates
from contourbench.cnf_contours.fitting import (
    LossTerm,
    Optimizer,
    Reconstruction,
    clip_each,
    fit,
    fit_fields,
    fit_fields_in_stages,
    fit_in_stages,
)
from naive_field import PlainField, plain_fit, plain_heads
from torch.utils._python_dispatch import TorchDispatchMode

SMALL = FieldConfig(layers=3, filters=8, octaves=0, iterations=15, bfloat16=False)
HEADS = HeadsConfig(heads=5, head_iterations=10, final_iterations=20)
SETTING = Optimizer(SMALL.rate, SMALL.clip)
CPU = torch.device("cpu")


def noise(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def targets(count=3, height=24, width=32):
    return torch.rand(count, 3, height, width, generator=noise(9)[0], dtype=torch.float32)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


@pytest.fixture
def double(monkeypatch):
    """Everything in float64: there the order of sums cannot hide a difference, nor make one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    monkeypatch.setattr(room, "coordinates", lambda *size: coordinates(*size).double())
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    yield
    torch.set_default_dtype(before)


# --- equal to the plain way


@pytest.mark.parametrize(("layers", "octaves"), [(3, 0), (4, 3)])
def test_fields_equal_one_image_after_the_other(double, layers, octaves):
    config, images = replace(SMALL, layers=layers, octaves=octaves), targets(3, 21, 18)
    together = fit_fields(images, config, noise(4, 5, 6))
    for b, image in enumerate(images):
        features, colours = plain_fit(image, config, noise(4 + b)[0])
        torch.testing.assert_close(together.features[b], features, rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(together.reconstruction[b], colours, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("settings", [{}, {"bfloat16": True, "octaves": 3}, {"layers": 4, "filters": 16}], ids=str)
def test_one_image_is_its_plain_fit_bit_for_bit(settings):
    config = replace(SMALL, **settings)
    features, colours = plain_fit(targets()[0], config, noise(3)[0])
    found = fit_fields(targets(1), config, noise(3))
    assert torch.equal(found.features[0], features)
    assert torch.equal(found.reconstruction[0], colours)


@pytest.mark.parametrize("count", [1, 3])
def test_fields_in_float32_differ_by_rounding(count):
    images = targets(count)
    together = fit_fields(images, SMALL, noise(*range(count)))
    assert together.features.shape == (count, 8, 24, 32)
    assert together.reconstruction.shape == (count, 3, 24, 32)
    assert {value.dtype for value in together} == {torch.float32}
    for b, image in enumerate(images):
        _, alone = plain_fit(image, SMALL, noise(b)[0])
        torch.testing.assert_close(together.reconstruction[b], alone, rtol=1e-3, atol=1e-3)


def test_in_bfloat16_the_losses_are_alike():
    config, images = replace(SMALL, bfloat16=True, octaves=3), targets()
    together = fit_fields(images, config, noise(1, 2, 3))
    alone = [plain_fit(image, config, own)[1] for image, own in zip(images, noise(1, 2, 3), strict=True)]
    losses = [((found - image) ** 2).mean() for found, image in zip(together.reconstruction, images, strict=True)]
    expected = [((found - image) ** 2).mean() for found, image in zip(alone, images, strict=True)]
    np.testing.assert_allclose(losses, expected, rtol=0.02)
    assert torch.equal(together.features, together.features.bfloat16().float())  # that it was bfloat16


def test_first_weights_are_those_of_the_plain_field():
    """Without an iteration the result is that of the first weights, which are equal bit for bit."""
    with torch.random.fork_rng():
        plain = [PlainField(2, SMALL, own) for own in noise(0, 1)]
    stacked = Field(24, 32, SMALL, noise(0, 1))
    pairs = zip(zip(*(f.parameters() for f in plain), strict=True), stacked.parameters(), strict=True)
    for column, many in pairs:
        for b, own in enumerate(column):
            assert torch.equal(many.unflatten(0, (2, -1))[b], own)
    fresh = fit_fields(targets(2), replace(SMALL, iterations=0), noise(0, 1))
    for b, field in enumerate(plain):
        with torch.no_grad():
            expected, _ = field(coordinates(24, 32, 0, 4, CPU))
        torch.testing.assert_close(fresh.features[b], expected[0])


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
    config = replace(HEADS, **settings)
    features = targets(3, 13, 10)
    together = fit_heads(features, config, noise(0, 1, 2))
    assert together.shape == (3, 5, config.classes, 13, 10)
    for b, own in enumerate(noise(0, 1, 2)):
        torch.testing.assert_close(together[b], plain_heads(features[b], config, own), rtol=1e-4, atol=1e-5)


def test_final_heads_equal_one_image_after_the_other():
    features = targets(3, 13, 10)
    soft = fit_heads(features, HEADS, noise(0, 1, 2))
    together = fit_final_head(features, soft, HEADS, noise(3, 4, 5))
    for b, own in enumerate(noise(3, 4, 5)):
        alone = fit_final_head(features[b : b + 1], soft[b : b + 1], HEADS, [own])[0]
        torch.testing.assert_close(together[b], alone, rtol=1e-4, atol=1e-5)


def test_heads_of_one_pixel():
    features = targets(2, 1, 1)
    soft = fit_heads(features, HEADS, noise(0, 1))
    assert torch.isfinite(soft).all()
    assert torch.isfinite(fit_final_head(features, soft, HEADS, noise(0, 1))).all()


# --- apart from each other


def test_images_do_not_influence_one_another():
    """The gradient of the second is a thousand times larger: neither its statistics nor its clipping is shared."""
    images = targets()
    other = images.clone()
    other[1] = 1000 * images[1].flip(1)
    one, two = (fit_fields(x, SMALL, noise(0, 1, 2)) for x in (images, other))
    for b in (0, 2):
        assert torch.equal(one.features[b], two.features[b])
        assert torch.equal(one.reconstruction[b], two.reconstruction[b])
    assert (one.reconstruction[1] != two.reconstruction[1]).any()
    one, two = (fit_heads(x, HEADS, noise(0, 1, 2)) for x in (images, other))
    assert torch.equal(one[[0, 2]], two[[0, 2]])
    assert (one[1] != two[1]).any()
    one, two = (fit_final_head(x, one, HEADS, noise(0, 1, 2)) for x in (images, other))
    assert torch.equal(one[[0, 2]], two[[0, 2]])
    assert (one[1] != two[1]).any()


def test_same_input_same_result():
    one, two = (fit_fields(targets(), SMALL, noise(0, 1, 2)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


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


# --- never waiting


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


def test_nothing_in_the_loop_waits_for_the_device(monkeypatch):
    monkeypatch.setitem(fitting.REPORT_EVERY, "cpu", 3)
    monkeypatch.setattr(fitting, "FUSED", ("cpu",))  # as on a GPU: the others ask for the count of steps as a number

    def field(iterations, **how):
        return waits(lambda: fit_fields(targets(2), replace(SMALL, iterations=iterations), noise(0, 1), **how))

    def heads(iterations):
        config = replace(HEADS, head_iterations=iterations)
        return waits(lambda: fit_heads(targets(2, 8, 8), config, noise(0, 1)))

    def final(iterations):
        config, soft = replace(HEADS, final_iterations=iterations), torch.rand(2, 3, 4, 8, 8)
        return waits(lambda: fit_final_head(targets(2, 8, 8), soft, config, noise(0, 1)))

    for work in (field, heads, final):
        assert work(7) == work(1)
    # That it would be seen: a report reads one value, of iterations 3, 6 and 7.
    assert field(7, progress=lambda *_: None) == field(1) + 3


def test_reports_are_rare_on_a_gpu_and_end_at_the_end(monkeypatch):
    assert fitting.REPORT_EVERY["cuda"] > 10
    monkeypatch.setitem(fitting.REPORT_EVERY, "cpu", 6)
    seen = []
    fit_fields(targets(2), SMALL, noise(0, 1), progress=lambda *call: seen.append(call))
    assert [call[:2] for call in seen] == [(6, 15), (12, 15), (15, 15)]
    before_last = fit_fields(targets(2), replace(SMALL, iterations=14), noise(0, 1)).reconstruction
    assert seen[-1][2] == pytest.approx(((before_last - targets(2)) ** 2).mean().item())


# --- stages, targets that change, terms beside each other


def test_a_stage_is_a_shorter_fit_bit_for_bit():
    stages = dict(fit_fields_in_stages(targets(2), SMALL, noise(0, 1), (0, 4, 15)))
    assert list(stages) == [0, 4, 15]
    for after, found in stages.items():
        alone = fit_fields(targets(2), replace(SMALL, iterations=after), noise(0, 1))
        assert torch.equal(found.features, alone.features)
        assert torch.equal(found.reconstruction, alone.reconstruction)


def test_training_goes_on_when_the_next_stage_is_asked_for_and_not_before():
    field = Field(24, 32, SMALL, noise(0))
    states = fit_in_stages(field, [Reconstruction(targets(1))], SETTING, range(0, 1000, 5))
    assert next(states)[0] == 0
    weights = [own.clone() for own in field.parameters()]
    with torch.no_grad():
        field()  # a look changes nothing
    assert all(torch.equal(a, b) for a, b in zip(weights, field.parameters(), strict=True))
    assert next(states)[0] == 5
    assert not torch.equal(weights[0], next(field.parameters()))


def test_a_target_may_change_on_the_way():
    dark, bright = torch.full((1, 3, 24, 32), 0.2), torch.full((1, 3, 24, 32), 0.8)
    field, term = Field(24, 32, SMALL, noise(0)), Reconstruction(dark)
    means = []
    for _, output in fit_in_stages(field, [term], Optimizer(1e-2), (60, 120)):
        means.append(output.colours.mean().item())
        term.target = bright
    assert means == pytest.approx([0.2, 0.8], abs=0.1)


class Brightness(LossTerm):
    """Pulls the mean of the colours, or of the colours less a number of its own, to 1."""

    def __init__(self, reaches_field, factor=1.0):
        self.reaches_field, self.factor = reaches_field, factor
        self.own = torch.zeros(1, requires_grad=True)
        self.optimizer = Optimizer(0.1)

    def parameters(self):
        return [self.own]

    def __call__(self, output, iteration):
        return (output.colours.mean(dim=(1, 2, 3)) + self.own - 1) ** 2


def test_a_term_reaches_the_field_only_if_it_says_so():
    def colours(*terms):
        field = Field(24, 32, SMALL, noise(0))
        return fit(field, [Reconstruction(targets(1)), *terms], SETTING, 10).colours

    alone = colours()
    shy, bold = Brightness(False), Brightness(True, factor=100.0)
    assert torch.equal(colours(shy), alone)
    assert shy.own.item() > 0.3  # it was trained all the same
    assert colours(bold).mean() > alone.mean() + 0.01
    assert torch.equal(colours(Brightness(True, factor=0.0)), alone)


def test_heads_in_the_same_iterations_leave_the_field_as_it_is():
    """The thesis' way, beside ours: the same field bit for bit, and heads on features that stand still are the same."""
    alone = fit_fields(targets(2), SMALL, noise(0, 1))
    field, heads = Field(24, 32, SMALL, noise(0, 1)), Heads(8, 24, 32, 15, HEADS, noise(2, 3))
    beside = fit(field, [Reconstruction(targets(2)), heads], SETTING, 15)
    assert torch.equal(beside.colours, alone.reconstruction)
    assert torch.equal(beside.features, alone.features)
    soft = heads.segmentations(beside)
    assert soft.shape == (2, 5, 4, 24, 32)
    assert not torch.equal(soft, Heads(8, 24, 32, 15, HEADS, noise(2, 3)).segmentations(beside))

    class Still(torch.nn.Module):
        def forward(self):
            return room.Output(alone.features, alone.reconstruction)

    heads = Heads(8, 24, 32, HEADS.head_iterations, HEADS, noise(2, 3))
    fit(Still(), [heads], None, HEADS.head_iterations)
    assert torch.equal(heads.segmentations(beside), fit_heads(alone.features, HEADS, noise(2, 3)))


def test_what_the_backward_pass_keeps_is_as_documented():
    """About 9 A values per image, A = F H' W'; `field.Field`."""
    kept = {}
    field = Field(96, 128, FieldConfig(layers=4, filters=16, bfloat16=False), noise(0, 1))
    own = {p.untyped_storage().data_ptr() for p in field.parameters()}

    def keep(value):
        kept[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        output = field()
    per_image = sum(size for place, size in kept.items() if place not in own) / 4 / 2 / (16 * 96 * 128)
    assert output.colours.shape == (2, 3, 96, 128)
    assert per_image == pytest.approx(9, abs=1.2)


# --- wrong input


def without_optimizer():
    fit(Field(8, 8, SMALL, noise(0)), [Reconstruction(targets(1, 8, 8))], None, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_fields(targets()[0], SMALL, noise(0)), r"targets: shape \(3, 24, 32\)"),
        (lambda: fit_fields(targets().double(), SMALL, noise(0, 1, 2)), "float64"),
        (lambda: fit_fields(targets(), SMALL, noise(0, 1)), "generators: 2, 2 different, expected one for each of 3"),
        (lambda: fit_fields(targets(), SMALL, noise(0) * 3), "generators: 3, 1 different"),
        (lambda: fit_fields(targets(), replace(SMALL, layers=0), noise(0, 1, 2)), "layers: 0, expected 3 or 4"),
        (lambda: fit_fields(targets().to("meta"), SMALL, noise(0, 1, 2)), "generators: on cpu"),
        (lambda: fit_heads(targets()[0], HEADS, noise(0)), "features: shape"),
        (lambda: fit_heads(targets(), HEADS, noise(0)), "generators: 1"),
        (lambda: fit_final_head(targets(), torch.rand(3, 2, 4, 24, 32), HEADS, noise(0)), "generators: 1"),
        (without_optimizer, "optimizer: None"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_diverged_fit_names_its_image():
    images = targets()
    images[1, 0, 0, 0] = torch.nan
    with pytest.raises(ArithmeticError, match=r"of images \[1\]: not finite after 15 iterations"):
        fit_fields(images, SMALL, noise(0, 1, 2))
    with pytest.raises(ArithmeticError, match=r"of images \[12\]: not finite"):
        fit_fields(images, SMALL, noise(0, 1, 2), numbers=[11, 12, 13])
    with pytest.raises(ArithmeticError, match=r"^field: not finite"):
        fit_fields(images[1:2], SMALL, noise(0))


def test_no_global_random_state_is_touched():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    found = fit_fields(targets(), SMALL, noise(0, 1, 2))
    fit_final_head(found.features, fit_heads(found.features, HEADS, noise(0, 1, 2)), HEADS, noise(0, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)

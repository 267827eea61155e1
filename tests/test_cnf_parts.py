"""Parts of the neural-field detector: contour transform, losses, heads, field, final head."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from contourbench.cnf_contours import losses
from contourbench.cnf_contours.config import FieldConfig, HeadsConfig
from contourbench.cnf_contours.contours.final_head import fit_final_head
from contourbench.cnf_contours.contours.heads import Heads, contour_transform, fit_heads, neighbours, standardise
from contourbench.cnf_contours.field import Field, coordinates
from contourbench.cnf_contours.fitting import fit, fit_fields

FIELD = FieldConfig(layers=3, filters=8, octaves=2, iterations=12)
SMALL = HeadsConfig(heads=5, head_iterations=20, final_iterations=40)


def noise(seed=0):
    return torch.Generator().manual_seed(seed)


def target(height=21, width=17):
    """Left half dark red, right half bright blue, (3, H, W)."""
    image = torch.zeros(3, height, width)
    image[0, :, : width // 2] = 0.3
    image[2, :, width // 2 :] = 0.9
    return image


def naive_transform(s):
    m, height, width = s.shape
    right, down = np.zeros((height, width - 1)), np.zeros((height - 1, width))
    for y in range(height):
        for x in range(width):
            if x + 1 < width:
                right[y, x] = 1 - sum(s[c, y, x] * s[c, y, x + 1] for c in range(m))
            if y + 1 < height:
                down[y, x] = 1 - sum(s[c, y, x] * s[c, y + 1, x] for c in range(m))
    return right, down


def test_contour_transform_equals_naive_twin():
    soft = torch.softmax(3 * torch.randn(2, 4, 7, 5, generator=noise()), dim=1)
    right, down = contour_transform(soft)
    for n in range(2):
        expected = naive_transform(soft[n].numpy())
        np.testing.assert_allclose(right[n], expected[0], atol=1e-6)
        np.testing.assert_allclose(down[n], expected[1], atol=1e-6)


def one_hot(labels, classes=4):
    return torch.nn.functional.one_hot(torch.as_tensor(labels), classes).permute(2, 0, 1).float()


def test_contours_of_a_checkerboard_a_constant_and_a_ramp():
    right, down = contour_transform(one_hot(np.indices((4, 5)).sum(axis=0) % 2))
    assert (right == 1).all()
    assert (down == 1).all()
    right, down = contour_transform(one_hot(np.zeros((4, 5), int)))
    assert (right == 0).all()
    assert (down == 0).all()
    p = torch.tensor([0.0, 0.25, 1.0])
    right, _ = contour_transform(torch.stack([p, 1 - p])[:, None])
    np.testing.assert_allclose(right[0], [1 - 0.75, 1 - 0.25])
    uniform, _ = contour_transform(torch.full((4, 1, 2), 0.25))
    assert uniform.item() == 0.75


def four_colour(regions):
    """Colour a planar label map with 4 classes by backtracking; return class per region."""
    touching = {
        (a, b)
        for p, q in ((regions[:, :-1], regions[:, 1:]), (regions[:-1], regions[1:]))
        for a, b in zip(p.ravel().tolist(), q.ravel().tolist(), strict=True)
        if a != b
    }
    touching |= {(b, a) for a, b in touching}
    count = regions.max() + 1
    colours = [-1] * count

    def place(r):
        if r == count:
            return True
        for c in range(4):
            if all(colours[o] != c for o in range(r) if (r, o) in touching):
                colours[r] = c
                if place(r + 1):
                    return True
        colours[r] = -1
        return False

    assert place(0)
    return np.array(colours)


def test_four_classes_hold_any_planar_map(random):
    """One head can have all contours of a map of many regions: those of a random Voronoi diagram."""
    sites = random.uniform(0, 24, (14, 2))
    y, x = np.mgrid[:24, :24]
    regions = ((y[..., None] - sites[:, 0]) ** 2 + (x[..., None] - sites[:, 1]) ** 2).argmin(axis=2)
    regions = np.unique(regions, return_inverse=True)[1].reshape(regions.shape)
    right, down = contour_transform(one_hot(four_colour(regions)[regions]))
    np.testing.assert_array_equal(right, regions[:, :-1] != regions[:, 1:])
    np.testing.assert_array_equal(down, regions[:-1] != regions[1:])


def test_losses_equal_numpy(random):
    a, b = random.rand(3, 4, 5), random.rand(3, 4, 5)
    total = 0.0
    for i, j in zip(a.ravel(), b.ravel(), strict=True):
        total += (i - j) ** 2
    assert losses.reconstruction_loss(torch.tensor(a), torch.tensor(b)).item() == pytest.approx(total / a.size)

    logits = random.randn(6, 4, 4)
    total = 0.0
    for head in logits:
        for seed in range(4):
            total -= np.log(np.exp(head[seed, seed]) / np.exp(head[seed]).sum())
    assert losses.seed_loss(torch.tensor(logits)).item() == pytest.approx(total / 24)

    contours = random.rand(6, 10)
    total = 0.0
    for p in range(10):
        mean = sum(contours[:, p]) / 6
        total += sum(abs(contours[n, p] - mean) for n in range(6))
    assert losses.distillation_loss(torch.tensor(contours)).item() == pytest.approx(total / 60)

    total = sum(abs(i - j) for i, j in zip(contours[0], contours[1], strict=True))
    found = losses.matching_loss(torch.tensor(contours[0]), torch.tensor(contours[1]))
    assert found.item() == pytest.approx(total / 10)


def test_the_mean_contours_are_detached():
    """With the mean a constant, the gradient at each head is the sign alone; through the mean it would not be."""
    contours = torch.tensor([[0.0], [0.2], [1.0]], requires_grad=True)
    losses.distillation_loss(contours).backward()
    np.testing.assert_allclose(contours.grad, np.array([[-1], [-1], [1]]) / 3)
    mean = torch.tensor([0.5], requires_grad=True)
    final = torch.tensor([0.1], requires_grad=True)
    losses.matching_loss(final, mean).backward()
    assert mean.grad is None
    assert final.grad.item() == -1


def test_centre_keeps_the_retention():
    logits = torch.tensor([[1.0, 3.0], [3.0, 5.0]], requires_grad=True)
    centre = losses.centre_update(torch.tensor([10.0, 0.0]), logits, 0.2)
    np.testing.assert_allclose(centre, [0.2 * 10 + 0.8 * 2, 0.8 * 4], rtol=1e-6)
    assert not centre.requires_grad
    assert HeadsConfig().retention == 0.2


def test_head_losses_do_not_reach_the_field():
    field = Field(12, 16, FIELD, [noise()])
    output = field()  # with its graph
    heads = Heads(8, 12, 16, 4, SMALL, [noise()])
    assert not heads.reaches_field  # so the loop detaches what they see
    heads(output.detach(), 4).sum().backward()
    assert all(p.grad is None for p in field.parameters())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in heads.parameters())
    losses.reconstruction_loss(output.colours, target(12, 16)[None]).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in field.parameters())


def test_sparse_distillation_estimates_the_whole():
    rows = standardise(torch.randn(1, 6, 21, 17, generator=noise()))
    whole = Heads(6, 21, 17, 1, replace(SMALL, pairs=0), [noise(3)])
    sparse = Heads(6, 21, 17, 1, replace(SMALL, pairs=50), [noise(3)])
    for heads in (whole, sparse):
        heads.weight.data.mul_(100)
    one = losses.distillation_loss(whole.contours(rows))
    many = torch.stack([losses.distillation_loss(sparse.contours(rows)) for _ in range(300)])
    assert abs(many.mean() - one) < 4 * many.std() / 300**0.5
    assert whole.contours(rows).shape == (1, 5, 21 * 16 + 20 * 17)
    assert sparse.contours(rows).shape == (1, 5, 50)


def test_neighbours_are_those_of_the_transform():
    soft = torch.softmax(torch.randn(4, 6, 5, generator=noise()), dim=0)
    first, second = neighbours(6, 5, torch.device("cpu"))
    flat = soft.flatten(1)
    right, down = contour_transform(soft)
    contours = 1 - (flat[:, first] * flat[:, second]).sum(dim=0)
    np.testing.assert_allclose(contours, torch.cat([right.flatten(), down.flatten()]), atol=1e-6)


def test_distillation_brings_heads_together():
    features = torch.randn(1, 6, 20, 20, generator=noise())

    def spread(weight):
        config = replace(SMALL, distillation=weight, head_iterations=60)
        right, _ = contour_transform(fit_heads(features, config, [noise(4)])[0])
        return losses.distillation_loss(right.flatten(1)).item()

    assert spread(20.0) < 0.8 * spread(0.0)


def test_seeds_are_learnt():
    rows = standardise(torch.randn(1, 8, 30, 30, generator=noise()))
    heads = Heads(8, 30, 30, 200, SMALL, [noise(5)], rows)
    fit(None, [heads], None, 200)
    soft = heads.segmentations()[0].flatten(2)  # (N, m, H W)
    at_seeds = [soft[n, i, seed] for n, seeds in enumerate(heads.seeds[0]) for i, seed in enumerate(seeds)]
    assert torch.stack(at_seeds).mean() > 0.8


@pytest.mark.parametrize("layers", [3, 4])
def test_field_has_the_thesis_layers(layers):
    field = Field(21, 17, replace(FIELD, layers=layers, filters=6, octaves=0), [noise()])
    _, _, rows, columns = field.code.shape
    sizes, planes = [], field.code
    with torch.no_grad():
        for block in field.blocks:
            planes = block(planes)
            sizes.append(tuple(planes.shape[2:]))
    halvings = [*range(layers), *range(layers - 2, -1, -1)]
    assert sizes == [(rows // 2**k, columns // 2**k) for k in halvings]
    assert {tuple(block.weight.shape[2:]) for block in field.blocks} == {(3, 3)}
    features, colours = field()
    assert features.shape == (1, 6, 21, 17)
    assert colours.shape == (1, 3, 21, 17)


def test_coordinates_are_square_and_centred():
    grid = coordinates(3, 5, 1, 4, torch.device("cpu"))[0]
    assert grid.shape == (2 + 4, 8, 8)
    np.testing.assert_allclose(grid[0, 0, :5], [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_allclose(grid[1, :3, 0], [-0.5, 0, 0.5])
    np.testing.assert_allclose(grid[2:4], np.sin(np.pi * grid[:2].numpy()), atol=1e-6)
    np.testing.assert_allclose(grid[4:6], np.cos(np.pi * grid[:2].numpy()), atol=1e-6)


def test_fitting_lowers_the_loss_and_reports_it():
    seen = []
    fit_fields(target()[None], FIELD, [noise()], progress=lambda *call: seen.append(call))
    assert [call[:2] for call in seen] == [(i, 12) for i in range(1, 13)]
    assert seen[-1][2] < 0.5 * seen[0][2]


def test_final_head_finds_the_two_halves():
    """Contours of the mean that say where the halves part: the final head has one class left, another right."""
    config = HeadsConfig(sharpness=8.0, final_iterations=200, centring=True)
    features = target()
    soft = one_hot((features[2] > 0).long())[None, None]  # one head that has the contours
    labels = fit_final_head(features[None], soft, config, [noise()])[0].argmax(dim=0)
    assert len(labels[:, :8].unique()) == 1
    assert len(labels[:, 8:].unique()) == 1
    assert labels[0, 0] != labels[0, -1]

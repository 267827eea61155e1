import numpy as np
import pytest
from contourbench.baselines.grid_graph import ends, half_stencil, link_ends, link_matrix, starts


def test_a_half_stencil_has_one_of_every_opposite_pair():
    assert set(half_stencil(2)) == {(0, 1), (0, 2), (1, -1), (1, 0), (1, 1), (2, 0)}
    steps = half_stencil(5)
    assert len(steps) == len({*steps, *((-down, -across) for down, across in steps)}) / 2 == 40


@pytest.mark.parametrize("shape", [(4, 5), (1, 7), (7, 1), (1, 1), (3, 3)])
def test_links_are_those_of_the_stencil_one_by_one(random, shape):
    steps, (h, w) = half_stencil(3), shape
    planes = random.rand(len(steps), h, w).astype(np.float32)
    expected = np.zeros((h * w, h * w), np.float32)
    for plane, (down, across) in zip(planes, steps, strict=True):
        for y in range(h):
            for x in range(w):
                if y + down < h and 0 <= x + across < w:
                    a, b = y * w + x, (y + down) * w + x + across
                    expected[a, b] = expected[b, a] = plane[y, x]
    weights = [plane[starts(shape, step)] for plane, step in zip(planes, steps, strict=True)]
    matrix = link_matrix(weights, steps, shape)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix.toarray(), expected)


@pytest.mark.parametrize("step", half_stencil(3))
def test_both_ends_of_a_link_are_a_step_apart(step):
    shape = (3, 4)
    near, far = link_ends(shape, step)
    apart = np.subtract(np.divmod(far, 4), np.divmod(near, 4))
    np.testing.assert_array_equal(apart, np.repeat(np.array(step)[:, np.newaxis], len(near), axis=1))
    assert np.zeros(shape)[ends(shape, step)].size == len(near)


def test_a_grid_of_one_node_has_no_links():
    assert link_matrix([], [], (1, 1)).toarray() == 0

"""Graphs on a grid of pixels whose links all follow one stencil, as sparse matrices.

Pixel (i, j) of an (h, w) grid is node ``i * w + j``. A stencil is a list of steps (down, across), one of every opposite
pair and none leading up: the links are undirected.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Step = tuple[int, int]


def half_stencil(radius: float) -> list[Step]:
    """Return the steps of at most ``radius``, one of every opposite pair, without (0, 0).

    Examples
    --------
    >>> half_stencil(1)
    [(0, 1), (1, 0)]
    >>> half_stencil(1.5)
    [(0, 1), (1, -1), (1, 0), (1, 1)]
    """
    reach = range(-int(radius), int(radius) + 1)
    steps = [(down, across) for down in reach for across in reach if down**2 + across**2 <= radius**2]
    return [step for step in steps if step > (0, 0)]


def starts(shape: tuple[int, int], step: Step) -> tuple[slice, slice]:
    """Return the pixels of an (h, w) grid from which ``step`` does not lead out of it, as an index."""
    (h, w), (down, across) = shape, step
    return np.s_[: max(0, h - down), max(0, -across) : max(0, min(w, w - across))]


def ends(shape: tuple[int, int], step: Step) -> tuple[slice, slice]:
    """Return the pixels to which ``step`` leads from `starts`, in the same order, as an index."""
    (h, w), (down, across) = shape, step
    return np.s_[min(h, down) :, max(0, across) : max(0, min(w, w + across))]


def link_ends(shape: tuple[int, int], step: Step) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the nodes at both ends of the links that follow one step, (n,) each.

    Examples
    --------
    >>> link_ends((2, 3), (1, -1))
    (array([1, 2], dtype=int32), array([3, 4], dtype=int32))
    """
    number = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
    return number[starts(shape, step)].ravel(), number[ends(shape, step)].ravel()


def link_matrix(
    weights: Sequence[NDArray[np.floating]], steps: Sequence[Step], shape: tuple[int, int]
) -> sparse.csr_array:
    """Return the weights of all links as a symmetric matrix.

    Parameters
    ----------
    weights : sequence of float arrays
        One per step: the weights of its links, of as many pixels as `starts` has, in that order.
    steps : sequence of (down, across)
        The stencil.
    shape : (h, w)
        Of the grid.

    Returns
    -------
    (h * w, h * w) CSR array, symmetric, with an empty diagonal
        Of the type of the weights. Links of weight 0 are kept.

    Examples
    --------
    >>> import numpy as np
    >>> link_matrix([np.array([5.0, 7.0])], [(0, 1)], (1, 3)).toarray()
    array([[0., 5., 0.],
           [5., 0., 7.],
           [0., 7., 0.]])
    """
    nodes = shape[0] * shape[1]
    if not steps:
        return sparse.csr_array((nodes, nodes))
    pairs = [link_ends(shape, step) for step in steps]
    near, far = (np.concatenate(side) for side in zip(*pairs, strict=True))
    values = np.concatenate([np.ravel(plane) for plane in weights])
    upper = sparse.coo_array((values, (near, far)), shape=(nodes, nodes))
    return (upper + upper.T).tocsr()

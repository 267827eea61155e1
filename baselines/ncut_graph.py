"""The multi-scale pixel graph of normalised cuts, with intervening contours as its affinity.

Cour, Bénézit & Shi, "Spectral segmentation with multiscale graph decomposition", CVPR 2005: short links on a fine grid,
the same short links between 3x3 blocks of it, between 3x3 blocks of those, and so on, so that far pixels are linked at
little cost. A variable of a coarse grid is constrained to be the mean of its block. Two nodes are alike unless a
contour lies between them: Leung & Malik, "Contour continuity in region based image segmentation", ECCV 1998.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from .grid_graph import half_stencil, link_matrix

# Three grids; a link's reach in grid steps of its own grid, and its weight. A coarse link stands for many fine ones;
# of 1, 3 and 5 times the weight from grid to grid, 3 has the best ODS on train.
RADII = (2, 3, 4)
WEIGHTS = (1.0, 3.0, 9.0)
BLOCK = 3
# Added between direct neighbours, so that no node is cut off: eigenvalue 1 would be as many times repeated.
LEAST_LINK = 1e-3


class MultiscaleGraph(NamedTuple):
    """Affinities of every grid and how the grids hang together.

    ``shape`` is that of the finest grid, (h, w). ``affinities`` has a symmetric CSR array per grid, not negative, with
    an empty diagonal; ``means`` has one CSR array from each grid to the next coarser, whose rows average a block.
    """

    shape: tuple[int, int]
    affinities: tuple[sparse.csr_array, ...]
    means: tuple[sparse.csr_array, ...]


def multiscale_graph(edges: NDArray[np.floating], side: int, scale: float) -> MultiscaleGraph:
    """Link a grid over the image, and its coarser ones, wherever no contour intervenes.

    Parameters
    ----------
    edges : (H, W) float array
        Contour strength, not negative.
    side : int
        Nodes along the image's longer side on the finest grid; an image smaller than that has one node per pixel.
    scale : float
        Strength of a contour that weakens a link across it to 1/e.

    Returns
    -------
    MultiscaleGraph
        Node (i, j) of the finest grid is number ``i * w + j`` and lies in the middle of its share of the image.
    """
    cell = max(1.0, max(edges.shape) / side)
    shape = int(np.ceil(edges.shape[0] / cell)), int(np.ceil(edges.shape[1] / cell))
    rows, cols = (grid_positions(n, full) for n, full in zip(shape, edges.shape, strict=True))
    affinities, means = [], []
    for level, (radius, weight) in enumerate(zip(RADII, WEIGHTS, strict=True)):
        if level > 0:
            over_rows, over_cols = block_means(len(rows)), block_means(len(cols))
            rows, cols = over_rows @ rows, over_cols @ cols
            if len(rows) * len(cols) == 1:
                break  # a grid of one node has no links
            means.append(sparse.csr_array(sparse.kron(over_rows, over_cols)))
        affinities.append(weight * contour_affinity(edges, rows, cols, radius, scale))
    return MultiscaleGraph(shape, tuple(affinities), tuple(means))


def grid_positions(n: int, full: int) -> NDArray[np.float64]:
    """Return where ``n`` nodes lie along ``full`` pixels, each in the middle of an equal share: (n,) in pixels."""
    return (np.arange(n) + 0.5) * full / n - 0.5


def block_means(n: int) -> sparse.csr_array:
    """Return the (ceil(n / 3), n) array that averages every three in a row; the last block may be smaller."""
    block = np.arange(n) // BLOCK
    return sparse.csr_array((1 / np.bincount(block)[block], (block, np.arange(n))))


def contour_affinity(
    edges: NDArray[np.floating], rows: NDArray[np.float64], cols: NDArray[np.float64], radius: float, scale: float
) -> sparse.csr_array:
    """Return ``exp(-(m / scale)**2)`` for nodes within ``radius``, m being the strongest contour between them.

    Parameters
    ----------
    edges : (H, W) float array
        Contour strength, not negative.
    rows, cols : (h,), (w,) float arrays
        Where the grid's nodes lie, in pixels.
    radius : float
        Longest link, in grid steps.
    scale : float
        Strength that weakens a link to 1/e.

    Returns
    -------
    (h * w, h * w) CSR array, symmetric, with an empty diagonal
        Direct neighbours have ``LEAST_LINK`` more.

    Notes
    -----
    The line from node to node is sampled at the pixels nearest to equally spaced points, both ends included, at most
    a pixel apart along its steeper axis.
    """
    h, w = len(rows), len(cols)
    steps = [(down, across) for down, across in half_stencil(radius) if down < h and abs(across) < w]
    weights = []
    for down, across in steps:
        crossed = _strongest_between(edges, rows, cols, down, across)
        weights.append(np.exp(-((crossed / scale) ** 2)) + LEAST_LINK * (down + abs(across) == 1))
    return link_matrix(weights, steps, (h, w))


@njit(cache=True, nogil=True)
def _strongest_between(
    edges: NDArray[np.floating], rows: NDArray[np.float64], cols: NDArray[np.float64], down: int, across: int
) -> NDArray[np.float64]:
    """Largest value of ``edges`` on the line from each node to that ``down`` and ``across`` of it, where both exist."""
    first = max(0, -across)
    n_rows, n_cols = len(rows) - down, len(cols) - abs(across)
    strongest = np.zeros((n_rows, n_cols))
    for i in range(n_rows):
        for j in range(n_cols):
            y, x = rows[i], cols[first + j]
            d_y, d_x = rows[i + down] - y, cols[first + j + across] - x
            steps = max(1, int(np.ceil(max(abs(d_y), abs(d_x)))))
            for t in range(steps + 1):
                value = edges[int(y + d_y * t / steps + 0.5), int(x + d_x * t / steps + 0.5)]
                strongest[i, j] = max(strongest[i, j], value)
    return strongest

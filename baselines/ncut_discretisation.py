"""From eigenvectors to regions: the rotation that brings them nearest to a partition.

Yu & Shi, "Multiclass spectral clustering", ICCV 2003: any rotation of the first k eigenvectors is as good a relaxed
solution as they are. The nearest partition for a given rotation is the largest entry of every row, the nearest rotation
for a given partition is a polar factor; the two alternate.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

ROUNDS = 10


def discretise(vectors: NDArray[np.floating], rounds: int = ROUNDS) -> NDArray[np.float32]:
    """Rotate eigenvectors to the nearest partition.

    Parameters
    ----------
    vectors : (n, k) float array
        The first k eigenvectors of a normalised cut, k >= 1, the constant one among them.
    rounds : int
        Most alternations; it stops as soon as the partition repeats.

    Returns
    -------
    (n, k) float32 array
        Rotated rows of length at most 1: row i belongs to the cluster of its largest entry, and near 1 it does so
        clearly. A cluster may be empty.

    Examples
    --------
    >>> import numpy as np
    >>> parts = np.array([[1, 0], [1, 0], [0, 1]])
    >>> turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    >>> discretise(parts @ turn).argmax(axis=1)
    array([0, 0, 1])
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)
    n, k = rows.shape
    rotation = _spread_rows(rows)
    previous = None
    for _ in range(rounds):
        labels = np.argmax(rows @ rotation, axis=1)
        if previous is not None and np.array_equal(labels, previous):
            break
        previous = labels
        members = sparse.csr_array((np.ones(n, np.float32), (labels, np.arange(n))), shape=(k, n))
        left, _, right = np.linalg.svd(members @ rows)
        rotation = (left @ right).T
    return rows @ rotation


def _spread_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return k rows as columns (k, k), each as orthogonal as there is to those before, starting in the middle."""
    n, k = rows.shape
    chosen = np.empty((k, k), np.float32)
    chosen[:, 0] = rows[n // 2]
    overlap = np.zeros(n, np.float32)
    for j in range(1, k):
        overlap += np.abs(rows @ chosen[:, j - 1])
        chosen[:, j] = rows[np.argmin(overlap)]
    return chosen


def enlarged_labels(
    scores: NDArray[np.float32], shape: tuple[int, int], full_shape: tuple[int, int]
) -> NDArray[np.int32]:
    """Return the cluster of the largest score at each pixel of the image, scores being interpolated bilinearly.

    Parameters
    ----------
    scores : (h * w, k) float32 array
        Per node of a grid over the image, as from `discretise`.
    shape : (h, w)
        Of the grid; every node lies in the middle of an equal share of the image.
    full_shape : (H, W)
        Of the image.

    Returns
    -------
    (H, W) int32 array
        Labels 0 … n - 1, all used, n at most k; in the order of the columns. The first of equal scores wins.
    """
    grid = np.ascontiguousarray(scores.reshape(*shape, -1))
    winners = _interpolated_argmax(grid, *full_shape)
    _, labels = np.unique(winners, return_inverse=True)
    return labels.reshape(full_shape).astype(np.int32)


@njit(cache=True, nogil=True)
def _interpolated_argmax(grid: NDArray[np.float32], height: int, width: int) -> NDArray[np.int32]:
    h, w, k = grid.shape
    winners = np.empty((height, width), np.int32)
    for y in range(height):
        row = min(max((y + 0.5) * h / height - 0.5, 0.0), h - 1.0)
        top = int(row)
        bottom, down = min(top + 1, h - 1), np.float32(row - top)
        for x in range(width):
            col = min(max((x + 0.5) * w / width - 0.5, 0.0), w - 1.0)
            left = int(col)
            right, across = min(left + 1, w - 1), np.float32(col - left)
            best, winner = np.float32(-np.inf), 0
            for c in range(k):
                upper = grid[top, left, c] + across * (grid[top, right, c] - grid[top, left, c])
                lower = grid[bottom, left, c] + across * (grid[bottom, right, c] - grid[bottom, left, c])
                value = upper + down * (lower - upper)
                if value > best:
                    best, winner = value, c
            winners[y, x] = winner
    return winners

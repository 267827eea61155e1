"""Boundaries of segmentations, at image size."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .validation import check_labels


def label_boundaries(labels: ArrayLike) -> NDArray[np.bool_]:
    """Return the boundary pixels of a label map, as the official ``seg2bdry(labels, 'imageSize')`` places them.

    Parameters
    ----------
    labels : (H, W) integer array
        One whole number per region.

    Returns
    -------
    (H, W) bool array
        True where the pixel, its right, its lower and its lower right neighbour are not all in one region.

    Raises
    ------
    ValueError
        If ``labels`` is not two-dimensional, is empty, or holds fractions.

    Examples
    --------
    >>> label_boundaries([[1, 1, 2], [1, 1, 2], [3, 3, 3]]).astype(int)
    array([[0, 1, 0],
           [1, 1, 1],
           [0, 0, 0]])
    """
    block = np.pad(check_labels(labels), ((0, 1), (0, 1)), mode="edge")
    here = block[:-1, :-1]
    return (here != block[:-1, 1:]) | (here != block[1:, :-1]) | (here != block[1:, 1:])

"""Thinning of binary contour maps to one-pixel lines.

The algorithm of Lam, Lee & Suen, "Thinning methodologies", PAMI 1992, p. 879 (due to Guo & Hall, 1989), which is what
MATLAB's ``bwmorph(mask, 'thin', Inf)`` and ``skimage.morphology.thin`` compute: two sub-iterations alternate, each
deleting at once all the pixels that meet its conditions, until neither deletes anything.
"""

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from .validation import check_mask

# Neighbours x1 … x8: east first, then counter-clockwise, as (row, column) steps. Bit i of a code is x(i+1).
_STEPS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))


def thin(mask: ArrayLike) -> NDArray[np.bool_]:
    """Thin a binary map until nothing changes.

    Parameters
    ----------
    mask : (H, W) bool array
        Contour pixels; left unchanged.

    Returns
    -------
    (H, W) bool array
        A subset of ``mask``, with the same pixels as ``skimage.morphology.thin``.

    Raises
    ------
    ValueError
        If ``mask`` is not two-dimensional or holds values other than 0 and 1.

    References
    ----------
    Lam, Lee & Suen, "Thinning methodologies: a comprehensive survey", PAMI 1992, p. 879; Guo & Hall, "Parallel thinning
    with two-subiteration algorithms", Communications of the ACM 1989.

    Examples
    --------
    >>> import numpy as np
    >>> thin(np.ones((3, 5), bool)).astype(int)
    array([[0, 0, 0, 0, 0],
           [0, 1, 1, 1, 0],
           [0, 0, 0, 0, 0]])
    """
    mask = check_mask(mask)
    padded = np.pad(mask, 1).astype(np.uint8, order="C")
    _thin_padded(padded, _DELETABLE)
    return padded[1:-1, 1:-1].astype(bool)


def _deletable(code: int, second: bool) -> bool:
    """Conditions G1, G2 and G3 (or G3') of the paper for one neighbourhood code."""
    x = [(code >> i) & 1 for i in range(8)] + [code & 1]  # x[0] is the paper's x1, x[8] wraps around to it
    crossings = sum(not x[2 * k] and (x[2 * k + 1] or x[2 * k + 2]) for k in range(4))
    n1 = sum(x[2 * k] | x[2 * k + 1] for k in range(4))
    n2 = sum(x[2 * k + 1] | x[2 * k + 2] for k in range(4))
    here, beside, ahead, behind = (4, 5, 6, 3) if second else (0, 1, 2, 7)
    blocked = x[here] and (x[beside] or x[ahead] or not x[behind])
    return crossings == 1 and 2 <= min(n1, n2) <= 3 and not blocked


_DELETABLE = np.array([[_deletable(code, second) for code in range(256)] for second in (False, True)])


@njit(cache=True, nogil=True)
def _thin_padded(padded: NDArray[np.uint8], deletable: NDArray[np.bool_]) -> None:
    """Thin a zero-padded uint8 map in place.

    A pixel that survived a sub-iteration survives it again until a neighbour goes, so each sub-iteration looks only
    at its own queue: at first all pixels, later the neighbours of deleted ones.
    """
    width = padded.shape[1]
    flat = padded.reshape(-1)
    steps = np.array([d_row * width + d_col for d_row, d_col in _STEPS])
    pixels = np.flatnonzero(flat)
    queues = np.empty((2, pixels.size), np.int64)
    queues[0], queues[1] = pixels, pixels
    sizes = np.array([pixels.size, pixels.size])
    queued = np.zeros((2, flat.size), np.bool_)
    for p in pixels:
        queued[0, p] = queued[1, p] = True
    doomed = np.empty(pixels.size, np.int64)
    half = 0
    while sizes[0] > 0 or sizes[1] > 0:
        n_doomed = 0
        for i in range(sizes[half]):
            p = queues[half, i]
            queued[half, p] = False
            if flat[p]:
                code = 0
                for bit in range(8):
                    code |= flat[p + steps[bit]] << bit
                if deletable[half, code]:
                    doomed[n_doomed] = p
                    n_doomed += 1
        sizes[half] = 0
        for i in range(n_doomed):
            flat[doomed[i]] = 0
        for i in range(n_doomed):
            for bit in range(8):
                q = doomed[i] + steps[bit]
                if flat[q]:
                    for h in range(2):
                        if not queued[h, q]:
                            queued[h, q] = True
                            queues[h, sizes[h]] = q
                            sizes[h] += 1
        half = 1 - half

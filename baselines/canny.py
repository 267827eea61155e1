"""Canny's edge detector as one soft map that holds its result at every threshold."""

from heapq import heapify, heappop, heappush

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from ..eval.suppression import suppress
from .gradient import image_gradient

# Gradient, as a fraction of that at a straight black-white step, at which the map reaches 1.
FULL_RESPONSE = 0.85


def canny(image: ArrayLike, sigma: float = 2.5, ratio: float = 0.4) -> NDArray[np.float32]:
    """Canny: Gaussian smoothing, gradient, non-maximum suppression, hysteresis.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; the grey image is used.
    sigma : float
        Standard deviation of the Gaussian, in pixels; of 2, 2.5, 3 and 3.5 the default has the best
        OIS and AP on BSDS500 train, and an ODS within .002 of the best.
    ratio : float
        Low threshold as a fraction of the high one, in (0, 1].

    Returns
    -------
    (H, W) float32 array in [0, 1]
        ``map >= t`` is Canny's edge map with high threshold ``0.85 t`` and low threshold ``ratio * 0.85 t``, where 1
        is the gradient at a straight step from black to white.

    Raises
    ------
    ValueError
        If ``image`` is not (H, W, 3) uint8, ``sigma`` is negative or ``ratio`` not in (0, 1].

    References
    ----------
    Canny, "A computational approach to edge detection", PAMI 1986.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((4, 6, 3), np.uint8)
    >>> image[:, 3:] = 255
    >>> canny(image, sigma=1)[0]
    array([0., 0., 1., 1., 0., 0.], dtype=float32)
    """
    gradient = image_gradient(image, sigma)
    thin = suppress(gradient.magnitude, gradient.direction)
    return np.minimum(hysteresis_levels(thin / FULL_RESPONSE, ratio), 1).astype(np.float32)


def hysteresis_levels(strength: ArrayLike, ratio: float) -> NDArray[np.float64]:
    """Return for each pixel the largest high threshold at which hysteresis keeps it; 0 where it never does.

    Parameters
    ----------
    strength : (H, W) float array
        Suppressed gradient magnitude, not negative.
    ratio : float
        Low threshold over high threshold, in (0, 1].

    Returns
    -------
    (H, W) float64 array
        Between ``strength`` and ``strength / ratio``.

    Notes
    -----
    At high threshold t a pixel stays if an 8-connected path of pixels of at least ``ratio * t`` leads from it to one
    of at least t. Its level is therefore the best, over all paths to any seed, of the smaller of the seed's strength
    and the path's least ``strength / ratio``: a widest-path problem, solved by flooding from the strongest seeds down.
    """
    if not 0 < ratio <= 1:
        raise ValueError(f"ratio: {ratio!r}, expected a low over high threshold in (0, 1]")
    return _flood(np.pad(np.asarray(strength, np.float64), 1), ratio)[1:-1, 1:-1]


@njit(cache=True, nogil=True)
def _flood(strength: NDArray[np.float64], ratio: float) -> NDArray[np.float64]:
    """Dijkstra with minimum in place of sum, from every pixel as a seed of its own strength; the border is zero."""
    width = strength.shape[1]
    steps = (-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1)
    flat = strength.ravel()
    level = flat.copy()
    heap = [(-level[p], p) for p in np.flatnonzero(flat)]
    heapify(heap)
    while len(heap) > 0:
        negative, p = heappop(heap)
        if -negative < level[p]:
            continue
        for step in steps:
            q = p + step
            kept_at = min(level[p], flat[q] / ratio)
            if kept_at > level[q]:
                level[q] = kept_at
                heappush(heap, (-kept_at, q))
    return level.reshape(strength.shape)

"""Textons: what the texture around a pixel is like, learnt from the image itself.

Malik, Belongie, Leung & Shi, "Contour and texture analysis for image segmentation", IJCV 2001, section 2: responses to
oriented filters, clustered; a pixel's texton is its cluster. Half discs whose histograms of textons differ have other
textures (Martin, Fowlkes & Malik, PAMI 2004, section 3.3).
"""

import math
import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from .orientations import normals

# Responses are compressed as the eye compresses contrast (Malik et al. 2001, section 2.1, after Weber), on this scale.
CONTRAST = 0.03
# Pixels whose responses are clustered, drawn at random, and rounds of k-means.
SAMPLE = 6000
ROUNDS = 15


def textons(lightness: NDArray[np.floating], count: int, sigma: float, seed: int) -> NDArray[np.int64]:
    """Return the texton of every pixel.

    Parameters
    ----------
    lightness : (H, W) float array
        L of CIE L*a*b*, in [0, 100].
    count : int
        How many textons the image has.
    sigma : float
        Scale of the filters across their orientation, in pixels; along it they are twice as long.
    seed : int
        Of the pixels that are clustered and of the clusters' start.

    Returns
    -------
    (H, W) int64 array below ``count``

    Raises
    ------
    ValueError
        If ``lightness`` is not two-dimensional, ``count`` is below 1 or ``sigma`` not positive.

    References
    ----------
    Malik, Belongie, Leung & Shi, "Contour and texture analysis for image segmentation", IJCV 2001, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> lightness = np.full((12, 24), 50.0)
    >>> lightness[:, 12:] += 40 * (np.arange(12) // 2 % 2)  # stripes on the right
    >>> labels = textons(lightness, count=3, sigma=1.0, seed=0)
    >>> len(np.unique(labels[:, :12])), len(np.unique(labels[:, 15:]))
    (1, 3)
    """
    if lightness.ndim != 2:
        raise ValueError(f"lightness: shape {lightness.shape}, expected (H, W), L of CIE L*a*b*")
    if count < 1:
        raise ValueError(f"count: {count!r}, expected 1 or more textons")
    if not sigma > 0:
        raise ValueError(f"sigma: {sigma!r}, expected a scale in pixels above 0")
    responses = filter_responses(lightness / 100, sigma)  # (H, W, 17)
    rows = responses.reshape(-1, responses.shape[2])
    random = np.random.RandomState(seed)
    chosen = rows[random.choice(len(rows), min(SAMPLE, len(rows)), replace=False)]
    start = chosen[random.choice(len(chosen), min(count, len(chosen)), replace=False)]
    with warnings.catch_warnings():  # of empty clusters, which an image with few textures has, and which do no harm
        warnings.simplefilter("ignore", UserWarning)
        centres, _ = kmeans2(chosen, start, iter=ROUNDS, minit="matrix")
    distances = (centres**2).sum(axis=1) - 2 * rows @ centres.T  # but for the length of the row itself
    return distances.argmin(axis=1).reshape(lightness.shape)


def filter_responses(lightness: NDArray[np.floating], sigma: float) -> NDArray[np.float32]:
    """Return the compressed responses to `filter_bank` of a map in [0, 1]: (H, W) to (H, W, 17)."""
    from scipy.signal import fftconvolve  # half a second to import, for few

    margin = math.ceil(6 * sigma)
    padded = np.pad(lightness, margin, mode="symmetric")
    planes = [fftconvolve(padded, kernel, mode="same") for kernel in filter_bank(sigma)]
    responses = np.stack(planes, axis=-1)[margin:-margin, margin:-margin].astype(np.float32)
    length = np.linalg.norm(responses, axis=2, keepdims=True)
    # Where nothing varies, rounding does, and would be clustered.
    scale = np.where(length > 1e-5, np.log1p(length / CONTRAST) / np.maximum(length, 1e-5), 0)
    return responses * scale.astype(np.float32)


def filter_bank(sigma: float) -> list[NDArray[np.float64]]:
    """Return 17 kernels of sum 0 and absolute sum 1: bars and edges in 8 orientations, a spot."""
    reach = math.ceil(6 * sigma)
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernels = []
    for angle in normals():
        across = (dx * math.cos(angle) + dy * math.sin(angle)) / sigma
        along = (dy * math.cos(angle) - dx * math.sin(angle)) / (2 * sigma)
        envelope = np.exp(-(across**2 + along**2) / 2)
        kernels += [(across**2 - 1) * envelope, across * envelope]
    squared = dx**2 + dy**2
    narrow, wide = (np.exp(-squared / (2 * s**2)) / s**2 for s in (sigma, 1.5 * sigma))
    kernels.append(narrow - wide)
    centred = [kernel - kernel.mean() for kernel in kernels]
    return [kernel / np.abs(kernel).sum() for kernel in centred]

"""Crisp boundaries by pointwise mutual information.

Isola, Zoran, Krishnan & Adelson, "Crisp boundary detection using pointwise mutual information", ECCV 2014: learn from
one image which features go together (`pmi_density`), cut the graph of those that do (`pmi_spectrum`), thin. Written
from the paper; what it leaves open is as in the authors' code, github.com/phillipi/crisp-boundaries, whose setting
"accurate_low_res" – one scale, half size, kernels of fixed width – has the best scores of those that they list.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.transform import resize

from ..eval.hierarchy import Hierarchy
from ..eval.oriented import thin_oriented
from .colour import check_image
from .ncut_graph import half_disc
from .owt_ucm import owt_ucm
from .pmi_density import colour_features, learn_density, log_mutual_information, variance_features
from .pmi_spectrum import ORIENTATIONS, cut_eigenvectors, spectral_contour

# Spectral contour at which the map reaches 1: one in two thousand pixels that survive thinning does, on val. The map is
# its root, which spreads the many small ones. It hardly depends on the number of eigenvectors: later ones add little.
FULL_RESPONSE = 110.0
# Part of the image's height, along its border, within which contours that run beside the border fade.
BORDER = 0.03


def pmi(
    image: ArrayLike,
    factor: int = 2,
    vectors: int = 100,
    kernels: int = 5000,
    bandwidth: float | None = 0.05,
    rho: float = 1.25,
    radius: float = 5.0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Boundaries between features that rarely occur side by side in this image, non-maxima suppressed.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    factor : int
        The image is worked on at 1 / ``factor`` of its size; 1 is full resolution.
    vectors : int
        Eigenvectors after the constant one.
    kernels : int
        Pairs of pixels, drawn from the image, whose features make up the density; of these, those that leave the
        image are dropped.
    bandwidth : float or None
        Half width of a kernel, as a fraction of the features' range; None fits it to the image, in each channel.
    rho : float
        Power of the joint density.
    radius : float
        Longest link between pixels, in pixels of the working resolution.
    seed : int
        Of the pairs drawn and of the eigensolver's start.

    Returns
    -------
    (H, W) float32 array in [0, 1]
        Root of the largest, over eight directions, of the `spectral_contour`, in 110ths. 0 on a constant image.

    Raises
    ------
    ValueError
        If ``image`` is not (H, W, 3) uint8, or a parameter is out of range.

    Notes
    -----
    Features are scaled to the range that they have in the image, as published: a faint image counts like a strong one.

    The paper has three scales under a common constraint and 10,000 kernels whose width is fitted; its authors' later
    figures are no better with them. They evaluate the density approximately and regress it by trees; here it is exact.
    They score the hierarchy of regions made from the contours; this is the suppressed contour map itself.

    The same on one machine every time; a linear-algebra library that splits sums over another number of threads may
    round differently.

    References
    ----------
    Isola, Zoran, Krishnan & Adelson, ECCV 2014.
    """
    return thin_oriented(pmi_oriented(image, factor, vectors, kernels, bandwidth, rho, radius, seed))


def pmi_ucm(image: ArrayLike, factor: int = 2, vectors: int = 100, kernels: int = 5000, seed: int = 0) -> Hierarchy:
    """Hierarchy of regions from the contours of `pmi` (OWT-UCM).

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    factor, vectors, kernels, seed
        As of `pmi`.

    Returns
    -------
    Hierarchy

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8, or a parameter is out of range.

    References
    ----------
    Isola, Zoran, Krishnan & Adelson, ECCV 2014, section 4; Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 4.
    """
    return owt_ucm(pmi_oriented(image, factor, vectors, kernels, seed=seed))


def pmi_oriented(
    image: ArrayLike,
    factor: int = 2,
    vectors: int = 100,
    kernels: int = 5000,
    bandwidth: float | None = 0.05,
    rho: float = 1.25,
    radius: float = 5.0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return what `pmi` thins, at full size and on its scale: (8, H, W) in [0, 1]; parameters and errors as there.

    The normal of a contour in plane k is at the angle pi k / 8, 0 along the columns (east), pi / 2 along the rows
    (south): what an oriented watershed transform starts from.
    """
    image = check_image(image)
    contour = pmi_contour(image, factor, vectors, kernels, bandwidth, rho, radius, seed)
    full = np.stack([resize(plane, image.shape[:2], order=1, mode="edge", clip=False) for plane in contour])
    return np.sqrt(np.clip(full / FULL_RESPONSE, 0, 1)).astype(np.float32)


def pmi_contour(
    image: NDArray[np.uint8],
    factor: int = 2,
    vectors: int = 100,
    kernels: int = 5000,
    bandwidth: float | None = 0.05,
    rho: float = 1.25,
    radius: float = 5.0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return `feature_contour` of colour and its local variation, faded at the border: (8, h, w), not negative.

    At the working resolution, hence ceil(H / factor) rows; parameters as in `pmi`.
    """
    if factor < 1:
        raise ValueError(f"factor: {factor!r}, expected 1 (full resolution) or more")
    shape = tuple(-(-n // factor) for n in image.shape[:2])
    sets = (colour_features(image, shape), variance_features(image, shape))
    return fade_border(feature_contour(sets, vectors, kernels, bandwidth, rho, radius, seed))


def feature_contour(
    sets: Sequence[NDArray[np.float32]],
    vectors: int = 100,
    kernels: int = 5000,
    bandwidth: float | None = 0.05,
    rho: float = 1.25,
    radius: float = 5.0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return the spectral contour of the graph whose links are the mutual information of any features.

    Parameters
    ----------
    sets : sequence of (h, w, C) float32 arrays in [0, 1]
        Sets of features that are taken to be independent of each other: their information adds up. Few channels each,
        as densities are of dimension 2 C; `principal_axes` and `unit_range` make some. Constant ones are left out.
    vectors, kernels, bandwidth, rho, radius, seed
        As in `pmi`.

    Returns
    -------
    (8, h, w) float32 array, not negative
        Contour whose normal is at the angle pi k / 8, 0 along the columns (east), pi / 2 along the rows (south);
        around 50 at clear boundaries, up to 200. 0 where all features are constant.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    """
    for name, value in {"vectors": vectors, "kernels": kernels, "radius": radius}.items():
        if value < 1:
            raise ValueError(f"{name}: {value!r}, expected 1 or more")
    if bandwidth is not None and not 0 < bandwidth <= 1:
        raise ValueError(f"bandwidth: {bandwidth!r}, expected a fraction of the range of the features, or None")
    if not rho > 0:
        raise ValueError(f"rho: {rho!r}, expected above 0")
    random, steps = np.random.RandomState(seed), half_disc(radius)
    information = np.zeros((len(steps), *sets[0].shape[:2]), np.float32)
    informative = [features for features in sets if np.ptp(features) > 0]
    for features in informative:
        density = learn_density(features, kernels, bandwidth, random)
        information += log_mutual_information(features, density, steps, rho)
    if not informative:  # every cut is as good as any other, and none shows a boundary
        return np.zeros((ORIENTATIONS, *sets[0].shape[:2]), np.float32)
    spectrum = cut_eigenvectors(np.exp(information), steps, vectors + 1, seed=seed)
    return spectral_contour(spectrum)


def fade_border(oriented: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weaken contours that run along the image's border close to it; (8, h, w) to the same.

    By the square of the distance from the border, up to `BORDER`, and less the more a contour turns from it
    (`borderSuppress.m`).
    """
    h, w = oriented.shape[1:]
    reach = int(np.ceil(BORDER * h))
    down, across = (1 - np.minimum((np.minimum(np.arange(n), np.arange(n)[::-1]) / reach) ** 2, 1) for n in (h, w))
    angles = np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS
    level = np.abs(np.sin(angles))[:, np.newaxis, np.newaxis] * down[:, np.newaxis]
    upright = np.abs(np.cos(angles))[:, np.newaxis, np.newaxis] * across
    return oriented * (1 - np.maximum(level, upright)).astype(np.float32)

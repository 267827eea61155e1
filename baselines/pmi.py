"""Crisp boundaries by pointwise mutual information.

Isola, Zoran, Krishnan & Adelson, "Crisp boundary detection using pointwise mutual information", ECCV 2014: learn from
one image which features go together (`pmi_density`), cut the graph of those that do (`pmi_spectrum`), thin. Written
from the paper; what it leaves open is as in the authors' code, github.com/phillipi/crisp-boundaries, whose setting
"accurate_low_res" – one scale, half size, kernels of fixed width – has the best scores of those that they list.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.transform import resize

from ..eval.hierarchy import Hierarchy
from ..eval.oriented import thin_oriented
from .colour import check_image
from .grid_graph import half_stencil
from .orientations import ORIENTATIONS, normals
from .owt_ucm import owt_ucm
from .pmi_density import colour_features, learn_density, log_mutual_information, variance_features
from .pmi_spectrum import cut_eigenvectors, spectral_contour

# Spectral contour at which the map reaches 1: one in two thousand pixels that survive thinning does, on val. The map is
# its root, which spreads the many small ones. It hardly depends on the number of eigenvectors: later ones add little.
FULL_RESPONSE = 110.0
# Part of the image's height, along its border, within which contours that run beside the border fade.
BORDER = 0.03


@dataclass(frozen=True)
class PmiConfig:
    """The parameters of `pmi`, and of all that it is made of; their defaults stand here alone.

    Parameters
    ----------
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

    Raises
    ------
    ValueError
        If one is out of range.
    """

    factor: int = 2
    vectors: int = 100
    kernels: int = 5000
    bandwidth: float | None = 0.05
    rho: float = 1.25
    radius: float = 5.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.factor < 1:
            raise ValueError(f"factor: {self.factor!r}, expected 1 (full resolution) or more")
        for name in ("vectors", "kernels", "radius"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)!r}, expected 1 or more")
        if self.bandwidth is not None and not 0 < self.bandwidth <= 1:
            raise ValueError(
                f"bandwidth: {self.bandwidth!r}, expected a fraction of the range of the features, or None"
            )
        if not self.rho > 0:
            raise ValueError(f"rho: {self.rho!r}, expected above 0")


DEFAULT = PmiConfig()


def pmi(
    image: ArrayLike,
    factor: int = DEFAULT.factor,
    vectors: int = DEFAULT.vectors,
    kernels: int = DEFAULT.kernels,
    bandwidth: float | None = DEFAULT.bandwidth,
    rho: float = DEFAULT.rho,
    radius: float = DEFAULT.radius,
    seed: int = DEFAULT.seed,
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
    Isola, Zoran, Krishnan & Adelson, "Crisp boundary detection using pointwise mutual information", ECCV 2014.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((32, 40, 3), (20, 60, 200), np.uint8)
    >>> image[:, 24:] = (220, 210, 30)
    >>> int(pmi(image, vectors=8)[16].argmax()) in (23, 24)
    True
    """
    config = PmiConfig(factor, vectors, kernels, bandwidth, rho, radius, seed)
    return thin_oriented(pmi_oriented(image, config))


def pmi_ucm(
    image: ArrayLike,
    factor: int = DEFAULT.factor,
    vectors: int = DEFAULT.vectors,
    kernels: int = DEFAULT.kernels,
    seed: int = DEFAULT.seed,
) -> Hierarchy:
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
        Of regions, at the size of the image.

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8, or a parameter is out of range.

    References
    ----------
    Isola, Zoran, Krishnan & Adelson, ECCV 2014, section 4; Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((32, 40, 3), (20, 60, 200), np.uint8)
    >>> image[:, 24:] = (220, 210, 30)
    >>> hierarchy = pmi_ucm(image, vectors=8)
    >>> hierarchy.shape, int(hierarchy.contour_map()[16].argmax()) in range(22, 26)
    ((32, 40), True)
    """
    return owt_ucm(pmi_oriented(image, PmiConfig(factor, vectors, kernels, seed=seed)))


def pmi_oriented(image: ArrayLike, config: PmiConfig = DEFAULT) -> NDArray[np.float32]:
    """Return what `pmi` thins, at full size and on its scale: (8, H, W) in [0, 1], a plane per orientation.

    It is what an oriented watershed transform starts from.
    """
    image = check_image(image)
    contour = pmi_contour(image, config)
    full = np.stack([resize(plane, image.shape[:2], order=1, mode="edge", clip=False) for plane in contour])
    return np.sqrt(np.clip(full / FULL_RESPONSE, 0, 1)).astype(np.float32)


def pmi_contour(image: NDArray[np.uint8], config: PmiConfig = DEFAULT) -> NDArray[np.float32]:
    """Return `feature_contour` of colour and its local variation, faded at the border: (8, h, w), not negative.

    At the working resolution, hence ceil(H / factor) rows.
    """
    shape = -(-image.shape[0] // config.factor), -(-image.shape[1] // config.factor)
    sets = (colour_features(image, shape), variance_features(image, shape))
    return fade_border(feature_contour(sets, config))


def feature_contour(sets: Sequence[NDArray[np.float32]], config: PmiConfig = DEFAULT) -> NDArray[np.float32]:
    """Return the spectral contour of the graph whose links are the mutual information of any features.

    Parameters
    ----------
    sets : sequence of (h, w, C) float32 arrays in [0, 1]
        Sets of features that are taken to be independent of each other: their information adds up. Few channels each,
        as densities are of dimension 2 C; `principal_axes` and `unit_range` make some. Constant ones are left out.
    config : PmiConfig
        Its ``factor`` is not used: the features are at the working resolution.

    Returns
    -------
    (8, h, w) float32 array, not negative
        Contour whose normal is at the angle pi k / 8, 0 along the columns (east), pi / 2 along the rows (south);
        around 50 at clear boundaries, up to 200. 0 where all features are constant.
    """
    random, steps = np.random.RandomState(config.seed), half_stencil(config.radius)
    information = np.zeros((len(steps), *sets[0].shape[:2]), np.float32)
    informative = [features for features in sets if np.ptp(features) > 0]
    for features in informative:
        density = learn_density(features, config.kernels, config.bandwidth, random)
        information += log_mutual_information(features, density, steps, config.rho)
    if not informative:  # every cut is as good as any other, and none shows a boundary
        return np.zeros((ORIENTATIONS, *sets[0].shape[:2]), np.float32)
    spectrum = cut_eigenvectors(np.exp(information), steps, config.vectors + 1, seed=config.seed)
    return spectral_contour(spectrum)


def fade_border(oriented: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weaken contours that run along the image's border close to it; (8, h, w) to the same.

    By the square of the distance from the border, up to `BORDER`, and less the more a contour turns from it
    (`borderSuppress.m`).
    """
    h, w = oriented.shape[1:]
    reach = int(np.ceil(BORDER * h))
    down, across = (1 - np.minimum((np.minimum(np.arange(n), np.arange(n)[::-1]) / reach) ** 2, 1) for n in (h, w))
    level = np.abs(np.sin(normals()))[:, np.newaxis, np.newaxis] * down[:, np.newaxis]
    upright = np.abs(np.cos(normals()))[:, np.newaxis, np.newaxis] * across
    return oriented * (1 - np.maximum(level, upright)).astype(np.float32)

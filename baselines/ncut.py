"""Normalised cuts: k-way segmentations, their mean boundary, and the gradient of the eigenvectors.

Shi & Malik, "Normalized cuts and image segmentation", PAMI 2000, on the multi-scale graph of Cour, Bénézit & Shi,
CVPR 2005 (`ncut_graph`), solved under its constraint (`ncut_spectrum`) and made discrete as in Yu & Shi, ICCV 2003
(`ncut_discretisation`). As published these are parameter sweeps over the number of regions; one eigendecomposition
serves all of them, as the first k eigenvectors are the same whatever k comes after.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter, grey_dilation
from skimage.transform import resize

from ..eval.suppression import suppress
from ..eval.sweeps import Sweep, mean_boundaries
from .colour import check_image
from .gradient import image_gradient
from .ncut_discretisation import discretise, enlarged_labels
from .ncut_graph import MultiscaleGraph, multiscale_graph
from .ncut_spectrum import cut_spectrum
from .orientations import ORIENTATIONS, normals

REGIONS = (2, 3, 5, 10, 15, 20, 25, 30, 35, 40, 50, 65, 90, 200, 300)

GRADIENT_SIGMA = 2.0
# Smaller eigenvalues 1 - mu count as this: else an image that is all but cut in two shows little but that cut, on a
# scale of its own. Of 1e-4, 1e-3 and 1e-2 this has the best ODS on train.
LEAST_EIGENVALUE = 1e-2
# Eigenvector gradient at which the map reaches 1. The map is the root of it, which spreads the many small ones.
FULL_RESPONSE = 200.0


def ncut(image: ArrayLike, sigma: float = 2.0, scale: float = 0.08, side: int = 120) -> Sweep:
    """Normalised cuts into 2 to 300 clusters, on a multi-scale graph with intervening contours.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    sigma : float
        Standard deviation in pixels of the Gaussian before the Lab gradient whose maxima are the intervening contours.
    scale : float
        Gradient, as a fraction of that at a straight black-white step, that weakens a link across it to 1/e.
    side : int
        Nodes of the finest grid along the longer side of the image. Labels are interpolated to full size.

    Returns
    -------
    Sweep
        15 label maps, (H, W) int32 from 0 without gaps, for 2, 3, 5 … 200, 300 clusters asked for; there may be fewer
        of them, never more, and no more than nodes. A cluster need not be connected, as published.

    Raises
    ------
    ValueError
        If ``image`` is not (H, W, 3) uint8, ``sigma`` is negative, ``scale`` is not positive or ``side`` below 1.

    Notes
    -----
    The same on one machine every time; a linear-algebra library that splits sums over another number of threads may
    round differently, and a rounding can move an unclear boundary.

    References
    ----------
    Shi & Malik, PAMI 2000; Cour, Bénézit & Shi, CVPR 2005; Yu & Shi, ICCV 2003.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((8, 12, 3), np.uint8)
    >>> image[:, 6:] = 200
    >>> sweep = ncut(image)
    >>> sweep.settings[:4], [int(labels.max()) + 1 for labels in sweep.segmentations[:4]]
    (('2', '3', '5', '10'), [2, 3, 5, 10])
    """
    graph = contour_graph(image, sigma, scale, side)
    vectors = cut_spectrum(graph, max(REGIONS)).vectors
    full_shape = np.shape(image)[:2]
    maps = [enlarged_labels(discretise(vectors[:, :k]), graph.shape, full_shape) for k in REGIONS]
    return Sweep(tuple(maps), tuple(map(str, REGIONS)))


def ncut_soft(image: ArrayLike, sigma: float = 2.0, scale: float = 0.08, side: int = 120) -> NDArray[np.float32]:
    """Normalised cuts as one soft map: the share of the segmentations of `ncut` with a boundary at each pixel.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    sigma, scale, side
        As for `ncut`.

    Returns
    -------
    (H, W) float32 array in [0, 1]
        Not zero on a constant image, which is cut into as many clusters as asked for.

    Raises
    ------
    ValueError
        As `ncut`.

    References
    ----------
    Shi & Malik, PAMI 2000; Cour, Bénézit & Shi, CVPR 2005; Yu & Shi, ICCV 2003.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((8, 12, 3), np.uint8)
    >>> image[:, 6:] = 200
    >>> soft = ncut_soft(image)
    >>> soft.shape, bool(soft.max() <= 1)
    ((8, 12), True)
    """
    return mean_boundaries(ncut(image, sigma, scale, side))


def ncut_gradient(
    image: ArrayLike, sigma: float = 2.0, scale: float = 0.08, side: int = 120, vectors: int = 32
) -> NDArray[np.float32]:
    """Gradient of the first eigenvectors of the normalised cut, non-maxima suppressed.

    Parameters
    ----------
    image, sigma, scale, side
        As for `ncut`.
    vectors : int
        How many eigenvectors after the constant one; 32 have a better ODS on train than 16.

    Returns
    -------
    (H, W) float32 array in [0, 1]
        Root of the largest, over eight directions, ``sum |directional derivative of v| / sqrt(lambda)`` in 200ths,
        where v has mean square 1 over the graph's mass.

    Raises
    ------
    ValueError
        As `ncut`, and if ``vectors`` is below 1.

    References
    ----------
    Maire, Arbeláez, Fowlkes & Malik, "Using contours to detect and localize junctions in natural images", CVPR 2008;
    Arbeláez, Maire, Fowlkes & Malik, "Contour detection and hierarchical image segmentation", PAMI 2011, section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((26, 40, 3), np.uint8)
    >>> image[:, 20:] = 200
    >>> ncut_gradient(image)[13, 17:23].round()
    array([0., 1., 1., 1., 1., 0.], dtype=float32)
    """
    if vectors < 1:
        raise ValueError(f"vectors: {vectors!r}, expected 1 or more")
    graph = contour_graph(image, sigma, scale, side)
    strength, direction = eigenvector_gradient(graph, np.shape(image)[:2], vectors)
    return np.minimum(np.sqrt(suppress(strength, direction) / FULL_RESPONSE), 1).astype(np.float32)


def contour_graph(image: ArrayLike, sigma: float, scale: float, side: int) -> MultiscaleGraph:
    """Return the multi-scale graph of an image: `ncut` says what the parameters are.

    The contours are the maxima of the Lab gradient, made three pixels wide: thinner, and a diagonal one has gaps that
    lines slip through; not thinned at all, and the pixels on its slopes belong nowhere.
    """
    check_image(image)
    if not scale > 0:
        raise ValueError(f"scale: {scale!r}, expected a gradient above 0 (1 is black to white)")
    if side < 1:
        raise ValueError(f"side: {side!r}, expected 1 or more nodes")
    gradient = image_gradient(image, sigma, "lab")
    edges = grey_dilation(suppress(gradient.magnitude, gradient.direction), (3, 3))
    return multiscale_graph(edges, side, scale)


def eigenvector_gradient(
    graph: MultiscaleGraph, full_shape: tuple[int, int], n_vectors: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return strength and direction, (H, W) each, of the eigenvectors' gradients together.

    The direction, of eight in [0, pi), is that across the contour.
    """
    spectrum = cut_spectrum(graph, n_vectors + 1, np.float64)
    mass = sum(links.sum() for links in graph.affinities)
    angles = normals()
    total = np.zeros((ORIENTATIONS, *full_shape))
    for value, vector in zip(spectrum.values[1:], spectrum.vectors.T[1:], strict=True):
        plane = resize(vector.reshape(graph.shape) * np.sqrt(mass), full_shape, order=1, mode="edge", clip=False)
        d_y, d_x = (gaussian_filter(plane, GRADIENT_SIGMA, order, mode="nearest") for order in ((1, 0), (0, 1)))
        weight = 1 / np.sqrt(max(1 - value, LEAST_EIGENVALUE))
        for response, angle in zip(total, angles, strict=True):
            response += weight * np.abs(np.cos(angle) * d_x + np.sin(angle) * d_y)
    return total.max(axis=0), angles[total.argmax(axis=0)]

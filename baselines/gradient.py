"""Gradient-magnitude detectors: Roberts cross and Sobel, plain and with smoothing, colour and suppression.

The plain ones are those of Malik, "Contour detection and unsupervised image segmentation with neural fields" (MRes
thesis, 2022), section 1.1: the magnitude of two filter responses on the grey image, nothing else.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter
from scipy.ndimage import sobel as _sobel_filter

from ..eval.suppression import suppress
from .colour import channels, grey

# Roberts response, as a fraction of that to a black-white step, at which the map reaches 1.
ROBERTS_FULL_RESPONSE = 0.55


class Gradient(NamedTuple):
    """Magnitude, on the scale where a straight step from black to white has 1, and direction in radians."""

    magnitude: NDArray[np.float64]
    direction: NDArray[np.float64]


def roberts(image: ArrayLike) -> NDArray[np.float32]:
    """Roberts cross: differences along both diagonals of a 2x2 block, of the square root of the grey image.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.

    Returns
    -------
    (H, W) float32 array in [0, 1]
        0 in the last row and column, where there is no block.

    Raises
    ------
    ValueError
        If ``image`` is not (H, W, 3) uint8.

    References
    ----------
    Roberts, "Machine perception of three-dimensional solids", 1963; equations 1.1 and 1.2 of the thesis.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((4, 6, 3), np.uint8)
    >>> image[:, 3:] = 255
    >>> roberts(image)[0]
    array([0., 0., 1., 0., 0., 0.], dtype=float32)
    """
    y = np.sqrt(grey(image))
    falling = y[:-1, :-1] - y[1:, 1:]
    rising = y[1:, :-1] - y[:-1, 1:]
    response = np.zeros(y.shape)
    response[:-1, :-1] = np.hypot(falling, rising) / np.sqrt(2)
    return np.minimum(response / ROBERTS_FULL_RESPONSE, 1).astype(np.float32)


def sobel(image: ArrayLike, sigma: float = 0.0, space: str = "grey", nms: bool = False) -> NDArray[np.float32]:
    """Sobel: magnitude of the two 3x3 derivative filters.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    sigma : float
        Standard deviation in pixels of a Gaussian applied before; 0 for none, as in the thesis.
    space : {"grey", "lab"}
        Channels to filter; the squared magnitudes of several are added.
    nms : bool
        Whether to suppress all but the maxima along the gradient.

    Returns
    -------
    (H, W) float32 array in [0, 1]

    Raises
    ------
    ValueError
        If ``image`` is not (H, W, 3) uint8, ``sigma`` is negative or ``space`` unknown.

    References
    ----------
    Sobel & Feldman, "An isotropic 3x3 image gradient operator", 1968.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((4, 6, 3), np.uint8)
    >>> image[:, 3:] = 255
    >>> sobel(image)[0]
    array([0., 0., 1., 1., 0., 0.], dtype=float32)
    """
    gradient = image_gradient(image, sigma, space)
    strength: NDArray[np.floating] = gradient.magnitude
    if nms:
        strength = suppress(strength, gradient.direction)
    return np.minimum(strength, 1).astype(np.float32)


def image_gradient(image: ArrayLike, sigma: float, space: str = "grey") -> Gradient:
    """Return the Sobel gradient of an image smoothed by a Gaussian of ``sigma`` pixels.

    Over several channels the squared magnitudes add up and the direction is that of the strongest channel.
    """
    if not 0 <= sigma <= 100:
        raise ValueError(f"sigma: {sigma!r}, expected 0 to 100 pixels")
    planes = channels(image, space)
    if sigma > 0:
        planes = np.stack([gaussian_filter(plane, sigma, mode="nearest") for plane in planes])
    d_y, d_x = (
        np.stack([_sobel_filter(plane, axis, mode="nearest") for plane in planes]) / step_response(sigma)
        for axis in (0, 1)
    )
    squared = d_x**2 + d_y**2
    strongest = np.argmax(squared, axis=0)[np.newaxis]
    direction = np.arctan2(*(np.take_along_axis(d, strongest, axis=0)[0] for d in (d_y, d_x)))
    return Gradient(np.sqrt(squared.sum(axis=0)), direction)


def step_response(sigma: float) -> float:
    """Return the largest Sobel response to a straight unit step smoothed by a Gaussian of ``sigma`` pixels."""
    half = int(4 * sigma + 0.5) + 3
    step = np.repeat([0.0, 1.0], half)
    if sigma > 0:
        step = gaussian_filter(step, sigma, mode="nearest")
    return float(4 * np.max(step[2:] - step[:-2]))

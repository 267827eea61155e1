"""Images as float channels for the gradient detectors."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPACES = ("grey", "lab")


def check_image(image: ArrayLike) -> NDArray[np.uint8]:
    """Return ``image`` as an (H, W, 3) uint8 array, or raise ``ValueError`` saying what it is instead."""
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or array.size == 0:
        raise ValueError(f"image: shape {array.shape}, dtype {array.dtype}, expected (H, W, 3) RGB uint8")
    return array


def grey(image: ArrayLike) -> NDArray[np.float64]:
    """Return the luma of an RGB image, (H, W) in [0, 1], with the weights of ITU-R BT.601."""
    return check_image(image) @ np.array([0.299, 0.587, 0.114]) / 255


def channels(image: ArrayLike, space: str) -> NDArray[np.float64]:
    """Return the (C, H, W) channels of an RGB image in ``space``: ``grey``, or ``lab`` (CIE L*a*b*, each over 100).

    Black to white is a step of 1 in either.
    """
    if space == "grey":
        return grey(image)[np.newaxis]
    if space == "lab":
        from skimage.color import rgb2lab

        return np.moveaxis(rgb2lab(check_image(image)), 2, 0) / 100
    raise ValueError(f"space: {space!r}, expected one of {', '.join(SPACES)}")

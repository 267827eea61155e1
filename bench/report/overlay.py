"""Contours over the picture that they were found in, and regions in colours, for the eye."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

# How much of the picture is left under the contours, over white.
PICTURE_SHARE = 0.45
CONTOUR = np.array((170, 0, 60), np.float32)
# Contours of this strength are drawn in full, few are stronger; the power keeps the web of weak ones faint.
FULL, POWER = 0.5, 1.5
# Lines are one pixel wide in a picture of this many, wider in larger ones, which are looked at smaller.
PIXELS = 600


def overlay(picture: NDArray[np.uint8], contours: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return contours drawn over the lightened picture, the stronger the darker.

    Parameters
    ----------
    picture : (H, W, 3) uint8 array
        RGB; left unchanged.
    contours : (H, W) float array in [0, 1]
        Of the same size.

    Returns
    -------
    (H, W, 3) uint8 array
    """
    drawn = np.empty_like(picture)
    width = max(1, round(max(picture.shape[:2]) / PIXELS))
    opacity = np.minimum(maximum_filter(contours.astype(np.float32, copy=False), width) / FULL, 1) ** POWER
    for row, (colours, share) in enumerate(zip(picture, opacity, strict=True)):  # row by row: little memory
        light = 255 * (1 - PICTURE_SHARE) + PICTURE_SHARE * colours.astype(np.float32)
        drawn[row] = np.rint(light + share[:, np.newaxis] * (CONTOUR - light))
    return drawn

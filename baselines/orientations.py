"""The eight orientations at which contours are looked for, by all methods that look at several."""

import numpy as np
from numpy.typing import NDArray

ORIENTATIONS = 8


def normals() -> NDArray[np.float64]:
    """Return the (8,) angles across a contour, in radians in [0, pi).

    That of orientation k is pi k / 8: 0 points along the columns (east), pi / 2 along the rows (south).
    """
    return np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS

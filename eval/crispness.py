"""Average crispness: how much of a soft contour map is left when non-maxima are suppressed.

Ye, Yi, Gao, Xu & Wang, "Delving into crispness: guided label refinement for crisp edge detection", IEEE Transactions on
Image Processing 2023: AC is the mean over images of the sum of the suppressed map over the sum of the map.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from .suppression import suppress_preset
from .validation import check_contour_map, require


def crispness(contour_map: ArrayLike) -> float:
    """Return the share, in [0, 1], of a map's strength that lies on its ridges.

    Parameters
    ----------
    contour_map : (H, W) float array in [0, 1]
        Soft contour map, not suppressed before.

    Returns
    -------
    float
        NaN for a map without contours.

    Raises
    ------
    ValueError
        If the map is not in [0, 1].

    References
    ----------
    Ye, Yi, Gao, Xu & Wang, "Delving into crispness: guided label refinement for crisp edge detection", IEEE
    Transactions on Image Processing 2023.

    Examples
    --------
    >>> import numpy as np
    >>> ridge = np.zeros((19, 21))
    >>> ridge[8:11, 9:12] = [0.2, 0.9, 0.2]
    >>> round(crispness(ridge), 3)  # 0.9 / 1.3
    0.692
    """
    contour_map = check_contour_map(contour_map).astype(np.float64)
    total = contour_map.sum()
    with np.errstate(divide="ignore"):  # the recipe's slope may be infinite; its arctangent is not
        ridges = suppress_preset(contour_map, "ac").sum()
    return float(ridges / total) if total > 0 else float("nan")


def average_crispness(values: Iterable[float]) -> float:
    """Return the mean over images, without maps that have no contours.

    Parameters
    ----------
    values : iterable of float
        Crispness of each map; NaN where it has no contours.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If no map has contours.

    References
    ----------
    Ye, Yi, Gao, Xu & Wang, IEEE Transactions on Image Processing 2023, where it is called AC.

    Examples
    --------
    >>> average_crispness([0.5, float("nan"), 1.0])
    0.75
    """
    values = [value for value in values if not np.isnan(value)]
    require(len(values) > 0, "crispness: no map with contours")
    return float(np.mean(values))

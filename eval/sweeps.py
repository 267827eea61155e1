"""Parameter sweeps of a segmentation method: one label map per setting, and the soft contour map they add up to."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boundaries import label_boundaries
from .validation import require


class Sweep(NamedTuple):
    """Label maps of one image, (H, W) integers each, one per setting, and the settings' names (empty if unknown)."""

    segmentations: tuple[NDArray[np.integer], ...]
    settings: tuple[str, ...] = ()


def mean_boundaries(sweep: Sweep) -> NDArray[np.float32]:
    """Return the share of a sweep's segmentations that have a boundary at each pixel.

    Parameters
    ----------
    sweep : Sweep
        At least one segmentation, all of one size.

    Returns
    -------
    (H, W) float32 array in [0, 1]

    Raises
    ------
    ValueError
        If the sweep is empty.

    Examples
    --------
    >>> import numpy as np
    >>> halves = np.array([[1, 1, 2, 2], [1, 1, 2, 2]])
    >>> mean_boundaries(Sweep((halves, np.ones_like(halves))))[0]
    array([0. , 0.5, 0. , 0. ], dtype=float32)
    """
    require(len(sweep.segmentations) > 0, "sweep: no segmentations, expected one label map per setting")
    return np.mean([label_boundaries(labels) for labels in sweep.segmentations], axis=0).astype(np.float32)

"""Felzenszwalb and Huttenlocher's graph-based segmentation: scikit-image's, over the sweep of the published curve."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..eval.sweeps import Sweep, mean_boundaries
from .colour import check_image

# sigma_k_min of the published sweep (plot-edge-pr-curves, "EGB"), from many regions to few.
SETTINGS = (
    *("0.3_200_50", "0.4_200_50", "0.6_200_50", "0.5_300_50", "0.6_400_50", "0.8_400_50", "0.6_600_50", "0.6_800_50"),
    *("0.7_800_50", "0.8_800_50", "0.8_1100_50", "0.9_1200_50", "1_1300_50", "1_1300_75", "1.3_1300_75", "1.3_1500_75"),
    *("1.5_1700_100", "1.5_2100_100", "1.5_2500_100", "1.5_3000_100", "1.5_3000_200", "3_3000_200", "3_3000_300"),
    *("4_4000_200", "4_4000_300"),
)


def felzenszwalb(image: ArrayLike) -> Sweep:
    """Graph-based segmentation at 25 settings ``sigma_k_min``: smoothing, scale of observation, smallest region.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.

    Returns
    -------
    Sweep
        25 (H, W) int32 label maps, from many regions to few, and their settings.

    Raises
    ------
    ValueError
        If ``image`` is not (H, W, 3) uint8.

    References
    ----------
    Felzenszwalb & Huttenlocher, "Efficient graph-based image segmentation", IJCV 2004.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((20, 22, 3), np.uint8)
    >>> image[:, 11:] = 255
    >>> sweep = felzenszwalb(image)
    >>> sweep.settings[0], int(sweep.segmentations[0].max()) + 1
    ('0.3_200_50', 2)
    >>> sweep.settings[-1], int(sweep.segmentations[-1].max()) + 1
    ('4_4000_300', 1)
    """
    image = check_image(image)
    return Sweep(tuple(_segment(image, *map(float, setting.split("_"))) for setting in SETTINGS), SETTINGS)


def felzenszwalb_soft(image: ArrayLike) -> NDArray[np.float32]:
    """Graph-based segmentation as one soft map: the share of a sweep's segmentations with a boundary at each pixel.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.

    Returns
    -------
    (H, W) float32 array in [0, 1]
        In 25ths: `felzenszwalb` has as many settings.

    Raises
    ------
    ValueError
        If ``image`` is not (H, W, 3) uint8.

    References
    ----------
    Felzenszwalb & Huttenlocher, "Efficient graph-based image segmentation", IJCV 2004.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((20, 22, 3), np.uint8)
    >>> image[:, 11:] = 255
    >>> felzenszwalb_soft(image)[0, 9:13]
    array([0.  , 0.68, 0.  , 0.  ], dtype=float32)
    """
    return mean_boundaries(felzenszwalb(image))


def _segment(image: NDArray[np.uint8], sigma: float, k: float, smallest: float) -> NDArray[np.int32]:
    from skimage.segmentation import felzenszwalb as segment

    if min(image.shape[:2]) == 1:  # the library's grid graph needs two rows and columns; a copy adds no edge of weight
        wide = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
        return _segment(wide, sigma, k, 4 * smallest)[::2, ::2]
    return segment(image, scale=k, sigma=sigma, min_size=int(smallest)).astype(np.int32)

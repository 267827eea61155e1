"""From the heads' contours between neighbours to a contour map, as the thesis has it."""

import numpy as np
from numpy.typing import NDArray

from ...eval.suppression import normal_direction, suppress


def pair_strength(right: NDArray[np.float32], down: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the pixel map (H, W) of contours between neighbours, right (H, W - 1) and down (H - 1, W).

    The thesis leaves open how pairs become pixels. A pixel gets the larger of its contours to the right and below: half
    a pixel off at most, and as thin as the pairs.
    """
    return np.maximum(np.pad(right, ((0, 0), (0, 1))), np.pad(down, ((0, 1), (0, 0))))


def thin_soft(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a soft map (H, W) where it is a maximum along its normal, from its own second derivatives, else 0."""
    return suppress(strength, normal_direction(strength))

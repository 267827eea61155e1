"""The constants of the boundary benchmark, in one place.

Arbelaez, Maire, Fowlkes & Malik, "Contour detection and hierarchical image segmentation", PAMI 2011, section 3;
the values are those of the official BSDS500 benchmark code.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .validation import require

# Which definition of the counts this code implements. Raise it when any count changes on any input,
# so that stored counts of an older definition are recognised and recomputed.
COUNTS_DEFINITION = 1


@dataclass(frozen=True)
class BoundaryProtocol:
    """How a contour map is binarised, thinned and matched.

    Parameters
    ----------
    thresholds : int
        Number K of thresholds, evenly spaced: ``linspace(1/(K+1), 1 - 1/(K+1), K)``. 99 is the benchmark's.
    max_dist : float
        Matching tolerance as a fraction of the image diagonal, in (0, 1]. 0.0075 is BSDS500's
        (4.34 px at 481x321); 0.011 is NYUDv2's.
    thin : bool
        Whether each binary map is thinned before matching. False is what papers on crisp edges call "CEval".

    Raises
    ------
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> BoundaryProtocol(thresholds=3).levels()
    array([0.25, 0.5 , 0.75])
    >>> round(BoundaryProtocol().tolerance((321, 481)), 2)  # pixels, on a BSDS500 image
    4.34
    """

    thresholds: int = 99
    max_dist: float = 0.0075
    thin: bool = True

    def __post_init__(self) -> None:
        require(
            isinstance(self.thresholds, int) and 1 <= self.thresholds <= 65535,
            f"thresholds: {self.thresholds!r}, expected a whole number from 1 to 65535",
        )
        require(
            0 < self.max_dist <= 1,
            f"max_dist: {self.max_dist!r}, expected a fraction of the image diagonal in (0, 1]"
            " (a tolerance in pixels must be divided by the diagonal)",
        )

    def levels(self) -> NDArray[np.float64]:
        """Return the (K,) thresholds; a pixel is a contour where ``map >= threshold``."""
        k = self.thresholds
        return np.linspace(1 / (k + 1), 1 - 1 / (k + 1), k)

    def tolerance(self, shape: tuple[int, int]) -> float:
        """Return the matching radius in pixels, inclusive, for an image of ``shape`` (H, W)."""
        return self.max_dist * float(np.hypot(*shape))

"""Soft contour maps: the plainest prediction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .counting import BoundaryCounts, count_map
from .hashing import digest
from .protocol import BoundaryProtocol
from .suppression import suppress_preset
from .validation import check_contour_map


@dataclass(frozen=True, eq=False)
class ContourMap:
    """A soft contour map as a prediction that knows how to be measured.

    Parameters
    ----------
    values : (H, W) float array in [0, 1]
        Strength of the contours; float32 and float64 stay as they are.

    Raises
    ------
    ValueError
        If the values are not such an array.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.eye(8, dtype=bool)
    >>> ContourMap(0.6 * truth).count(truth, BoundaryProtocol(thresholds=3)).cnt_p
    array([8, 8, 0])
    """

    values: NDArray[np.floating]

    settings: ClassVar[tuple[str, ...]] = ()
    description: ClassVar[str] = "a contour map"
    is_soft: ClassVar[bool] = True
    has_regions: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", check_contour_map(self.values))

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the image."""
        height, width = self.values.shape
        return height, width

    def contour_map(self) -> NDArray[np.floating]:
        """Return the (H, W) map itself."""
        return self.values

    def suppressed(self, preset: str) -> "ContourMap":
        """Return the map thinned by a preset of `suppress_preset`."""
        with np.errstate(divide="ignore"):  # the recipe's slope may be infinite; its arctangent is not
            return ContourMap(suppress_preset(self.values, preset))

    def mask(self, level: float) -> NDArray[np.bool_]:
        """Return where the map is at least ``level``, (H, W)."""
        # As the thresholds are float64, whatever NumPy's rules of promotion.
        return self.values.astype(np.float64) >= level

    def labels(self, level: float) -> None:
        """Return None: contours alone are no regions."""

    def count(self, ground_truth: ArrayLike, protocol: BoundaryProtocol | None = None) -> BoundaryCounts:
        """Return the matched pixels at every threshold, as `count_map`."""
        return count_map(self.values, ground_truth, protocol)

    def regions(self, ground_truth: Sequence[ArrayLike], protocol: BoundaryProtocol | None = None) -> None:
        """Return None: contours alone have no regions to compare."""

    def digest(self) -> str:
        """Return the SHA-256 of the values."""
        return digest(self.values)

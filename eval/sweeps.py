"""Parameter sweeps of a segmentation method: one label map per setting, and the soft contour map they add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .boundaries import label_boundaries
from .counting import BoundaryCounts, count_segmentations
from .hashing import digest
from .protocol import BoundaryProtocol
from .regions import RegionScores, score_sweep
from .validation import require


@dataclass(frozen=True, eq=False)
class Sweep:
    """Label maps of one image, one for each setting of a method's parameters.

    Parameters
    ----------
    segmentations : tuple of K (H, W) integer arrays
        Every label, 0 included, is a region.
    settings : tuple of str
        Names of the K settings; empty if they are not known.

    Examples
    --------
    >>> import numpy as np
    >>> halves = np.array([[1, 1, 2, 2]])
    >>> Sweep((halves, np.ones_like(halves)), ("two", "one")).regions([halves]).rand
    array([1.        , 0.33333333])
    """

    segmentations: tuple[NDArray[np.integer], ...]
    settings: tuple[str, ...] = ()

    is_soft: ClassVar[bool] = False
    has_regions: ClassVar[bool] = True

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the image."""
        height, width = self.segmentations[0].shape
        return height, width

    @property
    def description(self) -> str:
        """What this is, in words; equal for sweeps over the same settings."""
        named = f" ({', '.join(self.settings)})" if self.settings else ""
        count = len(self.segmentations)
        return f"{count} segmentation{'s' if count != 1 else ''}{named}"

    def contour_map(self) -> NDArray[np.float32]:
        """Return `mean_boundaries`: a sweep is scored setting by setting, and has no map of its own."""
        return mean_boundaries(self)

    def suppressed(self, preset: str) -> NoReturn:
        """Raise ``ValueError``: there are no maxima to keep in a segmentation."""
        raise ValueError(f"suppression {preset!r}: of a sweep of segmentations, expected a soft contour map")

    def mask(self, level: float) -> NDArray[np.bool_]:
        """Return the boundaries at the setting number ``level``, counted from 1: (H, W)."""
        return label_boundaries(self.labels(level))

    def labels(self, level: float) -> NDArray[np.integer]:
        """Return the label map at the setting number ``level``, counted from 1: (H, W)."""
        count = len(self.segmentations)
        require(level in range(1, count + 1), f"threshold: {level:g}, expected a setting from 1 to {count}")
        return self.segmentations[int(level) - 1]

    def count(self, ground_truth: ArrayLike, protocol: BoundaryProtocol | None = None) -> BoundaryCounts:
        """Return the matched boundary pixels of every setting, as `count_segmentations`."""
        return count_segmentations(self.segmentations, ground_truth, protocol)

    def regions(self, ground_truth: Sequence[ArrayLike], protocol: BoundaryProtocol | None = None) -> RegionScores:
        """Return the region measures of every setting, as `score_sweep`; nothing of the protocol is used."""
        return score_sweep(self.segmentations, ground_truth)

    def digest(self) -> str:
        """Return the SHA-256 of the labels; not of the settings' names."""
        return digest(*self.segmentations)


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

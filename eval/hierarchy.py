"""Hierarchies of regions as ultrametric contour maps.

Arbelaez, Maire, Fowlkes & Malik, "Contour detection and hierarchical image segmentation", PAMI 2011, section 4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from .contour_map import ContourMap
from .counting import BoundaryCounts, count_map
from .hashing import digest
from .protocol import BoundaryProtocol
from .regions import RegionScores, score_hierarchy
from .validation import check_contour_map, require


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """An ultrametric contour map at double size, as the official benchmark reads it from ``ucm2``.

    Parameters
    ----------
    ucm2 : (2H + 1, 2W + 1) float array in [0, 1]
        Entries at odd rows and columns are the image's pixels, those between them the contours: the strength at which
        the regions on both sides join.

    Raises
    ------
    ValueError
        If the size is not odd or values leave [0, 1].

    References
    ----------
    Arbelaez, Maire, Fowlkes & Malik, "Contour detection and hierarchical image segmentation", PAMI 2011, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> ucm2 = np.zeros((9, 9))
    >>> ucm2[:, 4] = 0.4
    >>> hierarchy = Hierarchy(ucm2)
    >>> [len(np.unique(labels)) for labels in hierarchy.label_maps([0.3, 0.5])]
    [2, 1]
    """

    ucm2: NDArray[np.floating]

    settings: ClassVar[tuple[str, ...]] = ()
    description: ClassVar[str] = "a hierarchy of regions"
    is_soft: ClassVar[bool] = True
    has_regions: ClassVar[bool] = True

    def __post_init__(self) -> None:
        ucm2 = check_contour_map(self.ucm2, "ucm2")
        require(
            min(ucm2.shape) >= 3 and all(n % 2 == 1 for n in ucm2.shape),
            f"ucm2: shape {ucm2.shape}, expected (2H + 1, 2W + 1)",
        )
        object.__setattr__(self, "ucm2", ucm2)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the image."""
        return self.ucm2.shape[0] // 2, self.ucm2.shape[1] // 2

    def contour_map(self) -> NDArray[np.floating]:
        """Return the (H, W) contour map that the benchmark matches: the lower right corner of each pixel."""
        return self.ucm2[2::2, 2::2]

    def mask(self, level: float) -> NDArray[np.bool_]:
        """Return where the contour map is at least ``level``, (H, W)."""
        return self.contour_map().astype(np.float64) >= level

    def labels(self, level: float) -> NDArray[np.int32]:
        """Return the (H, W) label map of the regions at one threshold; see `label_maps`."""
        return next(self.label_maps([level]))

    def count(self, ground_truth: ArrayLike, protocol: BoundaryProtocol | None = None) -> BoundaryCounts:
        """Return the matched pixels of the contour map at every threshold, as `count_map`."""
        return count_map(self.contour_map(), ground_truth, protocol)

    def regions(self, ground_truth: Sequence[ArrayLike], protocol: BoundaryProtocol | None = None) -> RegionScores:
        """Return the region measures at every threshold, as `score_hierarchy`."""
        return score_hierarchy(self, ground_truth, protocol)

    def suppressed(self, preset: str) -> ContourMap:
        """Return the contour map thinned by a preset of `suppress_preset`; the regions are lost."""
        return ContourMap(self.contour_map()).suppressed(preset)

    def digest(self) -> str:
        """Return the SHA-256 of the values."""
        return digest(self.ucm2)

    def label_maps(self, thresholds: ArrayLike) -> Iterator[NDArray[np.int32]]:
        """Yield the (H, W) label map at each of the ascending thresholds.

        Regions at t are the 8-connected components of ``ucm2 <= t``. A label is the number of one of its region's
        cells; regions of one threshold are unions of regions of any lower one.

        Raises
        ------
        ValueError
            If the thresholds do not ascend.
        """
        thresholds = np.asarray(thresholds, np.float64)
        require(bool(np.all(np.diff(thresholds) >= 0)), "thresholds: expected ascending ones")
        level = np.searchsorted(thresholds, np.pad(self.ucm2.astype(np.float64), 1, constant_values=np.inf))
        order = np.argsort(level, axis=None, kind="stable").astype(np.int32)
        stops = np.searchsorted(level.ravel()[order], np.arange(len(thresholds)), side="right")
        parent = np.full(level.size, -1, np.int32)
        cells = np.arange(level.size, dtype=np.int32).reshape(level.shape)[2:-1:2, 2:-1:2]
        for start, stop in zip([0, *stops[:-1]], stops, strict=True):
            _join(order[start:stop], parent, level.shape[1])
            yield _roots(cells.ravel(), parent).reshape(cells.shape)


@njit(cache=True, nogil=True)
def _find(cell: int, parent: NDArray[np.int32]) -> int:
    while parent[cell] != cell:
        parent[cell] = parent[parent[cell]]
        cell = parent[cell]
    return cell


@njit(cache=True, nogil=True)
def _join(entering: NDArray[np.int32], parent: NDArray[np.int32], width: int) -> None:
    """Add cells to the forest and join each with its neighbours that are in it already; -1 marks those outside."""
    steps = (-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1)
    for cell in entering:
        parent[cell] = cell
        for step in steps:
            if parent[cell + step] >= 0:
                a, b = _find(cell, parent), _find(cell + step, parent)
                parent[max(a, b)] = min(a, b)


@njit(cache=True, nogil=True)
def _roots(cells: NDArray[np.int32], parent: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return each cell's root; a cell that is still outside, on a contour, is a region of its own."""
    roots = cells.copy()
    for i in range(cells.size):
        if parent[cells[i]] >= 0:
            roots[i] = _find(cells[i], parent)
    return roots

"""From a contour map and its ground truth to integer counts: threshold, thin, match every annotator, count.

Counts are the benchmark's additive unit. Every score is a fold over them (`metrics`), so one image, a data set, a
bootstrap sample and a shard from another machine are scored by the same lines, and the number of workers cannot
change a score.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from .assignment import MATCH, Assignment, drop_row, insert_row, offer_col
from .boundaries import label_boundaries
from .matching import Neighbourhood
from .protocol import BoundaryProtocol
from .thinning import thin
from .validation import check_contour_map, check_ground_truth, require, size_message


@dataclass(frozen=True, eq=False)  # nor a hash: arrays have none
class BoundaryCounts:
    """Matched and total pixels at each of K thresholds; ``a + b`` pools images.

    Parameters
    ----------
    cnt_r, sum_r : (K,) int64 arrays
        Matched ground-truth pixels and all of them, summed over annotators.
    cnt_p, sum_p : (K,) int64 arrays
        Predicted pixels matched to at least one annotator, and all of them.
    thresholds : (K,) float64 array
        The thresholds, or 1 … K for the settings of a parameter sweep.

    Raises
    ------
    ValueError
        If the lengths differ, or a count is a fraction, negative, or larger than its total.

    Examples
    --------
    >>> image = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> (image + image).cnt_r
    array([18, 16])
    """

    cnt_r: NDArray[np.int64]
    sum_r: NDArray[np.int64]
    cnt_p: NDArray[np.int64]
    sum_p: NDArray[np.int64]
    thresholds: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("cnt_r", "sum_r", "cnt_p", "sum_p"):
            values = _whole(getattr(self, name), name)
            require(values.shape == np.shape(self.thresholds), f"{name}: {values.shape}, expected one per threshold")
            object.__setattr__(self, name, values)
        object.__setattr__(self, "thresholds", np.array(self.thresholds, np.float64))
        for count, total in ((self.cnt_r, self.sum_r), (self.cnt_p, self.sum_p)):
            require(bool(np.all((count >= 0) & (count <= total))), "counts: negative, or more matched than there are")

    def __add__(self, other: "BoundaryCounts") -> "BoundaryCounts":
        require(
            np.array_equal(self.thresholds, other.thresholds),
            f"counts: {len(self.thresholds)} and {len(other.thresholds)} thresholds that differ cannot be pooled",
        )
        return BoundaryCounts(
            self.cnt_r + other.cnt_r,
            self.sum_r + other.sum_r,
            self.cnt_p + other.cnt_p,
            self.sum_p + other.sum_p,
            self.thresholds,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundaryCounts) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__
        )

    def at(self, index: ArrayLike) -> "BoundaryCounts":
        """Return the counts at some of the thresholds."""
        index = np.atleast_1d(index)
        return BoundaryCounts(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


def _whole(values: ArrayLike, name: str) -> NDArray[np.int64]:
    """Return counts as int64; a fraction is no count."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        fractions = array[~((np.abs(array) < 2**53) & (array == np.floor(array)))]
        require(fractions.size == 0, f"counts: {name} of {fractions[:1]} pixels, expected whole numbers")
    return np.array(array, np.int64)


def count_map(
    contour_map: ArrayLike, ground_truth: ArrayLike, protocol: BoundaryProtocol | None = None
) -> BoundaryCounts:
    """Count matched pixels of a contour map at every threshold.

    Parameters
    ----------
    contour_map : (H, W) float array in [0, 1]
        Strength of the contours; a pixel is predicted where ``contour_map >= threshold``. Left unchanged.
    ground_truth : (G, H, W) bool array
        True contours, one layer per annotator; used as they are, never thinned.
    protocol : BoundaryProtocol, optional
        Thresholds, tolerance and thinning; the BSDS500 protocol if not given.

    Returns
    -------
    BoundaryCounts
        With K = ``protocol.thresholds`` entries.

    Raises
    ------
    ValueError
        If the sizes differ, values leave [0, 1] or are NaN, or there is no annotator.

    References
    ----------
    Martin, Fowlkes & Malik, "Learning to detect natural image boundaries using local brightness, color, and texture
    cues", PAMI 2004, section 2.2 and appendix B.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.zeros((1, 8, 8), bool)
    >>> truth[0, :, 4] = True
    >>> counts = count_map(np.where(truth[0], 0.6, 0.0), truth, BoundaryProtocol(thresholds=3))
    >>> counts.thresholds, counts.cnt_r, counts.sum_r
    (array([0.25, 0.5 , 0.75]), array([8, 8, 0]), array([8, 8, 8]))
    """
    protocol = protocol or BoundaryProtocol()
    contour_map = check_contour_map(contour_map)
    ground_truth = check_ground_truth(ground_truth, contour_map.shape)
    levels = protocol.levels()
    binary, which = _binarisations(contour_map, levels, protocol.thin)
    counts = _count(binary, ground_truth, np.arange(len(binary), dtype=np.float64), protocol).at(which)
    return replace(counts, thresholds=levels)


def count_segmentations(
    segmentations: Sequence[ArrayLike], ground_truth: ArrayLike, protocol: BoundaryProtocol | None = None
) -> BoundaryCounts:
    """Count matched boundary pixels of a parameter sweep: one segmentation per setting, one point of the curve each.

    Parameters
    ----------
    segmentations : sequence of K (H, W) integer arrays
        Label maps; the boundary of the k-th is what the official benchmark matches at "threshold" k.
    ground_truth : (G, H, W) bool array
        True contours, one layer per annotator.
    protocol : BoundaryProtocol, optional
        Tolerance and thinning; its thresholds are not used.

    Returns
    -------
    BoundaryCounts
        With K entries and thresholds 1 … K.

    Raises
    ------
    ValueError
        If there is no segmentation, sizes differ, or labels are not whole numbers.

    Examples
    --------
    >>> import numpy as np
    >>> halves = np.array([[1, 1, 2, 2]] * 4)
    >>> truth = label_boundaries(halves)[np.newaxis]
    >>> counts = count_segmentations([halves, np.ones_like(halves)], truth)
    >>> counts.thresholds, counts.cnt_r, counts.sum_r
    (array([1., 2.]), array([4, 0]), array([4, 4]))
    """
    protocol = protocol or BoundaryProtocol()
    require(len(segmentations) > 0, "segmentations: none given, expected one label map per setting")
    masks = [label_boundaries(labels) for labels in segmentations]
    ground_truth = check_ground_truth(ground_truth, masks[0].shape)
    for k, mask in enumerate(masks):
        if mask.shape != masks[0].shape:
            raise ValueError(size_message(f"segmentations[{k}]", mask.shape, "segmentations[0]", masks[0].shape))
    levels = np.arange(1, len(masks) + 1, dtype=np.float64)
    return _count([_positions(thin(m) if protocol.thin else m) for m in masks], ground_truth, levels, protocol)


def pool(counts: Iterable[BoundaryCounts]) -> BoundaryCounts:
    """Sum counts over images.

    Parameters
    ----------
    counts : iterable of BoundaryCounts
        One per image.

    Returns
    -------
    BoundaryCounts
        With the thresholds of each.

    Raises
    ------
    ValueError
        If there are none, or their thresholds differ.

    Examples
    --------
    >>> image = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> pool([image, image, image]).sum_p
    array([54, 24])
    """
    counts = list(counts)
    require(len(counts) > 0, "counts: no images to pool")
    total = counts[0]
    for more in counts[1:]:
        total = total + more
    return total


class _Changes(NamedTuple):
    """Which candidate pixels are in each binary map, and which enter and leave on the way down the thresholds.

    Lists of index arrays, stored end to end: map k has ``values[start[k]:start[k + 1]]``.
    """

    pixels: NDArray[np.int32]
    pixels_start: NDArray[np.int64]
    entering: NDArray[np.int32]
    entering_start: NDArray[np.int64]
    leaving: NDArray[np.int32]
    leaving_start: NDArray[np.int64]


def _binarisations(
    contour_map: NDArray[np.floating], levels: NDArray[np.float64], thinning: bool
) -> tuple[list[NDArray[np.int32]], NDArray[np.int64]]:
    """Flat positions of the (thinned) pixels of each distinct binary map, and which of them each threshold gives."""
    contour_map = contour_map.astype(np.float64)  # as the thresholds are, whatever NumPy's rules of promotion
    sizes = contour_map.size - np.searchsorted(np.sort(contour_map, axis=None), levels, side="left")
    distinct, which = np.unique(-sizes, return_inverse=True)  # the sets are nested: equal sizes mean equal sets
    masks = (contour_map >= level for level in levels[np.searchsorted(which, np.arange(len(distinct)))])
    return [_positions(thin(mask) if thinning else mask) for mask in masks], which


def _positions(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.flatnonzero(mask).astype(np.int32)


def _count(
    binary: list[NDArray[np.int32]],
    ground_truth: NDArray[np.bool_],
    levels: NDArray[np.float64],
    protocol: BoundaryProtocol,
) -> BoundaryCounts:
    """Match each binary map, given by flat pixel positions, with every annotator."""
    shape = ground_truth.shape[1:]
    pixels, sizes = np.concatenate(binary), np.array([len(b) for b in binary])
    ever = np.zeros(ground_truth[0].size, np.bool_)
    ever[pixels] = True
    candidates, number = np.flatnonzero(ever), np.cumsum(ever, dtype=np.int32) - 1
    pixels = number[pixels]
    changes = _Changes(*_changes(pixels, np.concatenate([[0], np.cumsum(sizes)]), len(candidates)))
    neighbourhood = Neighbourhood.of(candidates, shape, protocol.tolerance(shape))
    cnt_r, hit = np.zeros(len(binary), np.int64), np.zeros(len(pixels), np.bool_)
    for layer in ground_truth:
        _count_annotator(neighbourhood.assignment(np.flatnonzero(layer)), changes, cnt_r, hit)
    sum_r = np.full(len(binary), np.count_nonzero(ground_truth), np.int64)
    cnt_p = np.array([np.count_nonzero(h) for h in np.split(hit, changes.pixels_start[1:-1])], np.int64)
    return BoundaryCounts(cnt_r, sum_r, cnt_p, sizes, levels)


@njit(cache=True, nogil=True)
def _changes(
    pixels: NDArray[np.int32], start: NDArray[np.int64], n_candidates: int
) -> tuple[
    NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]
]:
    """Return the fields of `_Changes`: compare the pixels of each threshold with those of the next one up."""
    last_seen = np.full(n_candidates, -1, np.int64)
    entering, leaving = np.empty_like(pixels), np.empty_like(pixels)
    entering_start, leaving_start = np.zeros_like(start), np.zeros_like(start)
    n_entering = n_leaving = 0
    for k in range(start.size - 1):
        entering_start[k], leaving_start[k] = n_entering, n_leaving
        above = start[k + 1], start[min(k + 2, start.size - 1)]
        for i in range(*above):
            last_seen[pixels[i]] = k
        for i in range(start[k], start[k + 1]):
            if last_seen[pixels[i]] != k:
                entering[n_entering] = pixels[i]
                n_entering += 1
        for i in range(start[k], start[k + 1]):
            last_seen[pixels[i]] = -1
        for i in range(*above):
            if last_seen[pixels[i]] == k:
                leaving[n_leaving] = pixels[i]
                n_leaving += 1
    entering_start[-1], leaving_start[-1] = n_entering, n_leaving
    return pixels, start, entering[:n_entering], entering_start, leaving[:n_leaving], leaving_start


@njit(cache=True, nogil=True)
def _count_annotator(
    assignment: Assignment, changes: _Changes, cnt_r: NDArray[np.int64], hit: NDArray[np.bool_]
) -> None:
    """Walk down the thresholds, keeping the optimum; add up ``cnt_r`` and mark matched predictions in ``hit``."""
    rows, cols, row_pairs, col_pairs, row_of, heap, unit = assignment
    freed = np.empty(len(cols), np.int64)
    for k in range(cnt_r.size - 1, -1, -1):
        n_freed = 0
        for i in range(changes.leaving_start[k], changes.leaving_start[k + 1]):
            row = row_of[changes.leaving[i]]
            col = drop_row(row, rows, cols) if row >= 0 else -1
            if col >= 0:
                freed[n_freed] = col
                n_freed += 1
        for i in range(changes.entering_start[k], changes.entering_start[k + 1]):
            row = row_of[changes.entering[i]]
            if row >= 0:
                insert_row(row, rows, cols, row_pairs, heap, unit)
        for i in range(n_freed):
            offer_col(freed[i], rows, cols, col_pairs, heap, unit)
        for i in range(changes.pixels_start[k], changes.pixels_start[k + 1]):
            row = row_of[changes.pixels[i]]
            if row >= 0 and rows[row, MATCH] >= 0:
                cnt_r[k] += 1
                hit[i] = True

"""From contours to a hierarchy of regions: oriented watershed transform and ultrametric contour map.

Arbelaez, Maire, Fowlkes & Malik, "Contour detection and hierarchical image segmentation", PAMI 2011, section 4. The
watershed's regions meet between pixels: an arc is the set of pixel sides, *edgels*, between two regions.
"""

from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ..eval.hierarchy import Hierarchy

# Reach, in pixels, within which the edgels of an arc decide its direction at one of them.
TANGENT_REACH = 5.0
# The watershed floods the map smoothed by this, in pixels: else every pixel of noise is a basin.
SMOOTHING = 1.0


class Edgels(NamedTuple):
    """Sides of pixels where two regions meet: (E,) arrays.

    ``y``, ``x`` are positions on the grid of double size; ``first``, ``second`` the flat pixels on both sides; ``arc``
    the number of the pair of regions.
    """

    y: NDArray[np.int64]
    x: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    arc: NDArray[np.int64]


def owt_ucm(oriented: NDArray[np.floating]) -> Hierarchy:
    """Return the hierarchy of regions that a contour signal encloses.

    Parameters
    ----------
    oriented : (K, H, W) float array in [0, 1]
        Strength of a contour whose normal is at the angle pi k / K, 0 along the columns (east), pi / 2 along the rows
        (south), before suppression; or (1, H, W), a map without orientation.

    Returns
    -------
    Hierarchy
        The strength of an arc is the mean of the signal along it, taken at the arc's own direction; regions join in
        the order of the mean strength between them.

    Raises
    ------
    ValueError
        If ``oriented`` is not three-dimensional, is empty, or holds NaN or infinity.

    References
    ----------
    Arbelaez, Maire, Fowlkes & Malik, "Contour detection and hierarchical image segmentation", PAMI 2011, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> oriented = np.zeros((1, 5, 7))
    >>> oriented[:, :, 3] = 0.8
    >>> hierarchy = owt_ucm(oriented)
    >>> [len(np.unique(regions)) for regions in hierarchy.label_maps([0.1, 0.9])]
    [2, 1]
    """
    check_oriented(oriented)
    height, width = oriented.shape[1:]
    labels = watershed_regions(oriented.max(axis=0))
    edgels = find_edgels(labels)
    if len(edgels.y) == 0:
        return Hierarchy(np.zeros((2 * height + 1, 2 * width + 1), np.float32))
    strength = edgel_strength(oriented, edgels)
    arcs = np.unique(edgels.arc, return_index=True)[1]
    flat = labels.ravel()
    heights = join_regions(
        np.stack([flat[edgels.first[arcs]], flat[edgels.second[arcs]]], axis=1),
        np.bincount(edgels.arc, strength).astype(np.float64),
        np.bincount(edgels.arc).astype(np.float64),
    )
    return Hierarchy(_painted(edgels, heights[edgels.arc], (height, width)))


def check_oriented(oriented: NDArray[np.floating]) -> None:
    """Raise ``ValueError`` unless ``oriented`` is (K, H, W), K at least 1, and finite."""
    if oriented.ndim != 3 or oriented.size == 0:
        raise ValueError(f"oriented: shape {oriented.shape}, expected (K, H, W), one plane per orientation")
    if not np.isfinite(oriented).all():
        raise ValueError("oriented: holds NaN or infinity, expected contour strengths in [0, 1]")


def watershed_regions(strength: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the basins of a contour map, (H, W) labels from 0: one per regional minimum."""
    from skimage.segmentation import watershed

    smooth = gaussian_filter(np.asarray(strength, np.float64), SMOOTHING, mode="nearest")
    return np.maximum(watershed(smooth).astype(np.int64) - 1, 0)  # a constant map has no minima, and one region


def find_edgels(labels: NDArray[np.int64]) -> Edgels:
    """Return the sides between pixels of different regions, numbered by the pair they part."""
    height, width = labels.shape
    flat = np.arange(height * width).reshape(height, width)
    beside = labels[:, :-1] != labels[:, 1:]
    below = labels[:-1] != labels[1:]
    y = np.concatenate([2 * np.nonzero(beside)[0] + 1, 2 * np.nonzero(below)[0] + 2])
    x = np.concatenate([2 * np.nonzero(beside)[1] + 2, 2 * np.nonzero(below)[1] + 1])
    first = np.concatenate([flat[:, :-1][beside], flat[:-1][below]])
    second = np.concatenate([flat[:, 1:][beside], flat[1:][below]])
    a, b = labels.ravel()[first], labels.ravel()[second]
    arc = np.unique(np.minimum(a, b) * (labels.max() + 1) + np.maximum(a, b), return_inverse=True)[1].ravel()
    return Edgels(y, x, first, second, arc)


def edgel_strength(oriented: NDArray[np.floating], edgels: Edgels) -> NDArray[np.float64]:
    """Return the signal at each edgel, (E,): of the orientation its arc has there, mean of the pixels on both sides."""
    order = np.argsort(edgels.arc, kind="stable")
    starts = np.searchsorted(edgels.arc[order], np.arange(edgels.arc.max() + 2))
    tangent = np.empty(len(order))
    tangent[order] = _tangents(edgels.y[order] / 2, edgels.x[order] / 2, starts, TANGENT_REACH)
    planes = oriented.reshape(len(oriented), -1).astype(np.float64)
    turn = np.mod((tangent + np.pi / 2) * len(planes) / np.pi, len(planes))
    lower = np.minimum(turn.astype(np.int64), len(planes) - 1)
    upper, share = (lower + 1) % len(planes), turn - lower
    sides = [planes[lower, p] * (1 - share) + planes[upper, p] * share for p in (edgels.first, edgels.second)]
    return np.mean(sides, axis=0)


def join_regions(
    pairs: NDArray[np.int64], totals: NDArray[np.float64], lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Join neighbouring regions, weakest mean boundary first, and return the height at which each arc vanishes.

    Parameters
    ----------
    pairs : (A, 2) int array
        The two regions of each arc.
    totals, lengths : (A,) float arrays
        Signal summed along the arc, and its number of edgels.

    Returns
    -------
    (A,) float64 array
        Heights that form an ultrametric: of three regions, the two largest distances are equal.
    """
    heights = np.zeros(len(pairs))
    borders: list[dict[int, tuple[float, float, list[int]]]] = [{} for _ in range(int(pairs.max()) + 1)]
    for arc, (a, b) in enumerate(pairs.tolist()):
        borders[a][b] = borders[b][a] = (totals[arc], lengths[arc], [arc])
    queue = [(totals[arc] / lengths[arc], a, b) for arc, (a, b) in enumerate(pairs.tolist())]
    heapify(queue)
    height = 0.0
    while queue:
        mean, a, b = heappop(queue)
        shared = borders[a].get(b)
        if shared is None or shared[0] / shared[1] != mean:
            continue  # one of the two has joined another since, and their border has changed
        height = max(height, mean)
        heights[shared[2]] = height
        kept, gone = (a, b) if len(borders[a]) >= len(borders[b]) else (b, a)
        del borders[kept][gone]
        for other, (total, length, arcs) in borders[gone].items():
            if other == kept:
                continue
            before = borders[kept].get(other)
            if before is not None:
                total, length, arcs = total + before[0], length + before[1], arcs + before[2]
            del borders[other][gone]
            borders[kept][other] = borders[other][kept] = (total, length, arcs)
            heappush(queue, (total / length, min(kept, other), max(kept, other)))
        borders[gone] = {}
    return heights


@njit(cache=True, nogil=True)
def _tangents(
    y: NDArray[np.float64], x: NDArray[np.float64], starts: NDArray[np.int64], reach: float
) -> NDArray[np.float64]:
    """Direction of the arc at each edgel: the main axis of the arc's edgels within reach, in radians from east."""
    tangent = np.zeros(y.size)
    for arc in range(starts.size - 1):
        for i in range(starts[arc], starts[arc + 1]):
            n = sum_y = sum_x = sum_yy = sum_xx = sum_xy = 0.0
            for j in range(starts[arc], starts[arc + 1]):
                d_y, d_x = y[j] - y[i], x[j] - x[i]
                if d_y * d_y + d_x * d_x <= reach * reach:
                    n += 1
                    sum_y += d_y
                    sum_x += d_x
                    sum_yy += d_y * d_y
                    sum_xx += d_x * d_x
                    sum_xy += d_x * d_y
            var_y, var_x = sum_yy - sum_y * sum_y / n, sum_xx - sum_x * sum_x / n
            covariance = sum_xy - sum_x * sum_y / n
            tangent[i] = 0.5 * np.arctan2(2 * covariance, var_x - var_y)
            if n == 1:  # one side of one pixel: it lies along the rows where it parts two of one row
                tangent[i] = np.pi / 2 if y[i] != np.floor(y[i]) else 0.0
    return tangent


def _painted(edgels: Edgels, heights: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Write heights onto the double-size grid; a corner gets the largest of the four edgels that meet there."""
    ucm2 = np.zeros((2 * shape[0] + 1, 2 * shape[1] + 1), np.float32)
    ucm2[edgels.y, edgels.x] = np.clip(heights, 0, 1)
    around = np.pad(ucm2, 1)
    corners = np.maximum(
        np.maximum(around[0:-2:2, 1:-1:2], around[2::2, 1:-1:2]),
        np.maximum(around[1:-1:2, 0:-2:2], around[1:-1:2, 2::2]),
    )
    ucm2[::2, ::2] = corners
    return ucm2

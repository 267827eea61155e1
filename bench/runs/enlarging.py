"""What was found in a reduced picture, brought back to the picture's own size, with lines that stay one pixel thin.

An enlarged picture of lines would have them as thick as the factor. So lines are drawn anew where they are:

- regions: every pixel takes the region that weighs most around its place. Borders then lie between pixels, as before,
  and each has the strength that the hierarchy gives to the two regions it parts.
- a map of thin lines: neighbouring line pixels are joined by straight strokes, one pixel wide.
- a map that has no lines yet, such as a gradient's magnitude, is smooth and is interpolated.
"""

from heapq import heapify, heappop

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...baselines.owt_ucm import find_edgels
from ...eval.contour_map import ContourMap
from ...eval.hierarchy import Hierarchy
from ...eval.sweeps import Sweep
from ...eval.thinning import thin
from ..files.predictions import Prediction

# Of the pixels above 0 of suppressed maps, thinning keeps over .8; of magnitudes, under .1.
LEAST_THIN = 0.5
# Neighbours of which each pair is looked at once, as (row, column) steps.
STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


def enlarged(prediction: Prediction, shape: tuple[int, int]) -> Prediction:
    """Return a prediction at the size (H, W), which is not smaller than its own; as it is if that is its size."""
    if prediction.shape == tuple(shape):
        return prediction
    if isinstance(prediction, Hierarchy):
        return enlarged_hierarchy(prediction, shape)
    if isinstance(prediction, Sweep):
        layers = tuple(enlarged_labels(labels, shape) for labels in prediction.segmentations)
        return Sweep(layers, prediction.settings)
    return ContourMap(enlarged_map(prediction.values, shape))


def enlarged_labels(labels: NDArray[np.integer], shape: tuple[int, int]) -> NDArray[np.int64]:
    """Return a label map at the size (H, W): the label that weighs most around each place.

    Weights are those of the quadratic B-spline, which rounds steps off; a pixel's own is over one half near its centre,
    so that from a factor of 2.5 on no region gets lost; below, one of a single pixel can.
    """
    return _vote(
        np.ascontiguousarray(labels, np.int64), *_taps(labels.shape[0], shape[0]), *_taps(labels.shape[1], shape[1])
    )


def enlarged_hierarchy(hierarchy: Hierarchy, shape: tuple[int, int]) -> Hierarchy:
    """Return a hierarchy at the size (H, W): its finest regions enlarged, borders as strong as between them."""
    finest = _finest(hierarchy)
    large = enlarged_labels(finest, shape)
    ucm2 = np.zeros((2 * shape[0] + 1, 2 * shape[1] + 1), np.float32)
    edgels = find_edgels(large)
    if len(edgels.y) == 0:
        return Hierarchy(ucm2)
    arcs = np.unique(edgels.arc, return_index=True)[1]
    flat = large.ravel()
    pairs = np.stack([flat[edgels.first[arcs]], flat[edgels.second[arcs]]], axis=1)
    heights = _heights(pairs, *_joins(finest, hierarchy.ucm2))[edgels.arc]
    ucm2[edgels.y, edgels.x] = heights
    down = edgels.y % 2  # a side that parts two pixels of one row runs down, from corner to corner
    for step in (-1, 1):  # a corner has the largest of the four sides that meet there
        np.maximum.at(ucm2, (edgels.y + step * down, edgels.x + step * (1 - down)), heights)
    return Hierarchy(ucm2)


def enlarged_regions(hierarchy: Hierarchy, threshold: float, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return the regions at a threshold, numbered from 0, at the size (H, W)."""
    finest, coarse = _finest(hierarchy), hierarchy.labels(threshold)
    large = finest if hierarchy.shape == tuple(shape) else enlarged_labels(finest, shape)
    there = np.flatnonzero(np.bincount(large.ravel()))
    number = np.zeros(finest.max() + 1, np.int32)
    number[finest] = coarse
    number[there] = np.unique(number[there], return_inverse=True)[1]
    return number[large]


def enlarged_map(values: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return a contour map at the size (H, W): thin lines drawn anew, else values in between."""
    from PIL import Image

    lines = thin(values > 0)
    if np.count_nonzero(lines) >= LEAST_THIN * np.count_nonzero(values):
        return _drawn(np.where(lines, values, 0), shape)
    smooth = Image.fromarray(values.astype(np.float32)).resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.clip(np.asarray(smooth), 0, 1)


def _drawn(lines: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return thin lines at another size, each stroke as strong as its two ends on average, the strongest on top."""
    from PIL import Image, ImageDraw

    ends = _strokes(lines > 0)  # (S, 2) flat pixels
    place = _rounded_off(lines > 0, ends) + 0.5  # (P, 2), steps of pixels made straight
    place = np.rint(place * np.divide(shape, lines.shape) - 0.5).astype(int)[:, ::-1]  # (column, row)
    strength = lines.ravel()[ends].mean(axis=1)
    picture = Image.new("F", shape[::-1])
    draw = ImageDraw.Draw(picture)
    for i in np.argsort(strength, kind="stable"):
        draw.line([*place[ends[i, 0]].tolist(), *place[ends[i, 1]].tolist()], fill=float(strength[i]))
    return np.array(picture)


def _strokes(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return pairs of flat pixels to join: neighbours, diagonal ones if no line goes round; a lone pixel to itself."""
    index = np.arange(mask.size).reshape(mask.shape)
    padded = np.pad(mask, 1)
    found = []
    for d_row, d_col in STEPS:
        moved = _moved(padded, d_row, d_col)
        joined = mask & moved
        if d_row and d_col:
            joined &= ~(_moved(padded, d_row, 0) | _moved(padded, 0, d_col))
        first = index[joined]
        found.append(np.stack([first, first + d_row * mask.shape[1] + d_col], axis=1))
    pairs = np.concatenate(found)
    lone = mask.ravel().copy()
    lone[pairs] = False
    alone = np.flatnonzero(lone)
    return np.concatenate([pairs, np.stack([alone, alone], axis=1)])


def _moved(padded: NDArray[np.bool_], d_row: int, d_col: int) -> NDArray[np.bool_]:
    """Return what is so many rows and columns away, of a mask with a margin of one pixel."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    return padded[1 + d_row : 1 + d_row + height, 1 + d_col : 1 + d_col + width]


def _rounded_off(mask: NDArray[np.bool_], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the (row, column) of each flat pixel; of those along a line, half of it that of their two neighbours."""
    place = np.stack(np.divmod(np.arange(mask.size), mask.shape[1]), axis=1).astype(np.float64)
    ways = np.bincount(ends.ravel(), minlength=mask.size)
    total = np.zeros_like(place)
    for one, other in (ends.T, ends.T[::-1]):
        np.add.at(total, one, place[other])
    along = ways == 2
    place[along] = place[along] / 2 + total[along] / 4
    return place


def _finest(hierarchy: Hierarchy) -> NDArray[np.int64]:
    """Return the regions that no contour crosses, numbered from 0."""
    labels = hierarchy.labels(0)
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)


def _joins(finest: NDArray[np.int64], ucm2: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the tree of regions that join: of each node its parent (itself at the root) and the height of joining.

    Nodes are the finest regions, then one for every join, from weak to strong.
    """
    edgels = find_edgels(finest)
    count = int(finest.max()) + 1
    parent, height = np.arange(2 * count - 1), np.zeros(2 * count - 1)
    top = list(range(count))  # of the sets that are joined so far, the node of each region's root

    def root(region: int) -> int:
        while top[region] != region:
            top[region] = region = top[top[region]]
        return region

    flat = finest.ravel()
    arcs = np.unique(edgels.arc, return_index=True)[1]
    strengths = ucm2[edgels.y[arcs], edgels.x[arcs]].astype(np.float64).tolist()
    queue = list(zip(strengths, flat[edgels.first[arcs]].tolist(), flat[edgels.second[arcs]].tolist(), strict=True))
    heapify(queue)
    while queue:
        strength, a, b = heappop(queue)
        a, b = root(a), root(b)
        if a != b:
            node = len(top)
            top.append(node)
            top[a] = top[b] = node
            parent[[a, b]] = node
            height[node] = strength
    return parent, height


@njit(cache=True, nogil=True)
def _heights(pairs: NDArray[np.int64], parent: NDArray[np.int64], height: NDArray[np.float64]) -> NDArray[np.float32]:
    """Height at which the two regions of each pair join: that of the lowest node above both."""
    found = np.zeros(len(pairs), np.float32)
    for i in range(len(pairs)):
        a, b = pairs[i]
        while a != b:  # a later node stands higher
            if a < b:
                a = parent[a]
            else:
                b = parent[b]
        found[i] = height[a]
    return found


def _taps(small: int, large: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the three nearest pixels of each place along an axis and their weights, both (large, 3)."""
    place = (np.arange(large) + 0.5) * small / large - 0.5
    nearest = np.floor(place + 0.5)
    t = place - nearest  # in [-1/2, 1/2)
    weights = np.stack([(0.5 - t) ** 2 / 2, 0.75 - t**2, (0.5 + t) ** 2 / 2], axis=1)
    return np.clip(nearest[:, np.newaxis] + (-1, 0, 1), 0, small - 1).astype(np.int64), weights


@njit(cache=True, nogil=True)
def _vote(
    labels: NDArray[np.int64],
    rows: NDArray[np.int64],
    row_weights: NDArray[np.float64],
    columns: NDArray[np.int64],
    column_weights: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Label of most weight among the nine around each place; the first of them where two weigh the same."""
    large = np.empty((len(rows), len(columns)), np.int64)
    near, weight = np.empty(9, np.int64), np.empty(9)
    for y in range(len(rows)):
        for x in range(len(columns)):
            same = True
            for k in range(9):
                near[k] = labels[rows[y, k // 3], columns[x, k % 3]]
                weight[k] = row_weights[y, k // 3] * column_weights[x, k % 3]
                same = same and near[k] == near[0]
            best, most = near[0], -1.0
            for k in range(1 if same else 9):
                total = 0.0
                for j in range(9):
                    total += weight[j] if near[j] == near[k] else 0.0
                if total > most:
                    best, most = near[k], total
            large[y, x] = best
    return large

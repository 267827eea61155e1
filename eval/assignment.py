"""Kernels of the exact assignment between predicted and ground-truth pixels.

The problem
-----------
Predicted pixels (*rows*) and ground-truth pixels (*columns*) are matched one to one. A pair within the tolerance costs
its distance in hundredths of a pixel, as an integer. Wanted is the matching with

1. the most pairs; among those
2. the least total distance; among those
3. the matched rows that come first in raster order: the matching whose rows, sorted, leave the later pixels unmatched.

Rule 3 makes the *set* of matched rows unique. (The row sets of the matchings that satisfy 1 and 2 are the bases of a
matroid – the maximisers of a valuated transversal matroid, Murota, "Matrices and matroids for systems analysis", 2000,
section 5.2 – and pixels have distinct positions, so exactly one base comes first.) Hence every count is a property of
the two masks, not of the algorithm, its order of work, or where it started from.

The three rules are one integer cost, as every row must either take a column or stay unmatched:

    pair (row r, column c):   distance(r, c) * unit
    row r left unmatched:     big * unit + (rows - 1 - number of r in raster order)

``big`` exceeds what any alternating path can gain in distance, ``unit`` exceeds any difference between row numbers;
along an alternating path only the numbers of its two ends count, so this is enough.

The algorithm
-------------
Rows come and go, and the optimum is kept by shortest augmenting paths in reduced costs (Dijkstra; Kuhn 1955, Jonker &
Volgenant 1987). The two sides are alike: every node has a *dual*, and a *limit* to it – what it costs to leave a row
unmatched, 0 for a column – and in the end

    dual[row] + dual[col] <= cost(row, col)     with equality on matched pairs,
    dual[node] <= limit[node]                   with equality on unmatched nodes,

which certifies the optimum (linear-programming duality). So one step suffices, `settle`: raise the dual of a node
without partner until it reaches its limit or the node finds a partner. A new row starts from 0; a column whose row
left starts from where it is. Between neighbouring thresholds few pixels change, and a column that is set free is
mostly taken by a new pixel nearby, so that carrying the state over is what makes counting fast. Where ground truth is
saturated the column duals sink to about ``-big``, which ends later hopeless searches after a few steps.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Fields of a node, one cache line of eight int64. START and STOP delimit its pairs. LABEL (cost of the best path to it
# so far, FAR when not reached), ORIGIN (the node on the other side before it) and SLOT (its place in the heap) serve a
# search; LABEL is FAR again after each.
LIMIT, DUAL, MATCH, START, STOP, LABEL, ORIGIN, SLOT = range(8)

FAR = 2**62
# Dual of a row that is not predicted now: every edge to it is too long.
ABSENT = -(2**61)


class Assignment(NamedTuple):
    """A matching, its certificate and its graph; changed in place.

    ``rows`` and ``cols`` are (n, 8) int64 nodes. ``row_pairs`` and ``col_pairs``, (m, 2) int32, hold each node's
    possible partners and their distances in hundredths of a pixel, nearest first. ``row_of`` gives the row of each
    candidate pixel, -1 for those without any pair. ``heap`` is work space; ``unit`` the cost of a hundredth of a pixel.
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    row_pairs: NDArray[np.int32]
    col_pairs: NDArray[np.int32]
    row_of: NDArray[np.int32]
    heap: NDArray[np.int32]
    unit: int


def new_assignment(
    candidate_at: NDArray[np.int32], n_candidates: int, col_pixels: NDArray[np.int64], offsets: NDArray[np.int64]
) -> Assignment:
    """Return the empty matching between candidate pixels, none of them predicted yet, and ground-truth pixels.

    Parameters
    ----------
    candidate_at : (P,) int32 array
        Number of the candidate at each position of the padded image, -1 where there is none; in raster order. From no
        ground-truth pixel does an offset lead out of the array.
    n_candidates : int
        How many candidates there are.
    col_pixels : (C,) int64 array
        Ground-truth pixels, as positions in the padded image.
    offsets : (K, 2) int64 array
        Steps in position to all pixels within the tolerance and their distances in hundredths of a pixel, nearest
        first.

    Raises
    ------
    OverflowError
        If image and tolerance are so large that costs would not fit in 64 bits.
    """
    degree, col_degree = _degrees(candidate_at, n_candidates, col_pixels, offsets)
    near = np.flatnonzero(degree)
    row_of = np.full(n_candidates, -1, np.int32)
    row_of[near] = np.arange(len(near))
    rows, cols = _nodes(degree[near]), _nodes(col_degree)
    row_pairs, col_pairs = np.empty((2, int(col_degree.sum()), 2), np.int32)
    _fill_pairs(candidate_at, row_of, col_pixels, offsets, rows, cols, row_pairs, col_pairs)

    unit = 1 << len(rows).bit_length()
    big = int(offsets[-1, 1]) * (min(len(rows), len(cols)) + 1) + 1
    if 4 * big * unit >= -ABSENT:
        raise OverflowError(f"{len(rows)} predicted and {len(cols)} true pixels: too many for costs of 64 bits")
    rows[:, LIMIT] = big * unit + np.arange(len(rows))[::-1]
    rows[:, DUAL] = ABSENT
    heap = np.empty((2, max(len(rows), len(cols))), np.int32)
    return Assignment(rows, cols, row_pairs, col_pairs, row_of, heap, unit)


def _nodes(degree: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return unmatched nodes with room for their pairs; STOP starts at START and moves as pairs are filled in."""
    nodes = np.zeros((len(degree), 8), np.int64)
    nodes[1:, START] = np.cumsum(degree[:-1])
    nodes[:, STOP] = nodes[:, START]
    nodes[:, MATCH] = -1
    nodes[:, LABEL] = FAR
    return nodes


@njit(cache=True, nogil=True)
def _degrees(
    candidate_at: NDArray[np.int32], n_candidates: int, col_pixels: NDArray[np.int64], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the pairs of each candidate and of each column."""
    degree, col_degree = np.zeros(n_candidates, np.int64), np.zeros(col_pixels.size, np.int64)
    for col in range(col_pixels.size):
        for k in range(len(offsets)):
            candidate = candidate_at[col_pixels[col] + offsets[k, 0]]
            if candidate >= 0:
                degree[candidate] += 1
                col_degree[col] += 1
    return degree, col_degree


@njit(cache=True, nogil=True)
def _fill_pairs(
    candidate_at: NDArray[np.int32],
    row_of: NDArray[np.int32],
    col_pixels: NDArray[np.int64],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    row_pairs: NDArray[np.int32],
    col_pairs: NDArray[np.int32],
) -> None:
    """Write the pairs of both sides; distance is the outer loop, so that each node gets its nearest first."""
    for k in range(len(offsets)):
        step, distance = offsets[k]
        for col in range(col_pixels.size):
            candidate = candidate_at[col_pixels[col] + step]
            if candidate >= 0:
                row = row_of[candidate]
                row_pairs[rows[row, STOP], 0] = col
                row_pairs[rows[row, STOP], 1] = distance
                rows[row, STOP] += 1
                col_pairs[cols[col, STOP], 0] = row
                col_pairs[cols[col, STOP], 1] = distance
                cols[col, STOP] += 1


@njit(cache=True, nogil=True)
def insert_row(
    row: int,
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    row_pairs: NDArray[np.int32],
    heap: NDArray[np.int32],
    unit: int,
) -> None:
    """Add a predicted pixel and restore the optimum."""
    rows[row, DUAL] = 0
    settle(row, rows, cols, row_pairs, heap, unit, 0)


@njit(cache=True, nogil=True)
def drop_row(row: int, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> int:
    """Take a predicted pixel away; return the column it held, or -1.

    That column is without partner now though its dual may be below its limit: until `offer_col` settles it the matching
    is not yet optimal. Rows that are inserted before then may take it, which spares most of the work.
    """
    col = rows[row, MATCH]
    rows[row, DUAL] = ABSENT
    rows[row, MATCH] = -1
    if col >= 0:
        cols[col, MATCH] = -1
    return col


@njit(cache=True, nogil=True)
def offer_col(
    col: int,
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    col_pairs: NDArray[np.int32],
    heap: NDArray[np.int32],
    unit: int,
) -> None:
    """Offer a column that a dropped row held to the others, unless it has been taken since."""
    if cols[col, MATCH] < 0 and cols[col, DUAL] < 0:
        settle(col, cols, rows, col_pairs, heap, unit, rows[0, LIMIT])


@njit(cache=True, nogil=True)
def settle(
    node: int,
    own: NDArray[np.int64],
    other: NDArray[np.int64],
    pairs: NDArray[np.int32],
    heap: NDArray[np.int32],
    unit: int,
    highest: int,
) -> None:
    """Raise the dual of a node without partner until it reaches its limit or the node finds a partner.

    The cheapest alternating path from ``node`` ends in a free node of the other side (one more pair), in a node of its
    own side that is left without partner instead, or at once. ``highest`` is no less than any dual of the other side.
    """
    queue, reached = heap[0], heap[1]
    n_queued = n_reached = 0
    best, end = own[node, LIMIT] - own[node, DUAL], -1
    taker, cost = node, 0
    while True:
        base = cost - own[taker, DUAL]
        for i in range(own[taker, START], own[taker, STOP]):
            to_pair = base + pairs[i, 1] * unit
            if to_pair - highest >= best:
                break
            target = pairs[i, 0]
            label = to_pair - other[target, DUAL]
            if label < best and label < other[target, LABEL]:
                partner = other[target, MATCH]
                to_end = label if partner < 0 else label + own[partner, LIMIT] - own[partner, DUAL]
                if to_end < best:
                    best, end = to_end, target
                    other[target, ORIGIN] = taker
                if label < best:
                    if other[target, LABEL] == FAR:
                        reached[n_reached] = target
                        n_reached += 1
                        other[target, SLOT] = n_queued
                        n_queued += 1
                    other[target, LABEL] = label
                    other[target, ORIGIN] = taker
                    _rise(other, queue, target, label)
        if n_queued == 0 or other[queue[0], LABEL] >= best:
            break
        cost, taker = other[queue[0], LABEL], other[queue[0], MATCH]
        n_queued -= 1
        _sink(other, queue, n_queued)
    own[node, DUAL] += best
    for i in range(n_reached):
        target = reached[i]
        short = best - other[target, LABEL]
        if short > 0:
            other[target, DUAL] -= short
            own[other[target, MATCH], DUAL] += short
        other[target, LABEL] = FAR
    _exchange(end, own, other)


@njit(cache=True, nogil=True)
def _exchange(end: int, own: NDArray[np.int64], other: NDArray[np.int64]) -> None:
    """Match along the path that ended in ``end``, whose partner, if it has one, is left without."""
    if end >= 0 and other[end, MATCH] >= 0:
        own[other[end, MATCH], MATCH] = -1
    while end >= 0:
        taker = other[end, ORIGIN]
        given_up = own[taker, MATCH]
        own[taker, MATCH], other[end, MATCH] = end, taker
        end = given_up


@njit(cache=True, nogil=True)
def _rise(nodes: NDArray[np.int64], queue: NDArray[np.int32], node: int, label: int) -> None:
    """Let a node rise in the heap to where its label belongs."""
    place = nodes[node, SLOT]
    while place > 0:
        above = queue[(place - 1) // 2]
        if nodes[above, LABEL] <= label:
            break
        queue[place] = above
        nodes[above, SLOT] = place
        place = (place - 1) // 2
    queue[place] = node
    nodes[node, SLOT] = place


@njit(cache=True, nogil=True)
def _sink(nodes: NDArray[np.int64], queue: NDArray[np.int32], size: int) -> None:
    """Replace the heap's first node by its last, at ``size``, and let that sink."""
    if size == 0:
        return
    node = queue[size]
    label = nodes[node, LABEL]
    place = 0
    while 2 * place + 1 < size:
        below = 2 * place + 1
        if below + 1 < size and nodes[queue[below + 1], LABEL] < nodes[queue[below], LABEL]:
            below += 1
        if nodes[queue[below], LABEL] >= label:
            break
        queue[place] = queue[below]
        nodes[queue[place], SLOT] = place
        place = below
    queue[place] = node
    nodes[node, SLOT] = place

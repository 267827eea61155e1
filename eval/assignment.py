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
    row r left unmatched:     big * unit + (pixels - 1 - position of r)

``big`` exceeds what any alternating path can gain in distance, ``unit`` exceeds any difference between positions;
along an alternating path only the positions of its two ends count, so this is enough.

The algorithm
-------------
Rows come and go one at a time and the optimum is kept after each step, by one shortest augmenting path in reduced
costs (Dijkstra; Kuhn 1955, Jonker & Volgenant 1987). The state always satisfies

    row_dual[r] + col_dual[c] <= cost(r, c)     with equality on matched pairs,
    row_dual[r] <= unmatched cost of r          with equality on unmatched rows,
    col_dual[c] <= 0                            with equality on unmatched columns,

which certifies the optimum (linear-programming duality). Between neighbouring thresholds few pixels change, so
carrying the state over is what makes counting fast. Where ground truth is saturated the column duals sink to about
``-big``, which ends later hopeless searches after a few steps.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class PairGraph(NamedTuple):
    """Pairs within the tolerance, in compressed rows and in compressed columns.

    ``row_cols[row_start[r]:row_start[r + 1]]`` are the columns near row r, by increasing distance ``row_dist``
    (hundredths of a pixel); ``col_rows``, ``col_dist``, ``col_start`` are the transpose. ``row_pixel`` holds the
    flat image position of each row, ascending.
    """

    row_pixel: NDArray[np.int64]
    row_start: NDArray[np.int64]
    row_cols: NDArray[np.int32]
    row_dist: NDArray[np.int32]
    col_start: NDArray[np.int64]
    col_rows: NDArray[np.int32]
    col_dist: NDArray[np.int32]


class Matching(NamedTuple):
    """The matching and its certificate, kept from one step to the next.

    ``row_match`` and ``col_match`` hold the partner or -1. ``scale`` is (unit, big * unit, pixels), see above.
    """

    row_match: NDArray[np.int32]
    col_match: NDArray[np.int32]
    row_dual: NDArray[np.int64]
    col_dual: NDArray[np.int64]
    present: NDArray[np.bool_]
    scale: NDArray[np.int64]


class Search(NamedTuple):
    """Work space of one Dijkstra search; nodes are columns while inserting a row and rows while removing one.

    ``label`` is the tentative path cost (``FAR`` when not reached), ``origin`` the node on the other side through
    which it was reached, ``reached`` the list of nodes to clean afterwards; ``heap`` and ``slot`` are a binary heap
    of nodes ordered by label and each node's place in it. ``sizes`` counts the entries of heap and reached.
    """

    label: NDArray[np.int64]
    origin: NDArray[np.int32]
    reached: NDArray[np.int32]
    heap: NDArray[np.int32]
    slot: NDArray[np.int32]
    sizes: NDArray[np.int64]


FAR = 2**62


def new_matching(graph: PairGraph, n_cols: int, n_pixels: int) -> tuple[Matching, Search]:
    """Return the empty matching of ``graph`` and clean work space.

    Raises
    ------
    OverflowError
        If image and tolerance are so large that costs would not fit in 64 bits.
    """
    n_rows = len(graph.row_pixel)
    unit = 1 << int(n_pixels).bit_length()
    longest = int(graph.row_dist.max(initial=1))
    big = longest * (min(n_rows, n_cols) + 1) + 1
    if 4 * big * unit >= FAR:
        raise OverflowError(f"{n_cols} ground-truth pixels in an image of {n_pixels}: too large for 64-bit costs")
    matching = Matching(
        row_match=np.full(n_rows, -1, np.int32),
        col_match=np.full(n_cols, -1, np.int32),
        row_dual=np.zeros(n_rows, np.int64),
        col_dual=np.zeros(n_cols, np.int64),
        present=np.zeros(n_rows, np.bool_),
        scale=np.array([unit, big * unit, n_pixels], np.int64),
    )
    n_nodes = max(n_rows, n_cols)
    search = Search(
        label=np.full(n_nodes, FAR, np.int64),
        origin=np.empty(n_nodes, np.int32),
        reached=np.empty(n_nodes, np.int32),
        heap=np.empty(n_nodes, np.int32),
        slot=np.empty(n_nodes, np.int32),
        sizes=np.zeros(2, np.int64),
    )
    return matching, search


@njit(cache=True, nogil=True)
def insert_row(graph, matching, search, row):
    """Add a predicted pixel and restore the optimum.

    The cheapest alternating path from ``row`` ends in a free column (one more pair), in a row that is left unmatched
    instead (a better or earlier one takes its place), or at once (``row`` itself stays unmatched).
    """
    row_match, col_match, row_dual, col_dual = matching[:4]
    label = search.label
    matching.present[row] = True
    best, end = unmatched_cost(graph, matching, row), -1
    row_dual[row] = 0
    _reach_cols(graph, matching, search, row, 0, best)
    while search.sizes[0] > 0:
        col = search.heap[0]
        cost = label[col]
        if cost >= best:
            break
        _pop(search)
        other = col_match[col]
        if other < 0:
            best, end = cost, col
            break
        displaced = cost + unmatched_cost(graph, matching, other) - row_dual[other]
        if displaced < best:
            best, end = displaced, col
        _reach_cols(graph, matching, search, other, cost, best)
    row_dual[row] = best
    for i in range(search.sizes[1]):
        col = search.reached[i]
        if label[col] < best:
            col_dual[col] -= best - label[col]
            row_dual[col_match[col]] += best - label[col]
    if end >= 0 and col_match[end] >= 0:
        row_match[col_match[end]] = -1
    while end >= 0:
        taker = search.origin[end]
        given_up = row_match[taker]
        row_match[taker], col_match[end] = end, taker
        end = given_up
    _clean(search)


@njit(cache=True, nogil=True)
def remove_row(graph, matching, search, row):
    """Take a predicted pixel away and restore the optimum.

    The column it held is offered around: the cheapest alternating path from it ends in an unmatched row that is
    taken in, in another column that is set free instead, or at once (the column itself stays free).
    """
    row_match, col_match, row_dual, col_dual = matching[:4]
    label = search.label
    freed = row_match[row]
    matching.present[row] = False
    row_match[row] = -1
    if freed < 0:
        return
    col_match[freed] = -1
    best, end = -col_dual[freed], -1
    if best > 0:
        _reach_rows(graph, matching, search, freed, 0, best)
    while search.sizes[0] > 0:
        taker = search.heap[0]
        cost = label[taker]
        if cost >= best:
            break
        _pop(search)
        col = row_match[taker]
        if col < 0:
            best, end = cost, taker
            break
        if cost - col_dual[col] < best:
            best, end = cost - col_dual[col], taker
        _reach_rows(graph, matching, search, col, cost, best)
    col_dual[freed] += best
    for i in range(search.sizes[1]):
        taker = search.reached[i]
        if label[taker] < best:
            row_dual[taker] -= best - label[taker]
            col_dual[row_match[taker]] += best - label[taker]
    if end >= 0 and row_match[end] >= 0:
        col_match[row_match[end]] = -1
    while end >= 0:
        col = search.origin[end]
        given_up = col_match[col]
        col_match[col], row_match[end] = end, col
        end = given_up
    _clean(search)


@njit(cache=True, nogil=True)
def unmatched_cost(graph, matching, row):
    """Cost of leaving ``row`` without a partner: above any path, and less for pixels later in raster order."""
    return matching.scale[1] + matching.scale[2] - 1 - graph.row_pixel[row]


@njit(cache=True, nogil=True)
def _reach_cols(graph, matching, search, row, cost, best):
    """Relax the edges from ``row``, itself reached at ``cost``, to columns that may lie on a path below ``best``."""
    unit = matching.scale[0]
    base = cost - matching.row_dual[row]
    for i in range(graph.row_start[row], graph.row_start[row + 1]):
        to_pair = base + graph.row_dist[i] * unit
        if to_pair >= best:  # column duals are never positive, and pairs come by increasing distance
            break
        col = graph.row_cols[i]
        to_col = to_pair - matching.col_dual[col]
        if to_col < best and to_col < search.label[col]:
            _reach(search, col, to_col, row)


@njit(cache=True, nogil=True)
def _reach_rows(graph, matching, search, col, cost, best):
    """Relax the edges from ``col``, itself reached at ``cost``, to rows that may lie on a path below ``best``."""
    unit = matching.scale[0]
    base = cost - matching.col_dual[col]
    for i in range(graph.col_start[col], graph.col_start[col + 1]):
        row = graph.col_rows[i]
        if matching.present[row] and matching.row_match[row] != col:
            to_row = base + graph.col_dist[i] * unit - matching.row_dual[row]
            if to_row < best and to_row < search.label[row]:
                _reach(search, row, to_row, col)


@njit(cache=True, nogil=True)
def _reach(search, node, cost, origin):
    """Lower a node's label and let it rise in the heap."""
    label, heap, slot, sizes = search.label, search.heap, search.slot, search.sizes
    if label[node] == FAR:
        search.reached[sizes[1]] = node
        sizes[1] += 1
        slot[node] = sizes[0]
        sizes[0] += 1
    label[node] = cost
    search.origin[node] = origin
    place = slot[node]
    while place > 0:
        above = heap[(place - 1) // 2]
        if label[above] <= cost:
            break
        heap[place] = above
        slot[above] = place
        place = (place - 1) // 2
    heap[place] = node
    slot[node] = place


@njit(cache=True, nogil=True)
def _pop(search):
    """Drop the heap's first node and let the last one sink into its place."""
    label, heap, slot, sizes = search.label, search.heap, search.slot, search.sizes
    sizes[0] -= 1
    size = sizes[0]
    if size == 0:
        return
    node = heap[size]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and label[heap[below + 1]] < label[heap[below]]:
            below += 1
        if label[heap[below]] >= label[node]:
            break
        heap[place] = heap[below]
        slot[heap[place]] = place
        place = below
    heap[place] = node
    slot[node] = place


@njit(cache=True, nogil=True)
def _clean(search):
    """Leave the work space as it was found, at the cost of what was touched."""
    for i in range(search.sizes[1]):
        search.label[search.reached[i]] = FAR
    search.sizes[:] = 0

"""Correspondence of predicted and ground-truth contour pixels.

The benchmark's matching (Martin, Fowlkes & Malik, "Learning to detect natural image boundaries using local brightness,
color, and texture cues", PAMI 2004, section 2.2 and appendix B): a one-to-one assignment of pixels no further apart
than a tolerance, as many pairs as possible and, among those, the least total distance. The official program solves it
only approximately, each pixel being linked to a few random outlier nodes; here the optimum is exact and deterministic.
`assignment` holds the solver and the rule for ties.
"""

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from .assignment import PairGraph, insert_row, new_matching
from .validation import check_mask, require, size_message


def correspond_pixels(
    pred: ArrayLike, gt: ArrayLike, max_dist: float = 0.0075
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Match predicted to ground-truth contour pixels one to one.

    Parameters
    ----------
    pred, gt : (H, W) bool arrays
        Predicted and true contour pixels, usually thin; left unchanged.
    max_dist : float
        Tolerance as a fraction of the image diagonal, inclusive.

    Returns
    -------
    match_pred, match_gt : (H, W) int64 arrays
        For each contour pixel the flat index of its partner in the other map; -1 for unmatched pixels and elsewhere.

    Raises
    ------
    ValueError
        If the shapes differ, a mask is not binary, or ``max_dist`` is not in (0, 1].

    Notes
    -----
    The number of pairs and their total distance (each distance rounded to a hundredth of a pixel) are optimal. Which
    predicted pixels are matched is unique, too: of the optimal sets, the first in raster order. Which of several
    equally good partners a pixel gets is deterministic but not part of the definition.

    Examples
    --------
    >>> import numpy as np
    >>> pred = np.array([[1, 1, 0, 0, 0, 0]], bool)
    >>> gt = np.array([[0, 0, 1, 0, 0, 1]], bool)
    >>> match_pred, match_gt = correspond_pixels(pred, gt, max_dist=2.1 / np.hypot(1, 6))
    >>> match_pred
    array([[-1,  2, -1, -1, -1, -1]])
    >>> match_gt
    array([[-1, -1,  1, -1, -1, -1]])
    """
    pred, gt = check_mask(pred, "pred"), check_mask(gt, "gt")
    if pred.shape != gt.shape:
        raise ValueError(size_message("pred", pred.shape, "gt", gt.shape))
    require(0 < max_dist <= 1, f"max_dist: {max_dist!r}, expected a fraction of the image diagonal in (0, 1]")
    rows, cols = np.flatnonzero(pred), np.flatnonzero(gt)
    graph = pair_graph(rows, cols, pred.shape, max_dist * float(np.hypot(*pred.shape)))
    matching, search = new_matching(graph, len(cols), pred.size)
    _insert_all(graph, matching, search)
    match_pred = np.full(pred.shape, -1, np.int64)
    match_gt = np.full(pred.shape, -1, np.int64)
    matched = matching.row_match >= 0
    partner = cols[matching.row_match[matched]]
    match_pred.flat[graph.row_pixel[matched]] = partner
    match_gt.flat[partner] = graph.row_pixel[matched]
    return match_pred, match_gt


def pair_graph(rows: NDArray[np.int64], cols: NDArray[np.int64], shape: tuple[int, int], tolerance: float) -> PairGraph:
    """Return all pairs of a row and a column pixel within ``tolerance`` pixels of each other.

    ``rows`` and ``cols`` are ascending flat positions in an image of ``shape``. Rows without any pair are left out.
    """
    d_row, d_col, dist = _offsets(tolerance, shape)
    col_at = np.full(shape, -1, np.int32)
    col_at.flat[cols] = np.arange(len(cols), dtype=np.int32)
    degree = _degrees(rows, col_at, d_row, d_col)
    near = degree > 0
    row_start = np.concatenate([[0], np.cumsum(degree[near])]).astype(np.int64)
    row_cols = np.empty(row_start[-1], np.int32)
    row_dist = np.empty(row_start[-1], np.int32)
    _fill_rows(rows[near], col_at, d_row, d_col, dist, row_start, row_cols, row_dist)
    col_start = np.concatenate([[0], np.cumsum(np.bincount(row_cols, minlength=len(cols)))]).astype(np.int64)
    col_rows, col_dist = np.empty_like(row_cols), np.empty_like(row_dist)
    _transpose(row_start, row_cols, row_dist, col_start, col_rows, col_dist)
    return PairGraph(rows[near], row_start, row_cols, row_dist, col_start, col_rows, col_dist)


def _offsets(tolerance: float, shape: tuple[int, int]) -> tuple[NDArray, NDArray, NDArray]:
    """Steps (d_row, d_col) within the tolerance by increasing distance, and that distance in hundredths of a pixel."""
    tolerance *= 1 + 1e-9  # inclusive also where "5 / diagonal * diagonal" comes out a hair below 5
    reach_row, reach_col = (min(int(tolerance), n - 1) for n in shape)
    d_row, d_col = np.mgrid[-reach_row : reach_row + 1, -reach_col : reach_col + 1].reshape(2, -1)
    square = d_row**2 + d_col**2
    order = np.argsort(square, kind="stable")
    order = order[square[order] <= tolerance**2]
    return d_row[order], d_col[order], np.rint(100 * np.sqrt(square[order])).astype(np.int32)


@njit(cache=True, nogil=True)
def _degrees(rows, col_at, d_row, d_col):
    """Count the columns near each row."""
    height, width = col_at.shape
    degree = np.zeros(rows.size, np.int64)
    for i in range(rows.size):
        y, x = divmod(rows[i], width)
        for k in range(d_row.size):
            v, u = y + d_row[k], x + d_col[k]
            if 0 <= v < height and 0 <= u < width and col_at[v, u] >= 0:
                degree[i] += 1
    return degree


@njit(cache=True, nogil=True)
def _fill_rows(rows, col_at, d_row, d_col, dist, row_start, row_cols, row_dist):
    """Write the columns near each row, nearest first."""
    height, width = col_at.shape
    for i in range(rows.size):
        y, x = divmod(rows[i], width)
        at = row_start[i]
        for k in range(d_row.size):
            v, u = y + d_row[k], x + d_col[k]
            if 0 <= v < height and 0 <= u < width and col_at[v, u] >= 0:
                row_cols[at] = col_at[v, u]
                row_dist[at] = dist[k]
                at += 1


@njit(cache=True, nogil=True)
def _transpose(row_start, row_cols, row_dist, col_start, col_rows, col_dist):
    """Write the same pairs by column."""
    at = col_start[:-1].copy()
    for row in range(row_start.size - 1):
        for i in range(row_start[row], row_start[row + 1]):
            col = row_cols[i]
            col_rows[at[col]] = row
            col_dist[at[col]] = row_dist[i]
            at[col] += 1


@njit(cache=True, nogil=True)
def _insert_all(graph, matching, search):
    for row in range(graph.row_pixel.size):
        insert_row(graph, matching, search, row)

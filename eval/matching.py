"""Correspondence of predicted and ground-truth contour pixels.

The benchmark's matching (Martin, Fowlkes & Malik, "Learning to detect natural image boundaries using local brightness,
color, and texture cues", PAMI 2004, section 2.2 and appendix B): a one-to-one assignment of pixels no further apart
than a tolerance, as many pairs as possible and, among those, the least total distance. The official program solves it
only approximately, each pixel being linked to a few random outlier nodes; here the optimum is exact and deterministic.
`assignment` holds the solver and the rule for ties.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from .assignment import MATCH, Assignment, insert_row, new_assignment
from .protocol import BoundaryProtocol
from .validation import check_mask, size_message


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

    References
    ----------
    Martin, Fowlkes & Malik, "Learning to detect natural image boundaries using local brightness, color, and texture
    cues", PAMI 2004, section 2.2 and appendix B.

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
    rows, cols = np.flatnonzero(pred), np.flatnonzero(gt)
    neighbourhood = Neighbourhood.of(rows, pred.shape, BoundaryProtocol(max_dist=max_dist).tolerance(pred.shape))
    assignment = neighbourhood.assignment(cols)
    _insert_all(assignment)
    matched = assignment.rows[:, MATCH] >= 0
    own = rows[assignment.row_of >= 0][matched]
    partner = cols[assignment.rows[matched, MATCH]]
    match_pred, match_gt = np.full((2, *pred.shape), -1, np.int64)
    match_pred.flat[own], match_gt.flat[partner] = partner, own
    return match_pred, match_gt


class Neighbourhood(NamedTuple):
    """Candidate pixels of an image and the steps that lead to all pixels within the tolerance.

    ``candidate_at`` is the padded image, flat: the number of the candidate at each pixel, -1 elsewhere; ``offsets`` as
    in `assignment.new_assignment`; ``pad`` the margin above and on the left; ``shape`` that of the image.
    """

    candidate_at: NDArray[np.int32]
    n_candidates: int
    offsets: NDArray[np.int64]
    pad: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def of(cls, candidates: NDArray[np.int64], shape: tuple[int, int], tolerance: float) -> "Neighbourhood":
        """Number the candidates, ascending flat positions in an image of ``shape``."""
        tolerance *= 1 + 1e-9  # inclusive also where "5 / diagonal * diagonal" comes out a hair below 5
        pad = min(int(tolerance), shape[0] - 1), min(int(tolerance), shape[1] - 1)
        image = np.full(shape, -1, np.int32)
        image.flat[candidates] = np.arange(len(candidates))
        padded = np.pad(image, [(n, n) for n in pad], constant_values=-1)

        d_row, d_col = np.mgrid[-pad[0] : pad[0] + 1, -pad[1] : pad[1] + 1].reshape(2, -1)
        square = d_row**2 + d_col**2
        order = np.argsort(square, kind="stable")
        order = order[square[order] <= tolerance**2]
        steps = (d_row * padded.shape[1] + d_col)[order]
        offsets = np.stack([steps, np.rint(100 * np.sqrt(square[order])).astype(np.int64)], axis=1)
        return cls(padded.ravel(), len(candidates), offsets, pad, shape)

    def assignment(self, cols: NDArray[np.int64]) -> Assignment:
        """Return the empty assignment of the candidates to ``cols``, flat positions in the image."""
        y, x = np.divmod(cols, self.shape[1])
        in_padded = (y + self.pad[0]) * (self.shape[1] + 2 * self.pad[1]) + x + self.pad[1]
        return new_assignment(self.candidate_at, self.n_candidates, in_padded, self.offsets)


@njit(cache=True, nogil=True)
def _insert_all(assignment: Assignment) -> None:
    rows, cols, row_pairs, _, _, heap, unit = assignment
    for row in range(len(rows)):
        insert_row(row, rows, cols, row_pairs, heap, unit)

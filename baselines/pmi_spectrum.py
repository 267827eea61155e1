"""From affinities between near pixels to a spectral contour: eigenvectors of the normalised cut and their gradients.

An affinity graph here is a stencil: an array per step to a neighbour, as every pixel has the same neighbours. Its
smallest eigenvectors come from a subspace that is filtered by Chebyshev polynomials (Zhou, Saad, Tiago & Chelikowsky,
"Self-consistent-field calculations using Chebyshev-filtered subspace iteration", J. Comput. Phys. 2006): all vectors at
once take part in every product, and nothing is factorised, of which a graph with links this long would fill up.
The contour is that of Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 3.2, as in Isola et al., ECCV 2014.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import eigh
from scipy.ndimage import gaussian_filter1d

from .grid_graph import Step, link_matrix, starts
from .orientations import ORIENTATIONS, normals

# Below this many nodes, or nodes per vector, all eigenvectors at once are quicker and surer.
DENSE_NODES = 400
DENSE_RATIO = 4
# No eigenvalue of the Laplacian of a normalised graph is larger.
LARGEST = 2.0
# Smaller eigenvalues count as this: they are not known better, and an image all but cut in two would show but that cut.
LEAST_EIGENVALUE = 1e-5
# Of the first filter: what it keeps, before anything is known of the eigenvalues. Low, as a start at random that is
# filtered hard has nothing but the first few eigenvectors left in float32.
FIRST_CUT, FIRST_DEGREE = 0.3, 8
# Of later ones: how much eigenvalue 0 gains on those to be damped, as a natural logarithm, and the most that is tried.
LOG_GAIN, MOST_DEGREES = 6.0, 64


class LaplacianSpectrum(NamedTuple):
    """Of the normalised Laplacian: ``values`` (k,) float64, rising from 0, and ``vectors`` (k, h, w) float32.

    The first vector is constant.
    """

    values: NDArray[np.float64]
    vectors: NDArray[np.float32]


def cut_eigenvectors(
    affinity: NDArray[np.floating],
    steps: Sequence[Step],
    k: int,
    sweeps: int = 3,
    seed: int = 0,
) -> LaplacianSpectrum:
    """Return the first generalised eigenvectors of ``(D - W) x = lambda D x``.

    Parameters
    ----------
    affinity : (n, h, w) float array, not negative
        Between a pixel and its neighbour at each step; anything, and ignored, where that is outside.
    steps : sequence of (down, across)
        One of every opposite pair, none leading up; `half_stencil` of `grid_graph` makes them.
    k : int
        How many, the constant one included; there are at most h w.
    sweeps : int
        How often the subspace is filtered after a first, coarse time; after 3 the last eigenvalues are exact to about
        a thousandth.
    seed : int
        Of the vectors that the iteration starts from.

    Returns
    -------
    LaplacianSpectrum
        With ``sum over pixels of D x**2 = sum of D``. The entry of largest magnitude is positive.
    """
    h, w = affinity.shape[1:]
    weights = [plane[starts((h, w), step)] for plane, step in zip(affinity, steps, strict=True)]
    links = link_matrix(weights, steps, (h, w))
    degrees = links.sum(axis=1, dtype=np.float64)
    degrees = np.where(degrees > 0, degrees, 1.0)  # a pixel without links is a component of its own
    root = np.sqrt(degrees)
    scaling = sparse.diags_array(1 / root)
    laplacian = (sparse.eye_array(h * w) - scaling @ links @ scaling).tocsr()
    k = min(k, h * w)
    if h * w <= max(DENSE_NODES, DENSE_RATIO * k):
        values, vectors = eigh(laplacian.toarray(), subset_by_index=(0, k - 1))
    else:
        values, vectors = _filtered_subspace(laplacian, k, sweeps, seed)
    vectors = vectors * (np.sqrt(degrees.sum()) / root)[:, np.newaxis]
    vectors *= np.where(vectors[np.abs(vectors).argmax(axis=0), np.arange(k)] < 0, -1, 1)
    return LaplacianSpectrum(np.maximum(values, 0.0), vectors.T.reshape(k, h, w).astype(np.float32))


def spectral_contour(
    spectrum: LaplacianSpectrum, least: float = LEAST_EIGENVALUE, sigma: float = 1.0
) -> NDArray[np.float32]:
    """Add up the gradients of the eigenvectors, those of the smaller eigenvalues weighted more.

    Parameters
    ----------
    spectrum : LaplacianSpectrum
        Its first vector, the constant one, is left out.
    least : float
        Smaller eigenvalues count as this.
    sigma : float
        Scale of the derivative of a Gaussian, in pixels.

    Returns
    -------
    (8, h, w) float32 array, not negative
        ``sum |derivative of x along the normal| / sqrt(lambda)``, every x scaled to a range of 1; the normal is at the
        angle pi k / 8, 0 along the columns (east), pi/2 along the rows (south).
    """
    h, w = spectrum.vectors.shape[1:]
    total = np.zeros((ORIENTATIONS, h, w), np.float32)
    cosine, sine = np.cos(normals()).astype(np.float32), np.sin(normals()).astype(np.float32)
    for value, vector in zip(spectrum.values[1:], spectrum.vectors[1:], strict=True):
        span = np.ptp(vector)
        if span > 0:
            d_y, d_x = gaussian_gradient(vector * np.float32(1 / (span * np.sqrt(max(value, least)))), sigma)
            _add_directional(total, d_y, d_x, cosine, sine)
    return total


def gaussian_gradient(plane: NDArray[np.float32], sigma: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the derivatives along rows and columns, on a scale where a straight unit step has 1/2.

    That is a filter of weights that sum to 1 in magnitude, over three sigma each way, mirrored at the border.
    """
    reach = int(np.ceil(3 * sigma))
    t = np.arange(-reach, reach + 1)
    full = 2 * (np.exp(-(t[t > 0] ** 2) / (2 * sigma**2)) * t[t > 0]).sum() / np.exp(-(t**2) / (2 * sigma**2)).sum()
    # gaussian_filter1d(order=1) is the derivative: correlation with t / sigma**2 * g(t) / sum of g
    scale = np.float32(sigma**2 / full)
    out = []
    for axis in (0, 1):
        smooth = gaussian_filter1d(plane, sigma, 1 - axis, mode="reflect", radius=reach)
        out.append(gaussian_filter1d(smooth, sigma, axis, order=1, mode="reflect", radius=reach) * scale)
    return out[0], out[1]


@njit(cache=True, nogil=True)
def _add_directional(
    total: NDArray[np.float32],
    d_y: NDArray[np.float32],
    d_x: NDArray[np.float32],
    cosine: NDArray[np.float32],
    sine: NDArray[np.float32],
) -> None:
    for o in range(len(cosine)):
        for y in range(d_y.shape[0]):
            for x in range(d_y.shape[1]):
                total[o, y, x] += abs(cosine[o] * d_x[y, x] + sine[o] * d_y[y, x])


def _filtered_subspace(
    laplacian: sparse.csr_array, k: int, sweeps: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Chebyshev-filtered subspace iteration in float32; the eigenvalues it finds are accurate to about 1e-6.

    A fifth more vectors than wanted come along, so that the last of those wanted converge too. The filter damps what
    lies between the largest eigenvalue that the subspace has and the largest there is.
    """
    n = laplacian.shape[0]
    m = min(k + max(8, k // 5), n)
    subspace = np.random.RandomState(seed).randn(n, m).astype(np.float32)
    operator, cut = laplacian.astype(np.float32), FIRST_CUT
    for sweep in range(sweeps + 1):
        # At 0 the polynomial is cosh(degree * growth): the smaller the eigenvalues sought, the higher its degree.
        growth = np.arccosh((LARGEST + cut) / (LARGEST - cut))
        degree = FIRST_DEGREE if sweep == 0 else min(int(np.ceil(LOG_GAIN / growth)), MOST_DEGREES)
        subspace = _filter(laplacian, subspace, degree, cut)
        values, subspace = _rayleigh_ritz(operator, subspace)
        cut = min(max(values[-1], 1e-4), 1.0)
    return values[:k], subspace[:, :k].astype(np.float64)


def _filter(laplacian: sparse.csr_array, vectors: NDArray[np.float32], degree: int, cut: float) -> NDArray[np.float32]:
    """Apply the Chebyshev polynomial of the Laplacian that is at most 1 on [cut, LARGEST] and grows below."""
    centre, half = (LARGEST + cut) / 2, (LARGEST - cut) / 2
    twice = ((laplacian - centre * sparse.eye_array(laplacian.shape[0])) * (2 / half)).tocsr().astype(np.float32)
    before, now = vectors, _times_less(twice, vectors, np.zeros_like(vectors)) / np.float32(2)
    for _ in range(degree - 1):
        before, now = now, _times_less(twice, now, before)
    return now


def _times_less(matrix: sparse.csr_array, right: NDArray[np.float32], less: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``matrix @ right - less``, float32, scipy's product at twice its speed."""
    out = np.empty_like(right)
    _fill_times_less(matrix.indptr, matrix.indices, matrix.data, right, less, out)
    return out


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _fill_times_less(
    starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    right: NDArray[np.float32],
    less: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Fill ``out`` (n, m), the matrix in compressed rows."""
    m = right.shape[1]
    total = np.empty(m, np.float32)
    for i in range(len(starts) - 1):
        for c in range(m):
            total[c] = -less[i, c]
        e, end = starts[i], starts[i + 1]
        while e + 4 <= end:  # four at once: the sums are read and written a fourth as often
            a0, a1, a2, a3 = values[e], values[e + 1], values[e + 2], values[e + 3]
            x0, x1, x2, x3 = right[columns[e]], right[columns[e + 1]], right[columns[e + 2]], right[columns[e + 3]]
            for c in range(m):
                total[c] = total[c] + a0 * x0[c] + a1 * x1[c] + a2 * x2[c] + a3 * x3[c]
            e += 4
        for rest in range(e, end):
            for c in range(m):
                total[c] += values[rest] * right[columns[rest], c]
        for c in range(m):
            out[i, c] = total[c]


def _rayleigh_ritz(
    operator: sparse.csr_array, vectors: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return eigenvalues, rising, and orthonormal eigenvectors of a matrix within the span of ``vectors``.

    These are far from dependent, as no filter gains more than `LOG_GAIN` or the first one's 6.5: their inner products
    suffice, and an orthogonalisation, which costs more than the filter, is not needed.
    """
    vectors = vectors / np.linalg.norm(vectors, axis=0)
    gram = _inner(vectors, vectors)
    sizes, axes = np.linalg.eigh(gram)
    axes = axes / np.sqrt(np.maximum(sizes, 1e-10 * sizes[-1]))
    values, turn = np.linalg.eigh(
        axes.T @ _inner(vectors, _times_less(operator, vectors, np.zeros_like(vectors))) @ axes
    )
    return values, vectors @ (axes @ turn).astype(np.float32)


def _inner(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return ``a' b``, symmetric in exact arithmetic, summed in float64."""
    product = a.T.astype(np.float64) @ b.astype(np.float64)
    return (product + product.T) / 2

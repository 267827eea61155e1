"""Generalised eigenvectors of a normalised cut under the multi-scale constraint.

With x on the finest grid and N x its values on all grids – itself and the means of its blocks – the constrained cut of
Cour, Bénézit & Shi (CVPR 2005) maximises ``(N x)' W (N x) / (N x)' D (N x)``, where W holds the affinities of all grids
on its diagonal and D its row sums. That is the generalised eigenproblem ``(N' W N) x = mu (N' D N) x`` on the finest
grid, with mu = 1 - lambda in the notation of Shi & Malik. N' D N is not diagonal: taking the row sums of N' W N in its
place would fine every difference inside a block, and the regions would come out as blocks.

Solved as in section 4 of the paper: in y = D^(1/2) N x, ``Q D^(-1/2) W D^(-1/2) Q y = mu y``, Q the projection onto
the constraint. Its system of equations has a node per block and is a forest, hence without fill-in.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh, splu

from .ncut_graph import MultiscaleGraph

# Below this many nodes, or this many nodes per eigenvector wanted, all eigenvectors at once are quicker and surer.
DENSE_NODES = 400
DENSE_RATIO = 3
TOLERANCE = 1e-3
MAX_RESTARTS = 60


class AffinitySpectrum(NamedTuple):
    """Of the normalised affinity: ``values`` (k,), falling from 1; ``vectors`` (n, k), n = h * w.

    ``vectors' (N' D N) vectors = 1``.
    """

    values: NDArray[np.floating]
    vectors: NDArray[np.floating]


def cut_spectrum(graph: MultiscaleGraph, k: int, dtype: DTypeLike = np.float32) -> AffinitySpectrum:
    """Return the first eigenvectors of the normalised cut, the constant one included.

    Parameters
    ----------
    graph : MultiscaleGraph
        With at least one node.
    k : int
        How many; at most as many as nodes come back, and fewer where the eigensolver does not converge.
    dtype : float32 or float64
        Of the iteration; a small graph is solved in float64.

    Returns
    -------
    AffinitySpectrum
        float64 values and vectors of ``dtype``. The sign makes a vector's entry of largest magnitude positive.
    """
    n = graph.affinities[0].shape[0]
    k = min(k, n)
    values: NDArray[np.floating]
    vectors: NDArray[np.floating]
    if n == 1:  # no links, hence no cut
        values, vectors = np.ones(1), np.ones((1, 1))
    elif n <= max(DENSE_NODES, DENSE_RATIO * k):
        values, vectors = _dense(graph, k)
    else:
        values, vectors = _iterative(graph, k, dtype)
    order = np.argsort(-values, kind="stable")
    vectors = vectors[:, order]
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(order))])
    return AffinitySpectrum(values[order].astype(np.float64), vectors.astype(dtype))


def constrained_problem(graph: MultiscaleGraph) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return ``N' W N`` and ``N' D N``, (n, n) symmetric CSR arrays; for small graphs, as the first fills up."""
    affinity, mass = 0, 0
    prolonged = sparse.eye_array(graph.affinities[0].shape[0], format="csr")
    for level, links in enumerate(graph.affinities):
        if level > 0:
            prolonged = graph.means[level - 1] @ prolonged
        affinity = affinity + prolonged.T @ links @ prolonged
        mass = mass + prolonged.T @ sparse.diags_array(links.sum(axis=1)) @ prolonged
    return sparse.csr_array(affinity), sparse.csr_array(mass)


def _dense(graph: MultiscaleGraph, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    affinity, mass = constrained_problem(graph)
    n = affinity.shape[0]
    return eigh(affinity.toarray(), mass.toarray(), subset_by_index=(n - k, n - 1))


def _iterative(graph: MultiscaleGraph, k: int, dtype: DTypeLike) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """ARPACK from a fixed start; what has converged if not all has, the constant vector if nothing."""
    n = graph.affinities[0].shape[0]
    operator, root_mass = _projected_operator(graph, dtype)
    start = operator.matvec(1 + np.random.RandomState(0).rand(operator.shape[0]).astype(dtype))
    room = min(operator.shape[0], k + max(20, k // 3))
    try:
        values, y = eigsh(operator, k, which="LA", v0=start, tol=TOLERANCE, ncv=room, maxiter=MAX_RESTARTS)
    except ArpackNoConvergence as error:
        values, y = error.eigenvalues, error.eigenvectors
    except ArpackError:
        values, y = np.zeros(0), np.zeros((operator.shape[0], 0))
    if len(values) == 0:
        values, y = np.ones(1), (root_mass / np.linalg.norm(root_mass))[:, np.newaxis]
    return values, y[:n] / root_mass[:n, np.newaxis]


def _projected_operator(graph: MultiscaleGraph, dtype: DTypeLike) -> tuple[LinearOperator, NDArray[np.float64]]:
    """Return ``Q D^(-1/2) W D^(-1/2) Q`` as an operator on the nodes of all grids, and the diagonal of ``D^(1/2)``."""
    degrees = np.concatenate([links.sum(axis=1) for links in graph.affinities])
    scaling = sparse.diags_array(1 / np.sqrt(degrees))
    links = (scaling @ sparse.block_diag(graph.affinities) @ scaling).tocsr().astype(dtype)
    constraint = (constraint_rows(graph) @ scaling).tocsr()
    solve = splu((constraint @ constraint.T).tocsc()).solve
    rows, cols = constraint.astype(dtype), constraint.T.tocsr().astype(dtype)

    def project(y: NDArray[np.floating]) -> NDArray[np.floating]:
        return y - cols @ solve((rows @ y).astype(np.float64)).astype(dtype)

    def apply(y: NDArray[np.floating]) -> NDArray[np.floating]:
        return project(links @ project(y.ravel()))

    return LinearOperator(links.shape, matvec=apply, dtype=dtype), np.sqrt(degrees)


def constraint_rows(graph: MultiscaleGraph) -> sparse.csr_array:
    """Return U with ``U (N x) = 0``: a row per coarse node, the mean of its block less its own value."""
    sizes = [links.shape[0] for links in graph.affinities]
    rows = [
        [sparse.csr_array((sizes[level + 1], size)) for size in sizes[:level]]
        + [mean, -sparse.eye_array(sizes[level + 1])]
        + [sparse.csr_array((sizes[level + 1], size)) for size in sizes[level + 2 :]]
        for level, mean in enumerate(graph.means)
    ]
    return sparse.csr_array(sparse.block_array(rows))

"""Pointwise mutual information of pixel features: what is seen in one image, how often, and side by side how often.

Isola, Zoran, Krishnan & Adelson, "Crisp boundary detection using pointwise mutual information", ECCV 2014, section 3.
Two features that occur next to each other more often than by chance belong to one object, however different they are;
the density of pairs is learnt from the image itself. Parameters that the paper leaves open are those of the authors'
MATLAB code (github.com/phillipi/crisp-boundaries).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import correlate

from .grid_graph import Step, link_ends

# Variance, along either axis and in pixels squared, of the offset from the middle of a pair to its ends, beyond the
# one pixel that it always is; and the most it may be along an axis (`sampleF.m`).
OFFSET_VARIANCE = 0.25
LARGEST_OFFSET = 2.0
# Added to P(A, B) and to P(A) P(B), so that what was never seen is neutral (`evalPMI.m`): with the kernels that are the
# default, the middle of a single one is 23 times as high.
LEAST_DENSITY = 100.0
# Queries that share a bounding box, beyond whose reach samples need not be looked at, and cells per bandwidth in whose
# order they are taken.
CHUNK, CELLS = 128, 2
# Bandwidths to choose among, as fractions of the features' range: 0.01 to 0.1 (`setEnvironment.m`).
BANDWIDTHS = tuple(np.geomspace(0.01, 0.1, 9))


class PairDensity(NamedTuple):
    """Kernels of P(A, B): ``pairs`` (n, 2, C) float32, a feature and its partner, and ``bandwidth`` (C,) float32.

    Every pair counts in both orders, so P(A, B) = P(B, A), and P(A) = P(B) is the marginal.
    """

    pairs: NDArray[np.float32]
    bandwidth: NDArray[np.float32]


def colour_features(image: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return decorrelated Lab at a working resolution: (H, W, 3) uint8 RGB to (h, w, 3) in [0, 1]."""
    from skimage.color import rgb2lab

    return unit_range(principal_axes(_resized(rgb2lab(image), shape)))


def variance_features(image: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return how much the colours vary around a pixel: (H, W, 3) uint8 RGB to (h, w, 3) in [0, 1], decorrelated.

    That is the root of the standard deviation of decorrelated RGB within a disc, whose radius is one pixel of the
    working resolution. The paper says variance; its code takes the fourth root of that, which compresses strong edges.
    """
    radius = max(1, round(image.shape[0] / shape[0]))
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disc = (y * y + x * x <= radius * radius).astype(np.float64)
    disc /= disc.sum()
    planes = np.moveaxis(principal_axes(image / 255), 2, 0)
    means = np.stack([correlate(plane, disc, mode="nearest") for plane in planes])
    squares = np.stack([correlate(plane * plane, disc, mode="nearest") for plane in planes])
    deviation = np.sqrt(np.maximum(squares - means**2, 0))
    return unit_range(principal_axes(_resized(np.moveaxis(np.sqrt(deviation), 0, 2), shape)))


def principal_axes(planes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rotate (H, W, C) channels onto their principal axes, centred, the largest variance first; not rescaled."""
    rows = planes.reshape(-1, planes.shape[2]).astype(np.float64)
    rows = rows - rows.mean(axis=0)
    axes = np.linalg.eigh(rows.T @ rows)[1][:, ::-1]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)
    return (rows @ axes).reshape(planes.shape)


def unit_range(planes: NDArray[np.floating]) -> NDArray[np.float32]:
    """Shift and scale all channels alike, so that together they span [0, 1]; 0 where there is nothing to span."""
    low, high = planes.min(), planes.max()
    if high - low <= 1e-9:
        return np.zeros(planes.shape, np.float32)
    return ((planes - low) / (high - low)).astype(np.float32)


def sample_pairs(features: NDArray[np.float32], n: int, random: np.random.RandomState) -> NDArray[np.float32]:
    """Draw pixels and, of each, two opposite neighbours: (h, w, C) features to at most (n, 2, C) pairs of them.

    A neighbour lies ``1 + |g|`` pixels away in the direction of g, which is Gaussian in the plane: a pair is 2 to 4
    pixels apart or a little more, rounded to the grid. Pairs that leave the image are dropped; if all do (an image
    narrower than three pixels), the pair is the pixel and itself.
    """
    h, w = features.shape[:2]
    centre = random.permutation(h * w)[:n]
    y, x = np.divmod(centre, w)
    g = random.randn(len(centre), 2) * np.sqrt(OFFSET_VARIANCE)
    g = g + g / np.linalg.norm(g, axis=1, keepdims=True)
    g = np.clip(g, -LARGEST_OFFSET, LARGEST_OFFSET)
    ends = np.stack([np.rint([y + s * g[:, 0], x + s * g[:, 1]]).astype(int) for s in (1, -1)])  # (2, 2, n)
    inside = ((ends >= 0) & (ends < np.array([h, w])[:, np.newaxis])).all(axis=(0, 1))
    if not inside.any():
        return np.stack([features[y, x]] * 2, axis=1)
    return np.stack([features[end[0], end[1]] for end in ends[..., inside]], axis=1)


def learn_density(
    features: NDArray[np.float32], n: int, bandwidth: float | None, random: np.random.RandomState
) -> PairDensity:
    """Learn P(A, B) of one image.

    Parameters
    ----------
    features : (h, w, C) float32 array in [0, 1]
        Features of pixels.
    n : int
        How many pairs to draw, hence kernels.
    bandwidth : float or None
        Half width of the Epanechnikov kernel in every channel; None chooses one per channel by the likelihood of
        other pairs.
    random : RandomState
        Where pairs are drawn from.

    Returns
    -------
    PairDensity
    """
    pairs = sample_pairs(features, n, random)
    channels = features.shape[2]
    if bandwidth is not None:
        return PairDensity(pairs, np.full(channels, bandwidth, np.float32))
    others = sample_pairs(features, 500, random)
    return PairDensity(pairs, likeliest_bandwidth(pairs, others))


def likeliest_bandwidth(pairs: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (C,) bandwidths, of `BANDWIDTHS`, under which ``others`` (m, 2, C) are likeliest given ``pairs``.

    First one for all channels, then each in turn, twice.
    """
    channels = pairs.shape[2]

    def likelihood(bandwidth: NDArray[np.float32]) -> float:
        return np.log(joint(PairDensity(pairs, bandwidth), others[:, 0], others[:, 1]) + 1e-3).mean()

    best = max((np.full(channels, b, np.float32) for b in BANDWIDTHS), key=likelihood)
    for channel in list(range(channels)) * 2:
        trials = [best.copy() for _ in BANDWIDTHS]
        for trial, value in zip(trials, BANDWIDTHS, strict=True):
            trial[channel] = value
        best = max(trials, key=likelihood)
    return best


def joint(density: PairDensity, a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return P(A, B) at n pairs of features, (n, C) each."""
    pairs, bandwidth = density
    both_orders = np.concatenate([pairs.reshape(len(pairs), -1), pairs[:, ::-1].reshape(len(pairs), -1)])
    return kernel_density(np.concatenate([a, b], axis=1), both_orders, np.tile(bandwidth, 2))


def marginal(density: PairDensity, a: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return P(A) at n features, (n, C)."""
    return kernel_density(a, density.pairs.reshape(-1, a.shape[1]), density.bandwidth)


def log_mutual_information(
    features: NDArray[np.float32], density: PairDensity, steps: Sequence[Step], rho: float = 1.25
) -> NDArray[np.float32]:
    """Return PMI between every pixel and its neighbours.

    Parameters
    ----------
    features : (h, w, C) float32 array in [0, 1]
        Features of pixels.
    density : PairDensity
        Of these features.
    steps : sequence of (down, across)
        From a pixel to its neighbours, none leading up.
    rho : float
        Power of the joint density; above 1, a pair that is common is worth more than one that is rare.

    Returns
    -------
    (len(steps), h, w) float32 array
        ``log((P(A, B) + c)**rho / (P(A) P(B) + c))``, c being `LEAST_DENSITY`; -inf where the neighbour is outside.

    References
    ----------
    Isola et al., equation 2.
    """
    h, w, channels = features.shape
    flat = np.ascontiguousarray(features.reshape(-1, channels))
    links = [link_ends((h, w), step) for step in steps]
    near, far = (np.concatenate(side) for side in zip(*links, strict=True))
    single = marginal(density, flat)
    by_chance = np.log(single[near] * single[far] + LEAST_DENSITY)
    values = rho * np.log(joint(density, flat[near], flat[far]) + LEAST_DENSITY) - by_chance
    out = np.full((len(steps), h * w), -np.inf, np.float32)
    out[np.repeat(np.arange(len(steps)), [len(pixels) for pixels, _ in links]), near] = values
    return out.reshape(len(steps), h, w)


def kernel_density(
    queries: NDArray[np.float32], samples: NDArray[np.float32], bandwidth: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the density at n points, (n, C), that m samples, (m, C), have under a product of Epanechnikov kernels.

    Exact: ``mean over samples of the product over channels of 0.75 / h * max(0, 1 - ((x - s) / h)**2)``. Queries are
    taken in an order in which neighbours are close, a few at a time, and samples out of their reach skipped.
    """
    if len(queries) == 0:
        return np.zeros(0)
    scaled, points = _columns(queries, bandwidth), _columns(samples, bandwidth)
    key = np.zeros(len(queries), np.int64)
    for column in scaled[: queries.shape[1]]:
        cell = np.floor(column * CELLS).astype(np.int64)
        cell -= cell.min()
        key = key * (int(cell.max()) + 1) + cell
    order = np.argsort(key, kind="stable")
    points = points[:, np.argsort(points[0], kind="stable")]
    sums = np.empty(len(queries), np.float64)
    sums[order] = _kernel_sums(np.take(scaled, order, axis=1), np.ascontiguousarray(points.T), CHUNK)
    return sums * (float(np.prod(0.75 / bandwidth.astype(np.float64))) / len(samples))


def _columns(rows: NDArray[np.float32], bandwidth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, C) rows as columns in units of the bandwidth, filled up with zeros to a multiple of three rows.

    There the factor of a kernel is 1.
    """
    columns = np.zeros((-(-rows.shape[1] // 3) * 3, len(rows)), np.float32)
    np.divide(rows.T, bandwidth[:, np.newaxis], out=columns[: rows.shape[1]])
    return columns


@njit(cache=True, nogil=True, error_model="numpy")
def _kernel_sums(queries: NDArray[np.float32], samples: NDArray[np.float32], chunk: int) -> NDArray[np.float32]:
    """Sum of ``prod max(0, 1 - (x - s)**2)`` over samples, for each column of ``queries`` (C, n); bandwidth is 1.

    Samples (m, C) are sorted by their first coordinate, and C is a multiple of 3. The inner loops run over rows of
    ``chunk`` numbers without a branch, three coordinates at once: those a compiler makes vectors of.
    """
    channels, n = queries.shape
    out = np.empty(n, np.float32)
    low, high = np.empty(channels, np.float32), np.empty(channels, np.float32)
    block = np.zeros((channels, chunk), np.float32)
    product, total = np.empty(chunk, np.float32), np.empty(chunk, np.float32)
    one, zero = np.float32(1), np.float32(0)
    first = samples[:, 0].copy()
    for start in range(0, n, chunk):
        end = min(start + chunk, n)
        for c in range(channels):
            block[c, : end - start] = queries[c, start:end]
            low[c], high[c] = queries[c, start:end].min() - one, queries[c, start:end].max() + one
        total[:] = zero
        for s in range(np.searchsorted(first, low[0]), np.searchsorted(first, high[0], side="right")):
            near = True
            for c in range(1, channels):
                if samples[s, c] < low[c] or samples[s, c] > high[c]:
                    near = False
                    break
            if not near:
                continue
            for c in range(0, channels, 3):
                x, y, z = block[c], block[c + 1], block[c + 2]
                at_x, at_y, at_z = samples[s, c], samples[s, c + 1], samples[s, c + 2]
                for q in range(chunk):
                    u, v, w = x[q] - at_x, y[q] - at_y, z[q] - at_z
                    factor = max(one - u * u, zero) * max(one - v * v, zero) * max(one - w * w, zero)
                    product[q] = factor if c == 0 else product[q] * factor
            for q in range(chunk):
                total[q] += product[q]
        out[start:end] = total[: end - start]
    return out


def _resized(planes: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.float64]:
    from skimage.transform import resize

    if planes.shape[:2] == tuple(shape):
        return planes.astype(np.float64)
    return resize(planes.astype(np.float64), shape, order=1, mode="edge", anti_aliasing=True)

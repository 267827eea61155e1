"""From segmentations to a contour map: class histograms on the two halves of a disc, at several radii and orientations.

Martin, Fowlkes & Malik, "Learning to detect natural image boundaries using local brightness, color, and texture cues",
PAMI 2004, sections 3 and 4, with the heads' class maps in the place of textons. The thesis' contours between
neighbours, 1 - <s_p, s_q>, are the case of radius one with the product as distance: one pixel on either side.

Orientations are those of `orientations`.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import correlate

from .orientations import ORIENTATIONS, normals

BINS = 4 * ORIENTATIONS  # of the full circle: rays and the open sectors between them, in turn
DISTANCES = ("chi2", "product")


def half_disc(channels: NDArray[np.float32], radii: tuple[int, ...], distance: str = "chi2") -> NDArray[np.float32]:
    """Return how different the two halves of a disc are, for each pixel as its centre and each orientation.

    Parameters
    ----------
    channels : (H, W, C) float32 array in [0, 1]
        Class probabilities of all heads, side by side.
    radii : tuple of int
        Of the discs in pixels, ascending; the results are averaged. The image is mirrored at its border.
    distance : {"chi2", "product"}
        ``sum (a - b)^2 / (a + b) / 2`` or ``sum of a - a b`` over the channels of the mean left and right, a and b.

    Returns
    -------
    (8, H, W) float32 array
        Summed over channels: between 0 and the number of heads. The centre and the pixels exactly on the dividing
        line belong to neither half.

    Raises
    ------
    ValueError
        If ``channels`` is not three-dimensional, the radii are not ascending from 1, or the distance is unknown.

    References
    ----------
    Martin, Fowlkes & Malik, "Learning to detect natural image boundaries using local brightness, color, and texture
    cues", PAMI 2004, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> halves = np.zeros((5, 6, 2), np.float32)
    >>> halves[:, :3, 0] = halves[:, 3:, 1] = 1
    >>> half_disc(halves, (1,))[0, 2].round()
    array([0., 0., 1., 1., 0., 0.], dtype=float32)
    """
    if channels.ndim != 3:
        raise ValueError(f"channels: shape {channels.shape}, expected (H, W, C)")
    if not radii or any(b <= a for a, b in zip((0, *radii), radii, strict=False)):
        raise ValueError(f"radii: {radii!r}, expected ascending integers from 1")
    if distance not in DISTANCES:
        raise ValueError(f"distance: {distance!r}, expected one of {', '.join(DISTANCES)}")
    margin = radii[-1]
    padded = np.pad(channels, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    offsets, ends = disc_offsets(radii)
    masses = half_masses(offsets, ends)
    height, width = channels.shape[:2]
    out = np.zeros((height, width, ORIENTATIONS), np.float32)
    _half_disc_kernel(np.ascontiguousarray(padded), offsets, ends, masses, distance == "product", out)
    return np.ascontiguousarray(np.moveaxis(out, 2, 0)) / np.float32(len(radii))


def mean_difference(channels: NDArray[np.float32], radii: tuple[int, ...]) -> NDArray[np.float32]:
    """Return how far apart the means of the two halves of a disc are: the read-out without any heads, a control.

    Parameters
    ----------
    channels : (H, W, C) float32 array
        Such as CIE L*a*b*.
    radii : tuple of int
        As of `half_disc`, whose discs these are.

    Returns
    -------
    (8, H, W) float32 array
        Euclidean distances over the channels, averaged over the radii.
    """
    from scipy.signal import fftconvolve  # half a second to import, for few

    offsets, ends = disc_offsets(radii)
    masses = half_masses(offsets, ends)
    margin = radii[-1]
    padded = np.pad(channels, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    out = np.zeros((ORIENTATIONS, *channels.shape[:2]), np.float32)
    for ring, end in enumerate(ends):
        for k in range(ORIENTATIONS):
            right, left = (np.isin(offsets[:end, 2], right_half(k + turn)) for turn in (0, ORIENTATIONS))
            kernel = np.zeros((2 * margin + 1, 2 * margin + 1, 1))
            kernel[margin + offsets[:end, 0], margin + offsets[:end, 1], 0] = (1.0 * right - left) / masses[ring, k]
            # Turned by 180 degrees a half-disc kernel is its own negative: convolution is correlation but for the sign.
            differences = fftconvolve(padded, kernel, mode="valid", axes=(0, 1))  # (H, W, C)
            out[k] += np.sqrt((differences**2).sum(axis=2)) / len(radii)
    return out


def disc_offsets(radii: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pixels of the largest disc by rings, and where each ring ends.

    Returns
    -------
    offsets : (D, 3) int64 array
        Row, column and bin of each pixel but the centre. Bin 2 k is the ray at the angle pi k / 8, bin 2 k + 1 the open
        sector after it.
    ends : (R,) int64 array
        The disc of radius ``radii[i]`` is ``offsets[:ends[i]]``.
    """
    reach = np.arange(-radii[-1], radii[-1] + 1)
    dy, dx = (d.ravel() for d in np.meshgrid(reach, reach, indexing="ij"))
    squared = dy**2 + dx**2
    step = np.mod(np.arctan2(dy, dx), 2 * np.pi) / (np.pi / ORIENTATIONS)
    whole = np.round(step)
    # Rays at multiples of pi / 8 other than axes and diagonals have irrational slopes and meet no pixel.
    on_ray = (dy == 0) | (dx == 0) | (abs(dy) == abs(dx))
    bins = np.where(on_ray, 2 * whole, 2 * np.floor(step) + 1).astype(np.int64) % BINS
    order = np.argsort(squared, kind="stable")
    order = order[(squared[order] > 0) & (squared[order] <= radii[-1] ** 2)]
    ends = np.searchsorted(squared[order], np.array(radii) ** 2, side="right")
    return np.stack([dy, dx, bins], axis=1)[order], ends


def half_masses(offsets: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return how many pixels one half of the disc has, (R, 8): the same on both sides, by symmetry."""
    masses = np.zeros((len(ends), ORIENTATIONS), np.float32)
    for i, end in enumerate(ends):
        count = np.bincount(offsets[:end, 2], minlength=BINS)
        for k in range(ORIENTATIONS):
            masses[i, k] = count[right_half(k)].sum()
    return masses


def right_half(orientation: int) -> NDArray[np.int64]:
    """Return the 15 bins strictly on the side that the normal of an orientation points to."""
    return (2 * orientation + np.arange(1 - BINS // 4, BINS // 4)) % BINS


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _half_disc_kernel(
    padded: NDArray[np.float32],
    offsets: NDArray[np.int64],
    ends: NDArray[np.int64],
    masses: NDArray[np.float32],
    product: bool,
    out: NDArray[np.float32],
) -> None:
    """Fill ``out`` (H, W, 8); ``padded`` is (H + 2 r, W + 2 r, C). Sums over channels may be reordered to vectorise."""
    height, width, orientations = out.shape
    count = padded.shape[2]
    margin = (padded.shape[0] - height) // 2
    bins = 4 * orientations
    quarter = bins // 4
    sums = np.empty((bins, count), np.float32)
    right = np.empty(count, np.float32)
    left = np.empty(count, np.float32)
    tiny = np.float32(1e-4)  # above what the running sums may lose to rounding
    for y in range(height):
        for x in range(width):
            sums[:] = 0
            start = 0
            for ring in range(ends.shape[0]):
                for i in range(start, ends[ring]):
                    pixel = padded[y + margin + offsets[i, 0], x + margin + offsets[i, 1]]
                    into = sums[offsets[i, 2]]
                    for c in range(count):
                        into[c] += pixel[c]
                start = ends[ring]
                right[:] = 0
                left[:] = 0
                for b in range(1 - quarter, quarter):
                    one, other = sums[b % bins], sums[(b + bins // 2) % bins]
                    for c in range(count):
                        right[c] += one[c]
                        left[c] += other[c]
                for k in range(orientations):
                    scale = np.float32(1) / masses[ring, k]
                    total = np.float32(0)
                    if product:
                        for c in range(count):
                            total += scale * right[c] - scale * right[c] * scale * left[c]
                    else:
                        for c in range(count):
                            difference = right[c] - left[c]
                            total += difference * difference / (right[c] + left[c] + tiny)
                        total *= np.float32(0.5) * scale
                    out[y, x, k] += total
                    # Turn by one orientation: the right half gains a ray and a sector in front and loses two behind.
                    gain = 2 * k + quarter
                    lose = gain - bins // 2
                    one, two = sums[gain % bins], sums[(gain + 1) % bins]
                    three, four = sums[(lose + 1) % bins], sums[(lose + 2) % bins]
                    five, six = sums[lose % bins], sums[(gain + 2) % bins]
                    for c in range(count):
                        right[c] += one[c] + two[c] - three[c] - four[c]
                        left[c] += five[c] + three[c] - two[c] - six[c]


def smooth_along(oriented: NDArray[np.float32], half_length: float, half_width: float) -> NDArray[np.float32]:
    """Return the centre value of a parabola fitted along the edge, for each pixel and orientation.

    Parameters
    ----------
    oriented : (8, H, W) float32 array
        The read-out of `half_disc`.
    half_length, half_width : float
        Half axes in pixels, along and across the edge, of the ellipse whose pixels enter the least-squares fit.

    Returns
    -------
    (8, H, W) float32 array
        Can be negative.

    References
    ----------
    Savitzky & Golay, "Smoothing and differentiation of data by simplified least squares procedures", 1964, as used by
    Arbelaez, Maire, Fowlkes & Malik, "Contour detection and hierarchical image segmentation", PAMI 2011, section 3.1.
    """
    return np.stack(
        [
            correlate(plane, parabola_kernel(k, half_length, half_width), mode="reflect")
            for k, plane in enumerate(oriented)
        ]
    )


def parabola_kernel(orientation: int, half_length: float, half_width: float) -> NDArray[np.float32]:
    """Return the weights of the fit ``z = c0 + c1 t + c2 t^2`` whose sum over an ellipse is ``c0``, (K, K)."""
    normal = normals()[orientation]
    reach = math.ceil(max(half_length, half_width))
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    across = dx * math.cos(normal) + dy * math.sin(normal)
    along = dy * math.cos(normal) - dx * math.sin(normal)
    inside = (across / half_width) ** 2 + (along / half_length) ** 2 <= 1
    t = along[inside]
    kernel = np.zeros(inside.shape, np.float32)
    kernel[inside] = np.linalg.pinv(np.stack([np.ones_like(t), t, t**2], axis=1))[0]
    return kernel

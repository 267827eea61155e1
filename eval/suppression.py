"""Non-maximum suppression of soft contour maps, with the named presets that published results use.

A pixel survives if no neighbour along the contour's normal is clearly stronger. Detectors that know their normal
(Canny: the gradient's direction) pass it to `suppress`; maps that come from elsewhere get it from their own second
derivatives by `suppress_preset`, the recipe of Dollar & Zitnick, "Fast edge detection using structured forests",
PAMI 2015, section 3, whose radius, border and tolerance differ from paper to paper.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import correlate1d

from .validation import check_contour_map, require


class SuppressionPreset(NamedTuple):
    """Triangle-filter radius before suppression, radius along the normal, faded border in pixels, tolerance."""

    smooth: int
    radius: int
    border: int
    tolerance: float


SUPPRESSION_PRESETS = {
    "hed": SuppressionPreset(smooth=1, radius=1, border=5, tolerance=1.01),
    "sed": SuppressionPreset(smooth=1, radius=1, border=5, tolerance=1.01),
    "rcf": SuppressionPreset(smooth=0, radius=2, border=5, tolerance=1.01),
    "dexined": SuppressionPreset(smooth=0, radius=1, border=5, tolerance=1.03),
    "teed": SuppressionPreset(smooth=0, radius=1, border=5, tolerance=1.04),
    "ac": SuppressionPreset(smooth=0, radius=2, border=5, tolerance=1.01),
}


def suppress(strength: ArrayLike, normal: ArrayLike, radius: int = 1, tolerance: float = 1.0) -> NDArray[np.floating]:
    """Set to zero every pixel that is weaker than its surroundings along the contour's normal.

    Parameters
    ----------
    strength : (H, W) float array
        Soft contour map, not negative; left unchanged.
    normal : (H, W) float array
        Direction across the contour in radians: 0 points along the columns (east), pi/2 along the rows (south).
    radius : int
        How many pixels to look at on either side.
    tolerance : float
        A pixel goes if ``tolerance * strength`` is less than a neighbour, interpolated bilinearly. Equal neighbours
        thus both stay.

    Returns
    -------
    (H, W) float array
        ``strength`` where it survives, else 0; same dtype.

    Raises
    ------
    ValueError
        If the shapes differ or are not two-dimensional.

    References
    ----------
    Canny, "A computational approach to edge detection", PAMI 1986.

    Examples
    --------
    >>> import numpy as np
    >>> wall = np.array([[0, 0.5, 0.75, 0.5, 0]] * 3)
    >>> suppress(wall, np.zeros((3, 5)))[0]  # the contour runs down, its normal points along the columns
    array([0.  , 0.  , 0.75, 0.  , 0.  ])
    """
    strength, normal = np.asarray(strength), np.asarray(normal)
    require(
        strength.ndim == 2 and strength.shape == normal.shape,
        f"strength, normal: shapes {strength.shape} and {normal.shape}, expected the same (H, W)",
    )
    kept = _survivors(strength, np.cos(normal), np.sin(normal), radius, tolerance)
    return np.where(kept, strength, strength.dtype.type(0))


def suppress_preset(contour_map: ArrayLike, preset: str) -> NDArray[np.float32]:
    """Thin a soft contour map by the named recipe of a published method.

    Parameters
    ----------
    contour_map : (H, W) float array in [0, 1]
        Strong where there is a contour (RCF, DexiNed and TEED store the opposite); left unchanged.
    preset : str
        One of ``hed``, ``sed``, ``rcf``, ``dexined``, ``teed``, ``ac``.

    Returns
    -------
    (H, W) float32 array in [0, 1]

    Raises
    ------
    ValueError
        If the preset is unknown or the map is not in [0, 1].

    References
    ----------
    Dollar & Zitnick, "Fast edge detection using structured forests", PAMI 2015, section 3; of the presets, Xie & Tu,
    "Holistically-nested edge detection", ICCV 2015, and the codes of RCF, DexiNed and TEED.

    Examples
    --------
    >>> import numpy as np
    >>> wall = np.zeros((19, 21))
    >>> wall[8:11, 9:12] = [0.25, 0.75, 0.25]
    >>> suppress_preset(wall, "dexined")[9, 8:13]
    array([0.  , 0.  , 0.75, 0.  , 0.  ], dtype=float32)
    """
    require(preset in SUPPRESSION_PRESETS, f"nms preset {preset!r}, expected one of {', '.join(SUPPRESSION_PRESETS)}")
    recipe = SUPPRESSION_PRESETS[preset]
    strength = triangle_filter(check_contour_map(contour_map).astype(np.float32), recipe.smooth)
    thinned = suppress(strength, normal_direction(strength), recipe.radius, recipe.tolerance)
    return thinned * _border_fade(thinned.shape, recipe.border)


def normal_direction(strength: ArrayLike) -> NDArray[np.float32]:
    """Return the direction across the ridges of a soft map, in [0, pi), from second derivatives at scale 4.

    The recipe takes the arctangent of a squared tangent, so it is some degrees off between the axes and the diagonals,
    and where the mixed derivative is exactly zero (a synthetic, perfectly horizontal ridge) it answers 0. Published
    results contain both, so both stay.
    """
    d_y, d_x = _gradient(triangle_filter(np.asarray(strength, np.float32), 4))
    d_xx = _gradient(d_x)[1]
    d_yy, d_xy = _gradient(d_y)
    return np.mod(np.arctan(d_yy * np.sign(-d_xy) / (d_xx + np.float32(1e-5))), np.float32(np.pi))


def triangle_filter(image: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Smooth with weights 1, 2 … radius + 1 … 2, 1 along rows and columns, mirrored at the border."""
    weights = np.convolve(np.ones(radius + 1), np.ones(radius + 1)) / (radius + 1) ** 2
    return correlate1d(correlate1d(image, weights, axis=0), weights, axis=1)


def _gradient(image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Central differences along rows and columns; zero along an axis of one pixel."""
    return [
        np.gradient(image, axis=axis) if image.shape[axis] > 1 else np.zeros_like(image) for axis in range(image.ndim)
    ]


def _border_fade(shape: tuple[int, int], border: int) -> NDArray[np.float32]:
    """Factor that rises linearly from 0 at the border to 1 at ``border`` pixels from it."""
    ramps = []
    for n in shape:
        inside = np.minimum(np.arange(n), np.arange(n)[::-1])
        ramps.append(np.minimum(inside / border, 1))
    return np.multiply.outer(*ramps).astype(np.float32)


@njit(cache=True, nogil=True)
def _survivors(
    strength: NDArray[np.floating],
    cosine: NDArray[np.floating],
    sine: NDArray[np.floating],
    radius: int,
    tolerance: float,
) -> NDArray[np.bool_]:
    height, width = strength.shape
    kept = np.ones(strength.shape, np.bool_)
    for y in range(height):
        for x in range(width):
            own = strength[y, x] * tolerance
            for step in range(-radius, radius + 1):
                if step != 0 and own < _bilinear(strength, y + step * sine[y, x], x + step * cosine[y, x]):
                    kept[y, x] = False
                    break
    return kept


@njit(cache=True, nogil=True)
def _bilinear(image: NDArray[np.floating], y: float, x: float) -> float:
    """Value between pixels; beyond the border, that of the nearest border pixel."""
    height, width = image.shape
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = y - top, x - left
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return upper * (1 - down) + lower * down

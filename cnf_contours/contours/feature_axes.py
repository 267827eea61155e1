"""What a field's features say besides where a pixel is: the axes along which they hold still where the colours do.

A third to a half of the features' variance is explained by the coordinates, and they drift across regions of one
colour, so that heads on them divide the image by position. Fisher's discriminant needs no labels here: pairs of pixels
a little apart whose colours hardly differ stand for one region.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

# Added to the scatter within regions, as a part of its mean: axes along which nothing at all changes are no better.
LEAST_SCATTER = 1e-6


def steady_axes(
    features: NDArray[np.floating], colours: NDArray[np.floating], distance: int = 8, axes: int = 3
) -> NDArray[np.float32]:
    """Return the features along the axes that vary most over the image for what they vary within regions.

    Parameters
    ----------
    features : (C, h, w) float array
        Such as the field's; channels of any scale.
    colours : (3, h, w) float array
        CIE L*a*b* of the same pixels, such as the field's output. The half of the pairs that differ least in it count
        as within a region.
    distance : int
        Between the two pixels of a pair, along rows and along columns; shorter where the image is narrower.
    axes : int
        How many, the best first; at most C.

    Returns
    -------
    (axes, h, w) float32 array
        Uncorrelated, of mean 0 and variance 1 within regions; 0 where the features are constant.

    References
    ----------
    Fisher, "The use of multiple measurements in taxonomic problems", 1936.
    """
    rows = features.reshape(len(features), -1).T.astype(np.float64)  # (h w, C)
    rows = rows - rows.mean(axis=0)
    first, second = _pairs_within(colours, distance)
    steps = (rows[first] - rows[second]) / np.sqrt(2)
    within, over_all = (x.T @ x / max(1, len(x)) for x in (steps, rows))
    floor = LEAST_SCATTER * (np.trace(within) or np.trace(over_all) or 1.0) / len(features)
    turn = eigh(over_all, within + floor * np.eye(len(features)))[1][:, ::-1][:, :axes]
    turn = turn * np.where(turn[np.abs(turn).argmax(axis=0), np.arange(turn.shape[1])] < 0, -1, 1)
    return np.ascontiguousarray((rows @ turn).T.reshape(-1, *features.shape[1:])).astype(np.float32)


def _pairs_within(colours: NDArray[np.floating], distance: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the flat indices of the half of all pairs, right and down, whose colours differ least."""
    height, width = colours.shape[1:]
    number = np.arange(height * width).reshape(height, width)
    down, across = min(distance, height - 1), min(distance, width - 1)
    pairs = [(number[: height - down], number[down:])] if down else []
    pairs += [(number[:, : width - across], number[:, across:])] if across else []
    if not pairs:
        return number[0], number[0]  # one pixel
    first, second = (np.concatenate([side.ravel() for side in sides]) for sides in zip(*pairs, strict=True))
    flat = colours.reshape(len(colours), -1)
    difference = ((flat[:, first] - flat[:, second]) ** 2).sum(axis=0)
    near = difference <= np.median(difference)
    return first[near], second[near]

"""What the numbers of an annotation mean: contours or regions.

One rule for all containers. Contours are 0 and one full value: 1, 255 or 65535. Whatever else a file holds is refused
until the user says what it is.
"""

import numpy as np
from numpy.typing import NDArray

from ...eval.boundaries import label_boundaries
from ...eval.thinning import thin
from ...eval.validation import looks_like_labels
from ..errors import UserError, argument

CONTOURS, LABELS = TRUTH_KINDS = ("contours", "labels")
FULL_VALUES = (1, 255, 65535)
EXPECTED = "contours: 0 and 1, or 0 and 255"
MOST_ANNOTATORS = 12  # of which a mean is recognised
VOID = 255


def require_kind(truth: str | None) -> None:
    """Raise `UserError` unless ``truth`` is one of `TRUTH_KINDS` or None."""
    if truth not in (None, *TRUTH_KINDS):
        raise UserError(f"unknown; expected {' or '.join(TRUTH_KINDS)}", parameter="truth", value=truth)


def contour_layer(values: NDArray, name: str, truth: str | None = None) -> NDArray[np.bool_]:
    """Return the contours that an array stands for.

    Parameters
    ----------
    values : (H, W) array
        0 and 1, 255 or 65535.
    name : str
        What messages call it.
    truth : {"contours"}, optional
        Whether other values are contours all the same, from half of full scale up.

    Returns
    -------
    (H, W) bool array

    Raises
    ------
    UserError
        If the values are none of these, or most pixels are contours.
    """
    if values.ndim != 2:
        raise UserError(f"{name}: contours of shape {values.shape}, expected (H, W)")
    if values.dtype.kind not in "bufi" or (values.dtype.kind == "f" and not np.all(np.isfinite(values))):
        raise UserError(
            f"{name}: values of type {values.dtype}, or not finite, expected contours: 0 and 1, or 0 and 255"
        )
    highest = values.max(initial=0)
    if np.all((values == 0) | ((values == highest) if highest in FULL_VALUES else False)):
        layer = values != 0
    elif truth == CONTOURS and values.min() >= 0:
        layer = values >= _full_scale(values) / 2
    else:
        raise UserError(f"{name}: {_what_it_is(values)}")
    if layer.size and layer.mean() > 0.5:
        raise UserError(f"{name}: {layer.mean():.0%} of the pixels are contours; inverted? expected white on black")
    return layer


def region_borders(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return the (H, W) borders of a segmentation, thinned: as BSDS500's ``Boundaries`` come from ``Segmentation``."""
    return thin(label_boundaries(labels))


def label_map(values: NDArray, name: str) -> NDArray[np.int64]:
    """Return (H, W) labels as int64.

    In 8 bits, 255 without 254 is VOC's "void": its pixels go to the nearest region, so that the border between two runs
    along the middle of the band.

    Raises
    ------
    UserError
        If these are no whole numbers.
    """
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "bufi":
        raise UserError(f"{name} of shape {values.shape} and type {values.dtype}, expected (H, W) labels")
    if values.dtype.kind == "f":
        if not np.all(np.abs(values) < 2**53):
            raise UserError(f"{name} with NaN, infinite or huge labels, expected whole numbers")
        if not np.array_equal(values, np.floor(values)):
            raise UserError(f"{name} with fractions, expected whole numbers")
    return _without_void(values).astype(np.int64)


def _without_void(values: NDArray) -> NDArray:
    void = values == VOID if values.dtype == np.uint8 else np.zeros(values.shape, bool)
    if not void.any() or void.all() or np.any(values == VOID - 1):
        return values
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(void, return_distances=False, return_indices=True)
    return values[tuple(nearest)]


def _full_scale(values: NDArray) -> int:
    """Return 1, 255 or 65535: that of the type, or the smallest that holds all values."""
    highest = float(values.max())
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2 and highest > 1:
        return int(np.iinfo(values.dtype).max)
    return next((full for full in FULL_VALUES if highest <= full), FULL_VALUES[-1])


def _annotators(values: NDArray) -> int:
    """Return of how many annotators these values may be the mean; 0 if of none."""
    levels = np.unique(values) / _full_scale(values)
    rounding = 1 / 255 if values.dtype.kind in "ui" else 1e-3
    for count in range(2, MOST_ANNOTATORS + 1):
        if levels[0] >= 0 and np.all(np.abs(levels - np.rint(levels * count) / count) <= rounding):
            return count
    return 0


def _what_it_is(values: NDArray) -> str:
    levels = np.unique(values)
    found = f"{len(levels)} levels from {levels[0]:.6g} to {levels[-1]:.6g}, expected {EXPECTED}"
    if looks_like_labels(values) or (len(levels) <= 2 and levels[-1] not in FULL_VALUES):
        return f"{found}; a label map? {argument('truth', LABELS)} makes the borders of its regions the truth"
    half = f"{argument('truth', CONTOURS)} takes what has at least half of full scale"
    if annotators := _annotators(values):
        return f"{found}; the mean of {annotators} annotators? the score needs each one's own map; {half}"
    return f"{found}; resized or smoothed? better made anew; {half}"

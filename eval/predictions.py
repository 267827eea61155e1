"""What a method may return, as one of three predictions that know how to be measured.

`ContourMap`, `Sweep` and `Hierarchy` have the same methods: `count` (contours), `regions` (covering, PRI, VI; None for
contours alone), `digest`, and, to look at them, `contour_map`, `mask` and `labels` at a level – a threshold, or for a
sweep the number of a setting.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .contour_map import ContourMap
from .counting import BoundaryCounts
from .hierarchy import Hierarchy
from .protocol import BoundaryProtocol
from .regions import RegionScores
from .sweeps import Sweep
from .validation import check_contour_map, check_labels, looks_like_labels, require, size_message

# Beyond this, float64 does not tell whole numbers apart.
LARGEST_WHOLE = 2.0**53
EXPECTED = "expected an (H, W) array, label maps, or a Hierarchy"


class Prediction(Protocol):
    """What `ContourMap`, `Sweep` and `Hierarchy` have in common.

    Examples
    --------
    >>> import numpy as np
    >>> prediction: Prediction = as_prediction(np.zeros((2, 3)))
    >>> prediction.shape, prediction.has_regions
    ((2, 3), False)
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the image."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of a sweep's settings; empty for others."""

    @property
    def description(self) -> str:
        """What this is, in words; equal for predictions that may stand in one run."""

    @property
    def is_soft(self) -> bool:
        """Whether it is counted as one soft contour map, at thresholds; a sweep is not."""

    @property
    def has_regions(self) -> bool:
        """Whether there are regions to compare; not so for contours alone."""

    def suppressed(self, preset: str) -> "ContourMap":
        """Return the contour map thinned by a preset. Raises ``ValueError`` if it is not soft."""

    def contour_map(self) -> NDArray[np.floating]:
        """Return the soft (H, W) contour map."""

    def mask(self, level: float) -> NDArray[np.bool_]:
        """Return the (H, W) contours at a level, before thinning."""

    def labels(self, level: float) -> NDArray[np.integer] | None:
        """Return the (H, W) regions at a level; None for contours alone."""

    def count(self, ground_truth: ArrayLike, protocol: BoundaryProtocol | None = None) -> BoundaryCounts:
        """Return the matched pixels at every level."""

    def regions(
        self, ground_truth: Sequence[ArrayLike], protocol: BoundaryProtocol | None = None
    ) -> RegionScores | None:
        """Return the region measures at every level; None for contours alone."""

    def digest(self) -> str:
        """Return the SHA-256 of the values."""


def as_prediction(value: Any, name: str = "prediction") -> ContourMap | Sweep | Hierarchy:
    """Return what a method has returned as a valid prediction.

    Parameters
    ----------
    value : (H, W) float array in [0, 1], sequence or dict of (H, W) integer arrays, or a prediction
        A contour map; the label maps of a sweep, in a dictionary by the names of the settings; or a `ContourMap`,
        `Sweep` or `Hierarchy`, which is checked. An (H, W) array of 32- or 64-bit integers, three or more that fill
        areas, can be no contour map: it is a sweep of that one segmentation.
    name : str
        What error messages call it.

    Returns
    -------
    ContourMap, Sweep or Hierarchy
        Of checked arrays; a `ContourMap` or `Hierarchy` as it was.

    Raises
    ------
    ValueError
        If it is none of these; says what it is instead.

    Examples
    --------
    >>> import numpy as np
    >>> as_prediction({"coarse": np.ones((2, 3), int), "fine": np.arange(6).reshape(2, 3)}).description
    '2 segmentations (coarse, fine)'
    """
    if isinstance(value, Hierarchy | ContourMap):
        return value
    if isinstance(value, dict):
        value = Sweep(tuple(value.values()), tuple(map(str, value)))
    if isinstance(value, list | tuple) and not _is_nested_rows(value, name):
        value = Sweep(tuple(value))
    if isinstance(value, Sweep):
        return _checked_sweep(value, name)
    if _is_label_map(value):
        return _checked_sweep(Sweep((np.asarray(value),)), name)
    require(isinstance(value, list) or np.ndim(value) > 0, f"{name}: of type {type(value).__name__}, {EXPECTED}")
    return ContourMap(check_contour_map(value, name))


def count(prediction: Any, ground_truth: ArrayLike, protocol: BoundaryProtocol | None = None) -> BoundaryCounts:
    """Count the matched contour pixels of any prediction.

    Parameters
    ----------
    prediction
        A contour map, label maps, or a `Hierarchy`: anything that `as_prediction` takes.
    ground_truth : (G, H, W) bool array
        True contours, one layer per annotator.
    protocol : BoundaryProtocol, optional
        Thresholds, tolerance and thinning; the BSDS500 protocol if not given.

    Returns
    -------
    BoundaryCounts
        An entry per threshold, or per setting of a sweep.

    Raises
    ------
    ValueError
        If the prediction or the ground truth is malformed, or their sizes differ.

    References
    ----------
    Martin, Fowlkes & Malik, "Learning to detect natural image boundaries using local brightness, color, and texture
    cues", PAMI 2004, section 2.2 and appendix B.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.zeros((8, 8), bool)
    >>> truth[:, 3] = True
    >>> count([np.arange(64).reshape(8, 8) % 8 // 4], truth).cnt_r  # one segmentation, whose border is the truth
    array([8])
    """
    return as_prediction(prediction).count(ground_truth, protocol)


def _is_nested_rows(value: list[Any] | tuple[Any, ...], name: str) -> bool:
    """Whether a list is one map as rows of numbers, not label maps. Raises ``ValueError`` if it is neither."""
    if any(isinstance(layer, np.ndarray) for layer in value):
        flat = [type(layer).__name__ for layer in value if not isinstance(layer, np.ndarray) or layer.ndim < 2]
        found = f"{name}: a {type(value).__name__} of {len(value)} with {', '.join(flat[:3])} in it"
        require(not flat or len(flat) == len(value), f"{found}, {EXPECTED}")
        return bool(flat)
    try:
        return np.ndim(value) == 2 or any(np.ndim(layer) < 2 for layer in value)
    except ValueError:  # rows of different lengths
        raise ValueError(f"{name}: a {type(value).__name__} of rows that differ in length, {EXPECTED}") from None


def _is_label_map(value: Any) -> bool:
    """Whether an array can be nothing but a label map: in 8 and 16 bits it may be a contour map, too."""
    array = value if isinstance(value, np.ndarray) else np.empty(0)
    return array.dtype.kind in "ui" and array.dtype.itemsize >= 4 and looks_like_labels(array)


def _checked_sweep(sweep: Sweep, name: str) -> Sweep:
    layers, settings = sweep.segmentations, sweep.settings
    require(len(layers) > 0, f"{name}: an empty sweep, expected at least one segmentation")
    if settings:
        fitting = len(settings) == len(layers)
        require(fitting, f"{name}: {len(settings)} settings' names for {len(layers)} segmentations")
    for labels in map(np.asarray, layers):
        whole = labels.dtype.kind != "f" or bool(np.all(np.abs(labels) < LARGEST_WHOLE))
        require(whole, f"{name}: NaN, infinite or huge labels, expected whole numbers")
    checked = tuple(_compact(check_labels(labels, name)) for labels in layers)
    for labels in checked:
        if labels.shape != checked[0].shape:
            raise ValueError(size_message(f"{name}: a segmentation", labels.shape, "the first", checked[0].shape))
    return Sweep(checked, tuple(map(str, settings)))


def _compact(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Labels as int32 where they fit, so that equal segmentations have equal hashes."""
    limits = np.iinfo(np.int32)
    fit = labels.min() >= limits.min and labels.max() <= limits.max
    return np.ascontiguousarray(labels, np.int32 if fit else labels.dtype)

"""The only input checks of the benchmark. Every message names the argument, what was found and the likely mistake.

Public functions call these once; the kernels below them trust their caller.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter, minimum_filter

ROUNDING = 1e-6  # beyond 0 and 1, of arithmetic in float32


def require(condition: bool, message: str) -> None:
    """Raise ``ValueError(message)`` unless ``condition`` holds."""
    if not condition:
        raise ValueError(message)


def check_contour_map(contour_map: ArrayLike, name: str = "contour_map") -> NDArray[np.floating]:
    """Return ``contour_map`` as an (H, W) float array in [0, 1], or raise ``ValueError``.

    float32 and float64 stay as they are; bool becomes float32. What rounding put beyond 0 and 1, by 1e-6 at most, is
    clipped. Integers are refused: whether 255 or 65535 means "certain" is the caller's to say.
    """
    array = np.asarray(contour_map)
    require(array.ndim == 2, f"{name}: {_of_shape(array)}")
    require(array.size > 0, f"{name}: shape {array.shape} has no pixels")
    if array.dtype == bool:
        return array.astype(np.float32)
    floats = np.issubdtype(array.dtype, np.floating)
    require(floats, f"{name}: dtype {array.dtype}, expected float in [0, 1]{_guess_of_type(array)}")
    lowest, highest = array.min(), array.max()
    require(bool(np.isfinite(lowest) and np.isfinite(highest)), f"{name}: holds NaN or infinity, expected [0, 1]")
    if lowest < 0 or highest > 1:
        if lowest < -ROUNDING or highest > 1 + ROUNDING:
            guess = _guess_of_range(array, float(lowest), float(highest))
            raise ValueError(f"{name}: values from {lowest:.6g} to {highest:.6g}, expected [0, 1] ({guess})")
        array = array.clip(0, 1)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)


def looks_like_labels(array: NDArray[Any]) -> bool:
    """Whether an (H, W) array is rather a label map than contours: whole numbers, three or more, that fill areas.

    Half of the numbers besides 0 must have most of their pixels in 3 x 3 blocks of that number. Of segmentations nearly
    all are; of soft contour maps, thick or thin, stored in 8 bits, nearly none.
    """
    if array.ndim != 2 or array.dtype.kind not in "uif" or min(array.shape) < 3:
        return False
    left, right = array[:, :-1], array[:, 1:]
    if 2 * np.count_nonzero((left == right) & (left != 0)) <= np.count_nonzero(left):  # soon said of most contour maps
        return False
    if array.dtype.kind == "f" and not (np.all(np.isfinite(array)) and np.array_equal(array, np.floor(array))):
        return False
    numbers, which = np.unique(array, return_inverse=True)
    if len(numbers) < 3:
        return False
    which = which.reshape(array.shape)
    flat = minimum_filter(which, 3) == maximum_filter(which, 3)
    filled = np.bincount(which[maximum_filter(flat, 3)], minlength=len(numbers)) / np.bincount(which.ravel())
    return bool(np.median(filled[numbers != 0]) > 0.5)


def check_mask(mask: ArrayLike, name: str = "mask") -> NDArray[np.bool_]:
    """Return ``mask`` as an (H, W) bool array, or raise ``ValueError``. Integers must be 0 or 1."""
    array = np.asarray(mask)
    require(array.ndim == 2, f"{name}: shape {array.shape}, expected (H, W)")
    return _as_bool(array, name)


def check_ground_truth(ground_truth: ArrayLike, shape: tuple[int, int] | None = None) -> NDArray[np.bool_]:
    """Return ``ground_truth`` as a (G, H, W) bool array with G >= 1 annotators, or raise ``ValueError``.

    A single (H, W) layer is taken as one annotator. ``shape`` is the (H, W) of the prediction, if there is one.
    """
    array = np.asarray(ground_truth)
    if array.ndim == 2:
        array = array[np.newaxis]
    require(array.ndim == 3, f"ground_truth: shape {array.shape}, expected (G, H, W), one layer per annotator")
    require(len(array) > 0, "ground_truth: no annotators (G = 0), expected at least one layer")
    if shape is not None and array.shape[1:] != tuple(shape):
        raise ValueError(size_message("contour_map", tuple(shape), "ground_truth", array.shape[1:]))
    return _as_bool(array, "ground_truth")


def check_labels(labels: ArrayLike, name: str = "labels") -> NDArray[np.integer]:
    """Return ``labels`` as an (H, W) integer array, one whole number per region, or raise ``ValueError``."""
    array = np.asarray(labels)
    require(array.ndim == 2, f"{name}: shape {array.shape}, expected (H, W)")
    require(array.size > 0, f"{name}: shape {array.shape} has no pixels")
    if np.issubdtype(array.dtype, np.floating):
        require(bool(np.all(array == np.floor(array))), f"{name}: fractions found, expected whole region labels")
        return array.astype(np.int64)
    require(
        np.issubdtype(array.dtype, np.integer) or array.dtype == bool,
        f"{name}: dtype {array.dtype}, expected integer region labels",
    )
    return array.astype(np.uint8) if array.dtype == bool else array


def size_message(name: str, found: tuple[int, ...], other: str, expected: tuple[int, ...]) -> str:
    """Say that two sizes differ, both of them, and guess why."""
    message = f"{name}: size {_size(found)}, but {other} is {_size(expected)}"
    if found == expected[::-1]:
        return message + " (transposed?)"
    if len(found) == len(expected) == 2:
        difference = [a - b for a, b in zip(found, expected, strict=True)]
        if all(0 <= d < 64 for d in difference):
            return message + " (padded?)"
        if all(-64 < d <= 0 for d in difference):
            return message + " (cropped?)"
        if abs(found[0] / expected[0] - found[1] / expected[1]) < 0.02:
            return message + f" (resized by {found[0] / expected[0]:.3g}?)"
    return message


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape) + (" (H x W)" if len(shape) == 2 else "")


def _of_shape(array: NDArray[Any]) -> str:
    """Say what shape was found where one map was expected, and guess why."""
    if array.ndim == 0:
        return f"of type {type(array.item()).__name__}, expected an (H, W) array"
    guess = ""
    if array.ndim > 2 and sum(n > 1 for n in array.shape) == 2:
        guess = " (squeeze it: drop the axes of length 1)"
    elif array.ndim == 3 and array.shape[2] in (3, 4):
        guess = " (a colour image?)"
    elif array.ndim == 3:
        guess = " (several maps? expected one)"
    return f"shape {array.shape}, expected (H, W){guess}"


def _guess_of_type(array: NDArray[Any]) -> str:
    if array.dtype.kind not in "ui":
        return ""
    if looks_like_labels(array):
        return " (a label map? give it in a list, [labels], to be scored as one segmentation)"
    if array.min() >= 0 and array.max() <= 1:
        return " (0 and 1 only: give bool, or, if these are labels, [labels])"
    return " (an 8-bit map must be divided by 255, a 16-bit one by 65535)"


def _guess_of_range(array: NDArray[Any], lowest: float, highest: float) -> str:
    if looks_like_labels(array):
        return "whole numbers that fill areas: a label map? give it in a list, [labels]"
    if lowest >= -0.5 and highest <= 1.5:
        return "overshoot of an interpolation? clip to [0, 1]"
    if lowest < 0:
        return "logits? apply a sigmoid"
    if highest > 16:
        return "8-bit values? divide by 255" if highest <= 255 else "16-bit values? divide by 65535"
    return "divide all maps by one constant"


def _as_bool(array: NDArray[Any], name: str) -> NDArray[np.bool_]:
    if array.dtype == bool:
        return array
    require(
        bool(np.all((array == 0) | (array == 1))),
        f"{name}: values other than 0 and 1 found, expected bool (threshold it first)",
    )
    return array.astype(bool)

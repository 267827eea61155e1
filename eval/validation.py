"""The only input checks of the benchmark. Every message names the argument, what was found and the likely mistake.

Public functions call these once; the kernels below them trust their caller.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def require(condition: bool, message: str) -> None:
    """Raise ``ValueError(message)`` unless ``condition`` holds."""
    if not condition:
        raise ValueError(message)


def check_contour_map(contour_map: ArrayLike, name: str = "contour_map") -> NDArray[np.floating]:
    """Return ``contour_map`` as an (H, W) float array in [0, 1], or raise ``ValueError``.

    float32 and float64 stay as they are; bool becomes float32. Integers are refused: whether 255 or 65535 means
    "certain" is the caller's to say.
    """
    array = np.asarray(contour_map)
    require(
        array.ndim == 2,
        f"{name}: shape {array.shape}, expected (H, W)" + (" (a colour image?)" if array.ndim == 3 else ""),
    )
    require(array.size > 0, f"{name}: shape {array.shape} has no pixels")
    if array.dtype == bool:
        return array.astype(np.float32)
    require(
        np.issubdtype(array.dtype, np.floating),
        f"{name}: dtype {array.dtype}, expected float in [0, 1] (an 8-bit map must be divided by 255)",
    )
    lowest, highest = array.min(), array.max()
    require(bool(np.isfinite(lowest) and np.isfinite(highest)), f"{name}: holds NaN or infinity, expected [0, 1]")
    hint = " (8-bit values? divide by 255)" if 1.5 < highest <= 255 else ""
    hint = " (logits? apply a sigmoid)" if lowest < 0 else hint
    require(
        bool(lowest >= 0 and highest <= 1),
        f"{name}: values from {lowest:.6g} to {highest:.6g}, expected [0, 1]{hint}",
    )
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)


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


def _as_bool(array: NDArray[Any], name: str) -> NDArray[np.bool_]:
    if array.dtype == bool:
        return array
    require(
        bool(np.all((array == 0) | (array == 1))),
        f"{name}: values other than 0 and 1 found, expected bool (threshold it first)",
    )
    return array.astype(bool)

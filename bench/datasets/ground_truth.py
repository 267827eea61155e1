"""Reading ground truth: one file, one or several annotators."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...eval.boundaries import label_boundaries
from ...eval.thinning import thin
from ..errors import UserError, listing
from ..files.arrays import LARGEST_PIXELS, read_mat, read_npy, scaled
from ..files.images import read_grey

TRUTH_SUFFIXES = (".mat", ".npy", ".png", ".bmp", ".seg")


def read_truth(path: Path) -> list[NDArray[np.bool_]]:
    """Return the annotators' (H, W) contour maps stored in one ground-truth file.

    Raises
    ------
    UserError
        If the file is damaged, holds no annotator, or looks inverted.
    """
    suffix = path.suffix.lower()
    if suffix == ".seg":
        layers = [thin(label_boundaries(_read_seg(path)))]
    elif suffix == ".mat":
        layers = _truth_from_mat(path)
    else:
        array = read_npy(path) if suffix == ".npy" else read_grey(path)
        layers = _layers(array, path)
    if not layers:
        raise UserError(f"{path}: ground truth without annotators, expected at least one contour map")
    for layer in layers:
        if layer.ndim != 2:
            raise UserError(f"{path}: contours of shape {layer.shape}, expected (H, W)")
    return layers


def read_segmentations(path: Path) -> list[NDArray[np.integer]]:
    """Return the annotators' (H, W) label maps of a ``.seg`` file or ``.mat`` files with regions; none from others."""
    if path.suffix.lower() == ".seg":
        return [_read_seg(path)]
    if path.suffix.lower() == ".mat" and "LabelMap" in (variables := read_mat(path)):
        return [_label_map(variables["LabelMap"], "LabelMap", path)]
    cells = read_mat(path).get("groundTruth") if path.suffix.lower() == ".mat" else None
    if cells is None:
        return []
    try:
        found = [cell[0, 0]["Segmentation"] for cell in cells.ravel()]
    except (IndexError, KeyError, TypeError, ValueError):
        return []  # NYUDv2's and others' files of this form have Boundaries alone
    return [_label_map(labels, "Segmentation", path) for labels in found]


def _truth_from_mat(path: Path) -> list[NDArray[np.bool_]]:
    variables = read_mat(path)
    if "LabelMap" in variables:
        return [thin(label_boundaries(_label_map(variables["LabelMap"], "LabelMap", path)))]
    if "groundTruth" not in variables:
        arrays = [value for value in variables.values() if isinstance(value, np.ndarray) and value.ndim in (2, 3)]
        if len(arrays) != 1:
            raise UserError(f"{path}: variables {listing(sorted(variables))}, expected groundTruth or one array")
        return _layers(arrays[0], path)
    layers = []
    for cell in variables["groundTruth"].ravel():
        try:
            layers.append(np.asarray(cell[0, 0]["Boundaries"]).astype(bool))
        except (IndexError, KeyError, TypeError, ValueError):
            raise UserError(f"{path}: groundTruth without Boundaries, expected BSDS500's cell of structures") from None
    return layers


def _layers(array: NDArray, path: Path) -> list[NDArray[np.bool_]]:
    """Binary layers of an (H, W) or (G, H, W) array; 8- and 16-bit values count from half of full scale up."""
    if array.ndim == 2:
        array = array[np.newaxis]
    if array.ndim != 3:
        raise UserError(f"{path}: shape {array.shape}, expected (H, W) or (annotators, H, W)")
    if array.dtype in (np.uint8, np.uint16) and array.max(initial=0) <= 1:
        array = array.astype(bool)
    if array.dtype.kind not in "bufi":
        raise UserError(f"{path}: values of type {array.dtype}, expected a contour map")
    masks = scaled(array) >= 0.5
    if masks.size and masks.mean() > 0.5:
        raise UserError(f"{path}: {masks.mean():.0%} of the pixels are contours; inverted? expected white on black")
    return list(masks)


def _label_map(found: object, name: str, path: Path) -> NDArray[np.int64]:
    labels = np.asarray(found)
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "bufi":
        raise UserError(f"{path}: {name} of shape {labels.shape} and type {labels.dtype}, expected (H, W) labels")
    if labels.dtype.kind == "f" and not np.all(np.abs(labels) < 2**53):
        raise UserError(f"{path}: {name} with NaN, infinite or huge labels, expected whole numbers")
    return labels.astype(np.int64)


def _read_seg(path: Path) -> NDArray[np.int64]:
    """Return the (H, W) labels of a BSDS300 ``.seg`` file: a header, then runs as segment, row, first, last column."""
    header, _, data = path.read_text(encoding="utf-8", errors="replace").partition("\ndata\n")
    sizes = dict(line.split(None, 1) for line in header.splitlines() if len(line.split(None, 1)) == 2)
    try:
        height, width, runs = int(sizes["height"]), int(sizes["width"]), data.splitlines()
        if height * width > LARGEST_PIXELS:
            raise ValueError
        # Every row needs a run of its own, so that a few bytes cannot make a large array, whatever they promise.
        labels = np.full((min(height, len(runs)), width), -1, np.int64)
        for line in runs:
            segment, row, first, last = map(int, line.split())
            if min(segment, row, first) < 0 or last < first or last >= labels.shape[1]:
                raise ValueError
            labels[row, first : last + 1] = segment
    except (KeyError, ValueError, IndexError, OverflowError):
        raise UserError(f"{path}: not a segmentation of BSDS300's form, or damaged") from None
    if len(labels) < height or labels.size == 0 or labels.min() < 0:
        raise UserError(f"{path}: pixels without a segment; truncated?")
    return labels

"""Ground truth in MATLAB files, in the forms that data sets have it.

``groundTruth`` is BSDS500's cell of structures with ``Boundaries`` and ``Segmentation``, one structure alone, an array
of them, or a cell of plain arrays; PASCAL-Context has ``LabelMap``, SBD ``GTcls`` or ``GTinst`` with a sparse map of
each class or object; others one array, whose last axis may be that of the annotators.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, listing
from ..files.arrays import dense, read_mat

if TYPE_CHECKING:
    from scipy.sparse import csc_array

NAMES = ("groundTruth", "GTcls", "GTinst")
Stored = tuple[NDArray | None, NDArray | None]  # contours and labels


def annotations_of_mat(path: Path) -> list[Stored]:
    """Return contours and labels of each annotator, as stored; None for what there is not.

    Raises
    ------
    UserError
        If the file is damaged or holds something else.
    """
    variables = read_mat(path)
    if "LabelMap" in variables:
        return [(None, dense(variables["LabelMap"], path))]
    named = [name for name in NAMES if name in variables]
    filled = [name for name, value in variables.items() if not isinstance(value, np.ndarray) or value.ndim in (2, 3)]
    usable = named or [name for name in filled if _is_read(variables[name])]
    if len(usable) != 1:
        raise UserError(f"{path}: variables {listing(sorted(variables))}, expected groundTruth or one array")
    return list(_annotations(variables[usable[0]], path))


def annotator_layers(array: NDArray, path: Path) -> list[NDArray]:
    """Return the layers of an (H, W), (annotators, H, W) or (H, W, annotators) array: the shorter axis counts them."""
    if array.ndim == 2:
        return [array]
    if array.ndim != 3:
        raise UserError(f"{path}: shape {array.shape}, expected (H, W) or (annotators, H, W)")
    return list(np.moveaxis(array, 2, 0) if array.shape[2] < array.shape[0] else array)


def _is_read(value: "NDArray | csc_array") -> bool:
    return value.dtype != object or value.size > 0


def _annotations(value: "NDArray | csc_array", path: Path) -> Iterator[Stored]:
    """Yield what a cell, a structure or an array holds."""
    if not isinstance(value, np.ndarray):
        yield dense(value, path), None
    elif value.dtype.names:
        for record in value.ravel():
            yield _of_structure(record, path)
    elif value.dtype == object:
        for cell in value.ravel():
            yield from _annotations(cell, path)
    else:
        yield from ((layer, None) for layer in annotator_layers(value, path))


def _of_structure(record: np.void, path: Path) -> Stored:
    fields = {name: record[name] for name in record.dtype.names if _is_read(record[name])}
    contours, labels = fields.get("Boundaries"), fields.get("Segmentation")
    if contours is None and labels is None:
        held = listing(sorted(record.dtype.names))
        raise UserError(f"{path}: groundTruth with {held}, without Boundaries or Segmentation; expected one of these")
    return None if contours is None else _union(contours, path), None if labels is None else dense(labels, path)


def _union(contours: "NDArray | csc_array", path: Path) -> NDArray:
    """Return the contours of a structure; SBD has a cell of them, one for each class or object."""
    if contours.dtype != object:
        return dense(contours, path)
    layers = [dense(layer, path) for layer in contours.ravel()]
    if any(layer.dtype.kind not in "bufi" or layer.shape != layers[0].shape for layer in layers):
        raise UserError(f"{path}: Boundaries is a cell of other things than contour maps of one size")
    return np.any([layer != 0 for layer in layers], axis=0)

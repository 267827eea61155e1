"""What detectors produce, and reading it back from files: contour maps and sweeps of segmentations."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..eval.validation import check_contour_map, check_labels, size_message
from .errors import UserError, listing
from .files import files_by_id, read_grey, read_mat, read_npy, scaled

SUFFIXES = (".png", ".npy", ".mat")


class Sweep(NamedTuple):
    """Label maps of one image, (H, W) integers each, one per setting of a parameter sweep."""

    segmentations: tuple[NDArray[np.integer], ...]


ContourMap = NDArray[np.floating]
Prediction = ContourMap | Sweep


def find_predictions(folder: Path) -> dict[str, Path]:
    """Return the prediction files of a folder by image id.

    Raises
    ------
    UserError
        If the folder is missing or holds none, or two files carry one id.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of predictions")
    found = files_by_id(folder, SUFFIXES)
    if not found:
        raise UserError(f"{folder}: no predictions ({', '.join(SUFFIXES)}) found")
    return found


def match_ids(found: dict[str, Path], ids: tuple[str, ...], folder: Path, partial: bool = False) -> None:
    """Raise `UserError` unless there is exactly one prediction for each image; extra ones pass if ``partial``."""
    missing = sorted(set(ids) - set(found))
    extra = [] if partial else sorted(set(found) - set(ids))
    problems = []
    if missing:
        problems.append(f"no prediction for {len(missing)} of {len(ids)} image(s): {listing(missing)}")
    if extra:
        problems.append(f"{len(extra)} prediction(s) without image: {listing(extra)} (another split?)")
    if problems:
        raise UserError(f"{folder}: {'; '.join(problems)}")


def read_prediction(path: Path, invert: bool = False) -> Prediction:
    """Read one prediction; ``invert`` turns maps that are 0 on contours.

    ``.png`` (8 or 16 bit) and ``.npy`` hold a contour map; ``.mat`` a contour map as its only array, an ultrametric
    contour map ``ucm2`` at double size, or a cell ``segs`` of label maps. Unsigned 8- and 16-bit values are divided by
    255 and 65535.

    Raises
    ------
    UserError
        If the file is damaged or holds something else.
    """
    suffix = path.suffix.lower()
    if suffix == ".mat":
        return _from_mat(path, invert)
    array = read_npy(path) if suffix == ".npy" else read_grey(path)
    return checked_prediction(scaled(array, invert), str(path))


def checked_prediction(prediction: object, name: str, shape: tuple[int, int] | None = None) -> Prediction:
    """Return a valid prediction, or raise `UserError` naming it: values, and size if ``shape`` (H, W) is given."""
    try:
        if isinstance(prediction, Sweep | list | tuple):
            layers = prediction.segmentations if isinstance(prediction, Sweep) else tuple(prediction)
            result: Prediction = Sweep(tuple(check_labels(labels, name) for labels in layers))
            sizes = {labels.shape for labels in result.segmentations}
            if not sizes:
                raise ValueError(f"{name}: an empty sweep, expected at least one segmentation")
        else:
            result = check_contour_map(prediction, name)
            sizes = {result.shape}
    except ValueError as error:
        raise UserError(str(error)) from None
    for size in sizes:
        if shape is not None and size != tuple(shape):
            raise UserError(size_message(name, size, "its image", tuple(shape)))
    return result


def _from_mat(path: Path, invert: bool) -> Prediction:
    variables = read_mat(path)
    if "segs" in variables:
        cells = variables["segs"]
        layers = list(cells.ravel()) if cells.dtype == object else [cells]
        return checked_prediction(Sweep(tuple(np.asarray(layer) for layer in layers)), str(path))
    if "ucm2" in variables:
        ucm2 = scaled(variables["ucm2"], invert)
        if ucm2.ndim != 2 or min(ucm2.shape) < 3 or not all(n % 2 for n in ucm2.shape):
            raise UserError(f"{path}: ucm2 of shape {ucm2.shape}, expected (2H + 1, 2W + 1)")
        return checked_prediction(ucm2[2::2, 2::2], str(path))
    arrays = [value for value in variables.values() if value.ndim == 2 and value.dtype.kind in "bufi"]
    if len(arrays) != 1:
        names = listing(sorted(variables)) or "none"
        raise UserError(f"{path}: variables {names}; expected one contour map, or ucm2, or segs")
    return checked_prediction(scaled(arrays[0], invert), str(path))

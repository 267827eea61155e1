"""What detectors produce, and how files hold it: contour maps, sweeps of segmentations and hierarchies of regions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...eval.contour_map import ContourMap
from ...eval.hierarchy import Hierarchy
from ...eval.predictions import as_prediction
from ...eval.sweeps import Sweep
from ...eval.validation import size_message
from ..errors import UserError, listing
from .arrays import read_mat, read_npy, read_npz, scaled, write_mat, write_npy, write_npz
from .folders import files_by_id
from .images import read_grey, write_png

SUFFIXES = (".png", ".npy", ".npz", ".mat")
SEGMENTATIONS, SETTINGS, UCM2 = "segmentations", "settings", "ucm2"

Prediction = ContourMap | Sweep | Hierarchy


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
        others = listing(sorted({path.suffix.lower() for path in folder.iterdir() if path.suffix}))
        there = f"; there are {others}" + (" (JPEG changes values: save png)" if ".jp" in others else "")
        raise UserError(f"{folder}: no predictions ({', '.join(SUFFIXES)}) found{there if others else ''}")
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
    contour map ``ucm2`` at double size, or a cell ``segs`` of label maps; ``.npz`` what `write_prediction` puts there.
    Unsigned 8- and 16-bit values are divided by 255 and 65535.

    Raises
    ------
    UserError
        If the file is damaged or holds something else.
    """
    suffix = path.suffix.lower()
    if suffix == ".mat":
        return _from_mat(path, invert)
    if suffix == ".npz":
        return _from_npz(path, invert)
    array = read_npy(path) if suffix == ".npy" else read_grey(path)
    return checked_prediction(scaled(array, invert), str(path))


def write_prediction(path: Path, prediction: Prediction) -> None:
    """Write one prediction in the format of the suffix.

    A contour map goes to ``.npy`` (lossless), ``.png`` (16 bit) or ``.mat``; a sweep and a hierarchy to ``.npz``
    (lossless) or, as the official benchmark reads them, to ``.mat`` (``segs``, whose labels start at 1, or ``ucm2``).

    Raises
    ------
    UserError
        If the format cannot hold it.
    """
    writers = WRITERS[type(prediction)]
    if path.suffix not in writers:
        what = prediction.description.partition(" (")[0]  # without the names of settings
        raise UserError(f"{path}: {path.suffix} cannot hold {what}; expected {', '.join(writers)}")
    writers[path.suffix](path, prediction)


def lossless_suffix(prediction: Prediction) -> str:
    """Return the suffix under which a run keeps this kind of prediction."""
    return next(iter(WRITERS[type(prediction)]))


def checked_prediction(prediction: object, name: str, shape: tuple[int, int] | None = None) -> Prediction:
    """Return a valid prediction, or raise `UserError` naming it: values, and size if ``shape`` (H, W) is given.

    A sweep may be a `Sweep`, a list of label maps, or a dictionary from the settings' names to label maps.
    """
    try:
        result = as_prediction(prediction, name)
    except ValueError as error:
        raise UserError(str(error)) from None
    if shape is not None and result.shape != tuple(shape):
        raise UserError(size_message(name, result.shape, "its image", tuple(shape)))
    return result


def _arrays(sweep: Sweep) -> dict[str, NDArray]:
    return {SEGMENTATIONS: np.stack(sweep.segmentations), SETTINGS: np.array(sweep.settings, np.str_)}


def _cell(sweep: Sweep) -> NDArray[np.object_]:
    """A cell row of label maps from 1 up: the official code takes 0 for no region."""
    cell = np.empty((1, len(sweep.segmentations)), object)
    for k, labels in enumerate(sweep.segmentations):
        from_one = labels.astype(np.int64) - min(int(labels.min()), 1) + 1 if labels.min() < 1 else labels
        cell[0, k] = from_one.astype(np.uint16 if from_one.max() <= 65535 else np.float64)
    return cell


def _from_npz(path: Path, invert: bool) -> Prediction:
    arrays = read_npz(path)
    if SEGMENTATIONS in arrays:
        if arrays[SEGMENTATIONS].ndim != 3 or arrays.get(SETTINGS, np.zeros(0)).ndim != 1:
            shapes = {name: arrays[name].shape for name in (SEGMENTATIONS, SETTINGS) if name in arrays}
            raise UserError(f"{path}: arrays of shapes {shapes}, expected {SEGMENTATIONS} (K, H, W), {SETTINGS} (K,)")
        settings = tuple(str(name) for name in arrays.get(SETTINGS, ()))
        return checked_prediction(Sweep(tuple(arrays[SEGMENTATIONS]), settings), str(path))
    if UCM2 in arrays:
        return _hierarchy(scaled(arrays[UCM2], invert), path)
    names = listing(sorted(arrays)) or "none"
    raise UserError(f"{path}: arrays {names}; expected {SEGMENTATIONS} (K, H, W), or {UCM2}")


def _from_mat(path: Path, invert: bool) -> Prediction:
    variables = {name: value for name, value in read_mat(path).items() if isinstance(value, np.ndarray)}
    if "segs" in variables:
        cells = variables["segs"]
        layers = list(cells.ravel()) if cells.dtype == object else [cells]
        return checked_prediction(Sweep(tuple(np.asarray(layer) for layer in layers)), str(path))
    if "ucm2" in variables:
        return _hierarchy(scaled(variables["ucm2"], invert), path)
    arrays = [value for value in variables.values() if value.ndim == 2 and value.dtype.kind in "bufi"]
    if len(arrays) != 1:
        names = listing(sorted(variables)) or "none"
        raise UserError(f"{path}: variables {names}; expected one contour map, or ucm2, or segs")
    return checked_prediction(scaled(arrays[0], invert), str(path))


def _hierarchy(ucm2: NDArray, path: Path) -> Hierarchy:
    try:
        return Hierarchy(ucm2)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


# How each kind is written, by suffix; the first is lossless.
WRITERS: dict[type, dict[str, Callable[[Path, Any], None]]] = {
    ContourMap: {
        ".npy": lambda path, soft: write_npy(path, soft.values),
        ".mat": lambda path, soft: write_mat(path, {"contour_map": soft.values}),
        ".png": lambda path, soft: write_png(path, np.rint(soft.values.astype(np.float64) * 65535).astype(np.uint16)),
    },
    Sweep: {
        ".npz": lambda path, sweep: write_npz(path, _arrays(sweep)),
        ".mat": lambda path, sweep: write_mat(path, {"segs": _cell(sweep)}),
    },
    Hierarchy: {
        ".npz": lambda path, hierarchy: write_npz(path, {UCM2: hierarchy.ucm2}),
        ".mat": lambda path, hierarchy: write_mat(path, {"ucm2": hierarchy.ucm2.astype(np.float64)}),
    },
}

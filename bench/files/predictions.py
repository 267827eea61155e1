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
from ...eval.validation import looks_like_labels, size_message
from ..errors import UserError, argument, listing
from .arrays import read_mat, read_npy, read_npz, scaled, write_mat, write_npy, write_npz
from .folders import files_by_id
from .images import read_grey, read_label_image, write_png

PICTURES = (".png", ".bmp", ".tif", ".tiff")
SUFFIXES = (".png", ".npy", ".npz", ".mat", *PICTURES[1:])
CONTOURS, LABELS = KINDS = ("contours", "labels")  # what an array in a file may be
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
        raise UserError(f"{folder}: no predictions ({', '.join(SUFFIXES)}) found{_what_is_there(folder)}")
    return found


def _what_is_there(folder: Path) -> str:
    """Name the sub-folders that hold predictions, or the kinds of files."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    fitting = [f"{path.name}/" for path in inside if any(p.suffix.lower() in SUFFIXES for p in path.iterdir())]
    if inside:
        names = listing(fitting or [f"{path.name}/" for path in inside], 4)
        return f"; there {'is a folder' if len(fitting or inside) == 1 else 'are folders'} {names}: name one of these"
    others = listing(sorted({path.suffix.lower() for path in folder.iterdir() if path.suffix}))
    return f"; there are {others}" + (" (JPEG changes values: save png)" if ".jp" in others else "") if others else ""


def match_ids(found: dict[str, Path], ids: tuple[str, ...], folder: Path, partial: bool = False) -> None:
    """Raise `UserError` unless there is exactly one prediction for each image; extra ones pass if ``partial``."""
    missing, extra = sorted(set(ids) - set(found)), sorted(set(found) - set(ids))
    problems = []
    if missing:
        problems.append(f"no prediction for {len(missing)} of {len(ids)} image(s): {listing(missing)}")
    if extra and not partial:
        problems.append(f"{len(extra)} prediction(s) without image: {listing(extra)}")
    if problems:
        raise UserError(f"{folder}: {'; '.join(problems)}{naming_hint(missing, extra)}")


def naming_hint(missing: list[str], extra: list[str]) -> str:
    """Guess why ids without prediction, and predictions without image, do not meet; begins with a semicolon."""
    added = {other.partition(i)[::2] for i in missing for other in extra if i in other}
    if len(added) == 1:
        parts = " and ".join(repr(part) for part in added.pop() if part)
        return f"; rename the files: leave out {parts}"
    if missing and extra and missing[0].startswith("scene"):
        return f"; these are ids of scenes, which are the default: say which {argument('data')} the predictions are of"
    if missing and extra:
        return f"; found {extra[0]}: another {argument('split')}, or another naming?"
    return "; another split?" if extra else ""


def read_prediction(path: Path, invert: bool = False, kind: str | None = None) -> Prediction:
    """Read one prediction.

    Parameters
    ----------
    path : Path
        ``.png``, ``.bmp`` or ``.tif`` (8 or 16 bits) and ``.npy`` hold a contour map or one label map; ``.mat`` such an
        array alone or as ``ucm``, an ultrametric contour map ``ucm2`` at double size, or a cell ``segs`` of label maps;
        ``.npz`` what `write_prediction` puts there. Unsigned 8- and 16-bit values of contours are divided by 255 and
        65535.
    invert : bool
        Whether the map is 0 on contours and 1 elsewhere.
    kind : {"contours", "labels"}, optional
        What a single array is. If it is not said, 32- and 64-bit whole numbers that fill areas are labels, and what
        looks like labels in other types is refused.

    Raises
    ------
    UserError
        If the file is damaged or holds something else.
    """
    if kind not in (None, *KINDS):
        raise UserError(f"unknown; expected {' or '.join(KINDS)}", parameter="kind", value=kind)
    suffix = path.suffix.lower()
    if suffix == ".mat":
        return _from_mat(path, invert, kind)
    if suffix == ".npz":
        return _from_npz(path, invert)
    if suffix == ".npy":
        return _from_array(read_npy(path), path, invert, kind)
    return _from_array(read_label_image(path) if kind == LABELS else _grey(path), path, invert, kind)


def _grey(path: Path) -> NDArray:
    try:
        return read_grey(path)
    except UserError as error:
        hint = f"; if so, say {argument('kind', LABELS)}" if "label map" in str(error) else ""
        raise UserError(f"{error}{hint}") from None


def _from_array(array: NDArray, path: Path, invert: bool, kind: str | None) -> Prediction:
    """Return a single array as what it is said to be, or can only be."""
    if kind == LABELS:
        return checked_prediction(Sweep((array,)), str(path))
    whole = array.dtype.kind in "ui" and array.dtype.itemsize >= 4
    if whole and (kind == CONTOURS or not looks_like_labels(array)):
        raise UserError(
            f"{path}: dtype {array.dtype}, expected contours as floats in [0, 1] or in 8 or 16 bits, or label maps; of"
            f" labels say {argument('kind', LABELS)}"
        )
    if kind is None and not whole and looks_like_labels(array):
        count = len(np.unique(array))
        raise UserError(
            f"{path}: {count} whole numbers that fill areas, as in a label map, expected contours; say"
            f" {argument('kind', LABELS)} to score it as a segmentation, or {argument('kind', CONTOURS)}"
        )
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
        raise UserError(size_message(name, result.shape, "its image", tuple(shape)) + _about_ucm(result, tuple(shape)))
    return result


def _about_ucm(found: Prediction, shape: tuple[int, ...]) -> str:
    """Say where an ultrametric contour map has the other one's size."""
    if isinstance(found, Hierarchy) and found.ucm2.shape == shape:
        return f"; {UCM2} has the size of its image, expected double size (2H + 1, 2W + 1): {UCM2}, not ucm"
    if found.shape == tuple(2 * n + 1 for n in shape):
        return f"; an ultrametric contour map at double size? save it in a variable {UCM2}"
    return ""


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


def _from_mat(path: Path, invert: bool, kind: str | None) -> Prediction:
    held = read_mat(path)
    variables = {name: value for name, value in held.items() if isinstance(value, np.ndarray)}
    if "segs" in variables:
        cells = variables["segs"]
        layers = list(cells.ravel()) if cells.dtype == object else [cells]
        return checked_prediction(Sweep(tuple(np.asarray(layer) for layer in layers)), str(path))
    if "ucm2" in variables:
        return _hierarchy(scaled(variables["ucm2"], invert), path)
    numbers = {name: value for name, value in variables.items() if value.dtype.kind in "bufi" and value.size > 0}
    flat = [value for value in numbers.values() if value.ndim == 2]
    arrays = [numbers["ucm"]] if "ucm" in numbers else flat or [*numbers.values()]
    if len(arrays) != 1:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in sorted(numbers.items()))
        sparse = sorted(set(held) - set(variables))
        details = [f"arrays: {shapes}"] if shapes else []
        details += [f"sparse, to be saved by full(): {', '.join(sparse)}"] if sparse else []
        raise UserError(
            f"{path}: variables {listing(sorted(held)) or 'none'}; expected one contour map, or ucm2, or segs"
            + (f" ({'; '.join(details)})" if details else "")
        )
    return _from_array(arrays[0], path, invert, kind)


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

"""Reading ground truth: one file, one or several annotators."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, argument
from ..files.arrays import read_npy
from ..files.images import read_grey, read_label_image
from .mat_truth import annotations_of_mat, annotator_layers
from .seg_files import read_seg
from .truth_values import LABELS, contour_layer, label_map, region_borders

TRUTH_SUFFIXES = (".mat", ".npy", ".png", ".bmp", ".tif", ".tiff", ".seg", ".csv")


class Annotation(NamedTuple):
    """What a file holds of one annotator, as stored: contours, the labels of regions, or both."""

    contours: NDArray | None
    labels: NDArray | None = None


def read_truth(path: Path, truth: str | None = None) -> list[NDArray[np.bool_]]:
    """Return the annotators' (H, W) contour maps stored in one ground-truth file.

    Parameters
    ----------
    path : Path
        Contours, or regions whose borders are the contours; see `TRUTH_SUFFIXES`.
    truth : {"contours", "labels"}, optional
        What the values are, where it is not clear; see `truth_values`.

    Raises
    ------
    UserError
        If the file is damaged, holds no annotator, or something else than contours while ``truth`` does not say what.
    """
    layers = []
    for annotation in read_annotations(path, truth):
        if annotation.contours is None or truth == LABELS:
            layers.append(region_borders(_labels(annotation, path)))
        else:
            layers.append(contour_layer(annotation.contours, str(path), truth))
    return layers


def read_segmentations(path: Path, truth: str | None = None) -> list[NDArray[np.integer]]:
    """Return the annotators' (H, W) label maps of a file that has regions; none from others.

    ``truth`` is as of `read_truth`: ``"labels"`` says that there are regions.
    """
    annotations = read_annotations(path, truth) if truth == LABELS or path.suffix.lower() in HAVE_REGIONS else []
    found = [_labels(a, path) for a in annotations if truth == LABELS or a.labels is not None]
    return found if len(found) == len(annotations) else []


def read_annotations(path: Path, truth: str | None = None) -> list[Annotation]:
    """Return what one file holds of each annotator. Raises `UserError` if that is nothing."""
    suffix = path.suffix.lower()
    if suffix == ".seg":
        found = [Annotation(None, read_seg(path))]
    elif suffix == ".csv":
        found = [Annotation(None, _read_csv(path))]
    elif suffix == ".mat":
        found = [Annotation(*pair) for pair in annotations_of_mat(path)]
    elif suffix == ".npy":
        found = [Annotation(layer) for layer in annotator_layers(read_npy(path), path)]
    else:
        found = [Annotation(read_label_image(path) if truth == LABELS else _grey(path))]
    if not found:
        raise UserError(f"{path}: ground truth without annotators, expected at least one contour map")
    return found


HAVE_REGIONS = (".seg", ".csv", ".mat")


def _labels(annotation: Annotation, path: Path) -> NDArray[np.int64]:
    stored = annotation.labels if annotation.labels is not None else annotation.contours
    return label_map(stored, f"{path}: labels")


def _grey(path: Path) -> NDArray:
    try:
        return read_grey(path)
    except UserError as error:
        hint = f"; if so, say {argument('truth', LABELS)}" if "label map" in str(error) else ""
        raise UserError(f"{error}{hint}") from None


def _read_csv(path: Path) -> NDArray[np.int64]:
    """Return the labels of a ``.csv`` file: a line for each row of pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of an empty file
            labels = np.loadtxt(path, np.int64, delimiter=",", ndmin=2)
    except (ValueError, OverflowError):
        raise UserError(f"{path}: cannot be read as csv, expected whole numbers, a line for each row") from None
    if labels.size == 0:
        raise UserError(f"{path}: empty file")
    return labels

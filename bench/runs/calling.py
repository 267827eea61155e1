"""Detectors as a run calls them: within the time limit, with input and output checked, and stdout left to data."""

import logging
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, argument, listing
from ..files.predictions import Prediction, checked_prediction
from ..methods.names import Detector
from .guards import time_limit
from .progress import iteration_note

logger = logging.getLogger(__name__)


class NotForRegions(UserError):
    """Suppression was asked for of a method that makes segmentations: no image of it can be counted so."""


class Made(NamedTuple):
    """What there is of an image, and how many seconds a detector took for it; None if it had nothing to do.

    ``versions`` are those of the libraries that made it, if that was earlier.
    """

    prediction: Prediction
    seconds: float | None
    versions: dict[str, str] | None = None


def call_detector(
    detector: Detector, image: NDArray[np.uint8], image_id: str, limit: float | None = None, notes: Path | None = None
) -> Made:
    """Return what a detector makes of one image.

    Raises
    ------
    UserError
        If it changed its input or the result is no prediction for this image.
    TimeoutError
        If it took longer than ``limit`` seconds.
    """
    given, started = image.copy(), time.perf_counter()
    with time_limit(limit), redirect_stdout(sys.stderr):  # our own stdout is for data
        prediction = detector(given, iteration_note(notes, image_id))
    return Made(_checked(detector, prediction, given, image), time.perf_counter() - started)


def call_together(
    detector: Detector, images: dict[str, NDArray[np.uint8]], limit: float | None = None, notes: Path | None = None
) -> dict[str, Made]:
    """Return what a detector makes of many images at once; nothing of any if one of them makes it fail.

    It then has to be called for one after the other, so that only the guilty image is lost. ``limit`` is per image.
    """
    given, started = [image.copy() for image in images.values()], time.perf_counter()
    name = f"{len(images)} images from {next(iter(images))} on"
    try:
        with time_limit(limit and limit * len(images)), redirect_stdout(sys.stderr):
            found = detector.together(given, iteration_note(notes, name))
        seconds = (time.perf_counter() - started) / len(images)
        trios = zip(found, given, images.values(), strict=True)
        checked = [_checked(detector, prediction, copy, image) for prediction, copy, image in trios]
    except (Exception, SystemExit) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        logger.info(f"{detector.name}: {listing(list(images), 3)}: not at once ({reason}); now one by one")
        return {}
    return {image_id: Made(prediction, seconds) for image_id, prediction in zip(images, checked, strict=True)}


def require_soft(prediction: Prediction, name: str, nms: str | None) -> None:
    """Raise `NotForRegions` if suppression is asked for of a method that has returned segmentations."""
    if nms and not prediction.is_soft:
        only = f"returns segmentations, but {argument('nms', nms)} is for contour maps; leave it out"
        raise NotForRegions(f"{name}: {only}")


def _checked(detector: Detector, prediction: object, given: NDArray[np.uint8], image: NDArray[np.uint8]) -> Prediction:
    if not np.array_equal(given, image):
        raise UserError(f"{detector.name}: the detector changed its input image; it must not")
    try:
        return checked_prediction(prediction, f"map of {detector.raw_name}", image.shape[:2])
    except UserError:
        if prediction is None or isinstance(prediction, str | bytes | int | float) or _is_mixed(prediction):
            expected = "expected an (H, W) map of floats in [0, 1], a list of label maps, or a Hierarchy"
            said = f"{detector.raw_name}: the detector returned {_described(prediction)}, {expected}"
            raise UserError(said) from None
        raise


def _is_mixed(prediction: object) -> bool:
    """Whether this is a sequence of a map and something else, or a tuple of several maps that are no labels."""
    if not isinstance(prediction, list | tuple):
        return False
    kinds = [part.dtype.kind if isinstance(part, np.ndarray) and part.ndim == 2 else "" for part in prediction]
    return any(kinds) and ("" in kinds or (isinstance(prediction, tuple) and "f" in kinds))


def _described(value: object) -> str:
    """Return what a value is in words: its type, and of a sequence those of its parts."""
    if isinstance(value, list | tuple):
        parts = listing([_described(part) for part in value], 4)
        return f"a {type(value).__name__} of {len(value)} ({parts})"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} array {value.shape}"
    return "None" if value is None else type(value).__name__

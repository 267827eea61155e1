"""The maps that belong to a run, and whether image, ground truth and map are still those that were counted."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...eval.hashing import digest
from ...eval.protocol import BoundaryProtocol
from ..datasets.base import Dataset
from ..errors import UserError, argument
from ..files.predictions import CONTOURS, LABELS, Prediction, find_predictions, read_prediction
from .records import truth_hash
from .results import Run


def run_protocol(run: Run) -> BoundaryProtocol:
    """Return the protocol that a run was counted by."""
    held = run.meta["protocol"]
    return BoundaryProtocol(held["thresholds"], held["max_dist"], held["thin"])


def saved_maps(run: Run) -> dict[str, Path]:
    """Return a run's maps by image id: in its folder, or where `score` read them if that is still there; else none."""
    for folder in (run.folder / "maps", Path(run.meta.get("predictions") or run.folder / "maps")):
        if folder.is_dir() and any(folder.iterdir()):
            return find_predictions(folder)
    return {}


def read_saved(run: Run, maps: dict[str, Path], image_id: str) -> Prediction:
    """Return the map of an image that was counted.

    Raises
    ------
    UserError
        If there is none, or another one.
    """
    if image_id not in maps:
        raise UserError(
            f"{run.folder}: no saved map of {image_id} (maps are not committed); run the detector or score again"
        )
    one_segmentation = run.records[image_id].counts.thresholds.tolist() == [1.0]
    kind = LABELS if one_segmentation else CONTOURS  # of an array that may be either
    prediction = read_prediction(maps[image_id], run.meta["invert"], kind)
    if prediction.digest() != run.records[image_id].map:
        raise UserError(f"{maps[image_id]}: not the map that was counted; run or score again")
    return prediction


def as_counted(run: Run, prediction: Prediction) -> Prediction:
    """Return a prediction as the run counted it: suppressed, if it was."""
    nms = run.meta["nms"]
    return prediction.suppressed(nms) if nms else prediction


def counted_pair(run: Run, dataset: Dataset, image_id: str) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return image and ground truth that a run was counted with.

    Raises
    ------
    UserError
        If the data set has others.
    """
    if image_id not in dataset.ids or image_id not in run.records:
        raise UserError(f"{image_id}: not an image of both {run.folder} and {dataset.name} {dataset.split}")
    image, truth = dataset.pair(image_id)
    record = run.records[image_id]
    for what, found, counted in (
        ("image", digest(image), record.image),
        ("ground truth", truth_hash(truth), record.truth),
    ):
        if found != counted:
            raise UserError(
                f"{argument('data')}: the {what} of {image_id} is not the one that {run.name} was counted with"
            )
    return image, truth

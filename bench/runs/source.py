"""Where the predictions of a run come from: a detector that is called, or maps that were made elsewhere."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...eval.contour_map import ContourMap
from ...eval.hashing import digest
from ...eval.suppression import SUPPRESSION_PRESETS
from ..errors import RunFailed, UserError
from ..files.predictions import (
    Prediction,
    checked_prediction,
    lossless_suffix,
    read_prediction,
    write_prediction,
)
from ..methods.names import Detector
from ..methods.spelling import with_suppression, without_suppression
from .calling import Made, call_detector, call_together
from .journal import read_line
from .records import Record
from .results import folder_name, map_path

MAP_SUFFIXES = (".npy", ".npz")


class Calling(NamedTuple):
    """How a detector is called: whether anew, within how many seconds, and where it notes down its iterations."""

    fresh: bool = False
    time_limit: float | None = None
    notes: Path | None = None


class Source(Protocol):
    """Gives the prediction of an image."""

    @property
    def name(self) -> str:
        """What the run is called."""

    @property
    def raw_name(self) -> str:
        """What it would be called without suppression."""

    @property
    def module(self) -> str:
        """Where the code is that makes the predictions; empty if they are given."""

    @property
    def nms(self) -> str | None:
        """The preset of suppression that is applied to its maps before counting."""

    @property
    def fingerprint(self) -> str:
        """The hash of what decides the predictions besides the image; empty if they are given."""

    @property
    def invert(self) -> bool:
        """Whether 1 was turned into 0 when the maps were read."""

    def about(self) -> dict[str, Any]:
        """Return what ``run.json`` says of it."""

    def known(self, folder: Path, record: Record | None, image_hash: str) -> Prediction | None:
        """Return the prediction that a record speaks of, if it is kept and nothing it was made from has changed."""

    def make(self, folder: Path, image_id: str, image: NDArray[np.uint8], calling: Calling) -> Made:
        """Make the prediction of one image, or read it."""

    def make_together(self, folder: Path, images: Mapping[str, NDArray[np.uint8]], calling: Calling) -> dict[str, Made]:
        """Make the predictions of many images at once; none where that is not possible or goes wrong."""

    def keep(self, folder: Path, image_id: str, prediction: Prediction) -> None:
        """Keep what was made."""

    def failure(self, message: str, users_mistakes: bool) -> Exception:
        """Return the error for images that failed; ``users_mistakes`` says that each was an input's fault."""


@dataclass(frozen=True)
class DetectorSource:
    """A detector, whose predictions are kept in the folder of the run."""

    detector: Detector

    invert = False

    @property
    def name(self) -> str:
        return self.detector.name

    @property
    def raw_name(self) -> str:
        return self.detector.raw_name

    @property
    def module(self) -> str:
        return self.detector.target.partition(":")[0]

    @property
    def nms(self) -> str | None:
        return self.detector.nms

    @property
    def fingerprint(self) -> str:
        return self.detector.fingerprint

    def about(self) -> dict[str, Any]:
        params = {name: _plain(value) for name, value in self.detector.params.items()}
        return {"detector": self.name, "params": params, "predictions": None, "nms": self.nms, "invert": False}

    def known(self, folder: Path, record: Record | None, image_hash: str) -> Prediction | None:
        if record is None or record.image != image_hash or record.detector != self.fingerprint:
            return None
        for suffix in MAP_SUFFIXES:
            path = map_path(folder, record.id, suffix)
            try:
                kept = read_prediction(path) if path.exists() else None
            except UserError:
                kept = None
            if kept is not None and kept.digest() == record.map:
                return kept
        return None

    def make(self, folder: Path, image_id: str, image: NDArray[np.uint8], calling: Calling) -> Made:
        beside = None if calling.fresh else self._known_beside(folder, image_id, image)
        if beside is not None:
            return beside
        return call_detector(self.detector, image, image_id, calling.time_limit, calling.notes)

    def make_together(self, folder: Path, images: Mapping[str, NDArray[np.uint8]], calling: Calling) -> dict[str, Made]:
        new = {i: a for i, a in images.items() if calling.fresh or self._known_beside(folder, i, a) is None}
        return call_together(self.detector, new, calling.time_limit, calling.notes) if len(new) > 1 else {}

    def keep(self, folder: Path, image_id: str, prediction: Prediction) -> None:
        suffix = lossless_suffix(prediction)
        write_prediction(map_path(folder, image_id, suffix), prediction)
        for other in set(MAP_SUFFIXES) - {suffix}:  # of an older version of the detector
            map_path(folder, image_id, other).unlink(missing_ok=True)

    def failure(self, message: str, users_mistakes: bool) -> Exception:
        return RunFailed(message)

    def _known_beside(self, folder: Path, image_id: str, image: NDArray[np.uint8]) -> Made | None:
        """Return what a run that stands beside this one has made of an image.

        That is the same map, if the run is of the same detector with another suppression or none; or the sweep that a
        soft detector averages.
        """
        image_hash = digest(image)
        for preset in (None, *SUPPRESSION_PRESETS):
            beside = folder.parent / folder_name(with_suppression(self.raw_name, preset))
            if preset != self.nms and beside.is_dir():
                record = Record.from_line(read_line(beside, image_id))
                found = self.known(beside, record, image_hash)
                if found is not None:
                    return Made(found, None, record.versions)
        return self._known_sweep(folder, image_id, image_hash)

    def _known_sweep(self, folder: Path, image_id: str, image_hash: str) -> Made | None:
        """Return the mean of the sweep that a soft detector averages, if its own run stands beside this one."""
        if self.detector.sweep is None:
            return None
        beside = folder.parent / folder_name(self.detector.sweep.name)
        record = Record.from_line(read_line(beside, image_id))
        sweep = DetectorSource(self.detector.sweep).known(beside, record, image_hash)
        return None if sweep is None else Made(ContourMap(sweep.contour_map()), None, record.versions)


@dataclass(frozen=True)
class SavedMaps:
    """Predictions made elsewhere: one file per image id. The name says with which suppression they are counted."""

    name: str
    folder: Path
    files: dict[str, Path]
    invert: bool = False
    kind: str | None = None
    nms: str | None = None

    fingerprint = module = ""

    @property
    def raw_name(self) -> str:
        return without_suppression(self.name, self.nms)

    def about(self) -> dict[str, Any]:
        predictions = str(self.folder.resolve())
        held = {"detector": self.name, "params": None, "predictions": predictions}
        return {**held, "nms": self.nms, "invert": self.invert}

    def known(self, folder: Path, record: Record | None, image_hash: str) -> None:
        return None

    def make(self, folder: Path, image_id: str, image: NDArray[np.uint8], calling: Calling) -> Made:
        path = self.files[image_id]
        return Made(checked_prediction(read_prediction(path, self.invert, self.kind), str(path), image.shape[:2]), None)

    def make_together(self, folder: Path, images: Mapping[str, NDArray[np.uint8]], calling: Calling) -> dict[str, Made]:
        return {}

    def keep(self, folder: Path, image_id: str, prediction: Prediction) -> None:
        """Nothing: they are kept where they are."""

    def failure(self, message: str, users_mistakes: bool) -> Exception:
        return UserError(message) if users_mistakes else RunFailed(message)


def _plain(value: Any) -> Any:
    """Return a parameter as JSON can hold it."""
    finite = isinstance(value, float) and math.isfinite(value)
    return value if finite or value is None or isinstance(value, bool | int | str) else repr(value)

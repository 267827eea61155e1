"""The contour benchmark as a job: the whole way of one image – detect or read, check, count, record.

A record is made anew where image, detector, ground truth, map or protocol are not those of the known one.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...eval.counting import BoundaryCounts
from ...eval.hashing import digest
from ...eval.metrics import full_map_counts
from ...eval.protocol import COUNTS_DEFINITION, BoundaryProtocol
from ...eval.regions import REGIONS_DEFINITION, RegionScores
from ..datasets.base import Dataset
from ..errors import RunFailed, UserError
from ..files.predictions import Prediction
from .calling import Made, NotForRegions, require_soft
from .failures import outcome_of
from .job import Item, Job, Outcome
from .records import Record, current_versions, joint_hashes, pooled_versions, truth_hash
from .results import Run, assemble_run, discard_summary, load_meta, write_summary
from .source import Calling, Source


@dataclass(frozen=True, kw_only=True)
class ContourJob(Job):
    """Detect and count contours in every image of a data set.

    Parameters
    ----------
    source : Source
        Where predictions come from.
    dataset : Dataset
        Images and ground truth.
    protocol : BoundaryProtocol
        How contours are matched.
    time_limit : float, optional
        Seconds after which a detector fails on an image.
    """

    source: Source
    dataset: Dataset
    protocol: BoundaryProtocol
    time_limit: float | None = None

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def nms(self) -> str | None:
        """The preset of suppression that is applied to maps before counting."""
        return self.source.nms

    @property
    def ids(self) -> tuple[str, ...]:
        return self.dataset.ids

    def settings(self) -> dict[str, Any]:
        """Return what decides the counts besides the method and the arrays."""
        return {**asdict(self.protocol), "definition": COUNTS_DEFINITION}

    def process(self, items: tuple[Item, ...]) -> list[Outcome]:
        made = self._make_together(items) if len(items) > 1 else {}
        return [self._process_safely(item, made.get(item.id)) for item in items]

    def about(self) -> dict[str, Any]:
        dataset = {"name": self.dataset.name, "split": self.dataset.split, "ids": list(self.ids)}
        return {**self.source.about(), "dataset": dataset, "protocol": self.settings()}

    def provenance(self, lines: dict[str, str]) -> dict[str, Any]:
        found = (Record.from_line(lines.get(image_id)) for image_id in self.ids)
        records = [record for record in found if record]
        try:
            before = load_meta(self.folder)["versions"]
        except UserError:
            before = {}
        return {"hashes": joint_hashes(records), "versions": pooled_versions(records, before)}

    def fold(self) -> Run:
        try:
            run = assemble_run(self.folder)
        except UserError as error:
            self.discard_fold()
            raise RunFailed(str(error)) from None
        write_summary(run)
        return run

    def discard_fold(self) -> None:
        discard_summary(self.folder)

    def failure(self, message: str, failed: list[Outcome]) -> Exception:
        return self.source.failure(message, all(outcome.users_mistake for outcome in failed))

    def _make_together(self, items: tuple[Item, ...]) -> dict[str, Made]:
        """Let the detector make the maps that are not known yet; none if there is but one, or it fails on them."""
        images = {}
        for item in items:
            try:
                image, _ = self.dataset.pair(item.id)
            except UserError:  # said when it is this image's turn
                continue
            if self.source.known(self.folder, Record.from_line(item.known), digest(image)) is None:
                images[item.id] = image
        return self.source.make_together(self.folder, images, self._calling()) if len(images) > 1 else {}

    def _process_safely(self, item: Item, made: Made | None) -> Outcome:
        """Make or reuse one image's map and counts; every error becomes one line, so that the other images are safe.

        ``made`` is what the detector has already made of it, in a batch.
        """
        try:
            image, truth = self.dataset.pair(item.id)
        except UserError as error:  # the image's own fault
            return Outcome(item.id, {}, error=str(error), users_mistake=True)
        except Exception as error:
            return outcome_of(item.id, error, "")
        try:
            return self._process(item, made, image, truth)
        except NotForRegions as error:
            return Outcome(item.id, {}, error=str(error), users_mistake=True, refused=True)
        except (Exception, SystemExit) as error:
            return outcome_of(item.id, error, self.source.module, isinstance(error, UserError))

    def _process(self, item: Item, made: Made | None, image: NDArray[np.uint8], truth: NDArray[np.bool_]) -> Outcome:
        seconds: dict[str, float] = {}
        known, image_hash = Record.from_line(item.known), digest(image)
        prediction = None if made else self.source.known(self.folder, known, image_hash)
        versions = known.versions if known is not None and prediction is not None else current_versions()
        if prediction is None:
            made = made or self.source.make(self.folder, item.id, image, self._calling())
            prediction = made.prediction
            require_soft(prediction, self.source.raw_name, self.nms)
            self.source.keep(self.folder, item.id, prediction)
            seconds |= {"detect": made.seconds} if made.seconds is not None else {}
        true_regions = self.dataset.segmentations(item.id) if prediction.has_regions else None
        current = {
            "image": image_hash,
            "detector": self.source.fingerprint,
            "truth": truth_hash(truth),
            "map": prediction.digest(),
            "protocol": self.settings(),
            "nms": self.nms,
            "settings": prediction.settings,
            "truth_regions": digest(*true_regions, str(REGIONS_DEFINITION)) if true_regions else "",
        }
        changed = {name for name, value in current.items() if known is None or getattr(known, name) != value}
        if not changed:
            return Outcome(item.id, seconds)
        started = time.perf_counter()
        anew = changed & {"truth", "map", "protocol", "nms"}
        counts = known.counts if known and not anew else self.count(prediction, truth)
        regions = known.regions if known else None
        if anew or "truth_regions" in changed:
            regions = self.compare_regions(prediction, true_regions)
            seconds["count"] = time.perf_counter() - started
        full_map = full_map_counts(truth)
        record = Record(id=item.id, counts=counts, regions=regions, full_map=full_map, versions=versions, **current)
        return Outcome(item.id, seconds, record.line())

    def count(self, prediction: Prediction, truth: NDArray[np.bool_]) -> BoundaryCounts:
        """Return the counts of a prediction, after suppression if asked for."""
        return (prediction.suppressed(self.nms) if self.nms else prediction).count(truth, self.protocol)

    def compare_regions(self, prediction: Prediction, true_regions: list[NDArray] | None) -> RegionScores | None:
        """Return the region measures of a prediction; None for contours, on either side."""
        if true_regions is None:
            return None
        try:
            return prediction.regions(true_regions, self.protocol)
        except ValueError as error:
            raise UserError(f"regions: {error}") from None

    def _calling(self) -> Calling:
        return Calling(self.fresh, self.time_limit, self.notes)

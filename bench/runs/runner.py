"""Detect and score a split: one job, many images, several workers, nothing computed twice.

`process_image` is the whole way of one image – detect or read, check, count, record – and runs in a worker process;
the parent only hands out ids, shows progress and folds the counts. Where a detector takes many images at once, that
step is made for a batch of them (`process_images`). A record is reused when the hashes of all that went into it still
agree; so a second run computes only what is new or changed, and a killed one goes on.
"""

import math
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...eval.counting import BoundaryCounts, count_map, count_segmentations
from ...eval.metrics import full_map_counts
from ...eval.protocol import COUNTS_DEFINITION, BoundaryProtocol
from ...eval.regions import REGIONS_DEFINITION, RegionScores, score_hierarchy, score_sweep
from ...eval.sweeps import Sweep, mean_boundaries
from ..datasets.base import Dataset
from ..errors import RunFailed, UserError, listing, note
from ..files.atomic import write_json
from ..files.hashes import digest
from ..files.predictions import (
    Prediction,
    checked_prediction,
    counted_map,
    lossless_suffix,
    prediction_hash,
    read_prediction,
    write_prediction,
)
from ..methods.names import Detector
from .calling import Made, detect, detect_together
from .cluster import ClusterWorkers
from .guards import sole_writer
from .progress import Progress
from .results import (
    Record,
    Run,
    assemble_run,
    current_versions,
    discard_summary,
    folder_name,
    joint_hashes,
    load_meta,
    map_path,
    pooled_versions,
    read_record,
    truth_hash,
    write_record,
    write_summary,
)
from .seconds import forget_notes, known_seconds, note_seconds
from .workers import Workers

MAP_SUFFIXES = (".npy", ".npz")


@dataclass(frozen=True)
class SavedMaps:
    """Predictions made elsewhere, as a source in place of a detector: one file per image id."""

    name: str
    folder: Path
    files: dict[str, Path]

    fingerprint = ""


@dataclass(frozen=True)
class Job:
    """What to do with every image of a data set.

    ``nms`` names a suppression preset and ``invert`` turns 1 into 0, both applied to maps before counting; ``fresh``
    computes all anew; a detector that takes longer than ``time_limit`` seconds for an image fails on it. A detector
    gets ``batch`` images at once; more than one only if it has a batch form. ``notes`` is where detectors note down
    which iteration they are at.
    """

    source: Detector | SavedMaps
    dataset: Dataset
    protocol: BoundaryProtocol
    folder: Path
    nms: str | None = None
    invert: bool = False
    fresh: bool = False
    time_limit: float | None = None
    batch: int = 1
    notes: Path | None = None

    def settings(self) -> dict[str, Any]:
        """Return what decides the counts besides the arrays."""
        return {
            **asdict(self.protocol),
            "nms": self.nms,
            "invert": self.invert,
            "definition": COUNTS_DEFINITION,
        }


class Outcome(NamedTuple):
    """What became of one image: seconds of what was computed anew (absent where reused), or one line of error."""

    id: str
    seconds: dict[str, float]
    error: str | None = None
    users_mistake: bool = False


def run_job(job: Job, workers: Workers | ClusterWorkers, label: str) -> Run:
    """Bring every image's record up to date and fold them into the scores.

    Parameters
    ----------
    job : Job
        What to do with each image.
    workers : Workers or ClusterWorkers
        Who does it.
    label : str
        What the progress bar says.

    Raises
    ------
    RunFailed, UserError
        If images failed, after all others are done; `UserError` if each was an input's fault and the maps were given,
        or if another run is writing to the folder.
    """
    with sole_writer(job.folder):
        return _run_alone(job, workers, label)


def _run_alone(job: Job, workers: Workers | ClusterWorkers, label: str) -> Run:
    outcomes, before = {}, known_seconds(job.folder)
    with Progress(label, len(job.dataset.ids), watched=isinstance(workers, Workers)) as progress:
        try:
            for outcome in _outcomes(replace(job, notes=progress.notes), workers):
                outcomes[outcome.id] = outcome
                note_seconds(job.folder, outcome.id, outcome.seconds)
                progress.step()
        except KeyboardInterrupt:
            note(f"\n{label}: interrupted after {progress.done} of {progress.total} images")
            raise
    failed = [outcomes[i] for i in job.dataset.ids if outcomes[i].error]
    seconds = {i: {**before.get(i, {}), **outcomes[i].seconds} for i in job.dataset.ids}
    write_json(job.folder / "run.json", _meta(job, seconds, failed))
    forget_notes(job.folder)
    if failed:
        discard_summary(job.folder)
        _raise_failures(job, failed)
    try:
        run = assemble_run(job.folder)
    except UserError as error:
        discard_summary(job.folder)
        raise RunFailed(str(error)) from None
    write_summary(run)
    return run


def _outcomes(job: Job, workers: Workers | ClusterWorkers) -> Iterator[Outcome]:
    """Yield what becomes of each image; a batch whose process died is tried again image by image."""
    died = partial(Outcome, seconds={}, error="the worker process died (out of memory, or a crash in compiled code?)")
    starts, alone = range(0, len(job.dataset.ids), job.batch), []
    batches = [job.dataset.ids[i : i + job.batch] for i in starts]
    for ids, outcomes in workers.map(partial(process_images, job), batches):
        if outcomes is None and len(ids) > 1:
            alone += [(image_id,) for image_id in ids]
        else:
            yield from outcomes or [died(ids[0])]
    if alone:
        for ids, outcomes in workers.map(partial(process_images, job), alone):
            yield from outcomes or [died(ids[0])]


def process_images(job: Job, ids: tuple[str, ...]) -> list[Outcome]:
    """`process_image` for each; what several of them need from the detector, it makes of them together."""
    made = _make_together(job, ids) if len(ids) > 1 else {}
    return [process_image(job, image_id, made.get(image_id)) for image_id in ids]


def process_image(job: Job, image_id: str, made: Made | None = None) -> Outcome:
    """Make or reuse one image's map and counts; every error becomes one line, so that the other images are safe.

    ``made`` is what the detector has already made of it, in a batch.
    """
    try:
        return Outcome(image_id, _process(job, image_id, made))
    except UserError as error:
        return Outcome(image_id, {}, str(error), users_mistake=True)
    except (Exception, SystemExit) as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        message = str(error).splitlines()[0] if str(error) else "no message"
        return Outcome(image_id, {}, f"{type(error).__name__}: {message} ({where})")


def _make_together(job: Job, ids: tuple[str, ...]) -> dict[str, Made]:
    """Let the detector make the maps that are not known yet; none if there is but one, or it fails on them."""
    images = {}
    for image_id in ids:
        try:
            image, _ = job.dataset.pair(image_id)
        except UserError:  # said when it is this image's turn
            continue
        record = None if job.fresh else read_record(job.folder, image_id)
        if _known_map(job, record, digest(image)) is None:
            images[image_id] = image
    return detect_together(job.source, images, job.time_limit, job.notes) if len(images) > 1 else {}


def _process(job: Job, image_id: str, made: Made | None) -> dict[str, float]:
    seconds: dict[str, float] = {}
    image, truth = job.dataset.pair(image_id)
    record = None if job.fresh else read_record(job.folder, image_id)
    image_hash = digest(image)
    prediction = None if made else _known_map(job, record, image_hash)
    versions = current_versions() if prediction is None else record.versions
    if prediction is None:
        prediction, detecting = _predict(job, image_id, image, made)
        seconds |= {"detect": detecting} if detecting is not None else {}
    true_regions = None if isinstance(prediction, np.ndarray) else job.dataset.segmentations(image_id)
    current = {
        "image": image_hash,
        "detector": job.source.fingerprint,
        "truth": truth_hash(truth),
        "map": prediction_hash(prediction),
        "protocol": job.settings(),
        "settings": prediction.settings if isinstance(prediction, Sweep) else (),
        "truth_regions": digest(*true_regions, str(REGIONS_DEFINITION)) if true_regions else "",
    }
    changed = {name for name, value in current.items() if record is None or getattr(record, name) != value}
    started = time.perf_counter()
    if changed & {"truth", "map", "protocol"}:
        counts, regions = count_prediction(prediction, truth, job), compare_regions(prediction, true_regions, job)
    elif "truth_regions" in changed:
        counts, regions = record.counts, compare_regions(prediction, true_regions, job)
    else:
        counts, regions = record.counts, record.regions
    if changed & {"truth", "map", "protocol", "truth_regions"}:
        seconds["count"] = time.perf_counter() - started
    if changed:
        discard_summary(job.folder)
        full_map = full_map_counts(truth)
        write_record(
            job.folder,
            Record(id=image_id, counts=counts, regions=regions, full_map=full_map, versions=versions, **current),
        )
    return seconds


def count_prediction(prediction: Prediction, truth: NDArray[np.bool_], job: Job) -> BoundaryCounts:
    """Count a map, after suppression if asked for, the contours of a hierarchy likewise, or a sweep."""
    if isinstance(prediction, Sweep):
        return count_segmentations(prediction.segmentations, truth, job.protocol)
    return count_map(counted_map(prediction, job.nms), truth, job.protocol)


def compare_regions(prediction: Prediction, true_regions: list[NDArray] | None, job: Job) -> RegionScores | None:
    """Return the region measures of a sweep or hierarchy; None for contours, on either side."""
    if true_regions is None or isinstance(prediction, np.ndarray):
        return None
    try:
        if isinstance(prediction, Sweep):
            return score_sweep(prediction, true_regions)
        return score_hierarchy(prediction, true_regions, job.protocol)
    except ValueError as error:
        raise UserError(f"regions: {error}") from None


def _known_map(job: Job, record: Record | None, image_hash: str) -> Prediction | None:
    """Return the saved map if it is the one the record speaks of and nothing it was made from has changed."""
    if not isinstance(job.source, Detector) or record is None:
        return None
    if record.image != image_hash or record.detector != job.source.fingerprint:
        return None
    for suffix in MAP_SUFFIXES:
        path = map_path(job.folder, record.id, suffix)
        try:
            saved = read_prediction(path) if path.exists() else None
        except UserError:
            saved = None
        if saved is not None and prediction_hash(saved) == record.map:
            return saved
    return None


def _predict(job: Job, image_id: str, image: NDArray[np.uint8], made: Made | None) -> tuple[Prediction, float | None]:
    """Return what the job's source has for an image, and the seconds of the detector, None if it had nothing to do."""
    if isinstance(job.source, SavedMaps):
        path = job.source.files[image_id]
        return checked_prediction(read_prediction(path, job.invert), str(path), image.shape[:2]), None
    known = None if made else _known_sweep(job, image_id, image)
    if known is None and made is None:
        made = detect(job.source, image, image_id, job.time_limit, job.notes)
    prediction: Prediction = made.prediction if made else mean_boundaries(known)
    suffix = lossless_suffix(prediction)
    write_prediction(map_path(job.folder, image_id, suffix), prediction)
    for other in set(MAP_SUFFIXES) - {suffix}:  # of an older version of the detector
        map_path(job.folder, image_id, other).unlink(missing_ok=True)
    return prediction, made.seconds if made else None


def _known_sweep(job: Job, image_id: str, image: NDArray[np.uint8]) -> Sweep | None:
    """Return the sweep that a soft detector averages, if its own run stands beside this one."""
    if job.source.sweep is None or job.fresh:
        return None
    beside = replace(job, source=job.source.sweep, folder=job.folder.parent / folder_name(job.source.sweep.name))
    return _known_map(beside, read_record(beside.folder, image_id), digest(image))


def _versions(folder: Path, records: list[Record]) -> dict[str, str]:
    try:
        before = load_meta(folder)["versions"]
    except UserError:
        before = {}
    return pooled_versions(records, before)


def _meta(job: Job, seconds: dict[str, dict[str, float]], failed: list[Outcome]) -> dict[str, Any]:
    """What ``run.json`` holds."""
    found = (read_record(job.folder, image_id) for image_id in job.dataset.ids)
    records = [record for record in found if record]
    return {
        "detector": job.source.name,
        "params": {k: _plain(v) for k, v in job.source.params.items()} if isinstance(job.source, Detector) else None,
        "predictions": None if isinstance(job.source, Detector) else str(job.source.folder.resolve()),
        "dataset": {"name": job.dataset.name, "split": job.dataset.split, "ids": list(job.dataset.ids)},
        "protocol": job.settings(),
        **({"batch": job.batch} if job.batch > 1 else {}),
        "hashes": joint_hashes(records),
        "failed": {outcome.id: outcome.error for outcome in failed},
        "versions": _versions(job.folder, records),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": {i: {step: round(s, 4) for step, s in steps.items()} for i, steps in seconds.items()},
    }


def _plain(value: Any) -> Any:
    """Return a parameter as JSON can hold it."""
    finite = isinstance(value, float) and math.isfinite(value)
    return value if finite or value is None or isinstance(value, bool | int | str) else repr(value)


def _raise_failures(job: Job, failed: list[Outcome]) -> None:
    same: dict[str, list[str]] = {}
    for outcome in failed:
        same.setdefault(outcome.error, []).append(outcome.id)
    lines = [f"{listing(ids, 3)}: {error}" for error, ids in same.items()]
    message = (
        f"{job.source.name}: {len(failed)} of {len(job.dataset.ids)} images failed; the others are kept, and a rerun"
        " computes only these\n"
    ) + "\n".join(lines)
    given_maps = isinstance(job.source, SavedMaps)
    raise (UserError if given_maps and all(o.users_mistake for o in failed) else RunFailed)(message)

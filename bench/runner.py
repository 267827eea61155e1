"""Detect and score a split: one job, many images, several workers, nothing computed twice.

`process_image` is the whole way of one image – detect or read, check, count, record – and runs in a worker process;
the parent only hands out ids, shows progress and folds the counts. A record is reused when the hashes of all that
went into it still agree; so a second run computes only what is new or changed, and a killed one goes on.
"""

import math
import sys
import time
import traceback
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..eval.counting import BoundaryCounts, count_map, count_segmentations
from ..eval.hierarchy import Hierarchy
from ..eval.metrics import full_map_counts
from ..eval.protocol import COUNTS_DEFINITION, BoundaryProtocol
from ..eval.regions import REGIONS_DEFINITION, RegionScores, score_hierarchy, score_sweep
from ..eval.suppression import suppress_preset
from ..eval.sweeps import Sweep, mean_boundaries
from .cluster import ClusterWorkers
from .datasets import Dataset
from .detectors import Detector
from .errors import RunFailed, UserError, listing
from .files import digest, write_json
from .guards import sole_writer, time_limit
from .predictions import (
    Prediction,
    checked_prediction,
    describe_kind,
    lossless_suffix,
    prediction_hash,
    read_prediction,
    write_prediction,
)
from .progress import Progress, note
from .store import (
    Record,
    Run,
    assemble_run,
    discard_summary,
    folder_name,
    joint_hashes,
    load_meta,
    map_path,
    read_record,
    truth_hash,
    write_record,
    write_summary,
)
from .workers import Workers

MAP_SUFFIXES = (".npy", ".npz")
VERSIONED = ("contourbench", "numpy", "scipy", "scikit-image", "numba", "torch")


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
    computes all anew; a detector that takes longer than ``time_limit`` seconds for an image fails on it.
    """

    source: Detector | SavedMaps
    dataset: Dataset
    protocol: BoundaryProtocol
    folder: Path
    nms: str | None = None
    invert: bool = False
    fresh: bool = False
    time_limit: float | None = None

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
    for unfinished in job.folder.glob("*/.*.tmp"):  # of a run that was killed; ours alone, as no other is writing here
        unfinished.unlink(missing_ok=True)
    outcomes, known_seconds = {}, _known_seconds(job.folder)
    died = partial(Outcome, seconds={}, error="the worker process died (out of memory, or a crash in compiled code?)")
    with Progress(label, len(job.dataset.ids)) as progress:
        for image_id, outcome in workers.map(partial(process_image, job), job.dataset.ids):
            outcomes[image_id] = outcome or died(image_id)
            progress.step()
    failed = [outcomes[i] for i in job.dataset.ids if outcomes[i].error]
    seconds = {i: {**known_seconds.get(i, {}), **outcomes[i].seconds} for i in job.dataset.ids}
    anew = [i for i in job.dataset.ids if "detect" in outcomes[i].seconds]
    write_json(job.folder / "run.json", _meta(job, seconds, failed, len(anew) == len(job.dataset.ids)))
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


def require_same_set(out: Path, jobs: list[Job]) -> None:
    """Refuse to put runs of other data or another protocol side by side in one results folder.

    Raises
    ------
    UserError
        If ``out`` holds such runs, apart from those that ``jobs`` will bring up to date.
    """
    first, anew = jobs[0], {job.folder for job in jobs}
    for folder in (path.parent for path in sorted(out.glob("*/run.json")) if path.parent not in anew):
        meta = load_meta(folder)
        held, wanted = meta["dataset"], f"{first.dataset.name} {first.dataset.split}"
        if f"{held['name']} {held['split']}" != wanted:
            raise UserError(
                f"--out {out}: holds runs on {held['name']} {held['split']}, not {wanted}; choose another folder"
            )
        if any(meta["protocol"].get(key) != value for key, value in first.settings().items()):
            raise UserError(f"--out {out}: {folder.name} in it has another protocol; choose another folder")


def require_same_run(job: Job) -> None:
    """Refuse to overwrite what somebody would miss: a run of other data, another detector, or maps made elsewhere.

    Raises
    ------
    UserError
        If the job's folder holds such a run. The same run under another protocol is counted again.
    """
    if not (job.folder / "run.json").exists():
        return
    meta = load_meta(job.folder)
    held = (meta["detector"], meta["dataset"]["name"], meta["dataset"]["split"], meta.get("predictions") is None)
    made_here = isinstance(job.source, Detector)
    if held != (job.source.name, job.dataset.name, job.dataset.split, made_here):
        what = f"{'a run' if held[3] else 'the scores'} of {held[0]} on {held[1]} {held[2]}"
        raise UserError(f"{job.folder}: holds {what}; choose another --out or --name")


def process_image(job: Job, image_id: str) -> Outcome:
    """Make or reuse one image's map and counts; every error becomes one line, so that the other images are safe."""
    try:
        return Outcome(image_id, _process(job, image_id))
    except UserError as error:
        return Outcome(image_id, {}, str(error), users_mistake=True)
    except (Exception, SystemExit) as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        message = str(error).splitlines()[0] if str(error) else "no message"
        return Outcome(image_id, {}, f"{type(error).__name__}: {message} ({where})")


def check_saved_maps(job: Job) -> None:
    """Read every saved map before counting any: list all that are unusable, warn if they look inverted.

    Raises
    ------
    UserError
        Naming each bad file.
    """
    problems, bright, kinds = [], [], {}
    highest = 0.0
    for image_id in job.dataset.ids:
        path = job.source.files[image_id]
        try:
            image, _ = job.dataset.pair(image_id)
            prediction = checked_prediction(read_prediction(path, job.invert), str(path), image.shape[:2])
        except UserError as error:
            problems.append(str(error))
            continue
        kinds.setdefault(describe_kind(prediction), []).append(path.name)
        if isinstance(prediction, Sweep) and (job.nms or job.invert):
            option = "--nms" if job.nms else "--invert"
            problems.append(f"{path}: holds segmentations, but {option} is for contour maps; leave it out")
        elif not isinstance(prediction, Sweep):
            soft = prediction.contour_map() if isinstance(prediction, Hierarchy) else prediction
            bright.append(soft.mean() > 0.5)
            highest = max(highest, float(soft.max()))
    if problems:
        raise UserError("\n".join(problems))
    if len(kinds) > 1:
        rarest = min(kinds, key=lambda kind: len(kinds[kind]))
        raise UserError(f"{job.source.folder}: not all files hold the same: {rarest} in {listing(kinds[rarest])}")
    if 0 < highest <= 1 / 255 and not job.invert:
        raise UserError(
            f"{job.source.folder}: no value above {highest:.2g}; 0 and 1 stored as 8 or 16 bits? expected"
            " full scale (255 or 65535) where a contour is certain"
        )
    if bright and np.mean(bright) > 0.5:
        done = "upright before inversion? leave out --invert" if job.invert else "inverted? if so, add --invert"
        note(f"warning: {job.source.folder}: most pixels of most maps are above 0.5, expected 0 off contours; {done}")


def _process(job: Job, image_id: str) -> dict[str, float]:
    seconds: dict[str, float] = {}
    image, truth = job.dataset.pair(image_id)
    record = None if job.fresh else read_record(job.folder, image_id)
    image_hash = digest(image)
    prediction = _known_map(job, record, image_hash)
    if prediction is None:
        started = time.perf_counter()
        prediction, detected = _predict(job, image_id, image)
        if detected:
            seconds["detect"] = time.perf_counter() - started
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
        write_record(job.folder, Record(id=image_id, counts=counts, regions=regions, full_map=full_map, **current))
    return seconds


def count_prediction(prediction: Prediction, truth: NDArray[np.bool_], job: Job) -> BoundaryCounts:
    """Count a map, after suppression if asked for, the contours of a hierarchy likewise, or a sweep."""
    if isinstance(prediction, Sweep):
        return count_segmentations(prediction.segmentations, truth, job.protocol)
    contour_map = prediction.contour_map() if isinstance(prediction, Hierarchy) else prediction
    return count_map(suppress_preset(contour_map, job.nms) if job.nms else contour_map, truth, job.protocol)


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


def _predict(job: Job, image_id: str, image: NDArray[np.uint8]) -> tuple[Prediction, bool]:
    """Return what the job's source has for an image, and whether a detector has just made it."""
    if isinstance(job.source, SavedMaps):
        path = job.source.files[image_id]
        return checked_prediction(read_prediction(path, job.invert), str(path), image.shape[:2]), False
    known = _known_sweep(job, image_id, image)
    if known:
        prediction: Prediction = mean_boundaries(known)
    else:
        with time_limit(job.time_limit):
            prediction = _detect(job.source, image)
    suffix = lossless_suffix(prediction)
    write_prediction(map_path(job.folder, image_id, suffix), prediction)
    for other in set(MAP_SUFFIXES) - {suffix}:  # of an older version of the detector
        map_path(job.folder, image_id, other).unlink(missing_ok=True)
    return prediction, known is None


def _known_sweep(job: Job, image_id: str, image: NDArray[np.uint8]) -> Sweep | None:
    """Return the sweep that a soft detector averages, if its own run stands beside this one."""
    if job.source.sweep is None or job.fresh:
        return None
    beside = replace(job, source=job.source.sweep, folder=job.folder.parent / folder_name(job.source.sweep.name))
    return _known_map(beside, read_record(beside.folder, image_id), digest(image))


def _detect(detector: Detector, image: NDArray[np.uint8]) -> Prediction:
    given = image.copy()
    with redirect_stdout(sys.stderr):  # our own stdout is for data
        prediction = detector(given)
    if not np.array_equal(given, image):
        raise UserError(f"{detector.name}: the detector changed its input image; it must not")
    return checked_prediction(prediction, f"map of {detector.name}", image.shape[:2])


def _known_seconds(folder: Path) -> dict[str, dict[str, float]]:
    try:
        return load_meta(folder)["seconds"]
    except (UserError, KeyError):
        return {}


def _versions(job: Job, all_anew: bool) -> dict[str, str]:
    """Return the versions that maps were made with; where some are from an earlier run, its versions, too."""
    current = {name: _version(name) for name in VERSIONED}
    try:
        before = {} if all_anew else load_meta(job.folder)["versions"]
    except UserError:
        before = {}
    return {
        name: value if before.get(name, value) == value else ", ".join(sorted({*before[name].split(", "), value}))
        for name, value in current.items()
    }


def _meta(job: Job, seconds: dict[str, dict[str, float]], failed: list[Outcome], all_anew: bool) -> dict[str, Any]:
    """What ``run.json`` holds."""
    records = [read_record(job.folder, image_id) for image_id in job.dataset.ids]
    return {
        "detector": job.source.name,
        "params": {k: _plain(v) for k, v in job.source.params.items()} if isinstance(job.source, Detector) else None,
        "predictions": None if isinstance(job.source, Detector) else str(job.source.folder.resolve()),
        "dataset": {"name": job.dataset.name, "split": job.dataset.split, "ids": list(job.dataset.ids)},
        "protocol": job.settings(),
        "hashes": joint_hashes(record for record in records if record),
        "failed": {outcome.id: outcome.error for outcome in failed},
        "versions": _versions(job, all_anew),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": {i: {step: round(s, 4) for step, s in steps.items()} for i, steps in seconds.items()},
    }


def _plain(value: Any) -> Any:
    """Return a parameter as JSON can hold it."""
    finite = isinstance(value, float) and math.isfinite(value)
    return value if finite or value is None or isinstance(value, bool | int | str) else repr(value)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


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

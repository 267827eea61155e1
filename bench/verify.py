"""Is a results folder what it says? Its files against one another, and a sample of its counts made again."""

from pathlib import Path

import numpy as np
from numpy.random import RandomState

from ..eval.protocol import COUNTS_DEFINITION, BoundaryProtocol
from .datasets import Dataset
from .errors import UserError
from .files import digest
from .gallery import saved_prediction
from .predictions import prediction_hash
from .progress import Progress
from .runner import Job, SavedMaps, compare_regions, count_prediction
from .store import Record, Run, joint_hashes, load_run, summary_texts, truth_hash


def verify_run(folder: Path, dataset: Dataset | None, sample: int, seed: int) -> list[str]:
    """Check one run and return what is wrong with it, a line each; none if all is well.

    Parameters
    ----------
    folder : Path
        Of a finished run.
    dataset : Dataset, optional
        Its images; without them nothing is counted again.
    sample : int
        How many images to count again, from saved maps where there are some.
    seed : int
        Of the sample.

    Raises
    ------
    UserError
        If the folder is no run, or the data set has not its images.
    """
    run = load_run(folder)
    wrong = _stale_files(run)
    if run.meta["hashes"] != joint_hashes(run.records.values()):
        wrong.append(f"{folder / 'run.json'}: hashes are not those of the records")
    if dataset is None:
        return wrong
    lacking = sorted(set(run.records) - set(dataset.ids))
    if lacking:
        raise UserError(f"{folder}: {len(lacking)} images, such as {lacking[0]}, are not in {dataset.name}")
    ids = sorted(run.records)
    chosen = RandomState(seed).permutation(len(ids))[: max(sample, 0)]
    with Progress(f"verify {run.name}", len(chosen)) as progress:
        for i in sorted(chosen):
            wrong += _recounted(run, run.records[ids[i]], dataset)
            progress.step()
    return wrong


def _stale_files(run: Run) -> list[str]:
    """Name the summary files that are not what the records fold into."""
    wrong = []
    for name, text in summary_texts(run).items():
        path = run.folder / name
        if not path.exists():
            wrong.append(f"{path}: missing")
        elif path.read_text() != text:
            wrong.append(f"{path}: not what the counts add up to")
    return wrong


def _recounted(run: Run, record: Record, dataset: Dataset) -> list[str]:
    """Compare one record with image, ground truth and map as they are now."""
    where = f"{run.folder} {record.id}"
    image, truth = dataset.pair(record.id)
    wrong = []
    if digest(image) != record.image:
        wrong.append(f"{where}: another image than was counted")
    if truth_hash(truth) != record.truth:
        wrong.append(f"{where}: another ground truth than was counted")
    try:
        prediction = saved_prediction(run, record.id)
    except UserError:
        return wrong  # maps are not part of what is committed
    if prediction_hash(prediction) != record.map:
        return [*wrong, f"{where}: another map than was counted"]
    held = run.meta["protocol"]
    if wrong or held["definition"] != COUNTS_DEFINITION:
        return wrong
    protocol = BoundaryProtocol(held["thresholds"], held["max_dist"], held["thin"])
    job = Job(SavedMaps(run.name, run.folder, {}), dataset, protocol, run.folder, held.get("nms"))
    if count_prediction(prediction, truth, job) != record.counts:
        wrong.append(f"{where}: counts differ when made again")
    if record.regions is not None:
        regions = compare_regions(prediction, dataset.segmentations(record.id), job)
        if regions is None or not np.allclose(regions.covered_r, record.regions.covered_r):
            wrong.append(f"{where}: region measures differ when made again")
    return wrong

"""Is a results folder what it says? Its files against one another, and a sample of its counts made again."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import RandomState

from ...eval.metrics import full_map_counts
from ...eval.protocol import COUNTS_DEFINITION
from ...eval.regions import RegionScores
from ..datasets.base import Dataset
from ..errors import UserError
from .contours import ContourJob
from .kept_maps import counted_pair, read_saved, run_protocol, saved_maps
from .progress import Progress
from .records import REGION_FIELDS, joint_hashes
from .results import SUMMARY_FILES, Run, load_run, summary_texts
from .source import SavedMaps


class Verified(NamedTuple):
    """What is wrong with a run, a line each, and how many of its images were counted again."""

    faults: list[str]
    recounted: int


def verify_run(folder: Path, dataset: Dataset | None, sample: int, seed: int) -> Verified:
    """Check one run.

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
        If the folder is no finished run, or its code counts otherwise.
    """
    run = load_run(folder)
    wrong = _stale_files(run)
    if run.meta["hashes"] != joint_hashes(run.records.values()):
        wrong.append(f"{folder / 'run.json'}: hashes are not those of the records")
    maps = saved_maps(run)
    if dataset is None or not maps:
        return Verified(wrong, 0)
    if run.meta["protocol"]["definition"] != COUNTS_DEFINITION:
        raise UserError(f"{folder}: counted by another definition than this version's; run or score again")
    ids = sorted(run.records)
    chosen = sorted(RandomState(seed).permutation(len(ids))[:sample])
    with Progress(f"verify {run.name}", len(chosen)) as progress:
        for i in chosen:
            wrong += _recounted(run, maps, ids[i], dataset)
            progress.step()
    return Verified(wrong, len(chosen))


def _stale_files(run: Run) -> list[str]:
    """Name the summary files that are not what the records fold into."""
    wrong = []
    for name, text in summary_texts(run).items():
        path = run.folder / name
        if not path.exists():
            wrong.append(f"{path}: missing")
        elif path.read_bytes() != text.encode():
            wrong.append(f"{path}: not what the counts add up to")
    extra = [name for name in SUMMARY_FILES if name not in summary_texts(run) and (run.folder / name).exists()]
    return wrong + [f"{run.folder / name}: left over from an older run" for name in extra]


def _recounted(run: Run, maps: dict[str, Path], image_id: str, dataset: Dataset) -> list[str]:
    """Compare one record with image, ground truth and map as they are now."""
    record = run.records[image_id]
    try:
        _, truth = counted_pair(run, dataset, image_id)
        prediction = read_saved(run, maps, image_id)
    except UserError as error:
        return [str(error)]
    protocol = run_protocol(run)
    source = SavedMaps(run.name, run.folder, {}, nms=run.meta["nms"])
    job = ContourJob(source=source, dataset=dataset, protocol=protocol, folder=run.folder)
    wrong = []
    if job.count(prediction, truth) != record.counts or record.full_map not in (
        None,
        full_map_counts(truth),
    ):
        wrong.append(f"{run.folder} {image_id}: counts differ when made again")
    regions = job.compare_regions(prediction, dataset.segmentations(image_id))
    if not _same_regions(regions, record.regions):
        wrong.append(f"{run.folder} {image_id}: region measures differ when made again")
    return wrong


def _same_regions(ours: RegionScores | None, theirs: RegionScores | None) -> bool:
    """Equal up to the rounding of sums."""
    if ours is None or theirs is None:
        return ours is theirs
    pairs = [(getattr(ours, field), getattr(theirs, field)) for field in REGION_FIELDS]
    return all(np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-9, atol=1e-9) for a, b in pairs)

"""Run detectors and score saved maps, from Python or for the command."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...eval.protocol import BoundaryProtocol
from ..datasets.base import Dataset
from ..datasets.checks import require_sound_truth
from ..datasets.opening import open_dataset
from ..errors import RunFailed, UserError, argument, note
from ..files.folders import make_writable
from ..files.predictions import find_predictions, match_ids
from ..methods.names import Detector, batch_form, parse_detector, require_workable
from ..methods.spelling import required_preset, with_suppression, without_suppression
from .cluster import ClusterWorkers
from .contours import ContourJob
from .preflight import check_saved_maps, require_same_run, require_same_set
from .results import Run, folder_name, load_meta
from .runner import run_job
from .source import DetectorSource, SavedMaps
from .workers import Workers

# Names of folders that say what files are in them, not who made them.
SAYS_NOTHING = {
    *("maps", "nms", "mat", "png", "npy", "npz", "edges", "out", "output", "outputs", "pred", "preds", "prediction"),
    *("predictions", "result", "results", "test", "val", "train", "eval"),
}


def run(
    detectors: str | Callable[..., Any] | Sequence[str | Callable[..., Any]],
    data: str | Path | Dataset = "scenes",
    out: str | Path = "results",
    split: str = "test",
    protocol: BoundaryProtocol | None = None,
    workers: int = 1,
    batch: int = 1,
    fresh: bool = False,
    time_limit: float | None = None,
    nms: str | None = None,
) -> list[Run]:
    """Run detectors on a data set and score them; what ``out`` holds already is not computed again.

    Parameters
    ----------
    detectors : str, function, or sequence of them
        Names as on the command line, such as ``"canny"``, ``"sobel(sigma=2)"`` or ``"my.module:detect"``, or functions
        of a module that can be imported.
    data : str, Path or Dataset
        ``"scenes"``, a folder, or what `open_dataset` returns.
    out : str or Path
        Results folder; a folder in it for each detector.
    split : str
        Of the data set, if ``data`` is none yet.
    protocol : BoundaryProtocol, optional
        That of BSDS500 if not given.
    workers : int
        Processes; the numbers do not depend on it. More than one need ``if __name__ == "__main__":`` in a script.
    batch : int
        Images at once, for detectors that take many.
    fresh : bool
        Whether to compute all anew.
    time_limit : float, optional
        Seconds after which a detector fails on an image.
    nms : str, optional
        Preset of `suppress_preset` to apply to the maps of all these detectors before counting, as
        ``"sobel(nms=hed)"`` asks for it of one. Maps that a run without it has made in ``out`` are not made again.

    Returns
    -------
    list of Run
        One for each detector, with its counts per image.

    Raises
    ------
    UserError
        If a name, the data or the folder is wrong.
    RunFailed
        If images failed, after all others are done.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (canny,) = run("canny", open_dataset("scenes").limit(2), folder, protocol=BoundaryProtocol(thresholds=9))
    >>> canny.name, list(canny.counts)
    ('canny', ['scene001', 'scene002'])
    """
    names = [detectors] if isinstance(detectors, str) or callable(detectors) else list(detectors)
    parsed = [parse_detector(_spelt(name), nms=nms) for name in names]
    if batch > 1:
        parsed = [batch_form(detector) or detector for detector in parsed]
    dataset = _opened(data, split)
    with Workers(min(workers, len(dataset.ids))) as pool:
        return run_detectors(parsed, dataset, protocol or BoundaryProtocol(), Path(out), pool, batch, fresh, time_limit)


def score(
    predictions: str | Path,
    data: str | Path | Dataset = "scenes",
    out: str | Path | None = None,
    split: str = "test",
    protocol: BoundaryProtocol | None = None,
    name: str | None = None,
    nms: str | None = None,
    invert: bool = False,
    kind: str | None = None,
    workers: int = 1,
    fresh: bool = False,
) -> Run:
    """Score a folder of saved predictions.

    Parameters
    ----------
    predictions : str or Path
        Folder of ``.png``, ``.npy``, ``.npz`` or ``.mat`` files, named by image id.
    data : str, Path or Dataset
        ``"scenes"``, a folder, or what `open_dataset` returns.
    out : str or Path, optional
        Folder for scores and counts; if not given ``results/NAME``, unless ``results`` holds other data or protocols.
    split : str
        Of the data set, if ``data`` is none yet.
    protocol : BoundaryProtocol, optional
        That of BSDS500 if not given.
    name : str, optional
        Of the row in the table; if not given that of the folder, or of the one above that is not just ``maps``, ``png``
        or the like. With ``nms`` it becomes ``NAME(nms=hed)``.
    nms : str, optional
        Preset of `suppress_preset` to apply before counting.
    invert : bool
        Whether the maps are 0 on contours and 1 elsewhere.
    kind : {"contours", "labels"}, optional
        What arrays in the files are, where that is not clear: contour maps, or label maps, scored as one segmentation.
    workers : int
        Processes; the numbers do not depend on it.
    fresh : bool
        Whether to count all anew.

    Returns
    -------
    Run

    Raises
    ------
    UserError
        If predictions are missing, unusable or of other images.

    Examples
    --------
    >>> import tempfile
    >>> scenes = open_dataset("scenes").limit(2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (made,) = run("canny", scenes, folder, protocol=BoundaryProtocol(thresholds=9))
    ...     again = score(made.folder / "maps", scenes, f"{folder}/again", protocol=BoundaryProtocol(thresholds=9))
    >>> again.counts == made.counts
    True
    """
    dataset = _opened(data, split)
    with Workers(min(workers, len(dataset.ids))) as pool:
        return score_maps(
            Path(predictions),
            dataset,
            protocol or BoundaryProtocol(),
            None if out is None else Path(out),
            pool,
            name=name,
            nms=nms,
            invert=invert,
            kind=kind,
            fresh=fresh,
        )


def run_detectors(
    detectors: Sequence[Detector],
    dataset: Dataset,
    protocol: BoundaryProtocol,
    out: Path,
    workers: Workers | ClusterWorkers,
    batch: int = 1,
    fresh: bool = False,
    time_limit: float | None = None,
) -> list[Run]:
    """As `run`, of what has been parsed and opened, by workers that the caller ends."""
    jobs = [
        ContourJob(
            source=DetectorSource(detector),
            dataset=dataset,
            protocol=protocol,
            folder=out / folder_name(detector.name),
            fresh=fresh,
            time_limit=time_limit,
            batch=batch if detector.batch else 1,
        )
        for detector in {detector.name: detector for detector in detectors}.values()
    ]
    for detector in detectors:
        require_workable(detector)
    require_same_set(out, jobs)
    for job in jobs:
        require_same_run(job)
    require_sound_truth(dataset)
    make_writable(out, argument("out", out))
    runs, failures = [], []
    for job in jobs:
        try:
            runs.append(run_job(job, workers, job.name))
        except RunFailed as error:
            failures.append(str(error))
        except UserError:
            with suppress(OSError):  # where something is in it, it stays
                job.folder.rmdir()
            raise
    if failures:
        raise RunFailed("\n".join(failures))
    return runs


def score_maps(
    predictions: Path,
    dataset: Dataset,
    protocol: BoundaryProtocol,
    out: Path | None,
    workers: Workers | ClusterWorkers,
    name: str | None = None,
    nms: str | None = None,
    invert: bool = False,
    kind: str | None = None,
    fresh: bool = False,
    partial: bool = False,
) -> Run:
    """As `score`, of an opened data set; ``partial`` says that predictions of other images may be there."""
    nms = required_preset(nms)
    files = find_predictions(predictions)
    match_ids(files, dataset.ids, predictions, partial)
    name = with_suppression(name or _name_of(predictions.resolve()), nms)
    folder = out or Path("results") / folder_name(name)
    source = SavedMaps(name, predictions, {i: files[i] for i in dataset.ids}, invert, kind, nms)
    job = ContourJob(source=source, dataset=dataset, protocol=protocol, folder=folder, fresh=fresh)
    if out is None:
        require_same_set(folder.parent, [job], alone=True)
    require_same_run(job)
    remarks = check_saved_maps(source, job)
    make_writable(folder, argument("out", folder))
    run = run_job(job, workers, name)
    for remark in remarks:
        note(remark)
    return run


def _name_of(folder: Path) -> str:
    """Return what to call the maps in a folder: those that a run keeps are its detector's, not suppressed yet."""
    if folder.name == "maps" and (folder.parent / "run.json").exists():
        meta = load_meta(folder.parent)
        return without_suppression(meta["detector"], meta["nms"])
    return telling_name(folder)


def telling_name(folder: Path) -> str:
    """Return the name of a folder of maps, or of the first one above it that says more than what files are in it.

    >>> telling_name(Path("/home/me/hed/nms/test")), telling_name(Path("/maps"))
    ('hed', 'maps')
    """
    names = [part.name for part in (folder, *folder.parents) if part.name]
    return next((name for name in names if name.lower() not in SAYS_NOTHING), names[0])


def _spelt(detector: str | Callable[..., Any]) -> str:
    return detector if isinstance(detector, str) else f"{detector.__module__}:{detector.__qualname__}"


def _opened(data: str | Path | Dataset, split: str) -> Dataset:
    return data if isinstance(data, Dataset) else open_dataset(str(data), split)

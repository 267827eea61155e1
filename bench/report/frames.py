"""Results as pandas frames: a row per detector, per image, per point of a curve, per score of a comparison.

Runs go in as folders, or as `Run`; every number is the one that the command prints, before it is rounded. pandas is
imported when a frame is first made.
"""

import warnings
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...eval.counting import pool
from ...eval.metrics import best_point, f_measure, pr_curve, summarize
from ...eval.regions import RegionScores, summarize_regions
from ..errors import UserError
from ..runs.results import REGION_SCALES, Run, find_runs, finished, load_meta, load_run, load_scores
from .comparison import compare_runs, load_compared

if TYPE_CHECKING:
    from pandas import DataFrame

Folder = str | PathLike[str]
Runs = Run | Folder | Iterable[Run | Folder]

PROTOCOL_COLUMNS = {"thresholds": "int64", "max_dist": "float64", "thin": "bool"}
RESULT_COLUMNS = {
    "detector": "str",
    **dict.fromkeys(("ods", "ois", "ap", "r50", "ods_threshold", "precision", "recall"), "float64"),
    **dict.fromkeys(("covering_ods", "covering_ois", "covering_best"), "float64"),
    **dict.fromkeys(("pri_ods", "pri_ois", "vi_ods", "vi_ois"), "float64"),
    "images": "int64",
    **dict.fromkeys(("detect_seconds", "count_seconds"), "float64"),
    **dict.fromkeys(("dataset", "split"), "str"),
    **PROTOCOL_COLUMNS,
    "nms": "str",
    "folder": "str",
    "params": "object",
}
CURVE_COLUMNS = ("detector", "threshold", "precision", "recall", "f")


def load_results(folder: Folder | Sequence[Folder]) -> "DataFrame":
    """Return the scores of all finished runs in a folder, a row each.

    Parameters
    ----------
    folder : str or Path, or sequence of these
        A results folder, or the folder of one run.

    Returns
    -------
    DataFrame
        Ordered by data set, split and protocol, then from weak to strong by ODS.

        - ``detector``: its name, as the command takes it;
        - ``ods``, ``ois``, ``ap``, ``r50``: in [0, 1]; R50 is NaN where precision never reaches one half;
        - ``ods_threshold``, ``precision``, ``recall``: where ODS is reached, and of what it is the harmonic mean;
        - ``covering_ods``, ``covering_ois``, ``covering_best``, ``pri_ods``, ``pri_ois`` in [0, 1], ``vi_ods``,
          ``vi_ois`` in bits (lower is better): NaN for a run without regions;
        - ``images``: how many were scored;
        - ``detect_seconds``, ``count_seconds``: mean of an image, on the machine that ran it; NaN if not known;
        - ``dataset``, ``split``, ``thresholds``, ``max_dist`` (fraction of the image diagonal), ``thin``: rows that
          differ in one of these cannot be compared;
        - ``nms``: the suppression before counting, which is part of the detector's name; ``none`` without;
        - ``folder``: of the run, for `per_image`; ``params``: the detector's, as a dict.

    Raises
    ------
    UserError
        If there is no run, or a file of a run is damaged.

    Warns
    -----
    UserWarning
        If a run is not finished: it has no row.

    Examples
    --------
    >>> import tempfile
    >>> from contourbench.bench import load_results, open_dataset, run
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     runs = run(["sobel", "canny"], open_dataset("scenes").limit(2), folder)
    ...     results = load_results(folder)
    >>> results.set_index("detector")["ods"].round(3)
    detector
    sobel    0.718
    canny    0.775
    Name: ods, dtype: float64
    """
    folders = [folder] if isinstance(folder, str | PathLike) else folder
    found = [run for each in folders for run in find_runs(Path(each))]
    for line in unfinished(found):
        warnings.warn(line, stacklevel=2)
    frame = results_frame(finished(found))
    return frame.sort_values(["dataset", "split", *PROTOCOL_COLUMNS, "ods"], ignore_index=True)


def per_image(run: Run | Folder) -> "DataFrame":
    """Return what a run scored on every image.

    Parameters
    ----------
    run : Run, or str or Path
        A finished run, or its folder.

    Returns
    -------
    DataFrame
        A row per image, its ``id`` the index.

        - ``f``, ``threshold``, ``precision``, ``recall``: the image's best F, where it is, and its parts;
        - ``f_at_ods``, ``precision_at_ods``, ``recall_at_ods``: at the one threshold that is best for the data set,
          straight between neighbouring thresholds;
        - ``covering``, ``pri``, ``vi``: the image's best; ``covering_at_ods``, ``pri_at_ods``, ``vi_at_ods``: at each
          measure's best threshold for the data set; only of runs with regions;
        - ``detect_seconds``, ``count_seconds``: NaN if not known.

    Raises
    ------
    UserError
        If the run is not finished or damaged.

    Examples
    --------
    >>> import tempfile
    >>> from contourbench.bench import open_dataset, per_image, run
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (canny,) = run("canny", open_dataset("scenes").limit(2), folder)
    >>> per_image(canny)["f"].round(2)
    id
    scene001    0.80
    scene002    0.75
    Name: f, dtype: float64
    """
    from pandas import DataFrame

    run = run if isinstance(run, Run) else load_run(Path(run))
    at_ods = summarize(run.counts).ods_threshold
    seconds = {i: run.meta["seconds"].get(i, {}) for i in run.records}
    rows = [_contour_row(pr_curve(counts), at_ods) for counts in run.counts.values()]
    frame = DataFrame(rows, index=list(run.records)).rename_axis("id")
    if run.regions is not None:
        frame = frame.join(DataFrame(_region_columns(run.regions), index=frame.index))
    for step in ("detect", "count"):
        frame[f"{step}_seconds"] = [seconds[i].get(step, np.nan) for i in frame.index]
    return frame


def curves_frame(runs: Runs) -> "DataFrame":
    """Return the precision–recall curves of some runs in long form, a row per detector and threshold.

    Parameters
    ----------
    runs : Run, str or Path, or several of these
        Runs, or folders with finished ones.

    Returns
    -------
    DataFrame
        ``detector``, ``threshold`` (ascending; 1, 2 … for the settings of a sweep), ``precision``, ``recall``, ``f``
        of the counts pooled over the images, and the run's ``folder``. Where nothing was predicted, all three are 0.

    Raises
    ------
    UserError
        If there is no finished run, or one is damaged.

    Examples
    --------
    >>> import tempfile
    >>> from contourbench.bench import curves_frame, open_dataset, run
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     runs = run(["sobel", "canny"], open_dataset("scenes").limit(2), folder)
    >>> curves = curves_frame(runs)
    >>> curves.groupby("detector")["f"].max().round(2).to_dict()
    {'canny': 0.77, 'sobel': 0.72}
    """
    from pandas import DataFrame, concat

    parts = []
    for run in runs_of(runs):
        curve = pr_curve(pool(run.counts.values()))
        parts.append(DataFrame(dict(zip(CURVE_COLUMNS, (run.name, *curve), strict=True)) | {"folder": str(run.folder)}))
    return concat(parts, ignore_index=True)


def compare_frame(a: Run | Folder, b: Run | Folder, samples: int = 1000, seed: int = 0) -> "DataFrame":
    """Return how much run ``a`` scores above run ``b``, and how sure that is, a row per score.

    Parameters
    ----------
    a, b : Run, or str or Path
        Finished runs on the same images, their folders, or folders of others' counts (``<id>_ev1.txt``).
    samples, seed : int
        Number of random draws, and their seed.

    Returns
    -------
    DataFrame
        Indexed by ``score``: ods, ois, ap, r50. ``a``, ``b`` and ``difference`` (a - b), each with the ends of its
        95 % interval (``a_low``, ``a_high`` …); ``p`` of the paired bootstrap, two-sided, NaN where a score is
        undefined.

    Raises
    ------
    UserError
        If a run is not finished, or the two were not scored on the same images by the same protocol.

    Examples
    --------
    >>> import tempfile
    >>> from contourbench.bench import compare_frame, open_dataset, run
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sobel, canny = run(["sobel", "canny"], open_dataset("scenes").limit(4), folder)
    >>> compare_frame(canny, sobel, samples=100).loc["ods", ["difference_low", "difference_high"]].round(2).to_list()
    [0.03, 0.06]
    """
    from pandas import DataFrame

    first, second = (run if isinstance(run, Run) else load_compared(Path(run)) for run in (a, b))
    found = compare_runs(first, second, samples, seed)
    rows = {}
    for score, difference in found.differences.items():
        parts = {"a": found.scores[0][score], "b": found.scores[1][score], "difference": difference}
        row = {}
        for name, part in parts.items():
            row |= {name: part.value, f"{name}_low": part.low, f"{name}_high": part.high}
        rows[score] = row | {"p": difference.p}
    return DataFrame.from_dict(rows, orient="index").rename_axis("score")


def runs_of(runs: Runs) -> list[Run]:
    """Return the runs that a run, a folder with finished runs, or several of these stand for.

    Raises
    ------
    UserError
        If a folder has no finished run, or one is damaged.
    """
    if isinstance(runs, Run):
        return [runs]
    if not isinstance(runs, str | PathLike):
        return [run for each in runs for run in runs_of(each)]
    folders = finished(find_runs(Path(runs)))
    if not folders:
        raise UserError(f"{runs}: no finished run in it")
    return [load_run(folder) for folder in folders]


def results_frame(folders: Sequence[Path]) -> "DataFrame":
    """Return the finished ones of some run folders, a row each as in `load_results`, in the order given."""
    from pandas import DataFrame

    read = [(folder, load_meta(folder), load_scores(folder)) for folder in folders]
    rows = [_result_row(folder, meta, scores) for folder, meta, scores in read if scores is not None]
    return DataFrame(rows, columns=list(RESULT_COLUMNS)).astype(RESULT_COLUMNS)


def unfinished(folders: Sequence[Path]) -> list[str]:
    """Return a line on each run folder without scores."""
    metas = [load_meta(folder) for folder in folders if load_scores(folder) is None]
    return [f"{m['detector']}: not finished ({len(m.get('failed', {}))} images failed); run it again" for m in metas]


def _result_row(folder: Path, meta: dict[str, Any], scores: dict[str, Any]) -> dict[str, Any]:
    dataset, protocol, seconds = meta["dataset"], meta["protocol"], meta["seconds"].values()
    row = {"detector": meta["detector"], "ods": scores["ods"]["f"], "ois": scores["ois"]["f"]}
    row |= {name: scores[name] for name in ("ap", "r50", "ods_threshold")}
    row |= {name: scores["ods"][name] for name in ("precision", "recall")}
    for measure, scales in REGION_SCALES.items() if "regions" in scores else ():
        row |= {f"{measure}_{scale}": scores["regions"][measure][scale] for scale in scales}
    row |= {f"{step}_seconds": _mean([s[step] for s in seconds if step in s]) for step in ("detect", "count")}
    row |= {"images": scores["images"], "dataset": dataset["name"], "split": dataset["split"]}
    row |= {name: protocol[name] for name in ("thresholds", "max_dist", "thin")}
    row["nms"] = meta["nms"] or "none"
    return row | {"folder": str(folder), "params": meta.get("params") or {}}


def _contour_row(curve: Any, at_ods: float) -> dict[str, float]:
    """Scores of one image at its own best threshold, and at the data set's."""
    threshold, best = best_point(curve)
    precision, recall = (float(np.interp(at_ods, curve.thresholds, part)) for part in (curve.precision, curve.recall))
    row = {"f": best.f, "threshold": threshold, "precision": best.precision, "recall": best.recall}
    row["f_at_ods"] = float(f_measure(precision, recall))
    return row | {"precision_at_ods": precision, "recall_at_ods": recall}


def _region_columns(regions: dict[str, RegionScores]) -> dict[str, NDArray[np.float64]]:
    """Covering, PRI and VI of each image at its own best threshold, and at that of the data set."""
    images, summary = list(regions.values()), summarize_regions(regions)
    levels = images[0].thresholds
    measures = {
        "covering": (np.stack([image.covered_r / image.area_r for image in images]), summary.covering),
        "pri": (np.stack([image.rand for image in images]), summary.pri),
        "vi": (np.stack([image.information for image in images]), summary.vi),
    }
    best = {name: values.min(1) if name == "vi" else values.max(1) for name, (values, _) in measures.items()}
    at_ods = {
        f"{name}_at_ods": values[:, np.flatnonzero(levels == scale.ods_threshold)[0]]
        for name, (values, scale) in measures.items()
    }
    return best | at_ods


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")

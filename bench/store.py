"""The format of a results folder.

One folder per detector: ``counts/<id>.json``, a record per image with its integer counts and the hashes of all that
went in; ``maps/<id>.npy``, the contour maps that `run` makes; ``run.json`` says how; ``scores.json`` and the official
``eval_bdry*.txt`` are folds over the counts. Files are written whole or not at all.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ..eval.counting import BoundaryCounts, pool
from ..eval.metrics import Summary, best_point, pr_curve, summarize
from .errors import UserError
from .files import write_json, write_text

COUNT_FIELDS = ("thresholds", "cnt_r", "sum_r", "cnt_p", "sum_p")
SUMMARY_FILES = ("scores.json", "eval_bdry.txt", "eval_bdry_thr.txt", "eval_bdry_img.txt")


@dataclass(frozen=True)
class Record:
    """One image's counts and what they were made from; all but ``counts`` and ``id`` are hashes or settings.

    ``image``, ``truth`` and ``map`` are hashes of arrays; ``detector`` is the detector's fingerprint, empty for maps
    made elsewhere; ``protocol`` the settings that decide the counts besides the arrays.
    """

    id: str
    image: str
    truth: str
    detector: str
    map: str
    protocol: dict[str, Any]
    counts: BoundaryCounts


@dataclass(frozen=True)
class Run:
    """A finished run, read back: its name, what ``run.json`` says, and the counts of its images in order."""

    folder: Path
    name: str
    meta: dict[str, Any]
    counts: dict[str, BoundaryCounts]


def folder_name(name: str) -> str:
    """Return a detector's name as the name of a folder: ``:`` becomes ``-``, other odd characters ``%`` and a number.

    Raises
    ------
    UserError
        If nothing but dots and blanks is left.
    """
    if not name.strip(". "):
        raise UserError(f"--name {name!r}: expected a name with a letter or digit in it")
    return quote(name.replace(", ", ",").replace(":", "-"), safe="()=,+-._")


def map_path(folder: Path, image_id: str) -> Path:
    """Return where a run keeps the contour map of an image."""
    return folder / "maps" / f"{image_id}.npy"


def write_record(folder: Path, record: Record) -> None:
    """Write the record of one image."""
    fields = {**asdict(record), "counts": {f: getattr(record.counts, f).tolist() for f in COUNT_FIELDS}}
    write_json(_record_path(folder, record.id), fields, indent=None)


def read_record(folder: Path, image_id: str) -> Record | None:
    """Return the record of one image; None if there is none or it cannot be read, so that it is made again."""
    try:
        fields = json.loads(_record_path(folder, image_id).read_text())
        return Record(**{**fields, "counts": BoundaryCounts(**fields["counts"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_summary(folder: Path, counts: dict[str, BoundaryCounts]) -> None:
    """Write ``scores.json`` and the official text files."""
    summary = summarize(counts)
    write_json(folder / "scores.json", {**scores(summary), "images": len(counts)})
    for name, text in official_files(counts).items():
        write_text(folder / name, text)


def discard_summary(folder: Path) -> None:
    """Remove the scores of counts that are about to change; the counts stay."""
    for name in SUMMARY_FILES:
        (folder / name).unlink(missing_ok=True)


def scores(summary: Summary) -> dict[str, Any]:
    """Return a summary as plain values; an undefined R50 is None."""
    return {
        "ods": summary.ods._asdict(),
        "ods_threshold": summary.ods_threshold,
        "ois": summary.ois._asdict(),
        "ap": summary.ap,
        "r50": None if math.isnan(summary.r50) else summary.r50,
    }


def official_files(counts: dict[str, BoundaryCounts]) -> dict[str, str]:
    """Return the text of the official benchmark's boundary files by name; columns T R P F, ``%10g``."""
    summary = summarize(counts)
    curve = pr_curve(pool(counts.values()))
    images = []
    for index, image_counts in enumerate(counts.values(), 1):
        threshold, best = best_point(pr_curve(image_counts))
        images.append((index, threshold, best.recall, best.precision, best.f))
    ods, ois = summary.ods, summary.ois
    total = (summary.ods_threshold, ods.recall, ods.precision, ods.f, ois.recall, ois.precision, ois.f, summary.ap)
    return {
        "eval_bdry.txt": _rows([total]),
        "eval_bdry_thr.txt": _rows(zip(curve.thresholds, curve.recall, curve.precision, curve.f, strict=True)),
        "eval_bdry_img.txt": _rows(images),
    }


def load_scores(folder: Path) -> dict[str, Any] | None:
    """Return what ``scores.json`` says, None if the run is not finished."""
    try:
        found = json.loads((folder / "scores.json").read_text())
        found["ods"]["f"], found["ois"]["f"], found["ap"], found["r50"], found["images"]
        return found
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"{folder / 'scores.json'}: not the scores of a run; run or score again to make it anew"
        ) from None


def load_meta(folder: Path) -> dict[str, Any]:
    """Return what ``run.json`` says."""
    try:
        meta = json.loads((folder / "run.json").read_text())
        dataset, protocol = meta["dataset"], meta["protocol"]
        meta["detector"], dataset["name"], dataset["split"], dataset["ids"], protocol["thresholds"], protocol["thin"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{folder / 'run.json'}: not the record of a run; run or score again to make it anew") from None
    return meta


def load_run(folder: Path) -> Run:
    """Return a finished run with its counts.

    Raises
    ------
    UserError
        If a count is missing or unreadable.
    """
    meta = load_meta(folder)
    counts = {}
    for image_id in meta["dataset"]["ids"]:
        record = read_record(folder, image_id)
        if record is None:
            raise UserError(f"{_record_path(folder, image_id)}: missing or damaged; run or score again to make it anew")
        if record.protocol != meta["protocol"]:
            raise UserError(f"{_record_path(folder, image_id)}: of another protocol than the rest; run or score again")
        counts[image_id] = record.counts
    return Run(folder, meta["detector"], meta, counts)


def find_runs(folder: Path) -> list[Path]:
    """Return the run folders at or below ``folder``, in order of name.

    Raises
    ------
    UserError
        If there is none.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such results folder")
    found = sorted(path.parent for path in folder.rglob("run.json"))
    if not found:
        raise UserError(f"{folder}: no runs in it (no run.json); make one with `contourbench run` or `score`")
    return found


def finished(folders: list[Path]) -> list[Path]:
    """Return those run folders that have scores, each once."""
    return [folder for folder in dict.fromkeys(folders) if (folder / "scores.json").exists()]


def _record_path(folder: Path, image_id: str) -> Path:
    return folder / "counts" / f"{image_id}.json"


def _rows(rows: Any) -> str:
    return "".join("".join(f"{np.float64(value):10g} " for value in row).rstrip() + "\n" for row in rows)

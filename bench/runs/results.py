"""The format of a results folder, and finished runs read back.

One folder per detector: ``counts.jsonl``, a record per image with its integer counts, its region measures where it has
regions, and the hashes of all that went in (`journal`, `records`); ``maps/<id>.npy`` or ``.npz``, the predictions that
`run` makes; ``run.json`` says how; ``scores.json`` and the official ``eval_*.txt`` are folds over the records. Files
are written whole or not at all, records line by line.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ...eval.counting import BoundaryCounts
from ...eval.metrics import Score, Summary, summarize
from ...eval.protocol import BoundaryProtocol
from ...eval.regions import RegionScores, RegionSummary, summarize_regions
from ...eval.suppression import SUPPRESSION_PRESETS
from ..errors import UserError
from ..files.atomic import json_text, write_text
from ..methods.spelling import with_suppression
from .journal import NAME, damaged_lines, parsed, read_lines
from .official_files import BOUNDARY_FILES, REGION_FILES, boundary_files, region_files
from .records import UNREADABLE, Record, protocol_alone, require

# What has to stand in ``run.json``, and what reading of files that others may have changed can come to.
META = {"detector": str, "dataset": dict, "protocol": dict, "hashes": dict, "versions": dict, "finished": str}
META |= {"seconds": dict}
META_MAYBE = {"failed": dict, "params": dict | None, "predictions": str | None, "nms": str | None, "invert": bool}
REGION_SCALES = {"covering": ("ods", "ois", "best"), "pri": ("ods", "ois"), "vi": ("ods", "ois")}
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names that Windows keeps for itself
SUMMARY_FILES = (*BOUNDARY_FILES, *REGION_FILES, "scores.json")  # the last one says that all are there


@dataclass(frozen=True)
class Run:
    """A finished run, read back: its name, what ``run.json`` says, and its images' records in order."""

    folder: Path
    name: str
    meta: dict[str, Any]
    records: dict[str, Record]

    def __repr__(self) -> str:
        data = self.meta["dataset"]
        return f"<Run {self.name} on {len(self.records)} images of {data['name']} {data['split']}: {self.folder}>"

    @property
    def counts(self) -> dict[str, BoundaryCounts]:
        """The counts by image id."""
        return {image_id: record.counts for image_id, record in self.records.items()}

    @property
    def regions(self) -> dict[str, RegionScores] | None:
        """The region measures by image id; None unless every image has them."""
        regions = {image_id: record.regions for image_id, record in self.records.items()}
        return None if None in regions.values() else regions

    @property
    def full_map(self) -> tuple[int, int] | None:
        """Matched and all pixels of a map that is a contour everywhere, pooled; None if an image's are not known."""
        found = [record.full_map for record in self.records.values()]
        return None if None in found else (sum(f[0] for f in found), sum(f[1] for f in found))

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of a sweep's settings; empty for others."""
        return next(iter(self.records.values())).settings


def folder_name(name: str) -> str:
    """Return a detector's name as the name of a folder: ``:`` becomes ``-``, other odd characters ``%`` and a number.

    So do what Windows cannot have: a dot at the end, which it drops, and the first letter of the names of its devices.

    Raises
    ------
    UserError
        If nothing but dots and blanks is left.

    Examples
    --------
    >>> folder_name("sobel(sigma=2, nms=hed)"), folder_name("aux"), folder_name("ours v2.")
    ('sobel(sigma=2,nms=hed)', '%61ux', 'ours%20v2%2E')
    """
    if not name.strip(". "):
        raise UserError("expected a name with a letter or digit in it", parameter="name", value=name)
    folder = quote(name.replace(", ", ",").replace(":", "-"), safe="()=,+-._")
    if DEVICE.fullmatch(folder):
        folder = f"%{ord(folder[0]):02x}{folder[1:]}"
    return f"{folder[:-1]}%2E" if folder.endswith(".") else folder


def map_path(folder: Path, image_id: str, suffix: str = ".npy") -> Path:
    """Return where a run keeps the prediction of an image."""
    return folder / "maps" / f"{image_id}{suffix}"


def write_summary(run: Run) -> None:
    """Write ``scores.json`` and the official text files."""
    texts = summary_texts(run)
    for name in SUMMARY_FILES:
        if name in texts:
            write_text(run.folder / name, texts[name])
        else:
            (run.folder / name).unlink(missing_ok=True)


def summary_texts(run: Run) -> dict[str, str]:
    """Return ``scores.json`` and the official text files, folds over the records, by name."""
    found = {**scores(summarize(run.counts)), "images": len(run.records)}
    texts = boundary_files(run.counts)
    if run.settings:
        found["settings"] = list(run.settings)
    if run.regions is not None:
        found["regions"] = region_scores(summarize_regions(run.regions))
        texts |= region_files(run.regions)
    return {"scores.json": json_text(found), **texts}


def discard_summary(folder: Path) -> None:
    """Remove the scores of counts that are about to change; the counts stay."""
    for name in reversed(SUMMARY_FILES):
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


def region_scores(summary: RegionSummary) -> dict[str, dict[str, float]]:
    """Return the region measures as plain values."""
    covering, pri, vi = (scale._asdict() for scale in (summary.covering, summary.pri, summary.vi))
    return {"covering": {**covering, "best": summary.covering_best}, "pri": pri, "vi": vi}


def load_scores(folder: Path) -> dict[str, Any] | None:
    """Return what ``scores.json`` says, None if the run is not finished."""
    try:
        found = _read_json(folder / "scores.json")
        values = [
            *(found["ods"][name] for name in Score._fields),
            found["ois"]["f"],
            found["ap"],
            found["ods_threshold"],
        ]
        values += [] if found["r50"] is None else [found["r50"]]
        for measure, scales in REGION_SCALES.items() if "regions" in found else ():
            values += [found["regions"][measure][scale] for scale in scales]
        require(all(isinstance(value, int | float) for value in values) and found["images"] in range(1, 10**9))
        return found
    except FileNotFoundError:
        return None
    except UNREADABLE:
        raise UserError(
            f"{folder / 'scores.json'}: not the scores of a run; run or score again to make it anew"
        ) from None


def load_meta(folder: Path) -> dict[str, Any]:
    """Return what ``run.json`` says; of older versions, too, as if this one had written it."""
    try:
        meta = _read_json(folder / "run.json")
        require(isinstance(meta, dict))
        for key, kind in (META | {key: kind for key, kind in META_MAYBE.items() if key in meta}).items():
            require(isinstance(meta[key], kind))
        dataset, protocol = meta["dataset"], meta["protocol"]
        BoundaryProtocol(protocol["thresholds"], protocol["max_dist"], protocol["thin"])
        names = (dataset["name"], dataset["split"], *dataset["ids"], *meta["versions"].values())
        require(all(isinstance(name, str) for name in names) and isinstance(protocol["definition"], int))
        require(isinstance(protocol.get("nms"), str | None) and isinstance(protocol.get("invert", False), bool))
        require(meta.get("nms") in (None, *SUPPRESSION_PRESETS) and protocol.get("nms") in (None, *SUPPRESSION_PRESETS))
        require(isinstance(dataset["ids"], list) and len(dataset["ids"]) > 0)
        require(all(Path(i).name == i != "" for i in dataset["ids"]))
        require(all(isinstance(steps, dict) for steps in meta["seconds"].values()))
        require(all(isinstance(s, int | float) for steps in meta["seconds"].values() for s in steps.values()))
    except UNREADABLE:
        raise UserError(f"{folder / 'run.json'}: not the record of a run; run or score again to make it anew") from None
    if "nms" in protocol:  # of an older version, to which suppression was a part of the protocol, not of the method
        meta["detector"] = with_suppression(meta["detector"], protocol["nms"])
    alone = protocol_alone(protocol, meta.get("nms"))
    return {**meta, **alone, "invert": meta.get("invert", protocol.get("invert", False))}


def load_run(folder: Path) -> Run:
    """Return a finished run with its counts.

    Raises
    ------
    UserError
        If the run is not finished, a count is missing or unreadable, or records do not belong together.
    """
    if not (folder / "scores.json").exists():
        raise UserError(f"{folder}: not a finished run; run or score again, which computes only what is missing")
    return assemble_run(folder)


def assemble_run(folder: Path) -> Run:
    """Return a run from its records before its scores are written; as `load_run` otherwise."""
    meta, lines = load_meta(folder), read_lines(folder)
    records: dict[str, Record] = {}
    for image_id in meta["dataset"]["ids"]:
        record = Record.from_line(lines.get(image_id))
        if record is None:
            where = f"{folder / NAME}: {image_id} missing or damaged{_damage(folder)}"
            raise UserError(f"{where}; run or score again to make it anew")
        if (record.protocol, record.nms) != (meta["protocol"], meta["nms"]):
            raise UserError(f"{folder / NAME}: {image_id} of another protocol than the rest; run or score again")
        records[image_id] = record
        require_like(record, next(iter(records.values())), folder)
    return Run(folder, meta["detector"], meta, records)


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


def require_like(record: Record, first: Record, folder: Path) -> None:
    """One detector's code made all maps; a sweep has the same settings for every image."""
    if record.detector != first.detector:
        raise UserError(f"{folder}: {record.id} was made by another version of the detector than {first.id}; run again")
    same_thresholds = np.array_equal(record.counts.thresholds, first.counts.thresholds)
    if record.regions is not None and first.regions is not None:
        same_thresholds &= np.array_equal(record.regions.thresholds, first.regions.thresholds)
    if record.settings != first.settings or not same_thresholds:
        raise UserError(
            f"{folder}: {record.id} has {len(record.counts.thresholds)} thresholds or settings, or other ones, than"
            f" the {len(first.counts.thresholds)} of {first.id}; expected the same for every image"
        )


def _read_json(path: Path) -> Any:
    """Return what a file holds that `json_text` made: no NaN, no half characters."""
    return parsed(path.read_text(encoding="utf-8"))


def _damage(folder: Path) -> str:
    numbers = damaged_lines(folder)
    return f" (line {numbers[0]} is no record)" if numbers else ""

"""The record of one image: its counts and region measures, and the hashes of all that they were made from."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...eval.counting import BoundaryCounts
from ...eval.hashing import digest
from ...eval.regions import RegionScores
from .journal import line_of, parsed

COUNT_FIELDS = ("thresholds", "cnt_r", "sum_r", "cnt_p", "sum_p")
REGION_FIELDS = tuple(part.name for part in fields(RegionScores))
OPTIONAL = ("settings", "regions", "truth_regions", "full_map", "versions", "nms")
VERSIONED = ("contourbench", "numpy", "scipy", "scikit-image", "numba", "torch")
# What reading of files that others may have changed can come to.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Record:
    """One image's counts and region measures, and what they were made from.

    ``image``, ``truth`` and ``map`` are hashes of arrays; ``detector`` is the detector's fingerprint, empty for maps
    made elsewhere; ``protocol`` and ``nms``, the preset of suppression that the method ends with, decide the counts
    besides the arrays (older records have ``nms`` in ``protocol``). ``settings`` are the names of a sweep's settings;
    ``regions`` is None without regions, and ``truth_regions`` the hash of the true ones. ``full_map`` has matched and
    all pixels of a map that is a contour everywhere (None in older records). ``versions`` are those of the libraries
    that made the map, or counted it where it was made elsewhere (empty in older records).
    """

    id: str
    image: str
    truth: str
    detector: str
    map: str
    protocol: dict[str, Any]
    counts: BoundaryCounts
    settings: tuple[str, ...] = ()
    regions: RegionScores | None = None
    truth_regions: str = ""
    full_map: tuple[int, int] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    nms: str | None = None

    def line(self) -> str:
        """Return the record as a line of the journal."""
        values = {**asdict(self), "counts": plain(self.counts, COUNT_FIELDS)}
        if self.regions is not None:
            values["regions"] = plain(self.regions, REGION_FIELDS)
        return line_of({name: value for name, value in values.items() if name not in OPTIONAL or value})

    @classmethod
    def from_line(cls, line: str | None) -> "Record | None":
        """Return the record that a line holds; None if it holds none, so that it is made again."""
        if line is None:
            return None
        try:
            values = parsed(line)
            values["counts"] = BoundaryCounts(**values["counts"])
            values |= protocol_alone(values["protocol"], values.get("nms"))
            values["settings"] = tuple(values.get("settings", ()))
            values["full_map"] = tuple(map(int, values["full_map"])) if "full_map" in values else None
            if values.get("regions") is not None:
                values["regions"] = RegionScores(**values["regions"])
            record = cls(**values)
            _require_sound(record)
        except UNREADABLE:
            return None
        return record


def protocol_alone(held: dict[str, Any], nms: str | None = None) -> dict[str, Any]:
    """Return ``protocol`` and ``nms`` of a record or a run; older ones have in the protocol what is the method's.

    Whether maps were inverted when they were read is no part of it, either: the hash of a map is of what was counted.
    """
    protocol = {key: value for key, value in held.items() if key not in ("nms", "invert")}
    return {"protocol": protocol, "nms": held.get("nms") or nms}


def truth_hash(truth: NDArray[np.bool_]) -> str:
    """Return the hash of (G, H, W) ground truth that records hold."""
    return digest(np.packbits(truth), str(truth.shape))


def joint_hashes(records: Iterable[Record]) -> dict[str, str]:
    """Return one hash each of all images, ground truth and maps that went into a run."""
    records = list(records)
    return {key: digest(*(getattr(record, key) for record in records)) for key in ("image", "truth", "map")}


@cache
def current_versions() -> dict[str, str]:
    """Return the versions of the libraries in this process that have a say in maps and counts."""
    return {name: _version(name) for name in VERSIONED}


def pooled_versions(records: Iterable[Record], before: dict[str, str]) -> dict[str, str]:
    """Return the versions that went into a run, several of a library separated by commas.

    ``before`` speaks for older records, which say nothing of theirs.
    """
    every = [record.versions or before for record in records] or [current_versions()]
    found: dict[str, set[str]] = {}
    for name, value in (item for versions in every for item in versions.items()):
        found.setdefault(name, set()).update(value.split(", "))
    return {name: ", ".join(sorted(values)) for name, values in found.items()}


def plain(values: BoundaryCounts | RegionScores, names: Iterable[str]) -> dict[str, Any]:
    """Return some fields as JSON can hold them."""
    found = {name: getattr(values, name) for name in names}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found.items()}


def require(condition: bool) -> None:
    """Raise ``ValueError`` unless what a file holds is as expected; who reads it says which file."""
    if not condition:
        raise ValueError


def _require_sound(record: Record) -> None:
    hashes = (record.image, record.truth, record.detector, record.map, record.truth_regions)
    texts = (record.id, *hashes, *record.settings, *record.versions, *record.versions.values(), record.nms or "")
    require(all(isinstance(text, str) for text in texts) and isinstance(record.protocol, dict))
    require(record.full_map is None or len(record.full_map) == 2)
    for part in (record.counts, record.regions):
        require(part is None or (part.thresholds.ndim == 1 and bool(np.isfinite(part.thresholds).all())))
    require(len(record.counts.thresholds) > 0)
    if record.regions is not None:
        require(record.regions.area_r > 0 and record.regions.area_p > 0)
        for name in REGION_FIELDS:
            require(bool(np.isfinite(np.asarray(getattr(record.regions, name), np.float64)).all()))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

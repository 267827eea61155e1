"""Tables of scores: one frame for each data set and protocol in a results folder, which `rendering` prints."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...eval.counting import pool
from ...eval.metrics import ap_variants
from ...eval.protocol import BoundaryProtocol
from ..errors import UserError, argument
from ..runs.results import finished, load_meta, load_run
from .frames import results_frame, unfinished
from .published import published_scores

if TYPE_CHECKING:
    from pandas import DataFrame

BOUNDARY_COLUMNS = {"ods": "ODS", "ois": "OIS", "ap": "AP", "r50": "R50"}
REGION_COLUMNS = {
    "covering_ods": "covering ODS",
    "covering_ois": "OIS",
    "covering_best": "best",
    "pri_ods": "PRI ODS",
    "pri_ois": "OIS",
    "vi_ods": "VI ODS",
    "vi_ois": "OIS",
}
AP_COLUMNS = {"ap": "AP (official)", "ap_left": "AP (left end extended)", "ap_zero": "AP (with threshold 0)"}
MEASURED = "measured"  # the source of what is not published


class Table(NamedTuple):
    """The rows of one data set, split and protocol.

    ``frame`` has a row per detector: ``detector``, the scores (NaN where unknown or undefined), ``images`` (missing for
    published rows), ``source`` (``measured``, or where the row was published) and ``supervision`` (as in `published`).
    ``columns`` are the scores' columns and their headings. ``notes`` say what is not there. ``is_bsds500_test`` says
    that published BSDS500 figures may stand beside these rows: all images, the same protocol.
    """

    title: str
    frame: "DataFrame"
    columns: dict[str, str]
    notes: list[str]
    is_bsds500_test: bool = False

    @property
    def has_published(self) -> bool:
        """Whether some rows were published by others."""
        return bool((self.frame["source"] != MEASURED).any())


def make_tables(folders: Sequence[Path], published: bool = False, measure: str = "contours") -> list[Table]:
    """Return a table for each data set, split and protocol; rows from weak to strong, published ones after.

    Parameters
    ----------
    folders : sequence of Path
        Of runs.
    published : bool
        Whether to add published rows to the contour table of BSDS500 test.
    measure : {"contours", "regions", "ap"}
        The usual table; covering, PRI and VI of the runs that have regions; or the variants of AP.

    Raises
    ------
    UserError
        If a file of a run is damaged.
    """
    groups: dict[str, list[Path]] = {}
    for folder in folders:
        groups.setdefault(_title(load_meta(folder)), []).append(folder)
    if measure == "regions":
        return [_region_table(f"{title}, regions", runs) for title, runs in groups.items()]
    if measure == "ap":
        return [_ap_table(f"{title}, variants of AP", runs) for title, runs in groups.items()]
    return [_contour_table(title, runs, published) for title, runs in groups.items()]


def single_table(folders: Sequence[Path], what: str, published: bool = False) -> Table:
    """Return the contour table of runs that belong together, for a figure or page, as ``what`` says.

    Raises
    ------
    UserError
        If none is finished, or they are of several data sets or protocols.
    """
    tables = make_tables(folders)
    if len(tables) != 1:
        titles = "; ".join(table.title for table in tables) or "no finished run"
        raise UserError(f"{titles}: a {what} shows one data set and protocol, name its folder")
    return make_tables(folders, published)[0] if published and tables[0].is_bsds500_test else tables[0]


def _contour_table(title: str, folders: Sequence[Path], published: bool) -> Table:
    frame, notes = results_frame(folders), unfinished(folders)
    notes += _uneven(frame) + _remarks(frame)
    is_bsds500_test = all(_is_bsds500_test(load_meta(folder)) for folder in folders)
    if published and not is_bsds500_test:
        notes.append("published rows are of all of BSDS500 test by its own protocol; none stand here")
    table = Table(title, _measured(frame, BOUNDARY_COLUMNS), BOUNDARY_COLUMNS, notes, is_bsds500_test)
    return table._replace(frame=_with_published(table.frame)) if published and is_bsds500_test else table


def _region_table(title: str, folders: Sequence[Path]) -> Table:
    frame, notes = results_frame(folders), unfinished(folders)
    notes += _uneven(frame)
    has_regions = frame["covering_ods"].notna()
    notes += [f"{name}: contours alone, no regions to measure" for name in frame["detector"][~has_regions]]
    return Table(title, _measured(frame[has_regions], REGION_COLUMNS), REGION_COLUMNS, notes)


def _ap_table(title: str, folders: Sequence[Path]) -> Table:
    notes, folders = unfinished(folders), finished(list(folders))
    frame, runs = results_frame(folders), [load_run(folder) for folder in folders]
    variants = [ap_variants(pool(run.counts.values()), run.full_map) for run in runs]
    frame["ap_left"] = [each.left_extended for each in variants]
    frame["ap_zero"] = [float("nan") if each.threshold_zero is None else each.threshold_zero for each in variants]
    old = frame["detector"][frame["ap_zero"].isna()]
    notes += [
        f"{name}: counted by an older version; run it with {argument('fresh', True)} for the third column"
        for name in old
    ]
    return Table(title, _measured(frame, AP_COLUMNS), AP_COLUMNS, notes)


def _measured(results: "DataFrame", columns: dict[str, str]) -> "DataFrame":
    """Rows of `results_frame` as those of a table, weak to strong by the first score."""
    frame = results[["detector", *columns, "images"]].astype({"images": "Int64"})
    frame = frame.assign(source=MEASURED, supervision="none")
    return frame.sort_values(next(iter(columns)), kind="stable", ignore_index=True)


def _with_published(measured: "DataFrame") -> "DataFrame":
    from pandas import DataFrame, concat

    rows = DataFrame(published_scores()).rename(columns={"method": "detector"})
    rows = rows.reindex(columns=measured.columns).astype(measured.dtypes.to_dict())
    return concat([measured, rows], ignore_index=True)


def _uneven(frame: "DataFrame") -> list[str]:
    numbers = frame["images"].nunique()
    return ["the rows are of different numbers of images and cannot be compared"] if numbers > 1 else []


def _remarks(frame: "DataFrame") -> list[str]:
    """Explain scores that look wrong and are not."""
    notes = []
    for name in frame["detector"][(frame["ap"] == 0) & (frame["ods"] > 0)]:
        notes.append(f"{name}: AP is 0 by its definition, as an area: the curve of binary maps is a single point")
    for name in frame["detector"][frame["ois"].round(3) < frame["ods"].round(3)]:
        why = "each image's best threshold is that of its own F, and these need not add up to the best of all"
        notes.append(f"{name}: OIS may be below ODS: {why}")
    return notes


def _title(meta: dict[str, Any]) -> str:
    dataset, protocol = meta["dataset"], meta["protocol"]
    title = f"{dataset['name']} {dataset['split']}"
    title += f", {protocol['thresholds']} thresholds, max_dist {protocol['max_dist']:g}"
    return title + ("" if protocol["thin"] else ", not thinned")


def _is_bsds500_test(meta: dict[str, Any]) -> bool:
    dataset, protocol = meta["dataset"], meta["protocol"]
    whole = dataset["name"] == "BSDS500" and dataset["split"] == "test" and len(dataset["ids"]) == 200
    return whole and all(protocol.get(key) == value for key, value in asdict(BoundaryProtocol()).items())


def short(value: float) -> str:
    """Return a score with three decimals and without the leading zero; a dash for NaN."""
    return "–" if value != value else f"{value:.3f}".removeprefix("0")

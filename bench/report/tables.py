"""Tables of scores: one frame for each data set and protocol in a results folder, which `rendering` prints."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...eval.metrics import ap_variants
from ..errors import UserError, argument, listing, nearest_hint
from ..runs.evaluation_files import Evaluation
from .choice import Choice
from .entries import MEASURED, Entry
from .groups import Group, chosen_groups, ranked, strongest

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
SECONDS = {"detect_seconds": "s/image"}  # a process has one thread, so these are core-seconds
OF_MEASURE = {"contours": BOUNDARY_COLUMNS, "regions": REGION_COLUMNS, "ap": AP_COLUMNS}
# Whatever a table may be asked for, under headings that say all.
COLUMNS = {
    **BOUNDARY_COLUMNS,
    **{"precision": "precision", "recall": "recall", "ods_threshold": "threshold"},
    **{"covering_ods": "covering ODS", "covering_ois": "covering OIS", "covering_best": "covering best"},
    **{"pri_ods": "PRI ODS", "pri_ois": "PRI OIS", "vi_ods": "VI ODS", "vi_ois": "VI OIS"},
    **SECONDS,
}


class Table(NamedTuple):
    """The rows of one data set, split and protocol.

    ``frame`` has a row per detector: ``detector`` (or its label), the scores (NaN where unknown or undefined), each
    one's deviation as ``…_sd`` if it is a mean of runs, ``images`` (missing where not known), ``source`` (one of
    `entries.OURS`, or where the row was published) and ``supervision`` (as in `published`). ``columns`` are the scores'
    columns and their headings. ``notes`` say what is not there. ``is_bsds500_test`` says that published BSDS500 figures
    may stand beside these rows: all images, the same protocol. ``entries`` are those of the rows, in the same order.
    """

    title: str
    frame: "DataFrame"
    columns: dict[str, str]
    notes: list[str]
    is_bsds500_test: bool = False
    entries: tuple[Entry, ...] = ()

    @property
    def has_sources(self) -> bool:
        """Whether some rows are not of the user's own runs, so that it is said where each is from."""
        return bool((self.frame["source"] != MEASURED).any())


def make_tables(
    folders: Sequence[Path],
    measure: str = "contours",
    choice: Choice | None = None,
    columns: Sequence[str] = (),
    seconds: bool = False,
    evaluations: Sequence[Evaluation] = (),
) -> list[Table]:
    """Return a table for each data set, split and protocol: one's own rows and shipped ones, then those published.

    Parameters
    ----------
    folders : sequence of Path
        Of runs.
    measure : {"contours", "regions", "ap"}
        The usual table; covering, PRI and VI of the runs that have regions; or the variants of AP.
    choice : Choice, optional
        Which rows, in what order, under what names; all runs from weak to strong if not given. Published and shipped
        rows stand in tables of all of BSDS500 test by its own protocol only.
    columns : sequence of str
        Those of `COLUMNS` to show, in place of the measure's own.
    seconds : bool
        Whether to show core-seconds per image, too.
    evaluations : sequence of Evaluation
        Others' evaluation files. They join the runs if these are all of one data set and protocol.

    Raises
    ------
    UserError
        If a file of a run is damaged, or what is chosen is not there.
    """
    choice, headings = choice or Choice(), _headings(measure, columns, seconds)
    _require_known(choice, headings)
    groups = chosen_groups(folders, evaluations, choice)
    return [_table(group, measure, choice, headings) for group in groups]


def single_table(
    folders: Sequence[Path], what: str, choice: Choice | None = None, evaluations: Sequence[Evaluation] = ()
) -> Table:
    """Return the contour table of runs that belong together, for a figure or page, as ``what`` says.

    Raises
    ------
    UserError
        If none is finished, or they are of several data sets or protocols.
    """
    tables = make_tables(folders, choice=choice, evaluations=evaluations)
    if len(tables) != 1:
        titles = "; ".join(table.title for table in tables) or "no finished run"
        raise UserError(f"{titles}: a {what} shows one data set and protocol, name its folder")
    return tables[0]


def short(value: float) -> str:
    """Return a score with three decimals and without the leading zero; a dash for NaN."""
    return "–" if value != value else f"{value:.3f}".removeprefix("0")


def cell(column: str, value: float) -> str:
    """Return what stands in a cell: a score as `short` has it, seconds with two digits at least."""
    if column not in SECONDS or value != value:
        return short(value)
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def cells(frame: "DataFrame", column: str, between: str = " ± ") -> list[str]:
    """Return what stands in a column: each value, and its deviation where there is one."""
    values = [cell(column, value) for value in frame[column]]
    spread = frame.get(f"{column}_sd")
    if spread is None:
        return values
    return [v if sd != sd else f"{v}{between}{cell(column, sd)}" for v, sd in zip(values, spread, strict=True)]


def _headings(measure: str, columns: Sequence[str], seconds: bool) -> dict[str, str]:
    own = OF_MEASURE[measure]
    known = COLUMNS | AP_COLUMNS if measure == "ap" else COLUMNS
    for name in columns:
        if name not in known:
            hint = nearest_hint(name, list(known)) or f" (there are: {listing(list(known), 99)})"
            raise UserError(f"no such column{hint}", parameter="columns", value=name)
    shown = {name: known[name] for name in columns} or own
    return shown | (SECONDS if seconds else {})


def _require_known(choice: Choice, headings: dict[str, str]) -> None:
    known = [*{**headings, **COLUMNS}, "detector", "given"]
    if choice.sort and choice.sort not in known:
        hint = nearest_hint(choice.sort, known) or f" (there are: {listing(known, 99)})"
        raise UserError(f"no such column{hint}", parameter="sort", value=choice.sort)
    if choice.top is not None and choice.top < 1:
        raise UserError("expected at least 1", parameter="top", value=choice.top)


def _table(group: Group, measure: str, choice: Choice, columns: dict[str, str]) -> Table:
    """Return the table of a group: rows without the measure left out and noted, ordered, cut to the strongest."""
    entries, notes = group.entries, list(group.notes)
    if measure == "regions":
        without = [entry.shown for entry in entries if entry.score("covering_ods") != entry.score("covering_ods")]
        notes += [f"{name}: contours alone, no regions to measure" for name in without]
        entries = [entry for entry in entries if entry.shown not in without]
    if measure == "ap":
        entries, more = _with_ap_variants(entries)
        notes += more
    first = next(iter(columns))
    entries = ranked(strongest(entries, choice, first), choice, first)
    numbers = {entry.images for entry in entries if entry.images is not None}
    notes += ["the rows are of different numbers of images and cannot be compared"] * (len(numbers) > 1)
    notes += _remarks(entries) if measure == "contours" else []
    title = group.title + {"contours": "", "regions": ", regions", "ap": ", variants of AP"}[measure]
    return Table(title, _frame(entries, columns), columns, notes, group.is_bsds500_test, tuple(entries))


def _remarks(entries: list[Entry]) -> list[str]:
    """Explain scores that look wrong and are not."""
    notes = []
    for entry in entries:
        if entry.score("ap") == 0 < entry.score("ods"):
            why = "AP is 0 by its definition, as an area: the curve of binary maps is a single point"
            notes.append(f"{entry.shown}: {why}")
        if round(entry.score("ois"), 3) < round(entry.score("ods"), 3):
            why = "each image's best threshold is that of its own F, and these need not add up to the best of all"
            notes.append(f"{entry.shown}: OIS may be below ODS: {why}")
    return notes


def _with_ap_variants(entries: list[Entry]) -> tuple[list[Entry], list[str]]:
    found, notes = [], []
    for entry in entries:
        pooled = entry.read_pooled()
        scores = dict(entry.scores)
        if pooled is not None:
            variants = ap_variants(*pooled)
            scores["ap_left"] = variants.left_extended
            scores["ap_zero"] = float("nan") if variants.threshold_zero is None else variants.threshold_zero
        elif not entry.is_published:
            notes.append(f"{entry.shown}: evaluation files without counts, so official AP alone")
        if pooled is not None and pooled.full_map is None and entry.source == MEASURED:
            again = argument("fresh", True)
            notes.append(f"{entry.shown}: counted by an older version; run it with {again} for the third column")
        found.append(replace(entry, scores=scores))
    return found, notes


def _frame(entries: Sequence[Entry], columns: dict[str, str]) -> "DataFrame":
    from pandas import DataFrame

    spread = [f"{key}_sd" for key in columns if any(f"{key}_sd" in entry.scores for entry in entries)]
    rows = [
        {"detector": entry.shown, **{key: entry.score(key) for key in (*columns, *spread)}}
        | {"images": entry.images, "source": entry.source, "supervision": entry.supervision}
        for entry in entries
    ]
    frame = DataFrame(rows, columns=["detector", *columns, *spread, "images", "source", "supervision"])
    return frame.astype({"images": "Int64", **dict.fromkeys((*columns, *spread), "float64")})

"""What stands together: rows of one data set, split and protocol, and which of them were chosen."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...eval.protocol import BoundaryProtocol
from ..errors import UserError, argument
from ..runs.evaluation_files import Evaluation
from ..runs.results import load_meta
from .choice import Choice, fitting
from .entries import SHIPPED, Entry, evaluation_entry, published_entries, run_entries
from .frames import results_frame, unfinished
from .measured import is_test_truth, measured_entries

FILES_TITLE = "evaluation files"
LOWER_IS_BETTER = ("vi_ods", "vi_ois", "detect_seconds")


class Group(NamedTuple):
    """The rows of one table, notes on what is not there, and whether published rows may stand beside them."""

    title: str
    entries: list[Entry]
    notes: list[str]
    is_bsds500_test: bool


def chosen_groups(folders: Sequence[Path], evaluations: Sequence[Evaluation], choice: Choice) -> list[Group]:
    """Return the chosen rows of runs and evaluation files, with shipped and published ones where they may stand.

    Raises
    ------
    UserError
        If a file of a run is damaged, or the choice names what is not there.
    """
    groups = _groups(folders, evaluations)
    if choice.measured:
        groups = [_with_shipped(group) for group in groups]
    groups = _labelled(_only(groups, choice.only), choice.labels)
    if choice.mean:
        groups = [group._replace(entries=_means(group.entries)) for group in groups]
    return groups if choice.published is None else [_with_published(group, choice.published) for group in groups]


def strongest(entries: list[Entry], choice: Choice, first: str) -> list[Entry]:
    """Return the N strongest rows by the column of the order, or the ``first`` one; published rows stay."""
    if choice.top is None:
        return entries
    key = first if choice.sort in ("", "detector", "given") else choice.sort
    own = sorted((e for e in entries if not e.is_published), key=lambda e: -_strength(e, key))[: choice.top]
    return [e for e in entries if e.is_published or any(e is kept for kept in own)]


def ranked(entries: list[Entry], choice: Choice, first: str) -> list[Entry]:
    """Return rows in order: what was measured, then what was published, each from weak to strong or as chosen."""
    sign = -1 if choice.best_first else 1
    if choice.sort == "detector":
        entries = sorted(entries, key=lambda e: e.shown.lower(), reverse=choice.best_first)
    elif choice.sort != "given":
        entries = sorted(entries, key=lambda e: sign * _strength(e, choice.sort or first))
    return sorted(entries, key=lambda e: e.group)


def _strength(entry: Entry, key: str) -> float:
    """Return how good a row is by a column; one that has no value there is the weakest."""
    value = entry.score(key)
    if value != value:
        return float("-inf")
    return -value if key in LOWER_IS_BETTER else value


def _groups(folders: Sequence[Path], evaluations: Sequence[Evaluation]) -> list[Group]:
    of_title: dict[str, list[Path]] = {}
    for folder in folders:
        of_title.setdefault(_title(load_meta(folder)), []).append(folder)
    groups = []
    for title, runs in of_title.items():
        whole = all(_is_bsds500_test(load_meta(folder)) for folder in runs)
        groups.append(Group(title, run_entries(results_frame(runs).to_dict("records")), unfinished(runs), whole))
    if evaluations and len(groups) != 1:
        whole = all(found.counts is not None and is_test_truth(found.counts) for found in evaluations)
        groups.append(Group(FILES_TITLE + ", BSDS500 test" * whole, [], [], whole))
    if evaluations:
        names = ", ".join(found.name for found in evaluations)
        groups[-1].entries.extend(map(evaluation_entry, evaluations))
        groups[-1].notes.append(f"{names}: from evaluation files, which do not say by which protocol, or on which data")
    return groups


def _with_shipped(group: Group) -> Group:
    if not group.is_bsds500_test:
        line = "the rows shipped with contourbench are of all of BSDS500 test by its own protocol; none stand here"
        return group._replace(notes=[*group.notes, line])
    own = {entry.name for entry in group.entries}
    shipped = measured_entries()
    taken = [f"{e.name}: the run given here stands, not the row that is shipped" for e in shipped if e.name in own]
    entries = group.entries + [entry for entry in shipped if entry.name not in own]
    return group._replace(entries=entries, notes=group.notes + taken)


def _with_published(group: Group, patterns: Sequence[str]) -> Group:
    published = published_entries(patterns)
    if group.is_bsds500_test:
        return group._replace(entries=group.entries + published)
    line = "published rows are of all of BSDS500 test by its own protocol; none stand here"
    return group._replace(notes=[*group.notes, line])


def _only(groups: list[Group], patterns: Sequence[str]) -> list[Group]:
    """Return the groups with the rows whose names fit a pattern, and those groups that have any."""
    if not patterns:
        return groups
    kept = fitting([entry for group in groups for entry in group.entries], patterns, "only", lambda entry: entry.name)
    chosen = [group._replace(entries=[e for e in group.entries if any(e is k for k in kept)]) for group in groups]
    return [group for group in chosen if group.entries]


def _labelled(groups: list[Group], labels: Sequence[str] | None) -> list[Group]:
    """Return the groups with a label for each of one's own rows, in the order in which they were found."""
    if labels is None:
        return groups
    own = [entry.name for group in groups for entry in group.entries if entry.source != SHIPPED]
    if len(labels) != len(own):
        raise UserError(f"{argument('labels')}: {len(labels)} for {len(own)} runs ({', '.join(own)})")
    label = iter(labels)
    return [
        group._replace(entries=[e if e.source == SHIPPED else replace(e, label=next(label)) for e in group.entries])
        for group in groups
    ]


def _means(entries: list[Entry]) -> list[Entry]:
    """Return one entry for those that are called the same: means, sample deviations as ``…_sd``, images summed."""
    alike: dict[str, list[Entry]] = {}
    for entry in entries:
        alike.setdefault(entry.shown, []).append(entry)
    return [_mean(name, same) if len(same) > 1 else same[0] for name, same in alike.items()]


def _mean(name: str, entries: list[Entry]) -> Entry:
    scores: dict[str, Any] = {}
    for key in (key for key, value in entries[0].scores.items() if isinstance(value, int | float)):
        values = [entry.score(key) for entry in entries]
        scores |= {key: float(np.mean(values)), f"{key}_sd": float(np.std(values, ddof=1))}
    images = [entry.images for entry in entries]
    total = None if None in images else sum(images)
    return Entry(f"{name} ({len(entries)} runs)", scores, total, entries[0].source)


def _title(meta: dict[str, Any]) -> str:
    dataset, protocol = meta["dataset"], meta["protocol"]
    title = f"{dataset['name']} {dataset['split']}"
    title += f", {protocol['thresholds']} thresholds, max_dist {protocol['max_dist']:g}"
    return title + ("" if protocol["thin"] else ", not thinned")


def _is_bsds500_test(meta: dict[str, Any]) -> bool:
    dataset, protocol = meta["dataset"], meta["protocol"]
    whole = dataset["name"] == "BSDS500" and dataset["split"] == "test" and len(dataset["ids"]) == 200
    return whole and all(protocol.get(key) == value for key, value in asdict(BoundaryProtocol()).items())

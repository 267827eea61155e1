"""Commands that look at finished runs: tables, figures, comparisons, pages."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .messages import as_options
from .options import (
    SharedOptions,
    add_truth,
    data_options,
    dataset_of,
    detector_options,
    detectors_of,
    figure_path,
    labels_of,
    picture_options,
    protocol_of,
    work_options,
    workers_of,
)
from .parsing import Commands

if TYPE_CHECKING:
    from ..datasets.base import Dataset
    from ..report.choice import Choice
    from ..report.tables import Table
    from ..runs.results import Run

RESULTS_HELP = "folders of results, or evaluation files of others: eval_bdry.txt, NAME_bdry_thr.txt, <id>_ev1.txt"
MEASURED_HELP = "add what contourbench measured on BSDS500 test, if the results are of all of it"


def add_commands(commands: Commands, shared: SharedOptions) -> None:
    """Add the parsers of these commands."""
    _add_table(commands)
    _add_curves(commands)

    compare = commands.add_parser("compare", help="is the difference of two runs real? intervals, tests, images")
    compare.add_argument("first", type=Path, metavar="A", help="folder of a run, or of <id>_ev1.txt files of others")
    compare.add_argument("second", type=Path, metavar="B", help="another one, on the same images")
    compare.add_argument("--samples", type=int, default=1000, metavar="N", help="random draws (default: 1000)")
    compare.add_argument("--seed", type=int, default=0, metavar="S", help="of the draws (default: 0)")
    compare.add_argument("--out", type=Path, metavar="FIGURE", help="also draw each image's best F: .png, .pdf or .svg")
    compare.set_defaults(action=_compare)
    _add_gallery(commands, shared)

    page = commands.add_parser("page", help="write the results as one HTML file: table, curves, images")
    page.add_argument("results", nargs="*", type=Path, default=[Path("results")], metavar="RESULTS")
    page.add_argument("--measured", action="store_true", help=MEASURED_HELP)
    page.add_argument("--data", metavar="PATH", help="scenes, or the folder of the runs' images (default: no pictures)")
    page.add_argument("--out", type=Path, metavar="PAGE", help="(default: RESULTS/page.html)")
    page.add_argument("--images", type=int, default=12, metavar="N", help="images to show (default: 12)")
    add_truth(page)
    page.set_defaults(action=_page)

    film = commands.add_parser(
        "film",
        parents=[data_options(part=False), picture_options()],
        help="a field being fitted to an image, over the iterations",
    )
    film.add_argument("image", metavar="ID", help="image of the data set")
    film.add_argument("--iterations", nargs="+", type=int, default=[10, 50, 100, 200, 400], metavar="N")
    film.add_argument("--layers", type=int, default=4, help="of the encoder, 3 or 4 (default: 4)")
    film.add_argument("--seed", type=int, default=0, metavar="S")
    film.add_argument("--out", type=Path, default=Path("film.png"), metavar="FIGURE", help=".png, .pdf or .svg")
    film.set_defaults(action=_film)

    human = commands.add_parser(
        "human", parents=[shared.data, shared.protocol, shared.work], help="how well annotators agree with one another"
    )
    human.set_defaults(action=_human)

    detectors = commands.add_parser("detectors", help="list the known detectors and their parameters")
    detectors.set_defaults(action=_detectors)


def _row_options() -> argparse.ArgumentParser:
    """Return the options that say which rows stand in a table or a figure, to be a parent of both commands."""
    rows = argparse.ArgumentParser(add_help=False)
    rows.add_argument("results", nargs="*", type=Path, default=[Path("results")], metavar="RESULTS", help=RESULTS_HELP)
    rows.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these rows alone; * is any letters")
    rows.add_argument("--top", type=int, metavar="N", help="the N strongest alone")
    rows.add_argument("--labels", nargs="+", metavar="TEXT", help="in place of the names, one for each run")
    rows.add_argument("--measured", action="store_true", help=MEASURED_HELP)
    rows.add_argument(
        "--published",
        nargs="*",
        metavar="NAME",
        help="add published rows: label-free ones and people, or those named",
    )
    rows.add_argument("--best-first", action="store_true", help="from strong to weak (default: weak to strong)")
    return rows


def _add_table(commands: Commands) -> None:
    table = commands.add_parser("table", parents=[_row_options()], help="print the contour table of some results")
    table.add_argument("--format", choices=("text", "md", "csv", "latex"), default="text")
    table.add_argument("--columns", nargs="+", default=[], metavar="COLUMN", help="such as ods precision vi_ods")
    table.add_argument("--sort", default="", metavar="COLUMN", help="a column, detector or given (default: the first)")
    table.add_argument("--seconds", action="store_true", help="add core-seconds per image")
    table.add_argument("--mean", action="store_true", help="mean ± deviation of runs of one name, as on several splits")
    measure = table.add_mutually_exclusive_group()
    table.set_defaults(measure="contours", action=_table)
    for flag, value, text in (
        ("--regions", "regions", "covering, PRI and VI of the runs that make regions"),
        ("--ap-variants", "ap", "what papers call AP, side by side"),
        ("--per-image", "images", "what each run scored on every image, by id"),
    ):
        measure.add_argument(flag, dest="measure", action="store_const", const=value, help=text)


def _add_curves(commands: Commands) -> None:
    parents = [_row_options(), picture_options()]
    curves = commands.add_parser("curves", parents=parents, help="draw the precision-recall figure of some results")
    curves.add_argument("--out", type=Path, metavar="FIGURE", help=".png, .pdf or .svg (default: RESULTS/curves.png)")
    curves.add_argument(
        "--width", type=float, default=4.8, metavar="INCHES", help="of the figure: column 3.3, page 6.9 (default: 4.8)"
    )
    curves.add_argument("--columns", type=int, metavar="N", help="of the legend (default: as there is room)")
    curves.add_argument("--dashed", nargs="+", default=[], metavar="LABEL", help="runs to draw dashed")
    curves.set_defaults(action=_curves)


def _add_gallery(commands: Commands, shared: SharedOptions) -> None:
    parents = [shared.data, work_options(scheduler=False), detector_options(), picture_options()]
    gallery = commands.add_parser("gallery", parents=parents, help="image, ground truth and detectors side by side")
    gallery.add_argument(
        "results", nargs="+", metavar="RUN", help="a column each: folders of runs, or detectors, which are then run"
    )
    gallery.add_argument("--images", nargs="+", default=[], metavar="ID", help="a row each (default: the first three)")
    gallery.add_argument("--matches", action="store_true", help="show hits, false alarms and misses, not the maps")
    gallery.add_argument("--out", type=Path, default=Path("gallery.png"), metavar="FIGURE", help=".png, .pdf or .svg")
    gallery.add_argument("--labels", nargs="+", metavar="TEXT", help="above the columns, one for each run")
    gallery.add_argument("--width", type=float, default=6.9, metavar="INCHES", help="of the sheet (default: 6.9)")
    gallery.add_argument("--keep", type=Path, metavar="DIR", help="where to keep what named detectors make, for later")
    gallery.set_defaults(action=_gallery)


def _choice(options: argparse.Namespace) -> "Choice":
    from ..report.choice import Choice

    return Choice(
        only=options.only,
        top=options.top,
        published=options.published,
        measured=options.measured,
        labels=options.labels,
        sort=getattr(options, "sort", ""),
        best_first=options.best_first,
        mean=getattr(options, "mean", False),
    )


def _table(options: argparse.Namespace) -> None:
    from ..report.entries import find_results
    from ..report.tables import make_tables

    found = find_results(options.results)
    if options.measure == "images":
        _print_images(options, found.runs)
        return
    choice = _choice(options)
    tables = make_tables(
        found.runs, options.measure, choice, options.columns, options.seconds, evaluations=found.evaluations
    )
    for i, table in enumerate(tables):
        if i > 0:
            print()
        print_table(table, options.format)


def _print_images(options: argparse.Namespace, folders: list[Path]) -> None:
    """Print what runs scored on every image, as csv unless text or markdown is asked for."""
    from ..report.image_table import image_table

    given = {"only": options.only, "top": options.top, "labels": options.labels, "published": options.published}
    given |= {"measured": options.measured, "mean": options.mean, "seconds": options.seconds}
    wrong = [name for name, value in given.items() if value not in (None, False, [])]
    if wrong:
        raise UserError(f"--{wrong[0]}: not with --per-image, which shows every image of every run")
    print(image_table(folders, options.format, options.columns, options.sort, options.best_first), end="")


def print_table(table: "Table", style: str = "text") -> None:
    """Print a table on stdout, and its notes on stderr."""
    from ..report.rendering import render

    print(render(table, style), end="")
    for line in table.notes:
        print(f"note: {as_options(line)}", file=sys.stderr)


def _curves(options: argparse.Namespace) -> None:
    from ..report.curves import entry_lines, write_curves
    from ..report.entries import find_results
    from ..report.tables import single_table
    from ..runs.results import finished

    out = figure_path(options.out or _folder(options.results[0]) / "curves.png", options.width, options.dpi)
    if options.columns is not None and options.columns < 1:
        raise UserError(f"--columns {options.columns}: expected at least 1")
    runs, evaluations = find_results(options.results)
    table = single_table(finished(runs), "figure", _choice(options), evaluations)
    labels = [entry.shown for entry in table.entries if not entry.is_published]
    unknown = [label for label in options.dashed if label not in labels]
    if unknown:
        raise UserError(f"--dashed {unknown[0]}: no such run or label (there are: {', '.join(labels)})")
    for line in table.notes:
        print(f"note: {as_options(line)}", file=sys.stderr)
    lines = entry_lines(table.entries, options.dashed)
    if not lines:
        raise UserError(f"{options.results[0]}: no curve to draw")
    write_curves(lines, out, table.is_bsds500_test, options.width, options.dpi, options.columns)
    print(out)


def _folder(place: Path) -> Path:
    return place if place.is_dir() else place.parent


def _compare(options: argparse.Namespace) -> None:
    from ..report.comparison import compare_runs, comparison_text, draw_comparison, load_compared

    if options.samples < 1:
        raise UserError(f"--samples {options.samples}: expected at least 1")
    figure = figure_path(options.out) if options.out else None
    first, second = load_compared(options.first), load_compared(options.second)
    found = compare_runs(first, second, options.samples, options.seed)
    print(comparison_text(found), end="")
    if figure:
        draw_comparison(found, figure)
        print(f"{options.out}: each image's best F", file=sys.stderr)


def _gallery(options: argparse.Namespace) -> None:
    from tempfile import TemporaryDirectory

    from ..report.gallery import draw_gallery, run_few

    out = figure_path(options.out, options.width, options.dpi)
    options.detectors = [name for name in options.results if not _is_folder(name)]
    stored = {name: _finished_runs(Path(name)) for name in options.results if name not in options.detectors}
    dataset = _gallery_data(options, [run for runs in stored.values() for run in runs])
    named = iter(detectors_of(options) if options.detectors else [])
    # The first run says which images there are, if there is one.
    ids, runs = options.images or (list(dataset.ids[:3]) if options.detectors else []), []
    with TemporaryDirectory(prefix="contourbench-") as scratch, workers_of(options, dataset) as workers:
        for name in options.results:
            if name in options.detectors:
                runs.append(run_few(next(named), dataset, ids, options.keep or Path(scratch), workers))
            else:
                runs += stored[name]
        labels = labels_of(options, [run.name for run in runs])
        draw_gallery(runs, dataset, ids, out, options.matches, labels, options.width, options.dpi)
    print(out)


def _finished_runs(folder: Path) -> "list[Run]":
    from ..runs.results import find_runs, finished, load_run

    folders = finished(find_runs(folder))
    if not folders:
        raise UserError(f"{folder}: no finished run in it")
    return [load_run(each) for each in folders]


def _gallery_data(options: argparse.Namespace, runs: "list[Run]") -> "Dataset":
    """Return the data set of the pictures: the split of the stored runs, which must be the one that was asked for."""
    splits = {run.meta["dataset"]["split"] for run in runs}
    for run in runs:
        split = run.meta["dataset"]["split"]
        if options.split and split != options.split:
            raise UserError(f"--split {options.split}: {run.folder} is on {run.meta['dataset']['name']} {split}")
    if len(splits) == 1 and splits != {"test"}:
        options.split = splits.pop()
    return dataset_of(options)


def _is_folder(name: str) -> bool:
    """Whether a column of the gallery is a folder of runs, not a detector; what looks like a path must be one."""
    if Path(name).is_dir():
        return True
    if "/" in name.partition("(")[0]:
        raise UserError(f"{name}: no such folder of runs")
    return False


def _page(options: argparse.Namespace) -> None:
    from ..datasets.opening import open_dataset
    from ..report.entries import find_results
    from ..report.page import write_page
    from ..runs.results import finished, load_run

    found = find_results(options.results)
    runs = [load_run(folder) for folder in finished(found.runs)]
    dataset = None
    if options.data and runs:
        dataset = open_dataset(options.data, runs[0].meta["dataset"]["split"], truth=options.truth)
    out = options.out or _folder(options.results[0]) / "page.html"
    write_page(runs, dataset, out, options.images, found.evaluations, options.measured)
    print(out)


def _film(options: argparse.Namespace) -> None:
    from ..report.film import draw_film

    out, dataset = figure_path(options.out, dpi=options.dpi), dataset_of(options)
    if options.image not in dataset.ids:
        raise UserError(f"{options.image}: not an image of {dataset.name} {dataset.split}")
    draw_film(dataset.image(options.image), tuple(options.iterations), options.layers, options.seed, out, options.dpi)
    print(out)


def _human(options: argparse.Namespace) -> None:
    from ..report.human import agreement_text

    dataset, protocol = dataset_of(options), protocol_of(options)
    with workers_of(options, dataset) as workers:
        print(agreement_text(dataset, protocol, workers), end="")


def _detectors(options: argparse.Namespace) -> None:
    from ..methods.names import describe, known_detectors

    for name in sorted(known_detectors()):
        print(describe(name))

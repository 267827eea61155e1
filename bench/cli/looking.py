"""Commands that look at finished runs: tables, figures, comparisons, pages."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError, note
from .messages import as_options
from .options import (
    SharedOptions,
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
    from ..report.tables import Table


def add_commands(commands: Commands, shared: SharedOptions) -> None:
    """Add the parsers of these commands."""
    table = commands.add_parser("table", help="print the contour table of some results")
    table.add_argument("results", nargs="*", type=Path, default=[Path("results")], metavar="RESULTS")
    table.add_argument("--format", choices=("text", "md", "csv", "latex"), default="text")
    table.add_argument("--published", action="store_true", help="add published rows, with their sources")
    measure = table.add_mutually_exclusive_group()
    measure.add_argument(
        "--regions",
        dest="measure",
        action="store_const",
        const="regions",
        help="covering, PRI and VI of the runs that make regions",
    )
    measure.add_argument(
        "--ap-variants", dest="measure", action="store_const", const="ap", help="what papers call AP, side by side"
    )
    table.set_defaults(measure="contours")
    table.set_defaults(action=_table)

    curves = commands.add_parser("curves", help="draw the precision-recall figure of some results")
    curves.add_argument("results", nargs="*", type=Path, default=[Path("results")], metavar="RESULTS")
    curves.add_argument("--out", type=Path, metavar="FIGURE", help=".png, .pdf or .svg (default: RESULTS/curves.png)")
    curves.add_argument("--published", action="store_true", help="add published curves")
    curves.add_argument("--width", type=float, default=4.8, metavar="INCHES", help="of the figure (default: 4.8)")
    curves.add_argument("--labels", nargs="+", metavar="TEXT", help="in the legend, one for each run, for their names")
    curves.add_argument("--dashed", nargs="+", default=[], metavar="LABEL", help="runs to draw dashed")
    curves.set_defaults(action=_curves)

    compare = commands.add_parser("compare", help="is the difference of two runs real? intervals, tests, images")
    compare.add_argument("first", type=Path, metavar="A", help="folder of a run, such as results/canny")
    compare.add_argument("second", type=Path, metavar="B", help="folder of a run on the same images")
    compare.add_argument("--samples", type=int, default=1000, metavar="N", help="random draws (default: 1000)")
    compare.add_argument("--seed", type=int, default=0, metavar="S", help="of the draws (default: 0)")
    compare.add_argument("--out", type=Path, metavar="FIGURE", help="also draw each image's best F: .png, .pdf or .svg")
    compare.set_defaults(action=_compare)
    _add_gallery(commands, shared)

    page = commands.add_parser("page", help="write the results as one HTML file: table, curves, images")
    page.add_argument("results", nargs="*", type=Path, default=[Path("results")], metavar="RESULTS")
    page.add_argument("--data", metavar="PATH", help="scenes, or the folder of the runs' images (default: no pictures)")
    page.add_argument("--out", type=Path, metavar="PAGE", help="(default: RESULTS/page.html)")
    page.add_argument("--images", type=int, default=12, metavar="N", help="images to show (default: 12)")
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


def _table(options: argparse.Namespace) -> None:
    from ..report.tables import make_tables
    from ..runs.results import find_runs

    folders = [run for folder in options.results for run in find_runs(folder)]
    for i, table in enumerate(make_tables(list(dict.fromkeys(folders)), options.published, options.measure)):
        if i > 0:
            print()
        print_table(table, options.format)


def print_table(table: "Table", style: str = "text") -> None:
    """Print a table on stdout, and its notes on stderr."""
    from ..report.rendering import render

    print(render(table, style), end="")
    for line in table.notes:
        print(f"note: {as_options(line)}", file=sys.stderr)


def _curves(options: argparse.Namespace) -> None:
    from ..report.curves import write_curves
    from ..report.tables import single_table
    from ..runs.results import find_runs, finished, load_run

    out = figure_path(options.out or options.results[0] / "curves.png", options.width)
    folders = finished([run for folder in options.results for run in find_runs(folder)])
    bsds500 = single_table(folders, "figure").is_bsds500_test
    runs = [load_run(folder) for folder in folders]
    labels = labels_of(options, [run.name for run in runs])
    unknown = [label for label in options.dashed if label not in labels]
    if unknown:
        raise UserError(f"--dashed {unknown[0]}: no such run or label (there are: {', '.join(labels)})")
    if options.published and not bsds500:
        note("note: published curves are of all of BSDS500 test by its own protocol; none are drawn here")
    published = options.published and bsds500
    write_curves(runs, out, published, bsds500, options.width, labels, options.dashed)
    print(out)


def _compare(options: argparse.Namespace) -> None:
    from ..report.comparison import compare_runs, comparison_text, draw_comparison
    from ..runs.results import load_run

    if options.samples < 1:
        raise UserError(f"--samples {options.samples}: expected at least 1")
    figure = figure_path(options.out) if options.out else None
    found = compare_runs(load_run(options.first), load_run(options.second), options.samples, options.seed)
    print(comparison_text(found), end="")
    if figure:
        draw_comparison(found, figure)
        print(f"{options.out}: each image's best F", file=sys.stderr)


def _gallery(options: argparse.Namespace) -> None:
    from tempfile import TemporaryDirectory

    from ..report.gallery import draw_gallery, run_few
    from ..runs.results import find_runs, finished, load_run

    out, dataset = figure_path(options.out, options.width, options.dpi), dataset_of(options)
    options.detectors = [name for name in options.results if not _is_folder(name)]
    named = iter(detectors_of(options) if options.detectors else [])
    # The first run says which images there are, if there is one.
    ids, runs = options.images or (list(dataset.ids[:3]) if options.detectors else []), []
    with TemporaryDirectory(prefix="contourbench-") as scratch, workers_of(options, dataset) as workers:
        for name in options.results:
            if name in options.detectors:
                runs.append(run_few(next(named), dataset, ids, options.keep or Path(scratch), workers))
                continue
            folders = finished(find_runs(Path(name)))
            if not folders:
                raise UserError(f"{name}: no finished run in it")
            runs += [load_run(folder) for folder in folders]
        labels = labels_of(options, [run.name for run in runs])
        draw_gallery(runs, dataset, ids, out, options.matches, labels, options.width, options.dpi)
    print(out)


def _is_folder(name: str) -> bool:
    """Whether a column of the gallery is a folder of runs, not a detector; what looks like a path must be one."""
    if Path(name).is_dir():
        return True
    if "/" in name.partition("(")[0]:
        raise UserError(f"{name}: no such folder of runs")
    return False


def _page(options: argparse.Namespace) -> None:
    from ..datasets.opening import open_dataset
    from ..report.page import write_page
    from ..runs.results import find_runs, finished, load_run

    folders = finished([run for folder in options.results for run in find_runs(folder)])
    runs = [load_run(folder) for folder in folders]
    dataset = open_dataset(options.data, runs[0].meta["dataset"]["split"]) if options.data and runs else None
    out = options.out or options.results[0] / "page.html"
    write_page(runs, dataset, out, options.images)
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

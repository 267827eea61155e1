"""Commands that make results: run detectors, score saved maps, put shards together, convert."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from ..errors import RunFailed, UserError
from ..runs.guards import require_time_limit, sole_writer
from .looking import print_table
from .options import (
    DEFAULT_DETECTORS,
    SharedOptions,
    add_kind,
    dataset_of,
    detector_options,
    detectors_of,
    is_part,
    protocol_of,
    suppression_options,
    workers_of,
)
from .parsing import Commands

FRESH = "compute all anew, also what seems unchanged"


def add_commands(commands: Commands, shared: SharedOptions) -> None:
    """Add the parsers of these commands."""
    run = commands.add_parser(
        "run",
        parents=[shared.data, shared.choice, shared.protocol, shared.work, detector_options(), suppression_options()],
        help="run detectors on a data set and score them",
    )
    usual = ", ".join(DEFAULT_DETECTORS)
    run.add_argument(
        "detectors",
        nargs="*",
        metavar="DETECTOR",
        help=f"such as canny, sobel(sigma=2), my.module:detect (default: {usual})",
    )
    run.add_argument("--out", type=Path, default=Path("results"), help="results folder (default: results)")
    run.add_argument("--fresh", action="store_true", help=FRESH)
    run.add_argument("--time-limit", type=float, metavar="S", help="a detector fails on an image after S seconds")
    run.add_argument("--batch", type=int, default=1, metavar="N", help="N images at once, for a GPU (default: 1)")
    run.set_defaults(action=_run)

    score = commands.add_parser(
        "score",
        parents=[shared.data, shared.choice, shared.protocol, shared.work, suppression_options()],
        help="score a folder of saved contour maps",
    )
    score.add_argument(
        "predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy, .npz or .mat, named by image id"
    )
    score.add_argument("--name", help="name in the table (default: the folder's)")
    score.add_argument("--out", type=Path, help="folder for scores and counts (default: results/NAME)")
    score.add_argument("--fresh", action="store_true", help=FRESH)
    score.add_argument("--invert", action="store_true", help="the maps are 0 on contours and 1 elsewhere")
    add_kind(score)
    score.set_defaults(action=_score)

    merge = commands.add_parser("merge", help="put the shards of a run together")
    merge.add_argument("shards", nargs="+", type=Path, metavar="RUN", help="folders of runs over different images")
    merge.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder to make")
    merge.set_defaults(action=_merge)

    convert = commands.add_parser("convert", help="write predictions in another format, such as segs for MATLAB")
    convert.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy, .npz or .mat")
    convert.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    convert.add_argument("--format", choices=("mat", "npz", "npy", "png"), required=True)
    add_kind(convert)
    convert.set_defaults(action=_convert)


def _run(options: argparse.Namespace) -> None:
    from ..runs.api import run_detectors

    require_time_limit(options.time_limit)
    if options.scheduler and options.time_limit is not None:
        raise UserError("--time-limit: not with --scheduler, whose workers have no alarms; leave one out")
    detectors, dataset, protocol = detectors_of(options), dataset_of(options), protocol_of(options)
    out = options.out.resolve() if options.scheduler else options.out  # workers have another working directory
    failure = None
    with workers_of(options, dataset) as workers:
        try:
            run_detectors(detectors, dataset, protocol, out, workers, options.batch, options.fresh, options.time_limit)
        except RunFailed as error:  # the table of the others is written all the same
            failure = error
    with sole_writer(out, wait=True):
        _write_set(out)
    if failure:
        raise failure


def _write_set(out: Path) -> None:
    """Write table and figure of the finished runs in a results folder, and print the table."""
    from ..files.atomic import write_text
    from ..report.curves import write_curves
    from ..report.rendering import render
    from ..report.tables import make_tables
    from ..runs.results import find_runs, finished, load_run

    folders = finished([folder for folder in find_runs(out) if folder.parent == out])
    if not folders:
        return
    (contours,), (regions,) = make_tables(folders), make_tables(folders, measure="regions")
    tables = {"table": contours} | ({"regions": regions} if len(regions.frame) else {})
    for name, table in tables.items():
        write_text(out / f"{name}.csv", render(table, "csv"))
        write_text(out / f"{name}.md", render(table, "md"))
    write_curves([load_run(folder) for folder in folders], out / "curves.png", human=contours.is_bsds500_test)
    print_table(contours)
    files = ", ".join(f"{name}.csv, {name}.md" for name in tables)
    print(f"{out}: {files}, curves.png and a folder per detector", file=sys.stderr)


def _score(options: argparse.Namespace) -> None:
    from ..report.tables import make_tables
    from ..runs.api import score_maps

    dataset, protocol = dataset_of(options), protocol_of(options)
    far = bool(options.scheduler)  # workers have another working directory
    with workers_of(options, dataset) as workers:
        run = score_maps(
            options.predictions.resolve() if far else options.predictions,
            dataset,
            protocol,
            options.out.resolve() if far and options.out else options.out,
            workers,
            name=options.name,
            nms=options.nms,
            invert=options.invert,
            kind=options.kind,
            fresh=options.fresh,
            partial=is_part(options),
        )
    (table,) = make_tables([run.folder])
    print_table(table)
    (regions,) = make_tables([run.folder], measure="regions")
    if len(regions.frame):
        print()
        print_table(regions)
    texts = ", ".join(sorted(path.name for path in run.folder.glob("eval_*.txt")))
    print(f"{run.folder}: scores.json, run.json, {texts}", file=sys.stderr)


def _merge(options: argparse.Namespace) -> None:
    from ..report.tables import make_tables
    from ..runs.merge import merge_shards

    merge_shards(options.shards, options.out)
    (table,) = make_tables([options.out])
    print_table(table)
    print(f"{options.out}: one run of {len(options.shards)} shards", file=sys.stderr)


def _convert(options: argparse.Namespace) -> None:
    from ..files.folders import make_writable
    from ..files.predictions import find_predictions, read_prediction, write_prediction

    files = find_predictions(options.predictions)
    targets = {image_id: options.out / f"{image_id}.{options.format}" for image_id in files}
    for target in targets.values():
        if target.exists():
            raise UserError(f"{target}: exists already; choose another folder")
    make_writable(options.out, f"OUT {options.out}")
    try:
        for image_id, path in files.items():
            write_prediction(targets[image_id], read_prediction(path, kind=options.kind))
    except UserError:
        with suppress(OSError):  # what holds something stays
            options.out.rmdir()
        raise
    print(options.out)

"""The ``contourbench`` command: parse, call one function, print. Data on stdout, messages on stderr.

Only the standard library is imported up here, so that ``--help`` is instant.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from . import cli_look
from .errors import RunFailed, UserError
from .guards import orderly_end, sole_writer
from .options import (
    data_options,
    dataset_of,
    detector_options,
    detectors_of,
    protocol_of,
    protocol_options,
    work_options,
    workers_of,
)

if TYPE_CHECKING:
    from .report import Section

INTERRUPTED = 130
FRESH = "compute all anew, also what seems unchanged"
NMS_PRESETS = ("none", "hed", "sed", "rcf", "dexined", "teed", "ac")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 some images failed, 2 a user's mistake, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our dashes is no reason to fail
    options = _parser().parse_args(arguments)
    try:
        with orderly_end():
            options.action(options)
        sys.stdout.flush()
    except BrokenPipeError:  # as in `contourbench table | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UserError as error:
        return _complain(error, 2)
    except (RunFailed, OSError) as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        print("\ninterrupted; finished images are kept, the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    return 0


def entry() -> NoReturn:
    """Run the command and end the process; when interrupted, without waiting for what a pool in the middle holds."""
    code = main()
    if code == INTERRUPTED:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _complain(error: Exception, code: int) -> int:
    for line in str(error).splitlines():
        print(f"contourbench: {line}", file=sys.stderr)
    return code


def _run(options: argparse.Namespace) -> None:
    from .checks import require_same_run, require_same_set
    from .files import make_writable
    from .runner import Job, run_job
    from .store import folder_name

    detectors = {d.name: d for d in detectors_of(options)}
    dataset, protocol = dataset_of(options), protocol_of(options)
    workers = workers_of(options, dataset)
    options.out = options.out.resolve() if options.scheduler else options.out
    jobs = [
        Job(
            d,
            dataset,
            protocol,
            options.out / folder_name(name),
            fresh=options.fresh,
            time_limit=options.time_limit,
            batch=options.batch if d.batch else 1,
        )
        for name, d in detectors.items()
    ]
    require_same_set(options.out, jobs)
    for job in jobs:
        require_same_run(job)
    make_writable(options.out, f"--out {options.out}")
    failures = []
    with workers:
        for job in jobs:
            try:
                run_job(job, workers, job.source.name)
            except RunFailed as error:
                failures.append(str(error))
    with sole_writer(options.out, wait=True):
        _write_set(options.out)
    if failures:
        raise RunFailed("\n".join(failures))


def _write_set(out: Path) -> None:
    """Write table and figure of the finished runs in a results folder, and print the table."""
    from .curves import draw_curves
    from .files import write_text
    from .report import render, sections
    from .store import find_runs, finished, load_run

    folders = finished([folder for folder in find_runs(out) if folder.parent == out])
    if not folders:
        return
    (section,), (regions,) = sections(folders), sections(folders, measure="regions")
    tables = {"table": section} | ({"regions": regions} if regions.rows else {})
    for name, table in tables.items():
        write_text(out / f"{name}.csv", render(table, "csv"))
        write_text(out / f"{name}.md", render(table, "md"))
    draw_curves([load_run(folder) for folder in folders], out / "curves.png", human=section.is_bsds500_test)
    _print_section(section)
    files = ", ".join(f"{name}.csv, {name}.md" for name in tables)
    print(f"{out}: {files}, curves.png and a folder per detector", file=sys.stderr)


def _score(options: argparse.Namespace) -> None:
    from .checks import check_saved_maps, require_same_run
    from .files import make_writable
    from .predictions import find_predictions, match_ids
    from .report import sections
    from .runner import Job, SavedMaps, run_job
    from .store import folder_name

    dataset, protocol = dataset_of(options), protocol_of(options)
    workers = workers_of(options, dataset)
    folder = options.predictions
    files = find_predictions(folder)
    match_ids(files, dataset.ids, folder, partial=options.limit is not None or options.shard is not None)
    resolved = folder.resolve()
    name = options.name or (resolved.parent.name if resolved.name == "maps" else resolved.name)
    out = options.out or Path("results") / folder_name(name)
    out = out.resolve() if options.scheduler else out
    nms = None if options.nms == "none" else options.nms
    source = SavedMaps(name, folder, {i: files[i].resolve() if options.scheduler else files[i] for i in dataset.ids})
    job = Job(source, dataset, protocol, out, nms, options.invert, options.fresh)
    require_same_run(job)
    check_saved_maps(job)
    make_writable(out, f"--out {out}")
    with workers:
        run_job(job, workers, name)
    (section,) = sections([out])
    _print_section(section)
    (regions,) = sections([out], measure="regions")
    if regions.rows:
        print()
        _print_section(regions)
    texts = ", ".join(sorted(path.name for path in out.glob("eval_*.txt")))
    print(f"{out}: scores.json, run.json, {texts}", file=sys.stderr)


def _merge(options: argparse.Namespace) -> None:
    from .merge import merge_shards
    from .report import sections

    merge_shards(options.shards, options.out)
    (section,) = sections([options.out])
    _print_section(section)


def _table(options: argparse.Namespace) -> None:
    from .report import sections
    from .store import find_runs

    folders = [run for folder in options.results for run in find_runs(folder)]
    for i, section in enumerate(sections(list(dict.fromkeys(folders)), options.published, options.measure)):
        if i > 0:
            print()
        _print_section(section, options.format)


def _print_section(section: "Section", style: str = "text") -> None:
    from .report import render

    print(render(section, style), end="")
    for line in section.notes:
        print(f"note: {line}", file=sys.stderr)


def _detectors(options: argparse.Namespace) -> None:
    from .detectors import describe, known_detectors

    for name in sorted(known_detectors()):
        print(describe(name))


def _data_check(options: argparse.Namespace) -> None:
    from .datasets import open_dataset
    from .download import check_bsds500, check_dataset

    if options.split is None:
        print(check_bsds500(options.path))
    else:
        print(check_dataset(open_dataset(str(options.path), options.split)))


def _data_get(options: argparse.Namespace) -> None:
    from .download import BSDS500_URL, get_bsds500

    get_bsds500(options.path, options.url or BSDS500_URL)
    print(options.path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="contourbench",
        description="Contour-detection benchmark: BSDS scores (ODS, OIS, AP, R50), tables and precision-recall curves.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    data, protocol, work = data_options(), protocol_options(), work_options()

    making = [data, protocol, work, detector_options()]
    run = commands.add_parser("run", parents=making, help="run detectors on a data set and score them")
    run.add_argument("detectors", nargs="*", metavar="DETECTOR", help="such as canny, sobel(sigma=2), my.module:detect")
    run.add_argument("--out", type=Path, default=Path("results"), help="results folder (default: results)")
    run.add_argument("--fresh", action="store_true", help=FRESH)
    run.add_argument("--time-limit", type=float, metavar="S", help="a detector fails on an image after S seconds")
    run.add_argument("--batch", type=int, default=1, metavar="N", help="N images at once, for a GPU (default: 1)")
    run.set_defaults(action=_run)

    score = commands.add_parser("score", parents=[data, protocol, work], help="score a folder of saved contour maps")
    score.add_argument(
        "predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy, .npz or .mat, named by image id"
    )
    score.add_argument("--name", help="name in the table (default: the folder's)")
    score.add_argument("--out", type=Path, help="folder for scores and counts (default: results/NAME)")
    score.add_argument("--nms", choices=NMS_PRESETS, default="none", help="suppress non-maxima before counting")
    score.add_argument("--fresh", action="store_true", help=FRESH)
    score.add_argument("--invert", action="store_true", help="the maps are 0 on contours and 1 elsewhere")
    score.set_defaults(action=_score)

    merge = commands.add_parser("merge", help="put the shards of a run together")
    merge.add_argument("shards", nargs="+", type=Path, metavar="RUN", help="folders of runs over different images")
    merge.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder to make")
    merge.set_defaults(action=_merge)

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

    cli_look.add_commands(commands, data, protocol, work)

    detectors = commands.add_parser("detectors", help="list the known detectors and their parameters")
    detectors.set_defaults(action=_detectors)
    _add_data_commands(commands)
    return parser


def _add_data_commands(commands) -> None:  # noqa: ANN001
    from .presets import PRESETS

    layouts = [f"  {name:<15} {preset.max_dist:<7g} {preset.layout}" for name, preset in PRESETS.items()]
    data = commands.add_parser(
        "data",
        help="get or check a data set",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(["--preset, tolerance / image diagonal, layout that --data reads:", *layouts]),
    )
    actions = data.add_subparsers(title="actions", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="verify every file of a BSDS500 copy, or read all of another data set")
    check.add_argument("path", type=Path, metavar="PATH")
    check.add_argument("--split", help="read this split of any data set, in place of verifying BSDS500")
    check.set_defaults(action=_data_check)
    get = actions.add_parser("get", help="download a data set, verified and resumable")
    get.add_argument("dataset", choices=("bsds500",))
    get.add_argument("path", type=Path, metavar="PATH")
    get.add_argument("--url", help="a mirror; its archive must have the official sha256")
    get.set_defaults(action=_data_get)

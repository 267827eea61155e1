"""The ``contourbench`` command: parse, call one function, print. Data on stdout, messages on stderr.

Only the standard library is imported up here, so that ``--help`` is instant.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import RunFailed, UserError

if TYPE_CHECKING:
    from ..eval.protocol import BoundaryProtocol
    from .datasets import Dataset
    from .report import Section
    from .workers import Workers

DEFAULT_DETECTORS = ("roberts", "sobel", "canny")
NMS_PRESETS = ("none", "hed", "sed", "rcf", "dexined", "teed", "ac")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 some images failed, 2 a user's mistake, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our dashes is no reason to fail
    options = _parser().parse_args(arguments)
    try:
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
        return 130
    return 0


def _complain(error: Exception, code: int) -> int:
    for line in str(error).splitlines():
        print(f"contourbench: {line}", file=sys.stderr)
    return code


def _run(options: argparse.Namespace) -> None:
    from .detectors import parse_detector
    from .files import make_writable
    from .runner import Job, require_same_run, require_same_set, run_job
    from .store import folder_name

    detectors = {d.name: d for d in map(parse_detector, options.detectors or DEFAULT_DETECTORS)}
    dataset, protocol = _dataset(options), _protocol(options)
    workers = _workers(options, dataset)
    jobs = [
        Job(d, dataset, protocol, options.out / folder_name(name), fresh=options.fresh) for name, d in detectors.items()
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
    from .files import make_writable
    from .predictions import find_predictions, match_ids
    from .report import sections
    from .runner import Job, SavedMaps, check_saved_maps, require_same_run, run_job
    from .store import folder_name

    dataset, protocol = _dataset(options), _protocol(options)
    workers = _workers(options, dataset)
    folder = options.predictions
    files = find_predictions(folder)
    match_ids(files, dataset.ids, folder, partial=options.limit is not None)
    resolved = folder.resolve()
    name = options.name or (resolved.parent.name if resolved.name == "maps" else resolved.name)
    out = options.out or Path("results") / folder_name(name)
    nms = None if options.nms == "none" else options.nms
    source = SavedMaps(name, folder, {i: files[i] for i in dataset.ids})
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


def _doctor(options: argparse.Namespace) -> None:
    from .doctor import WRONG, examine, report_text

    dataset = _dataset(options)
    findings = examine(options.predictions, dataset, options.look)
    print(report_text(findings), end="")
    height, width = dataset.image(dataset.ids[0]).shape[:2]
    protocol = _protocol(options)
    tolerance = protocol.tolerance((height, width))
    print(f"tolerance {protocol.max_dist:g} of the diagonal: {tolerance:.2f} px at {height}x{width}")
    if any(finding.verdict == WRONG for finding in findings):
        raise UserError(f"{options.predictions}: cannot be scored as it is")


def _convert(options: argparse.Namespace) -> None:
    from .files import make_writable
    from .predictions import find_predictions, read_prediction, write_prediction

    make_writable(options.out, f"OUT {options.out}")
    for image_id, path in find_predictions(options.predictions).items():
        target = options.out / f"{image_id}.{options.format}"
        if target.exists():
            raise UserError(f"{target}: exists already; choose another folder")
        write_prediction(target, read_prediction(path))
    print(options.out)


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


def _curves(options: argparse.Namespace) -> None:
    from .curves import draw_curves
    from .report import sections
    from .store import find_runs, finished, load_run

    out = _figure_path(options.out or options.results[0] / "curves.png")
    folders = finished([run for folder in options.results for run in find_runs(folder)])
    groups = sections(folders)
    if len(groups) != 1:
        titles = "; ".join(group.title for group in groups) or "no finished run"
        raise UserError(f"curves: {titles}; a figure shows one data set and protocol, name its folder")
    bsds500 = groups[0].is_bsds500_test
    draw_curves([load_run(folder) for folder in folders], out, published=options.published and bsds500, human=bsds500)
    print(out)


def _human(options: argparse.Namespace) -> None:
    from .agreement import agreement_text

    dataset, protocol = _dataset(options), _protocol(options)
    with _workers(options, dataset) as workers:
        print(agreement_text(dataset, protocol, workers), end="")


def _gallery(options: argparse.Namespace) -> None:
    from .gallery import draw_gallery
    from .store import find_runs, finished, load_run

    out = _figure_path(options.out)
    folders = finished([run for folder in options.results for run in find_runs(folder)])
    if not folders:
        raise UserError(f"{options.results[0]}: no finished run in it")
    draw_gallery([load_run(folder) for folder in folders], _dataset(options), options.images, out, options.matches)
    print(out)


def _page(options: argparse.Namespace) -> None:
    from .datasets import open_dataset
    from .page import write_page
    from .store import find_runs, finished, load_run

    folders = finished([run for folder in options.results for run in find_runs(folder)])
    runs = [load_run(folder) for folder in folders]
    dataset = open_dataset(options.data, runs[0].meta["dataset"]["split"]) if options.data and runs else None
    out = options.out or options.results[0] / "page.html"
    write_page(runs, dataset, out, options.images)
    print(out)


def _figure_path(path: Path) -> Path:
    from .curves import FORMATS

    if path.suffix.lower() not in FORMATS:
        raise UserError(f"--out {path}: expected a figure ending in {', '.join(FORMATS)}")
    return path


def _compare(options: argparse.Namespace) -> None:
    from .compare import compare_runs, comparison_text, draw_comparison
    from .store import load_run

    if options.samples < 1:
        raise UserError(f"--samples {options.samples}: expected at least 1")
    figure = _figure_path(options.out) if options.out else None
    found = compare_runs(load_run(options.first), load_run(options.second), options.samples, options.seed)
    print(comparison_text(found), end="")
    if figure:
        draw_comparison(found, figure)
        print(f"{options.out}: each image's best F", file=sys.stderr)


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


def _dataset(options: argparse.Namespace) -> "Dataset":
    from .datasets import open_dataset

    dataset = open_dataset(options.data, options.split).limit(options.limit)
    for line in dataset.warnings:
        print(f"warning: {line}", file=sys.stderr)
    return dataset


def _protocol(options: argparse.Namespace) -> "BoundaryProtocol":
    from ..eval.protocol import BoundaryProtocol
    from .errors import listing, nearest_hint
    from .presets import PRESETS

    name = options.preset or "bsds500"
    if name not in PRESETS:
        raise UserError(
            f"--preset {name}: unknown{nearest_hint(name, list(PRESETS))} (known: {listing(list(PRESETS))})"
        )
    max_dist = PRESETS[name].max_dist if options.max_dist is None else options.max_dist
    try:
        return BoundaryProtocol(options.thresholds, max_dist, not options.no_thin)
    except ValueError as error:
        raise UserError(f"--{str(error).replace('_', '-', 1)}") from None


def _workers(options: argparse.Namespace, dataset: "Dataset") -> "Workers":
    """Return as many workers as asked for, but no more than there are images; none has started yet."""
    from .workers import Workers

    if options.workers < 1:
        raise UserError(f"--workers {options.workers}: expected at least 1")
    return Workers(min(options.workers, len(dataset.ids)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="contourbench",
        description="Contour-detection benchmark: BSDS scores (ODS, OIS, AP, R50), tables and precision-recall curves.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    shared = _shared_options()

    run = commands.add_parser("run", parents=[shared], help="run detectors on a data set and score them")
    run.add_argument("detectors", nargs="*", metavar="DETECTOR", help="such as canny, sobel(sigma=2), my.module:detect")
    run.add_argument("--out", type=Path, default=Path("results"), help="results folder (default: results)")
    run.set_defaults(action=_run)

    score = commands.add_parser("score", parents=[shared], help="score a folder of saved contour maps")
    score.add_argument(
        "predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy, .npz or .mat, named by image id"
    )
    score.add_argument("--name", help="name in the table (default: the folder's)")
    score.add_argument("--out", type=Path, help="folder for scores and counts (default: results/NAME)")
    score.add_argument("--nms", choices=NMS_PRESETS, default="none", help="suppress non-maxima before counting")
    score.add_argument("--invert", action="store_true", help="the maps are 0 on contours and 1 elsewhere")
    score.set_defaults(action=_score)

    doctor = commands.add_parser("doctor", parents=[shared], help="look at saved predictions and say what is wrong")
    doctor.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy, .npz or .mat")
    doctor.add_argument("--look", type=int, default=50, metavar="N", help="look into N maps (default: 50)")
    doctor.set_defaults(action=_doctor)

    convert = commands.add_parser("convert", help="write saved predictions in another format, such as segs for MATLAB")
    convert.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy, .npz or .mat")
    convert.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    convert.add_argument("--format", choices=("mat", "npz", "npy", "png"), required=True)
    convert.set_defaults(action=_convert)

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
    curves.set_defaults(action=_curves)

    human = commands.add_parser("human", parents=[shared], help="how well the annotators agree with one another")
    human.set_defaults(action=_human)

    gallery = commands.add_parser("gallery", parents=[shared], help="image, ground truth and detectors side by side")
    gallery.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folders of runs, a column each")
    gallery.add_argument("--images", nargs="+", default=[], metavar="ID", help="a row each (default: the first three)")
    gallery.add_argument("--matches", action="store_true", help="show hits, false alarms and misses, not the maps")
    gallery.add_argument("--out", type=Path, default=Path("gallery.png"), metavar="FIGURE", help=".png, .pdf or .svg")
    gallery.set_defaults(action=_gallery)

    page = commands.add_parser("page", help="write the results as one HTML file: table, curves, images")
    page.add_argument("results", nargs="*", type=Path, default=[Path("results")], metavar="RESULTS")
    page.add_argument("--data", metavar="PATH", help="scenes, or the folder of the runs' images (default: no pictures)")
    page.add_argument("--out", type=Path, metavar="PAGE", help="(default: RESULTS/page.html)")
    page.add_argument("--images", type=int, default=12, metavar="N", help="images to show (default: 12)")
    page.set_defaults(action=_page)

    compare = commands.add_parser("compare", help="is the difference of two runs real? intervals, tests, images")
    compare.add_argument("first", type=Path, metavar="A", help="folder of a run, such as results/canny")
    compare.add_argument("second", type=Path, metavar="B", help="folder of a run on the same images")
    compare.add_argument("--samples", type=int, default=1000, metavar="N", help="random draws (default: 1000)")
    compare.add_argument("--seed", type=int, default=0, metavar="S", help="of the draws (default: 0)")
    compare.add_argument("--out", type=Path, metavar="FIGURE", help="also draw each image's best F: .png, .pdf or .svg")
    compare.set_defaults(action=_compare)

    detectors = commands.add_parser("detectors", help="list the known detectors and their parameters")
    detectors.set_defaults(action=_detectors)
    _add_data_commands(commands)
    return parser


def _shared_options() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    default_data = os.environ.get("CONTOURBENCH_BSDS500") or "scenes"
    shared.add_argument(
        "--data", default=default_data, help="scenes, or a folder (default: $CONTOURBENCH_BSDS500 if set, else scenes)"
    )
    shared.add_argument("--split", default="test", help="train, val or test (default: test)")
    shared.add_argument("--limit", type=int, metavar="N", help="only the first N images")
    shared.add_argument("--workers", type=int, default=_cores(), metavar="N", help="processes (default: one per core)")
    shared.add_argument("--thresholds", type=int, default=99, metavar="K", help="(default: 99)")
    shared.add_argument("--preset", metavar="NAME", help="tolerance of a known data set, such as nyudv2 or biped")
    shared.add_argument(
        "--max-dist", type=float, metavar="D", help="tolerance / image diagonal (default: the preset's, or 0.0075)"
    )
    shared.add_argument("--fresh", action="store_true", help="compute all anew, also what seems unchanged")
    shared.add_argument("--no-thin", action="store_true", help="match the binary maps as they are, unthinned")
    return shared


def _add_data_commands(commands) -> None:  # noqa: ANN001
    data = commands.add_parser("data", help="get or check a data set")
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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

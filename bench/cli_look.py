"""Commands that look at what is there: figures, comparisons, checks of saved predictions."""

import argparse
import sys
from pathlib import Path

from .errors import RunFailed, UserError
from .options import (
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
from .progress import note


def add_commands(
    commands: "argparse._SubParsersAction",
    data: argparse.ArgumentParser,
    protocol: argparse.ArgumentParser,
    work: argparse.ArgumentParser,
) -> None:
    """Add the parsers of these commands; ``data``, ``protocol`` and ``work`` have the options of `options`."""
    doctor = commands.add_parser("doctor", parents=[data, protocol], help="look at saved maps and say what is wrong")
    doctor.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy, .npz or .mat")
    doctor.add_argument("--look", type=int, default=50, metavar="N", help="look into N maps (default: 50)")
    doctor.add_argument("--invert", action="store_true", help="the maps are 0 on contours and 1 elsewhere")
    doctor.set_defaults(action=_doctor)

    convert = commands.add_parser("convert", help="write saved predictions in another format, such as segs for MATLAB")
    convert.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy, .npz or .mat")
    convert.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    convert.add_argument("--format", choices=("mat", "npz", "npy", "png"), required=True)
    convert.set_defaults(action=_convert)

    curves = commands.add_parser("curves", help="draw the precision-recall figure of some results")
    curves.add_argument("results", nargs="*", type=Path, default=[Path("results")], metavar="RESULTS")
    curves.add_argument("--out", type=Path, metavar="FIGURE", help=".png, .pdf or .svg (default: RESULTS/curves.png)")
    curves.add_argument("--published", action="store_true", help="add published curves")
    curves.add_argument("--width", type=float, default=4.8, metavar="INCHES", help="of the figure (default: 4.8)")
    curves.add_argument("--labels", nargs="+", metavar="TEXT", help="in the legend, one for each run, for their names")
    curves.add_argument("--dashed", nargs="+", default=[], metavar="LABEL", help="runs to draw dashed")
    curves.set_defaults(action=_curves)

    human = commands.add_parser(
        "human", parents=[data, protocol, work], help="how well annotators agree with one another"
    )
    human.set_defaults(action=_human)

    _add_gallery(commands, data)

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

    verify = commands.add_parser("verify", help="check results against their own counts, and count a sample again")
    verify.add_argument("results", nargs="*", type=Path, default=[Path("results")], metavar="RESULTS")
    verify.add_argument("--data", metavar="PATH", help="scenes, or the folder of the runs' images: count again")
    verify.add_argument("--sample", type=int, default=10, metavar="N", help="images to count again (default: 10)")
    verify.add_argument("--seed", type=int, default=0, metavar="S", help="of the sample (default: 0)")
    verify.set_defaults(action=_verify)

    crisp = commands.add_parser("crispness", help="average crispness (AC) of a folder of soft contour maps")
    crisp.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy or .mat")
    crisp.add_argument("--invert", action="store_true", help="the maps are 0 on contours and 1 elsewhere")
    crisp.set_defaults(action=_crispness)

    film = commands.add_parser(
        "film", parents=[data, picture_options()], help="a field being fitted to an image, over the iterations"
    )
    film.add_argument("image", metavar="ID", help="image of the data set")
    film.add_argument("--iterations", nargs="+", type=int, default=[10, 50, 100, 200, 400], metavar="N")
    film.add_argument("--layers", type=int, default=4, help="of the encoder, 3 or 4 (default: 4)")
    film.add_argument("--seed", type=int, default=0, metavar="S")
    film.add_argument("--out", type=Path, default=Path("film.png"), metavar="FIGURE", help=".png, .pdf or .svg")
    film.set_defaults(action=_film)


def _add_gallery(commands: "argparse._SubParsersAction", data: argparse.ArgumentParser) -> None:
    parents = [data, work_options(scheduler=False), detector_options(), picture_options()]
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


def _doctor(options: argparse.Namespace) -> None:
    from .doctor import WRONG, examine, report_text

    dataset = dataset_of(options)
    if options.look < 1:
        raise UserError(f"--look {options.look}: expected at least 1")
    findings = examine(options.predictions, dataset, options.look, options.invert)
    print(report_text(findings), end="")
    height, width = dataset.image(dataset.ids[0]).shape[:2]
    protocol = protocol_of(options)
    tolerance = protocol.tolerance((height, width))
    print(f"tolerance {protocol.max_dist:g} of the diagonal: {tolerance:.2f} px at {height}x{width}")
    if any(finding.verdict == WRONG for finding in findings):
        raise UserError(f"{options.predictions}: cannot be scored as it is")


def _convert(options: argparse.Namespace) -> None:
    from .files import make_writable
    from .predictions import find_predictions, read_prediction, write_prediction

    files = find_predictions(options.predictions)
    targets = {image_id: options.out / f"{image_id}.{options.format}" for image_id in files}
    for target in targets.values():
        if target.exists():
            raise UserError(f"{target}: exists already; choose another folder")
    make_writable(options.out, f"OUT {options.out}")
    for image_id, path in files.items():
        write_prediction(targets[image_id], read_prediction(path))
    print(options.out)


def _curves(options: argparse.Namespace) -> None:
    from .curves import draw_curves
    from .report import sections
    from .store import find_runs, finished, load_run

    out = figure_path(options.out or options.results[0] / "curves.png", options.width)
    folders = finished([run for folder in options.results for run in find_runs(folder)])
    groups = sections(folders)
    if len(groups) != 1:
        titles = "; ".join(group.title for group in groups) or "no finished run"
        raise UserError(f"curves: {titles}; a figure shows one data set and protocol, name its folder")
    bsds500, runs = groups[0].is_bsds500_test, [load_run(folder) for folder in folders]
    labels = labels_of(options, [run.name for run in runs])
    unknown = [label for label in options.dashed if label not in labels]
    if unknown:
        raise UserError(f"--dashed {unknown[0]}: no such run or label (there are: {', '.join(labels)})")
    if options.published and not bsds500:
        note("note: published curves are of all of BSDS500 test by its own protocol; none are drawn here")
    published = options.published and bsds500
    draw_curves(runs, out, published, bsds500, options.width, labels, options.dashed)
    print(out)


def _human(options: argparse.Namespace) -> None:
    from .agreement import agreement_text

    dataset, protocol = dataset_of(options), protocol_of(options)
    with workers_of(options, dataset) as workers:
        print(agreement_text(dataset, protocol, workers), end="")


def _gallery(options: argparse.Namespace) -> None:
    from tempfile import TemporaryDirectory

    from .gallery import draw_gallery, run_few
    from .store import find_runs, finished, load_run

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
    from .datasets import open_dataset
    from .page import write_page
    from .store import find_runs, finished, load_run

    folders = finished([run for folder in options.results for run in find_runs(folder)])
    runs = [load_run(folder) for folder in folders]
    dataset = open_dataset(options.data, runs[0].meta["dataset"]["split"]) if options.data and runs else None
    out = options.out or options.results[0] / "page.html"
    write_page(runs, dataset, out, options.images)
    print(out)


def _compare(options: argparse.Namespace) -> None:
    from .compare import compare_runs, comparison_text, draw_comparison
    from .store import load_run

    if options.samples < 1:
        raise UserError(f"--samples {options.samples}: expected at least 1")
    figure = figure_path(options.out) if options.out else None
    found = compare_runs(load_run(options.first), load_run(options.second), options.samples, options.seed)
    print(comparison_text(found), end="")
    if figure:
        draw_comparison(found, figure)
        print(f"{options.out}: each image's best F", file=sys.stderr)


def _verify(options: argparse.Namespace) -> None:
    from .datasets import open_dataset
    from .store import find_runs, finished, load_meta
    from .verify import verify_run

    if options.sample < 1 or options.seed < 0:
        raise UserError(f"--sample {options.sample} --seed {options.seed}: expected at least 1 and 0")
    folders = finished([run for results in options.results for run in find_runs(results)])
    if not folders:
        raise UserError(f"{options.results[0]}: no finished run in it")
    wrong = []
    for folder in folders:
        try:
            split = load_meta(folder)["dataset"]["split"]
            dataset = open_dataset(options.data, split) if options.data else None
            faults, recounted = verify_run(folder, dataset, options.sample, options.seed)
        except UserError as error:
            faults, recounted = [str(error)], 0
        said = f"{recounted} images counted again" if recounted else "nothing counted again"
        reason = "" if recounted or faults else " (no --data)" if not options.data else " (no saved maps)"
        print(f"{folder}: {'ok' if not faults else f'{len(faults)} faults'}, {said}{reason}")
        wrong += faults
    if wrong:
        raise RunFailed("\n".join(wrong))


def _crispness(options: argparse.Namespace) -> None:
    from ..eval.crispness import average_crispness, crispness
    from ..eval.sweeps import Sweep
    from .matches import counted_map
    from .predictions import find_predictions, read_prediction

    values = []
    for path in find_predictions(options.predictions).values():
        prediction = read_prediction(path, options.invert)
        if isinstance(prediction, Sweep):
            raise UserError(f"{path}: holds segmentations; crispness is of soft contour maps")
        values.append(crispness(counted_map(prediction)))
    try:
        average = average_crispness(values)
    except ValueError as error:
        raise UserError(f"{options.predictions}: {error}") from None
    empty = sum(value != value for value in values)
    left_out = f" ({empty} without contours left out)" if empty else ""
    print(f"AC {average:.3f} over {len(values) - empty} maps{left_out}")


def _film(options: argparse.Namespace) -> None:
    from .film import draw_film

    out, dataset = figure_path(options.out, dpi=options.dpi), dataset_of(options)
    if options.image not in dataset.ids:
        raise UserError(f"{options.image}: not an image of {dataset.name} {dataset.split}")
    draw_film(dataset.image(options.image), tuple(options.iterations), options.layers, options.seed, out, options.dpi)
    print(out)

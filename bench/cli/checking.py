"""Commands that check: maps before a run, results after it, the crispness of maps."""

import argparse
from pathlib import Path

from ..errors import RunFailed, UserError
from .messages import as_options
from .options import SharedOptions, add_kind, add_truth, dataset_of, is_part, protocol_of
from .parsing import Commands


def add_commands(commands: Commands, shared: SharedOptions) -> None:
    """Add the parsers of these commands."""
    doctor = commands.add_parser(
        "doctor", parents=[shared.data, shared.choice, shared.protocol], help="look at saved maps and say what is wrong"
    )
    doctor.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy, .npz or .mat")
    doctor.add_argument("--look", type=int, default=50, metavar="N", help="look into N maps (default: 50)")
    doctor.add_argument("--invert", action="store_true", help="the maps are 0 on contours and 1 elsewhere")
    add_kind(doctor)
    doctor.set_defaults(action=_doctor)

    verify = commands.add_parser("verify", help="check results against their own counts, and count a sample again")
    verify.add_argument("results", nargs="*", type=Path, default=[Path("results")], metavar="RESULTS")
    verify.add_argument("--data", metavar="PATH", help="scenes, or the folder of the runs' images: count again")
    add_truth(verify)
    verify.add_argument("--sample", type=int, default=10, metavar="N", help="images to count again (default: 10)")
    verify.add_argument("--seed", type=int, default=0, metavar="S", help="of the sample (default: 0)")
    verify.set_defaults(action=_verify)

    crisp = commands.add_parser("crispness", help="average crispness (AC) of a folder of soft contour maps")
    crisp.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="folder of .png, .npy or .mat")
    crisp.add_argument("--invert", action="store_true", help="the maps are 0 on contours and 1 elsewhere")
    add_kind(crisp)
    crisp.set_defaults(action=_crispness)


def _doctor(options: argparse.Namespace) -> None:
    from ..runs.doctor import WRONG, examine, report_text

    dataset = dataset_of(options)
    if options.look < 1:
        raise UserError(f"--look {options.look}: expected at least 1")
    partial = is_part(options)
    findings = examine(options.predictions, dataset, options.look, options.invert, options.kind, partial)
    print(as_options(report_text(findings)), end="")
    height, width = dataset.image(dataset.ids[0]).shape[:2]
    protocol = protocol_of(options)
    tolerance = protocol.tolerance((height, width))
    print(f"tolerance {protocol.max_dist:g} of the diagonal: {tolerance:.2f} px at {height}x{width}")
    if any(finding.verdict == WRONG for finding in findings):
        raise UserError(f"{options.predictions}: cannot be scored as it is")


def _verify(options: argparse.Namespace) -> None:
    from ..datasets.opening import open_dataset
    from ..runs.results import find_runs, finished, load_meta
    from ..runs.verify import verify_run

    if options.sample < 1 or options.seed < 0:
        raise UserError(f"--sample {options.sample} --seed {options.seed}: expected at least 1 and 0")
    folders = finished([run for results in options.results for run in find_runs(results)])
    if not folders:
        raise UserError(f"{options.results[0]}: no finished run in it")
    wrong = []
    for folder in folders:
        try:
            split = load_meta(folder)["dataset"]["split"]
            dataset = open_dataset(options.data, split, truth=options.truth) if options.data else None
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
    from ...eval.crispness import average_crispness, crispness
    from ..files.predictions import find_predictions, read_prediction

    values = []
    for path in find_predictions(options.predictions).values():
        prediction = read_prediction(path, options.invert, options.kind)
        if not prediction.is_soft:
            raise UserError(f"{path}: holds segmentations; crispness is of soft contour maps")
        values.append(crispness(prediction.contour_map()))
    try:
        average = average_crispness(values)
    except ValueError as error:
        raise UserError(f"{options.predictions}: {error}") from None
    empty = sum(value != value for value in values)
    left_out = f" ({empty} without contours left out)" if empty else ""
    print(f"AC {average:.3f} over {len(values) - empty} maps{left_out}")

"""The command ``detect``: contours and regions of one's own pictures."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .options import detector_options, detectors_of, local_workers, work_options
from .parsing import Commands

if TYPE_CHECKING:
    from ..methods.names import Detector

EPILOG = """\
Written to DIR: contours/NAME.png (16 bits, as score reads it) and overlays/NAME.png (contours over the picture);
with --regions also regions/NAME.png (each pixel's region: up to 256 of them in colours, else as numbers of 16 bits)
and ucm/NAME.npz (the hierarchy of regions; `contourbench convert DIR/ucm OUT --format mat` for MATLAB)."""


def add_commands(commands: Commands) -> None:
    """Add the parser of this command."""
    detect = commands.add_parser(
        "detect",
        parents=[work_options(scheduler=False), detector_options()],
        help="contours or regions of your own pictures",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    detect.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="files, or folders of them")
    detect.add_argument("--detector", default="consensus", metavar="NAME", help="any detector (default: consensus)")
    detect.add_argument("--out", type=Path, default=Path("detected"), metavar="DIR", help="(default: detected)")
    detect.add_argument("--regions", action="store_true", help="also the regions that the contours part")
    detect.add_argument(
        "--threshold", type=float, default=0.3, metavar="T", help="of the contours between regions (default: 0.3)"
    )
    detect.add_argument(
        "--side",
        type=int,
        default=481,
        metavar="N",
        help="work on larger pictures at a longest side of N pixels (default: 481, as the photographs of BSDS500)",
    )
    detect.add_argument("--overwrite", action="store_true", help="replace files that are there already")
    detect.set_defaults(action=_detect)


def _detect(options: argparse.Namespace) -> None:
    from ..files.pictures import find_pictures
    from ..report.detected import Settings, detect_pictures, require_all_done, targets_of
    from ..runs.photo import require_settings

    require_settings(options.threshold, options.side)
    paths = find_pictures(options.pictures)
    targets = targets_of(paths, options.out, options.regions, options.overwrite)
    settings = Settings(_detector(options), options.side, options.threshold)
    with local_workers(options, len(targets)) as workers:
        outcomes = detect_pictures(targets, settings, workers)
    for target, error in outcomes.items():
        if error is None:
            print(target.contours)
    require_all_done(outcomes)


def _detector(options: argparse.Namespace) -> "Detector":
    options.detectors = [options.detector]
    try:
        (detector,) = detectors_of(options)
    except UserError as error:
        if "needs 'torch'" in str(error):
            raise UserError(f"{error} (pip install 'contourbench[cnf]'); --detector pmi_ucm needs none") from None
        raise
    return detector

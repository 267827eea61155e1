"""The command ``data``: get a data set, or check a copy of one."""

import argparse
import sys
from pathlib import Path

from .messages import as_options
from .options import SharedOptions, add_truth
from .parsing import Commands


def add_commands(commands: Commands, shared: SharedOptions) -> None:
    """Add the parsers of this command."""
    from ..datasets.tolerances import TOLERANCES

    layouts = [f"  {name:<15} {usual.max_dist:<7g} {as_options(usual.layout)}" for name, usual in TOLERANCES.items()]
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
    add_truth(check)
    check.set_defaults(action=_check, parser=check)
    get = actions.add_parser("get", help="download a data set, verified and resumable")
    get.add_argument("dataset", choices=("bsds500",))
    get.add_argument("path", type=Path, metavar="PATH")
    get.add_argument("--url", help="a mirror; its archive must have the official sha256")
    get.set_defaults(action=_get, parser=get)


def _check(options: argparse.Namespace) -> None:
    from ..datasets.bsds500 import bsds500_root
    from ..datasets.checks import check_dataset
    from ..datasets.download import check_bsds500
    from ..datasets.opening import open_dataset

    if options.split is None and (bsds500_root(options.path) or not options.path.is_dir()):
        print(check_bsds500(options.path))
        return
    dataset = open_dataset(options.path, options.split or "test", truth=options.truth)
    found, remarks = check_dataset(dataset)
    for line in (*dataset.warnings, *map(as_options, remarks)):
        print(f"warning: {line}", file=sys.stderr)
    print(found)


def _get(options: argparse.Namespace) -> None:
    from ..datasets.download import BSDS500_URL, get_bsds500

    get_bsds500(options.path, options.url or BSDS500_URL)
    print(options.path)

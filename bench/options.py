"""Options that several commands share, and what they mean: a data set, a protocol, workers, a figure."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError

if TYPE_CHECKING:
    from ..eval.protocol import BoundaryProtocol
    from .cluster import ClusterWorkers
    from .datasets import Dataset
    from .workers import Workers


def shared_options() -> argparse.ArgumentParser:
    """Return the options of a data set and protocol, to be a parent of commands."""
    shared = argparse.ArgumentParser(add_help=False)
    default_data = os.environ.get("CONTOURBENCH_BSDS500") or "scenes"
    shared.add_argument(
        "--data", default=default_data, help="scenes, or a folder (default: $CONTOURBENCH_BSDS500 if set, else scenes)"
    )
    shared.add_argument("--split", default="test", help="train, val or test (default: test)")
    shared.add_argument("--limit", type=int, metavar="N", help="only the first N images")
    shared.add_argument("--shard", metavar="I/N", help="only the I-th of N parts of the images; see merge")
    shared.add_argument("--workers", type=int, default=_cores(), metavar="N", help="processes (default: one per core)")
    shared.add_argument("--scheduler", metavar="ADDRESS", help="hand the images to this Dask scheduler's workers")
    shared.add_argument("--thresholds", type=int, default=99, metavar="K", help="(default: 99)")
    shared.add_argument("--preset", metavar="NAME", help="tolerance of a known data set, such as nyudv2 or biped")
    shared.add_argument(
        "--max-dist", type=float, metavar="D", help="tolerance / image diagonal (default: the preset's, or 0.0075)"
    )
    shared.add_argument("--fresh", action="store_true", help="compute all anew, also what seems unchanged")
    shared.add_argument("--no-thin", action="store_true", help="match the binary maps as they are, unthinned")
    return shared


def dataset_of(options: argparse.Namespace) -> "Dataset":
    """Return the data set that was asked for; its warnings go to stderr."""
    from .datasets import open_dataset

    dataset = open_dataset(options.data, options.split).limit(options.limit)
    if options.shard:
        dataset.shard(*_shard(options.shard))
    for line in dataset.warnings:
        print(f"warning: {line}", file=sys.stderr)
    return dataset


def _shard(text: str) -> tuple[int, int]:
    """Return (I, N) of ``I/N``."""
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts) or not 1 <= int(parts[0]) <= int(parts[1]):
        raise UserError(f"--shard {text}: expected I/N with I from 1 to N, such as 2/8")
    return int(parts[0]), int(parts[1])


def protocol_of(options: argparse.Namespace) -> "BoundaryProtocol":
    """Return the protocol that was asked for."""
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


def workers_of(options: argparse.Namespace, dataset: "Dataset") -> "Workers | ClusterWorkers":
    """Return as many workers as asked for, but no more than there are images, or a cluster; none has started yet."""
    from .cluster import ClusterWorkers
    from .workers import Workers

    if options.scheduler:
        return ClusterWorkers(options.scheduler)
    if options.workers < 1:
        raise UserError(f"--workers {options.workers}: expected at least 1")
    return Workers(min(options.workers, len(dataset.ids)))


def figure_path(path: Path) -> Path:
    """Return the path of a figure, or raise `UserError` if no figure can have that suffix."""
    from .curves import FORMATS

    if path.suffix.lower() not in FORMATS:
        raise UserError(f"--out {path}: expected a figure ending in {', '.join(FORMATS)}")
    return path


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

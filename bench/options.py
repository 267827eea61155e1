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


def data_options() -> argparse.ArgumentParser:
    """Return the options that name a data set, to be a parent of commands."""
    data = argparse.ArgumentParser(add_help=False)
    default = os.environ.get("CONTOURBENCH_BSDS500") or "scenes"
    data.add_argument(
        "--data", default=default, help="scenes, or a folder (default: $CONTOURBENCH_BSDS500 if set, else scenes)"
    )
    data.add_argument("--split", default="test", help="train, val or test (default: test)")
    data.add_argument("--limit", type=int, metavar="N", help="only the first N images")
    data.add_argument("--shard", metavar="I/N", help="only the I-th of N parts of the images; see merge")
    return data


def protocol_options() -> argparse.ArgumentParser:
    """Return the options that say how contours are matched, to be a parent of commands."""
    protocol = argparse.ArgumentParser(add_help=False)
    protocol.add_argument("--thresholds", type=int, default=99, metavar="K", help="(default: 99)")
    protocol.add_argument("--preset", metavar="NAME", help="tolerance of a known data set, such as nyudv2 or biped")
    protocol.add_argument(
        "--max-dist", type=float, metavar="D", help="tolerance / image diagonal (default: the preset's, or 0.0075)"
    )
    protocol.add_argument("--no-thin", action="store_true", help="match the binary maps as they are, unthinned")
    return protocol


def work_options() -> argparse.ArgumentParser:
    """Return the options that say who does the work, to be a parent of commands."""
    work = argparse.ArgumentParser(add_help=False)
    work.add_argument("--workers", type=int, default=_cores(), metavar="N", help="processes (default: one per core)")
    work.add_argument("--scheduler", metavar="ADDRESS", help="hand the images to this Dask scheduler's workers")
    return work


def dataset_of(options: argparse.Namespace) -> "Dataset":
    """Return the data set that was asked for; its warnings go to stderr."""
    from .datasets import open_dataset

    far = getattr(options, "scheduler", None) and Path(options.data).is_dir()
    data = str(Path(options.data).resolve()) if far else options.data  # workers have another working directory
    dataset = open_dataset(data, options.split).limit(options.limit)
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

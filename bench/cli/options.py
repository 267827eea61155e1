"""Options that several commands share, and what they mean: a data set, a protocol, workers, a figure."""

import argparse
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import UserError

if TYPE_CHECKING:
    from ...eval.protocol import BoundaryProtocol
    from ..datasets.base import Dataset
    from ..methods.names import Detector
    from ..runs.cluster import ClusterWorkers
    from ..runs.workers import Workers


DEFAULT_DETECTORS = ("roberts", "sobel", "canny")


class SharedOptions(NamedTuple):
    """Parsers of the options that several commands share, to be parents of theirs."""

    data: argparse.ArgumentParser
    choice: argparse.ArgumentParser
    protocol: argparse.ArgumentParser
    work: argparse.ArgumentParser

    @classmethod
    def new(cls) -> "SharedOptions":
        """Return fresh ones."""
        return cls(data_options(), choice_options(), protocol_options(), work_options())


def data_options(part: bool = True) -> argparse.ArgumentParser:
    """Return the options that name a data set, to be a parent of commands; without those of a part if so said."""
    data = argparse.ArgumentParser(add_help=False)
    default = os.environ.get("CONTOURBENCH_BSDS500") or "scenes"
    data.add_argument(
        "--data", default=default, help="scenes, or a folder (default: $CONTOURBENCH_BSDS500 if set, else scenes)"
    )
    data.add_argument("--split", help="train, val or test (default: test); of Multicue, boundaries or edges")
    add_truth(data)
    if part:
        data.add_argument("--limit", type=int, metavar="N", help="only the first N images")
        data.add_argument("--shard", metavar="I/N", help="only the I-th of N parts of the images; see merge")
    return data


def choice_options() -> argparse.ArgumentParser:
    """Return the option that chooses images, to be a parent of commands."""
    choice = argparse.ArgumentParser(add_help=False)
    choice.add_argument(
        "--images",
        nargs="+",
        metavar="ID|FILE",
        dest="chosen",
        help="only these: ids, a file with an id per line, or the word annotated, for those that have ground truth",
    )
    return choice


def add_truth(parser: argparse.ArgumentParser) -> None:
    """Add the option that says what annotations are."""
    parser.add_argument(
        "--truth",
        choices=("contours", "labels"),
        help="what annotations of many levels are: contours from half of full scale up, or labels of regions, whose"
        " borders then are the contours",
    )


def add_kind(parser: argparse.ArgumentParser) -> None:
    """Add the option that says what saved predictions are."""
    parser.add_argument(
        "--kind", choices=("contours", "labels"), help="what the files hold: contour maps, or label maps of regions"
    )


def protocol_options() -> argparse.ArgumentParser:
    """Return the options that say how contours are matched, to be a parent of commands."""
    protocol = argparse.ArgumentParser(add_help=False)
    protocol.add_argument("--thresholds", type=int, default=99, metavar="K", help="(default: 99)")
    protocol.add_argument(
        "--preset", metavar="NAME", help="tolerance of a known data set; see `contourbench data --help`"
    )
    protocol.add_argument(
        "--max-dist", type=float, metavar="D", help="tolerance / image diagonal (default: the preset's, or 0.0075)"
    )
    protocol.add_argument("--no-thin", action="store_true", help="match the binary maps as they are, unthinned")
    return protocol


def work_options(scheduler: bool = True) -> argparse.ArgumentParser:
    """Return the options that say who does the work, to be a parent of commands; without a scheduler if so said."""
    work = argparse.ArgumentParser(add_help=False)
    work.add_argument("--workers", type=int, default=_cores(), metavar="N", help="processes (default: one per core)")
    if scheduler:
        work.add_argument("--scheduler", metavar="ADDRESS", help="hand the images to this Dask scheduler's workers")
    return work


def picture_options() -> argparse.ArgumentParser:
    """Return the options of figures that are made of pictures, to be a parent of commands."""
    picture = argparse.ArgumentParser(add_help=False)
    picture.add_argument("--dpi", type=int, default=200, metavar="N", help="pixels per inch (default: 200)")
    return picture


def detector_options() -> argparse.ArgumentParser:
    """Return the options that say where detectors run, to be a parent of commands."""
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--device", metavar="D", help="parameter of detectors that have it: auto, cpu, cuda or cuda:N")
    return where


def suppression_options() -> argparse.ArgumentParser:
    """Return the option that says how non-maxima are suppressed, to be a parent of commands."""
    suppression = argparse.ArgumentParser(add_help=False)
    suppression.add_argument(
        "--nms",
        metavar="RECIPE",
        help="suppress non-maxima before counting, as published for hed, sed, rcf, dexined …: a row NAME(nms=RECIPE)",
    )
    return suppression


def detectors_of(options: argparse.Namespace) -> "list[Detector]":
    """Return the detectors that were named: with ``--device`` and ``--nms``, and for ``--batch`` in their batch form.

    Raises
    ------
    UserError
        If a name is wrong, or none of them has a device or a batch form though one was asked for.
    """
    from ..errors import listing
    from ..methods.names import batch_form, parse_detector

    device, batch = options.device, getattr(options, "batch", 1)
    if device is not None:
        _require_device(device, here=not getattr(options, "scheduler", None))
    settings = {} if device is None else {"device": device}
    nms = getattr(options, "nms", None)
    detectors = [parse_detector(spec, settings, nms) for spec in options.detectors or DEFAULT_DETECTORS]
    names = listing([detector.name for detector in detectors])
    if device is not None and not any("device" in detector.params for detector in detectors):
        raise UserError(f"--device {device}: no detector named here ({names}) has a parameter device")
    if batch < 1:
        raise UserError(f"--batch {batch}: expected at least 1")
    forms = [batch_form(detector) if batch > 1 else None for detector in detectors]
    if batch > 1 and not any(forms):
        raise UserError(f"--batch {batch}: no detector named here ({names}) takes many images at once")
    return [form or detector for form, detector in zip(forms, detectors, strict=True)]


def _require_device(name: str, here: bool) -> None:
    """Raise `UserError` if a device's name is wrong or, where it is to be ``here``, there is none of it."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise UserError(f"--device {name}: expected auto, cpu, cuda or cuda:N")
    if name.startswith("cuda") and here:
        try:
            from torch.cuda import device_count
        except ModuleNotFoundError:
            raise UserError(f"--device {name}: needs torch, which is not installed") from None
        if int(name.partition(":")[2] or 0) >= device_count():
            raise UserError(f"--device {name}: torch sees {device_count()} CUDA devices here")


def dataset_of(options: argparse.Namespace) -> "Dataset":
    """Return the data set that was asked for; its warnings go to stderr."""
    from ..datasets.opening import open_dataset

    far = getattr(options, "scheduler", None) and Path(options.data).is_dir()
    data = str(Path(options.data).resolve()) if far else options.data  # workers have another working directory
    chosen = getattr(options, "chosen", None)
    images = chosen[0] if chosen and len(chosen) == 1 else chosen
    dataset = open_dataset(data, options.split or "test", images, options.truth).limit(getattr(options, "limit", None))
    if getattr(options, "shard", None):
        dataset = dataset.shard(*_shard(options.shard))
    for line in dataset.warnings:
        print(f"warning: {line}", file=sys.stderr)
    if options.split and not dataset.has_splits and dataset.split == options.split:
        print(f"note: --split {options.split}: {options.data} has no such folders; this is all of it", file=sys.stderr)
    return dataset


def is_part(options: argparse.Namespace) -> bool:
    """Return whether some of the images were asked for, so that there may be predictions of others."""
    return any(value is not None for value in (options.limit, options.shard, options.chosen))


def _shard(text: str) -> tuple[int, int]:
    """Return (I, N) of ``I/N``."""
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts) or not 1 <= int(parts[0]) <= int(parts[1]):
        raise UserError(f"--shard {text}: expected I/N with I from 1 to N, such as 2/8")
    return int(parts[0]), int(parts[1])


def protocol_of(options: argparse.Namespace) -> "BoundaryProtocol":
    """Return the protocol that was asked for."""
    from ...eval.protocol import BoundaryProtocol
    from ..datasets.tolerances import TOLERANCES
    from ..errors import listing, nearest_hint

    name = options.preset or "bsds500"
    if name not in TOLERANCES:
        known = list(TOLERANCES)
        raise UserError(f"--preset {name}: unknown{nearest_hint(name, known)} (known: {listing(known)})")
    max_dist = TOLERANCES[name].max_dist if options.max_dist is None else options.max_dist
    try:
        return BoundaryProtocol(options.thresholds, max_dist, not options.no_thin)
    except ValueError as error:
        raise UserError(f"--{str(error).replace('_', '-', 1)}") from None


def workers_of(options: argparse.Namespace, dataset: "Dataset") -> "Workers | ClusterWorkers":
    """Return as many workers as asked for, but no more than there are images, or a cluster; none has started yet."""
    from ..runs.cluster import ClusterWorkers
    from .messages import show_messages

    if getattr(options, "scheduler", None):
        return ClusterWorkers(options.scheduler, show_messages)
    return local_workers(options, len(dataset.ids))


def local_workers(options: argparse.Namespace, items: int) -> "Workers":
    """Return as many processes here as asked for, but no more than there are items; none has started yet."""
    from ..runs.workers import Workers
    from .messages import show_messages

    if options.workers < 1:
        raise UserError(f"--workers {options.workers}: expected at least 1")
    return Workers(min(options.workers, items), show_messages)


def labels_of(options: argparse.Namespace, names: list[str]) -> list[str]:
    """Return what to call each run in a figure: what ``--labels`` says, or its name."""
    if options.labels and len(options.labels) != len(names):
        raise UserError(f"--labels: {len(options.labels)} for {len(names)} runs ({', '.join(names)})")
    return options.labels or names


def figure_path(path: Path, width: float = 4.8, dpi: int = 200) -> Path:
    """Return the path of a figure, or raise `UserError` if no figure can have that suffix or size."""
    from ..report.figures import FORMATS

    if not 2 <= width <= 30:
        raise UserError(f"--width {width:g}: expected 2 to 30 inches")
    if not 30 <= dpi <= 1200:
        raise UserError(f"--dpi {dpi}: expected 30 to 1200")
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"--out {path}: expected a figure ending in {', '.join(FORMATS)}")
    return path


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

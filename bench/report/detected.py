"""The files that `contourbench detect` writes of each picture."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...eval.contour_map import ContourMap
from ..errors import RunFailed, UserError, argument, listing, note
from ..files.folders import make_writable
from ..files.images import write_png
from ..files.pictures import read_picture, unique_names
from ..files.predictions import write_prediction
from ..methods.names import Detector
from ..runs.photo import Found, detect_picture
from ..runs.progress import Progress
from ..runs.workers import Workers
from .overlay import overlay

# A png with a palette has so many colours; more regions are written as numbers of 16 bits.
MOST_COLOURS, MOST_REGIONS = 256, 65536
DIED = "the worker process died (out of memory, or a crash in compiled code?)"


class Target(NamedTuple):
    """A picture, and where what is found in it goes; a folder for each kind, so that others read it as predictions."""

    path: Path
    name: str
    out: Path
    regions: bool

    @property
    def contours(self) -> Path:
        """The contour map, a png of 16 bits."""
        return self.out / "contours" / f"{self.name}.png"

    @property
    def overlay(self) -> Path:
        """Contours over the picture."""
        return self.out / "overlays" / f"{self.name}.png"

    @property
    def labels(self) -> Path:
        """The regions at one threshold, a png whose values are their numbers."""
        return self.out / "regions" / f"{self.name}.png"

    @property
    def ucm(self) -> Path:
        """The hierarchy of regions."""
        return self.out / "ucm" / f"{self.name}.npz"

    def files(self) -> list[Path]:
        """Return all that is written of this picture."""
        return [self.contours, self.overlay, *([self.labels, self.ucm] if self.regions else [])]


@dataclass(frozen=True)
class Settings:
    """How every picture is worked on: see `detect`."""

    detector: Detector
    side: int
    threshold: float
    notes: Path | None = None


def targets_of(paths: list[Path], out: Path, regions: bool, overwrite: bool) -> list[Target]:
    """Return what is to be written of each picture.

    Raises
    ------
    UserError
        If files are there already, unless they are to be overwritten; a picture itself never is.
    """
    targets = [Target(path, name, out, regions) for path, name in zip(paths, unique_names(paths), strict=True)]
    pictures = {path.resolve() for path in paths}
    wanted = [file for target in targets for file in target.files()]
    for file in wanted:
        if file.resolve() in pictures:
            raise UserError(f"{file}: is one of the pictures; choose another {argument('out')}")
    there = [] if overwrite else [str(file) for file in wanted if file.exists()]
    if there:
        raise UserError(
            f"{listing(there, 2)}: there already; {argument('overwrite', True)}, or another {argument('out')}"
        )
    return targets


def detect_pictures(targets: list[Target], settings: Settings, workers: Workers) -> dict[Target, str | None]:
    """Find contours in every picture and write them; return what went wrong with each, None where it is done."""
    for folder in sorted({file.parent for target in targets for file in target.files()}):
        make_writable(folder, argument("out", folder.parent))
    outcomes: dict[Target, str | None] = dict.fromkeys(targets, DIED)
    with Progress("detect", len(targets), watched=True) as progress:
        work = partial(_process, replace(settings, notes=progress.notes))
        try:
            for target, outcome in workers.map(work, targets):
                said, outcomes[target] = outcome or ((), DIED)
                for line in said:
                    note(f"{target.path}: {line}")
                if outcomes[target] and len(targets) > 1:  # else it is the next thing to be said
                    note(f"failed: {outcomes[target]}")
                progress.step()
        except KeyboardInterrupt:
            done = sum(error is None for error in outcomes.values())
            raise KeyboardInterrupt(f"{done} of {len(targets)} pictures are done; leave them out") from None
    return outcomes


def require_all_done(outcomes: dict[Target, str | None]) -> None:
    """Raise `RunFailed` with a line for each picture that failed, if one has."""
    lines = [error if error != DIED else f"{target.path}: {DIED}" for target, error in outcomes.items() if error]
    if lines and len(outcomes) > 1:
        lines.append(f"{len(lines)} of {len(outcomes)} pictures failed; the others are done")
    if lines:
        raise RunFailed("\n".join(lines))


def _process(settings: Settings, target: Target) -> tuple[tuple[str, ...], str | None]:
    """Return what there is to tell of a picture, and why it failed, if so."""
    try:
        picture = read_picture(target.path)
        found = detect_picture(picture, settings.detector, settings.side, target.regions, settings.notes)
        return found.said + _write(target, picture.pixels, found, settings.threshold), None
    except UserError as error:
        return (), _naming(target.path, str(error))
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {str(error) or 'no message'}".splitlines()[0]
        return (), f"{target.path}: {settings.detector.name} failed: {reason}"


def _naming(path: Path, message: str) -> str:
    return message if message.startswith(f"{path}:") else f"{path}: {message}"


def _write(target: Target, pixels: NDArray[np.uint8], found: Found, threshold: float) -> tuple[str, ...]:
    """Write the files of a picture, the contour map last; return what there is to tell of them."""
    said = ()
    if target.regions:
        labels = found.regions(threshold)
        said = (f"{labels.max() + 1} regions of contours from {threshold:g} (`threshold=`)",)
        write_regions(target.labels, labels, pixels)
        write_prediction(target.ucm, found.ucm())
    write_png(target.overlay, overlay(pixels, found.contours))
    write_prediction(target.contours, ContourMap(found.contours))
    return said


def write_regions(path: Path, labels: NDArray[np.int32], pixels: NDArray[np.uint8]) -> None:
    """Write regions as a png whose values are their numbers, (H, W) from 0; up to 256 in their mean colours.

    Raises
    ------
    UserError
        If there are more than 16 bits can tell apart.
    """
    count = int(labels.max()) + 1
    if count > MOST_REGIONS:
        raise UserError(f"{count} regions, expected at most {MOST_REGIONS}; raise {argument('threshold')}")
    if count > MOST_COLOURS:
        write_png(path, labels.astype(np.uint16))
        return
    flat = labels.ravel()
    sizes = np.bincount(flat, minlength=count)
    means = [np.bincount(flat, pixels[:, :, c].ravel(), count) / sizes for c in range(3)]
    write_png(path, labels.astype(np.uint8), np.rint(np.stack(means, axis=1)).astype(np.uint8))

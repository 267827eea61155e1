"""What is refused before a run begins: mixed results, overwriting what somebody would miss, unusable saved maps."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..datasets.checks import TruthLook, require_contours, warn
from ..errors import UserError, argument, listing, told_briefly
from ..files.predictions import checked_prediction, read_prediction
from ..methods.spelling import without_suppression
from .results import folder_name, load_meta

if TYPE_CHECKING:
    from .contours import ContourJob
    from .source import SavedMaps

UPSIDE_DOWN = 0.6  # of the way from a map's lowest to its highest value

logger = logging.getLogger(__name__)


def require_same_set(out: Path, jobs: list["ContourJob"], alone: bool = False) -> None:
    """Refuse to put runs of other data or another protocol side by side in one results folder.

    ``alone`` says that the user's folder would be that of the one job, not the one above.

    Raises
    ------
    UserError
        If ``out`` holds such runs, apart from those that ``jobs`` will bring up to date.
    """
    first, anew = jobs[0], {job.folder for job in jobs}
    wanted = f"{first.dataset.name} {first.dataset.split}"
    for folder in (path.parent for path in sorted(out.glob("*/run.json")) if path.parent not in anew):
        meta = load_meta(folder)
        held = f"{meta['dataset']['name']} {meta['dataset']['split']}"
        if held != wanted:
            other = out / folder_name(wanted.lower().replace(" ", "-")) / (first.folder.name if alone else "")
            such = f"choose another folder, such as {argument('out', other)}"
            raise UserError(f"holds runs on {held}, not {wanted}; {such}", parameter="out", value=out)
        differing = [key for key, value in first.settings().items() if meta["protocol"].get(key) != value]
        if differing:
            other = f"{folder.name} in it has another protocol ({', '.join(differing)}); choose another folder"
            raise UserError(other, parameter="out", value=out)


def require_same_run(job: "ContourJob") -> None:
    """Refuse to overwrite what somebody would miss: a run of other data, another detector, or maps made elsewhere.

    Raises
    ------
    UserError
        If the job's folder holds such a run. The same run under another protocol is counted again, and so are the same
        maps with another suppression.
    """
    if not (job.folder / "run.json").exists():
        return
    meta = load_meta(job.folder)
    name, ours, theirs = meta["detector"], job.source.about()["predictions"], meta.get("predictions")
    held = (without_suppression(name, meta["nms"]), meta["dataset"]["name"], meta["dataset"]["split"], theirs is None)
    if held != (job.source.raw_name, job.dataset.name, job.dataset.split, ours is None):
        what = f"{'a run' if held[3] else 'the scores'} of {name} on {held[1]} {held[2]}"
        raise UserError(f"{job.folder}: holds {what}; choose another {argument('out')} or {argument('name')}")
    if theirs != ours:
        what = f"holds the scores of the maps in {theirs}, not of those in {ours}"
        raise UserError(f"{job.folder}: {what}; choose another {argument('out')} or {argument('name')}")


class _Seen(NamedTuple):
    """What one contour map looks like."""

    upside_down: bool
    binary: bool
    highest: float


def check_saved_maps(source: "SavedMaps", job: "ContourJob") -> list[str]:
    """Read every saved map before counting any: list all that are unusable, warn if they, or the truth, look odd.

    Returns
    -------
    list of str
        What is to be said beside the scores.

    Raises
    ------
    UserError
        Naming each bad file.
    """
    problems, seen, kinds, truths = [], [], {}, TruthLook()
    for image_id in job.dataset.ids:
        path = source.files[image_id]
        try:
            image, truth = job.dataset.pair(image_id)
            found = read_prediction(path, source.invert, source.kind)
            prediction = checked_prediction(found, str(path), image.shape[:2])
        except UserError as error:
            problems.append(str(error))
            continue
        truths.add(image_id, truth)
        kinds.setdefault(prediction.description, []).append(path.name)
        if not prediction.is_soft and (job.nms or source.invert):
            option = argument("nms") if job.nms else argument("invert", True)
            problems.append(f"{path}: holds segmentations, but {option} is for contour maps; leave it out")
        elif prediction.is_soft:
            soft = prediction.contour_map()
            seen.append(_Seen(is_upside_down(soft), is_binary(soft), float(soft.max())))
    if problems:
        raise UserError(told_briefly(problems))
    if len(kinds) > 1:
        rarest = min(kinds, key=lambda kind: len(kinds[kind]))
        raise UserError(f"{source.folder}: not all files hold the same: {rarest} in {listing(kinds[rarest])}")
    require_contours(truths, job.dataset)
    if not job.dataset.is_sound:
        warn(truths, job.dataset)
    if seen:
        _judge(seen, source)
    binary = f"{source.folder}: binary maps: one point, not a curve, so that AP is 0 or near it by definition"
    return [binary] if seen and all(map_.binary for map_ in seen) else []


def _judge(seen: list[_Seen], source: "SavedMaps") -> None:
    """Say what is odd about all contour maps together; what can't be meant is refused."""
    mostly_upside_down, highest = np.mean([map_.upside_down for map_ in seen]) > 0.5, max(map_.highest for map_ in seen)
    invert = argument("invert", True)
    if mostly_upside_down and source.invert:
        raise UserError(
            f"{source.folder}: upright already: once inverted, they are high off contours; leave out {invert}"
        )
    if 0 < highest <= 1 / 255 and not source.invert:
        raise UserError(
            f"{source.folder}: no value above {highest:.2g}; 0 and 1 stored as 8 or 16 bits? expected"
            " full scale (255 or 65535) where a contour is certain"
        )
    if mostly_upside_down:
        advice = f"inverted? if so, add {invert}"
        logger.warning(f"{source.folder}: most pixels of most maps are high, expected 0 off contours; {advice}")


def is_upside_down(soft: NDArray[np.floating]) -> bool:
    """Whether most pixels of a map are well above the middle of its values: high off the contours."""
    lowest, highest = float(soft.min()), float(soft.max())
    high = lowest + UPSIDE_DOWN * (highest - lowest) if lowest < highest else 0.5
    return bool(np.median(soft) > high)


def is_binary(soft: NDArray[np.floating]) -> bool:
    """Whether a map holds two values at most."""
    return bool(np.all((soft == soft.min()) | (soft == soft.max())))

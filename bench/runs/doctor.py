"""A look at saved predictions before the long run: what is wrong with them, and what to pass to put it right."""

import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...eval.thinning import thin
from ..datasets.base import Dataset
from ..errors import UserError, argument, listing
from ..files.predictions import Prediction, checked_prediction, find_predictions, read_prediction
from .progress import Progress

OK, LOOK, WRONG = "ok", "look", "WRONG"
FEW_LEVELS = 20
SATURATED = 0.02  # share of the pixels at the highest value of all, above which the top of the curve is lost
STRONGEST = 0.1  # share of the pixels in which thickness is judged,
THIN_ALREADY = 0.75  # and the share of these that thinning leaves of thin maps
LOUD = FAINT = 0.5
FEW_MAPS, AT_TOP_BY_CHANCE = 3, 1e-4  # maps, and share of their pixels, that say whether 1 is each map's own maximum
NUMBER = re.compile(r"-?\d[\d.]*(e[+-]\d+)?")


class Finding(NamedTuple):
    """One line of the report: what was looked at, how it is, what was found and what to do."""

    check: str
    verdict: str
    found: str
    advice: str = ""


class _Look(NamedTuple):
    """What one contour map looks like; ``at_top`` and ``thin_share`` are shares of the pixels."""

    mean: float
    highest: float
    levels: int
    at_top: float
    thin_share: float


def examine(folder: Path, dataset: Dataset, limit: int = 50, invert: bool = False) -> list[Finding]:
    """Look at predictions and say what is right and wrong with them.

    Parameters
    ----------
    folder : Path
        Predictions as `score` takes them.
    dataset : Dataset
        The images they are of.
    limit : int
        How many maps to look into, evenly spread; names are always compared for all.
    invert : bool
        Whether the maps are 0 on contours.

    Raises
    ------
    UserError
        If there are no predictions at all.
    """
    files = find_predictions(folder)
    ids = [image_id for image_id in dataset.ids if image_id in files]
    findings = [_names(files, dataset)]
    if not ids:
        return findings
    chosen = [ids[i] for i in np.unique(np.linspace(0, len(ids) - 1, min(limit, len(ids))).astype(int))]
    problems: dict[str, dict[str, str]] = defaultdict(dict)  # what is wrong, by kind and image
    kinds: dict[str, list[str]] = defaultdict(list)
    looks: dict[str, _Look] = {}
    with Progress("doctor", len(chosen)) as progress:
        for image_id in chosen:
            try:
                prediction = _read(files[image_id], dataset.image(image_id).shape[:2], invert)
            except UserError as error:
                reason = first_line(error, files[image_id])
                problems[NUMBER.sub("#", reason)][image_id] = reason
            else:
                kinds[prediction.description].append(image_id)
                if prediction.is_soft:
                    looks[image_id] = _look_at(prediction)
            progress.step()
    findings.append(_readable(problems, len(chosen)))
    findings += map(_problem, problems.values())
    findings += [_of_one_kind(kinds)] if kinds else []
    return findings + (_strengths(looks) if looks else [])


def report_text(findings: list[Finding]) -> str:
    """Return the findings as a table."""
    lines = []
    for check, verdict, found, advice in findings:
        lines.append(f"{verdict:<5}  {check:<10}  {found}" + (f"; {advice}" if advice else ""))
    return "\n".join(lines) + "\n"


def _names(files: dict[str, Path], dataset: Dataset) -> Finding:
    missing, extra = sorted(set(dataset.ids) - set(files)), sorted(set(files) - set(dataset.ids))
    found = f"{len(dataset.ids) - len(missing)} of {len(dataset.ids)} images have a prediction"
    if missing:
        found += f"; missing: {listing(missing)}"
    if extra:
        found += f"; without image: {listing(extra)}"
    advice = (
        f"another {argument('split')}, or another naming? expected the image's name before the suffix"
        if missing
        else ""
    )
    added = {other.partition(i)[::2] for i in missing for other in extra if i in other}
    if len(added) == 1:
        before, after = added.pop()
        advice = f"rename the files: leave out {' and '.join(repr(part) for part in (before, after) if part)}"
    if extra and not missing:
        advice = f"move the extra ones away, or add {argument('limit')}"
    return Finding("names", WRONG if missing or extra else OK, found, advice)


def _read(path: Path, shape: tuple[int, int], invert: bool) -> Prediction:
    return checked_prediction(read_prediction(path, invert), str(path), shape)


def first_line(error: UserError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ").removeprefix(f"{path.name}: ")


def _problem(reasons: dict[str, str]) -> Finding:
    """What is wrong with some images: one line, also where the numbers differ."""
    ids, reason = list(reasons), next(iter(reasons.values()))
    same = len(set(reasons.values())) == 1
    found = f"{listing(ids, 3)}: {reason}" if same else f"{len(ids)} maps, such as {ids[0]}: {reason}"
    wrong_size = reason.startswith("size ")
    return Finding("", WRONG, found, "save each map at the size of its image" if wrong_size else "")


def _readable(problems: dict[str, dict[str, str]], looked_at: int) -> Finding:
    bad = sum(map(len, problems.values()))
    return Finding("values", WRONG if bad else OK, f"{looked_at - bad} of {looked_at} looked into can be scored")


def _of_one_kind(kinds: dict[str, list[str]]) -> Finding:
    found = "; ".join(f"{len(ids)} x {kind}" for kind, ids in kinds.items())
    return Finding("kind", OK if len(kinds) == 1 else WRONG, found, "" if len(kinds) == 1 else "expected one kind")


def _look_at(prediction: Prediction) -> _Look:
    soft = prediction.contour_map()
    highest = float(soft.max())
    above = (soft > 0) & (soft >= np.quantile(soft, 1 - STRONGEST))
    left = thin(above).sum() / max(above.sum(), 1)
    return _Look(float(soft.mean()), highest, len(np.unique(soft)), float(np.mean(soft == highest)), float(left))


def _strengths(looks: dict[str, _Look]) -> list[Finding]:
    empty = [image_id for image_id, look in looks.items() if look.highest == 0]
    on_empty = Finding("empty", LOOK if empty else OK, f"{len(empty)} all-zero map(s) {listing(empty)}".rstrip())
    full = [look for look in looks.values() if look.highest > 0]
    if not full:
        return [on_empty]
    table = {name: np.array([getattr(look, name) for look in full]) for name in _Look._fields}
    findings = [on_empty, _polarity(table["mean"]), _scale(table["highest"], table["at_top"])]
    findings.append(_levels(float(np.median(table["levels"]))))
    if findings[1].verdict == OK:  # else what is strong is not the contours
        findings.append(_top(float(np.median(table["at_top"]))))
        findings.append(_thickness(float(np.median(table["thin_share"]))))
    return findings


def _polarity(means: NDArray[np.float64]) -> Finding:
    found = f"mean value {means.mean():.3f}"
    if np.mean(means > LOUD) > 0.5:
        return Finding(
            "polarity", LOOK, f"{found}, as of maps that are 1 off the contours", f"add {argument('invert', True)}"
        )
    return Finding("polarity", OK, f"{found}: 0 off the contours")


def _scale(tops: NDArray[np.float64], shares: NDArray[np.float64]) -> Finding:
    highest = float(tops.max())
    if 0 < highest <= 1 / 255:
        return Finding(
            "scale", WRONG, f"no value above {highest:.2g}", "0 and 1 stored as 8 or 16 bits? use full scale"
        )
    if 0 < highest < FAINT:
        advice = "divide all maps by one constant, so that sure contours come near 1"
        return Finding("scale", LOOK, f"no value above {highest:.3g}", advice)
    if len(tops) >= FEW_MAPS and tops.min() == highest == 1 and np.median(shares) < AT_TOP_BY_CHANCE:
        advice = "that changes ODS and AP; say so beside the scores, or divide all maps by one constant"
        return Finding(
            "scale", LOOK, "the highest value of every map is 1, as if each were divided by its own maximum", advice
        )
    return Finding("scale", OK, f"highest value {highest:.3g}")


def _levels(distinct: float) -> Finding:
    found = f"{distinct:.0f} distinct values in a map"
    if distinct <= FEW_LEVELS:
        return Finding("levels", LOOK, found, "the curve has no more points than that; save 8 or 16 bits of a soft map")
    return Finding("levels", OK, found)


def _top(share: float) -> Finding:
    found = f"{share:.2%} of the pixels at a map's highest value"
    if share > SATURATED:
        return Finding("top", LOOK, found, "saturated? the curve then has no low recalls, which costs AP")
    return Finding("top", OK, found)


def _thickness(left: float) -> Finding:
    if left >= THIN_ALREADY:
        return Finding(
            "thickness",
            OK,
            f"thin already ({left:.0%} of the pixels stay when thinned)",
            f"no {argument('nms')} needed",
        )
    advice = f"most papers suppress non-maxima first: {argument('nms', 'hed')}, rcf ..."
    return Finding("thickness", LOOK, f"thick contours ({left:.0%} of the pixels stay when thinned)", advice)

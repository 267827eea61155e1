"""A look at saved predictions before the long run: what is wrong with them, and what to pass to put it right."""

import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter

from ...eval.validation import size_message
from ..datasets.base import Dataset
from ..datasets.checks import TruthLook
from ..errors import UserError, argument, listing
from ..files.predictions import Prediction, checked_prediction, find_predictions, naming_hint, read_prediction
from .preflight import is_upside_down
from .progress import Progress

OK, LOOK, WRONG = "ok", "look", "WRONG"
FEW_LEVELS = 20
SATURATED = 0.02  # share of the pixels at the highest value of all, above which the top of the curve is lost
STRONGEST = 0.1  # share of the pixels in which thickness is judged,
# and the share of these with a neighbour much weaker than they: at most .12 of soft maps, at least .58 of what a preset
# of suppression makes of them. Unsuppressed gradients at the scale of a pixel lie between.
WEAK = 0.25
THICK, THIN = 0.3, 0.55
FAINT = 0.5
FEW_MAPS, AT_TOP_BY_CHANCE = 3, 1e-4  # maps, and share of their pixels, that say whether 1 is each map's own maximum
NUMBER = re.compile(r"-?\d[\d.]*(e[+-]\d+)?")


class Finding(NamedTuple):
    """One line of the report: what was looked at, how it is, what was found and what to do."""

    check: str
    verdict: str
    found: str
    advice: str = ""


class _Look(NamedTuple):
    """What one contour map looks like; ``at_top`` is a share of the pixels, ``cliffs`` of the strongest."""

    mean: float
    upside_down: bool
    highest: float
    levels: int
    at_top: float
    cliffs: float


def examine(
    folder: Path,
    dataset: Dataset,
    limit: int = 50,
    invert: bool = False,
    kind: str | None = None,
    partial: bool = False,
) -> list[Finding]:
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
    kind : {"contours", "labels"}, optional
        What the files hold, as of `score`.
    partial : bool
        Whether predictions of other images may be there.

    Raises
    ------
    UserError
        If there are no predictions at all.
    """
    files = find_predictions(folder)
    ids = [image_id for image_id in dataset.ids if image_id in files]
    findings = [_names(files, dataset, partial)]
    if not ids:
        return findings
    chosen = [ids[i] for i in np.unique(np.linspace(0, len(ids) - 1, min(limit, len(ids))).astype(int))]
    problems: dict[str, dict[str, str]] = defaultdict(dict)  # what is wrong, by kind and image
    kinds: dict[str, list[str]] = defaultdict(list)
    looks: dict[str, _Look] = {}
    truths, unusable = TruthLook(), []
    with Progress("doctor", len(chosen)) as progress:
        for image_id in chosen:
            try:
                shape = dataset.image(image_id).shape[:2]
                _add_truth(image_id, shape, dataset, truths, unusable)
                prediction = _read(files[image_id], shape, invert, kind)
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
    findings.append(_truth(truths, unusable))
    return findings + (_strengths(looks, invert) if looks else [])


def report_text(findings: list[Finding]) -> str:
    """Return the findings as a table."""
    lines = []
    for check, verdict, found, advice in findings:
        lines.append(f"{verdict:<5}  {check:<10}  {found}" + (f"; {advice}" if advice else ""))
    return "\n".join(lines) + "\n"


def _names(files: dict[str, Path], dataset: Dataset, partial: bool) -> Finding:
    missing, extra = sorted(set(dataset.ids) - set(files)), sorted(set(files) - set(dataset.ids))
    found = f"{len(dataset.ids) - len(missing)} of {len(dataset.ids)} images have a prediction"
    if missing:
        found += f"; missing: {listing(missing)}"
    if extra and (missing or not partial):
        found += f"; without image: {listing(extra)}"
    advice = naming_hint(missing, extra).removeprefix("; ")
    if missing and not advice:
        advice = f"another {argument('split')}, or another naming? expected the image's name before the suffix"
    if extra and not missing:
        advice = "" if partial else f"move the extra ones away, or choose {argument('images')}"
    return Finding("names", WRONG if missing or (extra and not partial) else OK, found, advice)


def _read(path: Path, shape: tuple[int, int], invert: bool, kind: str | None) -> Prediction:
    return checked_prediction(read_prediction(path, invert, kind), str(path), shape)


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


def _add_truth(image_id: str, shape: tuple[int, int], dataset: Dataset, look: TruthLook, unusable: list[str]) -> None:
    try:
        truth = dataset.ground_truth(image_id)
    except UserError as error:
        unusable.append(str(error))
        return
    look.add(image_id, truth)
    if truth.shape[1:] != shape:
        unusable.append(size_message(f"ground truth of {image_id}", truth.shape[1:], "its image", shape))


def _truth(look: TruthLook, unusable: list[str]) -> Finding:
    if unusable:
        return Finding("truth", WRONG, f"{len(unusable)} file(s) cannot be used", unusable[0])
    found = f"{look.annotations} annotations, contours {look.width:.1f} px thick"
    remarks = ["all are empty"] if look.is_empty else look.remarks()
    return Finding("truth", WRONG if look.is_empty else LOOK if remarks else OK, found, "; ".join(remarks))


def _look_at(prediction: Prediction) -> _Look:
    soft = prediction.contour_map()
    highest = float(soft.max())
    above = (soft > 0) & (soft >= np.quantile(soft, 1 - STRONGEST))
    cliffs = np.count_nonzero(minimum_filter(soft, 3)[above] < WEAK * soft[above]) / max(np.count_nonzero(above), 1)
    at_top = float(np.mean(soft == highest))
    return _Look(float(soft.mean()), is_upside_down(soft), highest, len(np.unique(soft)), at_top, cliffs)


def _strengths(looks: dict[str, _Look], invert: bool) -> list[Finding]:
    empty = [image_id for image_id, look in looks.items() if look.highest == 0]
    on_empty = Finding("empty", LOOK if empty else OK, f"{len(empty)} all-zero map(s) {listing(empty)}".rstrip())
    full = [look for look in looks.values() if look.highest > 0]
    if not full:
        return [on_empty]
    table = {name: np.array([getattr(look, name) for look in full]) for name in _Look._fields}
    polarity = _polarity(table["mean"], table["upside_down"], invert)
    findings = [on_empty, polarity, _scale(table["highest"], table["at_top"])]
    findings.append(_levels(float(np.median(table["levels"]))))
    if polarity.verdict == OK:  # else what is strong is not the contours
        findings.append(_top(float(np.median(table["at_top"]))))
        findings.append(_thickness(float(np.median(table["cliffs"]))))
    return findings


def _polarity(means: NDArray[np.float64], upside_down: NDArray[np.bool_], invert: bool) -> Finding:
    found, option = f"mean value {means.mean():.3f}", argument("invert", True)
    if np.mean(upside_down) <= 0.5:
        return Finding("polarity", OK, f"{found}: 0 off the contours")
    if invert:
        return Finding("polarity", WRONG, f"{found} once inverted: the maps were upright", f"leave out {option}")
    return Finding("polarity", LOOK, f"{found}, as of maps that are 1 off the contours", f"add {option}")


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


def _thickness(cliffs: float) -> Finding:
    """Suppression leaves cliffs: beside a line's pixels there is nothing. Soft lines fall off gently."""
    nms, share = argument("nms", "hed"), f"{cliffs:.0%} of the strongest pixels have a weak neighbour"
    if cliffs >= THIN:
        return Finding("thickness", OK, f"thin already ({share})", f"no {argument('nms')} needed")
    if cliffs >= THICK:
        return Finding("thickness", LOOK, f"neither thick nor thin ({share})", f"look at a map; of wide lines {nms}")
    return Finding("thickness", LOOK, f"thick contours ({share})", f"most papers suppress first: {nms}, rcf ...")

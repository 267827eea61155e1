"""The text files of the official benchmark: folds over counts and region measures, every number as ``%10g``."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from ...eval.counting import BoundaryCounts, pool
from ...eval.metrics import best_point, pr_curve, summarize
from ...eval.regions import RegionScores, Scale, covering_curve, summarize_regions

BOUNDARY_FILES = ("eval_bdry.txt", "eval_bdry_thr.txt", "eval_bdry_img.txt")
REGION_FILES = (
    "eval_cover.txt",
    "eval_cover_th.txt",
    "eval_cover_img.txt",
    "eval_RI_VOI.txt",
    "eval_RI_VOI_thr.txt",
)


def boundary_files(counts: Mapping[str, BoundaryCounts]) -> dict[str, str]:
    """Return the text of the boundary files by name; columns threshold, recall, precision, F."""
    summary = summarize(counts)
    curve = pr_curve(pool(counts.values()))
    images = []
    for index, image_counts in enumerate(counts.values(), 1):
        threshold, best = best_point(pr_curve(image_counts))
        images.append((index, threshold, best.recall, best.precision, best.f))
    ods, ois = summary.ods, summary.ois
    total = (summary.ods_threshold, ods.recall, ods.precision, ods.f, ois.recall, ois.precision, ois.f, summary.ap)
    return {
        "eval_bdry.txt": _rows([total]),
        "eval_bdry_thr.txt": _rows(zip(curve.thresholds, curve.recall, curve.precision, curve.f, strict=True)),
        "eval_bdry_img.txt": _rows(images),
    }


def region_files(regions: Mapping[str, RegionScores]) -> dict[str, str]:
    """Return the text of the region files by name.

    The official code prints every image's sums with six digits and adds up what it printed, and so do these files; the
    unrounded values stand in ``scores.json``. An image's row has the first threshold of highest covering, the covering
    there of the annotators' regions, and that of the predicted regions by the annotators'.
    """
    regions = {image_id: _printed(image) for image_id, image in regions.items()}
    summary = summarize_regions(regions)
    covering, pri, vi = summary.covering, summary.pri, summary.vi
    levels = next(iter(regions.values())).thresholds
    images = []
    for index, image in enumerate(regions.values(), 1):
        k = int(np.argmax(image.covered_r))
        images.append((index, levels[k], image.covered_r[k] / image.area_r, image.covered_p[k] / image.area_p))
    means = [np.mean([getattr(image, name) for image in regions.values()], axis=0) for name in ("rand", "information")]
    return {
        "eval_cover.txt": _rows([(covering.ods_threshold, covering.ods, covering.ois, summary.covering_best)]),
        "eval_cover_th.txt": _rows(zip(levels, covering_curve(regions.values()), strict=True)),
        "eval_cover_img.txt": _rows(images),
        "eval_RI_VOI.txt": _rows([(*_best(pri), *_best(vi))]),
        "eval_RI_VOI_thr.txt": _rows(zip(levels, *means, strict=True)),
    }


def _printed(image: RegionScores) -> RegionScores:
    """Return one image's measures as ``%10g`` leaves them."""
    sums = {
        name: [float(f"{value:10g}") for value in getattr(image, name)]
        for name in ("covered_r", "covered_p", "rand", "information")
    }
    return replace(image, best_r=float(f"{image.best_r:10g}"), **sums)


def _best(scale: Scale) -> tuple[float, float, float]:
    return scale.ods_threshold, scale.ods, scale.ois


def _rows(rows: Iterable[Iterable[float]]) -> str:
    return "".join("".join(f"{np.float64(value):10g} " for value in row).rstrip() + "\n" for row in rows)

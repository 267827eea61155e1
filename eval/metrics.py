"""Scores of a contour detector: folds over integer counts.

Conventions: prediction first, ground truth second; results are precision, recall, f; thresholds ascend along a curve.
Recall mostly descends, but not where the lowest thresholds fill regions that thinning then hollows out. A data set
pools counts over its images and never averages precision or recall.

- ODS ("optimal data-set scale"): best F of the pooled curve, one threshold for all images.
- OIS ("optimal image scale"): every image at its own best threshold, the counts pooled.
- AP ("average precision"): area under the pooled curve; `average_precision` says how exactly.
- R50: recall at a precision of one half.

Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 3.1; R50 as in Dollar & Zitnick, "Fast edge detection using
structured forests", PAMI 2015, section 4.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .counting import BoundaryCounts, pool

# Points between neighbouring thresholds at which the official code looks for the best F, both ends included.
INTERPOLATION_POINTS = 100


class Score(NamedTuple):
    """Precision, recall and their harmonic mean.

    Parameters
    ----------
    precision, recall, f : float
        Each in [0, 1].

    Examples
    --------
    >>> summarize([BoundaryCounts([5], [10], [5], [10], [0.5])]).ods
    Score(precision=0.5, recall=0.5, f=0.5)
    """

    precision: float
    recall: float
    f: float


class Curve(NamedTuple):
    """Precision, recall and F at each threshold.

    Parameters
    ----------
    thresholds, precision, recall, f : (K,) float64 arrays
        The thresholds ascend; the others are in [0, 1].

    Examples
    --------
    >>> counts = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> pr_curve(counts).precision
    array([0.5, 1. ])
    """

    thresholds: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f: NDArray[np.float64]


class Best(NamedTuple):
    """The best point of a curve, between thresholds where need be.

    Parameters
    ----------
    threshold : float
        Where it is.
    score : Score
        What it is.

    Examples
    --------
    >>> counts = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> best_point(pr_curve(counts)).threshold
    0.75
    """

    threshold: float
    score: Score


class Summary(NamedTuple):
    """What a row of the contour table holds.

    Parameters
    ----------
    ods : Score
        At the best threshold for the data set.
    ods_threshold : float
        That threshold.
    ois : Score
        Every image at its own best threshold.
    ap : float
        Average precision, the official one.
    r50 : float
        Recall at a precision of one half; NaN where the curve never reaches that.

    Examples
    --------
    >>> counts = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> summary = summarize([counts])
    >>> summary.ois.recall, summary.r50
    (0.8, 0.9)
    >>> summary
    <Summary: ODS 0.889 (precision 1.000, recall 0.800 at 0.75), OIS 0.889, AP 0.083, R50 0.900>
    """

    ods: Score
    ods_threshold: float
    ois: Score
    ap: float
    r50: float

    def __repr__(self) -> str:
        f, at = (
            self.ods.f,
            f"precision {self.ods.precision:.3f}, recall {self.ods.recall:.3f} at {self.ods_threshold:.4g}",
        )
        return f"<Summary: ODS {f:.3f} ({at}), OIS {self.ois.f:.3f}, AP {self.ap:.3f}, R50 {self.r50:.3f}>"


def summarize(counts: Mapping[str, BoundaryCounts] | Iterable[BoundaryCounts]) -> Summary:
    """Return ODS, OIS, AP and R50 of a data set.

    Parameters
    ----------
    counts : mapping from image id to BoundaryCounts, or iterable of BoundaryCounts
        One entry per image, all with the same thresholds.

    Returns
    -------
    Summary
        ODS and OIS with precision and recall, AP and R50.

    Raises
    ------
    ValueError
        If there are no counts, or their thresholds differ.

    References
    ----------
    Arbelaez, Maire, Fowlkes & Malik, "Contour detection and hierarchical image segmentation", PAMI 2011, section 3.1.
    R50: Dollar & Zitnick, "Fast edge detection using structured forests", PAMI 2015, section 4.

    Examples
    --------
    One image of ten true pixels; 8 of 8 predicted pixels match at the higher threshold, 9 of 18 at the lower:

    >>> counts = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> summary = summarize([counts])
    >>> summary.ods.f == 2 * 1.0 * 0.8 / (1.0 + 0.8), summary.ods_threshold
    (True, 0.75)
    """
    per_image = list(counts.values() if isinstance(counts, Mapping) else counts)
    return summarize_pooled(pool(per_image), pool(map(at_best_threshold, per_image)))


def summarize_pooled(pooled: BoundaryCounts, at_best: BoundaryCounts) -> Summary:
    """Return the scores of pooled counts; ``at_best`` pools each image's at its own best threshold."""
    curve = pr_curve(pooled)
    best = best_point(curve)
    ois = pr_curve(at_best)
    return Summary(
        ods=best.score,
        ods_threshold=best.threshold,
        ois=Score(float(ois.precision[0]), float(ois.recall[0]), float(ois.f[0])),
        ap=average_precision(curve.precision, curve.recall),
        r50=recall_at_half_precision(curve.precision, curve.recall),
    )


def pr_curve(counts: BoundaryCounts) -> Curve:
    """Return precision, recall and F at every threshold.

    Parameters
    ----------
    counts : BoundaryCounts
        Of an image, or pooled over images.

    Returns
    -------
    Curve
        Each value is 0 where its denominator is 0.

    References
    ----------
    Martin, Fowlkes & Malik, "Learning to detect natural image boundaries using local brightness, color, and texture
    cues", PAMI 2004, section 2.2.

    Examples
    --------
    >>> counts = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> curve = pr_curve(counts)
    >>> curve.precision, curve.recall
    (array([0.5, 1. ]), array([0.9, 0.8]))
    """
    precision = counts.cnt_p / np.maximum(counts.sum_p, 1)
    recall = counts.cnt_r / np.maximum(counts.sum_r, 1)
    return Curve(counts.thresholds, precision, recall, f_measure(precision, recall))


def f_measure(precision: ArrayLike, recall: ArrayLike) -> NDArray[np.float64]:
    """Return the harmonic mean of precision and recall, 0 where both are 0."""
    precision, recall = np.asarray(precision, np.float64), np.asarray(recall, np.float64)
    total = precision + recall
    return 2 * precision * recall / np.where(total == 0, 1, total)


def best_point(curve: Curve) -> Best:
    """Return the first point of highest F on the curve drawn straight through its thresholds.

    Parameters
    ----------
    curve : Curve
        At one threshold or more.

    Returns
    -------
    Best
        Threshold, precision and recall are interpolated linearly in 100 points between neighbouring thresholds.

    References
    ----------
    Arbelaez, Maire, Fowlkes & Malik, "Contour detection and hierarchical image segmentation", PAMI 2011, section 3.1.

    Examples
    --------
    >>> counts = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> best = best_point(pr_curve(counts))
    >>> best.threshold, best.score.precision, best.score.recall
    (0.75, 1.0, 0.8)
    """
    if len(curve.thresholds) == 1:
        return Best(float(curve.thresholds[0]), Score(*(float(x[0]) for x in curve[1:])))
    ahead = np.linspace(0, 1, INTERPOLATION_POINTS)
    threshold, precision, recall = (
        (values[1:, None] * ahead + values[:-1, None] * (1 - ahead)).ravel() for values in curve[:3]
    )
    f = f_measure(precision, recall)
    i = int(np.argmax(f))
    return Best(float(threshold[i]), Score(float(precision[i]), float(recall[i]), float(f[i])))


def at_best_threshold(counts: BoundaryCounts) -> BoundaryCounts:
    """Return one image's counts at its first threshold of highest F (not interpolated), the threshold set to 0."""
    at_best = counts.at(int(np.argmax(pr_curve(counts).f)))
    return BoundaryCounts(at_best.cnt_r, at_best.sum_r, at_best.cnt_p, at_best.sum_p, np.zeros(1))


def average_precision(precision: ArrayLike, recall: ArrayLike) -> float:
    """Return the official AP: 0.01 times the sum of the precisions at recall 0, 0.01 … 1.

    Precision is interpolated linearly over the distinct recalls and is 0 outside the recalls that are reached, so a
    map that saturates (no point of low recall) loses area; of equal recalls the lowest threshold counts. 0 where
    there are fewer than two distinct recalls.
    """
    distinct, first = np.unique(np.asarray(recall, np.float64), return_index=True)
    if len(distinct) < 2:
        return 0.0
    at = np.interp(np.arange(101) / 100, distinct, np.asarray(precision, np.float64)[first], left=0, right=0)
    return float(at.sum() * 0.01)


class ApVariants(NamedTuple):
    """Three areas that papers call AP; only ``official`` belongs in a column with official ones.

    Parameters
    ----------
    official : float
        0 outside the recalls that the curve reaches.
    left_extended : float
        Goes on to recall 0.
    threshold_zero : float or None
        With the full map as one more point; None where that was not counted.

    Examples
    --------
    Recall from 0.8 to 0.9: official areas count nothing left of 0.8.

    >>> counts = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> variants = ap_variants(counts)
    >>> round(variants.official, 4), round(variants.left_extended, 4)
    (0.0825, 0.8825)
    """

    official: float
    left_extended: float
    threshold_zero: float | None


def ap_variants(counts: BoundaryCounts, full_map: tuple[int, int] | None = None) -> ApVariants:
    """Return the average precision of pooled counts in its variants.

    Parameters
    ----------
    counts : BoundaryCounts
        Pooled over the images.
    full_map : (int, int), optional
        Matched and all pixels of the map that is a contour everywhere, pooled; see `full_map_counts`.

    Returns
    -------
    ApVariants
        ``left_extended`` goes on to recall 0 at the precision of the lowest recall, which a map that saturates does not
        reach. ``threshold_zero`` has one more point, the binary map of threshold 0, full and not thinned, as code
        published with EDTER adds it: a segment up to recall 1 that no detector has earned. None without ``full_map``.

    Raises
    ------
    ZeroDivisionError
        If ``full_map`` has no pixels.

    References
    ----------
    Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 3.1; Pu, Huang, Liu, Guan & Ling, "EDTER: edge detection with
    transformer", CVPR 2022.

    Examples
    --------
    >>> counts = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> round(ap_variants(counts, full_map=(20, 64)).threshold_zero, 4)
    0.1222
    """
    curve = pr_curve(counts)
    seen = curve.recall > 0
    precision, recall = curve.precision[seen], curve.recall[seen]
    at_left = precision[np.argsort(recall, kind="stable")][:1]
    left = average_precision(np.append(precision, at_left), np.append(recall, np.zeros(len(at_left))))
    zero = None
    if full_map is not None:
        matched, pixels = full_map
        zero = average_precision(np.append(curve.precision, matched / pixels), np.append(curve.recall, 1.0))
    return ApVariants(average_precision(curve.precision, curve.recall), left, zero)


def full_map_counts(ground_truth: NDArray[np.bool_]) -> tuple[int, int]:
    """Return matched and all pixels of a map that is a contour everywhere: every true pixel matches itself.

    Parameters
    ----------
    ground_truth : (G, H, W) bool array
        True contours, one layer per annotator.

    Returns
    -------
    (int, int)
        Pixels that any annotator drew, and all pixels of the image.

    Examples
    --------
    >>> import numpy as np
    >>> full_map_counts(np.array([[[True, False, False, False]], [[True, True, False, False]]]))
    (2, 4)
    """
    return int(np.count_nonzero(ground_truth.any(axis=0))), ground_truth[0].size


def recall_at_half_precision(precision: ArrayLike, recall: ArrayLike) -> float:
    """Return R50: recall at precision 0.5, linear in the distinct precisions.

    If precision stays above 0.5, the recall at the lowest precision; NaN if it never reaches 0.5. As defined, a
    threshold at which nothing is predicted is a point of precision 0 and recall 0, and one that a handful of pixels
    reaches may have any precision at a recall near 0: either can pull R50 down. Scale a map so that its highest
    threshold is well used.
    """
    distinct, first = np.unique(np.asarray(precision, np.float64), return_index=True)
    if distinct[-1] < 0.5:
        return float("nan")
    return float(np.interp(max(0.5, distinct[0]), distinct, np.asarray(recall, np.float64)[first]))

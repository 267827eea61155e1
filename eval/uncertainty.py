"""How sure a score is, and whether a difference of two detectors is real: resampling of images, from stored counts.

The images of a data set are taken as a sample of all images one might have tested on. A bootstrap draws as many images
again, with replacement, and folds their counts as `metrics` does; the spread of the scores is their uncertainty. Two
detectors are compared on the same draws, for what makes an image hard makes it hard for both: the share of draws in
which the difference is gone, or the other way round, is p.

Nothing here depends on the scale of a detector's maps, as no score does: maps whose values are squared have the same
binary maps at other thresholds. A randomisation test that swaps two detectors' counts image by image, threshold by
threshold, would not do: it mixes two scales, and its p says how different they are.

Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapters 13 and 16; the same for text retrieval: Smucker,
Allan & Carterette, "A comparison of statistical significance tests for information retrieval evaluation", CIKM 2007.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from .counting import BoundaryCounts, pool
from .metrics import Summary, at_best_threshold, summarize_pooled
from .validation import require

SCORES = ("ods", "ois", "ap", "r50")
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A score and the interval that holds the middle 95 % of its bootstrap samples.

    Parameters
    ----------
    value, low, high : float
        The score and the ends of the interval; NaN where R50 is undefined.

    Examples
    --------
    One image, drawn again and again:

    >>> bootstrap({"a": BoundaryCounts([5], [10], [5], [10], [0.5])}, samples=10)["ods"]
    Interval(value=0.5, low=0.5, high=0.5)
    """

    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """First minus second detector.

    Parameters
    ----------
    value, low, high : float
        The difference and its interval by the paired bootstrap.
    p : float
        Two-sided: twice the share of draws in which the difference is 0 or has the other sign. NaN where the score is
        undefined, or there is but one image, of which every draw is the same.

    Examples
    --------
    >>> same = {i: BoundaryCounts([5], [10], [5], [10], [0.5]) for i in "ab"}
    >>> compare(same, same, samples=10)["ods"]
    Difference(value=0.0, low=0.0, high=0.0, p=1.0)
    """

    value: float
    low: float
    high: float
    p: float


def bootstrap(counts: Mapping[str, BoundaryCounts], samples: int = 1000, seed: int = 0) -> dict[str, Interval]:
    """Return each score with its bootstrap interval.

    Parameters
    ----------
    counts : mapping from image id to BoundaryCounts
        All with the same thresholds.
    samples : int
        Number of draws.
    seed : int
        Of the draws; the same seed draws the same images.

    Returns
    -------
    dict from "ods", "ois", "ap" and "r50" to Interval

    Raises
    ------
    ValueError
        If there are no counts, their thresholds differ, or ``samples`` is not positive.

    References
    ----------
    Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.

    Examples
    --------
    >>> good = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> poor = BoundaryCounts([4, 2], [10, 10], [4, 2], [5, 2], [0.25, 0.75])
    >>> interval = bootstrap({"a": good, "b": poor}, samples=100)["ods"]
    >>> round(interval.low, 3), round(interval.value, 3), round(interval.high, 3)
    (0.533, 0.671, 0.889)
    """
    table = _Table.of(_in_order(counts))
    drawn = np.array([table.scores(weights) for weights in _draws(len(counts), samples, seed)])
    return {name: Interval(v, *_middle(drawn[:, i])) for i, (name, v) in enumerate(_whole(table))}


def compare(
    first: Mapping[str, BoundaryCounts], second: Mapping[str, BoundaryCounts], samples: int = 1000, seed: int = 0
) -> dict[str, Difference]:
    """Return how much the first detector scores above the second, and how sure that is.

    Parameters
    ----------
    first, second : mappings from image id to BoundaryCounts
        The same images and ground truth; the thresholds of the two may differ.
    samples : int
        Number of draws.
    seed : int
        Of the draws.

    Returns
    -------
    dict from "ods", "ois", "ap" and "r50" to Difference

    Raises
    ------
    ValueError
        If the images or their ground truth differ, or ``samples`` is not positive.

    Notes
    -----
    The order of the images does not matter, nor which of the two is first, nor the scale of the maps. With few images
    the intervals are too narrow, and p with them: below some twenty, read both as hints.

    References
    ----------
    Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapters 13 and 16; Smucker, Allan & Carterette, "A
    comparison of statistical significance tests for information retrieval evaluation", CIKM 2007.

    Examples
    --------
    >>> good = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> poor = BoundaryCounts([4, 2], [10, 10], [4, 2], [5, 2], [0.25, 0.75])
    >>> difference = compare({"a": good, "b": poor}, {"a": poor, "b": poor}, samples=100)["ods"]
    >>> round(difference.value, 3), round(difference.p, 2)
    (0.137, 0.44)
    """
    require(set(first) == set(second), "counts: of different images, expected the same ones for both detectors")
    for image_id in first:
        totals = first[image_id].sum_r.max(), second[image_id].sum_r.max()
        require(totals[0] == totals[1], f"counts: {image_id} has {totals[0]} and {totals[1]} true pixels; other truth?")
    a, b = (_Table.of(_in_order(counts)) for counts in (first, second))
    observed = a.scores(np.ones(len(first))) - b.scores(np.ones(len(first)))
    drawn = np.array([a.scores(w) - b.scores(w) for w in _draws(len(first), samples, seed)])
    return {
        name: Difference(float(observed[i]), *_middle(drawn[:, i]), _p(observed[i], drawn[:, i], len(first)))
        for i, name in enumerate(SCORES)
    }


def _p(observed: float, drawn: NDArray[np.float64], images: int) -> float:
    """Two-sided p of the paired bootstrap: never 0, as another draw might be the first of its kind."""
    if images < 2 or np.isnan(observed) or np.isnan(drawn).any():
        return float("nan")
    fewer = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    return float(min(1.0, 2 * (1 + fewer) / (1 + len(drawn))))


def _in_order(counts: Mapping[str, BoundaryCounts]) -> dict[str, BoundaryCounts]:
    """The counts by ascending id, so that a draw is the same in whatever order they come."""
    return {image_id: counts[image_id] for image_id in sorted(counts)}


class _Table(NamedTuple):
    """Counts of n images: ``curves`` (4, n, K) at all thresholds and ``best`` (4, n, 1) at each image's own best."""

    curves: NDArray[np.float64]
    best: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    @classmethod
    def of(cls, counts: Mapping[str, BoundaryCounts]) -> "_Table":
        images = list(counts.values())
        thresholds = pool(images).thresholds
        best = [at_best_threshold(image) for image in images]
        return cls(_stacked(images), _stacked(best), thresholds)

    def summary(self, weights: NDArray[np.float64]) -> Summary:
        """Scores of the data set in which image i stands ``weights[i]`` times."""
        pooled = _weighted(weights, self.curves, self.thresholds)
        return summarize_pooled(pooled, _weighted(weights, self.best, np.zeros(1)))

    def scores(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """(4,) ODS, OIS, AP and R50; NaN where R50 is undefined."""
        summary = self.summary(weights)
        return np.array([summary.ods.f, summary.ois.f, summary.ap, summary.r50])


def _weighted(
    weights: NDArray[np.float64], tables: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> BoundaryCounts:
    cnt_r, sum_r, cnt_p, sum_p = (weights @ table for table in tables)
    return BoundaryCounts(cnt_r, sum_r, cnt_p, sum_p, thresholds)


def _stacked(images: list[BoundaryCounts]) -> NDArray[np.float64]:
    # Counts stay far below 2 ** 53, so that sums of floats are exact and in any order the same.
    names = ("cnt_r", "sum_r", "cnt_p", "sum_p")
    return np.array([[getattr(image, name) for image in images] for name in names], np.float64)


def _whole(table: _Table) -> list[tuple[str, float]]:
    scores = table.scores(np.ones(table.curves.shape[1]))
    return list(zip(SCORES, scores.tolist(), strict=True))


def _draws(n: int, samples: int, seed: int) -> NDArray[np.float64]:
    """(samples, n) how often each image is drawn."""
    require(samples >= 1, f"samples: {samples}, expected at least 1")
    random = RandomState(seed)
    return np.stack([np.bincount(random.randint(0, n, n), minlength=n) for _ in range(samples)]).astype(np.float64)


def _middle(values: NDArray[np.float64]) -> tuple[float, float]:
    """Ends of the interval; NaN if a draw's score is undefined."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)

"""How sure a score is, and whether a difference of two detectors is real: resampling of images, from stored counts.

The images of a data set are taken as a sample of all images one might have tested on. A bootstrap draws as many images
again, with replacement, and folds their counts as `metrics` does; the spread of the scores is their uncertainty. Two
detectors are compared on the same draws, for what makes an image hard makes it hard for both. The randomisation test
asks how often a difference as large arises if the two detectors' counts are swapped at random, image by image.

Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapters 13 and 15; the same for text retrieval: Smucker,
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
        Of the randomisation test, two-sided; NaN where the thresholds of the two differ, as counts cannot be swapped
        then.

    Examples
    --------
    >>> same = {"a": BoundaryCounts([5], [10], [5], [10], [0.5])}
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
    table = _Table.of(counts)
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
        Number of draws of the bootstrap and of the randomisation test.
    seed : int
        Of the draws.

    Returns
    -------
    dict from "ods", "ois", "ap" and "r50" to Difference

    Raises
    ------
    ValueError
        If the images or their ground truth differ, or ``samples`` is not positive.

    References
    ----------
    Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapter 13; Smucker, Allan & Carterette, "A
    comparison of statistical significance tests for information retrieval evaluation", CIKM 2007.

    Examples
    --------
    One image cannot tell whether a difference is more than chance:

    >>> good = BoundaryCounts([9, 8], [10, 10], [9, 8], [18, 8], [0.25, 0.75])
    >>> poor = BoundaryCounts([4, 2], [10, 10], [4, 2], [5, 2], [0.25, 0.75])
    >>> difference = compare({"a": good}, {"a": poor}, samples=100)["ods"]
    >>> round(difference.value, 3), difference.p
    (0.356, 1.0)
    """
    require(set(first) == set(second), "counts: of different images, expected the same ones for both detectors")
    ids = list(first)
    for image_id in ids:
        totals = first[image_id].sum_r.max(), second[image_id].sum_r.max()
        require(totals[0] == totals[1], f"counts: {image_id} has {totals[0]} and {totals[1]} true pixels; other truth?")
    a, b = (_Table.of({i: counts[i] for i in ids}) for counts in (first, second))
    drawn = np.array([a.scores(w) - b.scores(w) for w in _draws(len(ids), samples, seed)])
    observed = a.scores(np.ones(len(ids))) - b.scores(np.ones(len(ids)))
    p = np.full(len(SCORES), np.nan)
    if np.array_equal(a.thresholds, b.thresholds):
        smaller = np.abs(_randomised(a, b, samples, seed)) < np.abs(observed) - 1e-12
        p = (1 + (~smaller).sum(axis=0)) / (1 + samples)  # the arrangement observed is one of those possible
    p[np.isnan(observed)] = np.nan
    return {name: Difference(float(observed[i]), *_middle(drawn[:, i]), float(p[i])) for i, name in enumerate(SCORES)}


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


def _randomised(a: _Table, b: _Table, samples: int, seed: int) -> NDArray[np.float64]:
    """(samples, 4) differences after the two detectors' counts of randomly chosen images are swapped."""
    n = a.curves.shape[1]
    ones = np.ones(n)
    swaps = RandomState(seed).randint(0, 2, (samples, n)).astype(bool)
    return np.array([_mixed(a, b, swap).scores(ones) - _mixed(b, a, swap).scores(ones) for swap in swaps])


def _mixed(a: _Table, b: _Table, swap: NDArray[np.bool_]) -> _Table:
    swap = swap[np.newaxis, :, np.newaxis]
    return _Table(np.where(swap, b.curves, a.curves), np.where(swap, b.best, a.best), a.thresholds)


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

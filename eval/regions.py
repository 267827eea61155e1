"""Region measures: covering, probabilistic Rand index and variation of information.

A segmentation is compared with the regions that each annotator drew. Conventions: prediction first, ground truth
second; one value per threshold or setting; sums over annotators and images are kept apart from their denominators, so
that a data set folds over its images as for contours.

- Covering of the ground truth by the segmentation: every true region counts with its area times its best overlap
  (intersection over union) with a predicted region, pooled over annotators and images.
- PRI, probabilistic Rand index: share of the pixel pairs on which segmentation and annotator agree that they are in
  one region or in two; averaged over annotators, then over images.
- VI, variation of information, in bits: what the two segmentations do not know of each other; lower is better;
  averaged like the PRI.

Each is given at the best threshold for the data set (ODS) and for every image (OIS); covering also with the best
overlap of each true region at any threshold ("Best").

Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 3.2; Unnikrishnan, Pantofaru & Hebert, PAMI 2007; Meila, "Comparing
clusterings", 2005.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array

from .protocol import BoundaryProtocol
from .validation import check_labels, require, size_message

if TYPE_CHECKING:
    from .hierarchy import Hierarchy
    from .sweeps import Sweep

# Which definition of the measures this code implements; raise it when a value changes.
REGIONS_DEFINITION = 1


@dataclass(frozen=True, eq=False)  # nor a hash: arrays have none
class RegionScores:
    """One image's region measures at each of K thresholds.

    Parameters
    ----------
    covered_r : (K,) float64 array
        Area times best overlap with a predicted region, summed over the regions of all annotators, in pixels.
    covered_p : (K,) float64 array
        The reverse: area times best overlap with any annotator's region, summed over the predicted regions.
    best_r : float
        ``covered_r`` with each true region's best overlap at any threshold.
    area_r, area_p : int
        Pixels of all annotators together, and of the image.
    rand, information : (K,) float64 arrays
        Rand index in [0, 1] and variation of information in bits, means over annotators.
    thresholds : (K,) float64 array
        The thresholds, or 1 … K for the settings of a sweep.

    Raises
    ------
    ValueError
        If lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> halves = np.array([[1, 1, 2, 2]])
    >>> scores = score_sweep([np.ones_like(halves)], [halves])
    >>> scores.covered_r, scores.area_r  # two true regions of two pixels, each half of what covers it
    (array([2.]), 4)
    """

    covered_r: NDArray[np.float64]
    covered_p: NDArray[np.float64]
    best_r: float
    area_r: int
    area_p: int
    rand: NDArray[np.float64]
    information: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("covered_r", "covered_p", "rand", "information", "thresholds"):
            values = np.array(getattr(self, name), np.float64)
            require(values.shape == np.shape(self.thresholds), f"{name}: {values.shape}, expected one per threshold")
            object.__setattr__(self, name, values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RegionScores) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__
        )


class Scale(NamedTuple):
    """A measure at the best scale of the data set, where that is, and at every image's best."""

    ods: float
    ods_threshold: float
    ois: float


class RegionSummary(NamedTuple):
    """What a row of the region table holds.

    Parameters
    ----------
    covering : Scale
        Covering of the ground truth, in [0, 1]; higher is better.
    covering_best : float
        The covering with each true region at its own best scale.
    pri : Scale
        Probabilistic Rand index, in [0, 1]; higher is better.
    vi : Scale
        Variation of information, in bits; lower is better.

    Examples
    --------
    >>> import numpy as np
    >>> halves = np.array([[1, 1, 2, 2]])
    >>> summarize_regions([score_sweep([np.ones_like(halves), halves], [halves])]).vi
    Scale(ods=0.0, ods_threshold=2.0, ois=0.0)
    """

    covering: Scale
    covering_best: float
    pri: Scale
    vi: Scale


def score_sweep(sweep: "Sweep | Sequence[ArrayLike]", ground_truth: Sequence[ArrayLike]) -> RegionScores:
    """Compare each segmentation of a sweep with all annotators.

    Parameters
    ----------
    sweep : Sweep, or sequence of K (H, W) integer arrays
        Label maps; every label, 0 included, is a region.
    ground_truth : sequence of G (H, W) integer arrays
        The annotators' label maps.

    Returns
    -------
    RegionScores
        With thresholds 1 … K.

    Raises
    ------
    ValueError
        If there is no segmentation or annotator, sizes differ, or labels are not whole numbers.

    References
    ----------
    Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 3.2 (covering); Unnikrishnan, Pantofaru & Hebert, "Toward
    objective evaluation of image segmentation algorithms", PAMI 2007 (PRI); Meila, "Comparing clusterings: an
    axiomatic view", ICML 2005 (VI).

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([[1, 1, 2, 2]])
    >>> scores = score_sweep([truth, np.ones_like(truth)], [truth])
    >>> scores.covered_r / scores.area_r, scores.rand, scores.information
    (array([1. , 0.5]), array([1.        , 0.33333333]), array([0., 1.]))
    """
    segmentations: Any = getattr(sweep, "segmentations", sweep)
    require(len(segmentations) > 0, "segmentations: none given, expected one label map per setting")
    truth = _Truth.of(ground_truth)
    tables = []
    for k, labels in enumerate(segmentations):
        labels = check_labels(labels, f"segmentations[{k}]")
        truth.require_shape(labels.shape, f"segmentations[{k}]")
        tables.append(truth.overlaps(_numbered(labels)))
    return truth.scores(tables, np.arange(1, len(tables) + 1, dtype=np.float64))


def score_hierarchy(
    hierarchy: "Hierarchy", ground_truth: Sequence[ArrayLike], protocol: BoundaryProtocol | None = None
) -> RegionScores:
    """Compare the regions of a hierarchy at every threshold with all annotators.

    Parameters
    ----------
    hierarchy : Hierarchy
        Regions at threshold t are what ``ucm2 <= t`` connects.
    ground_truth : sequence of G (H, W) integer arrays
        The annotators' label maps.
    protocol : BoundaryProtocol, optional
        Only its thresholds are used; those of the BSDS500 protocol if not given.

    Returns
    -------
    RegionScores
        With K = ``protocol.thresholds`` entries.

    Raises
    ------
    ValueError
        If there is no annotator, sizes differ, or labels are not whole numbers.

    References
    ----------
    Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 3.2 (covering); Unnikrishnan, Pantofaru & Hebert, "Toward
    objective evaluation of image segmentation algorithms", PAMI 2007 (PRI); Meila, "Comparing clusterings: an
    axiomatic view", ICML 2005 (VI).

    Examples
    --------
    >>> import numpy as np
    >>> from contourbench.eval import Hierarchy
    >>> ucm2 = np.zeros((9, 9))
    >>> ucm2[:, 4] = 0.4  # two halves that join at 0.4
    >>> halves = np.array([[1, 1, 2, 2]] * 4)
    >>> scores = score_hierarchy(Hierarchy(ucm2), [halves], BoundaryProtocol(thresholds=3))
    >>> scores.thresholds, scores.covered_r / scores.area_r
    (array([0.25, 0.5 , 0.75]), array([1. , 0.5, 0.5]))
    """
    levels = (protocol or BoundaryProtocol()).levels()
    truth = _Truth.of(ground_truth)
    truth.require_shape(hierarchy.shape, "ucm2 (at image size)")
    tables: list[csr_array] = []
    finest = np.zeros(0, np.int64)
    for labels in hierarchy.label_maps(levels):
        if not tables:  # any later region is a union of these, and so is its row of overlaps
            _, finest, numbers = np.unique(labels, return_index=True, return_inverse=True)
            tables.append(truth.overlaps(numbers))
            continue
        joined = _numbered(labels.ravel()[finest])
        to_joined = csr_array((np.ones(len(finest)), (joined, np.arange(len(finest)))))
        tables.append(csr_array(to_joined @ tables[0]))
    return truth.scores(tables, levels)


def summarize_regions(scores: Mapping[str, RegionScores] | Iterable[RegionScores]) -> RegionSummary:
    """Return covering, PRI and VI of a data set at its best scale and at every image's.

    Parameters
    ----------
    scores : mapping from image id to RegionScores, or iterable of RegionScores
        One entry per image, all with the same thresholds.

    Returns
    -------
    RegionSummary
        Covering is pooled over images, PRI and VI are means over them.

    Raises
    ------
    ValueError
        If there are none, or their thresholds differ.

    References
    ----------
    Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 3.2 (covering); Unnikrishnan, Pantofaru & Hebert, "Toward
    objective evaluation of image segmentation algorithms", PAMI 2007 (PRI); Meila, "Comparing clusterings: an
    axiomatic view", ICML 2005 (VI).

    Examples
    --------
    >>> import numpy as np
    >>> halves = np.array([[1, 1, 2, 2]])
    >>> summary = summarize_regions([score_sweep([np.ones_like(halves), halves], [halves])])
    >>> summary.covering
    Scale(ods=1.0, ods_threshold=2.0, ois=1.0)
    """
    images = list(scores.values() if isinstance(scores, Mapping) else scores)
    require(len(images) > 0, "scores: no images")
    levels = images[0].thresholds
    require(all(np.array_equal(levels, image.thresholds) for image in images), "scores: thresholds differ")
    covered, rand, information = (
        np.array([getattr(image, name) for image in images]) for name in ("covered_r", "rand", "information")
    )
    area = sum(image.area_r for image in images)
    return RegionSummary(
        covering=_scale(covered.sum(0) / area, covered.max(1).sum() / area, levels),
        covering_best=float(sum(image.best_r for image in images) / area),
        pri=_scale(rand.mean(0), rand.max(1).mean(), levels),
        vi=_scale(information.mean(0), information.min(1).mean(), levels, lowest=True),
    )


def covering_curve(images: Iterable[RegionScores]) -> NDArray[np.float64]:
    """Return the pooled covering at each threshold."""
    images = list(images)
    return np.sum([image.covered_r for image in images], axis=0) / sum(image.area_r for image in images)


class _Truth(NamedTuple):
    """The annotators' regions, numbered from 0 across annotators.

    ``regions`` (G, N) is the region of each pixel, ``areas`` (R,) its size, ``annotator`` (R,) who drew it.
    """

    regions: NDArray[np.int64]
    areas: NDArray[np.float64]
    annotator: NDArray[np.int64]
    shape: tuple[int, int]

    @classmethod
    def of(cls, ground_truth: Sequence[ArrayLike]) -> "_Truth":
        require(len(ground_truth) > 0, "ground_truth: no annotators (G = 0), expected at least one label map")
        layers = [check_labels(labels, f"ground_truth[{g}]") for g, labels in enumerate(ground_truth)]
        for g, labels in enumerate(layers):
            if labels.shape != layers[0].shape:
                raise ValueError(size_message(f"ground_truth[{g}]", labels.shape, "ground_truth[0]", layers[0].shape))
        numbered = [np.unique(labels, return_inverse=True)[1].ravel() for labels in layers]
        counts = [int(labels.max()) + 1 for labels in numbered]
        starts = np.cumsum([0, *counts[:-1]])
        regions = np.stack([labels + start for labels, start in zip(numbered, starts, strict=True)])
        areas = np.bincount(regions.ravel()).astype(np.float64)
        return cls(regions, areas, np.repeat(np.arange(len(layers)), counts), layers[0].shape)

    def require_shape(self, shape: tuple[int, ...], name: str) -> None:
        if tuple(shape) != self.shape:
            raise ValueError(size_message(name, tuple(shape), "ground_truth", self.shape))

    def overlaps(self, labels: NDArray[np.integer]) -> csr_array:
        """Return the (predicted regions, true regions) table of common pixels."""
        rows = np.tile(labels.ravel(), len(self.regions))
        ones = np.ones(rows.size)
        return csr_array(coo_array((ones, (rows, self.regions.ravel())), shape=(rows.max() + 1, self.areas.size)))

    def scores(self, tables: list[csr_array], levels: NDArray[np.float64]) -> RegionScores:
        """Fold the tables of all thresholds into one image's measures."""
        covered_r, covered_p, rand, information = np.empty((4, len(tables)))
        best = np.zeros(self.areas.size)
        for k, table in enumerate(tables):
            sizes = self._sizes(table)
            overlap_p, overlap_r = self._best_overlaps(table, sizes)
            best = np.maximum(best, overlap_r)
            covered_r[k] = self.areas @ overlap_r
            covered_p[k] = sizes @ overlap_p
            rand[k] = self._rand_index(table, sizes)
            information[k] = self._variation_of_information(table, sizes)
        best_r, (annotators, n) = float(self.areas @ best), self.regions.shape
        return RegionScores(covered_r, covered_p, best_r, annotators * n, n, rand, information, levels)

    def _best_overlaps(
        self, table: csr_array, sizes: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Highest intersection over union of each predicted region, and of each true one."""
        rows, cols = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr)), table.indices
        overlap = table.data / (sizes[rows] + self.areas[cols] - table.data)
        best_p, best_r = np.zeros(table.shape[0]), np.zeros(self.areas.size)
        np.maximum.at(best_p, rows, overlap)
        np.maximum.at(best_r, cols, overlap)
        return best_p, best_r

    def _rand_index(self, table: csr_array, sizes: NDArray[np.float64]) -> float:
        n, annotators = self.regions.shape[1], len(self.regions)
        if n == 1:
            return 1.0  # no pairs to disagree on
        same = sizes @ sizes
        same_truth = np.bincount(self.annotator, self.areas**2)
        same_both = np.bincount(self.annotator[table.indices], table.data**2, minlength=annotators)
        return float(np.mean(1 - (same / 2 + same_truth / 2 - same_both) / (n * (n - 1) / 2)))

    def _variation_of_information(self, table: csr_array, sizes: NDArray[np.float64]) -> float:
        n, annotators = self.regions.shape[1], len(self.regions)
        ours, truth = _bits(sizes / n).sum(), np.bincount(self.annotator, _bits(self.areas / n))
        joint = np.bincount(self.annotator[table.indices], _bits(table.data / n), minlength=annotators)
        return float(np.mean(np.maximum(2 * joint - ours - truth, 0)))  # H(S|G) + H(G|S)

    def _sizes(self, table: csr_array) -> NDArray[np.float64]:
        """Areas of the predicted regions: each annotator's regions together are the image."""
        return np.asarray(table.sum(axis=1)).ravel() / len(self.regions)


def _bits(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``-p log2 p``, for positive p."""
    return -share * np.log2(share)


def _numbered(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return labels as 0, 1, 2 … without gaps."""
    return np.unique(labels, return_inverse=True)[1].ravel()


def _scale(values: NDArray[np.float64], ois: float, levels: NDArray[np.float64], lowest: bool = False) -> Scale:
    best = int(np.argmin(values) if lowest else np.argmax(values))
    return Scale(float(values[best]), float(levels[best]), float(ois))

"""The match picture: which pixels the benchmark counts as hits, false alarms and misses, and how to draw them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...eval.counting import BoundaryCounts
from ...eval.matching import correspond_pixels
from ...eval.predictions import as_prediction
from ...eval.protocol import BoundaryProtocol
from ...eval.thinning import thin
from ...eval.validation import check_ground_truth, size_message

# Black, vermilion and blue of Okabe & Ito's palette: what is right is plain ink, the two mistakes have colours.
HIT, FALSE_ALARM, MISS = (0, 0, 0), (213, 94, 0), (0, 114, 178)


# How much of the image is left under the match picture, over white.
IMAGE_SHARE = 0.35


class Matches(NamedTuple):
    """One image at one threshold, as the benchmark counts it; (H, W) bool masks.

    ``hits`` are (thinned) predicted pixels matched to at least one annotator, ``false_alarms`` those matched to none;
    together they are the prediction. ``misses`` are true pixels that at least one of their annotators has unmatched, so
    a pixel may be a miss of one annotator and a hit of another. ``counts`` has one entry, the threshold.
    """

    hits: NDArray[np.bool_]
    false_alarms: NDArray[np.bool_]
    misses: NDArray[np.bool_]
    counts: BoundaryCounts


def match_pixels(
    prediction: Any, ground_truth: ArrayLike, threshold: float, protocol: BoundaryProtocol | None = None
) -> Matches:
    """Tell hits, false alarms and misses of one image at one threshold.

    Parameters
    ----------
    prediction : (H, W) float array in [0, 1], ContourMap, Sweep or Hierarchy
        What a detector made of the image; a preset of suppression must have been applied before.
    ground_truth : (G, H, W) bool array
        True contours, one layer per annotator.
    threshold : float
        A pixel is predicted where the map is at least this; for a sweep the number of the setting, from 1.
    protocol : BoundaryProtocol, optional
        Tolerance and thinning; its thresholds are not used.

    Returns
    -------
    Matches
        Its counts equal those of `count_map`, or `count_segmentations`, at this threshold.

    Raises
    ------
    ValueError
        If sizes differ, values leave [0, 1], or a sweep has no such setting.
    """
    protocol = protocol or BoundaryProtocol()
    mask = as_prediction(prediction).mask(threshold)
    truth = check_ground_truth(ground_truth, mask.shape)
    predicted = thin(mask) if protocol.thin else mask
    hits, misses, cnt_r = np.zeros_like(predicted), np.zeros_like(predicted), 0
    for layer in truth:
        match_pred, match_gt = correspond_pixels(predicted, layer, protocol.max_dist)
        hits |= match_pred >= 0
        misses |= layer & (match_gt < 0)
        cnt_r += np.count_nonzero(match_gt >= 0)
    numbers = (cnt_r, np.count_nonzero(truth), np.count_nonzero(hits), np.count_nonzero(predicted), threshold)
    return Matches(hits, predicted & ~hits, misses, BoundaryCounts(*([number] for number in numbers)))


def draw_matches(image: ArrayLike, matches: Matches) -> NDArray[np.uint8]:
    """Draw hits, false alarms and misses over the lightened image.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    matches : Matches
        Of an image of this size.

    Returns
    -------
    (H, W, 3) uint8 array
        Hits black, false alarms vermilion, misses blue.

    Raises
    ------
    ValueError
        If the sizes differ.
    """
    image = np.asarray(image)
    if image.shape[:2] != matches.hits.shape:
        raise ValueError(size_message("matches", matches.hits.shape, "its image", image.shape[:2]))
    picture = np.rint(255 * (1 - IMAGE_SHARE) + IMAGE_SHARE * image.astype(np.float64)).astype(np.uint8)
    for kind, colour in enumerate((HIT, FALSE_ALARM, MISS), start=1):
        picture[match_kinds(matches) == kind] = colour
    return picture


def match_kinds(matches: Matches) -> NDArray[np.uint8]:
    """Return an (H, W) array of 1 for hits, 2 for false alarms, 3 for misses, 0 elsewhere.

    Where pixels are several of these, the prediction is on top: it is one pixel wide and would be lost.
    """
    kinds = np.where(matches.misses, 3, 0).astype(np.uint8)
    kinds[matches.false_alarms] = 2
    kinds[matches.hits] = 1
    return kinds

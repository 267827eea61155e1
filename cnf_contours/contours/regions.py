"""From soft segmentations to regions: the hierarchy of OWT-UCM, the classes of one head, their connected parts."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from torch import Tensor

from ...baselines.owt_ucm import owt_ucm
from ...eval.hierarchy import Hierarchy
from ..config import CnfConfig
from ..devices import one_thread
from ..images import enlarge
from .pipeline import mean_oriented


def hierarchy_of(found: list[Tensor], config: CnfConfig, shape: tuple[int, ...]) -> Hierarchy:
    """Return the hierarchy of regions of the half-disc read-out, the mean over the scales' (N, m, h, w)."""
    with one_thread():
        oriented = mean_oriented(found, config, shape)  # (8, H, W)
    return owt_ucm(np.clip(config.readout.gain * oriented, 0, 1))


def classes_of(segmentation: Tensor, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the strongest class at every pixel of the image, (H, W), of class probabilities (m, h, w)."""
    with one_thread():
        return enlarge(segmentation, shape).argmax(dim=0).numpy()


def connected_regions(classes: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the 4-connected regions of equal class, (H, W) int32 from 0 without gaps.

    Examples
    --------
    >>> connected_regions(np.array([[0, 5, 0], [0, 5, 0]]))
    array([[0, 2, 1],
           [0, 2, 1]], dtype=int32)
    """
    labels, count = np.zeros(classes.shape, np.int32), 0
    for value in np.unique(classes):
        parts, number = label(classes == value)
        labels = np.where(parts > 0, parts + count - 1, labels)
        count += number
    return labels.astype(np.int32)

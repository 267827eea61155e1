"""PMI's contours closed around regions, as its authors score them: the detector `pmi_ucm`."""

from numpy.typing import ArrayLike

from ..baselines.pmi import pmi_oriented
from ..eval.hierarchy import Hierarchy
from .owt_ucm import owt_ucm


def pmi_ucm(image: ArrayLike, factor: int = 2, vectors: int = 100, kernels: int = 5000, seed: int = 0) -> Hierarchy:
    """Hierarchy of regions from the contours of `pmi` (OWT-UCM).

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    factor, vectors, kernels, seed
        As of `baselines.pmi.pmi`.

    Returns
    -------
    Hierarchy

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8, or a parameter is out of range.

    References
    ----------
    Isola, Zoran, Krishnan & Adelson, ECCV 2014, section 4; Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 4.
    """
    return owt_ucm(pmi_oriented(image, factor, vectors, kernels, seed=seed))

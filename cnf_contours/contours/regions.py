"""From the oriented read-out to a hierarchy of regions, `cnf_ucm`; the segmentation of the final head as regions."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.ndimage import label

from ...baselines.owt_ucm import owt_ucm
from ...eval.hierarchy import Hierarchy
from ...eval.sweeps import Sweep
from ..config import CnfConfig
from ..fitting import Progress, one_thread
from .detectors import segment
from .pipeline import check_image, enlarge, find_device, oriented_contour, part_of, scales_of, segmentations


def cnf_ucm(
    image: ArrayLike,
    layers: int = 0,
    seed: int = 0,
    device: str = "auto",
    source: str = "reconstruction",
    iterations: int = 400,
    progress: Progress | None = None,
) -> Hierarchy:
    """Hierarchy of regions by neural fields: the half-disc read-out of `cnf`, oriented watershed, OWT-UCM.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    layers, seed, device, source, iterations, progress
        As of `detect.cnf`; ``source=pixels`` needs no field.

    Returns
    -------
    Hierarchy
        Its contour map is scored like `cnf`'s, its regions by covering, PRI and VI.

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8 or a parameter is out of range.

    References
    ----------
    Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 4.
    """
    config = CnfConfig(layers=layers, seed=seed, source=source, iterations=iterations)
    return hierarchy(image, config, device, progress)


def hierarchy(image: ArrayLike, config: CnfConfig, device: str = "auto", progress: Progress | None = None) -> Hierarchy:
    """Return the hierarchy of regions by any configuration with the half-disc read-out; parameters as of `detect`."""
    pixels, place = check_image(image), find_device(device)
    if config.readout != "disc":
        raise ValueError(f"config: readout {config.readout!r}, expected 'disc', which has orientations")
    with one_thread():
        found = [segmentations(pixels, scale, place, part_of(progress, i, n)) for i, n, scale in scales_of(config)]
        oriented = torch.stack([torch.from_numpy(oriented_contour(one, config)) for one in found]).mean(
            dim=0
        )  # (8, h, w)
        full = enlarge(oriented, pixels.shape[:2]).numpy()  # (8, H, W)
    return owt_ucm(np.clip(config.gain * full, 0, 1))


def cnf_segmentation(
    image: ArrayLike,
    layers: int = 4,
    seed: int = 0,
    device: str = "auto",
    centring: bool = True,
    iterations: int = 400,
    progress: Progress | None = None,
) -> Sweep:
    """Regions of equal class of the final head, which matches the mean contours; thesis, section 3.3.3 and figure 3.10.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    layers : {3, 4}
        Of the field's encoder.
    seed, device, iterations, progress
        As of `detect.cnf`.
    centring : bool
        Of the final head's logits; without it few classes survive.

    Returns
    -------
    Sweep
        One (H, W) int32 label map: 4-connected regions, from 0.

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8 or a parameter is out of range.
    """
    config = CnfConfig(layers=layers, seed=seed, centring=centring, iterations=iterations, output="final")
    classes = segment(image, config, device, progress)
    labels, count = np.zeros(classes.shape, np.int32), 0
    for value in np.unique(classes):
        parts, number = label(classes == value)
        labels = np.where(parts > 0, parts + count - 1, labels)
        count += number
    return Sweep((labels.astype(np.int32),), (f"layers {layers}",))

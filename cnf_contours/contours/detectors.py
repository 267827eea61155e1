"""The numpy door: an image in, a contour map or a segmentation out, and the named settings.

`cnf`, `cnf_thesis` and `cnf_fast` are one method with different values, `detect`: fields of three and four layers, or
either, or none; heads on what they give; a read-out; thinning; one fixed scale for every image.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..config import CnfConfig
from ..fitting import Progress, one_thread
from .pipeline import check_image, enlarge, find_device, part_of, read_contours, scales_of, segmentations


def cnf(
    image: ArrayLike,
    layers: int = 0,
    seed: int = 0,
    device: str = "auto",
    source: str = "reconstruction",
    readout: str = "disc",
    output: str = "mean",
    iterations: int = 400,
    filters: int = 32,
    octaves: int = 7,
    resolution: float = 0.5,
    heads: int = 64,
    sharpness: float = 1.0,
    distillation: float = 1.0,
    distillation_start: float = 0.5,
    centring: bool = True,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Contours by neural fields fitted to this image: heads on their reconstruction, half-disc read-out.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    layers : {0, 3, 4}
        Of the field's encoder; 0 for the mean of both.
    seed : int
        Of all randomness. Same seed and device, same map; on the CPU bit for bit.
    device : str
        ``auto`` (CUDA if there is one), ``cpu``, ``cuda`` or ``cuda:1``.
    source : {"reconstruction", "features", "pixels"}
        What the heads see: Lab of the field's colours, its features, or Lab of the image, without any field: a control.
    readout : {"disc", "neighbour"}
        Half discs at several radii and orientations, or 1 - <s_p, s_q> between neighbours.
    output : {"mean", "final"}
        Contours averaged over the heads, or those of the final head.
    iterations, filters, octaves : int
        Of the field: how long it is fitted, how wide it is, Fourier octaves of its coordinates (0: x and y alone).
    resolution : float in [0.05, 1]
        Working size, a fraction of the image's.
    heads : int
        N, how many segmentations.
    sharpness : float
        Factor of their logits.
    distillation, distillation_start : float
        Weight of the loss between each head's contours and the mean, 0 for none; part of the iterations before it.
    centring : bool
        Of the final head's logits; without effect unless ``output`` is ``final``.
    progress : callable, optional
        Called as ``progress(iteration, iterations, loss)`` while the fields are fitted; without effect on the map.

    Returns
    -------
    (H, W) float32 array in [0, 1]

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8 or a parameter is out of range.

    References
    ----------
    Malik, "Contour detection and unsupervised image segmentation with neural fields", MRes thesis, 2022, chapter 3.
    The read-out: Martin, Fowlkes & Malik, PAMI 2004.
    """
    config = CnfConfig(
        layers=layers,
        seed=seed,
        source=source,
        readout=readout,
        output=output,
        iterations=iterations,
        filters=filters,
        octaves=octaves,
        resolution=resolution,
        heads=heads,
        sharpness=sharpness,
        distillation=distillation,
        distillation_start=distillation_start,
        centring=centring,
    )
    return detect(image, config, device, progress)


def cnf_thesis(
    image: ArrayLike,
    layers: int = 0,
    seed: int = 0,
    device: str = "auto",
    iterations: int = 400,
    filters: int = 64,
    resolution: float = 0.5,
    heads: int = 32,
    sharpness: float = 1.0,
    distillation: float = 1.0,
    distillation_start: float = 0.5,
    output: str = "mean",
    centring: bool = True,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Contours as in the thesis, literally: xy coordinates, heads on the features, contours between neighbours.

    Its 128 filters at full resolution (``filters=128, resolution=1``) want a GPU; these defaults fit a CPU. Parameters
    and result as in `cnf`.
    """
    config = CnfConfig(
        layers=layers,
        seed=seed,
        source="features",
        readout="neighbour",
        octaves=0,
        iterations=iterations,
        filters=filters,
        resolution=resolution,
        heads=heads,
        sharpness=sharpness,
        distillation=distillation,
        distillation_start=distillation_start,
        output=output,
        centring=centring,
    )
    return detect(image, config, device, progress)


def cnf_fast(
    image: ArrayLike, layers: int = 4, seed: int = 0, device: str = "auto", progress: Progress | None = None
) -> NDArray[np.float32]:
    """Contours as by `cnf`, from one field fitted for less long: for demonstrations. Parameters as in `cnf`."""
    return detect(image, CnfConfig(layers=layers, seed=seed, iterations=200), device, progress)


def detect(
    image: ArrayLike, config: CnfConfig, device: str = "auto", progress: Progress | None = None
) -> NDArray[np.float32]:
    """Return the contour map of an image by any configuration.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    config : CnfConfig
        The method's constants.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
    progress : callable, optional
        Called as ``progress(iteration, iterations, loss)`` while the fields are fitted, over all of them together.

    Returns
    -------
    (H, W) float32 array in [0, 1]

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8 or the device is unknown or missing.
    """
    pixels = check_image(image)
    place = find_device(device)
    with one_thread():
        found = [segmentations(pixels, scale, place, part_of(progress, i, n)) for i, n, scale in scales_of(config)]
        return read_contours(found, config, pixels.shape[:2])


def segment(
    image: ArrayLike, config: CnfConfig, device: str = "auto", progress: Progress | None = None
) -> NDArray[np.int64]:
    """Return the classes of the final head at every pixel, (H, W) int64 below ``config.classes``.

    Thesis, section 3.3.3. Parameters and errors as in `detect`; with ``layers`` 0 the field has four, as in figure
    3.10. Regions are the connected components of equal class.
    """
    pixels = check_image(image)
    place = find_device(device)
    scale = replace(config, layers=config.layers or 4, output="final")
    with one_thread():
        final = segmentations(pixels, scale, place, progress)[:1]  # (1, m, h, w)
    return enlarge(final[0], pixels.shape[:2]).argmax(dim=0).numpy()

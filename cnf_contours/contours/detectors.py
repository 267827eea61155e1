"""The numpy door: an image in, a contour map or regions out, and the named detectors.

All are one method with different constants, presets of `config`: fields of three and four layers, or either, or none;
heads on what they give; a read-out; thinning, or regions; one fixed scale for every image.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...eval.hierarchy import Hierarchy
from ...eval.sweeps import Sweep
from ..config import CNF, CNF_FAST, CNF_SEGMENTATION, CNF_THESIS, CNF_UCM, CnfConfig
from ..devices import find_device
from ..fitting import ProgressCallback
from ..images import check_image
from .batches import detect_batch
from .pipeline import read_contours, segment_image
from .regions import classes_of, connected_regions, hierarchy_of

Maps = list[NDArray[np.float32]]
NOT_THE_METHOD = ("image", "device", "progress")


def cnf(
    image: ArrayLike,
    layers: int = CNF.field.layers,
    seed: int = CNF.seed,
    device: str = "auto",
    source: str = CNF.heads.source,
    readout: str = CNF.readout.readout,
    output: str = CNF.heads.output,
    iterations: int = CNF.field.iterations,
    filters: int = CNF.field.filters,
    octaves: int = CNF.field.octaves,
    resolution: float = CNF.resolution,
    heads: int = CNF.heads.heads,
    sharpness: float = CNF.heads.sharpness,
    distillation: float = CNF.heads.distillation,
    distillation_start: float = CNF.heads.distillation_start,
    centring: bool = CNF.heads.centring,
    progress: ProgressCallback | None = None,
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
        If the image is not (H, W, 3) uint8 or a parameter is of the wrong type or out of range.
    ArithmeticError
        If the fit of a field has diverged.

    References
    ----------
    Malik, "Contour detection and unsupervised image segmentation with neural fields", MRes thesis, 2022, chapter 3.
    The read-out: Martin, Fowlkes & Malik, PAMI 2004.

    Examples
    --------
    >>> image = np.zeros((24, 32, 3), np.uint8)
    >>> image[:, 16:] = 200
    >>> cnf(image, iterations=20, filters=8, heads=8).max(axis=0).argmax() in (15, 16)
    True
    """
    return detect(image, _configured(CNF, locals()), device, progress)


def cnf_thesis(
    image: ArrayLike,
    layers: int = CNF_THESIS.field.layers,
    seed: int = CNF_THESIS.seed,
    device: str = "auto",
    iterations: int = CNF_THESIS.field.iterations,
    filters: int = CNF_THESIS.field.filters,
    resolution: float = CNF_THESIS.resolution,
    heads: int = CNF_THESIS.heads.heads,
    sharpness: float = CNF_THESIS.heads.sharpness,
    distillation: float = CNF_THESIS.heads.distillation,
    distillation_start: float = CNF_THESIS.heads.distillation_start,
    output: str = CNF_THESIS.heads.output,
    centring: bool = CNF_THESIS.heads.centring,
    progress: ProgressCallback | None = None,
) -> NDArray[np.float32]:
    """Contours as in the thesis, literally: xy coordinates, heads on the features, contours between neighbours.

    Its 128 filters at full resolution (``filters=128, resolution=1``) want a GPU; these defaults fit a CPU.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    layers, seed, device, iterations, filters, resolution, heads, sharpness, distillation, distillation_start, output, \
centring, progress
        As of `cnf`.

    Returns
    -------
    (H, W) float32 array in [0, 1]

    Raises
    ------
    ValueError, ArithmeticError
        As of `cnf`.

    References
    ----------
    Malik, MRes thesis, 2022, chapter 3.

    Examples
    --------
    >>> image = np.zeros((24, 32, 3), np.uint8)
    >>> cnf_thesis(image, iterations=2, filters=8, heads=4).shape
    (24, 32)
    """
    return detect(image, _configured(CNF_THESIS, locals()), device, progress)


def cnf_fast(
    image: ArrayLike,
    layers: int = CNF_FAST.field.layers,
    seed: int = CNF_FAST.seed,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> NDArray[np.float32]:
    """Contours as by `cnf`, from one field fitted for less long: for demonstrations.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    layers, seed, device, progress
        As of `cnf`.

    Returns
    -------
    (H, W) float32 array in [0, 1]

    Raises
    ------
    ValueError, ArithmeticError
        As of `cnf`.

    References
    ----------
    Malik, MRes thesis, 2022, chapter 3.

    Examples
    --------
    >>> cnf_fast(np.zeros((8, 12, 3), np.uint8), layers=3).shape
    (8, 12)
    """
    return detect(image, _configured(CNF_FAST, locals()), device, progress)


def cnf_ucm(
    image: ArrayLike,
    layers: int = CNF_UCM.field.layers,
    seed: int = CNF_UCM.seed,
    device: str = "auto",
    source: str = CNF_UCM.heads.source,
    iterations: int = CNF_UCM.field.iterations,
    progress: ProgressCallback | None = None,
) -> Hierarchy:
    """Hierarchy of regions by neural fields: the half-disc read-out of `cnf`, oriented watershed, OWT-UCM.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    layers, seed, device, source, iterations, progress
        As of `cnf`; ``source=pixels`` needs no field.

    Returns
    -------
    Hierarchy
        Its contour map is scored like `cnf`'s, its regions by covering, PRI and VI.

    Raises
    ------
    ValueError, ArithmeticError
        As of `cnf`.

    References
    ----------
    Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, section 4.

    Examples
    --------
    >>> cnf_ucm(np.zeros((8, 12, 3), np.uint8), iterations=2).shape
    (8, 12)
    """
    return hierarchy(image, _configured(CNF_UCM, locals()), device, progress)


def cnf_segmentation(
    image: ArrayLike,
    layers: int = CNF_SEGMENTATION.field.layers,
    seed: int = CNF_SEGMENTATION.seed,
    device: str = "auto",
    centring: bool = CNF_SEGMENTATION.heads.centring,
    iterations: int = CNF_SEGMENTATION.field.iterations,
    progress: ProgressCallback | None = None,
) -> Sweep:
    """Regions of equal class of the final head, which matches the mean contours; thesis, section 3.3.3 and figure 3.10.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    layers : {3, 4}
        Of the field's encoder.
    seed, device
        As of `cnf`.
    centring : bool
        Of the final head's logits; without it few classes survive.
    iterations, progress
        As of `cnf`.

    Returns
    -------
    Sweep
        One (H, W) int32 label map: 4-connected regions, from 0.

    Raises
    ------
    ValueError, ArithmeticError
        As of `cnf`.

    References
    ----------
    Malik, MRes thesis, 2022, chapter 3.

    Examples
    --------
    >>> regions = cnf_segmentation(np.zeros((8, 12, 3), np.uint8), iterations=2)
    >>> regions.segmentations[0].shape, regions.settings
    ((8, 12), ('layers 4',))
    """
    classes = segment(image, _configured(CNF_SEGMENTATION, locals()), device, progress)
    return Sweep((connected_regions(classes),), (f"layers {layers}",))


def _configured(preset: CnfConfig, given: dict[str, Any]) -> CnfConfig:
    """Return the preset with the arguments of a named detector, but for those that are none of the method's."""
    return preset.changed(**{name: value for name, value in given.items() if name not in NOT_THE_METHOD})


def detect(
    image: ArrayLike, config: CnfConfig, device: str = "auto", progress: ProgressCallback | None = None
) -> NDArray[np.float32]:
    """Return the contour map of an image by any configuration, (H, W) float32 in [0, 1].

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

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8 or the device is unknown or missing.
    ArithmeticError
        If the fit of a field has diverged.
    """
    pixels, place = check_image(image), find_device(device)
    return read_contours(segment_image(pixels, config, place, progress), config, pixels.shape[:2])


def hierarchy(
    image: ArrayLike, config: CnfConfig, device: str = "auto", progress: ProgressCallback | None = None
) -> Hierarchy:
    """Return the hierarchy of regions by any configuration with the half-disc read-out; parameters as of `detect`."""
    pixels, place = check_image(image), find_device(device)
    if config.readout.readout != "disc":
        raise ValueError(f"readout: {config.readout.readout!r}, expected 'disc', which has orientations")
    return hierarchy_of(segment_image(pixels, config, place, progress), config, pixels.shape[:2])


def segment(
    image: ArrayLike, config: CnfConfig, device: str = "auto", progress: ProgressCallback | None = None
) -> NDArray[np.int64]:
    """Return the classes of the final head at every pixel, (H, W) int64 below ``config.heads.classes``.

    Thesis, section 3.3.3. Parameters and errors as of `detect`; the final head is that of one field. Regions are the
    connected components of equal class.
    """
    pixels, place = check_image(image), find_device(device)
    if config.field.layers == 0:
        raise ValueError("layers: 0, expected 3 or 4: a segmentation is that of one field")
    (final,) = segment_image(pixels, config.changed(output="final"), place, progress)  # (1, m, h, w)
    return classes_of(final[0], pixels.shape[:2])


def _for_many(detector: Callable[..., NDArray[np.float32]], preset: CnfConfig) -> Callable[..., Maps]:
    """Return the form of a detector that takes many images at once, with the same parameters and defaults."""
    own = inspect.signature(detector)

    def form(images: Sequence[ArrayLike], *values: Any, **named: Any) -> Maps:
        given = own.bind(images, *values, **named)
        given.apply_defaults()
        device, progress = given.arguments["device"], given.arguments["progress"]
        return detect_batch(images, _configured(preset, given.arguments), device, max(1, len(images)), progress)

    first, *others = own.parameters.values()
    form.__name__ = form.__qualname__ = f"{detector.__name__}_batch"
    form.__doc__ = f"Return the maps of `{detector.__name__}` of many images; `batches.detect_batch` says how close."
    form.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[first.replace(name="images", annotation=Sequence[ArrayLike]), *others],
        return_annotation=Maps,
    )
    return form


cnf_batch = _for_many(cnf, CNF)
cnf_fast_batch = _for_many(cnf_fast, CNF_FAST)
cnf_thesis_batch = _for_many(cnf_thesis, CNF_THESIS)

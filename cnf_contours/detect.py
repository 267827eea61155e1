"""The numpy door: an image in, a contour map or a segmentation out, and the named settings.

`cnf`, `cnf_thesis` and `cnf_fast` are one method with different values, `detect`: fields of three and four layers, or
either, or none; heads on what they give; a read-out; thinning; one fixed scale for every image.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from skimage.color import rgb2lab
from torch import Tensor
from torch.nn.functional import interpolate

from .config import CnfConfig
from .fitting import Fitted, Progress, fit_field, one_thread
from .heads import contour_transform, fit_heads
from .readout import half_disc, pair_strength, smooth_along, thin_oriented, thin_soft
from .segmentation import fit_final_head


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
        found = [_segmentations(pixels, scale, place, _part(progress, i, n)) for i, n, scale in _scales(config)]
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
        final = _segmentations(pixels, scale, place, progress)[:1]  # (1, m, h, w)
    return _enlarge(final[0], pixels.shape[:2]).argmax(dim=0).numpy()


def check_image(image: ArrayLike) -> NDArray[np.uint8]:
    """Return ``image`` as an (H, W, 3) uint8 array, or raise ``ValueError`` saying what it is instead."""
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or array.size == 0:
        raise ValueError(f"image: shape {array.shape}, dtype {array.dtype}, expected (H, W, 3) RGB uint8")
    return array


def find_device(name: str) -> torch.device:
    """Return the torch device ``name``: ``auto`` is CUDA if there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(name)
    except RuntimeError:
        place = torch.device("meta")
    if place.type not in ("cpu", "cuda"):
        raise ValueError(f"device: {name!r}, expected auto, cpu, cuda or cuda:N")
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device: {name!r}, but torch sees {torch.cuda.device_count()} CUDA devices here")
    return place


def _scales(config: CnfConfig) -> list[tuple[int, int, CnfConfig]]:
    """Number, count and configuration of the fields to fit; raw pixels need none, and then there is one scale."""
    layers = (3, 4) if config.layers == 0 and config.source != "pixels" else (config.layers or 4,)
    return [(i, len(layers), replace(config, layers=n)) for i, n in enumerate(layers)]


def _part(progress: Progress | None, index: int, count: int) -> Progress | None:
    """Report the iterations of one field as those of all of them."""
    if progress is None:
        return None
    return lambda iteration, total, loss: progress(index * total + iteration, count * total, loss)


def _segmentations(
    pixels: NDArray[np.uint8], config: CnfConfig, device: torch.device, progress: Progress | None
) -> Tensor:
    """Return the soft segmentations of one scale, (N, m, h, w) on the CPU; N = 1 where the final head is asked for."""
    target = working_image(pixels, config.resolution).to(device)  # (3, h, w)
    field_noise, head_noise, final_noise = scale_generators(config, device)
    fitted = None if config.source == "pixels" else fit_field(target, config, field_noise, progress)
    features = seen_by_heads(target, fitted, config)
    found = fit_heads(features, config, head_noise)  # (N, m, h, w)
    if config.output == "final":
        right, down = (contours.mean(dim=0) for contours in contour_transform(found))
        found = fit_final_head(features, right, down, config, final_noise)[None]  # (1, m, h, w)
    return found.cpu()


def scale_generators(config: CnfConfig, device: torch.device) -> list[torch.Generator]:
    """Return the randomness of the field, the heads and the final head of one scale: three streams, so that no part
    changes another, and others for another scale.
    """
    first = 1000 * config.seed + 10 * config.layers
    return [torch.Generator(device).manual_seed(first + purpose) for purpose in range(3)]


def seen_by_heads(target: Tensor, fitted: Fitted | None, config: CnfConfig) -> Tensor:
    """Return what ``config.source`` says the heads see, (C, h, w); ``fitted`` is not used for pixels."""
    if config.source == "pixels" or fitted is None:
        return _lab(target)
    return fitted.features if config.source == "features" else _lab(fitted.reconstruction)


def working_image(pixels: NDArray[np.uint8], resolution: float) -> Tensor:
    """Return the image at its working size, (3, h, w) float32 in [0, 1]: means over areas."""
    rgb = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)  # (3, H, W)
    size = [int(np.ceil(n * resolution)) for n in pixels.shape[:2]]
    return interpolate(rgb[None], size=size, mode="area")[0]


def _lab(rgb: Tensor) -> Tensor:
    """Return CIE L*a*b* of an RGB image, (3, h, w) float32, on the same device."""
    lab = rgb2lab(rgb.clamp(0, 1).permute(1, 2, 0).cpu().numpy())
    return torch.from_numpy(lab.astype(np.float32)).permute(2, 0, 1).to(rgb.device)


def read_contours(found: list[Tensor], config: CnfConfig, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the contour map of soft segmentations.

    Parameters
    ----------
    found : list of (N, m, h, w) float32 tensor
        Of every scale, on the CPU.
    config : CnfConfig
        Uses what concerns the read-out, and ``resolution``.
    shape : (int, int)
        H and W of the image.

    Returns
    -------
    (H, W) float32 array in [0, 1]
        The scales' soft maps, averaged, enlarged, then thinned.
    """
    return np.clip(config.gain * _thinned(found, config, shape), 0, 1).astype(np.float32)


def _thinned(found: list[Tensor], config: CnfConfig, shape: tuple[int, int]) -> NDArray[np.float32]:
    if config.readout == "neighbour":
        pairs = [[contours.mean(dim=0) for contours in contour_transform(one)] for one in found]
        right, down = (torch.stack(side).mean(dim=0) for side in zip(*pairs, strict=True))
        strength = torch.from_numpy(pair_strength(right.numpy(), down.numpy()))
        return thin_soft(_enlarge(strength[None], shape)[0].numpy())
    oriented = torch.stack([torch.from_numpy(_oriented(one, config)) for one in found]).mean(dim=0)  # (8, h, w)
    return thin_oriented(_enlarge(oriented, shape).numpy())


def _oriented(segmentations: Tensor, config: CnfConfig) -> NDArray[np.float32]:
    """Return the smoothed half-disc read-out of one scale, (8, h, w): mean over the heads."""
    heads = segmentations.shape[0]
    channels = segmentations.flatten(0, 1).permute(1, 2, 0).contiguous().numpy()  # (h, w, N m)
    radii = tuple(sorted({max(1, round(radius * config.resolution)) for radius in config.radii}))
    oriented = half_disc(channels, radii) / np.float32(heads)
    return smooth_along(oriented, config.half_length * config.resolution, config.half_width * config.resolution)


def _enlarge(planes: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return planes (C, h, w) at the size of the image, (C, H, W), between pixels linear."""
    return interpolate(planes[None], size=shape, mode="bilinear", align_corners=False)[0]

"""The steps from an image to its contours that all entrants share: working size, scales, segmentations, read-out."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from skimage.color import rgb2lab
from torch import Tensor
from torch.nn.functional import interpolate

from ...baselines.half_discs import half_disc, smooth_along
from ...eval.oriented import thin_oriented
from ..config import CnfConfig
from ..fitting import Fitted, Progress, fit_field
from .final_head import fit_final_head
from .heads import contour_transform, fit_heads
from .readout import pair_strength, thin_soft

FitField = Callable[[Tensor, CnfConfig, torch.Generator, Progress | None], Fitted]


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


def scales_of(config: CnfConfig) -> list[tuple[int, int, CnfConfig]]:
    """Return number, count and configuration of the fields to fit; raw pixels need none: one scale."""
    layers = (3, 4) if config.layers == 0 and config.source != "pixels" else (config.layers or 4,)
    return [(i, len(layers), replace(config, layers=n)) for i, n in enumerate(layers)]


def part_of(progress: Progress | None, index: int, count: int) -> Progress | None:
    """Report the iterations of one field as those of all of them."""
    if progress is None:
        return None
    return lambda iteration, total, loss: progress(index * total + iteration, count * total, loss)


def segmentations(
    pixels: NDArray[np.uint8],
    config: CnfConfig,
    device: torch.device,
    progress: Progress | None = None,
    fit: FitField = fit_field,
) -> Tensor:
    """Return the soft segmentations of one scale, (N, m, h, w) on the CPU; N = 1 where the final head is asked for.

    ``fit`` makes the field; another than the usual may look it up.
    """
    target = working_image(pixels, config.resolution).to(device)  # (3, h, w)
    field_noise, head_noise, final_noise = scale_generators(config, device)
    fitted = None if config.source == "pixels" else fit(target, config, field_noise, progress)
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
        return lab(target)
    return fitted.features if config.source == "features" else lab(fitted.reconstruction)


def working_image(pixels: NDArray[np.uint8], resolution: float) -> Tensor:
    """Return the image at its working size, (3, h, w) float32 in [0, 1]: means over areas."""
    rgb = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)  # (3, H, W)
    size = [int(np.ceil(n * resolution)) for n in pixels.shape[:2]]
    return interpolate(rgb[None], size=size, mode="area")[0]


def lab(rgb: Tensor) -> Tensor:
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
        return thin_soft(enlarge(strength[None], shape)[0].numpy())
    oriented = torch.stack([torch.from_numpy(oriented_contour(one, config)) for one in found]).mean(dim=0)  # (8, h, w)
    return thin_oriented(enlarge(oriented, shape).numpy())


def oriented_contour(segmentations: Tensor, config: CnfConfig) -> NDArray[np.float32]:
    """Return the smoothed half-disc read-out of one scale, (8, h, w): mean over the heads."""
    heads = segmentations.shape[0]
    channels = segmentations.flatten(0, 1).permute(1, 2, 0).contiguous().numpy()  # (h, w, N m)
    radii = tuple(sorted({max(1, round(radius * config.resolution)) for radius in config.radii}))
    oriented = half_disc(channels, radii) / np.float32(heads)
    return smooth_along(oriented, config.half_length * config.resolution, config.half_width * config.resolution)


def enlarge(planes: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return planes (C, h, w) at the size of the image, (C, H, W), between pixels linear."""
    return interpolate(planes[None], size=shape, mode="bilinear", align_corners=False)[0]

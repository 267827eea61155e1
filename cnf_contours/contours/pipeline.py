"""The steps from images to contours that all named detectors share: scales, segmentations, read-out.

A scale is a configuration with one field, of 3 or 4 layers; `CnfConfig` with ``field.layers`` 0 stands for both.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...baselines.half_discs import half_disc, smooth_along
from ...eval.oriented import thin_oriented
from ..config import CnfConfig, FieldConfig
from ..devices import one_thread
from ..fitting import Fitted, ProgressCallback, fit_fields
from ..images import enlarge, lab, working_image
from .final_head import fit_final_head
from .heads import contour_transform, fit_heads
from .readout import pair_strength, thin_soft

FitFields = Callable[
    [Tensor, FieldConfig, Sequence[torch.Generator], ProgressCallback | None, Sequence[int] | None], Fitted
]


def segment_image(
    pixels: NDArray[np.uint8],
    config: CnfConfig,
    device: torch.device,
    progress: ProgressCallback | None = None,
    fit: FitFields = fit_fields,
) -> list[Tensor]:
    """Return the soft segmentations of one image at every scale, (N, m, h, w) on the CPU.

    Parameters
    ----------
    pixels : (H, W, 3) uint8 array
        RGB.
    config : CnfConfig
        The method's constants.
    device : torch.device
        Where fields and heads are fitted.
    progress : callable, optional
        See `fitting.ProgressCallback`; counts over all scales.
    fit : callable, optional
        Makes the fields; another than the usual may look them up.
    """
    targets = working_image(pixels, config.resolution)[None].to(device)  # (1, 3, h, w)
    scales = scales_of(config)
    with one_thread():
        parts = [part_of(progress, i, len(scales)) for i in range(len(scales))]
        return [segment_scale(targets, scale, part, fit)[0] for scale, part in zip(scales, parts, strict=True)]


def segment_scale(
    targets: Tensor,
    config: CnfConfig,
    progress: ProgressCallback | None = None,
    fit: FitFields = fit_fields,
    numbers: Sequence[int] | None = None,
) -> Tensor:
    """Return the soft segmentations of B images of one size at one scale.

    Parameters
    ----------
    targets : (B, 3, h, w) float32 tensor in [0, 1]
        RGB, on the device to be used.
    config : CnfConfig
        One of `scales_of`.
    progress, fit
        As of `segment_image`.
    numbers : sequence of B int, optional
        What the images are called in messages.

    Returns
    -------
    (B, N, m, h, w) float32 tensor in [0, 1]
        On the CPU; N = 1 where the final head is asked for.
    """
    # Each image begins with the same seed, as it does alone: its map must not depend on its place in the data set.
    noise = [scale_generators(config, targets.device) for _ in range(len(targets))]
    field_noise, head_noise, final_noise = zip(*noise, strict=True)
    without = config.heads.source == "pixels"
    fitted = None if without else fit(targets, config.field, field_noise, progress, numbers)
    features = seen_by_heads(targets, fitted, config)  # (B, C, h, w)
    found = fit_heads(features, config.heads, head_noise)  # (B, N, m, h, w)
    if config.heads.output == "final":
        found = fit_final_head(features, found, config.heads, final_noise)[:, None]  # (B, 1, m, h, w)
    return found.cpu()


def scales_of(config: CnfConfig) -> list[CnfConfig]:
    """Return the configuration of every field to fit; raw pixels need none: one scale."""
    own = config.field.layers
    layers = (3, 4) if own == 0 and config.heads.source != "pixels" else (own or 4,)
    return [replace(config, field=replace(config.field, layers=n)) for n in layers]


def part_of(progress: ProgressCallback | None, index: int, count: int) -> ProgressCallback | None:
    """Report the iterations of one field as those of all of them."""
    if progress is None:
        return None
    return lambda iteration, total, loss: progress(index * total + iteration, count * total, loss)


def scale_generators(config: CnfConfig, device: torch.device) -> list[torch.Generator]:
    """Return the randomness of the field, the heads and the final head of one scale.

    Three streams, so that no part changes another, and others for another scale.
    """
    first = 1000 * config.seed + 10 * config.field.layers
    return [torch.Generator(device).manual_seed(first + purpose) for purpose in range(3)]


def seen_by_heads(targets: Tensor, fitted: Fitted | None, config: CnfConfig) -> Tensor:
    """Return what the heads see by ``heads.source``, (B, C, h, w); ``fitted`` is not used for pixels."""
    if config.heads.source == "pixels" or fitted is None:
        return lab(targets)
    return fitted.features if config.heads.source == "features" else lab(fitted.reconstruction)


def read_contours(found: list[Tensor], config: CnfConfig, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the contour map of soft segmentations.

    Parameters
    ----------
    found : list of (N, m, h, w) float32 tensor
        Of every scale, on the CPU.
    config : CnfConfig
        Uses ``readout`` and ``resolution``.
    shape : (int, int)
        H and W of the image.

    Returns
    -------
    (H, W) float32 array in [0, 1]
        The scales' soft maps, averaged, enlarged, then thinned.
    """
    with one_thread():
        if config.readout.readout == "disc":
            thinned = thin_oriented(mean_oriented(found, config, shape))
        else:
            thinned = _thinned_pairs(found, shape)
    return np.clip(config.readout.gain * thinned, 0, 1).astype(np.float32)


def mean_oriented(found: list[Tensor], config: CnfConfig, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the mean of the scales' half-disc read-outs at the size of the image, (8, H, W)."""
    oriented = torch.stack([torch.from_numpy(oriented_contour(one, config)) for one in found]).mean(dim=0)  # (8, h, w)
    return enlarge(oriented, shape).numpy()


def oriented_contour(segmentations: Tensor, config: CnfConfig) -> NDArray[np.float32]:
    """Return the smoothed half-disc read-out of one scale, (8, h, w): mean over the heads (N, m, h, w)."""
    heads, own, scale = segmentations.shape[0], config.readout, config.resolution
    channels = segmentations.flatten(0, 1).permute(1, 2, 0).contiguous().numpy()  # (h, w, N m)
    oriented = half_disc(channels, working_radii(own.radii, scale)) / np.float32(heads)
    return smooth_along(oriented, own.half_length * scale, own.half_width * scale)


def working_radii(radii: tuple[int, ...], resolution: float) -> tuple[int, ...]:
    """Return radii in pixels of the image as increasing ones in pixels of the working image."""
    return tuple(sorted({max(1, round(radius * resolution)) for radius in radii}))


def _thinned_pairs(found: list[Tensor], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the thinned map of the mean contours between neighbours, (H, W)."""
    pairs = [[contours.mean(dim=0) for contours in contour_transform(one)] for one in found]
    right, down = (torch.stack(side).mean(dim=0) for side in zip(*pairs, strict=True))
    strength = torch.from_numpy(pair_strength(right.numpy(), down.numpy()))
    return thin_soft(enlarge(strength[None], shape)[0].numpy())

"""The contours on which several cues agree, from one image without labels: the detector `consensus`.

Three cues, or four, each an oriented map (8, h, w) before suppression, are added and enclose a hierarchy of regions:

- **partitions**: random partitions of the image's colours, the segmentation heads of the thesis, as class histograms on
  the halves of discs (`heads`, `pipeline.oriented_contour`);
- **texture**: the same of the image's textons (`baselines.textons`);
- **spectrum**: the normalised cut of what occurs side by side more often than by chance (Isola et al., ECCV 2014;
  `baselines.pmi`);
- **field**: partitions of the features of a neural field that is fitted to the image (`fitting`, `feature_axes`); off
  unless asked for, as it takes most of the time.

What the first three see is a choice: the image itself, what the field outputs, or the field's features.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from skimage.color import rgb2lab
from torch import Tensor

from ...baselines.half_discs import half_disc, smooth_along
from ...baselines.owt_ucm import owt_ucm
from ...baselines.pmi import PmiConfig, fade_border, feature_contour
from ...baselines.pmi_density import colour_features, unit_range, variance_features
from ...baselines.textons import textons
from ...eval.hierarchy import Hierarchy
from ...eval.oriented import thin_oriented
from ..config import CONSENSUS, CnfConfig
from ..devices import find_device, one_thread
from ..fitting import ProgressCallback, fit_fields
from ..images import check_image, enlarge, lab, working_image
from .feature_axes import steady_axes
from .heads import fit_heads, standardise
from .pipeline import oriented_contour, scale_generators, working_radii

# What each cue is divided by before its weight: its mean strength over 30 val images, frozen.
USUAL = {"partitions": 0.149, "texture": 0.565, "spectrum": 6.66, "field": 0.149}
# Of the sum: the strongest contours of the strongest images reach 1.
GAIN = 0.09
TEXTONS = 32
TEXTON_SIGMA = 2.0  # in pixels of the image, as all lengths here
TEXTON_RADII = (6, 10, 20)
STEADY_DISTANCE = 32


class Look(NamedTuple):
    """What the cues see: a picture (H, W, 3) uint8, what partitions divide (C, h, w), the field's axes (3, h, w)."""

    picture: NDArray[np.uint8]
    features: Tensor
    axes: Tensor  # empty where no cue needs them


def consensus(
    image: ArrayLike,
    source: str = CONSENSUS.heads.source,
    partitions: float = 0.36,
    texture: float = 0.54,
    spectrum: float = 1.0,
    field: float = 0.0,
    regions: bool = True,
    resolution: float = CONSENSUS.resolution,
    heads: int = CONSENSUS.heads.heads,
    vectors: int = 50,
    kernels: int = 3000,
    layers: int = CONSENSUS.field.layers,
    iterations: int = CONSENSUS.field.iterations,
    seed: int = CONSENSUS.seed,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> Hierarchy | NDArray[np.float32]:
    """Contours and regions on which colour partitions, textons and co-occurrence agree.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB; left unchanged.
    source : {"pixels", "reconstruction", "features"}
        What partitions, texture and spectrum see: the image, the colours that a field fitted to it outputs, or
        (partitions and spectrum) the steady axes of the field's features.
    partitions, texture, spectrum, field : float
        Weight of each cue, 0 for none; not computed then.
    regions : bool
        Whether to close the contours around regions (OWT-UCM) or to thin them as they are.
    resolution : float in [0.05, 1]
        Working size, a fraction of the image's.
    heads : int
        Number of colour partitions.
    vectors, kernels : int
        Eigenvectors of the spectrum, and pairs that its density is learnt from.
    layers, iterations : int
        Of the field, if there is one: layers of its encoder, 3 or 4; how long it is fitted.
    seed : int
        Of all randomness.
    device : str
        Where the field is fitted: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    progress : callable, optional
        Called as ``progress(iteration, iterations, loss)`` while the field is fitted.

    Returns
    -------
    Hierarchy, or (H, W) float32 array in [0, 1] without ``regions``

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8, a parameter is of the wrong type or out of range, or every weight is 0.
    ArithmeticError
        If the fit of the field has diverged.

    References
    ----------
    Isola, Zoran, Krishnan & Adelson, "Crisp boundary detection using pointwise mutual information", ECCV 2014.
    Arbelaez, Maire, Fowlkes & Malik, PAMI 2011, for the regions.

    Examples
    --------
    >>> image = np.full((24, 32, 3), 60, np.uint8)
    >>> image[:, 16:] = (200, 120, 40)
    >>> found = consensus(image, heads=4, vectors=4, kernels=100)
    >>> found.shape, bool(found.contour_map()[:, 14:18].max() > found.contour_map()[:, :10].max())
    ((24, 32), True)
    """
    pixels = check_image(image)
    weights = {"partitions": partitions, "texture": texture, "spectrum": spectrum, "field": field}
    if any(weight < 0 for weight in weights.values()) or not any(weights.values()):
        raise ValueError(f"weights: {weights}, expected none below 0 and one above")
    if layers == 0:
        raise ValueError("layers: 0, expected 3 or 4: consensus fits one field")
    config = CONSENSUS.changed(
        layers=layers, iterations=iterations, source=source, resolution=resolution, heads=heads, seed=seed
    )
    with one_thread():
        look = _look(pixels, config, find_device(device), progress, with_field=field > 0)
        total = _sum_of_cues(look, config, weights, vectors, kernels)
        full = enlarge(torch.from_numpy(total), pixels.shape[:2])
        oriented: NDArray[np.float32] = np.clip(GAIN * full.numpy(), 0, 1)
    return owt_ucm(oriented) if regions else thin_oriented(oriented)


def _sum_of_cues(
    look: Look, config: CnfConfig, weights: dict[str, float], vectors: int, kernels: int
) -> NDArray[np.float32]:
    """Return the weighted sum of the cues, each by its usual strength, (8, h, w); one of weight 0 is not computed."""
    cues = {
        "partitions": lambda: partition_contour(look.features, config),
        "texture": lambda: texture_contour(look.picture, config),
        "spectrum": lambda: _spectrum(look, config, vectors, kernels),
        "field": lambda: partition_contour(look.axes, config),
    }
    return reduce(np.add, [weight / USUAL[name] * cues[name]() for name, weight in weights.items() if weight > 0])


def partition_contour(features: Tensor, config: CnfConfig) -> NDArray[np.float32]:
    """Return how much random partitions of the features differ across every pixel.

    Parameters
    ----------
    features : (C, h, w) float32 tensor
        Such as CIE L*a*b*.
    config : CnfConfig
        Uses what concerns heads and read-out.

    Returns
    -------
    (8, h, w) float32 array
        The smoothed half-disc read-out, can be slightly negative.
    """
    noise = scale_generators(config, features.device)[1:2]
    return oriented_contour(fit_heads(features[None], config.heads, noise)[0].cpu(), config)


def texture_contour(seen: NDArray[np.uint8], config: CnfConfig) -> NDArray[np.float32]:
    """Return how much the textons differ across every pixel: (H, W, 3) uint8 RGB to (8, h, w) float32."""
    scale = config.resolution
    lightness = rgb2lab(working_image(seen, scale).permute(1, 2, 0).numpy())[..., 0]
    found = textons(lightness, TEXTONS, TEXTON_SIGMA * scale, config.seed)
    channels = np.eye(TEXTONS, dtype=np.float32)[found]  # (h, w, K)
    along = config.readout.half_length * scale, config.readout.half_width * scale
    return smooth_along(half_disc(channels, working_radii(TEXTON_RADII, scale)), *along)


def _look(
    pixels: NDArray[np.uint8],
    config: CnfConfig,
    device: torch.device,
    progress: ProgressCallback | None,
    with_field: bool,
) -> Look:
    """Return what the cues see; a field is fitted if one of them needs it, and its axes are found if one does."""
    target, source = working_image(pixels, config.resolution), config.heads.source
    if source == "pixels" and not with_field:
        return Look(pixels, lab(target), torch.empty(0))
    noise = scale_generators(config, device)[:1]
    fitted = fit_fields(target[None].to(device), config.field, noise, progress)
    features, colours = (part[0].cpu() for part in fitted)  # (F, h, w), (3, h, w)
    axes = torch.empty(0)
    if with_field or source == "features":
        distance = max(1, round(STEADY_DISTANCE * config.resolution))
        axes = torch.from_numpy(steady_axes(features.numpy(), lab(colours).numpy(), distance))
        if np.ptp(pixels) == 0:
            axes = torch.zeros_like(axes)  # of nothing, a field has features, too, but all that they say is where
    if source == "features":
        return Look(pixels, axes, axes)
    if source == "pixels":
        return Look(pixels, lab(target), axes)
    large = enlarge(colours.clamp(0, 1), pixels.shape[:2])
    return Look(torch.round(255 * large).to(torch.uint8).permute(1, 2, 0).numpy(), lab(colours), axes)


def _spectrum(look: Look, config: CnfConfig, vectors: int, kernels: int) -> NDArray[np.float32]:
    """Return the spectral contour of the colours, or of the field's features, and of the colours' variance."""
    _, height, width = look.features.shape
    if config.heads.source == "features":
        first = unit_range(standardise(look.features).reshape(height, width, -1).numpy())
    else:
        first = colour_features(look.picture, (height, width))
    pmi = PmiConfig(vectors=vectors, kernels=kernels, seed=config.seed)
    return fade_border(feature_contour((first, variance_features(look.picture, (height, width))), pmi))

"""Segmentation of one image by differentiable feature clustering, the comparison of the thesis' figure 3.10.

Kim, Kanezaki & Tanaka, "Unsupervised learning of image segmentation based on differentiable feature clustering", IEEE
Transactions on Image Processing 2020: a small network on the pixels, whose own strongest channels are its targets, and
a penalty on differences between neighbours.
"""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from ...eval.sweeps import Sweep
from ..devices import find_device, one_thread
from ..fitting import LossTerm, Optimizer, ProgressCallback, fit_in_stages
from ..images import check_image

# Of the paper's unsupervised setting.
COMPONENTS = 2
SETTING = Optimizer(rate=0.1, momentum=0.9)
LEAST_LABELS = 3


def dfc(
    image: ArrayLike,
    iterations: int = 200,
    channels: int = 100,
    continuity: float = 5.0,
    resolution: float = 0.5,
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> Sweep:
    """Segment an image by differentiable feature clustering.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    iterations : int
        At most so many (paper: 1000); fewer once no more than three labels are left.
    channels : int
        Of the convolutions, and most labels. Paper: 100.
    continuity : float
        Weight of the L1 between neighbours' responses. Paper: 5.
    resolution : float
        Working size, a fraction of the image's; the paper's own size of BSDS500 images is 1.
    seed : int
        Of the network's first weights.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    progress : callable, optional
        Called as ``progress(iteration, iterations, loss)``; without effect on the labels.

    Returns
    -------
    Sweep
        One (H, W) int32 label map, labels from 0 without gaps.

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8, or a parameter is out of range.

    References
    ----------
    Kim, Kanezaki & Tanaka, IEEE Transactions on Image Processing 2020.

    Examples
    --------
    >>> image = np.zeros((16, 20, 3), np.uint8)
    >>> image[:, 10:] = 200
    >>> labels = dfc(image, iterations=5, channels=4).segmentations[0]
    >>> labels.shape, labels.dtype
    ((16, 20), dtype('int32'))
    """
    pixels = check_image(image)
    for name, value, least in (("iterations", iterations, 1), ("channels", channels, 2), ("continuity", continuity, 0)):
        if value < least:
            raise ValueError(f"{name}: {value!r}, expected at least {least}")
    if not 0 < resolution <= 1:
        raise ValueError(f"resolution: {resolution!r}, expected a fraction of the image's size in (0, 1]")
    place = find_device(device)
    rgb = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None].to(place)  # (1, 3, H, W)
    size = [max(2, int(np.ceil(n * resolution))) for n in pixels.shape[:2]]
    with one_thread():
        small = interpolate(rgb, size=size, mode="area")  # (1, 3, h, w)
        response = _fit(small, iterations, channels, continuity, seed, progress)  # (1, C, h, w)
        full = interpolate(response, size=pixels.shape[:2], mode="bilinear", align_corners=False)
    winners = full[0].argmax(dim=0).cpu().numpy()
    labels = np.unique(winners, return_inverse=True)[1].reshape(winners.shape)
    return Sweep((labels.astype(np.int32),), ("dfc",))


def _fit(
    target: Tensor, iterations: int, channels: int, continuity: float, seed: int, progress: ProgressCallback | None
) -> Tensor:
    """Train the network on the image and return its last response, (1, C, h, w)."""
    network = _Bound(_network(channels, torch.Generator().manual_seed(seed)).to(target.device), target)
    for iteration, response in fit_in_stages(
        network, [_Clustering(continuity)], SETTING, range(iterations + 1), progress
    ):
        if iteration < iterations and len(response.argmax(dim=1).unique()) <= LEAST_LABELS:
            break
    return response


class _Bound(nn.Module):
    """A network and the image that it sees."""

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        super().__init__()
        self.network, self.image = network, image

    def forward(self) -> Tensor:
        return self.network(self.image)


class _Clustering(LossTerm):
    """Cross-entropy to the network's own strongest channels, and the L1 between neighbours' responses."""

    def __init__(self, continuity: float) -> None:
        self.continuity = continuity

    def __call__(self, output: Tensor, iteration: int) -> Tensor:
        winners = output.detach().argmax(dim=1)  # (1, h, w)
        down = (output[:, :, 1:] - output[:, :, :-1]).abs().mean()
        right = (output[:, :, :, 1:] - output[:, :, :, :-1]).abs().mean()
        return (cross_entropy(output, winners) + self.continuity * (down + right))[None]


def _network(channels: int, generator: torch.Generator) -> nn.Sequential:
    """3x3 convolutions with ReLU and batch normalisation, then a linear classifier, normalised as well."""
    layers: list[nn.Module] = []
    for i in range(COMPONENTS):
        layers += [nn.Conv2d(channels if i else 3, channels, 3, padding=1, device="meta"), nn.ReLU()]
        layers += [nn.BatchNorm2d(channels, track_running_stats=False)]
    layers += [
        nn.Conv2d(channels, channels, 1, device="meta"),
        nn.BatchNorm2d(channels, track_running_stats=False),
    ]
    network = nn.Sequential(*layers).to_empty(device="cpu")
    for module in network:
        if isinstance(module, nn.Conv2d):  # as torch does by default
            nn.init.kaiming_uniform_(module.weight, a=5**0.5, generator=generator)
            bound = module.weight[0].numel() ** -0.5
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
    return network

"""The segmentation heads, fitted to random seed pixels and to each other, and the contours of a segmentation.

Thesis, section 3.3.2. A head is a linear map (a 1x1 convolution) from the features of a pixel to the logits of m
classes. Its seeds are m random pixels, one per class. The heads of B images are fitted at once, each image's from
random numbers of its own.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..config import HeadsConfig
from ..field import Output
from ..fitting import LossTerm, Optimizer, check_generators, fit
from ..losses import distillation_loss, seed_loss


def contour_transform(segmentation: Tensor) -> tuple[Tensor, Tensor]:
    """Return the probability that neighbouring pixels belong to different classes: 1 - <s_p, s_q>.

    Parameters
    ----------
    segmentation : (..., m, H, W) float tensor
        Class probabilities.

    Returns
    -------
    right : (..., H, W - 1) float tensor in [0, 1]
        Between each pixel and the one to its right.
    down : (..., H - 1, W) float tensor in [0, 1]
        Between each pixel and the one below.

    References
    ----------
    Thesis, section 3.3.2 and figure 3.2.

    Examples
    --------
    >>> right, down = contour_transform(torch.tensor([[[1.0, 1.0, 0.25]], [[0.0, 0.0, 0.75]]]))
    >>> right.tolist(), down.numel()
    ([[0.0, 0.75]], 0)
    """
    right = 1 - (segmentation[..., :-1] * segmentation[..., 1:]).sum(dim=-3)
    down = 1 - (segmentation[..., :-1, :] * segmentation[..., 1:, :]).sum(dim=-3)
    return right, down


def neighbours(height: int, width: int, device: torch.device) -> Tensor:
    """Return all pairs of neighbouring pixels as flat indices: (2, P) int64, right pairs first, then down."""
    index = torch.arange(height * width, device=device).view(height, width)
    right = torch.stack([index[:, :-1].flatten(), index[:, 1:].flatten()])
    down = torch.stack([index[:-1].flatten(), index[1:].flatten()])
    return torch.cat([right, down], dim=1)


def standardise(features: Tensor) -> Tensor:
    """Return features (..., C, H, W) as rows (..., H W, C) of mean 0 and variance 1 in every channel.

    A constant channel becomes 0.
    """
    rows = features.flatten(-2).mT  # (..., H W, C)
    spread = rows.std(dim=-2, correction=0, keepdim=True)
    return (rows - rows.mean(dim=-2, keepdim=True)) / torch.where(spread > 1e-4, spread, torch.inf)


class Heads(LossTerm):
    """N heads of each of B images in training: seeds, and from some iteration on distillation.

    As a term beside others, it sees the features of the field, detached; with ``rows``, features that stand still.

    Parameters
    ----------
    channels : int
        Of the features.
    height, width : int
        Of the images, in pixels.
    iterations : int
        How long it will be trained: says when distillation starts.
    config : HeadsConfig
    generators : sequence of B torch.Generator
        Sources of weights, seeds and pairs, and the device.
    rows : (B, H W, C) float32 tensor, optional
        Of `standardise`.
    """

    reaches_field = False

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        iterations: int,
        config: HeadsConfig,
        generators: Sequence[torch.Generator],
        rows: Tensor | None = None,
    ) -> None:
        self.config, self.shape, self.generators, self.rows = config, (height, width), generators, rows
        self.start = config.distillation_start * iterations
        drawn = [_drawn(channels, height * width, config, own) for own in generators]
        self.weight, self.seeds = (torch.stack(column) for column in zip(*drawn, strict=True))
        self.weight.requires_grad_()  # (B, N, C, m)
        self.bias = torch.zeros(len(drawn), config.heads, 1, config.classes, device=self.weight.device)
        self.bias.requires_grad_()  # (B, N, 1, m)
        self.pairs = neighbours(height, width, self.weight.device)  # (2, P)
        self.optimizer = Optimizer(config.head_rate, config.head_clip)

    def parameters(self) -> list[Tensor]:
        return [self.weight, self.bias]

    def __call__(self, output: Output | None, iteration: int) -> Tensor:
        rows = self._rows(output)
        which = torch.arange(len(rows), device=rows.device)[:, None, None]  # (B, 1, 1)
        at_seeds = rows[which, self.seeds]  # (B, N, m, C)
        loss = seed_loss(self.config.sharpness * (at_seeds @ self.weight + self.bias))  # (B, N, m, m) -> (B,)
        if self.config.distillation > 0 and iteration >= self.start and self.pairs.shape[1] > 0:
            loss = loss + self.config.distillation * distillation_loss(self.contours(rows))
        return loss

    def contours(self, rows: Tensor) -> Tensor:
        """Return contours (B, N, K) of every head at K pairs of neighbours: new ones at each call, or all of them."""
        total, count = self.pairs.shape[1], self.config.pairs
        found = []
        for b, own in enumerate(self.generators):
            pairs = self.pairs
            if 0 < count < total:
                pairs = pairs[:, torch.randint(total, (count,), generator=own, device=own.device)]
            first, second = (torch.softmax(self._logits(rows[b][side], b), dim=2) for side in pairs)  # (N, K, m) each
            found.append(1 - (first * second).sum(dim=2))
        return torch.stack(found)

    def segmentations(self, output: Output | None = None) -> Tensor:
        """Return the class probabilities of all heads, (B, N, m, H, W) float32, from the features of all pixels."""
        rows = self._rows(output)
        with torch.no_grad():  # image after image: the logits of all would double the largest tensor
            soft = [torch.softmax(self._logits(own, b), dim=2).mT for b, own in enumerate(rows)]  # (N, m, H W) each
            return torch.stack(soft).unflatten(3, self.shape)

    def _rows(self, output: Output | None) -> Tensor:
        if self.rows is not None:
            return self.rows
        if output is None:
            raise ValueError("heads: no features, expected a field or rows")
        return standardise(output.features.float())

    def _logits(self, rows: Tensor, image: int) -> Tensor:
        """Return the logits (N, P, m) of one image's heads at pixels with features (P, C)."""
        return self.config.sharpness * (rows @ self.weight[image] + self.bias[image])


def _drawn(channels: int, pixels: int, config: HeadsConfig, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the first weights (N, C, m) and the seeds (N, m) of one image's heads."""
    n, m, device = config.heads, config.classes, generator.device
    # Small, so that the seeds decide; not zero, so that heads differ where two seeds have the same colour.
    weight = 0.01 * torch.randn(n, channels, m, generator=generator, device=device)
    return weight, torch.randint(pixels, (n, m), generator=generator, device=device)


def fit_heads(features: Tensor, config: HeadsConfig, generators: Sequence[torch.Generator]) -> Tensor:
    """Fit the heads of several images to their frozen features, all at once, and return their segmentations.

    Parameters
    ----------
    features : (B, C, H, W) float32 tensor
        Of fields, or any other channels of the images.
    config : HeadsConfig
        Uses all but ``source``, ``output`` and what concerns the final head.
    generators : sequence of B torch.Generator
        Of each image's weights, seeds and pairs, on the device of the features.

    Returns
    -------
    (B, N, m, H, W) float32 tensor in [0, 1]
        Class probabilities, summing to 1 over m; 4 B N m H W bytes, the largest part of what is needed here.

    Raises
    ------
    ValueError
        If shapes, counts or devices do not fit together.

    Examples
    --------
    >>> noise = [torch.Generator().manual_seed(0)]
    >>> fit_heads(torch.rand(1, 3, 5, 7), HeadsConfig(heads=2), noise).shape
    torch.Size([1, 2, 4, 5, 7])
    """
    if features.ndim != 4 or features.shape[0] == 0:
        raise ValueError(f"features: shape {tuple(features.shape)}, expected (B, C, H, W) with at least one image")
    check_generators(features, generators)
    rows, steps = standardise(features.detach()), config.head_iterations
    _, channels, height, width = features.shape
    heads = Heads(channels, height, width, steps, config, generators, rows)
    fit(None, [heads], None, steps)
    return heads.segmentations()

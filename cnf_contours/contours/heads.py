"""The segmentation heads, fitted to random seed pixels and to each other, and the contours of a segmentation.

Thesis, section 3.3.2. A head is a linear map (a 1x1 convolution) from the features of a pixel to the logits of m
classes. Its seeds are m random pixels, one per class.
"""

import torch
from torch import Tensor, nn

from ..config import CnfConfig
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
    """Return features (C, H, W) as rows (H W, C) of mean 0 and variance 1 per channel; a constant channel becomes 0."""
    rows = features.flatten(1).T  # (H W, C)
    spread = rows.std(dim=0, correction=0)
    return (rows - rows.mean(dim=0)) / torch.where(spread > 1e-4, spread, torch.inf)


class Heads:
    """N heads in training: their weights, seeds and optimiser.

    Parameters
    ----------
    channels : int
        Of the features.
    height, width : int
        Of the image, in pixels.
    iterations : int
        How often `step` will be called: says when distillation starts.
    config : CnfConfig
    generator : torch.Generator
        Source of weights, seeds and pairs, and the device.
    """

    def __init__(
        self, channels: int, height: int, width: int, iterations: int, config: CnfConfig, generator: torch.Generator
    ) -> None:
        n, m, device = config.heads, config.classes, generator.device
        self.config = config
        self.shape = height, width
        self.generator = generator
        self.start = config.distillation_start * iterations
        self.done = 0
        # Small, so that the seeds decide; not zero, so that heads differ where two seeds have the same colour.
        self.weight = (0.01 * torch.randn(n, channels, m, generator=generator, device=device)).requires_grad_()
        self.bias = torch.zeros(n, 1, m, device=device, requires_grad=True)
        self.seeds = torch.randint(height * width, (n, m), generator=generator, device=device)  # (N, m)
        self.pairs = neighbours(height, width, device)  # (2, P)
        self.optimizer = torch.optim.Adam([self.weight, self.bias], lr=config.head_rate, amsgrad=True)

    def logits(self, rows: Tensor) -> Tensor:
        """Return the logits (N, P, m) at pixels with features ``rows``, (P, C); (N, P, C) if each head has its own."""
        return self.config.sharpness * (rows @ self.weight + self.bias)

    def step(self, rows: Tensor) -> float:
        """Train once on the features of all pixels, (H W, C), which are detached here; return the loss."""
        rows = rows.detach()
        loss = seed_loss(self.logits(rows[self.seeds]))  # (N, m, C) -> (N, m, m)
        if self.config.distillation > 0 and self.done >= self.start and self.pairs.shape[1] > 0:
            loss = loss + self.config.distillation * distillation_loss(self._contours(rows))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([self.weight, self.bias], self.config.head_clip)
        self.optimizer.step()
        self.done += 1
        return float(loss.detach())

    def segmentations(self, rows: Tensor) -> Tensor:
        """Return the class probabilities of all heads, (N, m, H, W) float32, from the features of all pixels."""
        with torch.no_grad():
            soft = torch.softmax(self.logits(rows), dim=2)  # (N, H W, m)
        return soft.transpose(1, 2).reshape(-1, self.config.classes, *self.shape)  # (N, m, H, W)

    def _contours(self, rows: Tensor) -> Tensor:
        """Contours (N, P) of every head at some pairs of neighbours, new ones in every iteration, or at all."""
        pairs = self.pairs
        if 0 < self.config.pairs < pairs.shape[1]:
            chosen = torch.randint(
                pairs.shape[1], (self.config.pairs,), generator=self.generator, device=self.generator.device
            )
            pairs = pairs[:, chosen]
        first, second = (torch.softmax(self.logits(rows[side]), dim=2) for side in pairs)  # (N, P, m) each
        return 1 - (first * second).sum(dim=2)


def fit_heads(features: Tensor, config: CnfConfig, generator: torch.Generator) -> Tensor:
    """Fit the heads to frozen features and return their segmentations.

    Parameters
    ----------
    features : (C, H, W) float32 tensor
        Of the field, or any other channels of the image.
    config : CnfConfig
        Uses ``heads``, ``classes``, ``sharpness``, ``head_…`` and ``distillation…``.
    generator : torch.Generator
        Of weights, seeds and pairs, on the device of the features.

    Returns
    -------
    (N, m, H, W) float32 tensor in [0, 1]
        Class probabilities, summing to 1 over m.
    """
    height, width = features.shape[1:]
    rows = standardise(features.detach())  # (H W, C)
    heads = Heads(features.shape[0], height, width, config.head_iterations, config, generator)
    for _ in range(config.head_iterations):
        heads.step(rows)
    return heads.segmentations(rows)

"""The final segmentation: one head whose contours match the mean contours, with the logits centred as in DINO.

Thesis, section 3.3.3. Without centring the head collapses to few classes; with it, it is noisier (section 3.4.3).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..config import HeadsConfig
from ..field import Output
from ..fitting import LossTerm, Optimizer, check_generators, fit
from ..losses import centre_update, matching_loss
from .heads import contour_transform, neighbours, standardise


class FinalHead(LossTerm):
    """One head of each of B images in training, on features that stand still; parameters as of `fit_final_head`."""

    reaches_field = False

    def __init__(
        self, rows: Tensor, pairs: Tensor, target: Tensor, config: HeadsConfig, generators: Sequence[torch.Generator]
    ) -> None:
        self.rows, self.pairs, self.target, self.config = rows, pairs, target, config
        shape = rows.shape[2], config.classes
        drawn = [0.01 * torch.randn(shape, generator=own, device=own.device) for own in generators]
        self.weight = torch.stack(drawn).requires_grad_()  # (B, C, m)
        self.centre = torch.zeros(len(drawn), config.classes, device=rows.device)
        self.optimizer = Optimizer(config.head_rate, config.head_clip)

    def parameters(self) -> list[Tensor]:
        return [self.weight]

    def __call__(self, output: Output | None, iteration: int) -> Tensor:
        logits = self._logits()
        soft = torch.softmax(logits - self.centre[:, None], dim=2)  # (B, H W, m)
        if self.config.centring:
            self.centre = centre_update(self.centre, logits, self.config.retention)
        contours = 1 - (soft[:, self.pairs[0]] * soft[:, self.pairs[1]]).sum(dim=2)  # (B, P)
        return matching_loss(contours, self.target)

    def segmentation(self) -> Tensor:
        """Return the class probabilities (B, m, H W)."""
        with torch.no_grad():
            return torch.softmax(self._logits() - self.centre[:, None], dim=2).mT

    def _logits(self) -> Tensor:
        return self.config.sharpness * (self.rows @ self.weight)  # (B, H W, m)


def fit_final_head(
    features: Tensor, segmentations: Tensor, config: HeadsConfig, generators: Sequence[torch.Generator]
) -> Tensor:
    """Fit the final heads of several images to frozen features and the mean contours of their heads.

    Parameters
    ----------
    features : (B, C, H, W) float32 tensor
        The same as the heads had.
    segmentations : (B, N, m, H, W) float32 tensor in [0, 1]
        Of the heads.
    config : HeadsConfig
        Uses ``classes``, ``sharpness``, ``final_iterations``, ``centring``, ``retention``, ``head_rate`` and
        ``head_clip``.
    generators : sequence of B torch.Generator
        Of the first weights.

    Returns
    -------
    (B, m, H, W) float32 tensor in [0, 1]
        Class probabilities, summing to 1 over m.

    References
    ----------
    Caron et al., "Emerging properties in self-supervised vision transformers", ICCV 2021, for the centring.
    """
    check_generators(features, generators)
    height, width = features.shape[2:]
    pairs = neighbours(height, width, features.device)  # (2, P)
    # Image after image: contours of all heads of all images are large.
    means = [torch.cat([side.mean(dim=0).flatten() for side in contour_transform(own)]) for own in segmentations]
    head = FinalHead(standardise(features.detach()), pairs, torch.stack(means), config, generators)
    fit(None, [head], None, config.final_iterations if pairs.shape[1] > 0 else 0)
    return head.segmentation().unflatten(2, (height, width))

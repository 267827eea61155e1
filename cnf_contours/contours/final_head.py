"""The final segmentation: one head whose contours match the mean contours, with the logits centred as in DINO.

Thesis, section 3.3.3. Without centring the head collapses to few classes; with it, it is noisier (section 3.4.3).
"""

import torch
from torch import Tensor, nn

from ..config import CnfConfig
from ..losses import centre_update, matching_loss
from .heads import neighbours, standardise


def fit_final_head(
    features: Tensor, mean_right: Tensor, mean_down: Tensor, config: CnfConfig, generator: torch.Generator
) -> Tensor:
    """Fit the final head to frozen features and mean contours and return its segmentation.

    Parameters
    ----------
    features : (C, H, W) float32 tensor
        The same as the heads had.
    mean_right : (H, W - 1) float32 tensor in [0, 1]
        Mean over the heads of their contours between each pixel and the next, see `heads.contour_transform`.
    mean_down : (H - 1, W) float32 tensor in [0, 1]
        The same between each pixel and the one below.
    config : CnfConfig
        Uses ``classes``, ``sharpness``, ``final_iterations``, ``centring``, ``retention`` and ``head_…``.
    generator : torch.Generator
        Of the first weights.

    Returns
    -------
    (m, H, W) float32 tensor in [0, 1]
        Class probabilities, summing to 1 over m.

    References
    ----------
    Caron et al., "Emerging properties in self-supervised vision transformers", ICCV 2021, for the centring.
    """
    height, width = features.shape[1:]
    rows = standardise(features.detach())  # (H W, C)
    pairs = neighbours(height, width, features.device)  # (2, P)
    target = torch.cat([mean_right.flatten(), mean_down.flatten()])  # (P,)
    weight = 0.01 * torch.randn(rows.shape[1], config.classes, generator=generator, device=generator.device)
    weight.requires_grad_()
    centre = torch.zeros(config.classes, device=features.device)
    optimizer = torch.optim.Adam([weight], lr=config.head_rate, amsgrad=True)

    def probabilities() -> tuple[Tensor, Tensor]:
        logits = config.sharpness * (rows @ weight)  # (H W, m)
        return logits, torch.softmax(logits - centre, dim=1)

    for _ in range(config.final_iterations if pairs.shape[1] > 0 else 0):
        logits, soft = probabilities()
        if config.centring:
            centre = centre_update(centre, logits, config.retention)
        loss = matching_loss(1 - (soft[pairs[0]] * soft[pairs[1]]).sum(dim=1), target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([weight], config.head_clip)
        optimizer.step()
    with torch.no_grad():
        return probabilities()[1].T.reshape(config.classes, height, width)  # (H W, m) -> (m, H, W)

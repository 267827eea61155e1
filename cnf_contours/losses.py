"""The losses of the thesis: pure functions of tensors, without parameters and without state.

Leading axes, written ``...``, are images: each has a loss of its own.
"""

import torch
from torch import Tensor


def reconstruction_loss(output: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error (...,) between images (..., C, H, W); thesis, figure 3.1."""
    return ((output - target) ** 2).mean(dim=(-3, -2, -1))


def seed_loss(logits: Tensor) -> Tensor:
    """Cross-entropy at the seed pixels of every head, one per class; thesis, section 3.3.2.

    Parameters
    ----------
    logits : (..., N, m, m) float tensor
        Of head n at its seed i for class j; the seed of class i is the i-th.

    Returns
    -------
    (...,) float tensor
        Mean over heads and seeds.
    """
    return -torch.log_softmax(logits, dim=-1).diagonal(dim1=-2, dim2=-1).mean(dim=(-2, -1))


def distillation_loss(contours: Tensor) -> Tensor:
    """L1 between the contours of every head and their mean over the heads; thesis, section 3.3.2.

    The mean is the teacher and detached: each head moves towards the consensus, none moves it. The thesis does not say;
    with a gradient through the mean the heads would also be pulled to where the others are not.

    Parameters
    ----------
    contours : (..., N, P) float tensor in [0, 1]
        Of N heads at the same P pairs of neighbours.

    Returns
    -------
    (...,) float tensor
    """
    return (contours - contours.mean(dim=-2, keepdim=True).detach()).abs().mean(dim=(-2, -1))


def matching_loss(contours: Tensor, mean_contours: Tensor) -> Tensor:
    """L1 (...,) between contours of the final head and the mean's, (..., P), detached; thesis, section 3.3.3."""
    return (contours - mean_contours.detach()).abs().mean(dim=-1)


def centre_update(centre: Tensor, logits: Tensor, retention: float) -> Tensor:
    """Return the running mean of the logits after one more iteration, detached.

    Parameters
    ----------
    centre : (..., m) float tensor
        Running mean so far.
    logits : (..., P, m) float tensor
        Of P pixels in this iteration, not centred.
    retention : float in [0, 1]
        Part of ``centre`` that stays; 0.2 in the thesis, section 3.3.4, and 0.9 in DINO (Caron et al. 2021).

    Returns
    -------
    (..., m) float tensor
        ``retention * centre + (1 - retention) * mean of logits``; subtracted from the logits before the softmax.
    """
    return (retention * centre + (1 - retention) * logits.mean(dim=-2)).detach()

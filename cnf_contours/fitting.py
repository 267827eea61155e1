"""The fit to one image: first the field, from the reconstruction loss alone, then the heads on what it gives.

As only the reconstruction loss reaches the field (thesis, section 3.3.1), nothing is lost by fitting the heads after
it. `fit_field` with an ``observer`` is the plain path, in which both are trained in the same iterations.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .config import CnfConfig
from .contours.heads import Heads, standardise
from .field import coordinates, new_field
from .losses import reconstruction_loss

Progress = Callable[[int, int, float], None]
Observer = Callable[[int, Tensor, Tensor], object]


class Fitted(NamedTuple):
    """What a field gives at the end: features (F, H, W), reconstruction (3, H, W) not clipped, last loss."""

    features: Tensor
    reconstruction: Tensor
    loss: float


def fit_field(
    target: Tensor,
    config: CnfConfig,
    generator: torch.Generator,
    progress: Progress | None = None,
    observer: Observer | None = None,
) -> Fitted:
    """Fit a fresh field to one image by AMSGrad with clipped gradients.

    Parameters
    ----------
    target : (3, H, W) float32 tensor in [0, 1]
        RGB, on the device of ``generator``.
    config : CnfConfig
        With ``layers`` 3 or 4.
    generator : torch.Generator
        Source of all randomness, and the device.
    progress : callable, optional
        Called as ``progress(iteration, iterations, loss)`` after every iteration.
    observer : callable, optional
        Called as ``observer(iteration, features, colours)`` after that many iterations, 0 to ``iterations - 1``, with
        what the field gives then, (F, H, W) and (3, H, W), detached: what it trains cannot reach the field.

    Returns
    -------
    Fitted

    Raises
    ------
    ArithmeticError
        If the fit has diverged.
    """
    height, width = target.shape[1:]
    grid = coordinates(height, width, config.octaves, 2 ** (config.layers - 1), target.device)  # (1, C, H', W')
    field = new_field(grid.shape[1], config.filters, config.layers, config.slope, generator)
    optimizer = torch.optim.Adam(field.parameters(), lr=config.rate, amsgrad=True)
    kind = target.device.type
    loss = torch.tensor(0.0)

    def output() -> tuple[Tensor, Tensor]:
        with torch.autocast(kind, torch.bfloat16, enabled=config.bfloat16):
            features, colours = field(grid)
        return features[0, :, :height, :width], colours[0, :, :height, :width].float()  # (F, H, W), (3, H, W)

    for iteration in range(config.iterations):
        features, colours = output()
        if observer is not None:
            observer(iteration, features.detach().float(), colours.detach())
        loss = reconstruction_loss(colours, target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(field.parameters(), config.clip)
        optimizer.step()
        if progress is not None:
            progress(iteration + 1, config.iterations, float(loss.detach()))
    with torch.no_grad():
        features, colours = output()
    if not torch.isfinite(colours).all():
        raise ArithmeticError(f"field: not finite after {config.iterations} iterations, try bfloat16=False or seed=1")
    return Fitted(features.float(), colours, float(loss.detach()))


def fit_stages(
    target: Tensor, config: CnfConfig, generator: torch.Generator, stages: Collection[int]
) -> dict[int, Fitted]:
    """Fit one field and return what it gave on its way, after each number of iterations in ``stages``.

    As the rate is constant, each is bit for bit what `fit_field` gives with that many ``iterations``, but for the loss;
    ``config.iterations`` is not used. Parameters and errors as of `fit_field`.
    """
    found: dict[int, Fitted] = {}

    def keep(iteration: int, features: Tensor, colours: Tensor) -> None:
        if iteration in stages:
            found[iteration] = Fitted(features, colours, float(reconstruction_loss(colours, target)))

    last = max(stages)
    found[last] = fit_field(target, replace(config, iterations=last), generator, observer=keep)
    return found


def fit_together(
    target: Tensor, config: CnfConfig, field_generator: torch.Generator, head_generator: torch.Generator
) -> tuple[Fitted, Tensor]:
    """Fit field and heads in the same iterations, as the thesis does: the plain path, slower and not better.

    Parameters
    ----------
    target : (3, H, W) float32 tensor in [0, 1]
        RGB.
    config : CnfConfig
        With ``layers`` 3 or 4; ``head_iterations`` is not used.
    field_generator, head_generator : torch.Generator
        Two, so that the field is the same with any heads.

    Returns
    -------
    fitted : Fitted
        Bit for bit that of `fit_field`.
    segmentations : (N, m, H, W) float32 tensor
        Of heads on the features.
    """
    height, width = target.shape[1:]
    heads = Heads(config.filters, height, width, config.iterations, config, head_generator)
    fitted = fit_field(
        target, config, field_generator, observer=lambda _, features, __: heads.step(standardise(features))
    )
    return fitted, heads.segmentations(standardise(fitted.features))


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread inside: sums are then always in the same order, and the result the same bit for bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

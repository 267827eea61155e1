"""The one training loop: a field, or none, and a list of losses, for one image and for many.

`fit_in_stages` trains and hands over what the field gives after given numbers of iterations; who asks for the next
stage goes on from there, perhaps with another target. `fit` is its end alone. What is to be made small is a list of
`LossTerm`: each says whether its gradient reaches the field, and may hold parameters of its own. `fit_fields` is the
usual case, a field for every image from its reconstruction alone.

As only the reconstruction reaches the field (thesis, section 3.3.1), nothing is lost by fitting the heads after it, on
what stands still then; as a term beside the reconstruction they are fitted in the same iterations, as in the thesis.

Nothing here waits for the device, but the stages and the reports of progress. Image b has its own weights, batch
statistics, clipped gradient and random numbers, so its fit in a batch is that which it has alone, in another order of
sums. On the CPU, within `devices.one_thread`, everything is the same bit for bit at every call.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from .config import FieldConfig
from .field import Field
from .losses import reconstruction_loss

ProgressCallback = Callable[[int, int, float], None]
"""Called as ``progress(iteration, iterations, loss)``, with the mean loss over the images."""

# Iterations between two reports. Reading the loss is free on the CPU and makes the processor wait for a GPU.
REPORT_EVERY = {"cpu": 1, "cuda": 50}
# Where one kernel updates all parameters; elsewhere one after the other is as fast.
FUSED = ("cuda",)


@dataclass(frozen=True)
class Optimizer:
    """How parameters follow their gradient: AMSGrad, or plain descent with momentum.

    ``rate`` is the learning rate. ``clip`` is the largest norm of an image's gradient, over all of its parameters.
    ``momentum``, if given, makes it SGD with that momentum.
    """

    rate: float
    clip: float = math.inf
    momentum: float | None = None

    def over(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        """Return torch's optimiser of these parameters. As it works by element, one for B images is B of them."""
        if self.momentum is not None:
            return torch.optim.SGD(parameters, lr=self.rate, momentum=self.momentum)
        # Fused, the count of steps stays on the device.
        fused = parameters[0].device.type in FUSED
        return torch.optim.Adam(parameters, lr=self.rate, amsgrad=True, fused=fused or None)


class Model(Protocol):
    """What gives the losses something to look at: a `Field`, or another network bound to its input."""

    def __call__(self) -> Any:
        """Return what it makes of its input: one with a method ``detach``, such as a tensor or `field.Output`."""

    def parameters(self) -> Any:
        """Yield what is trained, those of image b in the b-th part of the first axis."""


class LossTerm:
    """One part of what is made small. Subclasses return every image's loss, (B,), from `__call__`.

    Attributes
    ----------
    factor : float
        Weight of the loss in the sum.
    reaches_field : bool
        Whether its gradient trains the field. If not, it sees the output detached.
    optimizer : Optimizer or None
        Of its own parameters, if it has any.

    Notes
    -----
    A term may keep a target. It is read anew in every iteration, so it may change between two stages, or with the
    iteration.
    """

    factor: float = 1.0
    reaches_field: bool = True
    optimizer: Optimizer | None = None

    def parameters(self) -> list[Tensor]:
        """Return its own parameters, those of image b in the b-th part of the first axis."""
        return []

    def __call__(self, output: Any, iteration: int) -> Tensor:
        """Return the losses (B,) of ``output``, which is None without a field, after ``iteration`` iterations."""
        raise NotImplementedError


class Reconstruction(LossTerm):
    """The mean squared error of the field's colours to ``target``, (B, 3, H, W) float32 in [0, 1]; RGB."""

    def __init__(self, target: Tensor) -> None:
        self.target = target

    def __call__(self, output: Any, iteration: int) -> Tensor:
        return reconstruction_loss(output.colours, self.target)


def fit_in_stages(
    field: Model | None,
    terms: Sequence[LossTerm],
    optimizer: Optimizer | None,
    stages: Sequence[int],
    progress: ProgressCallback | None = None,
) -> Iterator[tuple[int, Any]]:
    """Train, and yield on the way what the field gives.

    Parameters
    ----------
    field : Model or None
        Such as a `Field`; None trains only what the terms hold.
    terms : sequence of LossTerm
        Their weighted sum is made small.
    optimizer : Optimizer or None
        Of the field's parameters; None without a field.
    stages : sequence of int
        Numbers of iterations after which to yield, increasing; training ends with the last. A range does as well.
    progress : callable, optional
        See `ProgressCallback`; called rarely on a GPU, see `REPORT_EVERY`.

    Yields
    ------
    (int, output)
        The number of iterations so far, and what the field gives then, detached. Training goes on when the next is
        asked for: until then, targets may be changed; who asks for no more has stopped it.

    Examples
    --------
    >>> field = Field(4, 4, FieldConfig(layers=3, filters=4), [torch.Generator().manual_seed(0)])
    >>> grey = Reconstruction(torch.full((1, 3, 4, 4), 0.5))
    >>> for iteration, output in fit_in_stages(field, [grey], Optimizer(rate=1e-2), (0, 20)):
    ...     print(iteration, tuple(output.colours.shape))
    0 (1, 3, 4, 4)
    20 (1, 3, 4, 4)
    """
    groups = _groups(field, terms, optimizer)
    total = stages[-1]
    for iteration in range(total + 1):
        with torch.set_grad_enabled(iteration < total):
            output = None if field is None else field()
        seen = None if output is None else output.detach()
        if iteration in stages:
            yield iteration, seen
        if iteration == total:
            return
        parts = [term.factor * term(output if term.reaches_field else seen, iteration) for term in terms]
        losses = torch.stack(parts).sum(dim=0)  # (B,)
        _step(groups, losses)
        every = REPORT_EVERY[losses.device.type]
        if progress is not None and ((iteration + 1) % every == 0 or iteration + 1 == total):
            progress(iteration + 1, total, float(losses.detach().mean()))


def fit(
    field: Model | None,
    terms: Sequence[LossTerm],
    optimizer: Optimizer | None,
    iterations: int,
    progress: ProgressCallback | None = None,
) -> Any:
    """Train for so many iterations and return what the field gives then; parameters as of `fit_in_stages`."""
    *_, (_, output) = fit_in_stages(field, terms, optimizer, (iterations,), progress)
    return output


def _groups(
    field: Model | None, terms: Sequence[LossTerm], optimizer: Optimizer | None
) -> list[tuple[list[Tensor], float, torch.optim.Optimizer]]:
    """Return what is updated and clipped together: the field's parameters, then those of every term."""
    owners = [(list(field.parameters()) if field else [], optimizer)]
    owners += [(term.parameters(), term.optimizer) for term in terms]
    groups = []
    for parameters, own in owners:
        if parameters and own is None:
            raise ValueError("optimizer: None, expected one for what has parameters")
        if parameters and own is not None:
            groups.append((parameters, own.clip, own.over(parameters)))
    return groups


def _step(groups: list[tuple[list[Tensor], float, torch.optim.Optimizer]], losses: Tensor) -> None:
    """Train once on the losses (B,): of their sum, each image has the gradient that it has alone."""
    for _, _, optimizer in groups:
        optimizer.zero_grad(set_to_none=True)
    losses.sum().backward()
    for parameters, clip, optimizer in groups:
        if clip < math.inf:
            clip_each(parameters, len(losses), clip)
        optimizer.step()


def clip_each(parameters: Sequence[Tensor], images: int, largest: float) -> None:
    """Scale each image's gradient down to a norm of ``largest``, in place: `clip_grad_norm_` for B stacked models.

    Parameters
    ----------
    parameters : sequence of (B n, ...) float tensors
        With gradients; those of image b in the b-th part of the first axis.
    images : int
        B.
    largest : float
        Of the norm over all of an image's parameters.
    """
    gradients = [p.grad.unflatten(0, (images, -1)) for p in parameters if p.grad is not None]  # (B, n, ...) views
    norms = torch.stack([torch.linalg.vector_norm(g, dim=tuple(range(1, g.ndim))) for g in gradients], dim=1)  # (B, P)
    # As torch does: never an if, which would wait for the device, and 1e-6 against a norm of zero.
    factor = (largest / (torch.linalg.vector_norm(norms, dim=1) + 1e-6)).clamp(max=1)  # (B,)
    for gradient in gradients:
        gradient.mul_(factor.view(-1, *[1] * (gradient.ndim - 1)))


class Fitted(NamedTuple):
    """What B fields give: features (B, F, H, W) and reconstructions (B, 3, H, W), not clipped; float32."""

    features: Tensor
    reconstruction: Tensor


def fit_fields(
    targets: Tensor,
    config: FieldConfig,
    generators: Sequence[torch.Generator],
    progress: ProgressCallback | None = None,
    numbers: Sequence[int] | None = None,
) -> Fitted:
    """Fit a fresh field to each of several images by AMSGrad with clipped gradients, all at once.

    Parameters
    ----------
    targets : (B, 3, H, W) float32 tensor in [0, 1]
        RGB images of one size, on the device of the generators.
    config : FieldConfig
        With ``layers`` 3 or 4.
    generators : sequence of B torch.Generator
        Source of each image's first weights.
    progress : callable, optional
        See `ProgressCallback`.
    numbers : sequence of B int, optional
        What the images are called in messages; by default their positions.

    Returns
    -------
    Fitted
        On the same device.

    Raises
    ------
    ValueError
        If shapes, counts or devices do not fit together.
    ArithmeticError
        If a fit has diverged.

    Examples
    --------
    >>> images = torch.rand(2, 3, 5, 7)
    >>> noise = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    >>> fit_fields(images, FieldConfig(filters=4, iterations=2), noise).features.shape
    torch.Size([2, 4, 5, 7])
    """
    *_, (_, fitted) = fit_fields_in_stages(targets, config, generators, (config.iterations,), progress, numbers)
    return fitted


def fit_fields_in_stages(
    targets: Tensor,
    config: FieldConfig,
    generators: Sequence[torch.Generator],
    stages: Sequence[int],
    progress: ProgressCallback | None = None,
    numbers: Sequence[int] | None = None,
) -> Iterator[tuple[int, Fitted]]:
    """Yield the number of iterations and what the fields give then, for each of ``stages``, increasing.

    As the rate is constant, each is bit for bit what `fit_fields` gives with that many ``iterations``, which is not
    used here. Parameters and errors as of `fit_fields`.
    """
    _check_targets(targets, generators)
    _, _, height, width = targets.shape
    field = Field(height, width, config, generators)
    terms = [Reconstruction(targets)]
    for iteration, output in fit_in_stages(field, terms, Optimizer(config.rate, config.clip), stages, progress):
        _check_finite(output.colours, numbers or range(len(targets)), iteration)
        yield iteration, Fitted(output.features.float(), output.colours)


def _check_finite(colours: Tensor, numbers: Sequence[int], iterations: int) -> None:
    finite = colours.isfinite().flatten(1).all(dim=1).tolist()
    lost = [name for name, good in zip(numbers, finite, strict=True) if not good]
    if lost:
        whose = f" of images {lost}" if len(numbers) > 1 else ""
        raise ArithmeticError(f"field{whose}: not finite after {iterations} iterations, try bfloat16=False or seed=1")


def _check_targets(targets: Tensor, generators: Sequence[torch.Generator]) -> None:
    if targets.ndim != 4 or targets.shape[1] != 3 or targets.numel() == 0 or targets.dtype != torch.float32:
        raise ValueError(f"targets: shape {tuple(targets.shape)}, {targets.dtype}, expected (B, 3, H, W) float32 RGB")
    check_generators(targets, generators)


def check_generators(images: Tensor, generators: Sequence[torch.Generator]) -> None:
    """Raise ``ValueError`` unless every image has a generator of its own, on its device."""
    count = len({id(own) for own in generators})
    if len(generators) != images.shape[0] or count != len(generators):
        raise ValueError(
            f"generators: {len(generators)}, {count} different, expected one for each of {images.shape[0]} images"
        )
    wrong = {str(own.device) for own in generators if own.device.type != images.device.type}
    if wrong:
        raise ValueError(f"generators: on {', '.join(sorted(wrong))}, expected the images' device, {images.device}")

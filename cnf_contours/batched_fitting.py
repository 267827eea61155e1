"""The fit to many images of one size in one computation: one network, stack of networks inside, for each image its own.

Image b has its own weights, its own batch statistics, its own clipped gradient and its own random numbers, so its fit
is the one that `fitting.fit_field` and `heads.fit_heads` make, in another order of sums. What is gained: one launch for
B images, where one small image leaves a GPU waiting for its processor.

The B images lie side by side in the channels, (1, B F, H, W), and so do their parameters on their first axis,
(B F, C, 3, 3). Then

- batch normalisation by channel *is* batch normalisation by image, as one image is the whole population;
- Adam works element by element, so one optimiser for the stack is B optimisers;
- the first layer, which sees the same coordinates in all images, is one ordinary convolution with B F filters.

Only the other 3x3 convolutions have a choice, `CONVOLUTIONS`. ``torch.func.vmap`` over stacked modules comes down to
the first of them, without one.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d, interpolate, leaky_relu, unfold

from .config import CnfConfig
from .contours.heads import Heads, neighbours, standardise
from .field import Field, coordinates, new_field
from .fitting import Progress
from .losses import distillation_loss, reconstruction_loss, seed_loss

PROGRESS_EVERY = 50  # iterations between two reports: each waits for the device
Convolution = Callable[[Tensor, Tensor, int, int], Tensor]


def grouped(planes: Tensor, weight: Tensor, stride: int, images: int) -> Tensor:
    """Return all images' 3x3 convolutions, (1, B F, h', w'), of (1, B C, h, w), as one with a group for each image."""
    return conv2d(planes, weight, None, stride, padding=1, groups=images)


def unfolded(planes: Tensor, weight: Tensor, stride: int, images: int) -> Tensor:
    """Return the same as a batch of matrix products with the 3x3 patches: nine times the memory of ``planes``."""
    height, width = ((n - 1) // stride + 1 for n in planes.shape[2:])
    patches = unfold(planes.reshape(images, -1, *planes.shape[2:]), 3, padding=1, stride=stride)  # (B, 9 C, h' w')
    return torch.bmm(weight.reshape(images, -1, patches.shape[1]), patches).reshape(1, -1, height, width)


def apart(planes: Tensor, weight: Tensor, stride: int, images: int) -> Tensor:
    """Return the same by one convolution after the other, only what lies between them at once."""
    pairs = zip(planes.chunk(images, dim=1), weight.chunk(images), strict=True)
    return torch.cat([conv2d(one, own, None, stride, padding=1) for one, own in pairs], dim=1)


# Equal results, different speed; which is fastest depends on card, cuDNN and size, so measure it (`batched.measure`).
# Grouped: one launch, tensor cores, no extra memory, but cuDNN's grouped kernels, the weight gradient above all, can be
# slower than separate ones (pytorch issues 70954 and 73764). Unfolded: cuBLAS near its peak, but bound by the traffic
# of the patches. Apart: cuDNN's best kernels, one launch per image: good where one image fills the card.
CONVOLUTIONS: dict[str, Convolution] = {"grouped": grouped, "unfolded": unfolded, "apart": apart}


class FittedBatch(NamedTuple):
    """What B fields give: features (B, F, H, W), reconstruction (B, 3, H, W) not clipped, last losses (B,)."""

    features: Tensor
    reconstruction: Tensor
    losses: Tensor


def fit_fields(
    targets: Tensor,
    config: CnfConfig,
    generators: Sequence[torch.Generator],
    progress: Progress | None = None,
    convolution: str = "grouped",
    compiled: bool = False,
    numbers: Sequence[int] | None = None,
) -> FittedBatch:
    """Fit a fresh field to each of several images by AMSGrad with clipped gradients, all at once.

    Equal to `fitting.fit_field` on each image with the same generator: the same first weights exactly, the same result
    up to the order of sums. Nothing in the loop waits for the device, but the reports of ``progress``.

    Parameters
    ----------
    targets : (B, 3, H, W) float32 tensor in [0, 1]
        RGB images of one size, on the device of the generators.
    config : CnfConfig
        With ``layers`` 3 or 4.
    generators : sequence of B torch.Generator
        Source of each image's first weights.
    progress : callable, optional
        Called as ``progress(iteration, iterations, loss)`` with the mean loss, every `PROGRESS_EVERY` iterations and
        after the last.
    convolution : {"grouped", "unfolded", "apart"}
        How, not what, is computed; see `CONVOLUTIONS`.
    compiled : bool
        Whether the forward pass goes through ``torch.compile``: minutes at first, once per shape.
    numbers : sequence of B int, optional
        What the images are called in messages; by default their positions.

    Returns
    -------
    FittedBatch
        On the same device, float32.

    Raises
    ------
    ValueError
        If shapes, counts, devices or names do not fit together.
    ArithmeticError
        If a fit has diverged.

    Notes
    -----
    Memory: with A = F H' W' (H', W': see `field.coordinates`) the backward pass keeps about 9 A values per image, and
    needs about 3 A more as it goes: 24 A bytes in bfloat16, 48 in float32. ``unfolded`` keeps about 12 A values more.
    Parameters, their gradient and three moments add 180 (2 L - 2) F^2 bytes per image. So 128 filters at 321 x 481 want
    0.5 GB per image. B A should stay below 2^31, where 32-bit indices end: 104 such images.

    On CUDA equal up to the order of sums only, which cuDNN chooses; on the CPU, within `one_thread`, bit for bit.
    """
    _check_fields(targets, config, generators, convolution)
    images, _, height, width = targets.shape
    grid = coordinates(height, width, config.octaves, 2 ** (config.layers - 1), targets.device)  # (1, C, H', W')
    stack = stack_parameters(
        [new_field(grid.shape[1], config.filters, config.layers, config.slope, own) for own in generators]
    )
    convolve = CONVOLUTIONS[convolution]
    # Patches are rows of NCHW; cuDNN's tensor-core kernels want NHWC.
    layout = torch.contiguous_format if convolve is unfolded else torch.channels_last
    grid, stack = grid.contiguous(memory_format=layout), _leaves(stack, layout)
    forward = torch.compile(stacked_forward, dynamic=False) if compiled else stacked_forward

    def output() -> tuple[Tensor, Tensor]:
        with torch.autocast(targets.device.type, torch.bfloat16, enabled=config.bfloat16):
            features, colours = forward(stack, grid, images, config.slope, convolve)
        return features[..., :height, :width], colours[..., :height, :width].float()  # (B, F, H, W), (B, 3, H, W)

    losses = _train(stack, lambda: output()[1], targets, config, progress)
    with torch.no_grad():
        features, colours = output()
    finite = colours.isfinite().flatten(1).all(dim=1).tolist()  # the one place where the result is waited for
    lost = [name for name, good in zip(numbers or range(images), finite, strict=True) if not good]
    if lost:
        raise ArithmeticError(
            f"fields: of images {lost} not finite after {config.iterations} iterations, try bfloat16=False or seed=1"
        )
    return FittedBatch(features.float(), colours, losses)


def stack_parameters(fields: Sequence[Field]) -> list[Tensor]:
    """Return the parameters of equal fields, each tensor stacked on its first axis: (F, ...) of B fields to (B F, ...).

    In the order of ``Field.parameters()``: weight, scale and shift of each block, then weight and bias of the colours.
    """
    columns = zip(*(field.parameters() for field in fields), strict=True)
    return [torch.cat([own.detach() for own in column]) for column in columns]


def stacked_forward(
    stack: list[Tensor], grid: Tensor, images: int, slope: float, convolve: Convolution
) -> tuple[Tensor, Tensor]:
    """Return features (B, F, H', W') and RGB (B, 3, H', W') of B fields on the same grid (1, C, H', W').

    `Field.forward` for parameters from `stack_parameters`.
    """
    *blocks, weight, bias = stack
    layers = (len(blocks) // 3 + 1) // 2  # of the encoder
    planes = conv2d(grid, blocks[0], None, 1, padding=1)  # (1, B F, H', W'): all images see the same
    for i in range(len(blocks) // 3):
        kernel, scale, shift = blocks[3 * i : 3 * i + 3]
        if i >= layers:
            planes = interpolate(planes, scale_factor=2, mode="nearest")  # (1, B F, 2 h, 2 w)
        if i > 0:
            planes = convolve(planes, kernel, 2 if i < layers else 1, images)  # (1, B F, h, w), or half of it
        planes = leaky_relu(batch_norm(planes, None, None, scale, shift, training=True), slope)
    features = planes.unflatten(1, (images, -1))[0]  # (B, F, H', W')
    # 1x1 with three filters: a small matrix product, for which grouped convolutions have no good kernel.
    colours = torch.baddbmm(bias.view(images, 3, 1), weight.reshape(images, 3, -1), features.flatten(2))
    return features, colours.unflatten(2, grid.shape[2:])  # (B, 3, H' W') -> (B, 3, H', W')


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
    gradients = [parameter.grad.unflatten(0, (images, -1)) for parameter in parameters]  # (B, n, ...) views
    norms = torch.stack([torch.linalg.vector_norm(g, dim=tuple(range(1, g.ndim))) for g in gradients])  # (P, B)
    # As torch does: never an if, which would wait for the device, and 1e-6 against a norm of zero.
    factor = (largest / (torch.linalg.vector_norm(norms, dim=0) + 1e-6)).clamp(max=1)  # (B,)
    for gradient in gradients:
        gradient.mul_(factor.view(-1, *[1] * (gradient.ndim - 1)))


def fit_heads_batch(features: Tensor, config: CnfConfig, generators: Sequence[torch.Generator]) -> Tensor:
    """Fit the heads of several images to their frozen features, all at once, and return the segmentations.

    Equal to `heads.fit_heads` on each image with the same generator, up to the order of sums.

    Parameters
    ----------
    features : (B, C, H, W) float32 tensor
        On the device of the generators.
    config : CnfConfig
        As of `heads.fit_heads`.
    generators : sequence of B torch.Generator
        Of each image's weights, seeds and pairs.

    Returns
    -------
    (B, N, m, H, W) float32 tensor in [0, 1]
        Class probabilities, summing to 1 over m; 4 B N m H W bytes, the largest part of what is needed here.

    Raises
    ------
    ValueError
        If shapes, counts or devices do not fit together.
    """
    if features.ndim != 4 or features.shape[0] == 0:
        raise ValueError(f"features: shape {tuple(features.shape)}, expected (B, C, H, W) with at least one image")
    _check_generators(features, generators)
    images, channels, height, width = features.shape
    steps = config.head_iterations
    rows = torch.vmap(standardise)(features.detach())  # (B, H W, C)
    pairs = neighbours(height, width, features.device)  # (2, P)
    drawn = [_draw(Heads(channels, height, width, steps, config, own), steps) for own in generators]
    weight, bias, seeds, chosen = (torch.stack(column) for column in zip(*drawn, strict=True))
    weight.requires_grad_()  # (B, N, C, m)
    bias.requires_grad_()  # (B, N, 1, m)
    which = torch.arange(images, device=features.device)[:, None, None]  # (B, 1, 1)
    at_seeds = rows[which, seeds]  # (B, N, m, C), the same in every iteration
    optimizer = torch.optim.Adam([weight, bias], lr=config.head_rate, amsgrad=True, fused=True)
    distil_from = steps - chosen.shape[1]
    for step in range(steps):
        loss = torch.vmap(seed_loss)(config.sharpness * (at_seeds @ weight + bias)).sum()  # (B,) -> ()
        if step >= distil_from:
            compared = pairs[:, chosen[:, step - distil_from]] if chosen.shape[2] else pairs[:, None]  # (2, B or 1, K)
            contours = _contours(rows, compared, weight, bias, config.sharpness)  # (B, N, K)
            loss = loss + config.distillation * torch.vmap(distillation_loss)(contours).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clip_each([weight, bias], images, config.head_clip)
        optimizer.step()
    # Image after image: the logits of all would double the largest tensor.
    return torch.stack([_segmentations(*own, config, (height, width)) for own in zip(rows, weight, bias, strict=True)])


def _train(
    stack: list[Tensor],
    colours: Callable[[], Tensor],
    targets: Tensor,
    config: CnfConfig,
    progress: Progress | None,
) -> Tensor:
    """Train in place and return the last losses, (B,); no value is looked at on the way."""
    images = targets.shape[0]
    # Fused: one kernel for all tensors, and the step count stays on the device. The others ask for it as a number.
    optimizer = torch.optim.Adam(stack, lr=config.rate, amsgrad=True, fused=True)
    losses = torch.zeros(images, device=targets.device)
    for iteration in range(1, config.iterations + 1):
        losses = torch.vmap(reconstruction_loss)(colours(), targets)  # (B,)
        optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()  # the sum, so that each image has the gradient it has alone
        clip_each(stack, images, config.clip)
        optimizer.step()
        if progress is not None and (iteration % PROGRESS_EVERY == 0 or iteration == config.iterations):
            progress(iteration, config.iterations, float(losses.detach().mean()))
    return losses.detach()


def _leaves(stack: list[Tensor], layout: torch.memory_format) -> list[Tensor]:
    """Return the tensors to train, kernels in the given layout."""
    ready = [own.contiguous(memory_format=layout) if own.ndim == 4 else own for own in stack]
    return [own.requires_grad_() for own in ready]


def _draw(heads: Heads, steps: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return what `Heads` would draw while it is trained: weight, bias, seeds, and pairs (T, K) of T distillations.

    K is 0 where all pairs are compared, T is 0 where there is no distillation.
    """
    config, total = heads.config, heads.pairs.shape[1]
    late = [step for step in range(steps) if step >= heads.start] if config.distillation > 0 and total > 0 else []
    count = config.pairs if config.pairs < total else 0
    chosen = torch.empty(len(late), count, dtype=torch.int64, device=heads.weight.device)
    for row in chosen if count else []:  # one call each, as alone: CUDA draws other numbers in one large call
        row.copy_(torch.randint(total, (count,), generator=heads.generator, device=row.device))
    return heads.weight.detach(), heads.bias.detach(), heads.seeds, chosen


def _contours(rows: Tensor, pairs: Tensor, weight: Tensor, bias: Tensor, sharpness: float) -> Tensor:
    """Contours (B, N, K) of every head of every image at its pairs, (2, B or 1, K), of pixels with rows (B, P, C)."""
    which = torch.arange(rows.shape[0], device=rows.device)[:, None]  # (B, 1)

    def soft(side: Tensor) -> Tensor:
        # One product per image with the heads side by side; broadcasting `@` would copy the rows for each head.
        logits = torch.einsum("bkc,bncm->bnkm", rows[which, side], weight) + bias  # (B, N, K, m)
        return torch.softmax(sharpness * logits, dim=3)

    return 1 - (soft(pairs[0]) * soft(pairs[1])).sum(dim=3)


def _segmentations(rows: Tensor, weight: Tensor, bias: Tensor, config: CnfConfig, shape: tuple[int, int]) -> Tensor:
    """Class probabilities (N, m, H, W) of one image, from its rows (H W, C)."""
    with torch.no_grad():
        soft = torch.softmax(config.sharpness * (rows @ weight + bias), dim=2)  # (N, H W, m)
    return soft.transpose(1, 2).reshape(-1, config.classes, *shape)  # (N, m, H, W)


def _check_fields(targets: Tensor, config: CnfConfig, generators: Sequence[torch.Generator], convolution: str) -> None:
    if targets.ndim != 4 or targets.shape[1] != 3 or targets.numel() == 0 or targets.dtype != torch.float32:
        raise ValueError(f"targets: shape {tuple(targets.shape)}, {targets.dtype}, expected (B, 3, H, W) float32 RGB")
    if config.layers == 0:
        raise ValueError("config: layers 0, expected 3 or 4: the fields of both scales are fitted one after the other")
    if convolution not in CONVOLUTIONS:
        raise ValueError(f"convolution: {convolution!r}, expected one of {', '.join(map(repr, CONVOLUTIONS))}")
    _check_generators(targets, generators)


def _check_generators(images: Tensor, generators: Sequence[torch.Generator]) -> None:
    count = len({id(own) for own in generators})
    if len(generators) != images.shape[0] or count != len(generators):
        raise ValueError(
            f"generators: {len(generators)}, {count} different, expected one for each of {images.shape[0]} images"
        )
    wrong = {str(own.device) for own in generators if own.device.type != images.device.type}
    if wrong:
        raise ValueError(f"generators: on {', '.join(sorted(wrong))}, expected the images' device, {images.device}")

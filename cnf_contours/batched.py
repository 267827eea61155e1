"""The numpy door to many images at once, for a GPU, and how much it gains: `detect` for a whole data set.

Images of one shape share a batch. A portrait image is fitted lying on its side, so that all of BSDS500 (321 x 481 and
481 x 321) is one shape. The read-out stays on the CPU, one image at a time: `segment_batch` hands the segmentations
over as they come, and whoever has many cores gives them to a pool.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from .batched_fitting import fit_fields, fit_heads_batch
from .config import CnfConfig
from .contours.final_head import fit_final_head
from .contours.heads import contour_transform
from .contours.pipeline import (
    check_image,
    find_device,
    part_of,
    read_contours,
    scale_generators,
    scales_of,
    seen_by_heads,
    segmentations,
    working_image,
)
from .field import coordinates
from .fitting import Fitted, Progress, one_thread


class Measurement(NamedTuple):
    """How fast segmentations are made, fields and heads without read-out; see `measure`."""

    images_per_second: float  # in batches
    images_per_second_alone: float  # one after the other, by the one-image path
    gain: float  # the first / the second
    flops_per_image: int  # of the fields' convolutions
    fraction_of_peak: float | None  # reached by them in batches, of the time of everything; None without a peak
    peak_bytes: int | None  # largest CUDA memory in batches; None on the CPU


def detect_batch(
    images: Sequence[ArrayLike],
    config: CnfConfig,
    device: str = "auto",
    batch: int = 16,
    progress: Progress | None = None,
    convolution: str = "grouped",
    compiled: bool = False,
) -> list[NDArray[np.float32]]:
    """Return the contour maps of many images by any configuration.

    Landscape and square images have the map of `detect` up to the order of sums. A portrait image is fitted transposed,
    which `detect` does not do: it meets its first random weights lying on its side, so the two maps are two draws of
    the same method, alike only statistically. The read-out sees it upright again.

    Parameters
    ----------
    images : sequence of (H, W, 3) uint8 arrays
        RGB, of any sizes; left unchanged.
    config : CnfConfig
        The method's constants.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
    batch : int
        At most so many images at once.
    progress, convolution, compiled
        As of `batched_fitting.fit_fields`; progress counts over all batches and scales.

    Returns
    -------
    list of (H, W) float32 arrays in [0, 1]
        In the order of the images.

    Raises
    ------
    ValueError
        If an image is not (H, W, 3) uint8, the batch is empty, or the device is unknown or missing.
    ArithmeticError
        If a fit has diverged; names the images.

    Notes
    -----
    Device memory is the larger of fields and heads. With h', w' the working size, a multiple of 8, and B = batch: about
    24 B F h' w' bytes for the fields in bfloat16 (see `fit_fields`), then 4 B N m h w bytes for the segmentations.
    Host memory: 4 B N m h w bytes for each scale.
    """
    found = segment_batch(images, config, device, batch, progress, convolution, compiled)
    maps = {}
    for index, scales in found:
        with one_thread():
            maps[index] = read_contours(scales, config, np.shape(images[index])[:2])
    return [maps[index] for index in range(len(images))]


def segment_batch(
    images: Sequence[ArrayLike],
    config: CnfConfig,
    device: str = "auto",
    batch: int = 16,
    progress: Progress | None = None,
    convolution: str = "grouped",
    compiled: bool = False,
) -> Iterator[tuple[int, list[Tensor]]]:
    """Yield the position of an image and its soft segmentations of every scale, (N, m, h, w) on the CPU, upright.

    `detect_batch` without the read-out: ``read_contours(segmentations, config, (H, W))`` makes the map. Images of one
    shape come together, not in their order. With ``output`` ``final``, the final heads are fitted one by one.
    Parameters and errors as of `detect_batch`; they are checked at once, not with the first image.
    """
    arrays = [check_image(image) for image in images]
    place = find_device(device)
    if batch < 1:
        raise ValueError(f"batch: {batch!r}, expected at least 1")
    groups = _groups([array.shape[:2] for array in arrays], batch)
    scales = scales_of(config)

    def yield_all() -> Iterator[tuple[int, list[Tensor]]]:
        for g, numbers in enumerate(groups):
            targets = torch.stack([_lying(arrays[i], config.resolution) for i in numbers]).to(place)  # (B, 3, h, w)
            parts = [part_of(progress, g * n + i, len(groups) * n) for i, n, _ in scales]
            with one_thread():
                found = [
                    _segment_scale(targets, scale, numbers, part, convolution, compiled)
                    for (_, _, scale), part in zip(scales, parts, strict=True)
                ]
            for b, number in enumerate(numbers):
                yield number, [_upright(scale[b], arrays[number].shape) for scale in found]

    return yield_all()


def field_flops(config: CnfConfig, height: int, width: int) -> int:
    """Return the floating-point operations of the convolutions of one image's fields, over the whole fit.

    Parameters
    ----------
    config : CnfConfig
        Uses ``layers``, ``filters``, ``octaves`` and ``iterations``.
    height, width : int
        Of the working image.

    Returns
    -------
    int
        A multiplication and an addition are two. The backward pass does each convolution twice more, for its input and
        for its weights, but for the first, whose input has no gradient; after the fit there is one more forward pass.
        0 where there is no field.
    """
    if config.source == "pixels":
        return 0
    return sum(_flops(scale, height, width) for _, _, scale in scales_of(config))


def measure(
    images: Sequence[ArrayLike],
    config: CnfConfig,
    device: str = "auto",
    batch: int = 16,
    peak: float | None = None,
    alone: int = 2,
    convolution: str = "grouped",
    compiled: bool = False,
) -> Measurement:
    """Measure fields and heads of many images, in batches and one after the other, after a warm-up of each.

    Parameters
    ----------
    images, config, device, batch, convolution, compiled
        As of `detect_batch`.
    peak : float, optional
        Operations per second that the device is said to reach in the precision of the convolutions, e.g. 989e12 for a
        H100 or H200 in dense bfloat16.
    alone : int
        How many images, the first ones, are also timed by the one-image path.

    Returns
    -------
    Measurement
        ``_asdict()`` for JSON. The fraction of the peak is of the time of everything, heads and transfers too; with
        ``head_iterations`` 0 and one head it is that of the fields.

    Raises
    ------
    ValueError
        As `detect_batch`, or if there is nothing to measure.
    """
    if not len(images) or alone < 1:
        raise ValueError(f"images: {len(images)}, alone: {alone}, expected at least one of each")
    arrays, place = [check_image(image) for image in images], find_device(device)

    def together(settings: CnfConfig) -> None:
        for _ in segment_batch(arrays, settings, device, batch, None, convolution, compiled):
            pass

    def one_by_one(settings: CnfConfig) -> None:
        for array in arrays[:alone]:
            for _, _, scale in scales_of(settings):
                segmentations(array, scale, place, None)

    seconds, peak_bytes = _timed(together, config, place)
    with one_thread():
        seconds_alone, _ = _timed(one_by_one, config, place)
    flops = [field_flops(config, *_lying(array, config.resolution).shape[1:]) for array in arrays]
    speed, speed_alone = len(arrays) / seconds, len(arrays[:alone]) / seconds_alone
    fraction = None if peak is None else sum(flops) / seconds / peak
    return Measurement(speed, speed_alone, speed / speed_alone, sum(flops) // len(flops), fraction, peak_bytes)


def _groups(shapes: Sequence[tuple[int, ...]], batch: int) -> list[list[int]]:
    """Return the positions of the images of each batch: of one shape, lying on the longer side, at most ``batch``."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for i, shape in enumerate(shapes):
        by_shape.setdefault(tuple(sorted(shape)), []).append(i)
    return [alike[i : i + batch] for alike in by_shape.values() for i in range(0, len(alike), batch)]


def _lying(pixels: NDArray[np.uint8], resolution: float) -> Tensor:
    """Return the working image (3, h, w), h <= w: a portrait image transposed."""
    target = working_image(pixels, resolution)
    return target.transpose(1, 2).contiguous() if pixels.shape[0] > pixels.shape[1] else target


def _upright(segmentations: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Undo `_lying` for an image of ``shape``: (N, m, h, w) to (N, m, w, h) if it is a portrait."""
    return segmentations.transpose(2, 3).contiguous() if shape[0] > shape[1] else segmentations


def _segment_scale(
    targets: Tensor,
    config: CnfConfig,
    numbers: list[int],
    progress: Progress | None,
    convolution: str,
    compiled: bool,
) -> Tensor:
    """Return the soft segmentations of one scale, (B, N, m, h, w) on the CPU; `detect._segmentations` for a batch."""
    # Each image begins with the same seed, as it does alone: its map must not depend on its place in the data set.
    noise = [scale_generators(config, targets.device) for _ in numbers]
    field_noise, head_noise, final_noise = zip(*noise, strict=True)
    if config.source == "pixels":
        fitted = [None] * len(numbers)
    else:
        fields = fit_fields(targets, config, field_noise, progress, convolution, compiled, numbers)
        fitted = [
            Fitted(*own) for own in zip(fields.features, fields.reconstruction, fields.losses.tolist(), strict=True)
        ]
    pairs = zip(targets, fitted, strict=True)
    features = torch.stack([seen_by_heads(target, own, config) for target, own in pairs])  # (B, C, h, w)
    found = fit_heads_batch(features, config, head_noise)  # (B, N, m, h, w)
    if config.output == "final":
        trios = zip(features, found, final_noise, strict=True)
        found = torch.stack([_final(own, heads, config, source)[None] for own, heads, source in trios])
    return found.cpu()


def _final(features: Tensor, heads: Tensor, config: CnfConfig, generator: torch.Generator) -> Tensor:
    """Return the final head's segmentation (m, h, w) of one image from its heads', (N, m, h, w)."""
    right, down = (contours.mean(dim=0) for contours in contour_transform(heads))
    return fit_final_head(features, right, down, config, generator)


def _flops(config: CnfConfig, height: int, width: int) -> int:
    """Operations of one field, `field_flops` for 3 or 4 layers."""
    grid = coordinates(height, width, config.octaves, 2 ** (config.layers - 1), torch.device("meta"))
    cells = grid.shape[2] * grid.shape[3]
    halved = [cells // 4**i for i in range(config.layers)]  # cells after each layer of the encoder
    first = 2 * 9 * grid.shape[1] * config.filters * cells
    others = sum(2 * 9 * config.filters**2 * n for n in halved[1:] + halved[:-1])  # encoder down, decoder up again
    colours = 2 * config.filters * 3 * cells
    forward = first + others + colours
    return config.iterations * (3 * forward - first) + forward


def _timed(work: Callable[[CnfConfig], None], config: CnfConfig, device: torch.device) -> tuple[float, int | None]:
    """Return the seconds of ``work`` and its peak of CUDA memory, after a short run in which libraries load."""
    cuda = device.type == "cuda"
    work(replace(config, iterations=min(3, config.iterations)))
    if cuda:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    started = time.perf_counter()
    work(config)
    if cuda:
        torch.cuda.synchronize(device)
    return time.perf_counter() - started, torch.cuda.max_memory_allocated(device) if cuda else None

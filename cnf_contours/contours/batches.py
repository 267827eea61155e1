"""Many images at once, for a GPU: images of one size share a batch.

A portrait image is fitted lying on its side, so that all of BSDS500 (321 x 481 and 481 x 321) is one shape. The
read-out stays on the CPU, one image at a time: `segment_batch` hands the segmentations over as they come, and whoever
has many cores gives them to a pool.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..config import CnfConfig
from ..devices import find_device, one_thread
from ..fitting import ProgressCallback
from ..images import check_image, working_image
from .pipeline import part_of, read_contours, scales_of, segment_scale


def detect_batch(
    images: Sequence[ArrayLike],
    config: CnfConfig,
    device: str = "auto",
    batch: int = 16,
    progress: ProgressCallback | None = None,
) -> list[NDArray[np.float32]]:
    """Return the contour maps of many images by any configuration.

    Landscape and square images have the map of `detectors.detect` up to the order of sums. A portrait image is fitted
    transposed, which `detect` does not do: it meets its first random weights lying on its side, so the two maps are two
    draws of the same method, alike only statistically. The read-out sees it upright again.

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
    progress : callable, optional
        See `fitting.ProgressCallback`; counts over all batches and scales.

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
    24 B F h' w' bytes for the fields in bfloat16 (see `field.Field`), then 4 B N m h w bytes for the segmentations.
    Host memory: 4 B N m h w bytes for each scale.
    """
    maps = {}
    for index, scales in segment_batch(images, config, device, batch, progress):
        maps[index] = read_contours(scales, config, np.shape(images[index])[:2])
    return [maps[index] for index in range(len(images))]


def segment_batch(
    images: Sequence[ArrayLike],
    config: CnfConfig,
    device: str = "auto",
    batch: int = 16,
    progress: ProgressCallback | None = None,
) -> Iterator[tuple[int, list[Tensor]]]:
    """Yield the position of an image and its soft segmentations of every scale, (N, m, h, w) on the CPU, upright.

    `detect_batch` without the read-out: ``read_contours(segmentations, config, (H, W))`` makes the map. Images of one
    shape come together, not in their order. Parameters and errors as of `detect_batch`; they are checked at once, not
    with the first image.
    """
    arrays = [check_image(image) for image in images]
    place = find_device(device)
    if batch < 1:
        raise ValueError(f"batch: {batch!r}, expected at least 1")
    return _segment_groups(arrays, config, place, batch, progress)


def _segment_groups(
    arrays: list[NDArray[np.uint8]],
    config: CnfConfig,
    place: torch.device,
    batch: int,
    progress: ProgressCallback | None,
) -> Iterator[tuple[int, list[Tensor]]]:
    groups, scales = groups_of([array.shape[:2] for array in arrays], batch), scales_of(config)
    for g, numbers in enumerate(groups):
        targets = torch.stack([lying(arrays[i], config.resolution) for i in numbers]).to(place)  # (B, 3, h, w)
        with one_thread():
            found = []
            for s, scale in enumerate(scales):
                part = part_of(progress, g * len(scales) + s, len(groups) * len(scales))
                found.append(segment_scale(targets, scale, part, numbers=numbers))  # (B, N, m, h, w)
        for b, number in enumerate(numbers):
            yield number, [_upright(of_scale[b], arrays[number].shape) for of_scale in found]


def groups_of(shapes: Sequence[tuple[int, ...]], batch: int) -> list[list[int]]:
    """Return the positions of the images of each batch: of one shape, lying on the longer side, at most ``batch``.

    Examples
    --------
    >>> groups_of([(3, 5), (4, 4), (5, 3)], batch=2)
    [[0, 2], [1]]
    """
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for i, shape in enumerate(shapes):
        by_shape.setdefault(tuple(sorted(shape)), []).append(i)
    return [alike[i : i + batch] for alike in by_shape.values() for i in range(0, len(alike), batch)]


def lying(pixels: NDArray[np.uint8], resolution: float) -> Tensor:
    """Return the working image (3, h, w), h <= w: a portrait image transposed."""
    target = working_image(pixels, resolution)
    return target.transpose(1, 2).contiguous() if pixels.shape[0] > pixels.shape[1] else target


def _upright(segmentations: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Undo `lying` for an image of ``shape``: (N, m, h, w) to (N, m, w, h) if it is a portrait."""
    return segmentations.transpose(2, 3).contiguous() if shape[0] > shape[1] else segmentations

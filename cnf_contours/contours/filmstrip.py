"""What a field has learnt after some iterations: its reconstruction, some heads, the contours."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..config import CnfConfig
from ..devices import find_device, one_thread
from ..fitting import Fitted, fit_fields_in_stages
from ..images import check_image, working_image
from .heads import fit_heads
from .pipeline import read_contours, scale_generators, seen_by_heads


class Frame(NamedTuple):
    """The state after some iterations, at the working size.

    ``reconstruction`` is (h, w, 3) uint8, ``classes`` (n, h, w) the strongest class of the first n heads, ``contours``
    the (H, W) map in [0, 1] of this scale alone.
    """

    iterations: int
    reconstruction: NDArray[np.uint8]
    classes: NDArray[np.int64]
    contours: NDArray[np.float32]


def film(
    image: ArrayLike, iterations: tuple[int, ...], config: CnfConfig, shown_heads: int = 3, device: str = "auto"
) -> list[Frame]:
    """Return the states of one field on its way.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    iterations : tuple of int
        When to look.
    config : CnfConfig
        With ``layers`` 3 or 4; the field's ``iterations`` are not used.
    shown_heads : int
        How many heads to show.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Returns
    -------
    list of Frame
        In the order of increasing iterations.

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8, or the configuration has not one field.

    Examples
    --------
    >>> config = CnfConfig().changed(layers=3, filters=8, heads=4)
    >>> [frame.iterations for frame in film(np.zeros((8, 12, 3), np.uint8), (0, 2), config)]
    [0, 2]
    """
    pixels, place = check_image(image), find_device(device)
    if config.field.layers == 0 or config.heads.source == "pixels":
        what = f"layers {config.field.layers}, source {config.heads.source!r}"
        raise ValueError(f"config: {what}; a film is of one field")
    target = working_image(pixels, config.resolution)[None].to(place)  # (1, 3, h, w)
    noise, stages = scale_generators(config, place)[:1], sorted(set(iterations))
    with one_thread():
        states = fit_fields_in_stages(target, config.field, noise, stages)
        return [_frame(after, fitted, target, config, shown_heads, pixels.shape[:2]) for after, fitted in states]


def _frame(
    after: int, fitted: Fitted, target: Tensor, config: CnfConfig, shown_heads: int, shape: tuple[int, ...]
) -> Frame:
    noise = scale_generators(config, target.device)[1:2]
    found = fit_heads(seen_by_heads(target, fitted, config), config.heads, noise)[0].cpu()  # (N, m, h, w)
    rgb = torch.round(255 * fitted.reconstruction[0].clamp(0, 1)).to(torch.uint8)
    classes = found[:shown_heads].argmax(dim=1).numpy()
    return Frame(after, rgb.permute(1, 2, 0).cpu().numpy(), classes, read_contours([found], config, shape))

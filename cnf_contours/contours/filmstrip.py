"""What a field has learnt after some iterations: its reconstruction, some heads, the contours."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ..config import CnfConfig
from ..fitting import fit_stages, one_thread
from .heads import fit_heads
from .pipeline import check_image, find_device, read_contours, scale_generators, seen_by_heads, working_image


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
        With ``layers`` 3 or 4; its ``iterations`` are not used.
    shown_heads : int
        How many heads to show.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises
    ------
    ValueError
        If the image is not (H, W, 3) uint8, or ``layers`` is 0.
    """
    pixels, place = check_image(image), find_device(device)
    if config.layers == 0 or config.source == "pixels":
        raise ValueError(f"config: layers {config.layers}, source {config.source!r}; a film is of one field")
    frames = []
    with one_thread():
        target = working_image(pixels, config.resolution).to(place)  # (3, h, w)
        field_noise = scale_generators(config, place)[0]
        for count, fitted in fit_stages(target, config, field_noise, iterations).items():
            head_noise = scale_generators(config, place)[1]
            found = fit_heads(seen_by_heads(target, fitted, config), config, head_noise).cpu()  # (N, m, h, w)
            rgb = torch.round(255 * fitted.reconstruction.clamp(0, 1)).to(torch.uint8)
            frames.append(
                Frame(
                    count,
                    rgb.permute(1, 2, 0).cpu().numpy(),
                    found[:shown_heads].argmax(dim=1).numpy(),
                    read_contours([found], config, pixels.shape[:2]),
                )
            )
    return frames

"""Images on their way in and planes on their way out: checks, working size, CIE L*a*b*, back to full size."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from skimage.color import rgb2lab
from torch import Tensor
from torch.nn.functional import interpolate


def check_image(image: ArrayLike) -> NDArray[np.uint8]:
    """Return ``image`` as an (H, W, 3) uint8 array, or raise ``ValueError`` saying what it is instead."""
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or array.size == 0:
        raise ValueError(f"image: shape {array.shape}, dtype {array.dtype}, expected (H, W, 3) RGB uint8")
    return array


def working_image(pixels: NDArray[np.uint8], resolution: float) -> Tensor:
    """Return the image at its working size, (3, h, w) float32 in [0, 1]: means over areas."""
    rgb = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)  # (3, H, W)
    size = [int(np.ceil(n * resolution)) for n in pixels.shape[:2]]
    return interpolate(rgb[None], size=size, mode="area")[0]


def lab(rgb: Tensor) -> Tensor:
    """Return CIE L*a*b* of RGB images, (..., 3, h, w) float32, on the same device; values outside [0, 1] are cut."""
    found = rgb2lab(rgb.clamp(0, 1).movedim(-3, -1).cpu().numpy())  # (..., h, w, 3)
    return torch.from_numpy(found.astype(np.float32)).movedim(-1, -3).to(rgb.device)


def enlarge(planes: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return planes (C, h, w) at the size of the image, (C, H, W), between pixels linear."""
    return interpolate(planes[None], size=shape, mode="bilinear", align_corners=False)[0]

"""Image files: photographs, grey maps, png.

A damaged or foreign file becomes a `UserError` that names it.
"""

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...eval.validation import looks_like_labels
from ..errors import UserError, first_line
from .atomic import write_bytes

# For others, Pillow may start programs: Ghostscript for what looks like EPS.
IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "PPM", "TIFF", "GIF", "WEBP")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".tif", ".tiff")
# Pillow's modes whose numbers are grey or RGB values as they are; of CMYK, YCbCr and Lab they are something else.
PLAIN_MODES = ("1", "L", "LA", "RGB", "RGBA", "I", "I;16", "I;16B", "I;16L", "I;16N", "F")
# Those with a palette or with one colour that stands for "transparent", and what they are turned into.
WITH_ALPHA = {"P": "RGBA", "PA": "RGBA", "L": "LA", "RGB": "RGBA"}


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return an image as (H, W, 3) RGB uint8; grey ones get three equal channels, opaque alpha is dropped."""
    pixels = read_pixels(path)
    if pixels.dtype == np.uint16:
        raise UserError(f"{path}: 16-bit image, expected 8 bits per channel")
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
    if pixels.shape[2] == 2:
        pixels = pixels[:, :, [0, 0, 0, 1]]
    if pixels.shape[2] == 4:
        if np.any(pixels[:, :, 3] < 255):
            raise UserError(f"{path}: transparent pixels, expected opaque RGB (convert it first)")
        pixels = pixels[:, :, :3]
    return np.ascontiguousarray(pixels)


def read_pixels(path: Path, upright: bool = False) -> NDArray:
    """Return the stored pixels of an image file: (H, W) or (H, W, C), uint8 or uint16, of several frames the first.

    With ``upright``, they are turned as the camera says that they should be seen (EXIF orientation).
    """
    mode, pixels = _open(path, upright=upright)
    if mode not in PLAIN_MODES:
        raise UserError(f"{path}: {mode} pixels, expected grey or RGB (convert it first)")
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype == np.int32 and pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= 65535:
        pixels = pixels.astype(np.uint16)  # how Pillow hands out 16-bit grey of some formats
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.ndim not in (2, 3) or pixels.size == 0 or pixels.dtype not in (np.uint8, np.uint16):
        raise UserError(f"{path}: pixels of shape {pixels.shape} and type {pixels.dtype}, expected 8- or 16-bit")
    return pixels


def _open(path: Path, look_up: bool = True, upright: bool = False) -> tuple[str, NDArray]:
    try:
        return _decoded(path.read_bytes(), look_up, upright)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except Exception as error:
        if path.is_file() and path.stat().st_size == 0:
            raise UserError(f"{path}: cannot be read as an image: empty file") from None
        raise UserError(
            f"{path}: cannot be read as an image ({first_line(error)}); truncated or another format?"
        ) from None


def _decoded(data: bytes, look_up: bool, upright: bool) -> tuple[str, NDArray]:
    """Return Pillow's mode and the pixels of an image file.

    Palettes are looked up, and transparency becomes alpha, unless the numbers themselves are asked for.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # of half the pixels that are refused
        try:
            image = Image.open(io.BytesIO(data), formats=IMAGE_FORMATS)
        except UnidentifiedImageError:  # it would name no file but an address in memory
            raise ValueError(f"none of {', '.join(IMAGE_FORMATS)}") from None
        with image:
            if image.mode == "P" and not look_up:
                return image.mode, np.array(image)
            mode = WITH_ALPHA.get(image.mode) if image.has_transparency_data else "RGB" if image.mode == "P" else None
            plain = image.convert(mode) if mode else image
            if upright:
                plain = ImageOps.exif_transpose(plain)
            return plain.mode, np.array(plain)


def read_grey(path: Path) -> NDArray:
    """Return the (H, W) pixels of a grey image file; equal colour channels count as grey, alpha is dropped."""
    pixels = read_pixels(path)
    if pixels.ndim == 2:
        return pixels
    colours = pixels[..., : 1 if pixels.shape[2] == 2 else 3]
    if not all(np.array_equal(colours[..., 0], colours[..., c]) for c in range(1, colours.shape[2])):
        labels = looks_like_labels(_numbered(colours))
        guess = "a label map in colours?" if labels else "a visualisation?"
        raise UserError(f"{path}: a colour image, expected a grey contour map ({guess})")
    return colours[..., 0]


def read_label_image(path: Path) -> NDArray:
    """Return the (H, W) labels of an image file: its grey values, the numbers of its palette, or one number a colour.

    Raises
    ------
    UserError
        If it is damaged, or has colours as a photograph has.
    """
    mode, pixels = _open(path, look_up=False)
    if mode == "P":
        return pixels
    pixels = read_pixels(path)
    if pixels.ndim == 2:
        return pixels
    labels = _numbered(pixels[..., : 1 if pixels.shape[2] == 2 else 3])
    if len(np.unique(labels)) > 2 and not looks_like_labels(labels):
        raise UserError(f"{path}: colours that do not fill areas, expected a label map (a photograph, or a JPEG?)")
    return labels


def _numbered(colours: NDArray) -> NDArray[np.int64]:
    """Return one number for each colour of (H, W, C) pixels."""
    weights = 65536 ** np.arange(colours.shape[2], dtype=np.int64)
    return colours.astype(np.int64) @ weights


def write_png(path: Path, pixels: NDArray, palette: NDArray[np.uint8] | None = None) -> None:
    """Write a png file of 8 or 16 bits atomically; with a (K, 3) palette, the pixels are numbers of its colours."""
    from PIL import Image

    buffer, image = io.BytesIO(), Image.fromarray(pixels)
    if palette is not None:
        image.putpalette(np.ascontiguousarray(palette).tobytes())
    image.save(buffer, "PNG")
    write_bytes(path, buffer.getvalue())

"""Anybody's pictures as detectors want them, (H, W, 3) RGB uint8: grey, transparent, of 16 bits, turned by the camera.

Data sets are read by `images`, which refuses what would not be the benchmark's image; here it is turned into one, and
what was done is told.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, nearest_hint
from .images import IMAGE_SUFFIXES, read_pixels

PICTURE_SUFFIXES = (*IMAGE_SUFFIXES, ".gif", ".pgm", ".pbm", ".webp")


class Picture(NamedTuple):
    """A picture as (H, W, 3) RGB uint8, and what was done to make it one."""

    pixels: NDArray[np.uint8]
    said: tuple[str, ...] = ()


def find_pictures(given: list[Path]) -> list[Path]:
    """Return the files named, and those of the folders named that end like pictures, sorted; each once.

    Raises
    ------
    UserError
        If there is no such file or folder, or no picture in a folder.
    """
    found: dict[Path, Path] = {}
    for path in given:
        if not path.exists():
            beside = path.parent.iterdir() if path.parent.is_dir() else ()
            hint = nearest_hint(path.name, [other.name for other in beside])
            raise UserError(f"{path}: no such picture or folder{hint}")
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        files = [p for p in inside if p == path or (p.suffix.lower() in PICTURE_SUFFIXES and p.name[0] != ".")]
        if not files:
            raise UserError(f"{path}: a folder without pictures ({', '.join(PICTURE_SUFFIXES)})")
        found |= {file.resolve(): file for file in files if file.resolve() not in found}
    return list(found.values())


def unique_names(paths: list[Path]) -> list[str]:
    """Return a name for the output of each file: the stem, where several have it also suffix, folder or a number.

    >>> unique_names([Path("a/x.jpg"), Path("a/x.png"), Path("b/x.png"), Path("b/y.png")])
    ['x_jpg', 'a_x_png', 'b_x_png', 'y']
    """
    spellings = [
        [p.stem for p in paths],
        [f"{p.stem}_{p.suffix[1:]}" for p in paths],
        [f"{p.resolve().parent.name}_{p.stem}_{p.suffix[1:]}" for p in paths],
        [f"{p.resolve().parent.name}_{p.stem}_{p.suffix[1:]}_{i}" for i, p in enumerate(paths, start=1)],
    ]
    names = spellings[0]
    for longer in spellings[1:]:
        # Upper and lower case are one file on some systems.
        taken = [name.casefold() for name in names]
        names = [n if taken.count(n.casefold()) == 1 else more for n, more in zip(names, longer, strict=True)]
    return names


def read_picture(path: Path) -> Picture:
    """Read a picture file, upright.

    Raises
    ------
    UserError
        If it is damaged, no picture, or its pixels are neither grey nor RGB, such as CMYK.
    """
    return as_picture(read_pixels(path, upright=True), str(path))


def as_picture(array: object, name: str = "image") -> Picture:
    """Return any picture-like array as (H, W, 3) RGB uint8.

    Parameters
    ----------
    array : (H, W) or (H, W, 1 to 4) array
        Grey, grey with alpha, RGB or RGBA; uint8, uint16, bool, or float in [0, 1].
    name : str
        What messages call it.

    Returns
    -------
    Picture
        Transparent pixels lie on white, 16 bits and floats are rounded to 8.

    Raises
    ------
    UserError
        If its shape, type or range is of none of these.

    Examples
    --------
    >>> as_picture(np.array([[0.0, 0.5, 1.0]])).pixels[0, :, 0]
    array([  0, 128, 255], dtype=uint8)
    """
    pixels = np.asarray(array)
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4) or pixels.size == 0:
        first = pixels.ndim == 3 and pixels.shape[0] in (1, 2, 3, 4)
        hint = " (channels first? transpose it)" if first else ""
        raise UserError(f"{name}: shape {np.shape(array)}, expected (H, W), (H, W, 3) or (H, W, 4){hint}")
    eight, said = _eight_bits(pixels, name)
    if eight.shape[2] in (2, 4):
        eight, clear = _on_white(eight)
        said += ("transparent pixels put on white",) if clear else ()
    if eight.shape[2] == 1:
        eight = np.repeat(eight, 3, axis=2)
    return Picture(np.ascontiguousarray(eight), said)


def _eight_bits(pixels: NDArray, name: str) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    if pixels.dtype == np.uint8:
        return pixels, ()
    if pixels.dtype == bool:
        return pixels * np.uint8(255), ()
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8), ("16 bits rounded to 8",)
    if pixels.dtype.kind == "f":
        low, high = pixels.min(), pixels.max()
        if not (low >= 0 and high <= 1):  # also of NaN
            hint = " (8-bit values? as uint8)" if 1 < high <= 255 and low >= 0 else ""
            raise UserError(f"{name}: values from {low:.6g} to {high:.6g}, expected floats in [0, 1]{hint}")
        return np.rint(pixels * 255).astype(np.uint8), ()
    raise UserError(f"{name}: {pixels.dtype} pixels, expected uint8, uint16, bool or float in [0, 1]")


def _on_white(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """Return (H, W, C) colours with a last channel of alpha on white, without it, and whether any was not opaque."""
    colours, alpha = pixels[:, :, :-1], pixels[:, :, -1:]
    if alpha.min() == 255:
        return colours, False
    blended = (colours.astype(np.uint16) * alpha + np.uint16(255) * (255 - alpha.astype(np.uint16)) + 127) // 255
    return blended.astype(np.uint8), True

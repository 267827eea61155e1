"""Reading and writing single files: images, arrays, atomic writes, hashes.

Every reader turns a damaged or foreign file into a `UserError` that names it; no reader unpickles.
"""

import hashlib
import io
import json
import math
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import UserError

# No sweep of a photograph comes near; a small file that unpacks to more is an accident or an attack.
LARGEST_ARCHIVE = 2_000_000_000
LARGEST_PIXELS = 178_956_970  # of one image; Pillow's own limit
# For others, Pillow may start programs: Ghostscript for what looks like EPS.
IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "PPM", "TIFF", "GIF", "WEBP")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".tif", ".tiff")


def files_by_id(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Return the files of a folder with one of the suffixes, in either case, by name without suffix.

    Raises
    ------
    UserError
        If two files carry one id.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith("."):
            if path.stem in found:
                raise UserError(f"{path}: same id as {found[path.stem].name}; keep one of them")
            found[path.stem] = path
    return found


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
            raise UserError(f"{path}: transparent pixels or CMYK, expected opaque RGB (convert it first)")
        pixels = pixels[:, :, :3]
    return np.ascontiguousarray(pixels)


def read_pixels(path: Path) -> NDArray:
    """Return the stored pixels of an image file: (H, W) or (H, W, C), uint8 or uint16."""
    import imageio.v3 as iio
    from PIL import Image

    try:
        data = path.read_bytes()
        Image.open(io.BytesIO(data), formats=IMAGE_FORMATS).close()
        pixels = np.asarray(iio.imread(io.BytesIO(data), index=0, plugin="pillow"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except Exception as error:
        raise UserError(
            f"{path}: cannot be read as an image ({_reason(error)}); truncated or another format?"
        ) from None
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype == np.int32 and pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= 65535:
        pixels = pixels.astype(np.uint16)  # how some decoders hand out 16-bit grey
    if pixels.ndim not in (2, 3) or pixels.size == 0 or pixels.dtype not in (np.uint8, np.uint16):
        raise UserError(f"{path}: pixels of shape {pixels.shape} and type {pixels.dtype}, expected 8- or 16-bit")
    return pixels


def read_grey(path: Path) -> NDArray:
    """Return the (H, W) pixels of a grey image file; equal colour channels count as grey, alpha is dropped."""
    pixels = read_pixels(path)
    if pixels.ndim == 2:
        return pixels
    colours = pixels[..., : 1 if pixels.shape[2] == 2 else 3]
    if not all(np.array_equal(colours[..., 0], colours[..., c]) for c in range(1, colours.shape[2])):
        raise UserError(f"{path}: a colour image, expected a grey contour map (a visualisation?)")
    return colours[..., 0]


def read_npy(path: Path) -> NDArray:
    """Return the array of a ``.npy`` file; one that would need unpickling is refused."""
    data = path.read_bytes()
    if not data.startswith(b"\x93NUMPY"):
        raise UserError(f"{path}: not a npy file (another format under this name?)")
    try:
        _require_whole(data)
        return np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:
        if "pickle" in str(error).lower():
            raise UserError(
                f"{path}: holds Python objects, which would need unpickling (unsafe, refused); save a plain array"
            ) from None
        raise UserError(f"{path}: cannot be read as npy ({_reason(error)}); truncated?") from None


def _require_whole(data: bytes) -> None:
    """Raise ``ValueError`` if an npy header promises more than the file holds, before memory is taken for it."""
    stream = io.BytesIO(data)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    reader = read_header.get(np.lib.format.read_magic(stream))
    if reader is not None:
        shape, _, dtype = reader(stream)
        if not dtype.hasobject and math.prod(shape) * dtype.itemsize > len(data):
            raise ValueError(f"header of {shape} {dtype}, but only {len(data)} bytes")


def read_npz(path: Path) -> dict[str, NDArray]:
    """Return the arrays of a ``.npz`` file; one that would need unpickling is refused."""
    data = path.read_bytes()
    try:
        unpacked = sum(member.file_size for member in zipfile.ZipFile(io.BytesIO(data)).infolist())
        if unpacked > LARGEST_ARCHIVE:
            raise UserError(
                f"{path}: {unpacked / 1e9:.1f} GB when unpacked, expected at most {LARGEST_ARCHIVE / 1e9:g}"
            )
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{path}: cannot be read as npz ({_reason(error)}); truncated or another format?") from None
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise UserError(f"{path}: cannot be read as npz (members that are no arrays); another format?")
    return arrays


def read_mat(path: Path) -> dict[str, NDArray]:
    """Return the arrays of a MATLAB file up to version 7 by name."""
    from .matlab import unpack_mat

    try:
        return unpack_mat(path.read_bytes(), LARGEST_ARCHIVE)
    except NotImplementedError:
        raise UserError(f"{path}: MATLAB v7.3 (HDF5) file; save it with save(..., '-v7')") from None
    except Exception as error:
        raise UserError(f"{path}: cannot be read as mat ({_reason(error)}); damaged?") from None


def scaled(array: NDArray, invert: bool = False) -> NDArray:
    """Return unsigned 8- and 16-bit values as float64 fractions of full scale, bool as 0 and 1, floats as they are.

    ``invert`` turns 1 into 0, in whole numbers where they are: 1 - 204/255 is not quite 51/255.
    """
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        full = np.iinfo(array.dtype).max
        return (full - array if invert else array) / full
    if array.dtype == bool:
        array = array.astype(np.float64)
    return 1 - array if invert and array.dtype.kind == "f" else array


def make_writable(folder: Path, name: str) -> None:
    """Make a folder if need be. Raises `UserError` under the given name if it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{name}: cannot be written to ({error.strerror}); expected a folder of yours") from None


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that it is at every moment either the old one or the new one, whole."""
    try:
        _replace(path, data)
    except OSError as error:  # of a folder, not of a temporary file: many images that fail alike are one line
        raise OSError(error.errno, f"cannot write ({error.strerror})", str(path.parent)) from None


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Write a JSON file atomically."""
    write_text(path, json_text(value, indent))


def json_text(value: Any, indent: int | None = 2) -> str:
    """Return a value as the text of a JSON file."""
    return json.dumps(value, indent=indent, allow_nan=False) + "\n"


def write_npy(path: Path, array: NDArray) -> None:
    """Write a ``.npy`` file atomically."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def write_npz(path: Path, arrays: dict[str, NDArray]) -> None:
    """Write a compressed ``.npz`` file atomically; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def write_mat(path: Path, variables: dict[str, NDArray]) -> None:
    """Write a MATLAB file (version 5, compressed) atomically."""
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(buffer, variables, do_compression=True)
    write_bytes(path, buffer.getvalue())


def write_png(path: Path, pixels: NDArray) -> None:
    """Write a png file of 8 or 16 bits atomically."""
    import imageio.v3 as iio

    write_bytes(path, iio.imwrite("<bytes>", pixels, extension=".png"))


def digest(*parts: NDArray | str | bytes) -> str:
    """Return the SHA-256 of arrays (values, shape and type), strings and bytes, in order."""
    state = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            state.update(f"{part.dtype.str}{part.shape}".encode())
            state.update(np.ascontiguousarray(part).tobytes())
        else:
            state.update(part.encode() if isinstance(part, str) else part)
        state.update(b"\0")
    return state.hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _reason(error: Exception) -> str:
    """First line of an error, short."""
    if isinstance(error, zipfile.BadZipFile | EOFError):
        return "unexpected end of file"
    return (str(error) or type(error).__name__).splitlines()[0][:120]

"""Arrays in npy, npz and MATLAB files.

A damaged or foreign file becomes a `UserError` that names it; nothing is unpickled.
"""

import io
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, first_line
from .atomic import write_bytes

if TYPE_CHECKING:
    from scipy.sparse import csc_array

# No sweep of a photograph comes near; a small file that unpacks to more is an accident or an attack.
LARGEST_ARCHIVE = 2_000_000_000
LARGEST_PIXELS = 178_956_970  # of one image; beyond it Pillow refuses


def read_npy(path: Path) -> NDArray:
    """Return the array of a ``.npy`` file; one that would need unpickling is refused."""
    data = path.read_bytes()
    if not data:
        raise UserError(f"{path}: empty file")
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
        raise UserError(f"{path}: cannot be read as npy ({first_line(error)}); truncated?") from None


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
        raise UserError(f"{path}: cannot be read as npz ({first_line(error)}); truncated or another format?") from None
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise UserError(f"{path}: cannot be read as npz (members that are no arrays); another format?")
    return arrays


def read_mat(path: Path) -> "dict[str, NDArray | csc_array]":
    """Return the arrays of a MATLAB file by name; those of version 7.3, which is HDF5, need h5py."""
    from .matlab import unpack_mat

    data = path.read_bytes()
    if not data:
        raise UserError(f"{path}: empty file")
    try:
        return unpack_mat(data, LARGEST_ARCHIVE)
    except NotImplementedError:
        return _read_mat73(path, data)
    except Exception as error:
        raise UserError(f"{path}: cannot be read as mat ({first_line(error)}); damaged?") from None


def _read_mat73(path: Path, data: bytes) -> "dict[str, NDArray | csc_array]":
    from .matlab73 import unpack_mat73

    try:
        return unpack_mat73(data, LARGEST_ARCHIVE)
    except ModuleNotFoundError:
        raise UserError(
            f"{path}: MATLAB v7.3 (HDF5) file; pip install 'contourbench[hdf5]' to read it, or save it with"
            " save(..., '-v7')"
        ) from None
    except Exception as error:
        raise UserError(f"{path}: cannot be read as mat v7.3 ({first_line(error)}); damaged?") from None


def dense(array: "NDArray | csc_array", path: Path) -> NDArray:
    """Return a MATLAB array as a plain one; a sparse one that stands for more pixels than an image has is refused."""
    if isinstance(array, np.ndarray):
        return array
    if math.prod(array.shape) > LARGEST_PIXELS:
        raise UserError(f"{path}: a sparse array of {array.shape}, expected the size of an image")
    return array.toarray()


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

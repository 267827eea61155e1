"""Reading MATLAB files of version 7.3, which are HDF5, by h5py.

Gives what `matlab.unpack_mat` gives of older ones. HDF5's own library reads the file: what it does with a hostile one
is not in our hands, but no array is read that is larger than the limit.
"""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .matlab import DEEPEST, MOST_ARRAYS, NOTHING

if TYPE_CHECKING:
    import h5py
    from scipy.sparse import csc_array

UNREAD = ("char", "function_handle", "table", "string", "categorical")


def unpack_mat73(data: bytes, largest: int) -> "dict[str, NDArray | csc_array]":
    """Return the variables of a MATLAB 7.3 file by name.

    Parameters
    ----------
    data : bytes
        The whole file.
    largest : int
        How many bytes its arrays may come to.

    Returns
    -------
    dict of str to ndarray or csc_array
        As of `matlab.unpack_mat`.

    Raises
    ------
    ModuleNotFoundError
        If h5py is not installed.
    ValueError, OSError, KeyError, RuntimeError
        If the file is damaged, comes to more, or is nested too deeply.
    """
    import h5py

    with h5py.File(io.BytesIO(data), "r") as file:
        reader = _Reader(file, largest)
        return {name: reader.value(item, 1) for name, item in file.items() if not name.startswith("#")}


class _Reader:
    """Follows groups and references until what it may take is used up."""

    def __init__(self, file: "h5py.File", largest: int) -> None:
        self.file, self.bytes_left, self.arrays_left = file, largest, MOST_ARRAYS

    def value(self, item: "h5py.Dataset | h5py.Group", depth: int) -> Any:
        """Return an array, a cell or a structure."""
        import h5py

        if depth > DEEPEST:
            raise ValueError(f"cells within cells, more than {DEEPEST} deep")
        self.arrays_left -= 1
        if self.arrays_left < 0:
            raise ValueError(f"more than {MOST_ARRAYS} arrays")
        kind = bytes(item.attrs.get("MATLAB_class", b"")).decode("latin-1")
        if isinstance(item, h5py.Group):
            return self._sparse(item, kind) if "MATLAB_sparse" in item.attrs else self._structure(item, depth)
        if kind in UNREAD:
            return NOTHING
        if "MATLAB_empty" in item.attrs:
            return np.empty((0, 0))
        values = self._array(item)
        if values.dtype == h5py.ref_dtype:
            return self._followed(values, depth).T
        return (values.astype(bool) if kind == "logical" else values).T  # MATLAB's first axis comes last

    def _array(self, item: "h5py.Dataset") -> NDArray:
        self.bytes_left -= item.size * max(item.dtype.itemsize, 1)
        if self.bytes_left < 0:
            raise ValueError("larger than its limit when unpacked")
        return np.asarray(item[()])

    def _followed(self, references: NDArray, depth: int) -> NDArray:
        cells = np.empty(references.shape, object)
        for i, reference in np.ndenumerate(references):
            cells[i] = self.value(self.file[reference], depth + 1)
        return cells

    def _structure(self, group: "h5py.Group", depth: int) -> NDArray:
        """Return a structure of one element; of an array of structures, each field holds a cell."""
        found = np.empty((1, 1), [(name, object) for name in group])
        for name, item in group.items():
            found[0, 0][name] = self.value(item, depth + 1)
        return found

    def _sparse(self, group: "h5py.Group", kind: str) -> "csc_array":
        from scipy.sparse import csc_array

        columns = self._array(group["jc"])
        rows = self._array(group["ir"]) if "ir" in group else np.empty(0, np.int64)
        values = self._array(group["data"]) if "data" in group else np.empty(0)
        shape = int(group.attrs["MATLAB_sparse"]), len(columns) - 1
        found = csc_array((values.astype(bool if kind == "logical" else float), rows, columns), shape=shape)
        found.check_format(full_check=True)
        return found

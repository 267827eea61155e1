"""Reading MATLAB files up to version 7, also hostile ones.

scipy's reader of level 5 believes what a file says of itself: it takes the memory that a few bytes promise, inflates
whatever was deflated, follows cells within cells until the stack is full, and looks up types of elements beyond the end
of a table. This one reads what data sets and predictions consist of – numbers, cells, structures – and takes memory
only for what is there, up to a limit. After MathWorks, "MAT-File Format", level 5.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csc_array

HEADER_BYTES = 128
DEEPEST = 16  # groundTruth is a cell of structures of arrays: 3
MOST_ARRAYS = 100_000
# Types of elements with the kinds of numbers they hold, and classes of arrays.
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
MATRIX, COMPRESSED = 14, 15
NUMBERS = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
CELL, STRUCTURE, OBJECT, SPARSE = 1, 2, 3, 5
COMPLEX, LOGICAL = 0x0800, 0x0200
NOTHING = np.empty((0, 0), object)

Element = tuple[int, memoryview]


def unpack_mat(data: bytes, largest: int) -> "dict[str, NDArray | csc_array]":
    """Return the variables of a MATLAB file by name.

    Parameters
    ----------
    data : bytes
        The whole file.
    largest : int
        How many bytes it may come to when unpacked.

    Returns
    -------
    dict of str to ndarray or csc_array
        Numbers in the type they have in MATLAB, cells as object arrays, structures as arrays with fields; sparse arrays
        stay sparse. Of a text, a function and the like there is nothing but the name, with an empty object array.

    Raises
    ------
    ValueError
        If the file is damaged, comes to more, or is nested too deeply.
    NotImplementedError
        If it is of version 7.3, which is HDF5.
    """
    if 0 in data[:4]:
        return _version_4(data)
    if len(data) < HEADER_BYTES:
        raise ValueError("unexpected end of file")
    order = "<" if data[126:128] == b"IM" else ">"
    if data[125 if order == "<" else 124] == 2:
        raise NotImplementedError
    return dict(_Reader(order, largest).variables(memoryview(data)[HEADER_BYTES:]))


def _version_4(data: bytes) -> dict[str, NDArray]:
    """Read a file without deflation, cells and structures, of which scipy makes no more than its bytes."""
    from scipy.io import loadmat

    variables = loadmat(io.BytesIO(data), mat_dtype=True)
    return {name: value for name, value in variables.items() if isinstance(value, np.ndarray)}


class _Reader:
    """Reads level 5 in one byte order, until what it may take is used up."""

    def __init__(self, order: str, largest: int) -> None:
        self.order, self.largest = order, largest
        self.bytes_left, self.arrays_left = largest, MOST_ARRAYS

    def variables(self, data: memoryview) -> Iterator[tuple[str, Any]]:
        """Yield name and value of each variable in a file."""
        for kind, content in self._elements(data):
            if kind == COMPRESSED:
                inflater = zlib.decompressobj()
                inflated = inflater.decompress(content, self.bytes_left + 1)
                self._take(len(inflated))
                if not inflater.eof:
                    raise ValueError("unexpected end of deflated data")
                ((kind, content),) = islice(self._elements(memoryview(inflated)), 2)
            if kind != MATRIX:
                raise ValueError(f"an element of type {kind}, expected a variable")
            name, value = self._array(content, 1)
            if name:  # a nameless one belongs to functions
                yield name, value

    def _elements(self, data: memoryview) -> Iterator[Element]:
        """Yield type and content of each element; those of four bytes and less stand in their own header."""
        position = 0
        while position < len(data):
            if len(data) - position < 8:
                raise ValueError("unexpected end of file")
            kind, size = struct.unpack_from(self.order + "II", data, position)
            if kind >> 16:
                kind, size, start, end = kind & 0xFFFF, kind >> 16, position + 4, position + 8
            else:
                start = position + 8
                end = start + size + (0 if kind in (MATRIX, COMPRESSED) else -size % 8)
            if start + size > min(end, len(data)):
                raise ValueError("unexpected end of file")
            yield kind, data[start : start + size]
            position = end

    def _array(self, content: memoryview, depth: int) -> tuple[str, Any]:
        """Return name and value of an array, which is empty if it is of a class that we do not read."""
        if depth > DEEPEST:
            raise ValueError(f"cells within cells, more than {DEEPEST} deep")
        self._take(0, arrays=1)
        if not content:
            return "", np.empty((0, 0))
        elements = list(islice(self._elements(content), self.arrays_left + 6))
        if len(elements) < 3 or len(elements[0][1]) != 8:
            raise ValueError("a variable without header")
        flags, _ = self._numbers(elements[0]).tolist()
        kind = flags & 0xFF
        if kind in NUMBERS or kind in (CELL, STRUCTURE, OBJECT, SPARSE):
            shape, name, rest = self._numbers(elements[1]).tolist(), _text(elements[2]), elements[3:]
            if len(shape) < 2 or len(shape) > 32 or min(shape) < 0:
                raise ValueError(f"dimensions {shape}")
        if kind in NUMBERS:
            return name, self._number_array(flags, NUMBERS[kind], rest).reshape(shape, order="F")
        if kind == SPARSE:
            return name, self._sparse(flags, shape, rest)
        if kind == CELL:
            return name, self._filled(np.empty(len(rest), object), rest, depth).reshape(shape, order="F")
        if kind in (STRUCTURE, OBJECT):
            return name, self._structure(shape, rest[kind - STRUCTURE :], depth)
        return _text(elements[2]), NOTHING

    def _number_array(self, flags: int, kind: str, parts: list[Element]) -> NDArray:
        if len(parts) != (2 if flags & COMPLEX else 1):
            raise ValueError("a variable without values")
        values = [self._numbers(part) for part in parts]
        kind = "c16" if flags & COMPLEX else "?" if flags & LOGICAL else kind
        self._take(len(values[0]) * np.dtype(kind).itemsize)
        if len(values) == 2:
            return values[0] + 1j * values[1]
        with np.errstate(invalid="ignore"):  # NaN, where whole numbers were stored as fractions
            return values[0].astype(kind)

    def _sparse(self, flags: int, shape: list[int], parts: list[Element]) -> "csc_array":
        """Return a sparse array as it is: a few bytes may stand for a large one."""
        from scipy.sparse import csc_array

        if len(parts) != 3 or len(shape) != 2:
            raise ValueError("a sparse array without rows, columns and real values")
        rows, columns, values = (self._numbers(part) for part in parts)
        held = int(columns[-1]) if len(columns) else 0
        self._take(len(rows) * 16)
        found = csc_array((values[:held].astype("?" if flags & LOGICAL else "f8"), rows[:held], columns), shape=shape)
        found.check_format(full_check=True)
        return found

    def _structure(self, shape: list[int], elements: list[Element], depth: int) -> NDArray:
        if len(elements) < 2 or (width := int(self._numbers(elements[0])[0])) < 1:
            raise ValueError("a structure without names of fields")
        names = bytes(elements[1][1])
        fields = [_text((0, names[i : i + width])) for i in range(0, len(names) - width + 1, width)]
        if not fields:
            return NOTHING
        found = np.empty((len(elements) - 2) // len(fields), [(name, object) for name in fields])
        values = self._filled(np.empty(len(elements) - 2, object), elements[2:], depth).reshape(len(found), len(fields))
        for i, name in enumerate(fields):
            found[name] = values[:, i]
        return found.reshape(shape, order="F")

    def _filled(self, cells: NDArray, elements: list[Element], depth: int) -> NDArray:
        for i, (kind, content) in enumerate(elements):
            if kind != MATRIX:
                raise ValueError("a cell without array")
            cells[i] = self._array(content, depth + 1)[1]
        return cells

    def _numbers(self, element: Element) -> NDArray:
        kind, content = element
        if kind not in STORED:
            raise ValueError(f"values of type {kind}")
        return np.frombuffer(content, self.order + STORED[kind])

    def _take(self, size: int, arrays: int = 0) -> None:
        self.bytes_left -= size
        self.arrays_left -= arrays
        if self.bytes_left < 0:
            raise ValueError(f"more than {self.largest / 1e9:g} GB when unpacked")
        if self.arrays_left < 0:
            raise ValueError(f"more than {MOST_ARRAYS} arrays")


def _text(element: tuple[int, bytes | memoryview]) -> str:
    return bytes(element[1]).partition(b"\0")[0].decode("latin-1")

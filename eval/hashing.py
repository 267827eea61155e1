"""Fingerprints of arrays: what a stored result was made from."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def digest(*parts: NDArray[Any] | str | bytes) -> str:
    """Return the SHA-256 of arrays (values, shape and type), strings and bytes, in order.

    Examples
    --------
    >>> import numpy as np
    >>> digest(np.zeros(3)) == digest(np.zeros(3)), digest(np.zeros(3)) == digest(np.zeros((3, 1)))
    (True, False)
    """
    state = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            state.update(f"{part.dtype.str}{part.shape}".encode())
            state.update(np.ascontiguousarray(part).tobytes())
        else:
            state.update(part.encode() if isinstance(part, str) else part)
        state.update(b"\0")
    return state.hexdigest()

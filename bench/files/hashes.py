"""SHA-256 of arrays and of files."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


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

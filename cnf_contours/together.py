"""The named settings of `detect` for many images at once, for a GPU: `batched` by the parameters of `detect.cnf`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .batched import detect_batch
from .config import CnfConfig
from .fitting import Progress

Maps = list[NDArray[np.float32]]


def cnf_batch(
    images: Sequence[ArrayLike], device: str = "auto", progress: Progress | None = None, **settings: Any
) -> Maps:
    """Return the maps of `detect.cnf` with these settings; how close they are, says `batched.detect_batch`."""
    return detect_batch(images, CnfConfig(**settings), device, len(images), progress)


def cnf_thesis_batch(
    images: Sequence[ArrayLike], device: str = "auto", progress: Progress | None = None, **settings: Any
) -> Maps:
    """Return the maps of `detect.cnf_thesis`, as `cnf_batch`."""
    config = CnfConfig(source="features", readout="neighbour", octaves=0, **settings)
    return detect_batch(images, config, device, len(images), progress)


def cnf_fast_batch(
    images: Sequence[ArrayLike], device: str = "auto", progress: Progress | None = None, **settings: Any
) -> Maps:
    """Return the maps of `detect.cnf_fast`, as `cnf_batch`."""
    return detect_batch(images, CnfConfig(iterations=200, **settings), device, len(images), progress)

"""Where torch computes, and on how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def find_device(name: str) -> torch.device:
    """Return the torch device ``name``: ``auto`` is CUDA if there is one, else the CPU.

    Raises
    ------
    ValueError
        If there is no such device.

    Examples
    --------
    >>> find_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(name)
    except RuntimeError:
        place = torch.device("meta")
    if place.type not in ("cpu", "cuda"):
        raise ValueError(f"device: {name!r}, expected auto, cpu, cuda or cuda:N")
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device: {name!r}, but torch sees {torch.cuda.device_count()} CUDA devices here")
    return place


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread inside: sums are then always in the same order, and the result the same bit for bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

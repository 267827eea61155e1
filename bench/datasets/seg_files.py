"""BSDS300's ``.seg`` files: segmentations as runs of pixels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..files.arrays import LARGEST_PIXELS


def read_seg(path: Path) -> NDArray[np.int64]:
    """Return the (H, W) labels of a BSDS300 ``.seg`` file: a header, then runs as segment, row, first, last column."""
    header, _, data = path.read_text(encoding="utf-8", errors="replace").partition("\ndata\n")
    sizes = dict(line.split(None, 1) for line in header.splitlines() if len(line.split(None, 1)) == 2)
    try:
        height, width, runs = int(sizes["height"]), int(sizes["width"]), data.splitlines()
        if height * width > LARGEST_PIXELS:
            raise ValueError
        # Every row needs a run of its own, so that a few bytes cannot make a large array, whatever they promise.
        labels = np.full((min(height, len(runs)), width), -1, np.int64)
        for line in runs:
            segment, row, first, last = map(int, line.split())
            if min(segment, row, first) < 0 or last < first or last >= labels.shape[1]:
                raise ValueError
            labels[row, first : last + 1] = segment
    except (KeyError, ValueError, IndexError, OverflowError):
        raise UserError(f"{path}: not a segmentation of BSDS300's form, or damaged") from None
    if len(labels) < height or labels.size == 0 or labels.min() < 0:
        raise UserError(f"{path}: pixels without a segment; truncated?")
    return labels

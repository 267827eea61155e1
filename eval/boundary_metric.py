"""The benchmark as a metric that collects image after image, for validation loops.

A thin shell around `counting` and `metrics`: `BoundaryMetric.update` counts, `BoundaryMetric.compute` folds. Counts of
different images, processes and machines simply join, so the order of updates and merges cannot change a score.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .counting import BoundaryCounts, count_map
from .metrics import Summary, summarize
from .protocol import BoundaryProtocol
from .validation import require


class BoundaryMetric:
    """Collects counts over images and gives ODS, OIS, AP and R50.

    Parameters
    ----------
    protocol : BoundaryProtocol, optional
        The BSDS500 protocol if not given; ``BoundaryProtocol(thresholds=9)`` is enough to follow a training.

    Notes
    -----
    Instances pickle. To validate on several processes, `merge` what they send::

        for other in gathered:            # such as by torch.distributed.all_gather_object
            metric.merge(other)

    Examples
    --------
    >>> import numpy as np
    >>> metric = BoundaryMetric()
    >>> truth = np.eye(32, dtype=bool)
    >>> metric.update(0.9 * truth, truth)
    >>> metric.compute().ods
    Score(precision=1.0, recall=1.0, f=1.0)
    >>> metric
    <BoundaryMetric of 1 image: ODS 1.000, OIS 1.000>
    """

    def __init__(self, protocol: BoundaryProtocol | None = None) -> None:
        self.protocol = protocol or BoundaryProtocol()
        self._counts: list[BoundaryCounts] = []

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        if not self._counts:
            return "<BoundaryMetric of no images>"
        found, images = self.compute(), f"{len(self)} image" + "s" * (len(self) > 1)
        return f"<BoundaryMetric of {images}: ODS {found.ods.f:.3f}, OIS {found.ois.f:.3f}>"

    def update(self, contour_map: Any, ground_truth: Any) -> None:
        """Count one image or a batch.

        Parameters
        ----------
        contour_map : (H, W), (B, H, W) or (B, 1, H, W) float array or tensor in [0, 1]
            Strength of the contours (after the sigmoid). Tensors may be on any device and need not be detached.
        ground_truth : array or tensor of 0 and 1, or a sequence of them
            For one image (H, W), or (G, H, W) with a layer per annotator. For a batch one such entry per image, as a
            sequence or stacked along the first axis.

        Raises
        ------
        ValueError
            If shapes do not fit or values leave [0, 1]; nothing of the batch is counted then.
        """
        maps = _as_array(contour_map)
        if maps.ndim == 2:
            maps, truths = maps[np.newaxis], [_as_array(ground_truth)]
        else:
            maps = maps[:, 0] if maps.ndim == 4 and maps.shape[1] == 1 else maps
            require(maps.ndim == 3, f"contour_map: shape {maps.shape}, expected (H, W), (B, H, W) or (B, 1, H, W)")
            truths = _per_image(ground_truth)
            require(len(truths) == len(maps), f"ground_truth: {len(truths)} images, but contour_map has {len(maps)}")
        self._counts += [count_map(m, t, self.protocol) for m, t in zip(maps, truths, strict=True)]

    def compute(self) -> Summary:
        """Return the scores of all images so far. Raises ``ValueError`` if there are none."""
        return summarize(self._counts)

    def merge(self, other: "BoundaryMetric") -> Self:
        """Add the images of another metric, of the same protocol, to this one; return this one."""
        require(self.protocol == other.protocol, f"protocol: {other.protocol} cannot be merged into {self.protocol}")
        self._counts += other._counts
        return self

    def reset(self) -> None:
        """Forget all images."""
        self._counts = []


def _per_image(ground_truth: Any) -> list[NDArray[Any]]:
    if isinstance(ground_truth, list | tuple):
        return [_as_array(layers) for layers in ground_truth]
    stacked = _as_array(ground_truth)
    require(stacked.ndim in (3, 4), f"ground_truth: shape {stacked.shape}, expected (B, H, W) or (B, G, H, W)")
    return list(stacked)


def _as_array(values: Any) -> NDArray[Any]:
    """Return an array of what may be a torch tensor; torch itself is not needed for that."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if values.is_floating_point() else values  # NumPy has no bfloat16
        return values.numpy()
    return np.asarray(values)

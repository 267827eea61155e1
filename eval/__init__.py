"""The benchmark itself: pure functions on arrays, from contour maps and ground truth to scores.

`protocol` has the constants; `counting` turns a map into integer counts (`thinning`, `matching`, `assignment`,
`boundaries` are its steps); `metrics` folds counts into scores; `suppression` is non-maximum suppression;
`validation` has the input checks. No file is opened here and no detector is known.
"""

from .boundaries import label_boundaries
from .counting import BoundaryCounts, count_map, count_segmentations, pool
from .matching import correspond_pixels
from .metrics import Best, Curve, Score, Summary, best_point, pr_curve, summarize
from .protocol import BoundaryProtocol
from .suppression import suppress, suppress_preset
from .thinning import thin

__all__ = [
    "Best",
    "BoundaryCounts",
    "BoundaryProtocol",
    "Curve",
    "Score",
    "Summary",
    "best_point",
    "correspond_pixels",
    "count_map",
    "count_segmentations",
    "label_boundaries",
    "pool",
    "pr_curve",
    "summarize",
    "suppress",
    "suppress_preset",
    "thin",
]

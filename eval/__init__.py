"""The benchmark itself: pure functions on arrays, from contour maps and ground truth to scores.

`protocol` has the constants; `counting` turns a map into integer counts (`thinning`, `matching`, `assignment` and
`boundaries` are its steps); `metrics` folds counts into scores, `boundary_metric` does so while images come;
`suppression` is non-maximum suppression; `validation` has the input checks. No file is opened here.
"""

from .boundaries import label_boundaries
from .boundary_metric import BoundaryMetric
from .counting import BoundaryCounts, count_map, count_segmentations, pool
from .matching import correspond_pixels
from .metrics import Best, Curve, Score, Summary, best_point, pr_curve, summarize
from .protocol import BoundaryProtocol
from .suppression import suppress, suppress_preset
from .thinning import thin

__all__ = [
    "Best",
    "BoundaryCounts",
    "BoundaryMetric",
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

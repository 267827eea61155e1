"""The benchmark itself: pure functions on arrays, from contour maps and ground truth to scores.

`protocol` has the constants; `counting` turns a map into integer counts (`thinning`, `matching`, `assignment` and
`boundaries` are its steps); `metrics` folds counts into scores, `boundary_metric` does so while images come;
`suppression` is non-maximum suppression; `validation` has the input checks. `contour_map`, `sweeps` and `hierarchy` are
what methods return, each with its measures (`predictions`); `regions` compares regions with the annotators';
`uncertainty` has intervals and paired tests; `agreement` scores people against one another; `crispness` says how thin
soft maps are. No file is opened here.
"""

from .agreement import count_agreement
from .boundaries import label_boundaries
from .boundary_metric import BoundaryMetric
from .contour_map import ContourMap
from .counting import BoundaryCounts, count_map, count_segmentations, pool
from .crispness import average_crispness, crispness
from .hierarchy import Hierarchy
from .matching import correspond_pixels
from .metrics import (
    ApVariants,
    Best,
    Curve,
    Score,
    Summary,
    ap_variants,
    best_point,
    full_map_counts,
    pr_curve,
    summarize,
)
from .oriented import thin_oriented
from .predictions import Prediction, as_prediction, count
from .protocol import BoundaryProtocol
from .regions import RegionScores, RegionSummary, score_hierarchy, score_sweep, summarize_regions
from .suppression import suppress, suppress_preset
from .sweeps import Sweep, mean_boundaries
from .thinning import thin
from .uncertainty import Difference, Interval, bootstrap, compare

__all__ = [
    "ApVariants",
    "Best",
    "BoundaryCounts",
    "BoundaryMetric",
    "BoundaryProtocol",
    "ContourMap",
    "Curve",
    "Difference",
    "Hierarchy",
    "Interval",
    "Prediction",
    "RegionScores",
    "RegionSummary",
    "Score",
    "Summary",
    "Sweep",
    "ap_variants",
    "as_prediction",
    "average_crispness",
    "best_point",
    "bootstrap",
    "compare",
    "correspond_pixels",
    "count",
    "count_agreement",
    "count_map",
    "count_segmentations",
    "crispness",
    "full_map_counts",
    "label_boundaries",
    "mean_boundaries",
    "pool",
    "pr_curve",
    "score_hierarchy",
    "score_sweep",
    "summarize",
    "summarize_regions",
    "suppress",
    "suppress_preset",
    "thin",
    "thin_oriented",
]

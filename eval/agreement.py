"""How well people agree with one another: each annotator scored against the others, as if a detector.

A detector is scored against G annotators, a person only against the other G - 1: with fewer annotators to match, a
person's precision comes out lower than a detector's that drew the same. `count_agreement` therefore also counts against
every single other annotator (``single``), where nothing depends on how many there are. Each pair then stands there in
both directions, what is precision in one being recall in the other, so that the two agree.

Martin, Fowlkes & Malik, "Learning to detect natural image boundaries using local brightness, color, and texture cues",
PAMI 2004, section 4; the dot of human agreement in the field's figures is F = .803 at recall .7235, precision .9014.
"""

import numpy as np
from numpy.typing import ArrayLike

from .counting import BoundaryCounts, count_map, pool
from .protocol import BoundaryProtocol
from .validation import check_ground_truth, require


def count_agreement(
    ground_truth: ArrayLike, protocol: BoundaryProtocol | None = None, single: bool = False
) -> BoundaryCounts:
    """Count each annotator's contours against those of the others, and pool over annotators.

    Parameters
    ----------
    ground_truth : (G, H, W) bool array
        True contours, one layer per annotator, at least two.
    protocol : BoundaryProtocol, optional
        Tolerance and thinning; its thresholds are not used.
    single : bool
        Whether to count against every other annotator alone rather than against all others together.

    Returns
    -------
    BoundaryCounts
        One threshold, 0.5.

    Raises
    ------
    ValueError
        If there are fewer than two annotators.

    References
    ----------
    Martin, Fowlkes & Malik, "Learning to detect natural image boundaries using local brightness, color, and texture
    cues", PAMI 2004, section 4.

    Examples
    --------
    Three people draw one line; the third draws another besides:

    >>> import numpy as np
    >>> drawn = np.zeros((3, 20, 20), bool)
    >>> drawn[:, 5] = drawn[2, 15] = True
    >>> counts = count_agreement(drawn)
    >>> counts.cnt_p, counts.sum_p
    (array([60]), array([80]))
    """
    layers = check_ground_truth(ground_truth)
    require(len(layers) >= 2, f"ground_truth: {len(layers)} annotator, expected at least two to compare")
    protocol = protocol or BoundaryProtocol()
    protocol = BoundaryProtocol(1, protocol.max_dist, protocol.thin)
    found = []
    for g, drawn in enumerate(layers):
        others = np.delete(layers, g, axis=0)
        truths = [other[np.newaxis] for other in others] if single else [others]
        found += [count_map(drawn.astype(np.float32), truth, protocol) for truth in truths]
    return pool(found)

"""Classical contour detectors: functions from an (H, W, 3) RGB uint8 image to an (H, W) float32 map in [0, 1].

Region methods (`mean_shift`, `ncut`, `felzenszwalb`) return a sweep: one segmentation per setting of their parameters.
Their mean boundary is a soft map and another detector, under the name with ``_soft``.

Every map is on a fixed scale, never divided by the image's own maximum. Responses are measured against that to a
straight step from black to white; a detector whose responses to photographs stay well below it reaches 1 earlier, at a
constant (``FULL_RESPONSE``) chosen on the train split so that about one true pixel in a few hundred is found at the
highest threshold: scores at thresholds that next to nothing reaches are noise. One detector family per file.

Names that are a function and its module alike, such as `canny`, mean the function: ``from contourbench.baselines import
canny``. All are imported at once, so that no later import of a module can put itself in the function's place.
"""

from .canny import canny
from .felzenszwalb import felzenszwalb, felzenszwalb_soft
from .gradient import roberts, sobel
from .half_discs import half_disc
from .mean_shift import mean_shift, mean_shift_soft
from .ncut import ncut, ncut_gradient, ncut_soft
from .owt_ucm import owt_ucm
from .pmi import pmi, pmi_ucm
from .textons import textons

__all__ = [
    "canny",
    "felzenszwalb",
    "felzenszwalb_soft",
    "half_disc",
    "mean_shift",
    "mean_shift_soft",
    "ncut",
    "ncut_gradient",
    "ncut_soft",
    "owt_ucm",
    "pmi",
    "pmi_ucm",
    "roberts",
    "sobel",
    "textons",
]

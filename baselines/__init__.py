"""Classical contour detectors: functions from an (H, W, 3) RGB uint8 image to an (H, W) float32 map in [0, 1].

Every map is on a fixed scale, never divided by the image's own maximum: 1 is the response to a straight step from
black to white, and stronger responses are cut off there. One detector family per file.
"""

from .canny import canny
from .gradient import roberts, sobel

__all__ = ["canny", "roberts", "sobel"]

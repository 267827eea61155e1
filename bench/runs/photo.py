"""Contours and regions of one's own pictures: any picture, any size, no annotations."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ...baselines.owt_ucm import owt_ucm
from ...eval.hierarchy import Hierarchy
from ..errors import UserError, note
from ..files.pictures import Picture, as_picture, read_picture
from ..methods.names import Detector, parse_detector
from .calling import call_detector, require_soft
from .enlarging import enlarged, enlarged_hierarchy, enlarged_regions

# The longest side of the photographs of BSDS500, which the detectors' scales were tuned on.
SIDE, SMALLEST_SIDE = 481, 16
# Near it the regions of `consensus` cover those of people best.
THRESHOLD = 0.3


class Found(NamedTuple):
    """What a detector found in a picture.

    ``contours`` is the (H, W) float contour map at the picture's size; ``hierarchy`` the regions at the size that was
    worked on, if they were wanted; ``said`` what was done to the picture.
    """

    contours: NDArray[np.floating]
    hierarchy: Hierarchy | None
    said: tuple[str, ...]

    def regions(self, threshold: float) -> NDArray[np.int32]:
        """Return the (H, W) regions that contours of at least the threshold part, numbered from 0."""
        return enlarged_regions(self.hierarchy, threshold, self.contours.shape)

    def ucm(self) -> Hierarchy:
        """Return the hierarchy at the picture's size."""
        same = self.hierarchy.shape == self.contours.shape
        return self.hierarchy if same else enlarged_hierarchy(self.hierarchy, self.contours.shape)


def detect(
    image: object,
    detector: str = "consensus",
    regions: bool = False,
    threshold: float = THRESHOLD,
    side: int = SIDE,
) -> NDArray:
    """Find contours or regions in one picture.

    Parameters
    ----------
    image : str, Path or array
        A picture file, or (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA values: uint8, uint16, bool or float in [0, 1].
        What is transparent counts as white; a file is turned as the camera says.
    detector : str
        A name as on the command line, such as ``"canny(sigma=2)"`` or ``"my.module:function"``.
    regions : bool
        Whether to return regions in place of contours. Any detector encloses some: where it makes none, a watershed of
        its contours does.
    threshold : float in [0, 1]
        Strength of the contours that part regions: the lower, the more regions.
    side : int
        A picture whose longest side has more pixels than this is worked on at that size, which detectors are tuned to,
        and what is found is brought back to the picture's size.

    Returns
    -------
    (H, W) float array in [0, 1], or (H, W) int32 array with ``regions``
        Strength of the contours; or the number of each pixel's region, from 0.

    Raises
    ------
    UserError
        If the picture, the detector or a parameter is unusable.

    Examples
    --------
    >>> grey = np.zeros((24, 32))
    >>> grey[:, 16:] = 0.8
    >>> contours = detect(grey, "canny")
    >>> contours.shape, np.flatnonzero(contours[12]).tolist()
    ((24, 32), [16])
    >>> np.unique(detect(grey, "canny", regions=True, threshold=0.1)).tolist()
    [0, 1]
    """
    require_settings(threshold, side)
    parsed = parse_detector(detector)
    picture = read_picture(Path(image)) if isinstance(image, str | Path) else as_picture(image)
    with threadpool_limits(1):  # as the command: sums split over threads round differently
        found = detect_picture(picture, parsed, side, regions)
    for line in found.said:
        note(line)
    return found.regions(threshold) if regions else found.contours


def detect_picture(
    picture: Picture, detector: Detector, side: int = SIDE, regions: bool = False, notes: Path | None = None
) -> Found:
    """As `detect`, of a picture and a detector that have been read; ``notes`` is where it notes down iterations."""
    shape = picture.pixels.shape[:2]
    small, said = picture.pixels, picture.said
    if max(shape) > side:
        small = _reduced(picture.pixels, side)
        said += ("{1} x {0}, worked on at {3} x {2} (`side=`)".format(*shape, *small.shape),)
    made = call_detector(detector, small, "picture", notes=notes).prediction
    if detector.nms:
        require_soft(made, detector.raw_name, detector.nms)
        made = made.suppressed(detector.nms)
    hierarchy = None
    if regions:
        hierarchy = made if isinstance(made, Hierarchy) else owt_ucm(made.contour_map()[np.newaxis])
    return Found(enlarged(made, shape).contour_map(), hierarchy, said)


def require_settings(threshold: float, side: int) -> None:
    """Raise `UserError` if a parameter of `detect` is out of range."""
    if not 0 <= threshold <= 1:
        raise UserError("expected a strength from 0 to 1", parameter="threshold", value=threshold)
    if side < SMALLEST_SIDE:
        raise UserError(f"expected at least {SMALLEST_SIDE} pixels", parameter="side", value=side)


def _reduced(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return a picture whose longest side is ``side``: means over areas, that no edge rings."""
    from PIL import Image

    height, width = (max(1, round(n * side / max(pixels.shape[:2]))) for n in pixels.shape[:2])
    return np.array(Image.fromarray(pixels).resize((width, height), Image.Resampling.HAMMING))

"""A look at ground truth before scores are made of it: empty, thick or unreadable annotations."""

import logging
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...eval.hashing import digest
from ...eval.thinning import thin
from ..errors import UserError, argument, listing, told_briefly
from .base import Dataset

logger = logging.getLogger(__name__)

LOOKED_AT = 20  # images of a long data set
THICK = 1.5  # pixels; BSDS500's contours have 1
MEASURED = 8  # annotations whose thickness is enough to know


class TruthLook:
    """What was seen of the ground truth, image by image."""

    def __init__(self) -> None:
        self.annotations = 0
        self.empty: dict[str, int] = {}  # how many annotations, by image
        self.widths: list[float] = []

    def add(self, image_id: str, truth: NDArray[np.bool_]) -> None:
        """Look at the (G, H, W) contours of one image."""
        self.annotations += len(truth)
        drawn = truth.any(axis=(1, 2))
        if not drawn.all():
            self.empty[image_id] = int(np.count_nonzero(~drawn))
        if drawn.any() and len(self.widths) < MEASURED:
            self.widths.append(thickness(truth[np.argmax(drawn)]))

    @property
    def width(self) -> float:
        """Mean thickness of the contours in pixels; 0 if there are none."""
        return float(np.mean(self.widths)) if self.widths else 0.0

    @property
    def is_empty(self) -> bool:
        """Whether there are annotations, and no contour in any."""
        return self.annotations > 0 and sum(self.empty.values()) == self.annotations

    def remarks(self) -> list[str]:
        """Return what a user should know."""
        said = []
        if self.empty:
            count = f"{sum(self.empty.values())} of {self.annotations} annotations are empty ({listing([*self.empty])})"
            said.append(f"{count}: whatever is predicted there is a false alarm")
        if self.width > THICK:
            said.append(
                f"contours are {self.width:.1f} px thick, expected 1: predictions are thinned and the truth is not, so"
                f" that most of it can't be matched; thin it, or, of areas, {argument('truth', 'labels')} takes borders"
            )
        return said


class Contents(NamedTuple):
    """What `check_dataset` has found: a line, and what a user should know."""

    found: str
    remarks: list[str]


def thickness(mask: NDArray[np.bool_]) -> float:
    """Return the mean thickness in pixels of (H, W) contours: pixels before and after thinning.

    >>> bar = np.zeros((20, 60), bool)
    >>> bar[8:13] = True
    >>> round(thickness(bar))
    5
    """
    return float(np.count_nonzero(mask) / max(np.count_nonzero(thin(mask)), 1))


def check_dataset(dataset: Dataset) -> Contents:
    """Read all of a data set.

    Raises
    ------
    UserError
        Naming every file that cannot be used, or if there are no contours at all.
    """
    problems, look, hashes = [], TruthLook(), set()
    for image_id in dataset.ids:
        try:
            image, truth = dataset.pair(image_id)
        except UserError as error:
            problems.append(str(error))
            continue
        look.add(image_id, truth)
        hashes.add(digest(image))
    if problems:
        raise UserError(told_briefly(problems))
    require_contours(look, dataset)
    doubles = len(dataset.ids) - len(hashes)
    found = f"{dataset.name} {dataset.split}: {len(dataset.ids)} images, {look.annotations} annotations"
    found += f", contours {look.width:.1f} px thick" + (f"; {doubles} image(s) occur more than once" if doubles else "")
    return Contents(found, look.remarks())


def require_sound_truth(dataset: Dataset) -> None:
    """Look at the ground truth of some images, evenly spread, before the long run; what is odd is warned of.

    Raises
    ------
    UserError
        If none of it can be used, or there are no contours at all. One image's fault is told when it is its turn.
    """
    if dataset.is_sound:
        return
    chosen = [dataset.ids[i] for i in np.unique(np.linspace(0, len(dataset.ids) - 1, LOOKED_AT).astype(int))]
    look, faults = _look_at(dataset, chosen)
    if len(faults) == len(chosen):
        raise faults[0]
    if look.is_empty:
        look, _ = _look_at(dataset, list(dataset.ids))
    require_contours(look, dataset)
    warn(look, dataset)


def require_contours(look: TruthLook, dataset: Dataset) -> None:
    """Raise `UserError` if all that was seen of a data set's truth is empty."""
    if look.is_empty:
        raise UserError(
            f"{dataset.name} {dataset.split}: no contour in any of {look.annotations} annotations; expected white on"
            f" black, or, of label maps, {argument('truth', 'labels')}"
        )


def warn(look: TruthLook, dataset: Dataset) -> None:
    """Log what a user should know of the truth."""
    for remark in look.remarks():
        logger.warning(f"ground truth of {dataset.name} {dataset.split}: {remark}")


def _look_at(dataset: Dataset, ids: list[str]) -> tuple[TruthLook, list[UserError]]:
    look, faults = TruthLook(), []
    for image_id in ids:
        try:
            look.add(image_id, dataset.ground_truth(image_id))
        except UserError as error:
            faults.append(error)
    return look, faults

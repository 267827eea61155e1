"""What a data set is: a name, a split, sorted ids, and readers of images and ground truth."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from copy import copy
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...eval.validation import size_message
from ..errors import UserError, nearest_hint

SPLITS = ("train", "val", "test")


class Dataset(ABC):
    """One split of a data set; without splits it is always all of it.

    ``warnings`` are lines the user should see. ``is_sound`` says that the ground truth needs no look beforehand.
    """

    name: str
    split: str
    ids: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    has_splits = True
    is_sound = False

    @abstractmethod
    def image(self, image_id: str) -> NDArray[np.uint8]:
        """Return the (H, W, 3) RGB image."""

    @abstractmethod
    def ground_truth(self, image_id: str) -> NDArray[np.bool_]:
        """Return the (G, H, W) contours, one layer per annotator."""

    def segmentations(self, image_id: str) -> list[NDArray[np.integer]] | None:
        """Return the annotators' (H, W) label maps; None where they drew contours alone."""
        return None

    def pair(self, image_id: str) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return image and ground truth. Raises `UserError` if their sizes differ."""
        image, truth = self.image(image_id), self.ground_truth(image_id)
        if truth.shape[1:] != image.shape[:2]:
            raise UserError(size_message(f"ground truth of {image_id}", truth.shape[1:], "its image", image.shape[:2]))
        return image, truth

    def subset(self, ids: Iterable[str]) -> Self:
        """Return the data set with some of its images alone, in its own order.

        Raises
        ------
        UserError
            If it has no such image.
        """
        chosen = set(ids)
        unknown = sorted(chosen - set(self.ids))
        if unknown:
            raise UserError(
                f"{self.name} {self.split}: no image {unknown[0]}{nearest_hint(unknown[0], list(self.ids))}"
            )
        part = copy(self)
        part.ids = tuple(image_id for image_id in self.ids if image_id in chosen)
        return part

    def limit(self, count: int | None) -> Self:
        """Return the data set with its first ``count`` images alone; all of it for None."""
        if count is not None and count < 1:
            raise UserError("expected at least 1", parameter="limit", value=count)
        return self.subset(self.ids[:count])

    def shard(self, number: int, count: int) -> Self:
        """Return the data set with every ``count``-th image alone, from the ``number``-th on, counted from 1."""
        if number > len(self.ids):
            raise UserError(f"there are only {len(self.ids)} images", parameter="shard", value=f"{number}/{count}")
        return self.subset(self.ids[number - 1 :: count])

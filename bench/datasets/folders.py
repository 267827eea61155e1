"""Any folder with images and ground truth beside each other: which file is whose."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, argument, listing, nearest_hint
from ..files.folders import files_by_id
from ..files.images import IMAGE_SUFFIXES, read_image
from .base import Dataset
from .choice import ANNOTATED, chosen_ids
from .ground_truth import read_segmentations, read_truth
from .owners import truth_files

JPEG = (".jpg", ".jpeg")


class ImageFolder(Dataset):
    """Images and ground truth in two folders, paired by file name.

    Ground truth of image ``x`` is a file ``x.mat``, ``x.npy``, ``x.png`` and so on, or, for several annotators,
    ``x_1.png, x_2.png …``, a folder ``x/`` of files, or BSDS300's folders of ``x.seg``. Where both are in one folder,
    the images are its JPEG files.

    Parameters
    ----------
    name, split : str
        Of the data set.
    images, truths : Path
        The two folders; may be one.
    has_splits : bool
        Whether the split decided which folders these are.
    truth : {"contours", "labels"}, optional
        What the annotations are, where it is not clear; see `truth_values`.
    images_chosen : str, Path or sequence of str, optional
        As of `open_dataset`.

    Raises
    ------
    UserError
        If images and ground truth do not pair.
    """

    def __init__(
        self,
        name: str,
        split: str,
        images: Path,
        truths: Path,
        has_splits: bool = True,
        truth: str | None = None,
        images_chosen: str | Path | Sequence[str] | None = None,
    ) -> None:
        self.name, self.split, self.has_splits, self.truth = name, split, has_splits, truth
        suffixes = JPEG if images == truths else IMAGE_SUFFIXES
        self.images = files_by_id(images, suffixes)
        if not self.images:
            raise UserError(f"{images}: no images ({', '.join(suffixes)}) found")
        self.in_folder = frozenset(self.images)
        self.truths = truth_files(truths, self.in_folder)
        unknown = sorted(set(self.truths) - self.in_folder)
        if images_chosen is not None and images_chosen != ANNOTATED:
            self._choose(chosen_ids(images_chosen))
        lacking = sorted(set(self.images) - set(self.truths))
        if lacking:
            self._without_truth(lacking, truths, leave_out=images_chosen == ANNOTATED)
        if unknown:
            raise UserError(f"{images}: no image for {len(unknown)} id(s): {listing(unknown)}")
        self.ids = tuple(sorted(self.images))

    def _choose(self, ids: Sequence[str]) -> None:
        unknown = [image_id for image_id in ids if image_id not in self.images]
        if unknown:
            hint = nearest_hint(unknown[0], list(self.images))
            found = f"{len(unknown)} of {len(ids)} not in {self.name} {self.split}: {listing(unknown)}{hint}"
            raise UserError(found, parameter="images")
        self.images = {image_id: self.images[image_id] for image_id in ids}

    def _without_truth(self, ids: list[str], folder: Path, leave_out: bool) -> None:
        if not leave_out or len(ids) == len(self.images):
            pictures = [path for path in folder.iterdir() if path.stem in ids and path.suffix.lower() in JPEG]
            there = f" ({pictures[0].name} is there, but JPEG changes values: save png)" if pictures else ""
            advice = f"; {argument('images', ANNOTATED)} leaves them out" if len(ids) < len(self.images) else ""
            raise UserError(f"{folder}: no ground truth for {len(ids)} id(s): {listing(ids)}{there}{advice}")
        left_out = f"{folder}: no annotation of {len(ids)} of {len(self.images)} images; they are left out"
        self.warnings = (*self.warnings, left_out)
        self.images = {image_id: path for image_id, path in self.images.items() if image_id not in ids}

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """Return the (H, W, 3) RGB image."""
        return read_image(self.images[image_id])

    def ground_truth(self, image_id: str) -> NDArray[np.bool_]:
        """Return the (G, H, W) contours, one layer per annotator."""
        layers = [layer for path in self.truths[image_id] for layer in read_truth(path, self.truth)]
        if len({layer.shape for layer in layers}) > 1:
            raise UserError(f"{self.truths[image_id][0]}: annotators' maps differ in size")
        return np.stack(layers)

    def segmentations(self, image_id: str) -> list[NDArray[np.integer]] | None:
        """Return the annotators' (H, W) label maps, where the files hold regions or are said to; else None."""
        layers = [layer for path in self.truths[image_id] for layer in read_segmentations(path, self.truth)]
        return layers or None

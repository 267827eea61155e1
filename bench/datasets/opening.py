"""From what a user types to a data set: ``scenes``, a BSDS500 folder, or any folder of images and ground truth."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError, listing
from .base import Dataset
from .bsds500 import recognise
from .choice import ANNOTATED, chosen_ids
from .folders import ImageFolder
from .layouts import SHOWN_IMAGES, SHOWN_TRUTHS, find_layout, is_part_of_layout
from .multicue import MULTICUE_TRUTH, Multicue
from .truth_values import require_kind


def open_dataset(
    data: str | Path, split: str = "test", images: str | Path | Sequence[str] | None = None, truth: str | None = None
) -> Dataset:
    """Return the data set that ``data`` names.

    Parameters
    ----------
    data : str or Path
        ``scenes`` or a folder, laid out as BSDS500, one of the archives that ``data/README.md`` names, or as your own.
    split : str
        ``train``, ``val``, ``test`` or another sub-folder's name; for Multicue ``boundaries`` or ``edges``.
    images : str, Path or sequence of str, optional
        Of all images these alone: ids, or a file with an id on each line; or ``"annotated"``, which leaves out, with a
        warning, those without ground truth.
    truth : {"contours", "labels"}, optional
        What the annotations are, where their values do not say so: ``"labels"`` of segments, whose borders then are the
        contours, or ``"contours"`` from half of full scale up, of images with many levels.

    Returns
    -------
    Dataset
        Its ``ids`` in order, and readers of each one's (H, W, 3) uint8 RGB image and (G, H, W) bool contours, one layer
        per annotator. Nothing is read yet but the names of the files, and all of those that may be BSDS500's.

    Raises
    ------
    UserError
        If the folder is missing, empty or not laid out as expected, or there are no such images.

    Examples
    --------
    >>> scenes = open_dataset("scenes", split="val", images=["scene001", "scene007"])
    >>> scenes.ids
    ('scene001', 'scene007')
    >>> image, truth = scenes.pair("scene001")
    >>> image.shape, image.dtype, truth.shape, truth.dtype
    ((160, 240, 3), dtype('uint8'), (5, 160, 240), dtype('bool'))
    """
    require_kind(truth)
    if data == "scenes":
        from .scenes import Scenes

        scenes = Scenes(split)
        return scenes if images in (None, ANNOTATED) else scenes.subset(chosen_ids(images))
    root = Path(data)
    if not root.is_dir():
        what = "not a folder" if root.exists() else "no such folder"
        raise _unusable(data, f"{what}; expected 'scenes', a BSDS500 folder or a folder of images")
    if not any(root.iterdir()):
        raise _unusable(data, "the folder is empty")
    for inner in ("", "multicue"):
        if (root / inner / MULTICUE_TRUTH).is_dir() and (root / inner / "images").is_dir():
            return Multicue(root / inner, split, truth, images)
    return _open_folder(root, split, images, truth)


def _open_folder(root: Path, split: str, images: str | Path | Sequence[str] | None, truth: str | None) -> ImageFolder:
    found, truths = find_layout(root, split)
    if found is None or truths is None:
        lacking = f"images ({SHOWN_IMAGES})" if found is None else f"truth ({SHOWN_TRUTHS})"
        there = listing(sorted(p.name for p in root.iterdir()))
        above = f"; the folder above it, {root.resolve().parent}?" if is_part_of_layout(root.resolve()) else ""
        raise _unusable(root, f"no folder of {lacking} in it; found {there}{above}")
    has_splits = any(split in folder.relative_to(root).parts for folder in (found, truths))
    name = root.resolve().name
    name = f"folder {name}" if name.startswith("BSDS500") else name
    dataset = ImageFolder(name, split, found, truths, has_splits, truth, images)
    recognise(dataset)
    if truth and not dataset.is_sound:
        dataset.name += f" (truth={truth})"  # other scores than without: not to be mixed up
    return dataset


def _unusable(data: str | Path, message: str) -> UserError:
    return UserError(message, parameter="data", value=data)

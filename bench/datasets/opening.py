"""From what a user types to a data set: ``scenes``, a BSDS500 folder, or any folder of images and ground truth."""

from pathlib import Path

from ..errors import UserError, listing
from .base import Dataset
from .bsds500 import Bsds500, bsds500_root, official_ids
from .folders import IMAGE_FOLDERS, TRUTH_FOLDERS, ImageFolder, find_images_and_truth, require_split
from .multicue import MULTICUE_TRUTH, Multicue


def open_dataset(data: str, split: str = "test") -> Dataset:
    """Return the data set that ``data`` names.

    Parameters
    ----------
    data : str
        ``scenes`` or a folder, laid out as BSDS500, one of the archives that ``data/README.md`` names, or as your own.
    split : str
        ``train``, ``val``, ``test`` or another sub-folder's name; for Multicue ``boundaries`` or ``edges``.

    Returns
    -------
    Dataset
        Its ``ids`` in order, and readers of each one's (H, W, 3) uint8 RGB image and (G, H, W) bool contours, one layer
        per annotator. Nothing is read yet but the names of the files.

    Raises
    ------
    UserError
        If the folder is missing, empty or not laid out as expected.

    Examples
    --------
    >>> scenes = open_dataset("scenes", split="val")
    >>> len(scenes.ids), scenes.ids[0]
    (20, 'scene001')
    >>> image, truth = scenes.pair("scene001")
    >>> image.shape, image.dtype, truth.shape, truth.dtype
    ((160, 240, 3), dtype('uint8'), (5, 160, 240), dtype('bool'))
    """
    if data == "scenes":
        from .scenes import Scenes

        return Scenes(split)
    root = Path(data)
    if not root.is_dir():
        what = "not a folder" if root.exists() else "no such folder"
        raise _unusable(data, f"{what}; expected 'scenes', a BSDS500 folder or a folder of images")
    if not any(root.iterdir()):
        raise _unusable(data, "the folder is empty")
    bsds = bsds500_root(root)
    if bsds is not None and {path.stem for path in (bsds / "images" / split).glob("*.jpg")} & official_ids(split):
        require_split(bsds / "groundTruth", split, data)
        return Bsds500(bsds, split)
    for inner in ("", "multicue"):
        if (root / inner / MULTICUE_TRUTH).is_dir() and (root / inner / "images").is_dir():
            return Multicue(root / inner, split)
    images, truths = find_images_and_truth(bsds or root, split)
    if images is None or truths is None:
        lacking = f"images ({', '.join(IMAGE_FOLDERS)})" if images is None else f"truth ({', '.join(TRUTH_FOLDERS)})"
        found = listing(sorted(p.name for p in root.iterdir()))
        raise _unusable(data, f"no folder of {lacking} in it; found {found}")
    name = root.resolve().name
    has_splits = any(split in folder.relative_to(root).parts for folder in (images, truths))
    return ImageFolder(f"folder {name}" if name.startswith("BSDS500") else name, split, images, truths, has_splits)


def _unusable(data: str, message: str) -> UserError:
    return UserError(message, parameter="data", value=data)

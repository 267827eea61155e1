"""From what a user types to a data set: ``scenes``, a BSDS500 folder, or any folder of images and ground truth."""

from pathlib import Path

from ..errors import UserError, listing
from .base import Dataset
from .bsds500 import Bsds500, bsds500_root, official_ids
from .folders import IMAGE_FOLDERS, TRUTH_FOLDERS, ImageFolder, find_pair, require_split
from .multicue import MULTICUE_TRUTH, Multicue


def open_dataset(spec: str, split: str = "test") -> Dataset:
    """Return the data set that ``spec`` names.

    Parameters
    ----------
    spec : str
        ``scenes`` or a folder.
    split : str
        ``train``, ``val``, ``test`` or another sub-folder name; for Multicue ``boundaries`` or ``edges``.

    Returns
    -------
    Dataset

    Raises
    ------
    UserError
        If the folder is missing, empty or not laid out as expected.

    Examples
    --------
    >>> scenes = open_dataset("scenes")
    >>> len(scenes.ids), scenes.ids[0], scenes.image("scene001").shape
    (20, 'scene001', (160, 240, 3))
    """
    if spec == "scenes":
        from .scenes import Scenes

        return Scenes(split)
    root = Path(spec)
    if not root.is_dir():
        what = "not a folder" if root.exists() else "no such folder"
        raise UserError(f"--data {spec}: {what}; expected 'scenes', a BSDS500 folder or a folder of images")
    if not any(root.iterdir()):
        raise UserError(f"--data {spec}: the folder is empty")
    bsds = bsds500_root(root)
    if bsds is not None and {path.stem for path in (bsds / "images" / split).glob("*.jpg")} & official_ids(split):
        require_split(bsds / "groundTruth", split, spec)
        return Bsds500(bsds, split)
    for inner in ("", "multicue"):
        if (root / inner / MULTICUE_TRUTH).is_dir() and (root / inner / "images").is_dir():
            return Multicue(root / inner, split)
    images, truths = find_pair(bsds or root, split)
    if images is None or truths is None:
        lacking = f"images ({', '.join(IMAGE_FOLDERS)})" if images is None else f"truth ({', '.join(TRUTH_FOLDERS)})"
        found = listing(sorted(p.name for p in root.iterdir()))
        raise UserError(f"--data {spec}: no folder of {lacking} in it; found {found}")
    name = root.resolve().name
    has_splits = any(split in folder.relative_to(root).parts for folder in (images, truths))
    return ImageFolder(f"folder {name}" if name.startswith("BSDS500") else name, split, images, truths, has_splits)

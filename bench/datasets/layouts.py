"""Where the archives of known data sets, and people, put images and ground truth."""

from pathlib import Path
from typing import NamedTuple

from ..errors import UserError, listing
from ..files.images import IMAGE_SUFFIXES
from .base import SPLITS
from .ground_truth import TRUTH_SUFFIXES

# In lower case, without hyphens and underscores.
IMAGE_FOLDERS = ("images", "imgs", "image", "img", "jpegimages")
TRUTH_FOLDERS = (
    *("groundtruth", "gt", "edgemaps", "edges", "boundaries", "annotations", "labels", "csvgroundtruth"),
    *("human", "trainval", "cls", "inst"),
)
SHOWN_IMAGES, SHOWN_TRUTHS = "images, imgs, image, img, JPEGImages", "groundTruth, gt, edge_maps, annotations, labels …"
# Where the archives of BSDS500, BSDS300, BIPED and BIPEDv2 put what we look for.
INNER_FOLDERS = (
    *("", "data", "BSDS500", "BSDS500/data", "BSR/BSDS500/data", "BSDS300"),
    *("edges", "BIPED", "BIPED/edges", "BIPEDv2/BIPED/edges"),
)


class Layout(NamedTuple):
    """The two folders, each None if there is none."""

    images: Path | None
    truths: Path | None


def find_layout(root: Path, split: str) -> Layout:
    """Find the folders of images and truth in ``root``, in ``root/<split>``, where known archives have them, or in one.

    Raises
    ------
    UserError
        If there are folders for splits, but none for this one.
    """
    places = [place for inner in INNER_FOLDERS for place in (root / inner, root / inner / split) if place.is_dir()]
    best = Layout(None, None)
    for place in places:
        found = _in_place(place, split)
        if None not in found:
            return found
        best = best if any(best) else found
    together = next((place for place in (root, root / split) if _is_side_by_side(place)), None)
    return Layout(together, together) if together and not any(best) else best


def is_part_of_layout(folder: Path) -> bool:
    """Whether a folder has the name of one of images or of truth, so that the data set is the folder above."""
    return any(_plain(name) in IMAGE_FOLDERS + TRUTH_FOLDERS for name in (folder.name, folder.parent.name))


def _in_place(place: Path, split: str) -> Layout:
    images, truths = _find_folder(place, IMAGE_FOLDERS, split), _find_folder(place, TRUTH_FOLDERS, split)
    images = images and _innermost(images)
    ids = {path.stem for path in images.iterdir()} if images else set()
    return Layout(images, truths and _innermost(truths, ids))


def _find_folder(root: Path, names: tuple[str, ...], split: str) -> Path | None:
    """Find ``root/<name>[/<split>]``."""
    there = {_plain(path.name): path for path in sorted(root.iterdir(), reverse=True) if path.is_dir()}
    folder = next((there[name] for name in names if name in there), None)
    if folder is None:
        return None
    if (folder / split).is_dir():
        return folder / split
    if any((folder / known).is_dir() for known in SPLITS):
        require_split(folder, split, str(root))
    return folder


def _innermost(folder: Path, ids: set[str] | frozenset[str] = frozenset()) -> Path:
    """Step down while there is nothing but one sub-folder (BIPED's ``rgbr/``) that is not an image's own."""
    inside = list(folder.iterdir())
    lone = len(inside) == 1 and inside[0].is_dir() and inside[0].name not in ids
    return _innermost(inside[0], ids) if lone else folder


def _is_side_by_side(place: Path) -> bool:
    """Whether a folder has photographs and, under the same names, ground truth (CRACK500)."""
    if not place.is_dir():
        return False
    files = [path for path in place.iterdir() if path.is_file()]
    photographs = {path.stem for path in files if path.suffix.lower() in IMAGE_SUFFIXES[:2]}
    truths = {path.stem for path in files if path.suffix.lower() in TRUTH_SUFFIXES}
    return bool(photographs) and 2 * len(photographs & truths) >= len(photographs)


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def require_split(folder: Path, split: str, spec: str) -> None:
    """Raise `UserError` unless a folder has one for the split."""
    if not (folder / split).is_dir():
        known = sorted(p.name for p in folder.iterdir() if p.is_dir())
        there = f"no folder {split} in {folder}; {spec} has {listing(known) or 'no splits'}"
        raise UserError(there, parameter="split", value=split)

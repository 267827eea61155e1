"""Any folder with images and ground truth beside each other, in the layouts of known archives."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, listing
from ..files.folders import files_by_id
from ..files.images import IMAGE_SUFFIXES, read_image
from .base import SPLITS, Dataset
from .ground_truth import TRUTH_SUFFIXES, read_segmentations, read_truth

IMAGE_FOLDERS = ("images", "Images", "imgs", "image", "img", "JPEGImages")
TRUTH_FOLDERS = (
    *("groundTruth", "ground_truth", "ground-truth", "gt", "edge_maps", "edges", "boundaries", "annotations", "labels"),
    *("human", "trainval"),
)
# Where the archives of BSDS300, BIPED and BIPEDv2 put what we look for.
INNER_FOLDERS = ("", "BSDS300", "edges", "BIPED", "BIPED/edges", "BIPEDv2/BIPED/edges")


class ImageFolder(Dataset):
    """Images and ground truth in two folders, paired by file name.

    Ground truth of image ``x`` is ``x.mat`` (BSDS500's structure, one array of contours, or PASCAL-Context's
    ``LabelMap``), ``x.npy``, ``x.png``, or, for several annotators, ``x_1.png, x_2.png …``, a folder ``x/`` of png
    files, or BSDS300's folders of ``x.seg``. A png pixel is a contour from half of full scale up.
    """

    def __init__(self, name: str, split: str, images: Path, truths: Path, has_splits: bool = True) -> None:
        self.name, self.split, self.has_splits = name, split, has_splits
        self.images = files_by_id(images, IMAGE_SUFFIXES)
        self.truths = _truth_files(truths, set(self.images))
        if not self.images:
            raise UserError(f"{images}: no images ({', '.join(IMAGE_SUFFIXES)}) found")
        lacking, unknown = sorted(set(self.images) - set(self.truths)), sorted(set(self.truths) - set(self.images))
        if lacking:
            self._without_truth(lacking, truths)
        if unknown:
            raise UserError(f"{images}: no image for {len(unknown)} id(s): {listing(unknown)}")
        self.ids = tuple(sorted(self.images))

    def _without_truth(self, ids: list[str], folder: Path) -> None:
        raise UserError(f"{folder}: no ground truth for {len(ids)} id(s): {listing(ids)}")

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """Return the (H, W, 3) RGB image."""
        return read_image(self.images[image_id])

    def ground_truth(self, image_id: str) -> NDArray[np.bool_]:
        """Return the (G, H, W) contours, one layer per annotator."""
        layers = [layer for path in self.truths[image_id] for layer in read_truth(path)]
        if len({layer.shape for layer in layers}) > 1:
            raise UserError(f"{self.truths[image_id][0]}: annotators' maps differ in size")
        return np.stack(layers)

    def segmentations(self, image_id: str) -> list[NDArray[np.integer]] | None:
        """Return the annotators' (H, W) label maps, which BSDS500's ``.mat`` files hold; None for other files."""
        layers = [layer for path in self.truths[image_id] for layer in read_segmentations(path)]
        return layers or None


def find_images_and_truth(root: Path, split: str) -> tuple[Path | None, Path | None]:
    """Find the folders of images and truth in ``root``, in ``root/<split>``, or where known archives have them."""
    for inner in (root / name for name in INNER_FOLDERS):
        for place in (inner, inner / split):
            found = _find_folder(place, IMAGE_FOLDERS, split), _find_folder(place, TRUTH_FOLDERS, split)
            if None not in found:
                return found
    return _find_folder(root, IMAGE_FOLDERS, split), _find_folder(root, TRUTH_FOLDERS, split)


def _truth_files(folder: Path, ids: set[str]) -> dict[str, list[Path]]:
    """Group ground-truth files by image id; ``x_1.png`` belongs to image ``x`` unless there is an image ``x_1``."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.seg")):  # a folder per annotator, on colour and on grey images
        found.setdefault(path.stem, []).append(path)
    if found:
        return {image_id: layers for image_id, layers in found.items() if image_id in ids}  # the other split's, too
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            layers = sorted(p for p in path.iterdir() if p.suffix.lower() == ".png")
            if layers:
                found.setdefault(path.name, []).extend(layers)
        elif path.suffix.lower() in TRUTH_SUFFIXES and not path.name.startswith("."):
            found.setdefault(_owner(path.stem, ids), []).append(path)
    _require_unambiguous(found, ids)
    return found


def _owner(stem: str, ids: set[str]) -> str:
    return stem if stem in ids else _numbered(stem, ids) or stem


def _numbered(stem: str, ids: set[str]) -> str | None:
    """Return the image ``x`` of whose annotators ``x_1`` may be one; None if there is none."""
    numbered = re.fullmatch(r"(.+)[_.-]\w*?\d+", stem)
    return numbered[1] if numbered and numbered[1] in ids else None


def _require_unambiguous(found: dict[str, list[Path]], ids: set[str]) -> None:
    """Raise `UserError` where ``x_1.png`` may be of image ``x_1`` or of the first annotator of image ``x``.

    It is the image's own where ``x`` has its ``x.png`` and nothing else, or a folder.
    """
    for image_id in sorted(ids & set(found)):
        other, own = _numbered(image_id, ids), found[image_id][0]
        if other is None or own.stem != image_id:
            continue
        others = found.get(other, [])
        alone = [path.stem for path in others] == [other]
        in_folder = bool(others) and all(path.parent.name == other for path in others)
        if not alone and not in_folder:
            raise UserError(
                f"{own}: of image {image_id}, or of an annotator of image {other}? both images are there; put the"
                f" annotators' files into folders named {other} and {image_id}"
            )


def _find_folder(root: Path, names: tuple[str, ...], split: str) -> Path | None:
    """Find ``root/<name>[/<split>]``, stepping into a lone sub-folder (BIPED's ``rgbr/``)."""
    for name in names:
        folder = root / name
        if folder.is_dir():
            if (folder / split).is_dir():
                folder = folder / split
            elif any((folder / known).is_dir() for known in SPLITS):
                require_split(folder, split, str(root))
            return _innermost(folder)
    return None


def _innermost(folder: Path) -> Path:
    """Step down while there is nothing but one sub-folder."""
    inside = list(folder.iterdir())
    return _innermost(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


def require_split(folder: Path, split: str, spec: str) -> None:
    if not (folder / split).is_dir():
        known = sorted(p.name for p in folder.iterdir() if p.is_dir())
        there = f"no folder {split} in {folder}; {spec} has {listing(known) or 'no splits'}"
        raise UserError(there, parameter="split", value=split)

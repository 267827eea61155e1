"""Data sets: where images and their ground truth come from.

A data set is a name, a split, a sorted tuple of ids, and two readers. `open_dataset` takes what the user typed:
``scenes``, a BSDS500 folder, or any folder with images and ground truth beside each other.
"""

import re
from abc import ABC, abstractmethod
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..eval.validation import size_message
from .errors import UserError, listing
from .files import IMAGE_SUFFIXES, files_by_id, read_image
from .ground_truth import TRUTH_SUFFIXES, read_segmentations, read_truth

BSDS500_SIZES = {"train": 200, "val": 100, "test": 200}
IMAGE_FOLDERS = ("images", "Images", "imgs", "image", "img", "JPEGImages")
TRUTH_FOLDERS = (
    *("groundTruth", "ground_truth", "ground-truth", "gt", "edge_maps", "edges", "boundaries", "annotations", "labels"),
    *("human", "trainval"),
)
MULTICUE_TRUTH = "ground-truth/images"
# Where the archives of BSDS300, BIPED and BIPEDv2 put what we look for.
INNER_FOLDERS = ("", "BSDS300", "edges", "BIPED", "BIPED/edges", "BIPEDv2/BIPED/edges")


class Dataset(ABC):
    """One split of a data set. ``warnings`` are lines the user should see; without splits it is always all of it."""

    name: str
    split: str
    ids: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    has_splits = True

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

    def limit(self, count: int | None) -> "Dataset":
        """Keep the first ``count`` ids."""
        if count is not None:
            if count < 1:
                raise UserError(f"--limit {count}: expected at least 1")
            self.ids = self.ids[:count]
        return self

    def shard(self, number: int, count: int) -> "Dataset":
        """Keep every ``count``-th id, from the ``number``-th on, counted from 1."""
        if number > len(self.ids):
            raise UserError(f"--shard {number}/{count}: there are only {len(self.ids)} images")
        self.ids = self.ids[number - 1 :: count]
        return self


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


class Bsds500(ImageFolder):
    """BSDS500: ``images/<split>/*.jpg`` and ``groundTruth/<split>/*.mat``; says which official ids are missing."""

    def __init__(self, root: Path, split: str) -> None:
        super().__init__("BSDS500", split, root / "images" / split, root / "groundTruth" / split)
        missing = sorted(official_ids(split) - set(self.ids))
        extra = sorted(set(self.ids) - official_ids(split))
        if extra:
            raise UserError(f"{root}: {len(extra)} id(s) that are not in BSDS500 {split}: {listing(extra)}")
        if missing:
            self.name = f"BSDS500 (part, {len(self.ids)} of {BSDS500_SIZES[split]})"
            self.warnings = (
                f"{root}: {len(missing)} of the {BSDS500_SIZES[split]} images of BSDS500 {split} are missing:"
                f" {listing(missing)}; the scores are not those of BSDS500",
            )


class Multicue(ImageFolder):
    """Multicue as its archive has it: frames of scenes, two kinds of truth for one frame of each, which is the split.

    ``images/4580_left_0165.png`` and ``ground-truth/images/{boundaries,edges}/4580_left_0165.1.png`` and so on, one per
    annotator. Seen in public code that reads it, as we had no copy: Multicue_crops of serre-lab (``images``,
    ``ground-truth/images/boundaries``, subjects ``.1.png`` to ``.5.png``, of several frames of a scene the last one),
    and two RCF trainings (``multicue/ground-truth/images/edges``, ``.1.png`` to ``.6.png``).
    """

    KINDS = ("boundaries", "edges")

    def __init__(self, root: Path, kind: str) -> None:
        truths = root / MULTICUE_TRUTH / kind
        if kind not in self.KINDS or not truths.is_dir():
            kinds = " or ".join(f"--split {known}" for known in self.KINDS)
            raise UserError(f"--split {kind}: Multicue has two kinds of truth and no splits; expected {kinds}")
        super().__init__("Multicue", kind, root / "images", truths)

    def _without_truth(self, ids: list[str], folder: Path) -> None:
        self.warnings = (f"{folder}: no annotation of {len(ids)} of {len(self.images)} frames; they are left out",)
        for image_id in ids:
            del self.images[image_id]


def open_dataset(spec: str, split: str = "test") -> Dataset:
    """Return the data set that ``spec`` names.

    Parameters
    ----------
    spec : str
        ``scenes`` or a folder.
    split : str
        ``train``, ``val``, ``test`` or another sub-folder name; for Multicue ``boundaries`` or ``edges``.

    Raises
    ------
    UserError
        If the folder is missing, empty or not laid out as expected.
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
        _require_split(bsds / "groundTruth", split, spec)
        return Bsds500(bsds, split)
    for inner in ("", "multicue"):
        if (root / inner / MULTICUE_TRUTH).is_dir() and (root / inner / "images").is_dir():
            return Multicue(root / inner, split)
    images, truths = _find_pair(bsds or root, split)
    if images is None or truths is None:
        lacking = f"images ({', '.join(IMAGE_FOLDERS)})" if images is None else f"truth ({', '.join(TRUTH_FOLDERS)})"
        found = listing(sorted(p.name for p in root.iterdir()))
        raise UserError(f"--data {spec}: no folder of {lacking} in it; found {found}")
    name = root.resolve().name
    has_splits = any(split in folder.relative_to(root).parts for folder in (images, truths))
    return ImageFolder(f"folder {name}" if name.startswith("BSDS500") else name, split, images, truths, has_splits)


def bsds500_root(root: Path) -> Path | None:
    """Return the folder that holds ``images`` and ``groundTruth``, in ``root`` or where the archive puts it."""
    for inner in ("", "data", "BSDS500", "BSDS500/data", "BSR/BSDS500/data"):
        if (root / inner / "images").is_dir() and (root / inner / "groundTruth").is_dir():
            return root / inner
    return None


@cache
def official_checksums() -> dict[str, str]:
    """Return the SHA-256 of each BSDS500 file by its path, such as ``images/test/100007.jpg``."""
    lines = (files(__package__) / "known" / "bsds500.sha256").read_text().splitlines()
    return {path: sha256 for sha256, path in (line.split() for line in lines)}


def official_ids(split: str) -> set[str]:
    """Return the ids of a BSDS500 split; empty if there is no such split."""
    return {Path(path).stem for path in official_checksums() if path.startswith(f"images/{split}/")}


def _find_pair(root: Path, split: str) -> tuple[Path | None, Path | None]:
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
            elif any((folder / known).is_dir() for known in BSDS500_SIZES):
                _require_split(folder, split, str(root))
            return _innermost(folder)
    return None


def _innermost(folder: Path) -> Path:
    """Step down while there is nothing but one sub-folder."""
    inside = list(folder.iterdir())
    return _innermost(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


def _require_split(folder: Path, split: str, spec: str) -> None:
    if not (folder / split).is_dir():
        known = sorted(p.name for p in folder.iterdir() if p.is_dir())
        raise UserError(f"--split {split}: no folder {split} in {folder}; {spec} has {listing(known) or 'no splits'}")

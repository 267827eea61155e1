"""BSDS500: known by the bytes of its files, wherever they lie and whatever the folder is called."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from ..errors import listing
from ..files.hashes import file_sha256
from .folders import ImageFolder
from .layouts import INNER_FOLDERS

BSDS500_SIZES = {"train": 200, "val": 100, "test": 200}


def recognise(dataset: ImageFolder) -> None:
    """Give a folder the name of BSDS500 if its images and annotations are the official files of one split.

    A part of a split is named so, and warned of; so are files that carry official ids but are others, which stay an
    ordinary folder. All files of the images in question are read: 25 MB, .06 s, for the test split.
    """
    splits = [split for split in BSDS500_SIZES if not official_ids(split).isdisjoint(dataset.ids)]
    if not splits or all(path.suffix == ".seg" for layers in dataset.truths.values() for path in layers):
        return  # BSDS300 has some of the same images
    split, known = splits[0], official_ids(splits[0])
    others = [i for i in dataset.ids if i not in known or not _is_official(dataset, i, split)]
    if others or (dataset.has_splits and dataset.split != split):
        what = (
            f"{len(others)} of {len(dataset.ids)} images or annotations are not the official files: {listing(others)}"
        )
        what = what if others else f"they lie in a folder named {dataset.split}"
        line = f"{dataset.name}: has ids of BSDS500 {split}, but {what}; taken for another data set"
        dataset.warnings = (*dataset.warnings, line)
        return
    dataset.name, dataset.split, dataset.is_sound = "BSDS500", split, True
    missing = sorted(known - dataset.in_folder)
    if missing:
        dataset.name = f"BSDS500 (part, {len(known) - len(missing)} of {len(known)})"
        line = f"{dataset.name}: {len(missing)} of the {len(known)} images of BSDS500 {split} are missing:"
        dataset.warnings = (*dataset.warnings, f"{line} {listing(missing)}; the scores are not those of BSDS500")


def bsds500_root(folder: Path) -> tuple[Path, str] | None:
    """Return where a copy's folders lie, and the name of that of the annotations; None if it is no such copy."""
    for root in (folder / inner for inner in INNER_FOLDERS):
        for images, truths in ((root / "images", name) for name in ("groundTruth", "ground_truth", "gt")):
            if images.is_dir() and (root / truths).is_dir() and _has_official_ids(images):
                return root, truths
    return None


def _has_official_ids(images: Path) -> bool:
    return any(path.stem in official_ids(split) for split in BSDS500_SIZES for path in (images / split).glob("*.jpg"))


def _is_official(dataset: ImageFolder, image_id: str, split: str) -> bool:
    """Whether image and annotation are the official files."""
    checksums, truths = official_checksums(), dataset.truths[image_id]
    return (
        len(truths) == 1
        and checksums.get(f"groundTruth/{split}/{image_id}.mat") == file_sha256(truths[0])
        and checksums.get(f"images/{split}/{image_id}.jpg") == file_sha256(dataset.images[image_id])
    )


@cache
def official_checksums() -> dict[str, str]:
    """Return the SHA-256 of each BSDS500 file by its path, such as ``images/test/100007.jpg``."""
    lines = (files(__package__) / "known" / "bsds500.sha256").read_text(encoding="utf-8").splitlines()
    return {path: sha256 for sha256, path in (line.split() for line in lines)}


@cache
def official_ids(split: str) -> frozenset[str]:
    """Return the ids of a BSDS500 split; empty if there is no such split."""
    return frozenset(Path(path).stem for path in official_checksums() if path.startswith(f"images/{split}/"))

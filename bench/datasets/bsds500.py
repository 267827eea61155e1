"""BSDS500: where it is, which files belong to it, and what is missing of a copy."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from ..errors import UserError, listing
from .folders import ImageFolder

BSDS500_SIZES = {"train": 200, "val": 100, "test": 200}


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


def bsds500_root(root: Path) -> Path | None:
    """Return the folder that holds ``images`` and ``groundTruth``, in ``root`` or where the archive puts it."""
    for inner in ("", "data", "BSDS500", "BSDS500/data", "BSR/BSDS500/data"):
        if (root / inner / "images").is_dir() and (root / inner / "groundTruth").is_dir():
            return root / inner
    return None


@cache
def official_checksums() -> dict[str, str]:
    """Return the SHA-256 of each BSDS500 file by its path, such as ``images/test/100007.jpg``."""
    lines = (files(__package__) / "known" / "bsds500.sha256").read_text(encoding="utf-8").splitlines()
    return {path: sha256 for sha256, path in (line.split() for line in lines)}


def official_ids(split: str) -> set[str]:
    """Return the ids of a BSDS500 split; empty if there is no such split."""
    return {Path(path).stem for path in official_checksums() if path.startswith(f"images/{split}/")}

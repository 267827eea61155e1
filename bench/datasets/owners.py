"""Whose annotation a file is: ``x.png``, ``x_1.png`` and ``x/1.png`` are of image ``x``."""

import re
from collections.abc import Set
from pathlib import Path

from ..errors import UserError
from .ground_truth import TRUTH_SUFFIXES


def truth_files(folder: Path, ids: Set[str]) -> dict[str, list[Path]]:
    """Group the ground-truth files of a folder by image id, as far as that is clear.

    ``x_1.png`` belongs to image ``x`` unless there is an image ``x_1``.

    Raises
    ------
    UserError
        If a file may be of two images.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.seg")):  # a folder per annotator, on colour and on grey images
        found.setdefault(path.stem, []).append(path)
    if found:
        return {image_id: layers for image_id, layers in found.items() if image_id in ids}  # the other split's, too
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            layers = sorted(p for p in path.iterdir() if p.suffix.lower() in TRUTH_SUFFIXES)
            if layers:
                found.setdefault(path.name, []).extend(layers)
        elif path.suffix.lower() in TRUTH_SUFFIXES and not path.name.startswith("."):
            found.setdefault(_owner(path.stem, ids), []).append(path)
    _require_unambiguous(found, ids)
    return found


def _owner(stem: str, ids: Set[str]) -> str:
    return stem if stem in ids else _numbered(stem, ids) or stem


def _numbered(stem: str, ids: Set[str]) -> str | None:
    """Return the image ``x`` of whose annotators ``x_1`` may be one; None if there is none."""
    numbered = re.fullmatch(r"(.+)[_.-]\w*?\d+", stem)
    return numbered[1] if numbered and numbered[1] in ids else None


def _require_unambiguous(found: dict[str, list[Path]], ids: Set[str]) -> None:
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

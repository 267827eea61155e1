"""Multicue, as its archive has it."""

from pathlib import Path

from ..errors import UserError, argument
from .folders import ImageFolder

MULTICUE_TRUTH = "ground-truth/images"


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
            kinds = " or ".join(argument("split", known) for known in self.KINDS)
            expected = f"Multicue has two kinds of truth and no splits; expected {kinds}"
            raise UserError(expected, parameter="split", value=kind)
        super().__init__("Multicue", kind, root / "images", truths)

    def _without_truth(self, ids: list[str], folder: Path) -> None:
        self.warnings = (f"{folder}: no annotation of {len(ids)} of {len(self.images)} frames; they are left out",)
        for image_id in ids:
            del self.images[image_id]

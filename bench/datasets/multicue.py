"""Multicue, as its archive has it."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError, argument
from .choice import ANNOTATED
from .folders import ImageFolder

MULTICUE_TRUTH = "ground-truth/images"


class Multicue(ImageFolder):
    """Multicue as its archive has it: frames of scenes, two kinds of truth for one frame of each, which is the split.

    ``images/4580_left_0165.png`` and ``ground-truth/images/{boundaries,edges}/4580_left_0165.1.png`` and so on, one per
    annotator; frames without annotation are left out.
    Seen in public code that reads it, as we had no copy: Multicue_crops of serre-lab (``images``,
    ``ground-truth/images/boundaries``, subjects ``.1.png`` to ``.5.png``, of several frames of a scene the last one),
    and two RCF trainings (``multicue/ground-truth/images/edges``, ``.1.png`` to ``.6.png``).
    """

    KINDS = ("boundaries", "edges")

    def __init__(
        self,
        root: Path,
        kind: str,
        truth: str | None = None,
        images_chosen: str | Path | Sequence[str] | None = None,
    ) -> None:
        truths = root / MULTICUE_TRUTH / kind
        if kind not in self.KINDS or not truths.is_dir():
            kinds = " or ".join(argument("split", known) for known in self.KINDS)
            expected = f"Multicue has two kinds of truth and no splits; expected {kinds}"
            raise UserError(expected, parameter="split", value=kind)
        chosen = ANNOTATED if images_chosen is None else images_chosen
        super().__init__("Multicue", kind, root / "images", truths, truth=truth, images_chosen=chosen)

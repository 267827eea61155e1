"""How long each image of a run took, kept while it runs, so that a killed one forgets none of what it measured."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import UserError
from .results import load_meta

Seconds = dict[str, float]
NOTED = "seconds.jsonl"  # a line per image, in the run's folder until ``run.json`` has them


def note_seconds(folder: Path, image_id: str, seconds: Mapping[str, float]) -> None:
    """Add what an image took to the notes of a run that goes on; nothing for one that was reused.

    Times are no results: where they cannot be written, as on a full disk, the run goes on, and what cannot do without
    the disk says so.
    """
    if seconds:
        with suppress(OSError), (folder / NOTED).open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps([image_id, seconds]))  # after a line that a kill has cut, too


def known_seconds(folder: Path) -> dict[str, Seconds]:
    """Return what earlier runs in a folder measured, finished or killed, by image id."""
    try:
        found = dict(load_meta(folder)["seconds"])
    except (UserError, KeyError):
        found = {}
    for image_id, seconds in _noted(folder):
        found[image_id] = {**found.get(image_id, {}), **seconds}
    return found


def forget_notes(folder: Path) -> None:
    """Remove the notes, once ``run.json`` has them."""
    (folder / NOTED).unlink(missing_ok=True)


def _noted(folder: Path) -> list[tuple[str, Seconds]]:
    try:
        lines = (folder / NOTED).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            image_id, seconds = json.loads(line)
            found.append((str(image_id), {str(step): float(s) for step, s in seconds.items()}))
        except (ValueError, TypeError, AttributeError):  # empty, or cut by a kill
            continue
    return found

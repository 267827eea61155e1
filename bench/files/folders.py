"""Folders of files that are named by image id, and folders to write to."""

import tempfile
from pathlib import Path

from ..errors import UserError


def files_by_id(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Return the files of a folder with one of the suffixes, in either case, by name without suffix.

    Raises
    ------
    UserError
        If two files carry one id.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith("."):
            if path.stem in found:
                raise UserError(f"{path}: same id as {found[path.stem].name}; keep one of them")
            found[path.stem] = path
    return found


def make_writable(folder: Path, name: str) -> None:
    """Make a folder if need be. Raises `UserError` under the given name if it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{name}: cannot be written to ({error.strerror}); expected a folder of yours") from None

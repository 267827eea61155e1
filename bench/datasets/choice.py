"""Which images of a data set: their ids, a file that lists them, or those that are annotated."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..files.images import IMAGE_SUFFIXES

ANNOTATED = "annotated"
STRIPPED = (*IMAGE_SUFFIXES, ".mat", ".npy", ".npz", ".seg", ".csv")


def chosen_ids(images: str | Path | Sequence[str]) -> tuple[str, ...]:
    """Return the ids that a user has chosen.

    Parameters
    ----------
    images : str, Path or sequence of str
        Ids; or one file with an id, or a path to its image, at the beginning of each line, as ``val.txt`` of VOC.

    Raises
    ------
    UserError
        If there are none, or the file cannot be read.

    Examples
    --------
    >>> chosen_ids(["scene002", "scene005"])
    ('scene002', 'scene005')
    """
    given = [str(images)] if isinstance(images, str | Path) else [str(name) for name in images]
    if len(given) == 1 and (Path(given[0]).is_file() or Path(given[0]).suffix in (".txt", ".lst")):
        given = _listed(Path(given[0]))
    if not given:
        raise UserError("none chosen, expected ids or a file that lists them", parameter="images", value=str(images))
    return tuple(dict.fromkeys(given))


def _listed(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text"
        raise UserError(f"cannot be read ({reason}), expected an id per line", parameter="images", value=path) from None
    return [_id_of(line.split()[0]) for line in lines if line.strip()]


def _id_of(name: str) -> str:
    last = Path(name.replace("\\", "/"))
    return last.stem if last.suffix.lower() in STRIPPED else last.name

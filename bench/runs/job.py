"""The seam of the runner: *items × method → a raw record per item → fold*.

A job says what its items are, makes the record of an item in a worker process, and folds the records into scores. The
runner knows nothing else of it, so that a benchmark of another kind is another job and needs no runner of its own.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple


class Item(NamedTuple):
    """One item of a job, by its id, and the line of the journal that is already known of it."""

    id: str
    known: str | None = None


class Outcome(NamedTuple):
    """What became of one item.

    ``seconds`` are those of what was computed anew (absent where reused), ``record`` the line to append, None where the
    known one still holds; ``error`` is one line. ``cause`` is what errors of the method have in common, empty where the
    item itself is at fault; ``trace`` a traceback. ``refused`` says that the method cannot do what was asked, whatever
    the item.
    """

    id: str
    seconds: dict[str, float]
    record: str | None = None
    error: str | None = None
    users_mistake: bool = False
    cause: str = ""
    trace: str = ""
    refused: bool = False


@dataclass(frozen=True, kw_only=True)
class Job(ABC):
    """What to do with every item of a data set, and where its records are kept.

    Parameters
    ----------
    folder : Path
        Of the run.
    fresh : bool
        Whether to compute all anew.
    batch : int
        How many items are processed together.
    notes : Path, optional
        Where methods note down which iteration they are at; see `progress`.
    """

    folder: Path
    fresh: bool = False
    batch: int = 1
    notes: Path | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """What messages and tables call the run."""

    @property
    @abstractmethod
    def ids(self) -> tuple[str, ...]:
        """The ids of the items, in their order."""

    @abstractmethod
    def process(self, items: tuple[Item, ...]) -> list[Outcome]:
        """Bring the records of some items up to date, in a worker; no error of an item may harm the others."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """Return what ``run.json`` says of method, data set and protocol."""

    @abstractmethod
    def provenance(self, lines: dict[str, str]) -> dict[str, Any]:
        """Return what ``run.json`` says of what the records, by id, were made from."""

    @abstractmethod
    def fold(self) -> Any:
        """Fold the records into scores, write them and return the run. Raises `RunFailed` if they do not fit."""

    @abstractmethod
    def discard_fold(self) -> None:
        """Remove the scores of records that are about to change."""

    @abstractmethod
    def failure(self, message: str, failed: list[Outcome]) -> Exception:
        """Return the error for items that failed."""

"""The raw records of a run: ``counts.jsonl``, a line of JSON per item, appended as items are finished.

The last line of an id wins, so that what is computed anew is simply appended. A line that a kill has torn is no record:
it is cut off before the next one is appended, and ignored by who only reads. When all items are done the file is
written anew with one line per item, in the order of the data set; so it is the same whatever the number of workers, and
after any number of kills.

Runs of older versions have a file per image, ``counts/<id>.json``; they are read as well, and become lines of the one
file when the run is brought up to date.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from ..files.atomic import write_bytes

NAME = "counts.jsonl"
LEFT_OUT = "counts-left-out.jsonl"
OLD_FOLDER = "counts"


def read_lines(folder: Path) -> dict[str, str]:
    """Return the last line of each id, without its line end; what is no record is left out."""
    found = dict(_old_lines(folder))
    for line in chain(whole_lines(folder / LEFT_OUT), whole_lines(folder / NAME)):
        image_id = id_of(line)
        if image_id is not None:
            found[image_id] = line
    return found


def read_line(folder: Path, item_id: str) -> str | None:
    """Return the last line of one id, None if there is none."""
    found = dict(_old_lines(folder, item_id)).get(item_id)
    quoted = json.dumps(item_id)
    for line in chain(whole_lines(folder / LEFT_OUT), whole_lines(folder / NAME)):
        if quoted in line and id_of(line) == item_id:  # a run may be large: only likely lines are parsed
            found = line
    return found


def damaged_lines(folder: Path) -> list[int]:
    """Return the numbers, from 1, of lines that are no records, but for a torn last one."""
    return [number for number, line in enumerate(whole_lines(folder / NAME), start=1) if id_of(line) is None]


def id_of(line: str) -> str | None:
    """Return the id of a line, None if it is no record."""
    try:
        record = parsed(line)
    except (ValueError, RecursionError):
        return None
    item_id = record.get("id") if isinstance(record, dict) else None
    return item_id if isinstance(item_id, str) else None


def parsed(line: str) -> Any:
    """Return what a line of `line_of` holds. Raises ``ValueError`` for others: no NaN, no half characters."""
    value = json.loads(line, parse_constant=_refuse)
    if "\\ud" in line.lower():
        json.dumps(value, ensure_ascii=False).encode()
    return value


def line_of(record: Mapping[str, Any]) -> str:
    """Return a record as a line, without its end."""
    return json.dumps(record, allow_nan=False)


class Appender:
    """Appends records to the file of a run; use as a context. Each line is on the disk before `append` returns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Appender":
        return self

    def append(self, line: str) -> None:
        """Write one record."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            cut_torn_line(self.path)
            self._file = self.path.open("ab")
        try:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OSError(error.errno, f"cannot write ({error.strerror})", str(self.path.parent)) from None

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def cut_torn_line(path: Path) -> None:
    """Remove what stands behind the last line end of a file: a record that was being written when a kill came."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)


def settle(folder: Path, ids: Iterable[str]) -> dict[str, str]:
    """Write the records of these ids, one line each in this order; return all that there are, by id.

    Records of other ids, such as of a run over more images, go to a file beside it, from where they are taken up again
    when they are asked for.
    """
    lines, asked = read_lines(folder), list(ids)
    others = sorted(set(lines) - set(asked))
    write_lines(folder / LEFT_OUT, [lines[item_id] for item_id in others])
    write_lines(folder / NAME, [lines[item_id] for item_id in asked if item_id in lines])
    if (folder / OLD_FOLDER).is_dir():
        shutil.rmtree(folder / OLD_FOLDER)
    return lines


def write_lines(path: Path, lines: list[str]) -> None:
    """Write a file of lines; leave it as it is if it holds them already, and have none of no lines."""
    data = "".join(f"{line}\n" for line in lines).encode()
    if not data:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_bytes() != data:
        write_bytes(path, data)


def whole_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file that have an end; none of a file that is not there."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    for line in data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]:
        yield line.decode("utf-8", errors="replace")


def _old_lines(folder: Path, item_id: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield id and line of each record of an older version, or of one alone."""
    for path in sorted((folder / OLD_FOLDER).glob("*.json")):
        if item_id not in (None, path.stem):
            continue
        text = path.read_text(encoding="utf-8", errors="replace").strip()
        if "\n" not in text and id_of(text) == path.stem:
            yield path.stem, text


def _refuse(name: str) -> None:
    raise ValueError(f"{name}: expected a number")

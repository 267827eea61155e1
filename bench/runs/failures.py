"""What is told and kept of items that failed, and when a run has no more chance.

The errors stand in ``run.json``, a line each; the tracebacks of a method's own errors in ``failures.log`` beside it.
"""

import re
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import listing
from ..files.atomic import write_text
from ..methods.fingerprint import local_sources
from .job import Outcome

FEW = 5  # items at the start: when they all fail alike, the method is wrong, not the items
MOST_SHOWN = 10  # different errors in a message
LOG = "failures.log"
NUMBER = re.compile(r"\d[\d.]*(e[+-]?\d+)?")


def outcome_of(item_id: str, error: BaseException, module: str, users_mistake: bool = False) -> Outcome:
    """Return the outcome of an item that failed in the method of a module, or in what was made of its result.

    The line names the place in the method's own code, or that of its project, however deep in a library it failed; the
    traceback is kept if it goes through that code.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = {path.resolve() for path in local_sources(module)} if module else set()
    own = [frame for frame in frames if Path(frame.filename).resolve() in ours]
    frame = (own or frames)[-1]
    message = str(error).splitlines()[0] if str(error) else "no message"
    line = f"{type(error).__name__}: {message} ({Path(frame.filename).name}:{frame.lineno})"
    text = str(error) if users_mistake else line
    trace = "".join(traceback.format_exception(error)) if own else ""
    return Outcome(item_id, {}, error=text, users_mistake=users_mistake, cause=NUMBER.sub("#", text), trace=trace)


def is_hopeless(ids: Sequence[str], outcomes: Mapping[str, Outcome]) -> bool:
    """Whether the first few items all failed alike, numbers apart; faults of the items themselves are never alike.

    Always the first ones in the order of the data set, so that it does not depend on the number of workers.
    """
    first = [outcomes.get(item_id) for item_id in ids[:FEW]]
    causes = {outcome.cause if outcome else "" for outcome in first}
    return len(ids) > FEW and len(causes) == 1 and "" not in causes


def failure_text(name: str, failed: Sequence[Outcome], total: int, not_tried: int, folder: Path) -> str:
    """Return what to say of a run in which items failed: how many, which, why, and where more stands."""
    same: dict[str, list[str]] = {}
    for outcome in failed:
        same.setdefault(str(outcome.error), []).append(outcome.id)
    head = f"{name}: {len(failed)} of {total} images failed; the others are kept, and a rerun computes only these"
    if not_tried:
        first = f"{name}: {len(failed)} of {total} images failed, the first {FEW} all alike"
        head = f"{first}; stopped there, {not_tried} were not tried"
    lines = [f"{listing(ids, 3)}: {error}" for error, ids in list(same.items())[:MOST_SHOWN]]
    if len(same) > MOST_SHOWN:
        lines.append(f"and {len(same) - MOST_SHOWN} other errors, see {folder / 'run.json'}")
    if (folder / LOG).exists():
        lines.append(f"tracebacks: {folder / LOG}")
    return "\n".join([head, *lines])


def write_log(folder: Path, failed: Sequence[Outcome]) -> None:
    """Write the tracebacks of a run, each once with the ids that it belongs to; have no file if there are none.

    As with times: where they cannot be written, the run goes on.
    """
    same: dict[str, list[str]] = {}
    for outcome in failed:
        if outcome.trace:
            same.setdefault(outcome.trace, []).append(outcome.id)
    with suppress(OSError):
        if same:
            write_text(folder / LOG, "\n".join(f"{', '.join(ids)}\n{trace}" for trace, ids in same.items()))
        else:
            (folder / LOG).unlink(missing_ok=True)

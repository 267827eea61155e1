"""Run a job: many items, several workers, nothing computed twice.

The workers make records (`Job.process`), this process hands out the items, appends each record to the journal, shows
progress and folds. A record is reused when the hashes of all that went into it still agree; so a second run computes
only what is new or changed, and a killed one goes on.
"""

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ..errors import UserError, argument
from ..files.atomic import write_json
from .cluster import ClusterWorkers
from .failures import FEW, failure_text, is_hopeless, write_log
from .guards import sole_writer
from .job import Item, Job, Outcome
from .journal import Appender, read_lines, settle
from .progress import Progress
from .seconds import forget_notes, known_seconds, note_seconds
from .workers import Workers

logger = logging.getLogger(__name__)

DIED = "the worker process died (out of memory, or a crash in compiled code?)"


def run_job(job: Job, workers: Workers | ClusterWorkers, label: str) -> Any:
    """Bring every item's record up to date and fold them into the scores.

    Parameters
    ----------
    job : Job
        What to do with each item.
    workers : Workers or ClusterWorkers
        Who does it.
    label : str
        What the progress bar says.

    Returns
    -------
    Run
        What the job's fold gives.

    Raises
    ------
    RunFailed, UserError
        If items failed, after all others are done, or after the first few if those all failed alike; `UserError` if
        each was an input's fault and the maps were given, if the method cannot do what was asked, or if another run is
        writing to the folder.
    """
    with sole_writer(job.folder):
        outcomes = _bring_up_to_date(job, workers, label)
        lines = settle(job.folder, job.ids)
        failed = [outcomes[i] for i in job.ids if i in outcomes and outcomes[i].error]
        write_json(job.folder / "run.json", _meta(job, outcomes, failed, lines))
        write_log(job.folder, failed)
        forget_notes(job.folder)
        if failed:
            job.discard_fold()
            not_tried = len(job.ids) - len(outcomes)
            raise job.failure(failure_text(job.name, failed, len(job.ids), not_tried, job.folder), failed)
        return job.fold()


def _bring_up_to_date(job: Job, workers: Workers | ClusterWorkers, label: str) -> dict[str, Outcome]:
    """Return what became of each item; its record and seconds are on the disk before the next is waited for.

    Items are missing when the first few have all failed alike.
    """
    outcomes: dict[str, Outcome] = {}
    with Progress(label, len(job.ids), watched=workers.are_here) as progress, Appender(job.folder) as journal:
        try:
            with closing(_outcomes(replace(job, notes=progress.notes), workers)) as stream:
                for outcome in stream:
                    if outcome.record is not None:
                        job.discard_fold()
                        journal.append(outcome.record)
                    note_seconds(job.folder, outcome.id, outcome.seconds)
                    outcomes[outcome.id] = outcome
                    _show(outcome, progress)
                    if is_hopeless(job.ids, outcomes):
                        break
        except KeyboardInterrupt:
            progress.interrupted()
            raise
    kept = sum(outcome.error is None and outcome.record is None for outcome in outcomes.values())
    if kept:
        logger.info(f"{label}: {kept} unchanged, kept ({argument('fresh', True)} computes anew)")
    return outcomes


def _show(outcome: Outcome, progress: Progress) -> None:
    """Show progress; the first failure at once, unless the run is so short that it is soon told anyway."""
    if outcome.refused:
        raise UserError(str(outcome.error))
    if outcome.error and not progress.failed and progress.total > FEW:
        progress.tell(f"{outcome.id} failed: {outcome.error}")
    progress.step(bool(outcome.error))


def _outcomes(job: Job, workers: Workers | ClusterWorkers) -> Iterator[Outcome]:
    """Yield what becomes of each item; a batch whose process died is tried again item by item."""
    known = {} if job.fresh else read_lines(job.folder)
    items = [Item(item_id, known.get(item_id)) for item_id in job.ids]
    alone: list[Item] = []
    batches = [tuple(items[i : i + job.batch]) for i in range(0, len(items), job.batch)]
    for batch, outcomes in workers.map(partial(_process, job), batches):
        if outcomes is None and len(batch) > 1:
            alone += batch
        else:
            yield from outcomes or [_died(batch[0])]
    if alone:
        for batch, outcomes in workers.map(partial(_process, job), [(item,) for item in alone]):
            yield from outcomes or [_died(batch[0])]


def _process(job: Job, items: tuple[Item, ...]) -> list[Outcome]:
    return job.process(items)


def _died(item: Item) -> Outcome:
    return Outcome(item.id, {}, error=DIED, cause=DIED)


def _meta(job: Job, outcomes: dict[str, Outcome], failed: list[Outcome], lines: dict[str, str]) -> dict[str, Any]:
    """What ``run.json`` holds."""
    before = known_seconds(job.folder)
    seconds = {i: {**before.get(i, {}), **(outcomes[i].seconds if i in outcomes else {})} for i in job.ids}
    return {
        **job.about(),
        **({"batch": job.batch} if job.batch > 1 else {}),
        **job.provenance(lines),
        "failed": {outcome.id: outcome.error for outcome in failed},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": {i: {step: round(s, 4) for step, s in steps.items()} for i, steps in seconds.items()},
    }

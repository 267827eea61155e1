"""Guards of a run: one writer per folder, a time limit per image, an orderly end when the system asks for one."""

import math
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ..errors import UserError

LOCK = ".lock"
LOOK_AGAIN = 0.02  # seconds between two tries to get a lock


@contextmanager
def sole_writer(folder: Path, wait: bool = False) -> Iterator[None]:
    """Hold a folder for this process, cleared of what killed ones left half written; made if need be.

    The system lets go of it when the process ends, however it ends. With ``wait``, another writer is waited for.

    Raises
    ------
    UserError
        If another run is writing there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / LOCK, wait):
        clear_unfinished(folder)
        yield
        clear_unfinished(folder)  # the workers of a killed run outlive it for a moment


def clear_unfinished(folder: Path) -> None:
    """Remove what `files.write_bytes` left behind when its process was killed, in a results folder or a run's."""
    for part in (folder, folder / "maps"):  # in others, others may be writing
        for path in part.glob(".*.tmp"):
            path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path, wait: bool) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=-1 if wait else 0, poll_interval=LOOK_AGAIN)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"{path.parent}: another run is writing there now; wait for it, or choose another `out=`"
        ) from None
    try:
        yield
    finally:
        with suppress(PermissionError):  # Windows removes no open file; letting go of it does that there
            path.unlink(missing_ok=True)  # now, while nobody else holds it: who waits then looks for a new one
        lock.release()


def require_time_limit(seconds: float | None) -> None:
    """Raise `UserError` if a detector cannot be held to this limit: no positive number, or no alarms here.

    There are none on Windows, and none outside the main thread, as in a worker of a Dask cluster.
    """
    if seconds is None:
        return
    if not 0 < seconds < math.inf:
        raise UserError("expected a positive number of seconds", parameter="time_limit", value=seconds)
    if not hasattr(signal, "setitimer"):
        raise UserError("not available on this system, which has no alarms", parameter="time_limit", value=seconds)
    if threading.current_thread() is not threading.main_thread():
        raise UserError("not available outside the main thread", parameter="time_limit", value=seconds)


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise ``TimeoutError`` inside after so many seconds; compiled code is interrupted when it returns to Python.

    Raises
    ------
    UserError
        Where a limit is set but there are no alarms; see `require_time_limit`.
    """
    require_time_limit(seconds)
    if seconds is None:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise TimeoutError(f"not done after {seconds:g} seconds (`time_limit=`)")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def orderly_end() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C inside, so that workers are stopped and it is said how to go on.

    Not on Windows, where a process is ended without being asked, nor outside the main thread, which hears no signals.
    """
    if threading.current_thread() is not threading.main_thread() or os.name == "nt":
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

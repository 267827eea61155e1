"""Guards of a run: one writer per folder, a time limit per image, an orderly end when the system asks for one."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ..errors import UserError

LOCK = ".lock"


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
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    how = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
    while True:
        with path.open("a") as file:
            try:
                fcntl.flock(file, how)
            except BlockingIOError:
                raise UserError(
                    f"{path.parent}: another run is writing there now; wait for it, or choose another --out"
                ) from None
            if not _is_still(path, file.fileno()):
                continue  # the one before us has just removed it: others would lock a new one beside ours
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise ``TimeoutError`` inside after so many seconds; compiled code is interrupted when it returns to Python.

    Without effect where there are no alarms: on Windows, and outside the main thread.
    """
    here = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    if not seconds or not here:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise TimeoutError(f"not done after {seconds:g} seconds (--time-limit)")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def orderly_end() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C inside, so that workers are stopped and it is said how to go on."""
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

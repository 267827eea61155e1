"""Guards of a run: one writer per folder, a time limit per image, an orderly end when the system asks for one."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from .errors import UserError

LOCK = ".lock"


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold a run folder for this process; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    UserError
        If another run is writing there.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{folder}: another run is writing there now; wait for it, or choose another --out"
            ) from None
        try:
            yield
        finally:
            (folder / LOCK).unlink(missing_ok=True)


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

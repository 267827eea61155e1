"""Progress on stderr: on a terminal a bar, and below it which iteration each image is at; plain lines in a log.

Detectors run in other processes, so they say where they are in little files of a temporary folder, which the terminal's
process looks at from time to time. Nobody waits for anybody, and whoever dies leaves no queue broken.
"""

import json
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

logger = logging.getLogger(__name__)

EVERY = 0.2  # seconds between two looks, and between two notes of a detector
STALE = 60.0  # seconds after which a note is of a process that died


class Progress:
    """Counts ``total`` steps under a ``label``; use as a context and call `step` after each.

    ``notes`` is the folder for `iteration_note` if ``watched`` and stderr is a terminal, else None.
    """

    def __init__(self, label: str, total: int, watched: bool = False) -> None:
        self.label, self.total, self.done, self.failed = label, total, 0, 0
        self.notes: Path | None = None
        self._watched, self._bar, self._line = watched, None, None
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self.total, desc=self.label, unit="image", file=sys.stderr)
            if self._watched:
                self.notes = Path(tempfile.mkdtemp(prefix="contourbench-"))
                self._watcher.start()
        return self

    def step(self, failed: bool = False) -> None:
        """One more is done, or has failed."""
        self.done += 1
        self.failed += failed
        failures = f"{self.failed} failed" if self.failed else ""
        if self._bar is not None:
            self._bar.set_postfix_str(failures, refresh=False)
            self._bar.update()
        elif self.done == self.total or self.done % max(1, self.total // 10) == 0:
            logger.info(f"{self.label}: {self.done} of {self.total} images{failures and ', '}{failures}")

    def tell(self, message: str) -> None:
        """Say something in the middle of it, above the bar."""
        if self._bar is not None:
            self._bar.clear()
        logger.warning(f"{self.label}: {message}")
        if self._bar is not None:
            self._bar.refresh()

    def interrupted(self) -> None:
        """Say how far it is."""
        logger.info(f"\n{self.label}: interrupted after {self.done} of {self.total} images")

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        if self.notes is not None:
            self._watcher.join()
            shutil.rmtree(self.notes, ignore_errors=True)
        for bar in (self._line, self._bar):
            if bar is not None:
                bar.close()

    def _watch(self) -> None:
        from tqdm import tqdm

        shown = ""
        while not self._over.wait(EVERY):
            text = iteration_line(self.notes)
            if text and self._line is None:
                self._line = tqdm(total=0, position=1, bar_format="{desc}", leave=False, file=sys.stderr)
            if self._line is not None and text != shown:
                self._line.set_description_str(text[: shutil.get_terminal_size().columns - 1])
                shown = text


def iteration_note(notes: Path | None, name: str) -> Callable[[int, int, float], None] | None:
    """Return what a detector may call after each iteration on the image ``name``; None where nobody looks."""
    if notes is None:
        return None
    file, last = notes / str(os.getpid()), -EVERY

    def note_down(iteration: int, iterations: int, loss: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < EVERY and iteration < iterations:
            return
        last = now
        try:
            file.write_text(json.dumps([name, iteration, iterations, loss]), encoding="utf-8")
        except TimeoutError:  # is an OSError, but the image's time limit, which strikes anywhere
            raise
        except OSError:  # a full disk is no reason to lose an image
            pass

    return note_down


def iteration_line(notes: Path) -> str:
    """Return where the detectors are, such as ``100007 iteration 340/800  loss .0021``, of all processes."""
    found = []
    for file in sorted(notes.iterdir()):
        try:
            name, iteration, iterations, loss = json.loads(file.read_text(encoding="utf-8"))
            fresh = time.time() - file.stat().st_mtime < STALE
        except (OSError, ValueError):  # being written, or just deleted
            continue
        if fresh and iteration < iterations:
            found.append(f"{name} iteration {iteration}/{iterations}  loss {f'{loss:.4f}'.removeprefix('0')}")
    return "   ".join(found)

"""Several processes that share out images, survive one another's death, and stop at once when interrupted."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from types import TracebackType
from typing import Any, Self, TypeVar

from threadpoolctl import threadpool_limits

logger = logging.getLogger(__name__)

MOST_ON_WINDOWS = 61  # handles that one thread can wait for, less those that the pool needs itself
Item = TypeVar("Item", bound=Hashable)  # an image id, or a batch of them
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Workers:
    """A pool of ``count`` processes, or this process alone if ``count`` is 1; use as a context.

    Each process of a pool first calls ``prepare``, such as to show messages. Leaving the context by an exception, such
    as an interruption, ends the processes at once.
    """

    are_here = True  # on this machine, where they can note down which iteration they are at

    def __init__(self, count: int, prepare: Callable[[], None] | None = None) -> None:
        self.count, self.prepare = _possible(count), prepare
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close(at_once=kind is not None)

    def map(self, work: Callable[[Item], Any], items: Iterable[Item]) -> Iterator[tuple[Item, Any]]:
        """Yield (item, result) as results come; the result is None for an item whose process died.

        When a process dies, all that is unfinished goes again through processes of its own, one item at a time, so
        that only the guilty item is lost.
        """
        if self.count <= 1:
            with threadpool_limits(1):  # as in the processes of a pool: sums split over threads round differently
                yield from ((item, work(item)) for item in items)
            return
        unfinished = dict.fromkeys(items)
        try:
            for item, result in self._results(work, list(unfinished)):
                del unfinished[item]
                yield item, result
        except GeneratorExit:  # who does not want the rest does not wait for it
            self._close(at_once=True)
            raise
        except BrokenProcessPool:
            for item in unfinished:
                self._close(at_once=True)
                try:
                    yield from list(self._results(work, [item]))
                except BrokenProcessPool:
                    yield item, None
            self._close(at_once=True)

    def _results(self, work: Callable[[Item], Any], items: list[Item]) -> Iterator[tuple[Item, Any]]:
        if self._pool is None:
            self._pool = _started_pool(self.count, self.prepare)
        futures = {self._pool.submit(work, item): item for item in items}
        for future in as_completed(futures):
            yield futures[future], future.result()

    def _close(self, at_once: bool) -> None:
        if self._pool is None:
            return
        processes = list((self._pool._processes or {}).values())
        if at_once:
            for process in processes:
                process.terminate()
        self._pool.shutdown(wait=not at_once, cancel_futures=True)
        self._pool = None


def _possible(count: int) -> int:
    """No more than the system can wait for."""
    if sys.platform == "win32" and count > MOST_ON_WINDOWS:
        logger.warning(f"{MOST_ON_WINDOWS} processes in place of {count}: Windows cannot wait for more")
        return MOST_ON_WINDOWS
    return count


def _started_pool(count: int, prepare: Callable[[], None] | None) -> ProcessPoolExecutor:
    """Start all processes now, each with one thread for linear algebra and deaf to Ctrl-C, which the parent handles."""
    pool = ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_prepare_process, initargs=(prepare,)
    )
    with _holding_interrupts(), _environment(ONE_THREAD):
        for _ in range(count):
            pool.submit(os.getpid)
    return pool


def _prepare_process(prepare: Callable[[], None] | None) -> None:
    """Leave Ctrl-C to the parent, and end when it has gone: killed, it cannot stop us, and we would wait on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if prepare:
        prepare()

    def watch() -> None:
        connection.wait([parent_process().sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _holding_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait meanwhile: no process is left half started, and those started here do not hear it, either.

    Not on Windows, where signals cannot be held back.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update({name: value for name, value in variables.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)

"""Several processes that share out images, survive one another's death, and stop at once when interrupted."""

import os
import signal
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Self, TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item", bound=Hashable)  # an image id, or a batch of them
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Workers:
    """A pool of ``count`` processes, or this process alone if ``count`` is 1; use as a context.

    Leaving it by an exception, such as an interruption, ends the processes at once.
    """

    are_here = True  # on this machine, where they can note down which iteration they are at

    def __init__(self, count: int) -> None:
        self.count = count
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
            self._pool = _started_pool(self.count)
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


def _started_pool(count: int) -> ProcessPoolExecutor:
    """Start all processes now, each with one thread for linear algebra and deaf to Ctrl-C, which the parent handles."""
    pool = ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_prepare_process, initargs=(os.getpid(),)
    )
    with _holding_interrupts(), _environment(ONE_THREAD):
        for _ in range(count):
            pool.submit(os.getpid)
    return pool


def _prepare_process(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end soon after it has gone: killed, it cannot stop us, and we would wait on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _holding_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait meanwhile: no process is left half started, and those started here do not hear it, either."""
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

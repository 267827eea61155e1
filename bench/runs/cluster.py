"""The images of a run shared out over a Dask cluster, with the interface of `workers.Workers`."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed
from types import TracebackType
from typing import Any, Self

from threadpoolctl import threadpool_limits

from ..errors import RunFailed, UserError, argument
from .workers import Item

CONNECT_SECONDS = 30  # a scheduler on a busy machine takes its time; this is what Dask itself allows


class ClusterWorkers:
    """Workers of the Dask scheduler at ``address``; use as a context.

    They must see the data set and the results folder under the same paths (a shared file system) and have contourbench
    installed in the same version; give each one thread (``--nthreads 1``). A task whose worker is lost goes to another.
    ``prepare`` is called there before each item, such as to show messages.

    Raises
    ------
    UserError
        If dask.distributed is not installed or no scheduler answers.
    """

    are_here = False

    def __init__(self, address: str, prepare: Callable[[], None] | None = None) -> None:
        self.address, self.prepare = address, prepare
        self._client: Any = None

    def __enter__(self) -> Self:
        try:
            from distributed import Client
        except ImportError:
            needed = "needs dask.distributed; pip install 'contourbench[cluster]'"
            raise UserError(needed, parameter="scheduler") from None
        try:
            self._client = Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            silent = f"no Dask scheduler answers there ({reason})"
            raise UserError(silent, parameter="scheduler", value=self.address) from None
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.close()

    def map(self, work: Callable[[Item], Any], items: Iterable[Item]) -> Iterator[tuple[Item, Any]]:
        """Yield (item, result) as results come; the result is None for an item that killed every worker it was on."""
        from distributed.scheduler import KilledWorker

        executor = self._client.get_executor(pure=False)
        futures = {executor.submit(_work, self.prepare, work, item): item for item in items}
        try:
            for future in as_completed(futures):
                try:
                    result = future.result()
                except KilledWorker:
                    result = None
                except Exception as error:  # work itself returns its errors: this one is of the cluster
                    reason = f"{futures[future]}: {type(error).__name__}: {error}".splitlines()[0]
                    raise RunFailed(
                        f"{argument('scheduler', self.address)}: {reason}; is contourbench installed there, in the same"
                        " version, and the scheduler still up?"
                    ) from None
                yield futures[future], result
        finally:  # who does not want the rest does not wait for it
            for future in futures:
                future.cancel()


def _work(prepare: Callable[[], None] | None, work: Callable[[Item], Any], item: Item) -> Any:
    if prepare:
        prepare()
    with threadpool_limits(1):  # as in a local process: sums split over threads round differently
        return work(item)

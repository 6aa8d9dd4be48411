"""An executor on the workers of a Dask cluster.

Dask runs a call again whose worker died. A call whose workers die again and again fails, after as many deaths
as the scheduler allows (``distributed.scheduler.allowed-failures``).
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import qnnt
from qnnt.exceptions import Unavailable
from qnnt.wording import count
from qnnt.workers.executors import NamedExecutor

T = TypeVar("T")

_CONNECT = 15.0  # seconds that a scheduler, and then its first worker, may take to answer
# For workers once they have begun: a terminal's Ctrl-C goes to them, too, but they end with the cluster.
_NO_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
_FRESH = 1.0  # seconds for which the number of workers is not asked for again


class DaskExecutor(NamedExecutor):
    """Runs calls on the workers that a client knows; ``cluster`` is one that ends with it.

    ``told`` hears that workers were lost.
    """

    remote = True

    def __init__(self, client: Any, told: Callable[[str], None], cluster: Any = None) -> None:
        self._client, self._told, self._cluster = client, told, cluster
        self._executor = client.get_executor(pure=False)  # two calls alike are two calls
        self._places, self._threads, self._asked = 1, 0, -_FRESH

    @property
    def places(self) -> int:
        """The threads of all workers; as many as before if there is none at the moment."""
        if time.monotonic() - self._asked > _FRESH:
            with contextlib.suppress(Exception):  # that the scheduler has gone shows at the calls
                self._count(sum(self._client.nthreads().values()))
            self._asked = time.monotonic()
        return self._places

    def _count(self, threads: int) -> None:
        if threads < self._threads:
            left = f"{count(threads, 'place')} left on the Dask workers"
            self._told(left if threads else "no Dask worker is left: waiting for one")
        self._threads, self._places = threads, threads or self._places

    def share(self, value: T) -> T:
        """A task that makes the value.

        The scheduler keeps it, so that a value which was lost with its worker is made again. What Dask calls
        scattering would lose it.
        """
        import dask

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            made: T = self._client.submit(pickle.loads, pickle.dumps(value), pure=False)
        return made

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have a worker run a call."""
        future: Future[T] = self._executor.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls."""
        self._executor.shutdown(wait and not cancel_futures)

    def stop(self) -> None:
        """Cancel all calls, which end their processes when they see it, and leave the cluster."""
        with contextlib.suppress(Exception):  # it may have gone
            self._executor.shutdown(wait=False)
        _close(self._client, self._cluster)


def _close(*parts: Any) -> None:
    """Close a client and a cluster, whatever state they are in."""
    for part in parts:
        if part is not None:
            with contextlib.suppress(Exception):
                part.close()


def started(workers: int, told: Callable[[str], None]) -> DaskExecutor:
    """A scheduler and workers on this machine; raises :class:`Unavailable` if they cannot be started."""
    from distributed import LocalCluster

    _quiet()
    cluster = None
    try:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,  # the solvers run in processes that Dask does not count
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # where it would be: any free port
            silence_logs=logging.CRITICAL,
            preload=[_NO_CTRL_C],
        )
        return connected(cluster.scheduler_address, told, cluster)
    except BaseException as error:
        _close(cluster)
        if isinstance(error, OSError | RuntimeError):
            raise Unavailable(f"no Dask cluster can be started: {error}") from None
        raise


def connected(address: str, told: Callable[[str], None], cluster: Any = None) -> DaskExecutor:
    """A scheduler that runs already; raises :class:`Unavailable` if it, or its workers, cannot be used."""
    from distributed import Client

    _quiet()
    try:
        client = Client(address, timeout=_CONNECT, set_as_default=False, name="qnnt")
    except (OSError, ValueError) as error:
        raise Unavailable(f"no Dask scheduler at {address}: {error}") from None
    try:
        _check_workers(client, address)
    except BaseException:
        _close(client)
        raise
    return DaskExecutor(client, told, cluster)


def _check_workers(client: Any, address: str) -> None:
    """Raise :class:`Unavailable` if there is no worker, or one without this version of qnnt."""
    try:
        client.wait_for_workers(1, timeout=_CONNECT)
    except TimeoutError:
        start = f"dask worker {address} --nworkers N --nthreads 1"
        raise Unavailable(f"the Dask scheduler at {address} has no worker: start some ({start})") from None
    for worker, version in client.run(_version, on_error="return").items():
        if version != qnnt.__version__:
            found = f"has qnnt {version}" if isinstance(version, str) else f"cannot import qnnt ({version})"
            raise Unavailable(f"the Dask worker {worker} {found}; install qnnt {qnnt.__version__} there")


def _version() -> str:
    return qnnt.__version__


def _quiet() -> None:
    """What becomes of workers is told by the results, not by the logs of Dask, each of which has a level."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)

"""Executors for the parts of a run, and what functions that run in one need.

Such a function asks :func:`given_up` whether anybody waits for it, and leaves what may crash to
:func:`apart`. How an executor is made of a name is told in :mod:`qnnt.workers.named`.
"""

from __future__ import annotations

import itertools
import sys
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

from qnnt.exceptions import LostTask, QnntError
from qnnt.workers.task import Call, Ended, describe

T = TypeVar("T")

DROPPED = "the executor dropped it"
_LOOK = 0.1  # seconds; never a longer wait, as a signal that comes just before it is seen only after it
_TRIES = 3  # worker processes that a call may lose


class NamedExecutor(Executor):
    """An executor that was made of its name. The end of a ``with`` block ends all that still runs in it.

    A ``remote`` one hears no more of a call that it cancels.
    """

    remote = False

    @property
    @abstractmethod
    def places(self) -> int:
        """How many calls it runs at a time, at least 1; the number may change."""

    @abstractmethod
    def share(self, value: T) -> T:
        """What stands for a value as an argument of ``submit``: many calls get it, and it is sent once."""

    @abstractmethod
    def stop(self) -> None:
        """End all calls, those that run too, and whatever was started for them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class HereExecutor(NamedExecutor):
    """Makes each call at once, in the thread that asks, and raises what is no ``Exception``."""

    places = 1

    def share(self, value: T) -> T:
        """The value itself: nothing is sent."""
        return value

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Make a call."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def stop(self) -> None:
        """Do nothing: no call runs."""


class _Here(threading.local):
    """What a thread knows of the executor that it runs calls for: its number, and whether to stop."""

    place = 0
    stopped: Callable[[], bool] | None = None


_HERE = _Here()


class LocalExecutor(NamedExecutor):
    """Threads of this process; the functions that run in them start worker processes."""

    def __init__(self, places: int) -> None:
        self._places, self._stop, self._numbers = places, threading.Event(), itertools.count()
        self._pool = ThreadPoolExecutor(places, initializer=self._enter)

    def _enter(self) -> None:
        _HERE.place, _HERE.stopped = next(self._numbers), self._stop.is_set

    @property
    def places(self) -> int:
        """The number of threads."""
        return self._places

    def share(self, value: T) -> T:
        """The value itself: nothing is sent."""
        return value

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a call in a thread."""
        return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def stop(self) -> None:
        """Have the calls end their workers, and wait for that."""
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)


def share(executor: Executor, value: T) -> T:
    """What to give to the executor's ``submit`` for a value that many calls need."""
    return executor.share(value) if isinstance(executor, NamedExecutor) else value


def places(executor: Executor, otherwise: int) -> int:
    """How many calls an executor runs at a time, if it knows."""
    return executor.places if isinstance(executor, NamedExecutor) else otherwise


def failure(future: Future[Any]) -> str | None:
    """Why a call that has ended has no result; None if it has one."""
    if future.cancelled():
        return DROPPED
    error = future.exception()
    if error is None:
        return None
    if type(error).__name__ == "KilledWorker":  # Dask's
        _, worker, failures = error.args
        return f"its worker died {failures + 1} times, the last time {worker.address}"
    return describe(error)


def in_order(
    executor: NamedExecutor | None, function: Callable[..., T], calls: Iterable[Sequence[Any]]
) -> Iterator[T]:
    """What a function comes to for each tuple of arguments, in this order; without an executor it runs here.

    Raises the :class:`QnntError` of a call, and :class:`LostTask` if a call has no result for another reason.
    """
    if executor is None:
        for call in calls:
            yield function(*call)
        return
    begun, left = deque[Future[T]](), deque(calls)
    while begun or left:
        while left and len(begun) < 2 * executor.places:
            begun.append(executor.submit(function, *left.popleft()))
        first = begun.popleft()
        while not first.done():
            threading.Event().wait(_LOOK)
        reason = failure(first)
        if reason is None:
            yield first.result()
        elif not first.cancelled() and isinstance(error := first.exception(), QnntError):
            raise error
        else:
            raise LostTask(reason)


def given_up() -> Callable[[], bool]:
    """A function that tells whether nobody waits any more for the call that runs in this thread."""
    if _HERE.stopped is not None:
        return _HERE.stopped
    return _taken_back_by_dask()


def _taken_back_by_dask() -> Callable[[], bool]:
    """Whether Dask's scheduler has taken back a task: the client cancelled it, ended or was lost."""
    distributed = sys.modules.get("distributed")
    try:
        worker = distributed.get_worker()  # type: ignore[union-attr] # None is caught
        key, tasks = worker.get_current_task(), worker.state.tasks
    except (AttributeError, ValueError):  # this is no Dask worker
        return lambda: False

    def taken_back() -> bool:
        task = tasks.get(key)
        return task is None or task.state == "cancelled"

    return taken_back


def apart(kind: str, function: Callable[..., T], *arguments: Any) -> Ended[T]:
    """Call a function in a worker process, which keeps what it has loaded for the next call of this ``kind``.

    If the process is lost, another one tries it, and a third one. The process is killed if the call is
    :func:`given_up`.
    """
    from qnnt.workers.pool import run_isolated

    call = Call(function, arguments, f"{kind} {_HERE.place}")
    for _ in range(_TRIES):
        ended: Ended[T] = run_isolated(call, _ignored, given_up())
        if not ended.lost:
            break
    return ended


def _ignored(_: Any) -> None:
    """A call has no news."""

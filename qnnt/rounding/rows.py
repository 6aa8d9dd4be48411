"""The rows of a layer, run one after another, over cores, in processes of their own, or on an executor."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from qnnt.blas import blas_threads
from qnnt.limits import Limit, Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import Rounder, RowAnswer, cut_short
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, Hear, Tell, describe, run_here

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """What came of a row, and how many seconds it took; without an assignment if its solver failed."""

    answer: RowAnswer
    seconds: float = 0.0


LATE = Row(cut_short(None))
INTERRUPTED = Row(cut_short(None, lambda: True))


@dataclass
class CtrlC:
    """Whether Ctrl-C was ``pressed`` while rows were searched; a second one gives up."""

    pressed: bool = False

    def survived(self, step: Callable[[], T]) -> T:
        """What a step comes to; after the first KeyboardInterrupt it is taken again, and has to go on."""
        try:
            return step()
        except KeyboardInterrupt:
            if self.pressed:
                raise
            self.pressed = True
            return step()


@dataclass(frozen=True)
class RowPlan:
    """What is to be done: each of ``models``, rows of one layer, is answered by ``rounder`` under ``limits``.

    ``threads`` rows run at once, here or on the ``executor``. No row begins after the ``deadline`` (of
    ``time.monotonic()``), and each that begins before gets an even share of the time that is left; on an
    executor, of the time at the start.
    """

    models: Sequence[QuadraticModel]
    rounder: Rounder
    limits: Limits
    threads: int = 1
    executor: Executor | None = None
    deadline: float = math.inf


class RowRuns:
    """Runs a plan while the context is open; what has not ended when it closes is stopped.

    Nothing runs in the thread that opens it: a KeyboardInterrupt raised while a solver in C asks whether to
    stop, or while a compiler frees its memory, would be lost.
    """

    def __init__(self, plan: RowPlan) -> None:
        self._plan, self._left = plan, set(range(len(plan.models)))
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(plan.threads)
        self._one_thread = blas_threads(1)  # for each row
        self._futures: dict[Future[Row], int] = {}

    def __enter__(self) -> RowRuns:
        self._one_thread.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        try:
            self._pool.shutdown(cancel_futures=True)
        finally:
            self._one_thread.__exit__(None, None, None)

    def ended(self) -> Iterator[tuple[int, Row]]:
        """Numbers and outcomes of the rows as they end."""
        for i, row in self._outcomes():
            yield i, row
            self._left.discard(i)  # an interrupt before leaves it to :meth:`interrupted`

    def interrupted(self) -> Iterator[tuple[int, Row]]:
        """After a KeyboardInterrupt in :meth:`ended` or its caller: every row that is left, at once.

        A row that runs here is told to stop, and what it has is taken. One that runs on the caller's executor
        cannot be told, and is not waited for.
        """
        self._stop.set()
        begun = {i: future for future, i in self._futures.items() if not future.cancel()}
        for i in sorted(self._left):
            future = begun.get(i)
            waits = future is not None and (self._plan.executor is None or future.done())
            yield i, _outcome(future) if future is not None and waits else INTERRUPTED

    def _outcomes(self) -> Iterator[tuple[int, Row]]:
        plan = self._plan

        def over() -> bool:
            return self._stop.is_set() or time.monotonic() >= plan.deadline

        try:
            with blas_threads(plan.threads):
                prepared = self._pool.submit(plan.rounder.prepare, plan.models[0].gram, over).result()
        except Exception as error:
            failed = Row(_failed(describe(error)))
            yield from ((i, failed) for i in range(len(plan.models)))
            return
        shares, task = _Shares(plan), RowTask(plan.models[0], plan.rounder, plan.limits, prepared)
        if plan.executor is None:

            def in_turn(model: QuadraticModel) -> Row:
                share = shares.take()
                if share is None:
                    return LATE
                return replace(task, model=model, limits=share, stopped=self._stop.is_set).run()

            self._futures |= {self._pool.submit(in_turn, model): i for i, model in enumerate(plan.models)}
            yield from self._gathered(math.inf)
        elif (share := shares.take()) is None:
            yield from ((i, LATE) for i in range(len(plan.models)))
        else:
            for i, model in enumerate(plan.models):
                own = replace(task, model=model, limits=share)
                self._futures[plan.executor.submit(RowTask.run, own)] = i
            yield from self._gathered(plan.deadline)

    def _gathered(self, deadline: float) -> Iterator[tuple[int, Row]]:
        """Outcomes as they come; what has not begun at the deadline is given up."""
        futures = self._futures
        waiting = set(futures)
        left = None if deadline == math.inf else max(deadline - time.monotonic(), 0.0)
        try:
            for future in _as_they_end(futures, left):
                waiting.remove(future)
                yield futures[future], _outcome(future)
        except TimeoutError:
            given_up = {future for future in waiting if future.cancel()}
            yield from ((futures[future], LATE) for future in given_up)
            yield from ((futures[future], _outcome(future)) for future in _as_they_end(waiting - given_up))


class _Shares:
    """The limits of each row as it begins."""

    def __init__(self, plan: RowPlan) -> None:
        self._plan, self._waiting = plan, len(plan.models)
        self._lock = threading.Lock()

    def take(self) -> Limits | None:
        """Limits for the next row; None if there is no time left."""
        plan = self._plan
        if plan.deadline == math.inf:
            return plan.limits
        with self._lock:
            waiting, self._waiting = self._waiting, self._waiting - 1
            left = plan.deadline - time.monotonic()
        if left <= 0:
            return None
        share = left * min(plan.threads, waiting) / waiting
        own = plan.limits.time
        return replace(plan.limits, time=share if own is None else min(share, own))


def _as_they_end(futures: Iterable[Future[Row]], left: float | None = None) -> Iterator[Future[Row]]:
    """Each future as it ends; raises TimeoutError after ``left`` seconds.

    A KeyboardInterrupt while :func:`concurrent.futures.as_completed` waits can break a lock that it shares
    with the workers; this queue is written in C and has none in Python.
    """
    waiting, queue = set(futures), SimpleQueue[Future[Row]]()
    end = None if left is None else time.monotonic() + left
    for future in waiting:
        future.add_done_callback(queue.put)
    for _ in waiting:
        try:
            yield queue.get(timeout=None if end is None else max(end - time.monotonic(), 0.0))
        except Empty:
            raise TimeoutError from None


def _outcome(future: Future[Row]) -> Row:
    """What came of a row, once it has ended; an executor may have failed by itself, say lost a worker."""
    try:
        error = future.exception()
    except CancelledError:
        return INTERRUPTED
    if isinstance(error, KeyboardInterrupt):  # a terminal's Ctrl-C goes to an executor's processes too
        return INTERRUPTED
    return future.result() if error is None else Row(_failed(describe(error)))


def _failed(reason: str | None, limit: Limit | None = None) -> RowAnswer:
    return RowAnswer(Status.UNKNOWN, limit=limit, reason=reason)


def _never() -> bool:
    return False


@dataclass(frozen=True)
class RowTask:
    """One row: a task for a worker, or for this process.

    The rounder is to end ``spare`` seconds before the time limit, by its own clock.
    """

    model: QuadraticModel
    rounder: Rounder
    limits: Limits
    prepared: Any
    stopped: Callable[[], bool] = _never
    spare: float = 0.0
    fresh = False  # the rows of a layer are many, and alike
    runs_programs = False

    @property
    def family(self) -> str:
        """Rows under the same memory limit."""
        return f"round {self.rounder.name} {self.limits.memory}"

    def execute(self, tell: Tell[None], hear: Hear) -> RowAnswer:  # noqa: ARG002 - knows all it needs
        """The rounder's answer; raises whatever the rounder raises."""
        limits = self.limits
        if limits.time is not None:
            limits = replace(limits, time=limits.time - self.spare)
        return self.rounder.run(self.model, limits, self.prepared, self.stopped)

    def run(self) -> Row:
        """Run it here, or in a process of its own if it needs one; a failure is its reason."""
        begin = time.perf_counter()
        if self.stopped():
            return INTERRUPTED
        if self.rounder.isolated or self.limits.memory is not None:
            spare = 0.0 if self.limits.time is None else min(0.5, 0.2 * self.limits.time)
            ended = run_isolated(replace(self, stopped=_never, spare=spare), _ignore, self.stopped)
        else:
            ended = run_here(self, _ignore)
        return Row(_checked(self.model, ended), time.perf_counter() - begin)


def _ignore(_: None) -> None:
    """Takes the news of rows, which have none."""


def _checked(model: QuadraticModel, ended: Ended[RowAnswer]) -> RowAnswer:
    """The answer of a row, or why it is none."""
    answer = ended.answer
    if answer is None:
        return _failed(ended.reason, ended.limit)
    if not math.isfinite(answer.bound):
        return _failed(f"the solver's bound is {answer.bound}")
    v = answer.assignment
    if v is None:
        return answer if answer.status is not Status.OPTIMAL else _failed("the solver's optimum is missing")
    if v.shape != model.lower.shape or (v < model.lower).any() or (v > model.upper).any():
        return _failed("the solver's answer is not in the box")
    return answer

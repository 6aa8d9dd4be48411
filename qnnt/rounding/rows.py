"""The rows of a layer, run one after another, over cores, in processes of their own, or on an executor."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from qnnt.blas import blas_threads
from qnnt.limits import Limit, Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import Rounder, RowAnswer, cut_short
from qnnt.workers.executors import NamedExecutor, failure, given_up, places, share
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, Hear, Tell, describe, run_here

T = TypeVar("T")

_GRACE = 5.0  # seconds after the deadline in which rows on an executor end by their own limits


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

    ``threads`` rows run at once here. An ``executor`` gets two for each of its places; if it does not know
    how many it has, they are ``threads``. No row begins after the ``deadline`` (of ``time.monotonic()``), and
    each that begins before gets an even share of the time that is left.
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
        task = RowTask(plan.models[0], plan.rounder, plan.limits, prepared)
        if plan.executor is not None:
            yield from self._on(plan.executor, task)
            return
        shares = _Shares(plan, plan.threads)

        def in_turn(model: QuadraticModel) -> Row:
            limits = shares.take()
            if limits is None:
                return LATE
            return replace(task, model=model, limits=limits, stopped=self._stop.is_set).run()

        self._futures |= {self._pool.submit(in_turn, model): i for i, model in enumerate(plan.models)}
        ended = SimpleQueue[Future[Row]]()
        for future in list(self._futures):
            future.add_done_callback(ended.put)
        for _ in plan.models:
            future = ended.get()
            yield self._futures[future], _outcome(future)

    def _on(self, executor: Executor, task: RowTask) -> Iterator[tuple[int, Row]]:
        """Outcomes from an executor, which has two rows for each of its places: one waits while one runs."""
        plan, apart = self._plan, isinstance(executor, NamedExecutor)
        shares, shared = _Shares(plan, places(executor, plan.threads)), share(executor, task)
        waiting, running = deque(enumerate(plan.models)), set[Future[Row]]()
        ended = SimpleQueue[Future[Row]]()
        while waiting or running:
            while waiting and len(running) < 2 * places(executor, plan.threads):
                i, model = waiting.popleft()
                limits = shares.take()
                if limits is None:
                    yield i, LATE
                    continue
                try:
                    future = executor.submit(run_row, shared, RowPart.of(model), limits, apart)
                except Exception as error:  # the executor is broken, or was shut down
                    yield i, Row(_failed(describe(error)))
                    continue
                self._futures[future] = i
                running.add(future)
                future.add_done_callback(ended.put)
            if not running:
                continue
            try:
                future = ended.get(timeout=self._patience)
            except Empty:  # after the deadline: what has not begun, or cannot be heard of, is given up
                for future in running:
                    future.cancel()
                future = ended.get()
            running.remove(future)
            cut_short = future.cancelled() and not self._stop.is_set()
            yield self._futures[future], LATE if cut_short else _outcome(future)

    @property
    def _patience(self) -> float | None:
        """Seconds until all rows should have ended."""
        left = self._plan.deadline - time.monotonic()
        return None if left == math.inf else max(left, 0.0) + _GRACE


class _Shares:
    """The limits of each row as it begins."""

    def __init__(self, plan: RowPlan, threads: int) -> None:
        self._plan, self._threads, self._waiting = plan, threads, len(plan.models)
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
        share = left * min(self._threads, waiting) / waiting
        own = plan.limits.time
        return replace(plan.limits, time=share if own is None else min(share, own))


def _outcome(future: Future[Row]) -> Row:
    """What came of a row, once it has ended; an executor may have failed by itself, say lost a worker."""
    if future.cancelled() or isinstance(future.exception(), KeyboardInterrupt):
        return INTERRUPTED  # a terminal's Ctrl-C goes to an executor's processes too
    lost = failure(future)
    return future.result() if lost is None else Row(_failed(lost))


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

    def run(self, *, apart: bool = False) -> Row:
        """Run it here, or in a process of its own, ``apart`` or if it needs one; a failure is its reason."""
        begin = time.perf_counter()
        if self.stopped():
            return INTERRUPTED
        if apart or self.rounder.isolated or self.limits.memory is not None:
            spare = 0.0 if self.limits.time is None else min(0.5, 0.2 * self.limits.time)
            ended = run_isolated(replace(self, stopped=_never, spare=spare), _ignore, self.stopped)
        else:
            ended = run_here(self, _ignore)
        return Row(_checked(self.model, ended), time.perf_counter() - begin)


@dataclass(frozen=True)
class RowPart:
    """What the model of a row does not share with those of the other rows of its layer."""

    target: npt.NDArray[np.float64]
    lower: npt.NDArray[np.int64]
    upper: npt.NDArray[np.int64]
    scale: float
    constant: float

    @classmethod
    def of(cls, model: QuadraticModel) -> RowPart:
        """That of a model."""
        return cls(model.target, model.lower, model.upper, model.scale, model.constant)


def run_row(task: RowTask, part: RowPart, limits: Limits, apart: bool) -> Row:
    """Run a row in an executor: the task is that of any row of the layer, which is sent once."""
    model = replace(task.model, **vars(part))
    return replace(task, model=model, limits=limits, stopped=given_up()).run(apart=apart)


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

"""The rows of a layer, run one after another, over cores, in processes of their own, or on an executor."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Any

from qnnt.domain import IntArray
from qnnt.limits import Limits
from qnnt.models import QuadraticModel
from qnnt.rounders.base import LATE, Rounder, RowAnswer
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, Tell, describe, run_here


@dataclass(frozen=True)
class Row:
    """What came of a row; no ``assignment`` if it was not reached, its solver failed, or has none to give."""

    assignment: IntArray | None
    bound: float
    reason: str | None
    seconds: float


def run_rows(
    models: Sequence[QuadraticModel],
    rounder: Rounder,
    limits: Limits,
    threads: int,
    executor: Executor | None,
    deadline: float = math.inf,
) -> Iterator[tuple[int, Row]]:
    """Numbers and outcomes of the rows of one layer as they end; ``limits`` are each row's.

    No row begins after the ``deadline`` (of ``time.monotonic()``), and each that begins before gets an even
    share of the time that is left; on an executor, of the time at the start.
    """
    # Nothing runs in this thread: a KeyboardInterrupt raised while a solver in C asks whether to stop, or
    # while a compiler frees its memory, would be lost.
    stop = threading.Event()
    pool = ThreadPoolExecutor(threads)
    try:
        preparation = pool.submit(
            rounder.prepare, models[0].gram, lambda: stop.is_set() or time.monotonic() >= deadline
        )
        try:
            prepared = preparation.result()
        except Exception as error:
            failed = Row(None, 0.0, describe(error), 0.0)
            yield from ((i, failed) for i in range(len(models)))
            return
        shares = _Shares(limits, deadline, threads, len(models))
        run = _isolated_row if rounder.isolated or limits.memory is not None else _run_row
        if executor is None:

            def in_turn(model: QuadraticModel) -> Row:
                share = shares.take()
                return _UNREACHED if share is None else run(model, rounder, share, prepared, stop.is_set)

            futures = {pool.submit(in_turn, model): i for i, model in enumerate(models)}
            yield from _gathered(futures, math.inf)
        elif (share := shares.take()) is None:
            yield from ((i, _UNREACHED) for i in range(len(models)))
        else:
            futures = {
                executor.submit(run, model, rounder, share, prepared, _never): i
                for i, model in enumerate(models)
            }
            yield from _gathered(futures, deadline)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


_UNREACHED = Row(None, 0.0, LATE, 0.0)


class _Shares:
    """The limits of each row as it begins."""

    def __init__(self, limits: Limits, deadline: float, threads: int, rows: int) -> None:
        self._limits, self._deadline, self._threads, self._waiting = limits, deadline, threads, rows
        self._lock = threading.Lock()

    def take(self) -> Limits | None:
        """Limits for the next row; None if there is no time left."""
        if self._deadline == math.inf:
            return self._limits
        with self._lock:
            waiting, self._waiting = self._waiting, self._waiting - 1
            left = self._deadline - time.monotonic()
        if left <= 0:
            return None
        share = left * min(self._threads, waiting) / waiting
        own = self._limits.time
        return replace(self._limits, time=share if own is None else min(share, own))


def _gathered(futures: dict[Future[Row], int], deadline: float) -> Iterator[tuple[int, Row]]:
    """Outcomes as they come; what has not begun at the deadline is given up."""
    waiting = set(futures)
    left = None if deadline == math.inf else max(deadline - time.monotonic(), 0.0)
    try:
        for future in as_completed(futures, left):
            waiting.remove(future)
            yield futures[future], _outcome(future)
    except TimeoutError:
        given_up = {future for future in waiting if future.cancel()}
        yield from ((futures[future], _UNREACHED) for future in given_up)
        yield from ((futures[future], _outcome(future)) for future in as_completed(waiting - given_up))


def _outcome(future: Future[Row]) -> Row:
    try:
        return future.result()
    except Exception as error:  # the executor's own failure: a lost worker, say
        return Row(None, 0.0, describe(error), 0.0)


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

    def execute(self, tell: Tell[None]) -> RowAnswer:  # noqa: ARG002 - a row has no news
        """The rounder's answer; raises whatever the rounder raises."""
        limits = self.limits
        if limits.time is not None:
            limits = replace(limits, time=limits.time - self.spare)
        return self.rounder.run(self.model, limits, self.prepared, self.stopped)


def _run_row(
    model: QuadraticModel, rounder: Rounder, limits: Limits, prepared: Any, stopped: Callable[[], bool]
) -> Row:
    """One row in this process; whatever its solver raises becomes the reason."""
    begin = time.perf_counter()
    ended = run_here(RowTask(model, rounder, limits, prepared, stopped), _ignore)
    return _row(model, ended, time.perf_counter() - begin)


def _isolated_row(
    model: QuadraticModel, rounder: Rounder, limits: Limits, prepared: Any, stopped: Callable[[], bool]
) -> Row:
    """One row in a worker process."""
    begin = time.perf_counter()
    if stopped():
        return Row(None, 0.0, "interrupted", 0.0)
    spare = 0.0 if limits.time is None else min(0.5, 0.2 * limits.time)
    ended = run_isolated(RowTask(model, rounder, limits, prepared, spare=spare), _ignore, stopped)
    return _row(model, ended, time.perf_counter() - begin)


def _ignore(_: None) -> None:
    """Takes the news of rows, which have none."""


def _row(model: QuadraticModel, ended: Ended[RowAnswer], seconds: float) -> Row:
    answer = ended.answer
    if answer is None:
        return Row(None, 0.0, ended.reason, seconds)
    v = answer.assignment
    if v is None:
        return Row(None, answer.bound, answer.reason, seconds)
    if v.shape != model.lower.shape or (v < model.lower).any() or (v > model.upper).any():
        return Row(None, 0.0, "the solver's answer is not in the box", seconds)
    return Row(v, answer.bound, answer.reason, seconds)

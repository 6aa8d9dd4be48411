"""The rows of a layer, run one after another, over cores, in processes of their own, or on an executor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from qnnt.backends.rounding import Rounder, RowAnswer, RowJob
from qnnt.domain import IntArray
from qnnt.models import QuadraticModel
from qnnt.result import Limits


@dataclass(frozen=True)
class Row:
    """What came of a row; no ``assignment`` if its solver failed or leaves it rounded to nearest."""

    assignment: IntArray | None
    bound: float
    reason: str | None
    seconds: float


def run_rows(
    models: Sequence[QuadraticModel],
    rounder: Rounder,
    limits: Limits,
    threads: int,
    prepared: Any,
    executor: Executor | None,
) -> Iterator[tuple[int, Row]]:
    """Numbers and outcomes of the rows as they end; ``limits`` are each row's."""
    if executor is not None:
        futures = {executor.submit(run_row, m, rounder, limits, prepared): i for i, m in enumerate(models)}
        yield from _gathered(futures)
        return
    isolate = rounder.isolated or limits.memory is not None
    # Never in this thread: a KeyboardInterrupt raised while a solver in C asks whether to stop would be lost.
    stop = threading.Event()
    run = _isolated_row if isolate else run_row
    pool = ThreadPoolExecutor(threads)
    try:
        futures = {
            pool.submit(run, m, rounder, limits, prepared, stop.is_set): i for i, m in enumerate(models)
        }
        yield from _gathered(futures)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _gathered(futures: dict[Future[Row], int]) -> Iterator[tuple[int, Row]]:
    for future in as_completed(futures):
        try:
            row = future.result()
        except Exception as error:  # the executor's own failure: a lost worker, say
            row = Row(None, 0.0, _describe(error), 0.0)
        yield futures[future], row


def _never() -> bool:
    return False


def run_row(
    model: QuadraticModel,
    rounder: Rounder,
    limits: Limits,
    prepared: Any,
    stopped: Callable[[], bool] = _never,
) -> Row:
    """One row in this process; whatever its solver raises becomes the reason."""
    begin = time.perf_counter()
    try:
        answer = rounder.run(model, limits, prepared, stopped)
    except Exception as error:
        return Row(None, 0.0, _describe(error), time.perf_counter() - begin)
    return _row(model, answer, time.perf_counter() - begin)


def _isolated_row(
    model: QuadraticModel, rounder: Rounder, limits: Limits, prepared: Any, stopped: Callable[[], bool]
) -> Row:
    from qnnt.backends.isolation import run_isolated

    begin = time.perf_counter()
    if stopped():
        return Row(None, 0.0, "interrupted", 0.0)
    outcome = run_isolated(RowJob(model, rounder, limits, prepared), lambda _: None, stopped)
    seconds = time.perf_counter() - begin
    if outcome.answer is None:
        return Row(None, 0.0, outcome.reason, seconds)
    return _row(model, outcome.answer, seconds)


def _row(model: QuadraticModel, answer: RowAnswer, seconds: float) -> Row:
    v = answer.assignment
    if v is None:
        return Row(None, answer.bound, answer.reason, seconds)
    if v.shape != model.lower.shape or (v < model.lower).any() or (v > model.upper).any():
        return Row(None, 0.0, "the solver's answer is not in the box", seconds)
    return Row(v, answer.bound, answer.reason, seconds)


def _describe(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

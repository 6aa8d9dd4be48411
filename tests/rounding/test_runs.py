"""Rows over threads, processes and executors, under limits, and by solvers that fail."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
from faulty import FaultyRounder, Hurried
from layers import Layer

from qnnt import registry
from qnnt.exceptions import WrongAnswer
from qnnt.limits import Limit, Limits, Status
from qnnt.rounders.base import PROVED, RowAnswer, nearest
from qnnt.rounders.nearest import NearestPlaneRounder, NearestRounder
from qnnt.rounding import round_layer
from qnnt.rounding.qubo import QuboEncoder
from qnnt.rounding.rows import RowPlan, RowRuns


def test_threads_processes_and_executors_agree():
    layer = Layer.random(2, 5, 8, 30)
    run = partial(round_layer, layer.W, layer.b, layer.X, row_time=120)  # with all that a process loads
    plain = run()
    seen = []
    threads = run(limits=Limits(threads=2), progress=lambda p: seen.append((p.done, p.total)))
    assert seen == [(i + 1, 5) for i in range(5)]
    with ThreadPoolExecutor(2) as executor:
        given_one = run(executor=executor)
    isolated = run(limits=Limits(memory=8000))
    for other in (threads, given_one, isolated):
        assert (other.codes == plain.codes).all(), other.reasons
        assert (other.proved == plain.proved).all()


def test_processes_of_an_executor_agree():
    layer = Layer.random(2, 5, 8, 30)
    plain = round_layer(layer.W, layer.b, layer.X, row_time=120)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        others = round_layer(layer.W, layer.b, layer.X, row_time=120, executor=executor)
        late = round_layer(layer.W, layer.b, layer.X, limits=Limits(time=1e-3), executor=executor)
    assert (others.codes == plain.codes).all(), others.reasons
    assert others.proved.all()
    assert set(late.row_limits) == {Limit.TIME}


def test_solvers_that_bear_no_other_share_an_executor():
    layer = Layer.random(2, 2, 5, 30)
    with ThreadPoolExecutor(2) as executor:
        for name in ("cpsat", "milp"):
            result = round_layer(layer.W, layer.b, layer.X, row_time=120, backend=name, executor=executor)
            assert result.proved.all(), result.reasons


def test_a_lost_executor_loses_no_row():
    layer = Layer.random(2, 3, 5, 30)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        result = round_layer(layer.W, layer.b, layer.X, backend=FaultyRounder(how="die"), executor=executor)
    assert all("BrokenProcessPool" in reason for reason in result.reasons)
    assert (result.cost == result.nearest_cost).all()
    assert (result.lower_bound == 0).all()


@dataclass(frozen=True)
class Slow(NearestPlaneRounder):
    """Takes its time, and remembers which rows were begun."""

    seconds: float = 0.0
    begun: list[Limits] = field(default_factory=list)
    name = "slow"

    def prepare(self, gram, over):
        assert threading.current_thread() is not threading.main_thread()  # where a Ctrl-C could be lost
        while self.seconds and not over():
            time.sleep(1e-3)

    def run(self, model, limits, prepared, stopped):
        assert threading.current_thread() is not threading.main_thread()
        self.begun.append(limits)
        time.sleep(2e-3)
        return RowAnswer(Status.SATISFIABLE, nearest(model), reason="slow")


@pytest.mark.parametrize("name", sorted(rounder.name for rounder in registry.rounders()))
def test_no_time_is_a_cheap_rounding_and_no_proof(name):
    """Rows that are not reached: never worse than nearest, bounds that hold, nothing missing."""
    for seed in range(5):
        layer = Layer.random(seed, 3, 12, 40)
        exact = round_layer(layer.W, layer.b, layer.X, row_time=120)
        heard = []
        result = round_layer(
            layer.W, layer.b, layer.X, backend=name, limits=Limits(time=1e-6), progress=heard.append
        )
        assert set(result.row_status) == {Status.UNKNOWN}
        assert set(result.row_limits) == {Limit.TIME}
        assert set(result.reasons) == {"the time limit was reached"}
        assert not result.proved.any()
        assert (result.lower_bound <= exact.cost * (1 + 1e-9)).all()
        assert (result.cost <= result.nearest_cost).all()
        assert [news.done for news in heard] == [1, 2, 3]
        if name == "nearest":
            assert (result.cost == result.nearest_cost).all()
        else:
            assert result.cost.sum() < result.nearest_cost.sum()


def test_a_rounder_says_what_late_rows_become_whatever_its_name():
    class Namesake(NearestPlaneRounder):
        name = "nearest"

    class Baseline(NearestRounder):
        name = "baseline"

    layer = Layer.random(0, 3, 12, 40)
    late = {"limits": Limits(time=1e-6)}
    by_plane = round_layer(layer.W, layer.b, layer.X, backend=Namesake(), **late)
    kept = round_layer(layer.W, layer.b, layer.X, backend=Baseline(), **late)
    assert set(by_plane.row_limits) == set(kept.row_limits) == {Limit.TIME}
    assert by_plane.cost.sum() < by_plane.nearest_cost.sum()
    assert (kept.cost == kept.nearest_cost).all()


def test_a_rounder_of_bits_refuses_more_in_the_same_words():
    layer = Layer.random(0, 1, 4, 20, bits=4, candidates=3)
    model, _ = QuboEncoder(0).apply(layer.problem())
    refusals = {rounder.refuses(model) for rounder in registry.rounders()} - {None}
    assert refusals == {"takes two candidates per weight; try closest-vector or beam"}


@pytest.mark.parametrize("name", ["closest-vector", "enumeration", "cpsat", "milp"])
def test_bounds_hold_at_any_time_limit(name):
    rounder = registry.rounder(name)
    for seed in range(3):
        layer = Layer.random(seed, 1, 11, 40)
        model, _ = QuboEncoder(0).apply(layer.problem())
        best = model.cost(registry.rounder("enumeration").run(model, Limits(), None, bool).assignment)
        with RowRuns(RowPlan([model], Hurried(rounder), Limits(time=60))) as runs:
            ((_, row),) = runs.ended()
        assert row.answer.reason == "of 10"
        assert row.answer.bound <= best * (1 + PROVED)


def test_preparation_counts_and_no_row_begins_late():
    layer = Layer.random(0, 4, 5, 20)
    slow = Slow(seconds=1.0)
    result = round_layer(layer.W, layer.b, layer.X, backend=slow, limits=Limits(time=0.05))
    assert (slow.begun, set(result.row_limits)) == ([], {Limit.TIME})


def test_time_that_a_row_leaves_is_for_those_after_it():
    layer = Layer.random(0, 4, 5, 20)
    quick = Slow()
    result = round_layer(layer.W, layer.b, layer.X, backend=quick, limits=Limits(time=1000.0))
    times = [limits.time for limits in quick.begun]
    assert set(result.reasons) == {"slow"}
    assert 240 < times[0] <= 250  # a quarter, then a third …
    assert times == sorted(times)
    assert 900 < times[-1] <= 1000
    capped = Slow()
    round_layer(layer.W, layer.b, layer.X, backend=capped, limits=Limits(time=1000.0), row_time=7.0)
    assert [limits.time for limits in capped.begun] == [7.0] * 4


def test_a_failing_solver_is_no_answer():
    layer = Layer.random(0, 2, 5, 20)
    faults = {
        "raise": "ZeroDivisionError: of course",
        "outside": "not in the box",
        "empty": "optimum is missing",
        "nan": "bound is nan",
        "unprepared": "No space",
    }
    for how, reason in faults.items():
        result = round_layer(layer.W, layer.b, layer.X, backend=FaultyRounder(how=how))
        assert all(reason in r for r in result.reasons)
        assert set(result.row_status) == {Status.UNKNOWN}
        assert set(result.row_limits) == {None}
        assert not result.proved.any()
        assert (result.cost == result.nearest_cost).all()
        assert (result.lower_bound == 0).all()
    with pytest.raises(WrongAnswer, match="row 0 costs at least"):
        round_layer(layer.W, layer.b, layer.X, backend=FaultyRounder(how="bound"))


def test_a_memory_limit_is_told_and_leaves_the_nearest_plane():
    layer = Layer.random(0, 1, 12, 40)
    limits = Limits(memory=1000)
    result = round_layer(
        layer.W, layer.b, layer.X, backend=FaultyRounder(how="hoard"), limits=limits, row_time=120
    )
    assert (result.reasons, result.row_limits) == (("out of memory",), (Limit.MEMORY,))
    assert result.row_status == (Status.UNKNOWN,)
    planes = round_layer(layer.W, layer.b, layer.X, backend="nearest-plane")
    assert (result.cost == np.minimum(planes.cost, planes.nearest_cost)).all()


def test_a_status_for_every_row():
    layer = Layer.random(0, 2, 6, 20)
    statuses = {"closest-vector": Status.OPTIMAL, "beam": Status.SATISFIABLE, "nearest": Status.SATISFIABLE}
    for name, status in statuses.items():
        result = round_layer(layer.W, layer.b, layer.X, backend=name, row_time=60)
        assert result.row_status == (status,) * 2
        assert result.row_limits == (None, None)
        assert (result.reasons == (None, None)) == (status is Status.OPTIMAL)


class Silent(Executor):
    """Runs the first row, and never anything else."""

    def __init__(self):
        self.asked = []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        if not self.asked:
            future.set_result(fn(*args, **kwargs))
        self.asked.append(future)
        return future


def test_an_executor_that_falls_silent_is_given_up_at_the_deadline(monkeypatch):
    monkeypatch.setattr("qnnt.rounding.rows._GRACE", 0.0)
    layer, silent = Layer.random(2, 5, 8, 30), Silent()
    result = round_layer(
        layer.W, layer.b, layer.X, backend="nearest-plane", limits=Limits(time=1.0), executor=silent
    )
    assert result.row_limits == (None, *[Limit.TIME] * 4)
    assert len(silent.asked) == 3  # two for a place, once one has ended

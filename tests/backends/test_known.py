"""What a backend hears of others while it runs: it looks for less only, and stops once there is nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import qnnt
from qnnt import registry
from qnnt.backends import maxsat, sat
from qnnt.backends.base import Start
from qnnt.generate.teacher import teacher_instance

INSTANCE = teacher_instance(3, [4, 2, 1], 30, 0.2, seed=1, goal=qnnt.Minimize())
NOTHING = np.empty(0, dtype=np.int64)


class Told:
    """A report that knows of a network of so many errors from the ``after``-th question on."""

    def __init__(self, cost: int, after: int) -> None:
        self.cost, self.after, self.asked = cost, after, 0
        self.costs: list[int] = []
        self.bounds: list[int] = []

    def incumbent(self, assignment: Any, cost: int) -> None:
        self.costs.append(cost)

    def bound(self, bound: int) -> None:
        self.bounds.append(bound)

    def progress(self, done: int, total: int) -> None:
        pass

    def known(self) -> Start | None:
        self.asked += 1
        return Start(NOTHING, NOTHING, self.cost) if self.asked > self.after else None


@pytest.fixture(scope="module")
def least() -> int:
    errors = qnnt.solve(INSTANCE, backend="cpsat", isolate=False).errors
    assert errors is not None
    assert errors > INSTANCE.choices.unavoidable + 1
    return errors


def run(name: str, told: Told) -> Any:
    backend: Any = registry.backend(name)
    model, _ = registry.encoder_for(backend, None, symmetry=True).apply(INSTANCE)
    return backend.run(model, qnnt.Limits(), told)


@pytest.mark.parametrize("solver", sat.SOLVERS)
def test_sat_looks_below_what_it_hears(solver: str, least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears in the middle of its first question, or before the second one."""
    monkeypatch.setattr(sat, "_CONFLICTS", 1)
    told = Told(least, after=1)
    answer = run(f"sat:{solver}", told)
    assert (answer.status, answer.assignment, answer.cost, answer.bound) == ("OPTIMAL", None, least, least)
    assert len(told.costs) <= 1


# Glucose pauses at a restart only, Lingeling and Kissat never do.
@pytest.mark.parametrize("solver", [s for s in sat.SOLVERS if not s.startswith(("glu", "lin", "kis"))])
def test_a_question_can_be_given_up_and_asked_again(
    solver: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sat, "_CONFLICTS", 1)
    model, _ = registry.encoder("clauses").apply(INSTANCE)
    oracle = sat.Incremental(model, solver)
    sat._Bound(model, oracle).below(-((model.offset - least) // model.unit))
    with pytest.raises(sat.Overtaken):
        oracle.solve(lambda: True)
    assert oracle.solve() is None


@pytest.mark.parametrize("name", ["sat", "maxsat"])
@pytest.mark.parametrize("after", [0, 1, 2, 5, 10, 20, 50])
@pytest.mark.parametrize("more", [0, 1, 3, 100])
def test_the_minimum_is_the_same_whatever_is_heard_and_when(
    name: str, after: int, more: int, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sat, "_CONFLICTS", 1)
    answer = run(name, Told(least + more, after))
    assert (answer.status, answer.cost, answer.bound) == ("OPTIMAL", least, least)
    assert more == 0 or answer.assignment is not None


def test_a_question_goes_on_if_what_is_heard_is_no_better(
    least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sat, "_CONFLICTS", 1)
    told = Told(10**6, after=0)
    assert run("sat", told).cost == least
    assert told.asked > 10


def test_cores_stop_at_what_is_heard(least: int) -> None:
    told = Told(least, after=0)
    answer = run("maxsat", told)
    assert (answer.status, answer.assignment, answer.cost, answer.bound) == ("OPTIMAL", None, least, least)
    assert told.bounds[-1] == least


def test_bounds_are_told_as_they_rise(least: int) -> None:
    """One by one: where a core is exhausted, too."""
    told = Told(10**6, after=0)
    assert run("maxsat", told).cost == least
    floor = INSTANCE.choices.unavoidable
    assert told.bounds == list(range(floor + 1, least + 1))


def test_the_gap_closes_at_the_better_of_both(least: int) -> None:
    """RC2's own first model, and what others have."""
    model, _ = registry.encoder("clauses").apply(INSTANCE)
    own = np.zeros(model.n_variables + 1, dtype=np.int8)
    cost = model.cost(own)
    for known, expected in ((cost + 1, cost), (cost, cost), (cost - 1, cost - 1)):
        gap = maxsat._Gap(model, Told(known, 0), None)
        gap.take(own)
        gap.rise(0)
        with pytest.raises(maxsat._Closed):
            gap.rise((expected - model.offset) // model.unit)
        answer = gap.answer()
        assert (answer.cost, answer.bound, answer.assignment is own) == (expected, expected, expected == cost)

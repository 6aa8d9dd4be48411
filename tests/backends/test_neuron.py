"""Branch and bound over one neuron, against every neuron that there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import activations, instances, named_activations

import qnnt
from qnnt.activation import Activation, Activations
from qnnt.backends.base import Answer, Start
from qnnt.backends.neuron.backend import NeuronBackend, problem_of
from qnnt.testing.brute_force import Truth

loops = pytest.importorskip("qnnt.backends.neuron.loops", exc_type=ImportError)

from qnnt.backends.neuron import minimum, tables  # noqa: E402
from qnnt.backends.neuron.minimum import Minimum, OutOfTime  # noqa: E402
from qnnt.backends.neuron.problem import FAR, Problem, intervals  # noqa: E402
from qnnt.backends.neuron.search import Search  # noqa: E402
from qnnt.backends.neuron.tables import Tables, interchangeable  # noqa: E402


def solved(instance: qnnt.Instance, **limits: float) -> qnnt.Result:
    return qnnt.solve(instance, backend="neuron", isolate=False, limits=qnnt.Limits(**limits))


def everything(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """All parameters and what they cost, by the definition of a term."""
    values = range(problem.domain.lo, problem.domain.hi + 1)
    every = np.array(list(product(values, repeat=problem.inputs.shape[1] + 1)), dtype=np.int64)
    costs = np.zeros(len(every), dtype=object)
    terms = zip(
        problem.inputs, problem.first.tolist(), problem.last.tolist(), problem.price.tolist(), strict=True
    )
    for x, first, last, price in terms:
        z = every[:, :-1] @ x - every[:, -1]
        costs += np.where((first <= z) & (z <= last), price, 0).astype(object)
    return every, costs


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Any terms: with one end, two or none, repeated inputs, and prices up to almost 2^60."""
    domain = qnnt.Domain(draw(st.integers(1, 5)))
    m = draw(st.integers(1, {1: 6, 2: 8, 3: 5, 4: 4, 5: 3}[domain.d]))
    n = draw(st.integers(0, 9))
    value = st.integers(domain.lo, domain.hi)
    x = [draw(st.lists(value, min_size=m, max_size=m)) for _ in range(n)]
    end = st.integers(-m * domain.d, m * domain.d)
    ends = [sorted(draw(st.tuples(end | st.just(-FAR), end | st.just(FAR)))) for _ in range(n)]
    prices = draw(st.sampled_from([st.just(1), st.integers(1, 20), st.integers(1, 2**58)]))
    price = draw(st.lists(prices, min_size=n, max_size=n))
    first, last = np.array(ends, dtype=np.int64).reshape(n, 2).T
    return Problem(
        domain, np.array(x, dtype=np.int64).reshape(n, m), first, last, np.array(price, dtype=np.int64)
    )


@given(problems())
def test_the_least_cost_and_every_decision(problem: Problem) -> None:
    _, costs = everything(problem)
    search = Minimum(problem)
    assert search.minimum() == costs.min() == search.cost == search.bound
    assert int(problem.costs(search.best[None])[0]) == costs.min()
    possible = sorted(set(costs.tolist()))
    for wanted in {0, *possible[:3], *possible[-2:], possible[0] - 1, possible[0] + 1, possible[-1] + 1}:
        if wanted >= 0:
            best = Minimum(problem).at_most(wanted)
            assert (best is not None) == (possible[0] <= wanted)
            assert best is None or problem.costs(best[None])[0] <= wanted
            best = Minimum(problem).exactly(wanted)
            assert (best is not None) == (wanted in possible)
            assert best is None or problem.costs(best[None])[0] == wanted


@given(problems(), st.data())
def test_a_search_in_small_steps_finds_each_once(problem: Problem, data: st.DataObject) -> None:
    """All of them without interchangeable inputs, one of each cost with them; none that costs more."""
    every, costs = everything(problem)
    wanted = data.draw(st.sampled_from(costs.tolist()))
    exact = data.draw(st.booleans())
    search, found = Search(Tables.of(problem, wanted), wanted, exact=exact), []
    while (said := search.advance(data.draw(st.integers(1, 5)))) != loops.DONE:
        done, total = search.progress()
        assert 0 <= done <= total
        if said == loops.FOUND:
            found += map(tuple, search.found().tolist())
    right = costs == wanted if exact else costs <= wanted
    expected = set(map(tuple, every[right].tolist()))
    assert len(found) == len(set(found))
    assert set(found) <= expected
    assert {int(c) for c in problem.costs(np.array(found))} == set(costs[right].tolist())
    moved = problem.columns.any(axis=1)
    if len(set(interchangeable(problem).tolist())) == len(moved):
        assert set(found) == expected


@pytest.fixture(params=[1, 40])
def small_tables(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MOST_BITS", request.param)


@pytest.mark.usefixtures("small_tables")
@given(problems())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_small_groups_come_to_the_same(problem: Problem) -> None:
    assert Minimum(problem).minimum() == everything(problem)[1].min()


def test_interchangeable_inputs() -> None:
    x = np.array([[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1]])
    ends = np.full(3, -FAR), np.zeros(3, dtype=np.int64)
    same = Problem(qnnt.Domain(3), x, *ends, np.ones(3, dtype=np.int64))
    assert interchangeable(same).tolist() == [0, 0, 2, 3, 4]
    priced = Problem(qnnt.Domain(3), x, *ends, np.array([1, 2, 1]))
    assert interchangeable(priced).tolist() == [0, 1, 2, 3, 4]


SHALLOW = instances(max_networks=3000, max_hidden=0, activation=activations)


@given(SHALLOW)
def test_instances_against_all_networks(instance: qnnt.Instance) -> None:
    truth = Truth(instance)
    if NeuronBackend().refuses(instance) is None:
        result = solved(instance)
        if instance.goal.minimizes:
            assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, truth.least)
        else:
            exists = truth.exists(instance.goal)
            assert result.status is (qnnt.Status.SATISFIABLE if exists else qnnt.Status.UNSATISFIABLE)
    zero = instance.with_goal(qnnt.AtMost(instance.choices.unavoidable))
    if NeuronBackend().refuses(zero) is None:
        assert (solved(zero).status is qnnt.Status.SATISFIABLE) == truth.exists(zero.goal)


@given(st.data())
def test_several_sparse_outputs_without_errors(data: st.DataObject) -> None:
    domain = qnnt.Domain(data.draw(st.sampled_from([2, 3])))
    m = 3 if domain.d == 2 else 2
    dense = qnnt.Architecture.dense([m, 2])
    missing = data.draw(st.sampled_from([None, ("x0", "y0"), ("x1", "y1")]))
    arcs = [a for a in dense.arcs if a != missing]
    value = st.lists(st.integers(domain.lo, domain.hi), min_size=m, max_size=m)
    x = data.draw(st.lists(value, min_size=1, max_size=5))
    named = Activations.of(data.draw(named_activations(domain)), domain)
    level = st.sampled_from(named.output.values)
    y = [data.draw(st.tuples(level, level)) for _ in x]
    goal = data.draw(st.sampled_from([qnnt.AtMost(0), qnnt.Exactly(0)]))
    architecture = qnnt.Architecture(dense.layers, arcs)
    instance = qnnt.Instance(domain, architecture, qnnt.Dataset(x, y), goal, activation=named)
    assert (solved(instance).status is qnnt.Status.SATISFIABLE) == Truth(instance).exists(goal)


@pytest.mark.parametrize(
    "goal", [qnnt.Minimize(), qnnt.AtMost(2**61 + 5), qnnt.AtMost(2**61), qnnt.Exactly(2**61 + 1)]
)
def test_huge_counts(goal: qnnt.Goal) -> None:
    x, y = [[0, 1], [1, 0], [1, 1], [0, 0], [0, 0]], [[1], [1], [0], [0], [1]]
    counts = [2**61 + 1, 2**60 - 7, 2**59, 2**58 + 3, 2]
    data = qnnt.Dataset(x, y, counts)
    instance = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 1]), data, goal)
    truth, result = Truth(instance), solved(instance)
    if goal.minimizes:
        assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, truth.least)
    else:
        assert (result.status is qnnt.Status.SATISFIABLE) == truth.exists(goal)


@pytest.mark.parametrize("threshold", [-(2**53), -7, 7, 2**53])
def test_thresholds_far_away(threshold: int) -> None:
    domain, far = qnnt.Domain(4), Activation([threshold], [0, 1])
    data = qnnt.Dataset([[2, 2], [-1, 2], [0, 0]], [[1], [0], [1]])
    instance = qnnt.Instance(domain, qnnt.Architecture.dense([2, 1]), data, qnnt.Minimize(), activation=far)
    assert solved(instance).errors == Truth(instance).least


def test_intervals_of_levels() -> None:
    lo, hi = intervals(Activation([-2, 5], [-1, 0, 1]), np.array([0, 1, 2]))
    assert (lo.tolist(), hi.tolist()) == ([-FAR, -2, 5], [-3, 4, FAR])


def random_instance(m: int, n: int, goal: qnnt.Goal | None = None, d: int = 3) -> qnnt.Instance:
    rng, domain = np.random.default_rng(m), qnnt.Domain(d)
    x, y = rng.integers(domain.lo, domain.hi + 1, (n, m)), rng.integers(0, 2, (n, 1))
    return qnnt.Instance(domain, qnnt.Architecture.dense([m, 1]), qnnt.Dataset(x, y), goal or qnnt.Minimize())


class Heard:
    """A report that keeps what it hears."""

    def __init__(self) -> None:
        self.incumbents: list[int] = []
        self.bounds: list[int] = []
        self.others: Start | None = None

    def incumbent(self, assignment: np.ndarray, cost: int) -> None:
        self.incumbents.append(cost)

    def bound(self, bound: int) -> None:
        self.bounds.append(bound)

    def progress(self, done: int, total: int) -> None:
        assert 0 <= done <= total

    def known(self) -> Start | None:
        return self.others


def answer(instance: qnnt.Instance, heard: Heard, time: float | None = None) -> Answer:
    return NeuronBackend().run(instance, qnnt.Limits(time=time), heard)


def test_bounds_and_incumbents_meet_at_the_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    instance, heard = random_instance(12, 50), Heard()
    monkeypatch.setattr(minimum, "_SLICE", 100)
    monkeypatch.setattr(minimum, "_SHARE", 2)
    monkeypatch.setattr(minimum, "_TRIES", 20_000)  # a bad start
    optimum = answer(instance, heard)
    assert optimum.status is qnnt.Status.OPTIMAL
    assert optimum.cost == qnnt.solve(instance, backend="maxsat").errors
    assert heard.bounds == sorted(set(heard.bounds))
    assert len(heard.bounds) > 2
    assert heard.bounds[-1] == heard.incumbents[-1] == optimum.cost
    assert heard.incumbents == sorted(set(heard.incumbents), reverse=True)


def test_the_best_that_others_know_is_where_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    instance, alone, told = random_instance(12, 50), Heard(), Heard()
    monkeypatch.setattr(minimum, "_SLICE", 100)
    for what in ("_TRIES", "_STEPS", "_CLIMBS"):
        monkeypatch.setattr(minimum, what, 1)  # a bad start
    best = answer(instance, alone)
    assert len(alone.incumbents) > 2
    told.others = Start(np.arange(13), best.assignment, best.cost)
    after = answer(instance, told)
    assert (after.status, after.cost, after.bound) == (qnnt.Status.OPTIMAL, best.cost, best.cost)
    assert len(told.incumbents) < len(alone.incumbents)
    assert np.array_equal(after.assignment, best.assignment)


def test_what_others_know_is_no_answer_to_an_exact_goal() -> None:
    """A network with fewer errors is as wrong as one with more."""
    instance, heard = random_instance(9, 40), Heard()
    best = answer(instance, heard)
    heard.others = Start(np.arange(10), best.assignment, best.cost)
    goal = qnnt.Exactly(best.cost + 2)
    exact = answer(instance.with_goal(goal), heard)
    assert exact.status is not qnnt.Status.UNKNOWN
    if exact.assignment is not None:
        assert instance.network(exact.assignment).error(instance.dataset) == goal.budget


def test_two_runs_do_the_same() -> None:
    instance = random_instance(9, 40)
    first, second = (answer(instance, Heard()) for _ in range(2))
    assert first.assignment.tolist() == second.assignment.tolist()
    assert first.sizes == second.sizes


def test_a_run_that_is_cut_short_keeps_what_it_has() -> None:
    instance = random_instance(30, 80)
    result = solved(instance, time=1.5)
    assert (result.status, result.limit) == (qnnt.Status.UNKNOWN, qnnt.Limit.TIME)
    assert result.reason == "the time limit was reached"
    assert 0 < result.errors < min(instance.dataset.labels.sum(), 80 - instance.dataset.labels.sum())
    assert result.lower_bound <= result.errors


@given(problems(), st.integers(0, 12))
def test_bounds_of_runs_that_are_cut_short(problem: Problem, slices: int) -> None:
    search, left = Minimum(problem), slices

    def tick() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OutOfTime

    search._tick = tick  # type: ignore[method-assign]
    try:
        search.minimum()
    except OutOfTime:
        costs = everything(problem)[1]
        assert search.bound <= costs.min()
        assert search.best is None or search.cost == problem.costs(search.best[None])[0] >= costs.min()


def test_what_is_declined_names_an_alternative() -> None:
    data = qnnt.Dataset([[0, 1]], [[1, 0]])
    hidden = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 2, 2]), data)
    two = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 2]), data, qnnt.Minimize())
    large = qnnt.Instance(qnnt.Domain(65), qnnt.Architecture.dense([2, 2]), data)
    many = qnnt.Dataset(
        np.arange(-31, 33)[:, None] * np.ones((1, 5000), dtype=int), np.zeros((64, 1), dtype=int)
    )
    wide = qnnt.Instance(qnnt.Domain(64), qnnt.Architecture.dense([5000, 1]), many)
    for instance, words in [
        (wide, "tables of more than 1,024 MiB"),
        (hidden, "without hidden layer"),
        (two, "several outputs"),
        (large, "up to 64 values"),
    ]:
        assert words in NeuronBackend().refuses(instance)
        assert "; try " in NeuronBackend().refuses(instance)
    tie = qnnt.Dataset([[0, 1], [0, 1]], [[1, 0], [0, 1]])
    goal = qnnt.AtMost(1)
    tied = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 2]), tie, goal)
    assert "several outputs" in NeuronBackend().refuses(tied)


def test_a_large_domain() -> None:
    result = solved(random_instance(2, 12, d=64))
    assert result.status is qnnt.Status.OPTIMAL
    assert result.errors == qnnt.solve(random_instance(2, 12, d=64), backend="cpsat").errors


def test_a_neuron_of_many_inputs() -> None:
    rng, domain = np.random.default_rng(0), qnnt.Domain(3)
    x = rng.integers(-1, 2, (40, 700))
    labels = (x[:, :9].sum(axis=1) >= 1).astype(int)[:, None]
    dense = qnnt.Architecture.dense([700, 1])
    instance = qnnt.Instance(domain, dense, qnnt.Dataset(x, labels), qnnt.Minimize())
    problem = problem_of(instance, 0)
    assert sum(c.shape[1] for c in Tables.of(problem, 3).completions) == 701
    assert Search(Tables.of(problem, 3), 3).advance(1000) in (loops.MORE, loops.FOUND)
    result = solved(instance, time=60)
    assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, 0)

"""Any architecture by bags: against enumeration, a SAT solver, and every order of elimination."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from architectures import medium
from brute_force import instances
from hypothesis import given, settings
from hypothesis import strategies as st

import qnnt
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.backends.treewidth.elimination import Elimination
from qnnt.backends.treewidth.plan import Sizes, Wiring, _Planner
from qnnt.backends.treewidth.space import Space
from qnnt.backends.treewidth.task import Budget, Stopped, Task


def all_learned(instance):
    """The first label of every input, as an instance without contradictions and as a task."""
    choices = instance.choices
    _, first = np.unique(choices.of, return_index=True)
    inputs = choices.inputs[choices.of[first]].astype(np.int64)
    allowed = np.zeros((len(first), instance.dataset.omega, instance.activation.output.top + 1), dtype=bool)
    for x, levels in enumerate(choices.levels[first]):
        allowed[x, np.arange(len(levels)), levels] = True
    clear = replace(instance, dataset=qnnt.Dataset(inputs, choices.labels[first]))
    return clear, Task(Space.of(clear), inputs, allowed)


@settings(max_examples=settings().max_examples // 2)
@given(instances(), st.randoms())
def test_every_order_gives_the_same_answer(instance, random):
    instance, task = all_learned(instance)
    if not task.n:
        return
    wiring = Wiring.of(instance.architecture)
    sizes = Sizes(wiring, task.space, task.n)
    order = list(range(wiring.n))
    random.shuffle(order)
    exists = any((count_errors(instance, block) == 0).any() for block in parameter_blocks(instance))
    for plan in (_Planner(wiring, sizes).follow(order), _Planner(wiring, sizes).least_work()):
        program = Elimination(task, wiring, plan, Budget())
        found = program.solve()
        assert (found is not None) == exists
        if exists:
            network = instance.network(found)
            assert network.error(instance.dataset) == 0
        assert all(len(done.table) <= 2**plan.rows + 1e-6 for done in program._memo.values())


def test_medium_instances_agree_with_a_sat_solver():
    definite, thorough = 0, settings().max_examples >= 1000
    for seed in range(850 if thorough else 10):
        instance = medium(seed)
        limits = qnnt.Limits(time=3 if thorough else 1)
        result = qnnt.solve(instance, backend="treewidth", limits=limits, isolate=False)
        if result.status is qnnt.Status.UNKNOWN:
            continue
        expected = qnnt.solve(instance, backend="sat:cadical195", isolate=False)
        assert (result.status, instance.goal) == (expected.status, instance.goal), seed
        if isinstance(instance.goal, qnnt.Minimize):
            assert result.errors == expected.errors, seed
        definite += 1
    assert definite >= (500 if thorough else 1)


def figure6(p):
    """Treewidth 2 and width p: two hubs, and p neurons in the second hidden layer between them."""
    middle = [f"m{i}" for i in range(p)]
    arcs = [("x0", "a"), ("x1", "a"), ("b", "y")]
    arcs += [("a", m) for m in middle] + [(m, "b") for m in middle]
    return qnnt.Architecture([["x0", "x1"], ["a"], middle, ["b"], ["y"]], arcs)


@pytest.mark.parametrize("p", [8, 200])
@pytest.mark.parametrize(
    ("labels", "status"), [([0, 0, 0, 1], "SATISFIABLE"), ([0, 1, 1, 0], "UNSATISFIABLE")]
)
def test_figure_6(p, labels, status):
    inputs = list(product((0, 1), repeat=2))
    dataset = qnnt.Dataset(inputs, [[y] for y in labels])
    result = qnnt.solve(
        qnnt.Instance(qnnt.Domain(2), figure6(p), dataset), backend="treewidth", isolate=False
    )
    assert result.status == status


def test_a_table_too_large_is_unknown_with_its_rows():
    architecture = qnnt.Architecture.dense([4, 12, 12, 2])
    rng = np.random.Generator(np.random.PCG64(0))
    inputs = np.array(list(product((-1, 0, 1, 2), repeat=2)) * 1)
    inputs = np.hstack([inputs, inputs[::-1]])
    instance = qnnt.Instance(qnnt.Domain(4), architecture, qnnt.Dataset(inputs, rng.integers(0, 3, (16, 2))))
    with pytest.raises(
        qnnt.Unsupported, match=r"tables of up to 2\^\d+ rows for 16 distinct inputs.*try sat"
    ):
        qnnt.solve(instance, backend="treewidth", isolate=False)


def test_a_budget_is_kept():
    budget = Budget(bytes=1000)
    with pytest.raises(Stopped, match="a table of 100 rows does not fit"):
        budget.admit(100, 8)
    with pytest.raises(Stopped, match="time limit"), budget.within(-1.0):
        budget.tick()
    budget.tick()

"""Any architecture by bags: against enumeration, a SAT solver, and every order of elimination."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from architectures import medium
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import activations, instances

import qnnt
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.backends.treewidth import layered
from qnnt.backends.treewidth.elimination import Elimination
from qnnt.backends.treewidth.layered import Layered
from qnnt.backends.treewidth.plan import Sizes, Wiring, _Planner
from qnnt.backends.treewidth.space import Space
from qnnt.backends.treewidth.task import Budget, Stopped, Task

pytestmark = pytest.mark.usefixtures("unaided")


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
@given(instances(max_networks=1100, max_parameters=15, activation=activations), st.randoms())
def test_every_order_and_layers_give_the_same_answer(instance, random):
    instance, task = all_learned(instance)
    if not task.n:
        return
    wiring = Wiring.of(instance.architecture)
    sizes = Sizes(wiring, task.space, task.n)
    order = list(range(wiring.n))
    random.shuffle(order)
    exists = any((count_errors(instance, block) == 0).any() for block in parameter_blocks(instance))
    found = []
    for plan in (_Planner(wiring, sizes).follow(order), _Planner(wiring, sizes).least_work()):
        program = Elimination(task, wiring, plan, Budget())
        found.append(program.solve())
        assert all(len(done.table) <= 2**plan.rows + 1e-6 for done in program._memo.values())
    if layered.applies(instance.architecture):  # also if the first layer is sparse
        found.append(Layered(task, Budget()).solve())
    for vector in found:
        assert (vector is not None) == exists
        assert vector is None or instance.network(vector).error(instance.dataset) == 0


DECIDED = (0, 1, 3, 5, 8, 11, 14, 19, 20, 28, 29, 32, 38, 43)  # seeds of what takes next to no time


def test_medium_instances_agree_with_a_sat_solver():
    """Those that are known to be decided quickly have to be; in a thorough run most of the others, too."""
    definite, thorough = set(), settings().max_examples >= 1000
    for seed in range(850) if thorough else DECIDED:
        instance = medium(seed)
        limits = qnnt.Limits(time=None if seed in DECIDED else 3)
        result = qnnt.solve(instance, backend="treewidth", limits=limits, isolate=False)
        if result.status is qnnt.Status.UNKNOWN:
            continue
        expected = qnnt.solve(instance, backend="sat:cadical195", isolate=False)
        assert (result.status, instance.goal) == (expected.status, instance.goal), seed
        if isinstance(instance.goal, qnnt.Minimize):
            assert result.errors == expected.errors, seed
        definite.add(seed)
    assert definite >= set(DECIDED)
    assert not thorough or len(definite) >= 500


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


@pytest.mark.parametrize("p", [8, 30])
@pytest.mark.parametrize(
    ("labels", "status"), [([0, 1, 1, 1], "SATISFIABLE"), ([0, 1, 1, 0], "UNSATISFIABLE")]
)
def test_figure_6_with_signs(p, labels, status):
    """Between neurons of −1 and 1, and one step at the output."""
    inputs = list(product((0, 1), repeat=2))
    dataset = qnnt.Dataset(inputs, [[y] for y in labels])
    instance = qnnt.Instance(qnnt.Domain(3), figure6(p), dataset, activation=("sign", "step"))
    assert qnnt.solve(instance, backend="treewidth", isolate=False).status == status


def test_more_inputs_than_one_number_holds():
    """A vector of 128 levels takes three numbers; the first input can be learned, parity cannot."""
    inputs = np.array(list(product((0, 1), repeat=7)))
    layers = [[f"x{i}" for i in range(7)], ["a", "b"], ["c", "e"], ["y"]]
    arcs = [(f"x{i}", "ab"[i % 2]) for i in range(7)]
    arcs += [("a", "c"), ("b", "e"), ("c", "y"), ("e", "y")]
    architecture = qnnt.Architecture(layers, arcs)
    for learned, status in ((inputs[:, 0], "SATISFIABLE"), (inputs.sum(axis=1) % 2, "UNSATISFIABLE")):
        instance = qnnt.Instance(qnnt.Domain(2), architecture, qnnt.Dataset(inputs, learned[:, None]))
        assert qnnt.solve(instance, backend="treewidth", isolate=False).status == status


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

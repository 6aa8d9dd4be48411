"""The paper's dynamic program against enumeration and SAT, and its recurrences as printed and as repaired."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, instances

import qnnt
from qnnt.activation import Activation
from qnnt.architecture import Architecture
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.decompositions.graph import Graph
from qnnt.decompositions.nice import Kind, nice
from qnnt.decompositions.tree import TreeDecomposition
from qnnt.verify.treewidth_dp import Printed, train


def every_error(instance):
    return np.concatenate([count_errors(instance, vectors) for vectors in parameter_blocks(instance)])


def agrees(instance, verdict, every):
    """The verdict is that of trying all networks, and its network is as good as it says."""
    possible = [e for e in every.tolist() if instance.goal.accepts(e)]
    assert verdict.possible == bool(possible)
    if not possible:
        assert (verdict.errors, verdict.network) == (None, None)
        return
    errors = qnnt.check(instance, verdict.network).errors
    assert instance.goal.accepts(errors)
    assert errors <= verdict.errors
    if not isinstance(instance.goal, qnnt.AtMost):
        assert errors == verdict.errors
    if isinstance(instance.goal, qnnt.Minimize):
        assert errors == every.min()


@given(instances(max_networks=400, max_points=4, activation=activations), st.data())
def test_any_activation_agrees_with_enumeration_on_every_goal(instance, data):
    every = every_error(instance)
    bound = data.draw(st.integers(0, instance.dataset.total))
    for goal in (qnnt.AtMost(bound), qnnt.Exactly(bound), qnnt.Minimize()):
        asked = instance.with_goal(goal)
        agrees(asked, train(asked), every)


@given(instances(max_networks=400, max_points=4), st.data())
def test_paper_enumeration_and_sat_agree_on_every_goal(instance, data):
    every, total = every_error(instance), instance.dataset.total
    bound = data.draw(st.integers(0, total))
    for goal in (qnnt.AtMost(bound), qnnt.Exactly(bound), qnnt.Minimize()):
        asked = instance.with_goal(goal)
        agrees(asked, train(asked), every)
        backend = "maxsat" if isinstance(goal, qnnt.Minimize) else "sat:cadical153"
        result = qnnt.solve(asked, backend=backend, isolate=False)
        if isinstance(goal, qnnt.Minimize):
            assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, every.min())
        else:
            assert (result.status is qnnt.Status.SATISFIABLE) == any(map(goal.accepts, every.tolist()))


@given(instances(max_networks=150, max_points=3, activation=activations), st.data())
def test_the_answer_does_not_hang_on_the_decomposition(instance, data):
    """Any order of elimination and any root: neurons are introduced before and after those they feed."""
    graph = Graph.of(instance.architecture)
    tree = TreeDecomposition.from_order(graph, data.draw(st.permutations(range(graph.n))))
    decomposition = nice(tree.rooted_at(data.draw(st.integers(0, len(tree.bags) - 1))))
    agrees(instance, train(instance, decomposition), every_error(instance))


def instance_of(sizes, d, points, goal=None):
    inputs, labels = zip(*points, strict=True)
    return qnnt.Instance(
        qnnt.Domain(d),
        Architecture.dense(sizes),
        qnnt.Dataset(np.array(inputs), np.array(labels)),
        goal or qnnt.AtMost(0),
    )


def tree_of(bags, edges):
    """Rooted at the first bag."""
    return nice(TreeDecomposition.of(bags, edges))


# Solvable instances, the smallest by neurons, d and points that a recurrence as printed calls impossible.
COUNTEREXAMPLES = {
    # Input 1 is introduced after output 2, so what it sends is never seen.
    Printed.INTRODUCE: (instance_of([2, 1], 2, [([0, 1], [1])]), tree_of([[1, 2], [0, 2]], [(0, 1)])),
    # Inputs 1 and 2 feed output 3 from two branches and would have to send the same.
    Printed.JOIN: (
        instance_of([3, 1], 2, [([0, 0, 1], [1])]),
        tree_of([[0, 3], [1, 3], [2, 3]], [(0, 1), (0, 2)]),
    ),
    # An input receives nothing, so what it has seen is 0 and not its value 1.
    Printed.INPUTS: (instance_of([1, 1], 2, [([1], [0])]), tree_of([[0, 1]], [])),
}


@pytest.mark.parametrize("recurrence", Printed)
def test_the_printed_recurrence_is_wrong(recurrence):
    instance, decomposition = COUNTEREXAMPLES[recurrence]
    graph = Graph.of(instance.architecture)
    assert decomposition.problem(graph) is None
    assert every_error(instance).min() == 0
    assert train(instance, decomposition).possible
    assert not train(instance, decomposition, {recurrence}).possible


def decompositions(architecture):
    """All nice ones that an order of elimination and a root give."""
    graph, found = Graph.of(architecture), {}
    for order in permutations(range(graph.n)):
        tree = TreeDecomposition.from_order(graph, order)
        for root in range(len(tree.bags)):
            decomposition = nice(tree.rooted_at(root))
            found[decomposition.nodes] = decomposition
    return list(found.values())


def small_instances(sizes, d, n_points):
    z_d, architecture = qnnt.Domain(d), Architecture.dense(sizes)
    values = range(z_d.lo, z_d.hi + 1)
    for inputs in combinations(product(values, repeat=architecture.alpha), n_points):
        for labels in product(product(range(z_d.hi + 1), repeat=architecture.omega), repeat=n_points):
            yield instance_of(sizes, d, list(zip(inputs, labels, strict=True)))


@pytest.mark.parametrize("recurrence", Printed)
def test_the_counterexamples_are_the_first(recurrence):
    """By layers, d and points; on the way to them the printed recurrence is right."""
    wrong, _ = COUNTEREXAMPLES[recurrence]
    for sizes in ([1, 1], [2, 1], [1, 2], [1, 1, 1], [3, 1]):
        tried = decompositions(Architecture.dense(sizes))
        if recurrence is Printed.JOIN:  # the others cannot tell
            tried = [nice_ for nice_ in tried if Kind.JOIN in {node.kind for node in nice_.nodes}]
        for d, n_points in product((2, 3), (1, 2)) if tried else ():
            for instance in small_instances(sizes, d, n_points):
                possible = train(instance).possible
                if any(train(instance, nice_, {recurrence}).possible != possible for nice_ in tried):
                    assert (sizes, d) == ([*map(len, wrong.architecture.layers)], wrong.domain.d)
                    assert instance.dataset == wrong.dataset
                    assert possible
                    return
    pytest.fail("no counterexample")


def test_contradicting_points_cannot_both_be_learned():
    points = [([0], [0]), ([0], [1]), ([0], [1])]
    assert not train(instance_of([1, 1], 2, points)).possible
    minimum = train(instance_of([1, 1], 3, points, qnnt.Minimize()))
    assert (minimum.possible, minimum.errors) == (True, 1)


def test_outputs_are_not_independent():
    """Corollary 1 without hidden layer: each output alone has one error, both together two."""
    points = [([0], [0, 1]), ([0], [1, 0])]
    assert not train(instance_of([1, 2], 2, points, qnnt.AtMost(1))).possible
    for j in range(2):
        alone = [(x, [y[j]]) for x, y in points]
        assert train(instance_of([1, 1], 2, alone, qnnt.AtMost(1))).possible


def test_the_oracle_evaluates_activations_by_itself(monkeypatch):
    """A mistake in the activation of the package would not go unnoticed."""
    monkeypatch.setattr(Activation, "levels", lambda *_: pytest.fail("asks the package"))
    asked = replace(instance_of([1, 1, 1], 3, [([-1], [1]), ([1], [-1])]), activation="sign")
    network = train(asked).network
    monkeypatch.undo()
    assert qnnt.check(asked, network).errors == 0


def test_xor_needs_a_hidden_layer():
    xor = [([0, 0], [0]), ([0, 1], [1]), ([1, 0], [1]), ([1, 1], [0])]
    assert not train(instance_of([2, 1], 3, xor)).possible
    assert train(instance_of([2, 1], 3, xor, qnnt.Minimize())).errors == 1
    assert train(instance_of([2, 1], 3, xor, qnnt.Exactly(2))).possible

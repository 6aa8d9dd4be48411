"""Parameters against their definitions, and which theorems apply to the instances of their own proofs."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from strategies import architectures, instances

import qnnt
from qnnt.architecture import Architecture
from qnnt.complexity.parameters import parameters, treewidth
from qnnt.complexity.theorems import guesses, statements, table_bound
from qnnt.reductions import catalogue
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import ExactCover, HittingSet
from qnnt.sparsity.lemma1 import in_degree_bound

SOURCES = {
    "Theorem 1": ("exact-cover", ExactCover.of([[0, 1], [2], [1]], 3)),
    "Theorem 2": ("balanced-sat", Cnf.of([[1, 2, 3], [-1, -2, -3], [1, -2, 3], [-1, 2, -3]])),
    "Theorem 3": ("hitting-set", HittingSet.of([[0, 1], [1, 2]], 3, 1)),
    "Theorem 4": ("three-sat", Cnf.of([[1, 2, 3], [-1, -2, 3], [1, -2, -3]])),
}


def said(instance):
    return {statement.name: statement for statement in statements(parameters(instance))}


@pytest.mark.parametrize("theorem", SOURCES)
def test_a_hardness_theorem_applies_to_what_its_proof_makes(theorem):
    instance = catalogue.generate(*SOURCES[theorem])
    assert said(instance)[theorem].applies
    assert "in its class" in said(instance)[theorem].says
    other = {
        "Theorem 1": "Theorem 4",
        "Theorem 2": "Theorem 1",
        "Theorem 3": "Theorem 2",
        "Theorem 4": "Theorem 3",
    }
    assert not said(instance)[other[theorem]].applies


def test_what_fails_is_named():
    instance = catalogue.generate(*SOURCES["Theorem 1"])
    wrong = said(instance.with_goal(qnnt.AtMost(2)))["Theorem 1"]
    assert (wrong.applies, wrong.says) == (False, "not in its class: ℓ = 2, not 0")
    unknown = said(instance.with_goal(qnnt.Minimize()))
    assert unknown["Theorem 1"].says == "not in its class: ℓ = min, not 0"
    assert unknown["Theorem 6"].says.endswith("; ℓ is to be found, by search")


@given(instances(max_parameters=30, max_networks=3**30))
def test_parameters(instance):
    p, architecture = parameters(instance), instance.architecture
    graph = architecture.graph()
    assert p.max_in_degree == max(d for _, d in graph.in_degree())
    assert p.max_out_degree == max(d for _, d in graph.out_degree())
    assert p.max_degree == max(d for _, d in graph.degree())
    rows = list(zip(instance.dataset.inputs.tolist(), instance.dataset.labels.tolist(), strict=True))
    inputs = {tuple(x) for x, _ in rows}
    assert p.distinct_inputs == len(inputs)
    pairs = {(tuple(x), tuple(y)) for x, y in rows if min(y) >= 0}
    assert p.pairs == len(pairs)
    every = math.prod(1 + sum(pair[0] == x for pair in pairs) for x in inputs)
    assert p.guesses_log10 == pytest.approx(math.log10(every))
    if p.ell is not None:
        few = sum(math.comb(len(pairs), i) for i in range(min(p.ell, len(pairs)) + 1))
        assert guesses(p) == pytest.approx(min(math.log10(every), math.log10(few)))
    assert p.treewidth.lower <= p.treewidth.upper
    assert p.treewidth_without_inputs.upper <= p.treewidth.upper or p.treewidth.lower < p.treewidth.upper
    assert p.log10_table >= 0


@given(architectures(max_parameters=12))
def test_treewidth_is_between_the_bounds(architecture):
    undirected = architecture.graph().to_undirected()
    found = treewidth(architecture)
    assert found.lower == max(nx.core_number(undirected).values())
    if undirected.number_of_nodes() <= 7:
        assert found.lower <= best(nx.convert_node_labels_to_integers(undirected)) <= found.upper


def best(graph):
    """The treewidth, by all sets of eliminated vertices."""
    n = graph.number_of_nodes()
    widths = {frozenset(): -1}
    for _ in range(n):
        new = {}
        for gone, width in widths.items():
            for v in set(graph) - gone:
                inside = graph.subgraph(gone | {v})
                part = nx.node_connected_component(inside, v)
                seen = {u for w in part for u in graph[w]} - part
                key = gone | {v}
                new[key] = min(new.get(key, n), max(width, len(seen)))
        widths = new
    return widths[frozenset(graph)]


@pytest.mark.parametrize("width", [8, 200])
def test_figure_6_is_reported_as_2(width):
    architecture = Architecture.dense([2, 1, width, 1, 2])
    points = np.array(list(product((0, 1), repeat=2)))
    instance = qnnt.Instance(qnnt.Domain(2), architecture, qnnt.Dataset(points, points))
    p = parameters(instance)
    assert (p.width, str(p.treewidth), str(p.treewidth_without_inputs)) == (width, "2", "2")
    assert "2 was found" in said(instance)["Corollary 1"].says


def test_the_table_of_lemma_3():
    """d = 2, one input neuron and one output, one point: b = 2, m = 1, p = 1, Δ = 1, so 2^3·8^4."""
    instance = qnnt.Instance(qnnt.Domain(2), Architecture.dense([1, 1]), qnnt.Dataset([[1]], [[0]]))
    assert parameters(instance).log10_table == pytest.approx(math.log10(2**3 * 8**4))


def test_a_table_is_said_to_have_no_fewer_entries_than_it_may():
    """d = 3, 1-1, one point: 3^3·18^4 = 2,834,352 is no "at most 10^6"."""
    for d, points, words in ((1, 0, "1 entry"), (2, 1, "32,768 entries"), (3, 1, "10^7 entries")):
        data = qnnt.Dataset(*np.zeros((2, points, 1), dtype=int))
        instance = qnnt.Instance(qnnt.Domain(d), Architecture.dense([1, 1]), data)
        assert table_bound(parameters(instance)) == f"at most {words} for a bag"


@pytest.mark.parametrize(("n", "relu", "other"), [(30, 19, 30), (12, 12, 12)])
def test_lemma_1_bounds_the_in_degree_for_relu_alone(n, relu, other):
    """A neuron that is 1 from 25 on needs 25 arcs for a single point of ones."""
    data = qnnt.Dataset([[1] * n], [[1]])
    for activation, bound in (("relu", relu), (qnnt.Activation((25,), (0, 1)), other)):
        instance = qnnt.Instance(qnnt.Domain(2), Architecture.dense([n, 1]), data, activation=activation)
        assert 10 ** parameters(instance).log10_in_degree == pytest.approx(bound)
    assert in_degree_bound(2, 1) == 19


def test_the_guesses_of_a_large_budget_are_counted_to_the_end():
    instance = qnnt.Instance(qnnt.Domain(2), Architecture.dense([1, 1]), qnnt.Dataset([[0]], [[0]]))
    p = replace(parameters(instance), pairs=3000, guesses_log10=3000 * math.log10(2), ell=1400)
    few = term = 1
    for i in range(1, 1401):
        term = term * (3001 - i) // i
        few += term
    assert guesses(p) == pytest.approx(math.log10(few))
    assert guesses(replace(p, ell=2000)) == pytest.approx(p.guesses_log10)


@pytest.mark.parametrize(("activation", "paper"), [("relu", True), ("step", True), (("relu", "step"), True)])
def test_hardness_is_said_of_the_paper_s_activation_alone(activation, paper):
    """For d = 2, step is ReLU_2; any other activation is outside the classes of the proofs."""
    kind, source = SOURCES["Theorem 1"]
    made = catalogue.generate(kind, source)
    other = qnnt.Instance(made.domain, made.architecture, made.dataset, made.goal, activation=activation)
    assert next(s for s in statements(parameters(other)) if s.name == "Theorem 1").applies is paper
    late = qnnt.Activation((0,), (0, 1))
    other = qnnt.Instance(made.domain, made.architecture, made.dataset, made.goal, activation=late)
    statement = next(s for s in statements(parameters(other)) if s.name == "Theorem 1")
    assert not statement.applies
    assert "activation [0 below 0, 1 from 0 on], not ReLU_d" in statement.says

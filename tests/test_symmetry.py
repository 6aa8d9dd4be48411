"""Interchangeable neurons: found as the definition says, and ordered so that no error is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pysat.solvers import Solver
from strategies import activations, domains, instances, networks

import qnnt
from qnnt import registry
from qnnt.activation import ActivationLike
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.backends.sat import as_model, load
from qnnt.encoders import clauses, indicator
from qnnt.encoders.clauses import ClauseEncoder
from qnnt.symmetry import (
    Interchange,
    arranged,
    interchangeable_inputs,
    interchangeable_outputs,
    interchanges,
)
from qnnt.testing import reference

SHAPES = [(2, 2, [2, 1]), (2, 2, [3, 1]), (2, 2, [2, 2]), (2, 2, [2, 2, 1]), (3, 3, [2, 1]), (3, 3, [1, 2])]
SHAPES += [(2, 2, [1, 2, 2]), (3, 4, [3, 1]), (3, 3, [2, 1, 1]), (2, 2, [2, 1, 2]), (2, 2, [1, 1, 2, 1])]


def closed(data: qnnt.Dataset, inputs: list[int], outputs: list[int]) -> qnnt.Dataset:
    """All rows that permuting some inputs, and some outputs, makes of those of the data."""
    x, y, n = [], [], []
    for one in permutations(inputs):
        for two in permutations(outputs):
            columns, labels = np.arange(data.alpha), np.arange(data.omega)
            columns[inputs], labels[outputs] = one, two
            x.append(data.inputs[:, columns])
            y.append(data.labels[:, labels])
            n.append(data.counts)
    return qnnt.Dataset(np.concatenate(x), np.concatenate(y), np.concatenate(n))


def subset(size: int) -> st.SearchStrategy[list[int]]:
    return st.sets(st.integers(0, size - 1), min_size=min(size, 2)).map(sorted)


@st.composite
def symmetric_instances(
    draw: st.DrawFn,
    activation: Callable[[qnnt.Domain], st.SearchStrategy[ActivationLike]] = activations,
) -> qnnt.Instance:
    """At most some thousand networks, and data that permutations of inputs and outputs leave as they are."""
    least, most, sizes = draw(st.sampled_from(SHAPES))
    domain = draw(domains(max_d=most, min_d=least))
    architecture = qnnt.Architecture.dense(sizes)
    shown = draw(activation(domain))
    value = st.integers(domain.lo, domain.hi)
    label = st.one_of(st.sampled_from(qnnt.activation.Activations.of(shown, domain).output.values), value)
    row = st.tuples(
        st.lists(value, min_size=sizes[0], max_size=sizes[0]),
        st.lists(label, min_size=sizes[-1], max_size=sizes[-1]),
        st.integers(1, 2),
    )
    x, y, n = zip(*draw(st.lists(row, min_size=1, max_size=3)), strict=True)
    data = closed(qnnt.Dataset(x, y, n), draw(subset(sizes[0])), draw(subset(sizes[-1])))
    return qnnt.Instance(domain, architecture, data, activation=shown)


@st.composite
def changed_instances(draw: st.DrawFn) -> qnnt.Instance:
    """Symmetric data of which a count or a row is changed, and perhaps arcs left out."""
    instance = draw(symmetric_instances())
    domain, data, arcs = instance.domain, instance.dataset, instance.architecture.arcs
    x, y, n = data.inputs.copy(), data.labels.copy(), data.counts.copy()
    row, kind = draw(st.integers(0, len(x) - 1)), draw(st.sampled_from(["count", "input", "label", "none"]))
    if kind == "count":
        n[row] += 1
    elif kind != "none":
        table = x if kind == "input" else y
        table[row, draw(st.integers(0, table.shape[1] - 1))] = draw(st.integers(domain.lo, domain.hi))
    architecture, gone = instance.architecture, draw(st.sets(st.sampled_from(arcs), max_size=2))
    with suppress(qnnt.InputError):  # a neuron would have no arc
        architecture = qnnt.Architecture(architecture.layers, [arc for arc in arcs if arc not in gone])
    return replace(instance, architecture=architecture, dataset=qnnt.Dataset(x, y, n))


def one_layer(arcs: str, x: list[list[int]], y: list[list[int]], n: list[int] | None = None) -> qnnt.Instance:
    """Inputs a, b, c and outputs y, z, with arcs such as "ay bz"."""
    pairs = [(arc[0], arc[1]) for arc in arcs.split()]
    layers = [sorted({a for a, _ in pairs}), sorted({b for _, b in pairs})]
    return qnnt.Instance(
        qnnt.Domain(3), qnnt.Architecture(layers, pairs), qnnt.Dataset(x, y, n), activation="step"
    )


# Rows that only their counts tell apart; as many targets, or sources, but others; and columns that agree in
# all sums and products.
OTHER_COUNTS = [
    one_layer("ay by", [[0, 1], [1, 0]], [[1], [1]], [1, 2]),
    one_layer("ay az", [[1], [1]], [[0, 1], [1, 0]], [1, 2]),
]
OTHER_TARGETS = one_layer("ay bz", [[1, 1], [-1, -1]], [[1, 0], [0, 1]])
OTHER_SOURCES = one_layer("ay bz", [[1, 0], [-1, 0]], [[1, 1], [0, 0]])
ROTATED = one_layer("ay by cy", [[1, -1, 0], [0, 1, -1], [-1, 0, 1]], [[1], [1], [1]])


def classes_of(size: int, exchangeable: Callable[[int, int], bool]) -> list[set[int]]:
    classes: list[set[int]] = []
    for i in range(size):
        mine = [c for c in classes if exchangeable(min(c), i)]
        assert len(mine) <= 1
        (mine[0] if mine else classes.append({i}) or set()).add(i)
    for c in classes:
        assert all(exchangeable(i, j) for i, j in combinations(sorted(c), 2))
    return [c for c in classes if len(c) > 1]


def exchanged(row: tuple[int, ...], i: int, j: int) -> tuple[int, ...]:
    changed = list(row)
    changed[i], changed[j] = row[j], row[i]
    return tuple(changed)


@settings(max_examples=max(100, settings().max_examples))
@example(OTHER_COUNTS[0])
@example(OTHER_COUNTS[1])
@example(OTHER_TARGETS)
@example(OTHER_SOURCES)
@example(ROTATED)
@given(st.one_of(symmetric_instances(), changed_instances(), instances(min_points=1, activation=activations)))
def test_classes_are_those_of_the_definition(instance: qnnt.Instance) -> None:
    architecture, data = instance.architecture, instance.dataset
    shown = set(instance.activation.output.values)
    rows: Counter[tuple[tuple[int, ...], tuple[int, ...]]] = Counter()
    for x, y, n in zip(data.inputs.tolist(), data.labels.tolist(), data.counts.tolist(), strict=True):
        if shown.issuperset(y):
            rows[tuple(x), tuple(y)] += n

    def inputs(i: int, j: int) -> bool:
        targets = [{b for a, b in architecture.arcs if a == architecture.layers[0][k]} for k in (i, j)]
        return targets[0] == targets[1] and rows == Counter(
            {(exchanged(x, i, j), y): n for (x, y), n in rows.items()}
        )

    def outputs(i: int, j: int) -> bool:
        sources = [{a for a, b in architecture.arcs if b == architecture.layers[-1][k]} for k in (i, j)]
        return sources[0] == sources[1] and rows == Counter(
            {(x, exchanged(y, i, j)): n for (x, y), n in rows.items()}
        )

    assert sorted(map(set, interchangeable_inputs(instance)), key=min) == classes_of(
        architecture.alpha, inputs
    )
    assert sorted(map(set, interchangeable_outputs(instance)), key=min) == classes_of(
        architecture.omega, outputs
    )


@given(st.one_of(symmetric_instances(), instances(max_networks=10**6)), st.data())
def test_arranging_exchanges_neurons_until_they_are_in_order(
    instance: qnnt.Instance, data: st.DataObject
) -> None:
    network, classes = data.draw(networks(instance.domain, instance.architecture)), interchanges(instance)
    network = replace(instance.network(network.vector), encoding={"columns": [], "targets": []})
    ordered = arranged(network, classes)
    assert ordered == arranged(ordered, classes)
    assert ordered.encoding == network.encoding
    assert ordered.error(instance.dataset) == network.error(instance.dataset)
    for each in classes:
        keys = ordered.vector[each.keys].tolist()
        assert keys == sorted(keys)


@given(symmetric_instances(), st.data())
def test_any_exchange_keeps_the_error(instance: qnnt.Instance, data: st.DataObject) -> None:
    network = instance.network(data.draw(networks(instance.domain, instance.architecture)).vector)
    for each in interchanges(instance):
        vector, order = network.vector, data.draw(st.permutations(range(len(each.members))))
        vector[each.parameters] = vector[each.parameters[order]]
        assert instance.network(vector).error(instance.dataset) == network.error(instance.dataset)


def possible(instance: qnnt.Instance) -> set[int]:
    return {int(e) for block in parameter_blocks(instance) for e in count_errors(instance, block)}


def kept(instance: qnnt.Instance, errors: int) -> bool:
    """Whether the ordered clauses have a model of exactly so many errors."""
    formula, lift = ClauseEncoder().apply(instance.with_goal(qnnt.Exactly(errors)))
    with Solver(name="glucose4") as solver:
        load(solver, formula.hard)
        if not solver.solve():
            return False
        network = lift(as_model(solver.get_model(), formula.n_variables))
    assert network.error(instance.dataset) == errors
    for each in interchanges(instance):
        keys = network.vector[each.keys].tolist()
        assert keys == sorted(keys)
    return True


@settings(max_examples=60)
@given(symmetric_instances())
def test_clauses_keep_a_network_of_every_error(instance: qnnt.Instance) -> None:
    every = possible(instance)
    assert {e for e in range(instance.dataset.total + 2) if kept(instance, e)} == every


@pytest.mark.parametrize("encoder", [e.name for e in registry.encoders() if e.name != "direct"])
@pytest.mark.parametrize("symmetry", [True, False])
def test_every_encoder_keeps_every_answer(encoder: str, symmetry: bool) -> None:
    @settings(max_examples=20)
    @given(symmetric_instances())
    def run(instance: qnnt.Instance) -> None:
        every = possible(instance)
        least = min(every)
        goals = [qnnt.Minimize(), qnnt.AtMost(least), *map(qnnt.Exactly, sorted(every))]
        for goal in goals:
            model, lift = registry.encoder(encoder, symmetry=symmetry).apply(instance.with_goal(goal))
            assignment = reference.solve(model)
            assert assignment is not None
            error = lift(assignment).error(instance.dataset)
            assert error == least if goal.minimizes else goal.accepts(error)
        if least:
            below = instance.with_goal(qnnt.AtMost(least - 1))
            model, _ = registry.encoder(encoder, symmetry=symmetry).apply(below)
            assert reference.solve(model) is None

    run()


# Two inputs and two hidden neurons can be exchanged at once. The networks without an error want weights such
# as (-1, 1) and (1, -1): with rising rows and falling columns there would be none.
OPPOSITE = qnnt.Instance(
    qnnt.Domain(3),
    qnnt.Architecture.dense([2, 2, 1]),
    qnnt.Dataset(
        [[-1, 0], [0, -1], [0, 0], [-1, 1], [1, -1], [0, 1], [1, 0]], [[0], [0], [0], [1], [1], [0], [0]]
    ),
    activation="step",
)


def test_rows_and_columns_rise_in_one_order() -> None:
    assert [(each.layer, each.members) for each in interchanges(OPPOSITE)] == [(0, (0, 1)), (1, (0, 1))]
    every = possible(OPPOSITE)
    assert min(every) == 0
    assert {e for e in every if kept(OPPOSITE, e)} == every


@pytest.mark.parametrize("module", [clauses, indicator])
def test_columns_that_fall_would_lose_networks(module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above see an order of the inputs against that of the hidden neurons."""

    def against(instance: qnnt.Instance) -> tuple[Interchange, ...]:
        return tuple(
            each if each.layer else Interchange(0, each.members[::-1], each.parameters[::-1], each.compared)
            for each in interchanges(instance)
        )

    monkeypatch.setattr(module, "interchanges", against)
    encoder = "clauses" if module is clauses else "pseudo-boolean"
    model, _ = registry.encoder(encoder).apply(OPPOSITE.with_goal(qnnt.AtMost(0)))
    assert reference.solve(model) is None

"""Dense networks by layers: what a layer can show, and depth that costs nothing."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qnnt
from qnnt.activation import relu
from qnnt.backends.treewidth import layered
from qnnt.backends.treewidth.layered import Layered, maximal, multisets
from qnnt.backends.treewidth.task import Budget, Task
from qnnt.backends.treewidth.vectors import Reachable, pack, unpack


def parity(d):
    domain = qnnt.Domain(d)
    inputs = np.array(list(product(range(domain.lo, domain.hi + 1), repeat=2)))
    return inputs, inputs.sum(axis=1) % 2


def task_of(d, sizes, inputs, labels):
    allowed = np.zeros((len(inputs), 1, d // 2 + 1), dtype=bool)
    allowed[np.arange(len(inputs)), 0, labels] = True
    return Task(qnnt.Architecture.dense(sizes), qnnt.Domain(d), inputs, allowed)


@pytest.mark.parametrize(
    ("d", "width", "depth", "exists"),
    [
        (2, 3, 1, False),
        (2, 3, 9, False),
        (3, 2, 1, False),
        (3, 2, 5, False),
        (3, 3, 3, False),
        (3, 4, 1, True),
    ],
)
def test_parity(d, width, depth, exists):
    inputs, labels = parity(d)
    task = task_of(d, [2, *[width] * depth, 1], inputs, labels)
    found = Layered(task, Budget()).solve()
    assert (found is not None) == exists
    if exists:
        network = qnnt.Network.from_vector(task.architecture, task.domain, found)
        assert network.error(qnnt.Dataset(inputs, labels[:, None])) == 0


def test_a_deep_network_takes_the_transitions_of_a_shallow_one():
    inputs, labels = parity(2)
    made = {}
    for depth in (6, 1000):
        program = Layered(task_of(2, [2, *[3] * depth, 1], inputs, labels), Budget())
        assert program.solve() is None
        made[depth] = len(program._steps)
    assert made[6] == made[1000]


def test_a_deep_network_is_rebuilt():
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    instance = qnnt.Instance(
        qnnt.Domain(2),
        qnnt.Architecture.dense([2, *[2] * 300, 1]),
        qnnt.Dataset(inputs, [[0], [0], [0], [1]]),
    )
    result = qnnt.solve(instance, isolate=False)
    assert (result.backend, result.status, result.errors) == ("treewidth", qnnt.Status.SATISFIABLE, 0)


@given(st.integers(1, 6), st.integers(1, 4))
def test_multisets(m, k):
    rows = [tuple(r) for r in multisets(m, k).tolist()]
    assert rows == [c for c in product(range(m), repeat=k) if list(c) == sorted(c)]


@given(st.sets(st.integers(1, 2**9 - 1), min_size=1, max_size=40))
def test_maximal(sets):
    bits = np.array(sorted(sets), dtype=np.uint64)[:, None]
    kept = {int(bits[i, 0]) for i in maximal(bits, Budget())}
    assert kept == {s for s in sets if not any(s & ~t == 0 and s != t for t in sets)}


@given(st.data(), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4))
def test_reachable_is_what_all_parameters_show(data, d, k, n):
    domain = qnnt.Domain(d)
    value = st.integers(domain.lo, domain.hi)
    sources = np.array(data.draw(st.lists(st.lists(value, min_size=n, max_size=n), min_size=k, max_size=k)))
    neuron = Reachable(domain, sources, Budget())
    values = range(domain.lo, domain.hi + 1)
    every = {
        tuple(relu(domain)(np.array(weights) @ sources - bias).tolist())
        for *weights, bias in product(values, repeat=k + 1)
    }
    assert [tuple(v) for v in neuron.vectors.tolist()] == sorted(every)
    for i, vector in enumerate(neuron.vectors):
        weights, bias = neuron.parameters(i)
        assert (relu(domain)(np.array(weights) @ sources - bias) == vector).all()
    base = domain.hi + 1
    assert (unpack(pack(neuron.vectors, base), base, n) == neuron.vectors).all()


def test_layers_of_sparse_connections_are_left_to_bags():
    layers = [["x"], ["a", "b"], ["c", "e"], ["y"]]
    sparse = qnnt.Architecture(
        layers, [("x", "a"), ("x", "b"), ("a", "c"), ("b", "e"), ("c", "y"), ("e", "y")]
    )
    assert not layered.applies(sparse)
    assert layered.applies(qnnt.Architecture.dense([3, 2, 2]))

"""Dense networks by layers: what a layer can show, and depth that costs nothing."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations

import qnnt
from qnnt.backends.treewidth import layered
from qnnt.backends.treewidth.layered import Layered, maximal, multisets
from qnnt.backends.treewidth.space import Space
from qnnt.backends.treewidth.task import Budget, Task
from qnnt.backends.treewidth.vectors import Reachable, digits, pack, unpack

pytestmark = pytest.mark.usefixtures("unaided")


def parity(d):
    domain = qnnt.Domain(d)
    inputs = np.array(list(product(range(domain.lo, domain.hi + 1), repeat=2)))
    return inputs, inputs.sum(axis=1) % 2


def task_of(d, sizes, inputs, labels):
    allowed = np.zeros((len(inputs), 1, d // 2 + 1), dtype=bool)
    allowed[np.arange(len(inputs)), 0, labels] = True
    instance = qnnt.Instance(
        qnnt.Domain(d), qnnt.Architecture.dense(sizes), qnnt.Dataset(inputs, labels[:, None])
    )
    return Task(Space.of(instance), inputs, allowed)


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
        network = qnnt.Network.from_vector(task.space.architecture, task.space.domain, found)
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
    activation = data.draw(activations(domain)).hidden
    sources = np.array(data.draw(st.lists(st.lists(value, min_size=n, max_size=n), min_size=k, max_size=k)))
    neuron = Reachable(domain, activation, sources, Budget())
    values = range(domain.lo, domain.hi + 1)
    every = {
        tuple(activation.levels(np.array(weights) @ sources - bias).tolist())
        for *weights, bias in product(values, repeat=k + 1)
    }
    assert [tuple(v) for v in neuron.vectors.tolist()] == sorted(every)
    for i, vector in enumerate(neuron.vectors):
        weights, bias = neuron.parameters(i)
        assert (activation.levels(np.array(weights) @ sources - bias) == vector).all()
        assert neuron.find(vector) == i


@given(st.data(), st.sampled_from([1, 2, 3, 7, 1000]), st.integers(1, 130))
def test_packed_vectors_are_unpacked(data, base, n):
    """Also if one number cannot hold them."""
    level = st.integers(0, base - 1)
    vectors = np.array(data.draw(st.lists(st.lists(level, min_size=n, max_size=n), min_size=1, max_size=3)))
    codes = pack(vectors, base)
    assert (codes.ndim == 1) == (n <= digits(base))
    assert (unpack(codes, base, n) == vectors).all()


XNOR = np.array(list(product((-1, 1), repeat=2))), np.array([1, -1, -1, 1])


@pytest.mark.parametrize(("hidden", "output"), [("sign", "sign"), ("relu", "sign"), ("sign", "step")])
@pytest.mark.parametrize("depth", [1, 2, 200])
def test_values_below_zero_pass_through_all_layers(hidden, output, depth):
    inputs, labels = XNOR
    if output == "step":
        labels = labels * (labels > 0)
    architecture = qnnt.Architecture.dense([2, *[2] * depth, 1])
    data = qnnt.Dataset(inputs, labels[:, None])
    instance = qnnt.Instance(qnnt.Domain(3), architecture, data, activation=(hidden, output))
    result = qnnt.solve(instance, backend="treewidth", isolate=False)
    assert (result.status, result.errors) == (qnnt.Status.SATISFIABLE, 0)


def test_a_transition_belongs_to_its_activations():
    """The outputs show other levels than the hidden layers, whose transitions soon repeat."""
    inputs, labels = XNOR
    made = {}
    for depth in (6, 1000):
        architecture = qnnt.Architecture.dense([2, *[1] * depth, 1])
        data = qnnt.Dataset(inputs, labels[:, None])
        instance = qnnt.Instance(qnnt.Domain(3), architecture, data, activation=("relu", "sign"))
        allowed = (labels[:, None, None] > 0) == np.array([[[False, True]]])
        program = Layered(Task(Space.of(instance), inputs, allowed), Budget())
        assert program.solve() is None
        made[depth] = len(program._steps)
    assert made[6] == made[1000]


def test_layers_of_sparse_connections_are_left_to_bags():
    layers = [["x"], ["a", "b"], ["c", "e"], ["y"]]
    sparse = qnnt.Architecture(
        layers, [("x", "a"), ("x", "b"), ("a", "c"), ("b", "e"), ("c", "y"), ("e", "y")]
    )
    assert not layered.applies(sparse)
    assert layered.applies(qnnt.Architecture.dense([3, 2, 2]))

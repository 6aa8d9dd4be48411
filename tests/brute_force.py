"""Tiny instances and what exhaustive search says of them."""

from itertools import product

import numpy as np
from hypothesis import strategies as st

from qnnt.activation import Activations
from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.goals import AtMost, Exactly, Minimize
from qnnt.instance import Instance
from qnnt.limits import Status


def error(instance, vector):
    """How many points a network gets wrong, by the definition of its neurons and nothing else."""
    architecture, vector = instance.architecture, [int(v) for v in vector]
    weights, biases = vector[: architecture.n_arcs], iter(vector[architecture.n_arcs :])
    into = {v: [] for v in architecture.names}
    for (u, v), weight in zip(architecture.arcs, weights, strict=True):
        into[v].append((u, weight))
    inputs, *layers = architecture.layers
    said = instance.activation
    neurons = [
        (v, next(biases), said.output if layer is layers[-1] else said.hidden)
        for layer in layers
        for v in layer
    ]
    wrong, data = 0, instance.dataset
    for x, y, n in zip(data.inputs.tolist(), data.labels.tolist(), data.counts.tolist(), strict=True):
        values = dict(zip(inputs, x, strict=True))
        for v, bias, activation in neurons:
            z = sum(weight * values[u] for u, weight in into[v]) - bias
            values[v] = activation.values[sum(t <= z for t in activation.thresholds)]
        wrong += n * ([values[v] for v in layers[-1]] != y)
    return wrong


def errors(instance):
    """How many points each of the d^parameters networks gets wrong."""
    values = range(instance.domain.lo, instance.domain.hi + 1)
    n = instance.architecture.n_parameters
    return np.array([error(instance, vector) for vector in product(values, repeat=n)])


_SIZES = [
    [1, 1],
    [2, 1],
    [1, 2],
    [1, 1, 1],
    [2, 1, 1],
    [1, 2, 1],
    [2, 2, 1],
    [1, 1, 2],
    [1, 1, 1, 1],
    [1, 2, 2, 1],
]


@st.composite
def instances(draw, most=1100, activation=lambda _: st.just("relu")):
    """Instances with at most ``most`` networks; ``activation`` draws one for a domain."""
    d = draw(st.integers(1, 5))
    domain = Domain(d)
    sizes = draw(st.sampled_from([s for s in _SIZES if d ** Architecture.dense(s).n_parameters <= most]))
    dense = Architecture.dense(sizes)
    arcs = dense.arcs
    dropped = draw(st.sets(st.sampled_from(arcs), max_size=len(arcs) // 2))
    try:
        architecture = Architecture(dense.layers, [a for a in arcs if a not in dropped])
    except InputError:  # an arc too many was dropped
        architecture = dense
    shown = Activations.of(draw(activation(domain)), domain)
    value = st.integers(domain.lo, domain.hi)
    label = st.one_of(st.sampled_from(shown.output.values), value)
    rows = draw(
        st.lists(
            st.tuples(
                st.tuples(*[value] * architecture.alpha),
                st.tuples(*[label] * architecture.omega),
                st.integers(1, 3),
            ),
            max_size=6,
        )
    )
    dataset = Dataset(
        np.array([r[0] for r in rows], dtype=int).reshape(-1, architecture.alpha),
        np.array([r[1] for r in rows], dtype=int).reshape(-1, architecture.omega),
        np.array([r[2] for r in rows], dtype=int),
    )
    total = dataset.total
    goal = draw(
        st.one_of(
            st.just(Minimize()),
            st.builds(AtMost, st.integers(0, total + 1)),
            st.builds(Exactly, st.integers(0, total + 1)),
        )
    )
    return Instance(domain, architecture, dataset, goal, activation=shown)


def expect(instance, answer, lift):
    """Compare an answer with exhaustive search."""
    every = errors(instance)
    if isinstance(instance.goal, Minimize):
        assert answer.status == Status.OPTIMAL
        assert answer.cost == answer.bound == every.min()
        assert error(instance, lift(answer.assignment).vector) == every.min()
    elif any(instance.goal.accepts(int(e)) for e in every):
        assert answer.status == Status.SATISFIABLE
        assert instance.goal.accepts(error(instance, lift(answer.assignment).vector))
        assert instance.goal.accepts(answer.cost)
    else:
        assert answer.status == Status.UNSATISFIABLE

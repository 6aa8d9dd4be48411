"""Tiny instances and what exhaustive search says of them."""

from itertools import product

import numpy as np
from hypothesis import strategies as st

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.goals import AtMost, Exactly, Minimize
from qnnt.instance import Instance
from qnnt.limits import Status
from qnnt.network import Network


def errors(instance):
    """How many points each of the d^parameters networks gets wrong."""
    values = range(instance.domain.lo, instance.domain.hi + 1)
    architecture, domain = instance.architecture, instance.domain
    return np.array(
        [
            Network.from_vector(architecture, domain, np.array(v)).error(instance.dataset)
            for v in product(values, repeat=architecture.n_parameters)
        ]
    )


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
def instances(draw, most=1100):
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
    value = st.integers(domain.lo, domain.hi)
    rows = draw(
        st.lists(
            st.tuples(
                st.tuples(*[value] * architecture.alpha),
                st.tuples(*[value] * architecture.omega),
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
    return Instance(domain, architecture, dataset, goal)


def expect(instance, answer, lift):
    """Compare an answer with exhaustive search."""
    every = errors(instance)
    if isinstance(instance.goal, Minimize):
        assert answer.status == Status.OPTIMAL
        assert answer.cost == answer.bound == every.min()
        assert lift(answer.assignment).error(instance.dataset) == every.min()
    elif any(instance.goal.accepts(int(e)) for e in every):
        assert answer.status == Status.SATISFIABLE
        assert instance.goal.accepts(lift(answer.assignment).error(instance.dataset))
        assert instance.goal.accepts(answer.cost)
    else:
        assert answer.status == Status.UNSATISFIABLE
